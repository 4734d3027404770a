"""Finding and narrowing: how many lines there are of what is asked for, and what ended badly alone."""

from mse_tui.app import MseTuiApp
from mse_tui.store.models import Execution
from tests.screens.conftest import Keys, shown


async def test_a_filter_and_a_find_say_how_many_lines_there_are(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "slash")
        await keys.type("ever")
        await keys.press("enter")
        await keys.see("1 of 4 lines")
        await keys.press("4", "slash")
        await keys.type("office")
        await keys.press("enter")
        found = sum(row.task.description == "Board, office hours" for row in Execution.select())
        await keys.see(f"{found} lines with 'office'")
        await keys.press("n")
        await keys.see(f"{found} lines with 'office'")
        await keys.press("escape")
        await keys.miss("lines with")


async def test_the_summary_log_shows_only_what_ended_badly_and_everything_again(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        await keys.press("4")
        await keys.see("+ success")
        await keys.press("t")
        bad = Execution.select().where(Execution.light.in_(("orange", "red"))).count()
        await keys.see(f"{bad} executions with warnings or errors")
        await keys.miss("+ success")
        assert "! warning" in shown(app)
        await keys.press("t")
        await keys.see("+ success")
