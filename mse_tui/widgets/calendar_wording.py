"""How calendars read on the screens and in the commands: days, times of entries, a month as a grid."""

import calendar
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from mse_tui.archive.calendar_agenda import AgendaEntry, Period


def day_heading(day: date) -> str:
    """Mon 2026-03-23"""
    return f"{day:%a %Y-%m-%d}"


def entry_time(entry: AgendaEntry, day: date) -> str:
    """When an entry takes place on a day: 09:00-10:00, 'all day', or with an arrow where it comes from or goes on."""
    if entry.is_all_day:
        return "all day"
    begins = f"{entry.starts:%H:%M}" if entry.starts.date() == day else ">"
    ends = f"{entry.ends:%H:%M}" if entry.ends.date() == day else ">"
    if begins == ends == ">":
        return "all day >"
    return begins if entry.starts == entry.ends else f"{begins}-{ends}"


def entry_signs(entry: AgendaEntry) -> str:
    """One letter each: x cancelled, p private, ~ of a series, ! a changed occurrence, m a meeting; blanks for none."""
    series = "!" if entry.is_changed else "~" if entry.is_series else " "
    return (
        ("x" if entry.is_cancelled else " ")
        + ("p" if entry.is_private else " ")
        + series
        + ("m" if entry.is_meeting else " ")
    )


def by_day(entries: Sequence[AgendaEntry], period: Period) -> list[tuple[date, list[AgendaEntry]]]:
    """The days of a period that have entries, each with its own in their order; long ones on each of their days."""
    days = [period.first + timedelta(days=number) for number in range(period.days)]
    found: dict[date, list[AgendaEntry]] = {}
    for entry in entries:
        day = max(entry.starts.date(), period.first)
        while day < period.after and entry.covers(day):
            found.setdefault(day, []).append(entry)
            day += timedelta(days=1)
    return [(day, _in_order(found[day], day)) for day in days if day in found]


def _in_order(entries: list[AgendaEntry], day: date) -> list[AgendaEntry]:
    return sorted(entries, key=lambda each: (not each.is_all_day and each.starts.date() == day, each.starts))


@dataclass(frozen=True, slots=True)
class MonthDay:
    """One day of a month's grid."""

    day: date
    in_month: bool
    entries: tuple[AgendaEntry, ...]


def month_period(year: int, month: int, zone: tzinfo) -> Period:
    """The whole weeks, Monday to Sunday, that a month lies in."""
    before, days = calendar.monthrange(year, month)
    weeks = math.ceil((before + days) / 7)
    return Period(date(year, month, 1) - timedelta(days=before), 7 * weeks, zone)


def month_weeks(entries: Sequence[AgendaEntry], period: Period, month: int) -> list[list[MonthDay]]:
    """A month's weeks; `period` is that of `month_period`."""
    found = dict(by_day(entries, period))
    days = [period.first + timedelta(days=number) for number in range(period.days)]
    shown = [MonthDay(day, day.month == month, tuple(found.get(day, ()))) for day in days]
    return [shown[start : start + 7] for start in range(0, len(shown), 7)]


def month_title(year: int, month: int) -> str:
    """March 2026"""
    return f"{calendar.month_name[month]} {year}"


def other_month(year: int, month: int, step: int) -> tuple[int, int]:
    """The month so many months later, within the years that dates know."""
    number = min(max(year * 12 + month - 1 + step, 12), 9998 * 12 + 11)
    return number // 12, number % 12 + 1


def zone_difference(moment: datetime, here: tzinfo, there: tzinfo) -> str:
    """How far a zone's clock is ahead of another's at a time: '+1 h', '-5:30 h'; '' where they agree."""
    ahead = (moment.astimezone(there).utcoffset() or timedelta()) - (moment.astimezone(here).utcoffset() or timedelta())
    minutes = int(ahead.total_seconds() // 60)
    if minutes == 0:
        return ""
    hours, left = divmod(abs(minutes), 60)
    return f"{'+' if minutes > 0 else '-'}{hours}{f':{left:02}' if left else ''} h"
