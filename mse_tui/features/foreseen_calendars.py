"""What calendar replication would do to a mailbox, told to its journal; nothing is fetched and nothing is written.

Whether a series lies in the definition's window is known only once it is fetched: series count as within it. So
does what could not be read before: it is to be added, until reading it fails again.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from mse_tui.archive.calendar_checkpoints import unfinished, were_read
from mse_tui.archive.calendar_ledger import lacking_attachments, open_versions
from mse_tui.archive.statements import select, select_in
from mse_tui.exchange.calendars import AppointmentChanges, CalendarRow
from mse_tui.features.calendar_definition import CalendarReplicationDefinition
from mse_tui.features.calendar_listing import skipped_unread, still_skips
from mse_tui.features.changes import Refused, pages_of
from mse_tui.features.departures import Departures
from mse_tui.features.feature import MailboxRun
from mse_tui.reasons import Problem, Reason
from mse_tui.store.archived import find_archive
from mse_tui.terms import Mode


class ForeseenCalendars:
    """One mailbox looked at. For the run's own thread."""

    def __init__(self, run: MailboxRun, definition: CalendarReplicationDefinition) -> None:
        self._run = run
        self._definition = definition
        self._period = definition.period_at(datetime.now(UTC))
        self._mailbox_id = find_archive(run.identity.guid)
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Raises Problem, Stopped, Cancelled."""
        run = self._run
        run.journal.mode(Mode.DIFFERENTIAL if were_read(run.task_id, self._mailbox_id) else Mode.FULL)
        rows = run.mailbox.calendars.folders(all_calendars=self._definition.wants_all)
        self._counts["calendars_seen"] += len(rows)
        for row in rows:
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
        departures = self._departures(calendar_id, state)
        again = self._to_look_at_again(calendar_id)
        for page in pages_of(partial(self._run.mailbox.calendars.changes, calendar.remote_id), state):
            self._run.journal.boundary()
            match page:
                case Refused():
                    departures = self._departures(calendar_id, None)
                    again = {}
                case Problem():
                    self._run.journal.warn(page.reason, page.happened, item=calendar.name)
                case AppointmentChanges():
                    self._page(calendar_id, page, departures, again)
        self._look_again(calendar_id, again)
        self._counts["items_removed"] += departures.number

    def _to_look_at_again(self, calendar_id: int) -> dict[str, Reason | None]:
        """Remote id -> why it was left, None: without its attachments. What is skipped again is counted."""
        before = unfinished(self._run.task_id, calendar_id)
        skipped = Counter(each.reason for each in before.values() if still_skips(each, self._period))
        self._counts["items_seen"] += skipped.total()
        for reason, number in skipped.items():
            self._run.journal.skip(reason, number)
        again: dict[str, Reason | None] = {}
        if self._definition.attachments:
            again.update(dict.fromkeys(lacking_attachments(calendar_id)))
        again.update((each, left.reason) for each, left in before.items() if not still_skips(left, self._period))
        return again

    def _page(
        self, calendar_id: int, page: AppointmentChanges, departures: Departures, again: dict[str, Reason | None]
    ) -> None:
        removed = set(page.removed)
        rows = {row.remote_id: row for row in page.changed if row.remote_id not in removed}
        here = open_versions(calendar_id, [*rows, *removed])
        departures.take(here.keys() & rows.keys(), here.keys() & removed)
        self._counts["items_seen"] += len(rows)
        for remote_id, row in rows.items():
            own = here.get(remote_id)
            lacks = remote_id in again and again[remote_id] is None
            if own is not None:
                changed = lacks or own.change_key != row.change_key
                self._counts["items_changed" if changed else "items_known"] += 1
            elif (skipped := skipped_unread(row, self._period)) is not None:
                self._run.journal.skip(skipped.reason)
            else:
                self._counts["items_added"] += 1
        for remote_id in (*rows, *removed):
            again.pop(remote_id, None)

    def _look_again(self, calendar_id: int, again: dict[str, Reason | None]) -> None:
        """What the changes did not show."""
        here = open_versions(calendar_id, again)
        self._counts["items_seen"] += len(again)
        for remote_id, reason in again.items():
            if reason is Reason.ITEM_NOT_FOUND:
                self._run.journal.skip(reason)
            else:
                self._counts["items_changed" if remote_id in here else "items_added"] += 1

    def _checkpoint(self, calendar: CalendarRow) -> tuple[int, str | None]:
        """The calendar's number (0: the archive does not know it), and from where the task would go on."""
        rows = select(
            "SELECT c.id, k.state FROM calendar c LEFT JOIN calendar_checkpoint k"
            " ON k.calendar_id = c.id AND k.task_id = ? WHERE c.mailbox_id = ? AND c.remote_id = ?",
            (self._run.task_id, self._mailbox_id, calendar.remote_id),
        )
        if not rows:
            return 0, None
        calendar_id, state = rows[0]
        return int(calendar_id), state

    def _departures(self, calendar_id: int, state: str | None) -> Departures:
        """From its beginning, all that lies in the calendar is doubted; else what waits to be seen again."""
        open_here = " FROM appointment a JOIN appointment_version v ON v.appointment_id = a.id AND v.closed IS NULL"
        if state is None:
            rows = select(f"SELECT COUNT(*){open_here} WHERE a.calendar_id = ?", (calendar_id,))
            return Departures(int(rows[0][0]), set)
        waiting = (
            f"{open_here} JOIN calendar_removal r ON r.appointment_id = a.id WHERE r.task_id = ? AND a.calendar_id = ?"
        )
        key = (self._run.task_id, calendar_id)
        rows = select(f"SELECT COUNT(*){waiting}", key)

        def doubted_of(remote_ids: Iterable[str]) -> set[str]:
            sql = f"SELECT a.remote_id{waiting} AND a.remote_id IN ({{values}})"
            return {row[0] for row in select_in(sql, remote_ids, *key)}

        return Departures(int(rows[0][0]), doubted_of)
