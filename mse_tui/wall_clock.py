"""Local times as instants, over the changes of clocks."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from mse_tui.reasons import Problem, Reason


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC time of a naive local one: the first of two, or the end of the gap that it falls into."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    return _end_of_gap(local, zone)


def moment_of(text: str, zone: tzinfo | None = None) -> datetime:
    """A date (the end of that day) or a date and time as a person writes them, in a zone or this machine's.

    Raises Problem invalid where it is neither, or so early or late that no clock elsewhere could show it.
    """
    try:
        moment = _end_of_day(text.strip()) or datetime.fromisoformat(text.strip())
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC).astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise Problem(
            Reason.INVALID, f"{text!r} is not a date.", "Write it as 2026-03-01, or 2026-03-01 12:00."
        ) from error


def _end_of_day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time.max)
    except ValueError:
        return None


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time in a gap, read by the offset after it, lies before the change; by the one before it, after."""
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after
