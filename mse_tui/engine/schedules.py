"""When a task executes: the settings of a schedule, and its next executions as pure functions of time.

A schedule speaks wall-clock time in its own IANA zone; everything that comes out is an aware UTC time.
A local time that does not exist (clocks go forward) runs at the first instant after the gap; a local time that
comes twice (clocks go back) runs once, the first time. Times that fall together run once.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice, pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    field_serializer,
    field_validator,
    model_validator,
)

from mse_tui.wall_clock import instant

MINUTES_OF_A_DAY = 24 * 60
_DAYS_LOOKED_AHEAD = 16
"""A week, and the day or two that a zone may skip (Pacific/Apia dropped a whole day)."""


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MONDAY = "Mon"
    TUESDAY = "Tue"
    WEDNESDAY = "Wed"
    THURSDAY = "Thu"
    FRIDAY = "Fri"
    SATURDAY = "Sat"
    SUNDAY = "Sun"


_WEEK = tuple(Weekday)


class OnMissed(StrEnum):
    """What becomes of starts that were missed while no engine ran, or in maintenance; they coalesce into one."""

    RUN_ONCE = "run_once"
    SKIP = "skip"


def _whole_minutes(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("give the local time without an offset; the zone is a setting of its own")
    return value.replace(second=0, microsecond=0)


def _clock(value: time) -> str:
    return value.strftime("%H:%M")


ClockTime = Annotated[time, AfterValidator(_whole_minutes), PlainSerializer(_clock)]
"""A time of day in whole minutes, without a zone; HH:MM in JSON."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Once(_Settings):
    """Once on each day."""

    repeat: Literal["once"] = "once"
    at: ClockTime = Field(title="At", description="Local time of day, HH:MM.")


class Many(_Settings):
    """Several times on each day: from a time to a time, every so many minutes.

    `to` is included when the steps meet it. A `to` before `from` lies on the following day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    repeat: Literal["many"] = "many"
    first: ClockTime = Field(alias="from", title="From", description="Local time of the day's first execution, HH:MM.")
    last: ClockTime = Field(alias="to", title="To", description="Local time after which none begins, HH:MM.")
    every_minutes: int = Field(
        ge=1, le=MINUTES_OF_A_DAY, title="Every", description="Minutes from one execution to the next."
    )


Times = Annotated[Once | Many, Field(discriminator="repeat")]


class OneOff(_Settings):
    """One execution at a date and time."""

    kind: Literal["one_off"] = "one_off"
    at: datetime = Field(title="Date and time", description="Local date and time, YYYY-MM-DD HH:MM.")

    @field_validator("at")
    @classmethod
    def _local(cls, value: datetime) -> datetime:
        if value.tzinfo is not None:
            raise ValueError("give the local time without an offset; the zone is a setting of its own")
        if not 1970 < value.year < 2200:
            raise ValueError("the year must lie between 1971 and 2199")
        return value.replace(second=0, microsecond=0)

    @field_serializer("at")
    def _written(self, value: datetime) -> str:
        return value.strftime("%Y-%m-%dT%H:%M")

    def __str__(self) -> str:
        return f"Once on {self.at:%Y-%m-%d} at {self.at:%H:%M}"


class Daily(_Settings):
    """Every day."""

    kind: Literal["daily"] = "daily"
    times: Times

    def __str__(self) -> str:
        return f"Daily {_describe_times(self.times)}"


class Weekly(_Settings):
    """On chosen days of the week."""

    kind: Literal["weekly"] = "weekly"
    days: tuple[Weekday, ...] = Field(min_length=1, title="Days", description="Days of the week, such as Mon, Thu.")
    times: Times

    @field_validator("days")
    @classmethod
    def _in_order(cls, value: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
        return tuple(day for day in _WEEK if day in value)

    def __str__(self) -> str:
        return f"Weekly on {', '.join(self.days)} {_describe_times(self.times)}"


class ScheduleSettings(_Settings):
    """A schedule: its timing, the zone that the timing is meant in, and what to do about missed starts."""

    timing: Annotated[OneOff | Daily | Weekly, Field(discriminator="kind", title="When")]
    zone: str = Field(title="Time zone", description="IANA name, such as Europe/Berlin.")
    on_missed: OnMissed = Field(
        OnMissed.RUN_ONCE,
        title="Missed starts",
        description="What to do afterwards about executions missed while no engine ran, or in maintenance.",
    )

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is not an IANA time zone, such as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _happens(self) -> Self:
        if isinstance(self.timing, OneOff):
            instant(self.timing.at, ZoneInfo(self.zone))
        return self


def one_off(at: datetime, zone: str, on_missed: OnMissed = OnMissed.RUN_ONCE) -> ScheduleSettings:
    """One execution at a local date and time (naive)."""
    return ScheduleSettings(timing=OneOff(at=at), zone=zone, on_missed=on_missed)


def daily(times: Once | Many, zone: str, on_missed: OnMissed = OnMissed.RUN_ONCE) -> ScheduleSettings:
    """Every day, once or many times."""
    return ScheduleSettings(timing=Daily(times=times), zone=zone, on_missed=on_missed)


def weekly(
    days: tuple[Weekday, ...], times: Once | Many, zone: str, on_missed: OnMissed = OnMissed.RUN_ONCE
) -> ScheduleSettings:
    """On chosen days, once or many times."""
    return ScheduleSettings(timing=Weekly(days=days, times=times), zone=zone, on_missed=on_missed)


def read_settings(text: str) -> ScheduleSettings:
    """Settings as a schedule's row keeps them (JSON)."""
    return _read(text)


@lru_cache(maxsize=256)
def _read(text: str) -> ScheduleSettings:
    return ScheduleSettings.model_validate_json(text)


def write_settings(settings: ScheduleSettings) -> str:
    """JSON for a schedule's row."""
    return settings.model_dump_json(by_alias=True)


def next_execution(settings: ScheduleSettings, after: datetime) -> datetime | None:
    """The first execution later than `after` (aware), in UTC; None when there is none any more."""
    return next(_executions(settings, after), None)


def next_executions(settings: ScheduleSettings, after: datetime, number: int) -> list[datetime]:
    """The next executions later than `after`, in UTC, in order; fewer than `number` only for a one-off."""
    return list(islice(_executions(settings, after), number))


def interval(settings: ScheduleSettings, after: datetime) -> timedelta | None:
    """The time between the next two executions, for planning; None for a one-off."""
    following = next_executions(settings, after, 2)
    return next((later - earlier for earlier, later in pairwise(following)), None)


def describe(settings: ScheduleSettings) -> str:
    """One line for people, such as 'Weekly on Mon, Thu at 22:00 (Europe/Berlin)'."""
    return f"{settings.timing} ({settings.zone})"


def _describe_times(times: Once | Many) -> str:
    if isinstance(times, Once):
        return f"at {_clock(times.at)}"
    every = "minute" if times.every_minutes == 1 else f"{times.every_minutes} minutes"
    following = " on the next day" if times.last < times.first else ""
    return f"every {every} from {_clock(times.first)} to {_clock(times.last)}{following}"


def _executions(settings: ScheduleSettings, after: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(settings.zone)
    timing = settings.timing
    if isinstance(timing, OneOff):
        moment = instant(timing.at, zone)
        if moment > after:
            yield moment
        return
    previous = after
    days = frozenset(timing.days) if isinstance(timing, Weekly) else frozenset(_WEEK)
    minutes = _minutes_of_block(timing.times)
    day = after.astimezone(zone).date() - timedelta(days=2)
    idle_days = 0
    while idle_days < _DAYS_LOOKED_AHEAD:
        idle_days += 1
        if _WEEK[day.weekday()] in days:
            for moment in _of_day(day, minutes, zone, previous):
                yield moment
                previous, idle_days = moment, 0
        day += timedelta(days=1)


def _of_day(day: date, minutes: range, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    midnight = datetime.combine(day, time())

    def begins(minute: int) -> datetime:
        return instant(midnight + timedelta(minutes=minute), zone)

    for minute in minutes[bisect_right(minutes, after, key=begins) :]:
        moment = begins(minute)
        if moment > after:
            yield moment
            after = moment


def _minutes_of_block(times: Once | Many) -> range:
    """Minutes after the day's midnight, by the wall clock."""
    if isinstance(times, Once):
        minute = times.at.hour * 60 + times.at.minute
        return range(minute, minute + 1)
    first = times.first.hour * 60 + times.first.minute
    last = times.last.hour * 60 + times.last.minute
    if last < first:
        last += MINUTES_OF_A_DAY
    return range(first, last + 1, times.every_minutes)
