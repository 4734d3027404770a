"""Times of the week in which something does not happen: full passes, or whatever a site's maintenance forbids."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from mse_tui.wall_clock import instant

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(
    r"^(?P<days>[A-Za-z,\-]+)\s+(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})(\s+(?P<zone>\S+))?$"
)
_EXAMPLE = "Mon-Fri 08:00-18:00 Europe/Berlin"


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
    """Chosen days of the week, from a local time to a later one; past midnight where the end is not after the start."""

    days: tuple[int, ...]
    """0 = Monday; the day on which the window begins."""
    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: str = "") -> "WeeklyWindow":
        """Read a window such as 'Mon-Fri 08:00-18:00 Europe/Berlin' or 'Sat,Sun 22:00-04:00 UTC'.

        `zone` is meant where the text names none. Raises ValueError saying what is wrong.
        """
        found = _FORM.match(text.strip())
        if found is None or not (found["zone"] or zone):
            raise ValueError(f"{text!r} is not a window; write days, times and a time zone, like {_EXAMPLE!r}")
        start, end = _time(found["start"]), _time(found["end"])
        return cls(_days(found["days"]), start, end, _zone(found["zone"] or zone))

    def __str__(self) -> str:
        days = ",".join(_DAYS[day].capitalize() for day in self.days)
        return f"{days} {self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"

    def covers(self, moment: datetime) -> bool:
        """Whether an aware time is inside; the start is, the end is not."""
        local = moment.astimezone(self.zone)
        clock = local.time()
        today, yesterday = local.weekday(), (local - timedelta(days=1)).weekday()
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        return (today in self.days and clock >= self.start) or (yesterday in self.days and clock < self.end)

    def end_after(self, moment: datetime) -> datetime:
        """When the window ends that is open at an aware time, in UTC: the first instant that is outside."""
        local = moment.astimezone(self.zone)
        day = local.date()
        if self.end <= self.start <= local.time():
            day += timedelta(days=1)
        end = datetime.combine(day, self.end)
        first = instant(end, self.zone)
        # Where clocks go back, the same local time comes a second time, and the window may be open again before it.
        return first if first > moment else end.replace(tzinfo=self.zone, fold=1).astimezone(UTC)


def _checked(text: str) -> str:
    return str(WeeklyWindow.parse(text))


WindowText = Annotated[str, AfterValidator(_checked)]
"""A window as people write it and as definitions keep it."""


def _days(text: str) -> tuple[int, ...]:
    chosen: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = _day(first)
        end = _day(last) if dash else start
        chosen.update((start + offset) % 7 for offset in range((end - start) % 7 + 1))
    return tuple(sorted(chosen))


def _day(text: str) -> int:
    try:
        return _DAYS.index(text.strip().lower()[:3])
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the week; write Mon, Tue, Wed, Thu, Fri, Sat or Sun") from None


def _time(text: str) -> time:
    hours, minutes = (int(part) for part in text.split(":"))
    if (hours, minutes) == (24, 0):
        return time(0)
    try:
        return time(hours, minutes)
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{name!r} is not a time zone; write one like Europe/Berlin or UTC") from None
