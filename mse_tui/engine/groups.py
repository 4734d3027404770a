"""Which mailboxes a task processes now: its group resolved, the guards against a shortened one, the last good answer.

What was found is recorded whether anything is processed or not, and what the group's text meant at the first good
answer is kept with the task.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mse_tui.directory.directory import GroupReference, Membership
from mse_tui.directory.references import GROUP_DIRECTORIES
from mse_tui.engine import group_records
from mse_tui.engine.claims import Claim
from mse_tui.engine.clock import Clock
from mse_tui.engine.group_cache import GroupCache
from mse_tui.engine.group_records import Accepted, Kept, last_accepted
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing

log = logging.getLogger(__name__)

_NOT_ASKED = frozenset(
    {
        Reason.ACCESS_DENIED,
        Reason.CERTIFICATE_REFUSED,
        Reason.DIRECTORY_INCOMPLETE,
        Reason.DIRECTORY_UNREACHABLE,
        Reason.ENCRYPTION_MISSING,
        Reason.RESPONSE_BROKEN,
        Reason.SERVER_ERROR,
        Reason.SERVER_NAME_UNKNOWN,
        Reason.SERVER_UNREACHABLE,
        Reason.THROTTLED,
        Reason.TIMEOUT,
    }
)
"""The directory could not be asked, which says nothing about the group."""
_ACCOUNT_REFUSED = frozenset({Reason.ACCOUNT_HALTED, Reason.PASSWORD_REFUSED})
"""The same, where the account is not the one that the mailboxes are opened with."""
_SAID_SKIPS = 5


@dataclass(frozen=True, slots=True)
class Guard:
    """When a group is too small to be believed."""

    empty: bool = True
    """No mailbox at all."""
    shrunk_percent: int = 50
    """Fewer than this share of the run before's mailboxes; 0 = however few."""

    def doubts(self, mailboxes: int, before: int | None) -> bool:
        """Whether a person has to say that so few are right. `before`: at the run before, None at the first."""
        if mailboxes == 0:
            return self.empty
        return before is not None and mailboxes * 100 < before * self.shrunk_percent


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """The mailboxes that an execution is to process."""

    membership: Membership
    stale: str = ""
    """Why this is the last good answer and how old it is; '' where the directory gave it."""
    confirmed_by: str = ""
    """Who said that so few are right; '' where nobody had to."""


class OfTask(Protocol):
    """Whose group it is."""

    @property
    def task_id(self) -> int: ...

    @property
    def description(self) -> str: ...

    @property
    def group(self) -> GroupReference: ...


class TaskGroups:
    """Resolves the groups of executions; used by many threads."""

    def __init__(self, cache: GroupCache, guard: Guard, clock: Clock) -> None:
        self._cache = cache
        self._guard = guard
        self._clock = clock

    def resolve(self, claim: Claim, *, destructive: bool) -> TaskGroup:
        """The group of an execution that begins.

        A destructive task asks the directory at each execution: neither the hour's answer nor the last good one will
        do. Raises Problem, which ends the execution red: group-empty and group-shrunk until a person confirms this
        very answer; and whatever kept the directory from answering in full.
        """
        try:
            found = self._cache.refresh(claim.group) if destructive else self._cache.resolve(claim.group)
        except Problem as problem:
            return self._go_on_without(claim, problem, destructive=destructive)
        return self._checked(claim, found)

    def look(self, task: OfTask, *, destructive: bool) -> TaskGroup:
        """What `resolve` would give, or raise, now; nothing is kept of it."""
        try:
            found = self._cache.look(task.group, fresh=destructive)
        except Problem as problem:
            return self._last_good(task, problem, last_accepted(task.task_id), destructive=destructive)
        return self._judged(task, found, last_accepted(task.task_id), group_records.known(task.task_id, found))

    def _go_on_without(self, claim: Claim, problem: Problem, *, destructive: bool) -> TaskGroup:
        with writing():
            last = last_accepted(claim.task_id)
            group = self._last_good(claim, problem, last, destructive=destructive)
            assert last is not None
            group_records.record_stale(claim.execution_id, last)
        log.warning("The group of %r: %s", claim.description, group.stale)
        return group

    def _last_good(self, task: OfTask, problem: Problem, last: Accepted | None, *, destructive: bool) -> TaskGroup:
        """The answer to go on with though the directory gave none. Raises Problem where there is no going on."""
        if destructive or not _was_not_asked(task, problem):
            raise _about(task, problem) from problem
        if last is None:
            raise problem
        age = _age(self._clock.now(), last.resolved)
        stale = f"{problem.happened} Went on with the answer of {last.resolved:%Y-%m-%d %H:%M} UTC, {age} old."
        return TaskGroup(last.membership, stale)

    def _checked(self, claim: Claim, found: Membership) -> TaskGroup:
        doubt: Problem | None = None
        with writing():
            last = last_accepted(claim.task_id)
            answer = group_records.keep(claim.task_id, found)
            group = TaskGroup(found)
            try:
                group = self._judged(claim, found, last, answer)
            except Problem as problem:
                doubt = problem
            group_records.record(claim.execution_id, answer, found, last, group.confirmed_by)
            if doubt is None:
                group_records.accept(claim.task_id, answer.id, found.reference(claim.group.text), self._clock.now())
        if doubt is not None:
            self._cache.forget(claim.group)  # so that a directory that erred is asked again at the next execution
            raise doubt
        return group

    def _judged(self, task: OfTask, found: Membership, last: Accepted | None, answer: Kept | None) -> TaskGroup:
        """The directory's answer, `answer` where it is kept, beside the run before's. Raises Problem where doubted."""
        is_known = last is not None and answer is not None and last.id == answer.id
        before = None if last is None else last.mailboxes
        if is_known or not self._guard.doubts(len(found.included), before):
            return TaskGroup(found)
        if answer is None or not answer.confirmed_by:
            raise _doubt(task, found, before)
        return TaskGroup(found, confirmed_by=answer.confirmed_by)


def _was_not_asked(task: OfTask, problem: Problem) -> bool:
    own_account = task.group.kind in GROUP_DIRECTORIES
    return problem.reason in _NOT_ASKED or (own_account and problem.reason in _ACCOUNT_REFUSED)


def _about(task: OfTask, problem: Problem) -> Problem:
    """A group that is gone, said with the task that needs it."""
    if problem.reason not in (Reason.GROUP_NOT_FOUND, Reason.GROUP_AMBIGUOUS):
        return problem
    group = task.group
    known = f"{group.shown!r} ({group.text})" if group.name and group.name != group.text else repr(group.shown)
    return Problem(
        problem.reason, f"The group {known} of the task {task.description!r}: {problem.happened}", problem.remedy
    )


def _doubt(task: OfTask, found: Membership, before: int | None) -> Problem:
    group = found.reference(task.group.text).shown
    name = task.description
    remedy = f"If that is right: mse-tui task confirm-group {name!r}, then run the task again."
    if found.included:
        return Problem(
            Reason.GROUP_SHRUNK,
            f"The group {group!r} has {_mailboxes(len(found.included))} now and had {before} at the run before.",
            f"Look at who left (in the execution's detail). {remedy}",
        )
    skips = [entry.message for entry in found.skipped[:_SAID_SKIPS]]
    if (more := len(found.skipped) - len(skips)) > 0:
        skips.append(f"{more} more.")
    said = " ".join(["The group resolved to no mailbox.", *skips])
    return Problem(Reason.GROUP_EMPTY, said, f"An empty answer is never taken for 'no members'. {remedy}")


def _mailboxes(number: int) -> str:
    return "1 mailbox" if number == 1 else f"{number} mailboxes"


def _age(now: datetime, then: datetime) -> str:
    minutes = max(0, int((now - then).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2 * 24 * 60 else f"{minutes // (24 * 60)} days"
