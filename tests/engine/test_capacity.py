"""Planning: what was measured, and what follows from it."""

import math
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mse_tui.engine.capacity import (
    Capacity,
    ExecutionTime,
    Fit,
    MailboxTurn,
    capacity,
    fit,
    forecast,
    intervals,
    nine_of_ten,
    pace,
)
from mse_tui.engine.planning import TaskPlan, plan_of, plans
from mse_tui.engine.schedules import Many, Once, Weekday, daily, one_off, weekly
from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.models import Execution, MailboxResult
from mse_tui.terms import Light
from tests.screens.seed import NOW, seed

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOURLY = daily(Many(**{"from": time(0), "to": time(23)}, every_minutes=60), "UTC")


def turns(first: float = 100, later: float = 10, mailboxes: int = 5, executions: int = 3) -> list[MailboxTurn]:
    found = []
    for execution in range(executions):
        for number in range(mailboxes):
            seconds = first if execution == 0 else later
            found.append(MailboxTurn(f"m{number}@example.com", execution == 0, seconds, int(seconds * 20)))
    return found


def executions(*seconds: float, mailboxes: int = 5) -> list[ExecutionTime]:
    return [ExecutionTime(MONDAY + timedelta(days=n), each, mailboxes, True) for n, each in enumerate(seconds)]


def test_first_and_later_turns_are_measured_apart() -> None:
    known = capacity(turns(), executions(500, 50, 60), HOURLY, MONDAY)
    assert known.first is not None
    assert known.later is not None
    assert (known.first.seconds_each, known.later.seconds_each) == (100, 10)
    assert known.later.mailboxes_per_minute == pytest.approx(6)
    assert known.later.items_per_minute == pytest.approx(1200)
    assert (known.usual_seconds, known.fit) == (60, Fit.YES)


def test_nothing_is_said_of_what_was_not_measured() -> None:
    known = capacity([], [], HOURLY, MONDAY)
    assert (known.first, known.later, known.usual_seconds, known.fit) == (None, None, None, Fit.UNKNOWN)
    assert forecast(known, 0, 10) is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(2000, Fit.YES), (2880, Fit.YES), (2881, Fit.TIGHT), (3600, Fit.TIGHT), (3601, Fit.NO)]
)
def test_a_task_fits_its_interval_with_a_margin(seconds: float, expected: Fit) -> None:
    assert fit(seconds, timedelta(hours=1)) is expected


def test_what_runs_once_always_fits() -> None:
    once = one_off(datetime(2026, 5, 1), "UTC")  # noqa: DTZ001 (a local time in the zone named)
    assert intervals(once, MONDAY) == (None, None)
    assert capacity([], [], once, MONDAY).fit is Fit.YES


def test_the_shortest_interval_counts() -> None:
    friday_and_saturday = weekly([Weekday.FRIDAY, Weekday.SATURDAY], Once(at=time(22)), "Europe/Berlin")
    assert intervals(friday_and_saturday, MONDAY)[0] == timedelta(days=1)
    assert intervals(HOURLY, MONDAY)[0] == timedelta(hours=1)


def test_an_interval_over_a_clock_change_is_as_long_as_it_is() -> None:
    nightly = daily(Once(at=time(12)), "Europe/Berlin")
    assert intervals(nightly, datetime(2026, 3, 20, tzinfo=UTC)) == (timedelta(hours=23), timedelta(hours=24))


def test_the_slowest_come_first() -> None:
    many = [*turns(), MailboxTurn("slow@example.com", False, 400, 1)]
    assert capacity(many, [], HOURLY, MONDAY).slowest[0].address == "slow@example.com"


def test_more_mailboxes_cost_their_first_pass_once_and_a_later_one_each_time() -> None:
    known = capacity(turns(), executions(500, 50, 60), HOURLY, MONDAY)
    found = forecast(known, 5, 10, timedelta(minutes=1))
    assert found is not None
    assert (found.mailboxes, found.first_pass_seconds, found.execution_seconds) == (15, 1000, 150)
    assert found.tasks == math.ceil(150 * 1.25 / 60)


@given(
    values=some.lists(some.floats(0.01, 1e5), min_size=1, max_size=200),
)
def test_nine_of_ten_take_no_longer(values: list[float]) -> None:
    bound = nine_of_ten(values)
    assert bound in values
    assert sum(value <= bound for value in values) >= len(values) * 0.9
    measured = pace([MailboxTurn("m", False, value, 10) for value in values])
    assert measured is not None
    assert min(values) * 0.999 <= measured.seconds_each <= max(values) * 1.001


@given(
    mailboxes=some.integers(1, 5_000), more=some.integers(0, 5_000), minutes=some.integers(1, 10_000),
    seconds=some.floats(0.1, 500),
)  # fmt: skip
def test_so_many_tasks_finish_in_time_and_one_fewer_might_not(
    mailboxes: int, more: int, minutes: int, seconds: float
) -> None:
    known = capacity([MailboxTurn("m", False, seconds, 1)], [], HOURLY, MONDAY)
    found = forecast(known, mailboxes, more, timedelta(minutes=minutes))
    assert found is not None
    assert found.tasks is not None
    needed = found.execution_seconds * 1.25
    assert found.tasks * minutes * 60 >= needed * 0.999
    assert found.tasks == 1 or (found.tasks - 1) * minutes * 60 < needed


def test_an_execution_in_which_most_mailboxes_failed_tells_nothing_of_the_pace(store: Home) -> None:
    seed(store)
    plan = next(one for one in plans(NOW) if len(one.capacity.history) > 1)
    newest = Execution.select().where(Execution.task == plan.task.id, Execution.finished.is_null(False))
    newest = newest.order_by(Execution.id.desc()).first()
    assert newest.started == plan.capacity.history[-1].started
    results = list(MailboxResult.select().where(MailboxResult.execution == newest.id).order_by(MailboxResult.id))
    for failed in results[: len(results) // 2]:
        MailboxResult.update(light=Light.RED).where(MailboxResult.id == failed.id).execute()
    assert plans_of(plan).capacity.history == plan.capacity.history
    MailboxResult.update(light=Light.RED).where(MailboxResult.execution == newest.id).execute()
    assert plans_of(plan).capacity.history == plan.capacity.history[:-1]


def plans_of(plan: TaskPlan) -> TaskPlan:
    again = plan_of(plan.task.id, NOW)
    assert again is not None
    return again


def test_what_the_site_has_measured_is_read(store: Home) -> None:
    seed(store)
    found = {plan.task.description: plan for plan in plans(NOW)}
    assert set(found) == {row.description for row in queries.tasks_of_type()}
    for plan in found.values():
        again = plan_of(plan.task.id, NOW)
        assert again == plan
        assert isinstance(plan.capacity, Capacity)
    assert any(plan.capacity.first or plan.capacity.later for plan in found.values())
    assert plan_of(4711, NOW) is None
