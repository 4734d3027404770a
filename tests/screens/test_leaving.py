"""Esc: one step back at a time, and from a place's first screen to the dashboard."""

from mse_tui.app import MseTuiApp
from tests.screens.conftest import Keys


async def test_esc_leads_to_the_dashboard_in_the_end_and_says_so_there(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("5")
        await keys.see("Envelopes only")
        await keys.press("escape")
        await keys.see("Recent activity")
        await keys.press("escape")
        await keys.see("This is where it begins")


async def test_esc_drops_the_filter_before_it_leaves(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "slash")
        await keys.type("board")
        await keys.press("enter", "escape")
        await keys.see("Everyone, nightly")
        await keys.press("escape")
        await keys.see("Recent activity")
