"""What small terminals show all the same: every day of a week, whole labels, the sentence about a problem."""

from mse_tui.app import MseTuiApp
from mse_tui.widgets.lines import Fact
from tests.screens.conftest import Keys


async def test_every_day_of_a_weekly_schedule_is_seen_and_chosen_at_eighty_columns(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("6", "c")
        await keys.see("New schedule")
        await keys.press("tab", "right")
        await keys.see("< weekly >")
        screen = await keys.see("[ ]Sun")
        assert "[ ]Mon" in screen
        await keys.press("tab", "h", "space")
        await keys.see("[x]Sun")


async def test_labels_of_settings_are_not_cut_while_there_is_room(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 44)) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "e")
        screen = await keys.see("Exclude Inbox")
        assert "Include Enterprise Vault shortcuts" in screen
        await keys.press("escape")
        app.show_facts("Settings", [Fact("Include Enterprise Vault shortcuts", "off"), Fact("Inbox", "on")])
        await keys.see("Include Enterprise Vault shortcuts  off")
