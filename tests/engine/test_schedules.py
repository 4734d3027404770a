"""Next executions, checked against an oracle that walks through UTC minute by minute and reads the wall clock."""
# ruff: noqa: DTZ001 (local times are naive on purpose)

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mse_tui.engine.schedules import (
    Daily,
    Many,
    Once,
    OneOff,
    OnMissed,
    ScheduleSettings,
    Weekday,
    daily,
    describe,
    interval,
    next_execution,
    next_executions,
    one_off,
    read_settings,
    weekly,
    write_settings,
)

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Tokyo")
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Asia/Kolkata": (date(2026, 3, 29), date(2026, 10, 25)),
    "Asia/Tokyo": (date(2026, 3, 29), date(2026, 10, 25)),
}
WEEK = tuple(Weekday)


def wanted_local_times(schedule, first_day, days):
    """Every wall-clock time at which the schedule wants to execute, by its plain meaning."""
    timing = schedule.timing
    for number in range(days):
        day = first_day + timedelta(days=number)
        if not isinstance(timing, Daily) and WEEK[day.weekday()] not in timing.days:
            continue
        times = timing.times
        if isinstance(times, Once):
            yield datetime.combine(day, times.at)
            continue
        moment = datetime.combine(day, times.first)
        end = datetime.combine(day if times.last >= times.first else day + timedelta(days=1), times.last)
        while moment <= end:
            yield moment
            moment += timedelta(minutes=times.every_minutes)


def oracle(schedule, begin, hours):
    """The executions in (begin, begin + hours], found by walking the wall clock a minute at a time."""
    zone = ZoneInfo(schedule.zone)
    walk_from = begin - timedelta(hours=50)
    waiting = sorted(set(wanted_local_times(schedule, walk_from.astimezone(zone).date() - timedelta(days=2), 12)))
    start_wall = walk_from.astimezone(zone).replace(tzinfo=None)
    waiting = [wall for wall in waiting if wall > start_wall]
    latest_wall = start_wall
    found = []
    moment = walk_from
    while moment < begin + timedelta(hours=hours):
        moment += timedelta(minutes=1)
        latest_wall = max(latest_wall, moment.astimezone(zone).replace(tzinfo=None))
        reached = [wall for wall in waiting if wall <= latest_wall]
        if reached:
            waiting = waiting[len(reached) :]
            found.append(moment)
    return [moment for moment in found if moment > begin]


clock_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
blocks = st.one_of(
    st.builds(Once, at=clock_times),
    st.tuples(clock_times, clock_times, st.integers(1, 720)).map(
        lambda block: Many(first=block[0], last=block[1], every_minutes=block[2])
    ),
)


@st.composite
def schedules_near_a_change(draw):
    zone = draw(st.sampled_from(ZONES))
    day = draw(st.sampled_from(CHANGES[zone]))
    times = draw(blocks)
    if draw(st.booleans()):
        schedule = daily(times, zone)
    else:
        schedule = weekly(tuple(draw(st.sets(st.sampled_from(WEEK), min_size=1))), times, zone)
    minutes = draw(st.integers(-36 * 60, 12 * 60))
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    return schedule, midnight + timedelta(minutes=minutes)


@settings(max_examples=120, deadline=None)
@given(schedules_near_a_change())
def test_executions_around_clock_changes_are_those_that_the_wall_clock_shows(drawn):
    schedule, after = drawn
    hours = 40
    expected = oracle(schedule, after, hours)
    computed = [
        moment
        for moment in next_executions(schedule, after, len(expected) + 2)
        if moment <= after + timedelta(hours=hours)
    ]
    assert computed == expected


@settings(max_examples=100, deadline=None)
@given(schedules_near_a_change())
def test_executions_are_in_utc_strictly_later_and_follow_one_another(drawn):
    schedule, after = drawn
    moments = next_executions(schedule, after, 4)
    assert len(moments) == 4
    assert all(moment.tzinfo is UTC for moment in moments)
    assert after < moments[0] < moments[1] < moments[2] < moments[3]
    assert next_execution(schedule, moments[0] - timedelta(microseconds=1)) == moments[0]
    assert next_execution(schedule, moments[0]) == moments[1]


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, 2, 0), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 4, 2, 15), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, 12, 0), datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
    ],
)
def test_a_local_time_that_does_not_exist_runs_at_the_first_instant_after_the_gap(zone, local, expected):
    assert next_execution(one_off(local, zone), datetime(2000, 1, 1, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 5, 1, 45), datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
    ],
)
def test_a_local_time_that_comes_twice_runs_once_the_first_time(zone, local, expected):
    schedule = daily(Once(at=local.time()), zone)
    first, second = next_executions(schedule, expected - timedelta(hours=2), 2)
    assert first == expected
    assert second.astimezone(ZoneInfo(zone)).date() == local.date() + timedelta(days=1)


def test_a_finished_one_off_has_no_next_execution():
    schedule = one_off(datetime(2026, 5, 1, 8, 0), "Europe/Berlin")
    moment = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
    assert next_executions(schedule, moment - timedelta(days=1), 5) == [moment]
    assert next_execution(schedule, moment) is None
    assert interval(schedule, moment) is None


def test_a_block_past_midnight_belongs_to_the_day_it_begins_on():
    schedule = weekly((Weekday.FRIDAY,), Many(first=time(22), last=time(2), every_minutes=120), "Asia/Tokyo")
    zone = ZoneInfo("Asia/Tokyo")
    moments = next_executions(schedule, datetime(2026, 6, 1, tzinfo=UTC), 3)
    assert [f"{moment.astimezone(zone):%a %H:%M}" for moment in moments] == ["Fri 22:00", "Sat 00:00", "Sat 02:00"]


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (one_off(datetime(2026, 3, 1, 22, 5), "Asia/Tokyo"), "Once on 2026-03-01 at 22:05 (Asia/Tokyo)"),
        (daily(Once(at=time(2)), "Europe/Berlin"), "Daily at 02:00 (Europe/Berlin)"),
        (
            weekly((Weekday.THURSDAY, Weekday.MONDAY), Many(first=time(8), last=time(18), every_minutes=30), "UTC"),
            "Weekly on Mon, Thu every 30 minutes from 08:00 to 18:00 (UTC)",
        ),
        (
            daily(Many(first=time(22), last=time(4), every_minutes=1), "UTC"),
            "Daily every minute from 22:00 to 04:00 on the next day (UTC)",
        ),
    ],
)
def test_a_schedule_says_what_it_is_in_one_line(schedule, sentence):
    assert describe(schedule) == sentence


@given(schedules_near_a_change(), st.sampled_from(OnMissed))
def test_settings_survive_their_row(drawn, on_missed):
    schedule = drawn[0].model_copy(update={"on_missed": on_missed})
    assert read_settings(write_settings(schedule)) == schedule


@pytest.mark.parametrize(
    "settings",
    [
        {"timing": {"kind": "daily", "times": {"repeat": "once", "at": "02:00"}}, "zone": "Europe/Nowhere"},
        {"timing": {"kind": "daily", "times": {"repeat": "once", "at": "02:00"}}, "zone": "../etc/passwd"},
        {"timing": {"kind": "weekly", "days": [], "times": {"repeat": "once", "at": "02:00"}}, "zone": "UTC"},
        {"timing": {"kind": "daily", "times": {"repeat": "once", "at": "25:00"}}, "zone": "UTC"},
        {"timing": {"kind": "daily", "times": {"repeat": "once", "at": "02:00+01:00"}}, "zone": "UTC"},
        {
            "timing": {"kind": "daily", "times": {"repeat": "many", "from": "1:00", "to": "02:00", "every_minutes": 0}},
            "zone": "UTC",
        },
        {"timing": {"kind": "one_off", "at": "2026-01-01T00:00Z"}, "zone": "UTC"},
        {"timing": {"kind": "hourly"}, "zone": "UTC"},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValidationError):
        ScheduleSettings.model_validate(settings)


def test_the_date_and_time_of_a_one_off_are_local():
    with pytest.raises(ValidationError, match="without an offset"):
        OneOff(at=datetime(2026, 1, 1, tzinfo=UTC))
