"""What runs now in words: how long this mailbox will take, what is waited for, how fast it goes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mse_tui.store.queries import PACE_SECONDS, ProgressRow
from mse_tui.widgets.plot import sparkline
from mse_tui.widgets.wording import count, in_local_time, lasted

_STEPS_BACK = 60
"""Steps of the pace that are drawn at most."""


def time_left(row: ProgressRow, now: datetime) -> str:
    """When this mailbox will be done, by its own earlier turns; '' where there are none: a guess would be a lie."""
    if row.usual is None or row.usual_end is None:
        return ""
    turns = f"its last {row.usual.turns} executions" if row.usual.turns > 1 else "its last execution"
    left = (row.usual_end - now).total_seconds()
    if left < 0:
        return f"longer than {turns} took ({_estimate(row.usual.seconds)})"
    return f"{_estimate(left)} left, by {turns}"


def wait_words(row: ProgressRow, now: datetime) -> str:
    """What stands in the way, since when, and until when the server asked to wait; '' while it moves."""
    if not row.waiting:
        return ""
    waiting = in_local_time(row.waiting)
    if row.waiting_until is not None:
        waiting = f"backs off until {row.waiting_until.astimezone():%H:%M:%S}: {waiting}"
    if row.waiting_since is None or now - row.waiting_since < timedelta(minutes=1):
        return waiting
    return f"{waiting} (for {_roughly((now - row.waiting_since).total_seconds())})"


def pace(row: ProgressRow, now: datetime, width: int) -> str:
    """Items a second over the last minutes, the newest at the right; '' before there is a step."""
    quiet = max(0, int((now - row.updated).total_seconds() // PACE_SECONDS))
    steps = [*row.paces, *([0.0] * min(quiet, _STEPS_BACK))] if row.paces else []
    return sparkline(steps[-width:], width) if any(steps[-width:]) else ""


def progress_words(row: ProgressRow, now: datetime) -> Iterator[str]:
    """What there is to say beside numbers, the most needed first; to be joined by commas."""
    yield from filter(None, (wait_words(row, now).removesuffix("."), time_left(row, now)))
    if row.throttled_seconds:
        yield f"throttled for {count(row.throttled_seconds, 'second')} so far"


def _estimate(seconds: float) -> str:
    return f"about {_roughly(seconds)}" if seconds >= 10 else "less than 10 s"


def _roughly(seconds: float) -> str:
    """In one unit, as estimates are."""
    if seconds < 55:
        return f"{round(seconds / 10) * 10} s"
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return lasted(timedelta(seconds=seconds))
