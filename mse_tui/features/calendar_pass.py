"""One attempt at a pass over one mailbox's calendars: which there are, their appointments, the end."""

import logging
from collections import Counter
from datetime import UTC, datetime

from mse_tui.archive.calendar_ledger import CalendarLedger
from mse_tui.archive.calendar_passes import enter_calendars, finish_calendar_pass, restart_calendar
from mse_tui.archive.calendar_reading import CalendarPart, CalendarReading
from mse_tui.archive.passes import begin_pass
from mse_tui.archive.reading import Tally
from mse_tui.features.accounting import Accounting
from mse_tui.features.calendar_definition import CalendarReplicationDefinition
from mse_tui.features.calendar_listing import (
    Begun,
    CalendarLimits,
    CalendarLister,
    Event,
    Lost,
    Restarted,
    StillSkipped,
    read_ahead,
)
from mse_tui.features.feature import MailboxRun
from mse_tui.terms import Mode

log = logging.getLogger(__name__)

_OUTCOMES = ("items_added", "items_changed", "items_known")


class CalendarPass:
    """Begins or resumes a pass; whatever interrupts it, what was committed holds and the next attempt goes on."""

    def __init__(self, run: MailboxRun, definition: CalendarReplicationDefinition, limits: CalendarLimits) -> None:
        self._run = run
        self._definition = definition
        self._limits = limits
        self._record = begin_pass(run.task_id, run.identity, run.fence, of_folders=False)
        self._ledger = CalendarLedger(self._record.key, run.packs, run.fence, wants_attachments=definition.attachments)
        self._read: list[int] = []
        """Calendars that were read to their end."""
        self._accounting = Accounting(run.journal, _OUTCOMES, "appointments")

    def run(self) -> None:
        """Raises Problem, Stopped, Cancelled."""
        run, definition = self._run, self._definition
        run.journal.mode(self._record.mode)
        run.journal.boundary()
        run.journal.progress(phase="calendars")
        rows = run.mailbox.calendars.folders(all_calendars=definition.wants_all)
        entered = enter_calendars(self._record.key, rows, run.fence, all_calendars=definition.wants_all)
        self._accounting.tell(Tally(counts=entered.counts))
        self._read_appointments(entered.readings)
        run.journal.boundary()
        counts = finish_calendar_pass(self._record, self._read, entered.gone, run.fence)
        self._accounting.tell(Tally(counts=counts))
        self._accounting.check()

    def _read_appointments(self, calendars: list[CalendarReading]) -> None:
        run = self._run
        full = self._record.mode is Mode.FULL
        run.journal.progress(phase="appointments", expected=sum(each.expected for each in calendars) if full else None)
        lister = CalendarLister(
            run.mailbox,
            self._definition.period_at(datetime.now(UTC)),
            self._limits,
            attachments=self._definition.attachments,
        )
        with read_ahead(lister, calendars, run.mailbox.address) as events:
            for event in events:
                self._take(event)
                run.journal.boundary()

    def _take(self, event: Event) -> None:
        match event:
            case Begun():
                self._run.journal.progress(phase="appointments", folder=event.calendar.name)
            case CalendarPart():
                self._commit(event)
            case StillSkipped():
                self._accounting.tell(Tally(skipped=Counter(event.reasons)), seen=event.reasons.total())
            case Restarted():
                log.info("The calendar %s of %s is read in full again", event.calendar.name, self._run.mailbox.address)
                restart_calendar(self._record.key, event.calendar, self._run.fence)
            case Lost():
                problem = event.problem
                self._run.journal.warn(problem.reason, problem.happened, item=event.calendar.name)

    def _commit(self, part: CalendarPart) -> None:
        if part.submits or part.moves_on:
            self._accounting.tell(self._ledger.commit(part), seen=len(part.entries))
        if part.last:
            self._read.append(part.calendar.calendar_id)
