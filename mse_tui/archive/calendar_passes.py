"""A pass over a mailbox's calendars: how it begins, goes on after a refused state, and ends.

Appointments seen gone are entered as removals on the way and closed together at the end, with one stamp: one that
was dragged to another calendar is never nowhere.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mse_tui.archive.calendar_checkpoints import doubt_calendar, enter_calendar, gone_calendars
from mse_tui.archive.calendar_reading import CalendarReading
from mse_tui.archive.fence import Fence
from mse_tui.archive.ledger import PassKey, count_submission
from mse_tui.archive.passes import PassRecord
from mse_tui.archive.statements import execute, execute_many
from mse_tui.exchange.calendars import CalendarRow
from mse_tui.store.database import writing


@dataclass(frozen=True, slots=True)
class EnteredCalendars:
    """The calendars of a mailbox, ready to be read."""

    readings: list[CalendarReading]
    gone: list[int]
    """Calendars that the mailbox has no longer; they close at the pass's end."""
    counts: Counter[str]


def enter_calendars(
    key: PassKey, rows: Sequence[CalendarRow], fence: Fence, *, all_calendars: bool
) -> EnteredCalendars:
    """Enter what the server lists, in one transaction. With `all_calendars` what it does not list is gone."""
    counts: Counter[str] = Counter()
    with writing():
        fence.check()
        readings = [enter_calendar(key.task_id, key.mailbox_id, key.stamp, row, counts) for row in rows]
        gone = gone_calendars(key.mailbox_id, rows) if all_calendars else []
    counts["calendars_seen"] = len(rows)
    return EnteredCalendars(readings, gone, counts)


def restart_calendar(key: PassKey, calendar: CalendarReading, fence: Fence) -> None:
    """The server refused a calendar's state: read it from the beginning, keep its history."""
    with writing():
        fence.check()
        execute(
            "UPDATE calendar_checkpoint SET state = NULL, enumerating = ?, batch = batch + 1 WHERE id = ?",
            (True, calendar.checkpoint_id),
        )
        execute(
            "DELETE FROM calendar_unfinished WHERE task_id = ? AND calendar_id = ?",
            (key.task_id, calendar.calendar_id),
        )
        doubt_calendar(key.task_id, calendar.calendar_id)
    calendar.state, calendar.enumerating = None, True
    calendar.batch += 1
    calendar.unfinished.clear()


def finish_calendar_pass(record: PassRecord, read: Sequence[int], gone: Sequence[int], fence: Fence) -> Counter[str]:
    """Close what is gone and complete the pass, in one transaction; returns the counters.

    `read` are the calendars that were read to their end: only their removals are applied.
    """
    key, counts = record.key, Counter[str]()
    with writing():
        fence.check()
        for calendar_id in read:
            counts["items_removed"] += execute(
                "UPDATE appointment_version SET closed = ? WHERE calendar_id = ? AND closed IS NULL"
                " AND appointment_id IN (SELECT appointment_id FROM calendar_removal WHERE task_id = ?)",
                (key.stamp, calendar_id, key.task_id),
            )
            _forget_removals(key.task_id, calendar_id)
        for calendar_id in gone:
            counts["items_removed"] += _close_calendar(key, calendar_id)
        counts["calendars_removed"] = len(gone)
        execute_many("UPDATE calendar SET read = ? WHERE id = ?", [(key.stamp, calendar_id) for calendar_id in read])
        execute("UPDATE pass SET completed = ? WHERE id = ?", (True, record.id))
        if counts["items_removed"] or gone:
            count_submission(key.task_id)
            counts["submissions"] += 1
    return counts


def _close_calendar(key: PassKey, calendar_id: int) -> int:
    """A calendar that is gone takes its appointments with it; this task forgets how far it had read it."""
    closed = execute(
        "UPDATE appointment_version SET closed = ? WHERE calendar_id = ? AND closed IS NULL", (key.stamp, calendar_id)
    )
    execute("UPDATE calendar SET closed = ? WHERE id = ?", (key.stamp, calendar_id))
    _forget_removals(key.task_id, calendar_id)
    for table in ("calendar_unfinished", "calendar_checkpoint"):
        execute(
            f"DELETE FROM {table} WHERE task_id = ? AND calendar_id = ?",  # noqa: S608 (one of two names)
            (key.task_id, calendar_id),
        )
    return closed


def _forget_removals(task_id: int, calendar_id: int) -> None:
    execute(
        "DELETE FROM calendar_removal WHERE task_id = ? AND appointment_id IN"
        " (SELECT id FROM appointment WHERE calendar_id = ?)",
        (task_id, calendar_id),
    )
