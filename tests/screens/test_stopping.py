"""Stopping what runs, from wherever it is seen, and being told where nothing does."""

from mse_tui.app import MseTuiApp
from mse_tui.store.models import Lease
from tests.screens.conftest import Keys, shown
from tests.screens.test_journeys import commands_given


async def test_a_running_execution_is_stopped_where_its_mailboxes_are_seen(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "j", "enter", "s", "enter")
        await keys.see("carla.moreau")
        last = shown(app).splitlines()[-1]
        assert "x Stop" in last and "R Run again" not in last
        await keys.press("x")
        await keys.see("The result will be a warning.")
        await keys.press("j", "enter")
        await keys.see("told to stop")
    assert [verb for _, verb, _ in commands_given()] == ["stop"]


async def test_an_execution_that_has_ended_is_run_again_and_not_stopped(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "s", "enter")
        await keys.see("bo.akerman")
        last = shown(app).splitlines()[-1]
        assert "R Run again" in last and "x Stop" not in last


async def test_an_execution_whose_engine_is_gone_is_run_again_and_not_stopped(app: MseTuiApp) -> None:
    Lease.delete().where(Lease.key.startswith("task:")).execute()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "j", "enter", "s", "enter")
        await keys.see("carla.moreau")
        last = shown(app).splitlines()[-1]
        assert "R Run again" in last and "x Stop" not in last


async def test_nothing_to_stop_is_said_in_passing(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "x")
        await keys.see("is not")
        await keys.press("j")
        await keys.see("Board, office hours:")
        await keys.press("k", "space", "space", "x")
        await keys.see("None of the 2")
    assert commands_given() == []
