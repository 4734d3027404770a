"""A site's maintenance: when it begins and ends, around the changes of clocks too."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.maintenance import Maintenance

SUNDAY = datetime(2026, 6, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def at(hours: float) -> datetime:
    return SUNDAY + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("windows", "moment", "end"),
    [
        (["Sun 02:00-06:00 UTC"], at(1.9), at(1.9)),
        (["Sun 02:00-06:00 UTC"], at(2), at(6)),
        (["Sun 02:00-06:00 UTC"], at(6), at(6)),
        (["Sat 22:00-04:00 UTC"], at(-1), at(4)),
        (["Sat 22:00-04:00 UTC"], at(3), at(4)),
        (["Sun 02:00-06:00 UTC", "Sun 05:00-08:00 UTC"], at(3), at(8)),
        (["Sun 02:00-06:00 UTC", "Sun 06:00-24:00 UTC"], at(3), at(24)),
        (["Sun 04:00-08:00 Europe/Berlin"], at(3), at(6)),
    ],
)
def test_the_end_of_windows(windows: list[str], moment: datetime, end: datetime) -> None:
    maintenance = Maintenance.of(windows)
    assert maintenance.free_from(moment) == end
    assert maintenance.covers(moment) is (end != moment)


def test_what_a_person_began_goes_over_into_a_window() -> None:
    maintenance = Maintenance.of(["Sun 02:00-06:00 UTC"], until=at(2.5))
    assert maintenance.free_from(at(0)) == at(6)


def test_a_window_that_was_ended_early_counts_again_from_its_end_on() -> None:
    maintenance = Maintenance.of(["Sun 02:00-06:00 UTC"], windows_from=at(6))
    assert not maintenance.covers(at(3))
    assert maintenance.covers(at(7 * 24 + 3))


@pytest.mark.parametrize(
    ("windows", "endless"),
    [
        (["Mon-Sun 00:00-24:00 UTC"], True),
        (["Mon-Fri 00:00-24:00 UTC", "Sat,Sun 00:00-12:00 UTC", "Sat,Sun 12:00-24:00 UTC"], True),
        (["Mon-Sun 00:00-23:59 UTC"], False),
        (["Mon-Sat 00:00-24:00 UTC"], False),
        ([], False),
    ],
)
def test_windows_that_leave_no_time_are_known(windows: list[str], endless: bool) -> None:
    assert Maintenance.of(windows).is_endless is endless


@st.composite
def around_a_change(draw: st.DrawFn) -> tuple[Maintenance, datetime]:
    """Windows in a zone, and a time near a change of its clocks."""
    zone = draw(st.sampled_from(list(CHANGES)))
    clock = st.tuples(st.integers(0, 23), st.sampled_from([0, 30, 59])).map(lambda time: f"{time[0]:02}:{time[1]:02}")
    window = st.tuples(st.sets(st.sampled_from(DAYS), min_size=1), clock, clock)
    windows = [f"{','.join(days)} {start}-{end} {zone}" for days, start, end in draw(st.lists(window, max_size=3))]
    day = datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone]))).replace(tzinfo=UTC)
    moment = day + draw(st.integers(-36 * 60, 36 * 60)) * MINUTE
    return Maintenance.of(windows), moment


@given(around_a_change())
def test_maintenance_lasts_until_its_end_and_no_longer(drawn: tuple[Maintenance, datetime]) -> None:
    maintenance, moment = drawn
    if maintenance.is_endless:
        return
    end = maintenance.free_from(moment)
    assert not maintenance.covers(end)
    while moment < end:
        assert maintenance.covers(moment)
        moment += MINUTE
    if maintenance.covers(drawn[1]):
        assert maintenance.covers(end - timedelta(microseconds=1))
