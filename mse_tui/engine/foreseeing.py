"""What an execution of a task would do, mailbox by mailbox, without one: nothing is started, kept or changed.

While a mailbox is looked at its lock is held.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from pydantic import BaseModel

from mse_tui.archive.packs import Packs
from mse_tui.directory.directory import GroupReference, Member, SkippedEntry
from mse_tui.engine.claims import group_of
from mse_tui.engine.clock import Clock
from mse_tui.engine.groups import TaskGroups
from mse_tui.engine.journal import MailboxJournal, Outcome, failed, left_out
from mse_tui.engine.locks import locked
from mse_tui.engine.preparing import Choice, ends_execution, prepare, refuse_fallen
from mse_tui.engine.standing import Standing
from mse_tui.engine.summing_up import done_said, summed_up
from mse_tui.exchange.mailbox import Exchange
from mse_tui.features.feature import Feature, MailboxRun
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Definition, Task
from mse_tui.terms import Light, TaskType


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would be done to one mailbox, or why an entry of the group is none."""

    address: str
    mode: str
    """full or differential; '' where the task type knows no such thing."""
    light: Light
    reason: str
    message: str
    counters: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Number by reason."""
    failures: Sequence[Mapping[str, str | None]] = ()
    """Items that could not be looked at: item, reason, message."""
    would_change: Sequence[Mapping[str, str | None]] = ()
    """The first items that would be changed, alike."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """A task that is looked at, to its group."""

    task_id: int
    description: str
    group: GroupReference


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """What is needed to look."""

    exchange: Exchange
    groups: TaskGroups
    standing: Standing
    features: Mapping[TaskType, Feature]
    packs: Packs
    clock: Clock
    cancel: Event
    """Set: what is looked at ends at its next item."""
    public_url: str = ""

    def execution(self, task_id: int, choice: Choice) -> "ForeseenExecution":
        """An execution of the task as it is now, up to its first mailbox."""
        row: Any = Task.select(Task, Definition).join(Definition).where(Task.id == task_id).get()
        task = _Looked(task_id, row.description, group_of(row))
        try:
            work = prepare(
                TaskType(row.type),
                row.definition.settings,
                self.features,
                lambda destructive: self.groups.look(task, destructive=destructive),
            )
            members, skipped = choice.of(work.membership.included), choice.skipped(work.membership)
        except Problem as problem:
            return ForeseenExecution(self, task_id, own=Outcome(Light.RED, str(problem.reason), problem.happened))
        return ForeseenExecution(self, task_id, members, skipped, (work.feature, work.definition), work.outcome)

    def look(
        self, feature: Feature, definition: BaseModel, task_id: int, member: Member, journal: MailboxJournal
    ) -> Outcome:
        """Look at one mailbox, holding its lock. Raises Problem."""
        refuse_fallen(self.standing, member, feature, journal)
        with self.exchange.mailbox(member.address, self.cancel, journal.on_wait) as mailbox:
            identity = mailbox.identity()
            with locked(mailbox, "task run --what-if") as lock:
                run = MailboxRun(
                    task_id, mailbox, identity, definition, self.packs, lock, journal, self.cancel, self.public_url
                )
                feature.foresee(run)
        return journal.conclude()


@dataclass(slots=True)
class ForeseenExecution:
    """An execution that does not take place."""

    by: Foreseeing
    task_id: int
    members: Sequence[Member] = ()
    """Whose turn it would be, in this order."""
    skipped: Sequence[SkippedEntry] = ()
    """Entries of the group that are none."""
    work: tuple[Feature, BaseModel] | None = None
    """None where it would end before its first mailbox."""
    own: Outcome = field(default_factory=lambda: Outcome(Light.GREEN))
    """What would be said of it whatever its mailboxes come to."""
    mailboxes: list[Foreseen] = field(default_factory=list)
    """Those that have been looked at."""

    def look(self) -> Iterator[Foreseen]:
        """One mailbox after the other, until one is met at which an execution would end."""
        for member in self.members if self.work is not None else ():
            assert self.work is not None
            journal = _Unwritten(self.task_id, 0, self.by.clock, self.by.cancel.is_set)
            try:
                outcome = self.by.look(*self.work, self.task_id, member, journal)
            except Problem as problem:
                outcome = failed(problem)
            self.mailboxes.append(journal.told(member.address, outcome))
            yield self.mailboxes[-1]
            if ends_execution(outcome):
                self.own = outcome
                return

    def left_out(self) -> list[Foreseen]:
        """Entries of the group that would be skipped."""
        told = [(entry.entry, left_out(entry)) for entry in self.skipped]
        return [Foreseen(name, "", outcome.light, outcome.reason, outcome.message) for name, outcome in told]

    def whole(self) -> Outcome:
        """What the task summary log would say, by what has been looked at."""
        mailboxes = [Outcome(one.light, one.reason, one.message) for one in self.mailboxes]
        counters: Counter[str] = Counter()
        for one in self.mailboxes:
            counters.update(one.counters)
        entries = [left_out(entry) for entry in self.skipped]
        return summed_up(mailboxes, self.own, entries, done_said(counters, looking=True))


class _Unwritten(MailboxJournal):
    """A journal that is kept in memory alone."""

    ONLY_LOOKS = True

    def write(self) -> None:
        """Nothing: no execution shows it."""

    def told(self, address: str, outcome: Outcome) -> Foreseen:
        """All that it was told."""
        values = self._values()
        listed = json.loads(values["failures"])
        return Foreseen(
            address=address,
            mode=values["mode"],
            light=outcome.light,
            reason=outcome.reason,
            message=outcome.message,
            counters=json.loads(values["counters"]),
            skipped=json.loads(values["skipped"]),
            failures=[one for one in listed if one["reason"] != Reason.DRY_RUN],
            would_change=[one for one in listed if one["reason"] == Reason.DRY_RUN],
        )
