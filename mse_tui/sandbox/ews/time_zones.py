"""GetServerTimeZones: the time zones that the server knows, by their Windows names."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from mse_tui.sandbox.ews.soap import QT, Request, answer, escape, operation, success
from mse_tui.sandbox.ews.zones import WINDOWS_ZONES

_YEAR = 2026
"""The year whose changes of the clock stand for all years."""
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of the clock, in the local time before it."""

    local: datetime
    to_summer: bool


@operation("GetServerTimeZones")
def get_server_time_zones(request: Request) -> str:
    """The zones asked for, or all; those that are not known are left out."""
    ids = request.child("Ids")
    wanted = WINDOWS_ZONES if ids is None else [one.text for one in ids.findall(QT + "Id")]
    full = request.element.get("ReturnFullTimeZoneData", "true") in ("true", "1")
    zones = "".join(_definition(name, full) for name in wanted if name in WINDOWS_ZONES)
    message = success("GetServerTimeZonesResponseMessage", f"<m:TimeZoneDefinitions>{zones}</m:TimeZoneDefinitions>")
    return answer("GetServerTimeZonesResponse", f"<m:ResponseMessages>{message}</m:ResponseMessages>")


@cache
def _definition(name: str, full: bool) -> str:
    zone = ZoneInfo(WINDOWS_ZONES[name])
    winter = min(_offset(zone, month) for month in (1, 7))
    sign, minutes = "-" if winter < timedelta(0) else "+", abs(winter) // timedelta(minutes=1)
    place = WINDOWS_ZONES[name].rpartition("/")[2].replace("_", " ")
    head = f'Id="{escape(name)}" Name="(UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}) {escape(place)}"'
    return (
        f"<t:TimeZoneDefinition {head}>{_rules(name, zone)}</t:TimeZoneDefinition>"
        if full
        else (f"<t:TimeZoneDefinition {head}/>")
    )


def _rules(name: str, zone: ZoneInfo) -> str:
    """Periods, the group of yearly changes between them, and the transition to that group."""
    changes = list(_changes(zone))
    winter, summer = (choose(_offset(zone, month) for month in (1, 7)) for choose in (min, max))
    ids = {kind: f"trule:Microsoft/Registry/{name}/{_YEAR}-{kind}" for kind in ("Standard", "Daylight")}
    periods = _period(winter, "Standard", ids["Standard"])
    if changes:
        periods += _period(summer, "Daylight", ids["Daylight"])
        moves = "".join(_recurring(change, ids["Daylight" if change.to_summer else "Standard"]) for change in changes)
    else:
        moves = f'<t:Transition><t:To Kind="Period">{escape(ids["Standard"])}</t:To></t:Transition>'
    return (
        f"<t:Periods>{periods}</t:Periods>"
        f'<t:TransitionsGroups><t:TransitionsGroup Id="0">{moves}</t:TransitionsGroup></t:TransitionsGroups>'
        '<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>'
    )


def _period(offset: timedelta, kind: str, period_id: str) -> str:
    return f'<t:Period Bias="{_duration(-offset)}" Name="{kind}" Id="{escape(period_id)}"/>'


def _recurring(change: _Change, period_id: str) -> str:
    day = change.local
    last = (day + timedelta(days=7)).month != day.month
    since_midnight = timedelta(hours=day.hour, minutes=day.minute)
    return (
        f'<t:RecurringDayTransition><t:To Kind="Period">{escape(period_id)}</t:To>'
        f"<t:TimeOffset>{_duration(since_midnight)}</t:TimeOffset><t:Month>{day.month}</t:Month>"
        f"<t:DayOfWeek>{_WEEKDAYS[day.weekday()]}</t:DayOfWeek>"
        f"<t:Occurrence>{-1 if last else (day.day - 1) // 7 + 1}</t:Occurrence></t:RecurringDayTransition>"
    )


def _changes(zone: ZoneInfo) -> Iterator[_Change]:
    for number in range(365):
        day = datetime(_YEAR, 1, 1, tzinfo=UTC) + timedelta(days=number)
        if _offset_at(zone, day) == _offset_at(zone, day + timedelta(days=1)):
            continue
        for half_hour in range(48):
            before = _offset_at(zone, day + timedelta(minutes=30 * half_hour))
            moment = day + timedelta(minutes=30 * (half_hour + 1))
            after = _offset_at(zone, moment)
            if after != before:
                yield _Change((moment + before).replace(tzinfo=None), after > before)


def _offset_at(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _offset(zone: ZoneInfo, month: int) -> timedelta:
    return _offset_at(zone, datetime(_YEAR, month, 15, tzinfo=UTC))


def _duration(length: timedelta) -> str:
    minutes = abs(length) // timedelta(minutes=1)
    sign = "-" if length < timedelta(0) else ""
    return f"{sign}PT{minutes // 60}H{f'{minutes % 60}M' if minutes % 60 else ''}"
