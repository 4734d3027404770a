"""Reading calendars ahead of the commits: a thread lists pages of changes and fetches their appointments.

Everything comes as parts, in order; a part that does not end its page carries no state.
"""

from collections import Counter
from collections.abc import Container, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import Thread

from mse_tui.archive.calendar_ledger import lacking_attachments, open_versions
from mse_tui.archive.calendar_reading import CalendarEntry, CalendarPart, CalendarReading, Unfinished
from mse_tui.exchange.calendars import Appointment, AppointmentChanges, AppointmentRow
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import ItemFailure
from mse_tui.features.calendar_definition import Period
from mse_tui.features.changes import Refused, pages_of
from mse_tui.features.channel import Channel
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import keep_connection

_AHEAD = 32 << 20
"""Bytes of appointments that wait for the run to take them."""
_SMALLEST = 2 << 10
"""What a part weighs at least, so that many small ones wait no longer than a few big ones."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What follows is this calendar."""

    calendar: CalendarReading


@dataclass(frozen=True, slots=True)
class Restarted:
    """The server refused the calendar's state; what follows is the calendar from its beginning."""

    calendar: CalendarReading


@dataclass(frozen=True, slots=True)
class Lost:
    """The calendar can't be read in this pass; what has come of it holds."""

    calendar: CalendarReading
    problem: Problem


@dataclass(frozen=True, slots=True)
class StillSkipped:
    """Items that were skipped before, are not changed, and are skipped again."""

    calendar: CalendarReading
    reasons: Counter[Reason]


Event = Begun | StillSkipped | Restarted | Lost | CalendarPart


@dataclass(frozen=True, slots=True)
class CalendarLimits:
    """When a part is full."""

    items: int = 200
    size: int = 8 << 20
    """Bytes."""


class CalendarLister:
    """Lists what there is to do in calendars, one after the other, and fetches what of it is wanted."""

    def __init__(self, mailbox: Mailbox, period: Period, limits: CalendarLimits, *, attachments: bool) -> None:
        self._calendars = mailbox.calendars
        self._period = period
        self._limits = limits
        self._attachments = attachments

    def events(self, calendars: Sequence[CalendarReading]) -> Iterator[Event]:
        """All that is to be committed, in order."""
        for calendar in calendars:
            yield Begun(calendar)
            yield from self._look_again(calendar)
            yield from self._changes(calendar)

    def _look_again(self, calendar: CalendarReading) -> Iterator[Event]:
        """What failed or was skipped before, and what lacks attachments that are wanted now."""
        unfinished = dict(calendar.unfinished)
        skipped = Counter(each.reason for each in unfinished.values() if still_skips(each, self._period))
        if skipped:
            yield StillSkipped(calendar, skipped)
        again = [remote_id for remote_id, each in unfinished.items() if not still_skips(each, self._period)]
        if self._attachments:
            again += [each for each in lacking_attachments(calendar.calendar_id) if each not in unfinished]
        subjects = {remote_id: each.subject for remote_id, each in unfinished.items()}
        yield from self._fetched(calendar, again, subjects, open_versions(calendar.calendar_id, again))

    def _changes(self, calendar: CalendarReading) -> Iterator[Event]:
        for page in pages_of(partial(self._calendars.changes, calendar.remote_id), calendar.state):
            match page:
                case Refused():
                    yield Restarted(calendar)
                case Problem():
                    yield Lost(calendar, page)
                case AppointmentChanges():
                    gone = set(page.removed)
                    rows = {row.remote_id: row for row in page.changed if row.remote_id not in gone}
                    yield from self._page(calendar, rows)
                    yield CalendarPart(calendar, [], tuple(dict.fromkeys(page.removed)), page.state, page.last)

    def _page(self, calendar: CalendarReading, rows: dict[str, AppointmentRow]) -> Iterator[CalendarPart]:
        present = open_versions(calendar.calendar_id, rows)
        settled: list[CalendarEntry] = []
        wanted: list[str] = []
        for remote_id, row in rows.items():
            own = present.get(remote_id)
            if own is not None and own.change_key == row.change_key:
                settled.append(CalendarEntry.known(row))
            elif own is None and (skipped := skipped_unread(row, self._period)) is not None:
                settled.append(CalendarEntry(remote_id, row.subject, skipped=skipped))
            else:
                wanted.append(remote_id)
        for start in range(0, len(settled), self._limits.items):
            yield CalendarPart(calendar, settled[start : start + self._limits.items])
        subjects = {remote_id: row.subject for remote_id, row in rows.items()}
        yield from self._fetched(calendar, wanted, subjects, present)

    def _fetched(
        self, calendar: CalendarReading, remote_ids: Sequence[str], subjects: dict[str, str], here: Container[str]
    ) -> Iterator[CalendarPart]:
        """Parts of the appointments fetched, in order, each as full as the limits allow."""
        part, size = CalendarPart(calendar), 0
        for answer in self._calendars.fetch(remote_ids, attachments=self._attachments):
            entry = self._entry(answer, subjects.get(answer.remote_id, ""), known=answer.remote_id in here)
            part.entries.append(entry)
            size += entry.size
            if len(part.entries) >= self._limits.items or size >= self._limits.size:
                yield part
                part, size = CalendarPart(calendar), 0
        if part.entries:
            yield part

    def _entry(self, answer: Appointment | ItemFailure, subject: str, *, known: bool) -> CalendarEntry:
        if isinstance(answer, ItemFailure):
            if answer.reason is Reason.ITEM_NOT_FOUND:
                # Gone between two requests: the next page of changes says where it went.
                return CalendarEntry(answer.remote_id, subject, skipped=Unfinished(answer.reason, subject))
            return CalendarEntry(answer.remote_id, subject, failure=answer)
        starts = min([answer.event.starts, *(event.starts for _, event in answer.changed)])
        if not known and not self._period.covers(starts, answer.over):
            outside = Unfinished(Reason.OUTSIDE_PERIOD, answer.event.subject, starts, answer.over)
            return CalendarEntry(answer.remote_id, answer.event.subject, skipped=outside)
        return CalendarEntry(answer.remote_id, answer.event.subject, appointment=answer)


def still_skips(before: Unfinished, period: Period) -> bool:
    """Whether an item skipped before need not be looked at again: nothing about it has changed."""
    if before.reason is Reason.NOT_AN_APPOINTMENT:
        return True
    if before.reason is not Reason.OUTSIDE_PERIOD or before.starts is None:
        return False
    return not period.covers(before.starts, before.over)


def skipped_unread(row: AppointmentRow, period: Period) -> Unfinished | None:
    """Why an item is skipped without being fetched; a series' end is not known before."""
    if not row.is_appointment:
        return Unfinished(Reason.NOT_AN_APPOINTMENT, row.subject)
    if row.is_series or row.starts is None or period.covers(row.starts, row.ends):
        return None
    return Unfinished(Reason.OUTSIDE_PERIOD, row.subject, row.starts, row.ends)


@contextmanager
def read_ahead(
    lister: CalendarLister, calendars: Sequence[CalendarReading], name: str
) -> Generator[Iterator[Event], None, None]:
    """The events of all calendars, listed and fetched by a thread that ends with the block.

    Raises what the thread raised, after all that came before.
    """
    channel: Channel[Event] = Channel(_AHEAD)

    def produce() -> Generator[tuple[Event, int], None, None]:
        for event in lister.events(calendars):
            weight = sum(entry.size for entry in event.entries) if isinstance(event, CalendarPart) else 0
            yield event, max(weight, _SMALLEST)

    def run() -> None:
        with keep_connection():
            channel.fill(produce)

    def events() -> Iterator[Event]:
        while taken := channel.take():
            yield from taken

    thread = Thread(target=copy_context().run, args=(run,), name=f"calendars {name}", daemon=True)
    thread.start()
    try:
        yield events()
    finally:
        channel.abandon()
        thread.join()
