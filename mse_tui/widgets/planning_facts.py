"""What planning has to say about a task, for the screen and the command line alike."""

from collections.abc import Iterator
from datetime import timedelta

from mse_tui.engine.capacity import MARGIN, Capacity, Fit, Forecast, Pace
from mse_tui.engine.planning import TaskPlan
from mse_tui.widgets.lines import Fact, Tone
from mse_tui.widgets.wording import count, lasted, number

FIT_TONES = {Fit.YES: Tone.GOOD, Fit.TIGHT: Tone.WARN, Fit.NO: Tone.BAD, Fit.UNKNOWN: Tone.DIM}
FIT_GLYPHS = {Fit.YES: "+", Fit.TIGHT: "!", Fit.NO: "x", Fit.UNKNOWN: "-"}


def measured_facts(plan: TaskPlan) -> Iterator[Fact]:
    """What was measured, and whether the task keeps up."""
    known = plan.capacity
    yield Fact("Finishes in time?", f"{FIT_GLYPHS[known.fit]} {_fit(known)}", FIT_TONES[known.fit])
    yield Fact("Mailboxes", number(plan.mailboxes) if plan.mailboxes else "not known yet")
    yield Fact("An execution takes", _takes(known))
    yield Fact("Interval", _interval(known))
    yield Fact("First executions", _pace(known.first))
    yield Fact("Later executions", _pace(known.later))


def slowest_facts(known: Capacity) -> Iterator[Fact]:
    """The mailboxes that take longest."""
    if known.slowest:
        yield Fact("Slowest mailboxes")
        for one in known.slowest:
            yield Fact(took(one.seconds_each), f"{one.address}, mean of {count(one.turns, 'turn')}")


def forecast_facts(found: Forecast | None, more: int, wanted: timedelta | None) -> Iterator[Fact]:
    """What would be."""
    if found is None:
        yield Fact("What if", "Nothing was measured yet: run the task once.")
        return
    if more:
        yield Fact(f"With {number(more)} more", f"{count(found.mailboxes, 'mailbox', 'mailboxes')}; an execution takes"
                   f" about {took(found.execution_seconds)}")  # fmt: skip
        if found.first_pass_seconds is not None:
            yield Fact("", f"their first execution takes about {took(found.first_pass_seconds)}, once")
    if wanted is not None and found.tasks is not None:
        yield Fact(
            f"Every {lasted(wanted)}",
            "this one task is enough" if found.tasks == 1 else f"share the group among {found.tasks} tasks",
        )


def took(seconds: float | None) -> str:
    """Seconds as people say them; '-' for none."""
    return "-" if seconds is None else lasted(timedelta(seconds=seconds))


def _takes(known: Capacity) -> str:
    if known.usual_seconds:
        return f"{took(known.usual_seconds)}, in nine of ten"
    return f"{took(known.history[0].seconds)}, the first one" if known.history else "-"


def _interval(known: Capacity) -> str:
    if known.interval is None:
        return "none: it runs once"
    shortest = f" (the shortest: {lasted(known.interval)})" if known.interval != known.usual_interval else ""
    return f"{lasted(known.usual_interval)}{shortest}"


def _fit(known: Capacity) -> str:
    if known.fit is Fit.UNKNOWN:
        return "not known before a second execution"
    if known.interval is None:
        return "it runs once"
    takes = f"{took(known.usual_seconds)} of {lasted(known.interval)}"
    if known.fit is Fit.NO:
        return f"too long: {takes}; executions are left out. Widen the interval or share the group among tasks"
    return f"tight: {takes}, under a margin of {MARGIN:.0%}" if known.fit is Fit.TIGHT else f"yes: {takes}"


def _pace(pace: Pace | None) -> str:
    if pace is None:
        return "none yet"
    return (
        f"{took(pace.seconds_each)} a mailbox (nine of ten within {took(pace.slow_seconds)}),"
        f" {pace.mailboxes_per_minute:,.1f} mailboxes and {pace.items_per_minute:,.0f} items a minute"
    )
