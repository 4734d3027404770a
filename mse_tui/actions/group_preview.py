"""A group looked at before a task takes it: what the engine found behind it, and what there is to doubt about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mse_tui.directory.directory import GroupReference
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.terms import GroupKind

NO_GROUP = frozenset(
    {
        Reason.ADDRESS_INVALID,
        Reason.DIRECTORY_MISSING,
        Reason.GROUP_AMBIGUOUS,
        Reason.GROUP_NOT_FOUND,
        Reason.GROUP_REFUSED,
    }
)
"""The directory was asked, and there is no such group; after other problems it may well be there."""

_NAMED = 5
"""So many of those who are skipped are named."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something about a task's group that a person should know before its first execution."""

    group: str
    reason: Reason
    message: str
    remedy: str

    @property
    def expected(self) -> bool:
        """Is as it should be, and only said: a disabled account is skipped."""
        return explain(self.reason).expected

    def as_problem(self) -> Problem:
        """For who will not go on with it."""
        return Problem(self.reason, f"{self.message} Nothing was changed.", self.remedy)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person chose, and what the engine found behind it."""

    group: str = ""
    answer: Mapping[str, Any] | None = None
    """None where no engine answered."""
    problem: Problem | None = None
    """Why nobody could say who is in it."""

    @property
    def resolved(self) -> GroupReference | None:
        """What to keep with the task; None where nothing was found yet."""
        if not self.answer or not self.answer.get("included") or "kind" not in self.answer:
            return None
        found = self.answer.get("group") or {}
        return GroupReference(self.group, GroupKind(self.answer["kind"]), found.get("key", ""), found.get("name", ""))

    def doubts(self) -> list[Doubt]:
        """Nobody could say who is in it, or it is empty; then who in it is skipped, a doubt a reason."""
        if self.problem is not None:
            happened = self.problem.happened
            if self.problem.reason not in NO_GROUP:
                happened = f"Nobody could say who is in {self.group!r}: {happened}"
            return [Doubt(self.group, self.problem.reason, happened, self.problem.remedy)]
        answer = self.answer or {}
        empty = [] if answer.get("included") else [self._empty()]
        return [*empty, *self._skipped(answer)]

    def _skipped(self, answer: Mapping[str, Any]) -> Iterator[Doubt]:
        by_reason: dict[Reason, list[Mapping[str, str]]] = {}
        for one in answer.get("skipped", []):
            by_reason.setdefault(Reason(one["reason"]), []).append(one)
        for reason, entries in by_reason.items():
            yield self._doubt(reason, entries[0]["message"] if len(entries) == 1 else _together(reason, entries))

    def _empty(self) -> Doubt:
        happened = f"{self.group!r} has no mailbox."
        return Doubt(
            self.group, Reason.GROUP_EMPTY, happened, "Name a group that has one: with this one a task ends red."
        )

    def _doubt(self, reason: Reason, message: str) -> Doubt:
        return Doubt(self.group, reason, message, explain(reason).remedy)


def _together(reason: Reason, entries: list[Mapping[str, str]]) -> str:
    named = ", ".join(one["entry"] for one in entries[:_NAMED])
    more = f" and {len(entries) - _NAMED} more" if len(entries) > _NAMED else ""
    return f"{len(entries)} are skipped ({explain(reason).happened.rstrip('.')}): {named}{more}."
