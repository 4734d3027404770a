"""How far tasks have read calendars: which calendars there are, from where to go on, what to doubt.

What was here before a full enumeration, and what other tasks saw since, is doubted: entered as removals, which go
when the appointment is seen, and close it at the pass's end when it is not.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mse_tui.archive.calendar_reading import CalendarReading, Unfinished
from mse_tui.archive.statements import execute, insert_returning, select
from mse_tui.exchange.calendars import CalendarRow
from mse_tui.reasons import Reason
from mse_tui.store.models import from_micros


def were_read(task_id: int, mailbox_id: int) -> bool:
    """Whether the task has read calendars of the mailbox before, and was not told to start over."""
    return bool(
        select(
            "SELECT 1 FROM calendar_checkpoint k JOIN calendar c ON c.id = k.calendar_id"
            " WHERE k.task_id = ? AND c.mailbox_id = ? AND k.state IS NOT NULL LIMIT 1",
            (task_id, mailbox_id),
        )
    )


def start_calendars_over(task_id: int) -> None:
    """Inside a transaction: the task's next pass reads its calendars from the beginning."""
    execute(
        "UPDATE calendar_checkpoint SET state = NULL, enumerating = ?, batch = batch + 1 WHERE task_id = ?",
        (True, task_id),
    )


def doubt_what_others_saw(task_id: int, mailbox_id: int, since: int) -> None:
    """Inside a transaction: appointments that other tasks saw first since this one's last pass are news to it.

    Its own changes will show those that are still there; one that came and went in between would show nowhere.
    """
    execute(
        "INSERT INTO calendar_removal (task_id, appointment_id)"
        " SELECT k.task_id, a.id FROM calendar_checkpoint k JOIN calendar c ON c.id = k.calendar_id"
        " JOIN appointment a ON a.calendar_id = c.id AND a.entered > ?"
        " JOIN appointment_version v ON v.appointment_id = a.id AND v.closed IS NULL"
        " WHERE k.task_id = ? AND c.mailbox_id = ? AND NOT EXISTS (SELECT 1 FROM calendar_unfinished u"
        "  WHERE u.task_id = k.task_id AND u.calendar_id = c.id AND u.remote_id = a.remote_id)"
        " ON CONFLICT DO NOTHING",
        (since, task_id, mailbox_id),
    )


def doubt_calendar(task_id: int, calendar_id: int) -> None:
    """Inside a transaction: whatever is here is gone unless the enumeration that begins now sees it."""
    execute(
        "INSERT INTO calendar_removal (task_id, appointment_id) SELECT ?, v.appointment_id FROM appointment_version v"
        " WHERE v.calendar_id = ? AND v.closed IS NULL ON CONFLICT DO NOTHING",
        (task_id, calendar_id),
    )


def enter_calendar(
    task_id: int, mailbox_id: int, stamp: int, row: CalendarRow, counts: Counter[str]
) -> CalendarReading:
    """Inside a transaction: bring one calendar and the task's checkpoint of it up to date."""
    calendar_id = _calendar(mailbox_id, stamp, row, counts)
    checkpoint = _checkpoint(task_id, calendar_id)
    if checkpoint[1] is None:
        doubt_calendar(task_id, calendar_id)
    return CalendarReading(
        calendar_id=calendar_id,
        checkpoint_id=checkpoint[0],
        remote_id=row.remote_id,
        name=row.name,
        state=checkpoint[1],
        batch=checkpoint[2],
        enumerating=bool(checkpoint[3]),
        expected=row.total_count,
        unfinished=unfinished(task_id, calendar_id),
    )


def gone_calendars(mailbox_id: int, rows: Sequence[CalendarRow]) -> list[int]:
    """Calendars of the mailbox that are not among those which the server lists."""
    listed = {row.remote_id for row in rows}
    found = select("SELECT id, remote_id FROM calendar WHERE mailbox_id = ? AND closed IS NULL", (mailbox_id,))
    return [calendar_id for calendar_id, remote_id in found if remote_id not in listed]


def _calendar(mailbox_id: int, stamp: int, row: CalendarRow, counts: Counter[str]) -> int:
    found = select(
        "SELECT id, name, closed FROM calendar WHERE mailbox_id = ? AND remote_id = ?", (mailbox_id, row.remote_id)
    )
    if not found:
        counts["calendars_added"] += 1
        return insert_returning(
            "INSERT INTO calendar (mailbox_id, remote_id, name, is_default, opened) VALUES (?, ?, ?, ?, ?)"
            " RETURNING id",
            (mailbox_id, row.remote_id, row.name, row.is_default, stamp),
        )
    calendar_id, name, closed = found[0]
    counts["calendars_renamed"] += name != row.name
    counts["calendars_added"] += closed is not None
    execute(
        "UPDATE calendar SET name = ?, is_default = ?, closed = NULL WHERE id = ?",
        (row.name, row.is_default, calendar_id),
    )
    return int(calendar_id)


def _checkpoint(task_id: int, calendar_id: int) -> Any:
    """(id, state, batch, enumerating)"""
    execute(
        "INSERT INTO calendar_checkpoint (task_id, calendar_id, batch, enumerating) VALUES (?, ?, 0, ?)"
        " ON CONFLICT DO NOTHING",
        (task_id, calendar_id, True),
    )
    return select(
        "SELECT id, state, batch, enumerating FROM calendar_checkpoint WHERE task_id = ? AND calendar_id = ?",
        (task_id, calendar_id),
    )[0]


def unfinished(task_id: int, calendar_id: int) -> dict[str, Unfinished]:
    """Remote id -> what the task could not, or would not, take of a calendar."""
    rows = select(
        "SELECT remote_id, reason, subject, starts, over FROM calendar_unfinished"
        " WHERE task_id = ? AND calendar_id = ?",
        (task_id, calendar_id),
    )
    return {
        remote_id: Unfinished(
            Reason(reason),
            subject,
            from_micros(starts) if starts is not None else None,
            from_micros(over) if over is not None else None,
        )
        for remote_id, reason, subject, starts, over in rows
    }
