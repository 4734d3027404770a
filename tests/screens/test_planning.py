"""Planning by keys alone."""

from dataclasses import replace
from datetime import UTC, datetime, time

from mse_tui.app import MseTuiApp
from mse_tui.engine.capacity import ExecutionTime, capacity
from mse_tui.engine.planning import plans
from mse_tui.engine.schedules import Once, daily
from mse_tui.home import Home
from mse_tui.widgets.planning_facts import measured_facts
from tests.screens.conftest import Keys
from tests.screens.seed import NOW


def test_the_usual_interval_is_said_and_the_first_execution_where_there_is_no_other(seeded: Home) -> None:
    over_a_clock_change = datetime(2026, 3, 20, tzinfo=UTC)
    nightly = daily(Once(at=time(12)), "Europe/Oslo")
    known = capacity([], [ExecutionTime(NOW, 75, 2, True)], nightly, over_a_clock_change)
    said = {fact.label: fact.value for fact in measured_facts(replace(plans(NOW)[0], capacity=known))}
    assert said["An execution takes"] == "1 min 15 s, the first one"
    assert said["Interval"] == "24 h (the shortest: 23 h)"


async def test_asking_what_more_mailboxes_would_cost_and_how_many_tasks_it_takes(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("0", "j", "enter")
        await keys.see("Later executions")
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
        await keys.see("is not a whole number")
        await keys.press("escape")
        await keys.see("With 10 more")
        await keys.press("escape")
        await keys.see("In time?")
