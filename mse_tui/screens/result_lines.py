"""How the mailboxes of an execution read as lines: columns and totals of what its type counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mse_tui.features.feature import WOULD
from mse_tui.screens.task_lines import advice
from mse_tui.store.queries import MailboxResultRow
from mse_tui.terms import Light, TaskType
from mse_tui.widgets.lines import Cell, Column, Line, Tone, light_cell, line
from mse_tui.widgets.wording import count, lasted, number, size


@dataclass(frozen=True, slots=True)
class _Counted:
    """A counter that has a column."""

    name: str
    title: str
    would: str = ""
    """Its title in a dry run, where it counts what is done."""
    priority: int = 3

    @property
    def is_size(self) -> bool:
        return self.name.startswith("bytes")

    def shown_title(self, *, dry: bool) -> str:
        return self.would if dry and self.would else self.title

    def of(self, counters: Mapping[str, int]) -> int:
        return counters.get(self.name, 0) or counters.get(WOULD.get(self.name, self.name), 0)

    def shown(self, amount: int) -> str:
        return size(amount) if self.is_size else number(amount)


_SEEN = _Counted("items_seen", "Seen")
_ADDED = _Counted("items_added", "Added", priority=2)
_CHANGED = _Counted("items_changed", "Changed", priority=4)
_REMOVED = _Counted("items_removed", "Removed", priority=4)
_TAKEN_IN = _Counted("bytes", "Taken in", priority=5)
_CONFIRMED = _Counted("confirmed", "Confirmed", priority=4)
_ARCHIVED = _Counted("archived_first", "Archived", "To archive", priority=5)
_FREED = _Counted("bytes_freed", "Freed", "To free", priority=2)
_COUNTED: Mapping[TaskType, Sequence[_Counted]] = {
    TaskType.FOLDER_REPLICATION: (
        _SEEN, _ADDED, _CHANGED, _Counted("items_moved", "Moved", priority=5), _REMOVED, _TAKEN_IN,
    ),
    TaskType.CALENDAR_REPLICATION: (_SEEN, _ADDED, _CHANGED, _REMOVED, _TAKEN_IN),
    TaskType.STORAGE_MANAGEMENT: (
        _Counted("scanned", "Seen"), _Counted("matched", "Match"), _CONFIRMED, _ARCHIVED,
        _Counted("stubbed", "Stubbed", "To stub", 2), _Counted("deleted", "Deleted", "To delete", 2), _FREED,
    ),
    TaskType.MANAGED_FOLDERS: (
        _Counted("items_due", "Due"), _CONFIRMED, _ARCHIVED, _Counted("items_deleted", "Deleted", "To delete", 2),
        _FREED, _Counted("stamped", "Stamped", "To stamp", 4),
    ),
    TaskType.PERMISSIONS_SYNC: (
        _Counted("entries_read", "Entries", priority=4), _Counted("people_after", "People"),
        _Counted("granted", "Granted", "To grant", 2), _Counted("changed", "Changed", "To change", 3),
        _Counted("revoked", "Revoked", "To revoke", 2),
    ),
}  # fmt: skip


def result_columns(task_type: TaskType, *, dry: bool = False) -> tuple[Column, ...]:
    """Those of an execution of this type; `dry`: of a dry run, whose numbers are what would be done."""
    return (
        Column("Mailbox", 30, grows=True),
        Column("Result", 9),
        Column("Mode", 12, 6),
        *(Column(one.shown_title(dry=dry), 10, one.priority, right=True) for one in _COUNTED[task_type]),
        Column("Skipped", 7, 3, right=True),
        Column("Failed", 6, 2, right=True),
        Column("Took", 11, 5, right=True),
        Column("Reason", 20, 3),
    )


def result_line(result: MailboxResultRow, task_type: TaskType) -> Line:
    """One mailbox of an execution for `result_columns`."""
    counters = result.counters
    return line(
        result.id,
        result.address,
        result_cell(result),
        Cell(result.mode, Tone.DIM),
        *(_cell(amount, one.shown(amount)) for one in _COUNTED[task_type] for amount in (one.of(counters),)),
        _number(sum(result.skipped.values())),
        _number(counters.get("failed", len(result.failures)), Tone.WARN),
        Cell(lasted(result.duration), Tone.DIM),
        Cell(result.reason, Tone.PLAIN if result.light is not Light.GREEN else Tone.DIM),
        advice=advice(result.message, result.reason) if result.light in (Light.ORANGE, Light.RED) else "",
        copies=result.address,
    )


def totals_said(task_type: TaskType, counters: Mapping[str, int]) -> str:
    """The counters of all its mailboxes, such as '1,255 seen, 1,240 added, 36.8 MiB taken in'."""
    dry = bool(counters.get("dry_run"))
    parts = [
        f"{one.shown(amount)} {one.shown_title(dry=dry).lower()}"
        for one in _COUNTED[task_type]
        if (amount := one.of(counters))
    ]
    if counters.get("failed"):
        parts.append(f"{number(counters['failed'])} failed")
    if counters.get("submissions"):
        parts.append(count(counters["submissions"], "submission"))
    return ", ".join(parts) or "none"


def result_cell(result: MailboxResultRow) -> Cell:
    """How it went, with the mailbox's light where it has one."""
    if result.runs:
        return Cell(result.word, Tone.ACCENT)
    if result.light is Light.NONE:
        return Cell(f"- {result.word}", Tone.DIM)
    return light_cell(result.light)


def _number(value: int, tone: Tone = Tone.PLAIN) -> Cell:
    return _cell(value, number(value), tone)


def _cell(value: int, shown: str, tone: Tone = Tone.PLAIN) -> Cell:
    return Cell(shown, tone) if value else Cell("0", Tone.DIM)
