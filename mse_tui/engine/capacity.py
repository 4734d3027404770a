"""How long tasks take, and whether they can keep up: arithmetic on what was measured, nothing else.

A mailbox's first execution enumerates everything; later ones take what has changed. They are measured apart, since a
task that is new says little about what it will cost.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import fmean, multimode

from mse_tui.engine.schedules import ScheduleSettings, next_executions

MARGIN = 1.25
"""A task is said to fit its interval where this many times its usual duration fits."""
_STARTS_LOOKED_AT = 64
_SLOWEST = 10
"""Mailboxes that are named as the slowest."""


@dataclass(frozen=True, slots=True)
class MailboxTurn:
    """One mailbox in one execution that has ended, without failure."""

    address: str
    first: bool
    """Everything was enumerated: a full pass, or the mailbox's first turn in the task."""
    seconds: float
    items: int


@dataclass(frozen=True, slots=True)
class ExecutionTime:
    """One execution that has ended."""

    started: datetime
    seconds: float
    mailboxes: int
    """Processed."""
    whole: bool
    """All mailboxes of the group had their turn."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a number of turns came to."""

    turns: int
    seconds_each: float
    """Mean of a turn."""
    slow_seconds: float
    """Nine of ten turns took no longer."""
    mailboxes_per_minute: float
    items_per_minute: float


@dataclass(frozen=True, slots=True)
class SlowMailbox:
    """A mailbox that takes long."""

    address: str
    seconds_each: float
    turns: int


class Fit(StrEnum):
    """Whether a task finishes before its next execution is due."""

    YES = "fits"
    TIGHT = "tight"
    NO = "too long"
    UNKNOWN = "not known yet"


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is known of one task's pace."""

    first: Pace | None
    later: Pace | None
    usual_seconds: float | None
    """Of a whole later execution: nine of ten took no longer. None before there was one."""
    interval: timedelta | None
    """The shortest time between two executions to come; None where there is only one, or none."""
    usual_interval: timedelta | None
    """The time that most often lies between two of them: a clock change makes one of many shorter."""
    fit: Fit
    slowest: tuple[SlowMailbox, ...]
    history: tuple[ExecutionTime, ...]
    """Whole executions, oldest first."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the task would come to under other conditions."""

    mailboxes: int
    first_pass_seconds: float | None
    """What the additional mailboxes cost once."""
    execution_seconds: float
    """What each later execution would take."""
    tasks: int | None
    """How many tasks must share the group to finish in the wanted time; None where no time was wanted."""


def capacity(
    turns: Sequence[MailboxTurn],
    executions: Sequence[ExecutionTime],
    schedule: ScheduleSettings,
    now: datetime,
) -> Capacity:
    """Measure a task by its turns and executions (any order); `now` is aware."""
    later = [turn for turn in turns if not turn.first]
    whole = sorted((one for one in executions if one.whole), key=lambda one: one.started)
    usual = _usual(whole, later)
    interval, usual_interval = intervals(schedule, now)
    return Capacity(
        first=pace([turn for turn in turns if turn.first]),
        later=pace(later),
        usual_seconds=usual,
        interval=interval,
        usual_interval=usual_interval,
        fit=fit(usual, interval),
        slowest=tuple(_slowest(later or turns)[:_SLOWEST]),
        history=tuple(whole),
    )


def pace(turns: Sequence[MailboxTurn]) -> Pace | None:
    """The pace of these turns; None for none."""
    if not turns:
        return None
    seconds = [turn.seconds for turn in turns]
    minutes = max(sum(seconds), 1e-3) / 60
    return Pace(
        turns=len(turns),
        seconds_each=fmean(seconds),
        slow_seconds=nine_of_ten(seconds),
        mailboxes_per_minute=len(turns) / minutes,
        items_per_minute=sum(turn.items for turn in turns) / minutes,
    )


def nine_of_ten(values: Sequence[float]) -> float:
    """The smallest of the values that nine of ten do not exceed."""
    return sorted(values)[math.ceil(len(values) * 0.9) - 1]


def intervals(schedule: ScheduleSettings, now: datetime) -> tuple[timedelta | None, timedelta | None]:
    """The shortest and the most frequent time between two executions to come; None where there are not two."""
    starts = next_executions(schedule, now, _STARTS_LOOKED_AT)
    between = [later - earlier for earlier, later in pairwise(starts)]
    return (min(between), min(multimode(between))) if between else (None, None)


def fit(usual_seconds: float | None, interval: timedelta | None) -> Fit:
    """Whether the usual duration fits the interval, with a margin; a single execution always does."""
    if interval is None:
        return Fit.YES
    if usual_seconds is None:
        return Fit.UNKNOWN
    if usual_seconds > interval.total_seconds():
        return Fit.NO
    return Fit.YES if usual_seconds * MARGIN <= interval.total_seconds() else Fit.TIGHT


def forecast(
    known: Capacity, mailboxes: int, more_mailboxes: int = 0, wanted: timedelta | None = None
) -> Forecast | None:
    """What `more_mailboxes` like the present ones would cost, and how many tasks finish in `wanted`.

    `mailboxes` is how many the group has now. None before anything was measured.
    """
    measured = known.later or known.first
    if measured is None:
        return None
    total = mailboxes + more_mailboxes
    seconds = measured.seconds_each * total
    first = known.first or known.later
    assert first is not None
    return Forecast(
        mailboxes=total,
        first_pass_seconds=first.seconds_each * more_mailboxes if more_mailboxes else None,
        execution_seconds=seconds,
        tasks=None if wanted is None else max(1, math.ceil(seconds * MARGIN / wanted.total_seconds())),
    )


def _usual(whole: Sequence[ExecutionTime], later: Sequence[MailboxTurn]) -> float | None:
    """Without the first one, which enumerated everything, where there are others."""
    if len(whole) > 1:
        return nine_of_ten([one.seconds for one in whole[1:]])
    if whole and later:
        return fmean(turn.seconds for turn in later) * whole[0].mailboxes
    return None


def _slowest(turns: Sequence[MailboxTurn]) -> list[SlowMailbox]:
    by_address: dict[str, list[float]] = defaultdict(list)
    for turn in turns:
        by_address[turn.address].append(turn.seconds)
    found = [SlowMailbox(address, fmean(seconds), len(seconds)) for address, seconds in by_address.items()]
    return sorted(found, key=lambda one: (-one.seconds_each, one.address))
