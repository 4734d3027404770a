"""How times, durations, sizes and numbers read on the screens and in reports."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from mse_tui.terms import WITHHELD

SERVICE_HINT = "To keep schedules running without this program, run the engine as a service: mse-tui engine"
LEFT_OUT = "mailboxes failed before it and have had no turn since"
"""Why a task's light is worse than its last execution's result."""
_DAY, _WEEK = 86400, 7 * 86400
_UTC_TIME = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d) UTC\b")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def number(value: int) -> str:
    """1234567 -> 1,234,567"""
    return f"{value:,}"


def size(octets: int) -> str:
    """Bytes in IEC units: 1536 -> 1.5 KiB"""
    amount = float(octets)
    for unit in _UNITS:
        if amount < 1024 or unit == _UNITS[-1]:
            return f"{octets} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def absolute(moment: datetime | None) -> str:
    """A time in this machine's zone, to the minute; '-' where there is none."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else "-"


def in_local_time(text: str) -> str:
    """A sentence of the engine's, its times, '2026-03-08 06:00 UTC', as `absolute` writes them."""
    return _UTC_TIME.sub(lambda found: absolute(datetime.strptime(f"{found[1]} +0000", "%Y-%m-%d %H:%M %z")), text)


def relative(moment: datetime | None, now: datetime) -> str:
    """How far away: 'in 3 min', 'in 1 d 18 h', '2 h ago', 'just now'; '' where there is none."""
    if moment is None:
        return ""
    seconds = int((moment - now).total_seconds())
    if abs(seconds) < 60:
        return "just now" if seconds <= 0 else "in 1 min"
    if _DAY <= seconds < _WEEK:
        days, hours = seconds // _DAY, seconds % _DAY // 3600
        return f"in {days} d {hours} h" if hours else f"in {days} d"
    amount = _amount(abs(seconds))
    return f"in {amount}" if seconds > 0 else f"{amount} ago"


def _amount(seconds: int) -> str:
    for unit, each, until in (("min", 60, 3600), ("h", 3600, 86400), ("days", 86400, 86400 * 60)):
        if seconds < until:
            count = seconds // each
            return f"{count} {'day' if unit == 'days' and count == 1 else unit}"
    if seconds < 86400 * 730:
        return f"{seconds // (86400 * 30)} months"
    return f"{seconds // (86400 * 365)} years"


def when(moment: datetime | None, now: datetime) -> str:
    """Absolute with the relative in brackets; '-' where there is none."""
    return f"{absolute(moment)} ({relative(moment, now)})" if moment else "-"


def zone_said(now: datetime) -> tuple[str, str]:
    """This machine's time zone by its name and the hours it is ahead, and by these alone: 'UTC+1', 'UTC-3:30'."""
    local = now.astimezone()
    ahead = local.utcoffset() or timedelta()
    hours, minutes = divmod(abs(int(ahead.total_seconds())) // 60, 60)
    sign = "-" if ahead < timedelta() else "+"
    short = f"UTC{sign}{hours}{f':{minutes:02}' if minutes else ''}"
    return ("UTC", "UTC") if local.tzname() == "UTC" else (f"{local.tzname()}, {short}", short)


def when_in(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """As `when`; where another zone's clocks show another time, that as well."""
    there, here = moment.astimezone(zone), moment.astimezone()
    if there.utcoffset() == here.utcoffset():
        return when(moment, now)
    shown = f"{there:%H:%M}" if there.date() == here.date() else f"{there:%a %H:%M}"
    return f"{absolute(moment)} here, {shown} in {zone} ({relative(moment, now)})"


def clock(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """A time as short as it is clear, in a zone (this machine's): '06:00', 'Sun 06:00', '2026-03-08 06:00'."""
    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if moment - now < timedelta(days=6) else f"{local:%Y-%m-%d %H:%M}"


def next_start(moment: datetime | None, now: datetime, maintenance_until: datetime | None) -> str:
    """A start to come, and until when maintenance holds it back; '-' where there is none."""
    held = f"; in maintenance until {absolute(maintenance_until)}" if maintenance_until else ""
    return when(moment, now) + held


def lasted(duration: timedelta | None) -> str:
    """A duration in its two largest units; '' where there is none."""
    if duration is None:
        return ""
    seconds = duration.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return _both(f"{minutes} min", left, "s")
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return _both(f"{hours} h", minutes, "min")
    return _both(f"{hours // 24} days", hours % 24, "h")


def _both(larger: str, amount: int, smaller: str) -> str:
    return f"{larger} {amount} {smaller}" if amount else larger


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def count(amount: int, one: str, many: str | None = None) -> str:
    """'1 mailbox', '3 mailboxes'"""
    return f"{number(amount)} {one if amount == 1 else many or one + 's'}"


def subject_said(subject: str | None) -> str:
    """A subject as it is shown; None: withheld."""
    return WITHHELD if subject is None else subject or "(no subject)"


def item_said(item: str | None) -> str:
    """What a failed item is called; None: withheld."""
    return f"an item {WITHHELD}" if item is None else item


def index_is_fresh(up_to: datetime | None, waiting: int) -> str:
    """How far the search index is, in one line; `up_to` None: it has everything."""
    if up_to is None and not waiting:
        return "The index holds everything that is archived."
    waits = count(waiting, "item waits", "items wait")
    return f"The index holds everything archived up to {absolute(up_to)}; {waits} to be indexed."
