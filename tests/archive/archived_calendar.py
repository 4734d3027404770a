"""A calendar in the archive, entered as a pass enters it."""

from mse_tui.archive.calendar_ledger import CalendarLedger
from mse_tui.archive.calendar_passes import enter_calendars, finish_calendar_pass
from mse_tui.archive.calendar_reading import CalendarEntry, CalendarPart
from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs
from mse_tui.archive.passes import PassRecord, begin_pass
from mse_tui.archive.places import release
from mse_tui.exchange.calendars import Appointment, CalendarRow
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.store.database import writing
from tests.features.replicating import make_task


class ArchivedCalendar:
    """The default calendar of one mailbox."""

    def __init__(self, packs: Packs, address: str = "ann@example.test", name: str = "Calendar") -> None:
        self._packs = packs
        self._task = make_task().id
        self._identity = MailboxIdentity(f"guid of {address}", address, "Ann")
        self._row = CalendarRow(f"calendar of {address}", name, is_default=True)
        self.mailbox_id = 0
        self.calendar_id = 0
        self.enter()

    def enter(self, *appointments: Appointment, removed: tuple[str, ...] = ()) -> PassRecord:
        """One whole pass that sees these appointments, and those gone."""
        record = begin_pass(self._task, self._identity, NoFence(), of_folders=False)
        entered = enter_calendars(record.key, [self._row], NoFence(), all_calendars=False)
        [calendar] = entered.readings
        ledger = CalendarLedger(record.key, self._packs, NoFence(), wants_attachments=True)
        entries = [CalendarEntry(each.remote_id, each.event.subject, appointment=each) for each in appointments]
        state = str(int(calendar.state or 0) + 1)
        ledger.commit(CalendarPart(calendar, entries, removed, state, last=True))
        finish_calendar_pass(record, [calendar.calendar_id], [], NoFence())
        self.mailbox_id, self.calendar_id = record.key.mailbox_id, calendar.calendar_id
        return record

    def lose(self, sha256: bytes) -> None:
        """A content's place is forgotten, as after a loss."""
        with writing():
            release([sha256])
