"""While a site is in maintenance none of its executions starts or goes on; what was due starts at the end."""

import dataclasses
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mse_tui.engine.claims import LATE, Plan, due
from mse_tui.engine.schedules import Many, OnMissed, ScheduleSettings, daily, next_executions, write_settings
from mse_tui.maintenance import Maintenance
from mse_tui.reasons import Reason
from mse_tui.store import queries
from mse_tui.store.models import Command, Progress, Schedule, Site
from mse_tui.store.queries.health import OVERDUE
from mse_tui.terms import Light, Trigger, Verb
from tests.engine.fakes import NOON, FakeFeature, RunningClock, tell, until
from tests.engine.test_executions import THREE, Held, ended, lights, new_task

HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)


# --- when tasks start ------------------------------------------------------------------------------------------------


@st.composite
def days_with_maintenance(draw: st.DrawFn) -> tuple[ScheduleSettings, Maintenance, int]:
    """A schedule, what interrupts it, and seconds from one look of the engine to the next."""
    every = draw(st.integers(5, 180))
    many = Many(first=time(0), last=time(23, 59), every_minutes=every)
    schedule = daily(many, "UTC", draw(st.sampled_from(OnMissed)))
    hour = st.integers(0, 11)
    windows = [f"Mon {a:02}:{m:02}-{b:02}:{m:02} UTC"
               for a, b, m in draw(st.lists(st.tuples(hour, hour, st.sampled_from([0, 10, 59])), max_size=2))
               if a < b]  # fmt: skip
    said = draw(st.none() | st.integers(0, 600))
    began = BEGIN + timedelta(minutes=said) if said is not None else None
    return schedule, Maintenance.of(windows, began), draw(st.integers(10, 50))


def starts_of(schedule: ScheduleSettings, maintenance: Maintenance, seconds: int, end: datetime) -> list[datetime]:
    """When an engine that looks every so many seconds starts a task whose executions take no time."""
    plan = Plan(1, schedule, None, None, BEGIN, False)
    now, starts = BEGIN, []
    while now < end:
        for decision in due([plan], now, maintenance=maintenance.covers(now)):
            plan = dataclasses.replace(plan, next_execution=decision.next_execution)
            if decision.trigger is not None:
                plan = dataclasses.replace(plan, last_started=now)
                starts.append(now)
        now += timedelta(seconds=seconds)
    return starts


@settings(deadline=None)
@given(days_with_maintenance())
def test_nothing_starts_in_maintenance_and_what_was_due_starts_once_at_its_end(drawn) -> None:
    schedule, maintenance, seconds = drawn
    end = BEGIN + 14 * HOUR
    looks = timedelta(seconds=2 * seconds)
    starts = starts_of(schedule, maintenance, seconds, end)
    assert not [moment for moment in starts if maintenance.covers(moment)]
    meant = set()
    for planned in next_executions(schedule, BEGIN, 14 * 12 + 1):
        free = maintenance.free_from(planned)
        if free == planned or schedule.on_missed is OnMissed.RUN_ONCE:
            meant.add(free)
            assert free + looks >= end or [one for one in starts if free <= one < free + looks], f"{planned} was lost"
        elif free - planned <= LATE:
            meant.add(free)
    assert not [one for one in starts if not [free for free in meant if free <= one < free + looks]]
    assert len(starts) <= len(meant)


# --- what runs -------------------------------------------------------------------------------------------------------


def rest(until_when: datetime | None) -> None:
    Site.update(maintenance_until=until_when, maintenance_by="anna").execute()


def waiting_for(task) -> str:
    row = Progress.get_or_none(Progress.task == task.id)
    return row.waiting if row is not None else ""


def test_a_running_execution_gives_its_mailbox_back_and_goes_on_at_the_end(bench) -> None:
    held = Held()
    bench.feature = FakeFeature(lambda run: held(run) if run.identity.address.startswith("berta") else None)
    task = new_task(bench, THREE)
    with bench.engine(workers=1):
        tell(task, Verb.RUN)
        held.entered.wait(5)
        rest(bench.clock.now() + HOUR)
        until(lambda: "the site's maintenance until" in waiting_for(task))
        held.let_go.set()
        assert [one.finished for one in bench.executions(task)] == [None]
        rest(None)
        (execution,) = ended(bench, task)
    assert (execution.light, execution.message) == (Light.GREEN, "3 mailboxes: 3 success.")
    assert [reason for _, _, reason in lights(bench, execution)] == ["", Reason.PAUSED, "", ""]


def test_a_persons_pause_outlasts_maintenance(bench) -> None:
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine(workers=1):
        tell(task, Verb.RUN)
        held.entered.wait(5)
        tell(task, Verb.PAUSE, who="carl")
        until(lambda: waiting_for(task) == "paused by carl")
        end = bench.clock.now() + HOUR
        rest(end)
        resume = tell(task, Verb.RESUME)
        until(lambda: "maintenance" in waiting_for(task))
        until(lambda: Command.get_by_id(resume.id).finished)
        told = f"The task goes on when maintenance ends at {end:%Y-%m-%d %H:%M} UTC."
        assert Command.get_by_id(resume.id).outcome == told
        tell(task, Verb.PAUSE, who="dora")
        until(lambda: waiting_for(task) == "paused by dora")
        rest(None)
        held.let_go.set()
        tell(task, Verb.RESUME)
        (execution,) = ended(bench, task)
    assert execution.light == Light.GREEN


def test_an_execution_can_be_stopped_in_maintenance(bench) -> None:
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine(workers=1):
        tell(task, Verb.RUN)
        held.entered.wait(5)
        rest(bench.clock.now() + HOUR)
        until(lambda: "maintenance" in waiting_for(task))
        tell(task, Verb.STOP)
        (execution,) = ended(bench, task)
    assert execution.reason == Reason.STOPPED


def test_nobody_starts_a_task_in_maintenance(bench) -> None:
    rest(bench.clock.now() + HOUR)
    task = new_task(bench)
    with bench.engine():
        command = tell(task, Verb.RUN)
        until(lambda: Command.get_by_id(command.id).finished)
    assert bench.executions(task) == []
    assert "maintenance" in Command.get_by_id(command.id).outcome


@pytest.mark.parametrize(("on_missed", "triggers"), [(OnMissed.RUN_ONCE, [Trigger.MISSED]), (OnMissed.SKIP, [])])
def test_what_was_due_starts_at_the_end_as_its_schedule_says(bench, on_missed, triggers) -> None:
    every_five = daily(Many(first=time(0), last=time(23, 55), every_minutes=5), "UTC", on_missed)
    Schedule.update(settings=write_settings(every_five)).execute()
    task = new_task(bench, next_execution=NOON, last_started=NOON - HOUR)
    bench.clock = RunningClock(NOON + timedelta(minutes=12))
    rest(NOON + timedelta(minutes=12, seconds=2))
    with bench.engine():
        until(lambda: bench.task(task).next_execution == NOON + timedelta(minutes=15))
        assert bench.clock.now() >= NOON + timedelta(minutes=12, seconds=2) or on_missed is OnMissed.SKIP
        until(lambda: bench.clock.now() > NOON + timedelta(minutes=12, seconds=3))
        until(lambda: all(one.finished for one in bench.executions(task)))
    assert [one.trigger for one in bench.executions(task)] == triggers


def test_maintenance_is_no_alarm_and_what_comes_says_so(bench) -> None:
    Site.update(maintenance_windows='["Mon 11:00-13:00 UTC"]').execute()
    task = new_task(bench, next_execution=NOON)
    one = NOON + HOUR
    assert queries.overdue_tasks(one - timedelta(seconds=1)) == []
    assert queries.overdue_tasks(one + OVERDUE) == []
    assert [row.task_id for row in queries.overdue_tasks(one + OVERDUE + timedelta(seconds=1))] == [task.id]
    assert queries.next_executions()[0].maintenance_until == one
    assert queries.task(task.id).maintenance_until == one
