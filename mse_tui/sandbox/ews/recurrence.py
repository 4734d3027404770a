"""Recurrence patterns: from the element to the moments at which a series' occurrences start."""

import calendar
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.soap import QT, EwsError

MOST = 10_000
"""No series is expanded further than this."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = tuple(calendar.month_name)[1:]
_INDEXES = {"First": 0, "Second": 1, "Third": 2, "Fourth": 3, "Last": -1}


def starts(recurrence: Any, first: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Start of each occurrence in UTC, the exceptions not looked at, at most MOST of them.

    `first` is the first occurrence's start; its time of day in `zone` is that of all.
    """
    local = first.astimezone(zone)
    begins, ends, count = _range(recurrence, local.date())
    for day in islice(_dates(recurrence, begins), MOST if count is None else min(count, MOST)):
        if ends is not None and day > ends:
            return
        yield datetime.combine(day, local.time(), zone).astimezone(UTC)


def is_endless(recurrence: Any) -> bool:
    """Whether a series has no end."""
    return recurrence.find(QT + "NoEndRecurrence") is not None


def _range(recurrence: Any, fallback: date) -> tuple[date, date | None, int | None]:
    for name in ("NoEndRecurrence", "EndDateRecurrence", "NumberedRecurrence"):
        limits = recurrence.find(QT + name)
        if limits is not None:
            ends = limits.findtext(QT + "EndDate")
            count = limits.findtext(QT + "NumberOfOccurrences")
            return (
                _day(limits.findtext(QT + "StartDate")) or fallback,
                _day(ends),
                int(count) if count else None,
            )
    raise EwsError("ErrorCalendarInvalidRecurrence", "The recurrence has no range.")


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text.strip()[:10]) if text else None


def _dates(recurrence: Any, begins: date) -> Iterator[date]:
    for element in recurrence:
        maker = _PATTERNS.get(etree.QName(element).localname)
        if maker is not None:
            return (day for day in maker(element, begins) if day >= begins)
    raise EwsError("ErrorCalendarInvalidRecurrence", "The recurrence has no pattern.")


def _interval(element: Any) -> int:
    interval = int(element.findtext(QT + "Interval") or 1)
    if interval < 1:
        raise EwsError("ErrorCalendarInvalidRecurrence", "The interval is not positive.")
    return interval


def _daily(element: Any, begins: date) -> Iterator[date]:
    step, day = timedelta(days=_interval(element)), begins
    while True:
        yield day
        day += step


def _weekly(element: Any, begins: date) -> Iterator[date]:
    step = timedelta(weeks=_interval(element))
    first = _DAYS.index(element.findtext(QT + "FirstDayOfWeek") or "Sunday")
    offsets = sorted((day - first) % 7 for day in _weekdays(element))
    week = begins - timedelta(days=(begins.weekday() - first) % 7)
    while True:
        for offset in offsets:
            yield week + timedelta(days=offset)
        week += step


def _months(begins: date, step: int) -> Iterator[tuple[int, int]]:
    month = begins.year * 12 + begins.month - 1
    while month < 9999 * 12:
        yield month // 12, month % 12 + 1
        month += step


def _years(element: Any, begins: date) -> Iterator[tuple[int, int]]:
    month = _MONTHS.index(element.findtext(QT + "Month")) + 1
    return ((year, month) for year in range(begins.year, 9999, _interval(element)))


def _absolute(element: Any, months: Iterator[tuple[int, int]]) -> Iterator[date]:
    wanted = int(element.findtext(QT + "DayOfMonth"))
    for year, month in months:
        yield date(year, month, min(wanted, calendar.monthrange(year, month)[1]))


def _relative(element: Any, months: Iterator[tuple[int, int]]) -> Iterator[date]:
    days, index = set(_weekdays(element)), _INDEXES[element.findtext(QT + "DayOfWeekIndex")]
    for year, month in months:
        length = calendar.monthrange(year, month)[1]
        fitting = [found for n in range(1, length + 1) if (found := date(year, month, n)).weekday() in days]
        yield fitting[index]


def _weekdays(element: Any) -> list[int]:
    days: list[int] = []
    for name in (element.findtext(QT + "DaysOfWeek") or "").split():
        groups = {"Day": range(7), "Weekday": range(5), "WeekendDay": range(5, 7)}
        days += groups.get(name) or [_DAYS.index(name)]
    if not days:
        raise EwsError("ErrorCalendarInvalidRecurrence", "The recurrence names no day.")
    return days


_PATTERNS: dict[str, Callable[[Any, date], Iterator[date]]] = {
    "DailyRecurrence": _daily,
    "WeeklyRecurrence": _weekly,
    "AbsoluteMonthlyRecurrence": lambda element, begins: _absolute(element, _months(begins, _interval(element))),
    "RelativeMonthlyRecurrence": lambda element, begins: _relative(element, _months(begins, _interval(element))),
    "AbsoluteYearlyRecurrence": lambda element, begins: _absolute(element, _years(element, begins)),
    "RelativeYearlyRecurrence": lambda element, begins: _relative(element, _years(element, begins)),
}
