"""What calendar replication would do to a mailbox, told to its journal; nothing is fetched and nothing is written.

Whether a series lies in the definition's window is known only once it is fetched: series count as within it.
"""

from collections import Counter
from datetime import UTC, datetime

from mse_tui.archive.calendar_checkpoints import were_read
from mse_tui.archive.calendar_ledger import open_versions
from mse_tui.archive.statements import select
from mse_tui.exchange.calendars import AppointmentChanges, AppointmentRow, CalendarRow
from mse_tui.exchange.mailbox import SyncStateInvalid
from mse_tui.features.calendar_definition import CalendarReplicationDefinition
from mse_tui.features.calendar_listing import skipped_unread
from mse_tui.features.feature import MailboxRun
from mse_tui.terms import Mode


class ForeseenCalendars:
    """One mailbox looked at. For the run's own thread."""

    def __init__(self, run: MailboxRun, definition: CalendarReplicationDefinition) -> None:
        self._run = run
        self._definition = definition
        self._period = definition.period_at(datetime.now(UTC))
        rows = select("SELECT id FROM archive_mailbox WHERE guid = ?", (run.identity.guid,))
        self._mailbox_id = int(rows[0][0]) if rows else 0
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Raises Problem, Stopped, Cancelled."""
        run = self._run
        run.journal.mode(Mode.DIFFERENTIAL if were_read(run.task_id, self._mailbox_id) else Mode.FULL)
        rows = run.mailbox.calendars.folders(all_calendars=self._definition.wants_all)
        self._counts["calendars_seen"] += len(rows)
        for row in rows:
            run.journal.boundary()
            run.journal.progress(phase="appointments", folder=row.name)
            self._look_into(row)
        for counter, number in self._counts.items():
            if number:
                run.journal.count(counter, number)
        counts = self._counts
        run.journal.note(
            f"Nothing was changed: {counts['items_added']:,} appointments to add, {counts['items_changed']:,} changed,"
            f" {counts['items_removed']:,} to remove."
        )

    def _look_into(self, calendar: CalendarRow) -> None:
        calendar_id, state = self._checkpoint(calendar)
        self._counts["calendars_added"] += not calendar_id
        try:
            pages = self._pages(calendar.remote_id, state)
        except SyncStateInvalid:
            state = None
            pages = self._pages(calendar.remote_id, None)
        gone = {remote_id for page in pages for remote_id in page.removed}
        seen = {row.remote_id: row for page in pages for row in page.changed if row.remote_id not in gone}
        self._weigh(calendar_id, seen)
        here = self._open(calendar_id) if state is None else open_versions(calendar_id, gone).keys()
        self._counts["items_removed"] += len(set(here) - seen.keys())

    def _pages(self, remote_id: str, state: str | None) -> list[AppointmentChanges]:
        pages: list[AppointmentChanges] = []
        while not pages or not pages[-1].last:
            pages.append(self._run.mailbox.calendars.changes(remote_id, pages[-1].state if pages else state))
        return pages

    def _weigh(self, calendar_id: int, seen: dict[str, AppointmentRow]) -> None:
        present = open_versions(calendar_id, seen)
        self._counts["items_seen"] += len(seen)
        for remote_id, row in seen.items():
            own = present.get(remote_id)
            if own is not None:
                self._counts["items_known" if own.change_key == row.change_key else "items_changed"] += 1
            elif (skipped := skipped_unread(row, self._period)) is not None:
                self._run.journal.skip(skipped.reason)
            else:
                self._counts["items_added"] += 1

    def _checkpoint(self, calendar: CalendarRow) -> tuple[int, str | None]:
        """The calendar's number (0: the archive does not know it), and from where the task would go on."""
        rows = select(
            "SELECT c.id, k.state, k.enumerating FROM calendar c LEFT JOIN calendar_checkpoint k"
            " ON k.calendar_id = c.id AND k.task_id = ? WHERE c.mailbox_id = ? AND c.remote_id = ?",
            (self._run.task_id, self._mailbox_id, calendar.remote_id),
        )
        if not rows:
            return 0, None
        calendar_id, state, enumerating = rows[0]
        return int(calendar_id), None if enumerating else state

    def _open(self, calendar_id: int) -> set[str]:
        rows = select(
            "SELECT a.remote_id FROM appointment a JOIN appointment_version v ON v.appointment_id = a.id"
            " WHERE a.calendar_id = ? AND v.closed IS NULL",
            (calendar_id,),
        )
        return {row[0] for row in rows}
