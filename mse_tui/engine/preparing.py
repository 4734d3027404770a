"""What comes before an execution's first mailbox, and what may keep it from one.

Executions and looking what one would do go the same way here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from mse_tui.directory.directory import Member, Membership, SkippedEntry
from mse_tui.engine.groups import TaskGroup
from mse_tui.engine.journal import MailboxJournal, Outcome
from mse_tui.engine.standing import Standing
from mse_tui.features.feature import Feature
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.setting_faults import in_words
from mse_tui.terms import Light, TaskType

_ENDS_EXECUTION = (Reason.PASSWORD_REFUSED, Reason.ACCOUNT_HALTED, Reason.DISK_FULL, Reason.DATABASE_DAMAGED)
"""What the next mailbox would meet as well: no other one is tried."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the group's mailboxes a person chose; all by default."""

    mailboxes: tuple[str, ...] = ()
    first: int | None = None
    again: bool = False
    """They had a turn before: those that have left the group since are skipped, not refused."""

    def of(self, members: Sequence[Member]) -> list[Member]:
        """The chosen ones, in the group's order.

        Raises Problem invalid for one that is not in the group; where they are run again, only if none is.
        """
        chosen = list(members)
        if self.mailboxes:
            chosen = [member for member in members if {member.address, member.entry} & self._wanted]
            missing = self._missing(members)
            if missing and not (self.again and chosen):
                raise Problem(
                    Reason.INVALID,
                    f"Not in the task's group: {', '.join(missing)}.",
                    "Choose among the group's mailboxes.",
                )
        return chosen if self.first is None else chosen[: self.first]

    def skipped(self, membership: Membership) -> list[SkippedEntry]:
        """What of the group's answer there is to tell: of all its entries, else of those that were to be run again."""
        if not self.mailboxes:
            return list(membership.skipped)
        if not self.again:
            return []
        told = {one.entry.strip().lower(): one for one in membership.skipped}
        return [
            told.get(address) or SkippedEntry(address, Reason.LEFT_GROUP, explain(Reason.LEFT_GROUP).happened)
            for address in self._missing(membership.included)
        ]

    @property
    def _wanted(self) -> set[str]:
        return {address.strip().lower() for address in self.mailboxes}

    def _missing(self, members: Sequence[Member]) -> list[str]:
        return sorted(self._wanted - {name for member in members for name in (member.address, member.entry)})


@dataclass(frozen=True, slots=True)
class Work:
    """What an execution has to do."""

    feature: Feature
    definition: BaseModel
    membership: Membership
    outcome: Outcome
    """What is to be said of the execution whatever its mailboxes come to."""


def prepare(
    task_type: TaskType,
    settings: str,
    features: Mapping[TaskType, Feature],
    resolve: Callable[[bool], TaskGroup],
) -> Work:
    """Read the definition's settings (JSON) and resolve the group; `resolve` is told whether the type is destructive.

    Raises Problem: an execution ends red, nothing is touched.
    """
    feature = features.get(task_type)
    if feature is None:
        raise Problem(Reason.INVALID, f"This version can't execute tasks of type {task_type}.")
    try:
        definition = feature.definition.model_validate_json(settings)
    except ValidationError as error:
        said = in_words(feature.definition, error)
        raise Problem(Reason.INVALID, f"The task's definition is not valid: {said}.") from error
    found = resolve(feature.destructive)
    return Work(feature, definition, found.membership, _said_of(found))


def _said_of(found: TaskGroup) -> Outcome:
    if found.stale:
        return Outcome(Light.ORANGE, str(Reason.GROUP_STALE), found.stale)
    if not found.membership.included:
        confirmed = f", as {found.confirmed_by} confirmed" if found.confirmed_by else ""
        return Outcome(Light.GREEN, message=f"The group is empty{confirmed}.")
    return Outcome(Light.GREEN)


def refuse_fallen(standing: Standing, member: Member, feature: Feature, journal: MailboxJournal) -> None:
    """Raises Problem where the account is not active and licensed now, or that can't be told and has to be."""
    try:
        fallen = standing.of(member.address)
    except Problem as problem:
        if feature.destructive:
            raise
        journal.warn(problem.reason, f"Whether the account is active could not be told: {problem.happened}")
        return
    if fallen is not None:
        raise Problem(fallen.reason, fallen.message)


def ends_execution(outcome: Outcome) -> bool:
    """Whether no other mailbox is tried after one that came to this."""
    return outcome.light is Light.RED and outcome.reason in _ENDS_EXECUTION
