"""The list of tasks: its orders, from both ends, and what a filter shows of it."""

from mse_tui.app import MseTuiApp
from tests.screens.conftest import Keys, shown


def names(app: MseTuiApp) -> list[str]:
    return [line[1:].split("  ")[0] for line in shown(app).splitlines()[3:7]]


async def test_each_order_turns_round_and_is_marked_in_the_heading(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        await keys.see("Task ^")
        ordered = ["Before the move", "Board, office hours", "Everyone, nightly", "Shared mailboxes"]
        assert names(app) == ordered
        await keys.press("s")
        await keys.see("Task v")
        assert names(app) == ordered[::-1]
        await keys.press("s")
        await keys.see("Light ^")
        assert "Task v" not in shown(app)
        assert names(app)[:2] == ["Shared mailboxes", "Board, office hours"]


async def test_a_filter_looks_at_what_is_seen_and_the_title_says_how_many_match(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "slash")
        await keys.type("board")
        await keys.see("1 of 4 tasks")
        await keys.press("escape", "slash")
        await keys.type("Fjordline")
        await keys.see("0 of 4 tasks")
        await keys.press("escape")
        await keys.see("All types: 4 tasks")


async def test_a_filter_looks_at_columns_that_there_is_room_for(app: MseTuiApp) -> None:
    async with app.run_test(size=(250, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "slash")
        await keys.type("Fjordline")
        await keys.see("4 of 4 tasks")
