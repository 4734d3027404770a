"""A site in maintenance: begun, shown everywhere, and ended, by keys alone."""

import os
from datetime import UTC, datetime

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.store import queries
from mse_tui.store.models import Site
from tests.screens.conftest import Keys, settle, shown
from tests.screens.test_goldens import GOLDENS

FAR = datetime(2099, 1, 1, 11, tzinfo=UTC)
SCREENS = {
    "dashboard": (["1"], "until 2099"),
    "tasks": (["2", "j"], "(maintenance)"),
    "task": (["2", "j", "j", "enter"], "in maintenance until"),
    "sites": (["S"], "Each week"),
    "schedules": (["6", "j"], "in maintenance until"),
}


@pytest.fixture
def resting(app: MseTuiApp) -> MseTuiApp:
    """The seeded site, in maintenance for a long time."""
    windows = '["Sun 02:00-06:00 Europe/Oslo", "Wed 22:00-23:30 Europe/Oslo"]'
    Site.update(maintenance_until=FAR, maintenance_by="ann", maintenance_windows=windows).execute()
    return app


@pytest.mark.parametrize("name", list(SCREENS))
async def test_screen_in_maintenance_reads_as_it_did(resting: MseTuiApp, name: str) -> None:
    presses, landmark = SCREENS[name]
    async with resting.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await keys.see(landmark)
        await keys.see("  maintenance")
        await settle(pilot)
        text = shown(resting) + "\n"
    golden = GOLDENS / f"{name}-maintenance-80x24.txt"
    if os.environ.get("MSE_TUI_GOLDENS") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


async def test_maintenance_is_begun_until_a_time_and_ended_after_a_question(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("S")
        await keys.see("Bound to")
        await keys.press("m")
        await keys.see("No task starts or goes on until")
        await keys.type("soon")
        await keys.press("enter")
        await keys.see("'soon' is not a time")
        await keys.see("No task starts or goes on until")
        await keys.press("ctrl+u")
        await keys.type("2099-01-01 12:00")
        await keys.press("enter")
        await keys.see("! maintenance")
        await keys.see("until 2099-01-01 12:00")
        assert queries.sites()[0].maintenance_until == FAR
        await keys.press("m")
        await keys.see("End the maintenance")
        await keys.press("enter")
        await keys.see("! maintenance")
        await keys.press("m")
        await keys.see("End the maintenance")
        await keys.press("j", "enter")
        await keys.see("+ engine runs")
        assert queries.sites()[0].maintenance_until is None


async def test_the_weeks_windows_are_typed_and_taken_away_again(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("S")
        await keys.see("Bound to")
        await keys.press("w")
        await keys.see("Weekly maintenance")
        await keys.type("Sun 02:00-06:00; Wed 22:00-23:30 UTC")
        await keys.press("enter")
        await keys.see("Sun 02:00-06:00 Europe/Oslo")
        await keys.see("Wed 22:00-23:30 UTC")
        await keys.press("w")
        await keys.see("Weekly maintenance")
        await keys.press("ctrl+u")
        await keys.press("enter")
        await keys.miss("Each week")
        assert queries.sites()[0].maintenance_windows == ()
