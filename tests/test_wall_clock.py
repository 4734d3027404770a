"""Dates and times as people write them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mse_tui.machine_zone import machine_zone, machine_zone_name
from mse_tui.reasons import Problem
from mse_tui.wall_clock import moment_of

OSLO = ZoneInfo("Europe/Oslo")


@pytest.fixture(params=["Europe/Berlin", "America/New_York", "Asia/Tokyo"])
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize("text", ["2026-03-01", " 2026-03-01 ", "20260301"])
def test_a_date_means_its_end_however_it_is_written(text: str) -> None:
    assert moment_of(text, OSLO) == datetime(2026, 3, 1, 23, 59, 59, 999999, OSLO)


def test_a_time_is_meant_in_the_zone_unless_it_names_its_own() -> None:
    assert moment_of("2026-03-01 14:30", OSLO) == datetime(2026, 3, 1, 13, 30, tzinfo=UTC)
    assert moment_of("2026-03-01T14:30+00:00", OSLO) == datetime(2026, 3, 1, 14, 30, tzinfo=UTC)


def test_without_a_zone_this_machine_is_meant(here: str) -> None:
    assert moment_of("2026-03-01 14:30") == datetime(2026, 3, 1, 14, 30, tzinfo=ZoneInfo(here))
    assert (str(machine_zone()), machine_zone_name()) == (here, here)


@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01 00:00", "9999-12-31", "9999-12-31T23:59-12:00"])
def test_the_ends_of_the_calendar_are_moments_or_refused_but_never_a_fault(here: str, text: str) -> None:
    for zone in (None, OSLO):
        try:
            found = moment_of(text, zone)
        except Problem:
            continue
        assert found.astimezone(UTC) == found


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-03", "9999-12-31T23:59-12:00"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="is not a date"):
        moment_of(text, OSLO)


def test_a_machine_whose_zone_is_unknown_is_taken_for_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Mars/Olympus")
    assert machine_zone_name() == "UTC"
