"""mse-tui site maintenance: begun, shown, tried first, ended; by the week and until a time."""

import json
import time
from collections.abc import Iterator

import pytest

from mse_tui.home import Home
from mse_tui.monitoring.metrics import SiteMetrics
from mse_tui.store import queries
from mse_tui.terms import EXIT_USAGE
from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_until_a_time_and_ended(mse_tui: Command) -> None:
    assert mse_tui("site", "maintenance", "show").out == "Not in maintenance now.\n"
    begun = mse_tui("site", "maintenance", "begin", "--until", "2099-01-01 12:00")
    assert begun.out.startswith("In maintenance until 2099-01-01 12:00 (begun by ")
    assert json.loads(mse_tui("site", "maintenance", "show", "--json").out)["until"] == "2099-01-01T11:00:00+00:00"
    assert "no task runs" in mse_tui("status").out
    assert mse_tui("site", "maintenance", "end").code == 0
    assert mse_tui("site", "maintenance", "end").code == EXIT_USAGE


def test_each_week_in_this_machines_zone_or_another(mse_tui: Command) -> None:
    said = mse_tui("site", "maintenance", "windows", "sun 2:00-6:00", "Mon-Fri 22:00-23:30 UTC").out
    assert "Each week: Sun 02:00-06:00 Europe/Berlin" in said
    assert "Each week: Mon,Tue,Wed,Thu,Fri 22:00-23:30 UTC" in said
    assert mse_tui("site", "maintenance", "windows", "--none").code == 0
    assert queries.sites()[0].maintenance_windows == ()


def test_what_would_be_done_is_told_first(mse_tui: Command) -> None:
    told = mse_tui("site", "maintenance", "windows", "Sun 02:00-06:00 UTC", "--what-if").out
    assert "Would set maintenance windows" in told
    assert queries.sites()[0].maintenance_windows == ()


@pytest.mark.parametrize(
    "arguments",
    [
        ("windows",),
        ("windows", "--none", "Sun 02:00-06:00"),
        ("windows", "always"),
        ("windows", "Mon-Sun 00:00-24:00"),
        ("begin", "--until", "soon"),
        ("begin", "--until", "2001-01-01 00:00"),
    ],
)
def test_what_makes_no_sense_is_refused(mse_tui: Command, arguments: tuple[str, ...]) -> None:
    assert mse_tui("site", "maintenance", *arguments).code == EXIT_USAGE


def test_nobody_starts_a_task_meanwhile_and_monitoring_knows(with_task: Command, home: Home) -> None:
    with_task("site", "maintenance", "begin", "--until", "2099-01-01 12:00")
    refused = with_task("task", "run", "Sales")
    assert (refused.code, "Reason: site-in-maintenance" in refused.err) == (2, True)
    resting = next(one for one in SiteMetrics().collect() if one.name == "mse_tui_site_maintenance")
    assert [sample.value for sample in resting.samples] == [1.0]
