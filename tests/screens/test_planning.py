"""Planning by keys alone."""

from mse_tui.app import MseTuiApp
from tests.screens.conftest import Keys, shown


async def test_asking_what_more_mailboxes_would_cost_and_how_many_tasks_it_takes(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("0", "j", "enter")
        await keys.see("Shortest interval")
        await keys.press("m")
        await keys.see("How many more mailboxes?")
        await keys.press("1", "0", "enter")
        await keys.see("With 10 more")
        await keys.press("e")
        await keys.see("every how many minutes?")
        await keys.press("2", "enter")
        await keys.see("share the group among 4 tasks")
        await keys.press("m")
        await keys.see("How many more mailboxes?")
        await keys.press("x", "enter")
        await keys.see("is not a number")
        assert "With 10 more" in shown(app)
        await keys.press("escape")
        await keys.see("In time?")
