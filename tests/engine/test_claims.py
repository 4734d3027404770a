"""Which tasks start when: missed starts, pauses, edits, and clocks that are set."""
# ruff: noqa: DTZ001 (local times are naive on purpose)

from datetime import UTC, datetime, time, timedelta

import pytest

from mse_tui.engine.claims import Claims, Decision, Plan, due, plan_after
from mse_tui.engine.leases import Leases
from mse_tui.engine.schedules import Many, Once, OnMissed, daily, one_off, write_settings
from mse_tui.store.models import Schedule, Task
from mse_tui.terms import Status, Trigger
from tests.engine.fakes import NOON, FakeClock, make_definition, make_schedule, make_site, make_task

AT_TWO = daily(Once(at=time(2)), "UTC")
EVERY_HOUR = daily(Many(first=time(0), last=time(23), every_minutes=60), "UTC")
TODAY_TWO = datetime(2026, 6, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def plan(schedule=AT_TWO, next_execution=TODAY_TWO, last_started=None, defined=NOON, resting=False, task_id=1):
    return Plan(task_id, schedule, next_execution, last_started, defined, resting)


def test_a_task_starts_when_its_time_has_come():
    assert due([plan()], TODAY_TWO - timedelta(seconds=1)) == []
    assert due([plan()], TODAY_TWO) == [Decision(1, Trigger.SCHEDULE, TODAY_TWO + DAY)]


def test_a_new_task_is_planned():
    assert due([plan(next_execution=None)], NOON) == [Decision(1, None, TODAY_TWO)]


def test_starts_missed_while_the_engine_was_down_coalesce_into_one():
    late = plan(EVERY_HOUR, next_execution=TODAY_TWO)
    now = TODAY_TWO + timedelta(hours=7, minutes=20)
    assert due([late], now) == [Decision(1, Trigger.MISSED, TODAY_TWO + timedelta(hours=8))]


def test_missed_starts_are_skipped_if_the_schedule_says_so():
    schedule = daily(Once(at=time(2)), "UTC", OnMissed.SKIP)
    assert due([plan(schedule)], TODAY_TWO + timedelta(hours=7)) == [Decision(1, None, TODAY_TWO + DAY)]
    assert due([plan(schedule)], TODAY_TWO + timedelta(seconds=5)) == [Decision(1, Trigger.SCHEDULE, TODAY_TWO + DAY)]


def test_a_start_missed_before_the_task_was_ever_planned_counts():
    defined = TODAY_TWO - timedelta(hours=1)
    (decision,) = due([plan(next_execution=None, defined=defined)], TODAY_TWO + timedelta(hours=3))
    assert decision == Decision(1, None, TODAY_TWO)
    assert due([plan(defined=defined)], TODAY_TWO + timedelta(hours=3))[0].trigger is Trigger.MISSED


@pytest.mark.parametrize("on_missed", OnMissed)
def test_plans_settle(on_missed):
    """Whatever the schedule, deciding again after a decision was carried out finds nothing more to do."""
    one = one_off(datetime(2026, 6, 2, 2), "UTC", on_missed)
    many = daily(Many(first=time(0), last=time(23), every_minutes=7), "UTC", on_missed)
    for schedule in (one, many):
        for resting in (False, True):
            for hours in (-3, 0, 40):
                found = plan(schedule, None, resting=resting)
                now = TODAY_TWO + timedelta(hours=hours)
                for _ in range(3):
                    decisions = due([found], now)
                    if not decisions:
                        break
                    started = now if decisions[0].trigger else found.last_started
                    found = plan(schedule, decisions[0].next_execution, started, resting=resting)
                assert due([found], now) == []


def test_a_finished_one_off_is_not_planned_again():
    schedule = one_off(datetime(2026, 6, 2, 2), "UTC")
    assert due([plan(schedule)], TODAY_TWO) == [Decision(1, Trigger.SCHEDULE, None)]
    assert due([plan(schedule, None, last_started=TODAY_TWO)], TODAY_TWO + timedelta(minutes=1)) == []


def test_starts_of_a_running_or_paused_task_pass_by():
    assert due([plan(resting=True)], TODAY_TWO) == [Decision(1, None, TODAY_TWO + DAY)]


def test_an_edited_schedule_replaces_the_plan():
    at_three = daily(Once(at=time(3)), "UTC")
    assert due([plan(at_three)], NOON) == [Decision(1, None, TODAY_TWO + timedelta(hours=1))]
    # Edited at ten past two to what would have been past already: no start is invented.
    at_one = daily(Once(at=time(1)), "UTC")
    assert due([plan(at_one)], TODAY_TWO) == [Decision(1, None, TODAY_TWO + timedelta(hours=23))]


def test_a_clock_set_back_a_little_repeats_no_start():
    started = TODAY_TWO + timedelta(seconds=1)
    settled = plan(next_execution=TODAY_TWO + DAY, last_started=started)
    assert due([settled], TODAY_TWO - timedelta(minutes=30)) == []


def test_a_clock_that_was_far_ahead_does_not_hold_starts_back():
    wrong = TODAY_TWO + timedelta(days=365)
    (decision,) = due([plan(next_execution=wrong + DAY, last_started=wrong)], TODAY_TWO - timedelta(hours=1))
    assert decision == Decision(1, None, TODAY_TWO)
    assert plan_after(AT_TWO, TODAY_TWO - timedelta(hours=1), wrong) == TODAY_TWO


def test_a_clock_set_forth_makes_one_missed_start():
    ahead = TODAY_TWO + timedelta(days=30, hours=1)
    assert due([plan()], ahead) == [Decision(1, Trigger.MISSED, TODAY_TWO + timedelta(days=31))]


def test_the_longest_due_task_starts_first():
    tasks = [plan(task_id=1, next_execution=TODAY_TWO), plan(EVERY_HOUR, TODAY_TWO - timedelta(hours=1), task_id=2)]
    assert [decision.task_id for decision in due(tasks, TODAY_TWO)] == [2, 1]


class TestClaims:
    @pytest.fixture
    def clock(self):
        return FakeClock()

    @pytest.fixture
    def task(self, store):
        return make_task(make_site(), make_schedule(), make_definition())

    @pytest.fixture
    def claims(self, task, clock):
        return Claims(task.site_id, Leases("ours", now=clock.now, clock=clock), clock)

    def test_an_edit_of_an_idle_task_takes_effect_at_the_next_look(self, claims, task):
        for decision in claims.due():
            claims.replan(decision)
        assert Task.get_by_id(task.id).next_execution == TODAY_TWO
        assert claims.due() == []
        Schedule.update(settings=write_settings(daily(Once(at=time(13)), "UTC"))).execute()
        claims._version = None  # the edit came over another connection
        assert [decision.next_execution for decision in claims.due()] == [NOON + timedelta(hours=1)]

    def test_a_start_is_claimed_once(self, claims, task, clock):
        claim = claims.start(task.id, Trigger.PERSON, "anna")
        assert claim is not None
        assert claims.start(task.id, Trigger.SCHEDULE) is None
        other = Claims(task.site_id, Leases("theirs", now=clock.now, clock=clock), clock)
        assert other.start(task.id, Trigger.SCHEDULE) is None
        row = Task.get_by_id(task.id)
        assert (row.status, row.last_started) == (Status.RUNNING, NOON)

    def test_a_start_works_with_the_definition_as_it_is_then(self, claims, task):
        task.definition.settings = '{"text": "before"}'
        task.definition.save()
        claim = claims.start(task.id, Trigger.PERSON)
        task.definition.settings = '{"text": "after"}'
        task.definition.save()
        assert claim.settings == '{"text": "before"}'

    def test_a_schedule_that_cannot_be_read_keeps_no_other_task_from_starting(self, claims, task):
        Schedule.update(settings="{").execute()
        second = make_task(task.site, make_schedule(name="Good"), task.definition, description="Other")
        assert [decision.task_id for decision in claims.due()] == [second.id]


def test_a_schedule_that_cannot_be_read_is_told_once_and_keeps_no_other_task(store, caplog) -> None:
    site, definition, clock = make_site(), make_definition(), FakeClock(TODAY_TWO)
    good = make_task(site, make_schedule(AT_TWO), definition, description="Good", next_execution=TODAY_TWO)
    bad = make_schedule(AT_TWO, name="Bad")
    for number in range(2):
        make_task(site, bad, definition, description=f"Bad {number}")
    Schedule.update(settings="{}").where(Schedule.id == bad.id).execute()
    claims = Claims(site.id, Leases("ours", now=clock.now), clock)
    for _ in range(3):
        assert [decision.task_id for decision in claims.due()] == [good.id]
    assert [record.getMessage() for record in caplog.records] == [
        "The schedule 'Bad' can't be read; its tasks do not start"
    ]
    Schedule.update(settings="[]").where(Schedule.id == bad.id).execute()
    claims.due()
    assert len(caplog.records) == 2
