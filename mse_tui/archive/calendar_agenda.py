"""When appointments take place: single ones and every occurrence of series, within a period, in a zone.

Rules are expanded day by day or slower only, a period is limited, and so are a series' occurrences in it: nothing in
a mailbox can keep a reader busy for long.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Any

import recurring_ical_events
from icalendar import Calendar

from mse_tui.archive.calendar_views import AppointmentView
from mse_tui.reasons import Problem, Reason

MOST_DAYS = 750
"""Days in one period."""
MOST_OCCURRENCES = 1_000
"""Occurrences of one series in a period: more than a daily one has."""
EARLIEST, LATEST = date(1601, 1, 1), date(2499, 12, 1)
"""The first days that periods may have: Exchange knows none before, and of endless series somebody has to wait."""
_SLOW = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, in a zone."""

    first: date
    days: int
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MOST_DAYS:
            raise Problem(Reason.INVALID, f"A period has 1 to {MOST_DAYS} days.", "Choose a shorter one.")
        if not EARLIEST <= self.first <= LATEST:
            raise Problem(Reason.INVALID, f"No calendar shows {self.first}.", "Choose a day nearer to today.")

    @property
    def after(self) -> date:
        """The day after the last one."""
        return self.first + timedelta(days=self.days)

    @property
    def begins(self) -> datetime:
        return datetime.combine(self.first, time(), self.zone)

    @property
    def ends(self) -> datetime:
        return datetime.combine(self.after, time(), self.zone)


@dataclass(frozen=True, slots=True)
class AgendaEntry:
    """One appointment, or one occurrence of a series, at its time."""

    version_id: int
    calendar: str
    subject: str
    location: str
    starts: datetime
    """Aware; of an all-day entry the midnight of its first day in the period's zone."""
    ends: datetime
    is_all_day: bool
    is_series: bool
    is_changed: bool
    """An occurrence that differs from its series."""
    is_cancelled: bool
    is_private: bool
    is_meeting: bool
    show_as: str
    trouble: str = ""
    """Why a series could not be read; '' if it could."""

    def covers(self, day: date) -> bool:
        """Whether it takes place on a day, in the zone that its times are in."""
        last = self.ends.date() if self.ends.time() != time() or self.ends == self.starts else _before(self.ends)
        return self.starts.date() <= day <= max(last, self.starts.date())


def agenda(
    rows: Iterable[AppointmentView], period: Period, read: Callable[[AppointmentView], bytes]
) -> list[AgendaEntry]:
    """Everything that takes place in a period, by time; all-day entries first on their day.

    `read` gives a series' iCalendar. A series that can't be read is an entry on the period's first day that says so.
    """
    found: list[AgendaEntry] = []
    for row in rows:
        entries = _series(row, period, read) if row.is_series else [_single(row, period)]
        found += [each for each in entries if _overlaps(each, period)]
    return sorted(found, key=lambda each: (each.starts, not each.is_all_day, each.ends, each.subject, each.version_id))


def _series(row: AppointmentView, period: Period, read: Callable[[AppointmentView], bytes]) -> list[AgendaEntry]:
    try:
        return list(_occurrences(row, period, read(row)))
    except Problem as problem:
        trouble = problem.happened
    except _UNREADABLE as error:
        trouble = f"The series can't be read: {error}"
    first = _midnight(period.first, period)
    return [replace(_entry(row, first, first + timedelta(days=1)), is_all_day=True, is_series=True, trouble=trouble)]


_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What the libraries raise for iCalendar that is none."""


def _single(row: AppointmentView, period: Period) -> AgendaEntry:
    if row.is_all_day:
        return _entry(row, _midnight(row.starts.date(), period), _midnight(row.ends.date(), period))
    return _entry(row, row.starts.astimezone(period.zone), row.ends.astimezone(period.zone))


def _occurrences(row: AppointmentView, period: Period, icalendar: bytes) -> Iterator[AgendaEntry]:
    calendar: Any = Calendar.from_ical(icalendar)
    for component in calendar.events:
        rule = component.get("RRULE")
        if rule is not None and not set(rule.get("FREQ", ())) <= _SLOW:
            raise Problem(
                Reason.ITEM_CORRUPT, f"{row.subject!r} comes again more often than daily; it is not expanded."
            )
    query = recurring_ical_events.of(calendar)
    day = timedelta(days=1)
    changed = {each["RECURRENCE-ID"].dt for each in calendar.events if "RECURRENCE-ID" in each}
    for event in islice(query.between(period.begins - day, period.ends + day), MOST_OCCURRENCES):
        yield _occurrence(row, event, period, is_changed=event["RECURRENCE-ID"].dt in changed)


def _occurrence(row: AppointmentView, event: Any, period: Period, *, is_changed: bool) -> AgendaEntry:
    starts, ends = event["DTSTART"].dt, event["DTEND"].dt
    if not isinstance(starts, datetime):
        starts, ends = _midnight(starts, period), _midnight(ends, period)
        is_all_day = True
    else:
        starts, ends = starts.astimezone(period.zone), ends.astimezone(period.zone)
        is_all_day = False
    return AgendaEntry(
        version_id=row.version_id,
        calendar=row.calendar,
        subject=str(event.get("SUMMARY", "")),
        location=str(event.get("LOCATION", "")),
        starts=starts,
        ends=ends,
        is_all_day=is_all_day,
        is_series=True,
        is_changed=is_changed,
        is_cancelled=str(event.get("STATUS", "")) == "CANCELLED",
        is_private=row.is_private,
        is_meeting=row.is_meeting,
        show_as=str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", row.show_as)).capitalize(),
    )


def _entry(row: AppointmentView, starts: datetime, ends: datetime) -> AgendaEntry:
    return AgendaEntry(
        version_id=row.version_id,
        calendar=row.calendar,
        subject=row.subject,
        location=row.location,
        starts=starts,
        ends=ends,
        is_all_day=row.is_all_day,
        is_series=False,
        is_changed=False,
        is_cancelled=row.is_cancelled,
        is_private=row.is_private,
        is_meeting=row.is_meeting,
        show_as=row.show_as,
    )


def _midnight(day: date, period: Period) -> datetime:
    return datetime.combine(day, time(), period.zone)


def _before(moment: datetime) -> date:
    return moment.date() - timedelta(days=1)


def _overlaps(entry: AgendaEntry, period: Period) -> bool:
    return entry.starts < period.ends and (entry.ends > period.begins or entry.starts >= period.begins)
