"""The dashboard: what stays in sight, and how much of what comes next there is room for."""

from datetime import timedelta

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.screens.dashboard import DashboardScreen
from mse_tui.store.models import Progress, Task
from mse_tui.widgets.paged_list import PagedList
from tests.screens.conftest import Keys, until
from tests.screens.seed import NOW


@pytest.mark.parametrize(("height", "seen"), [(24, 3), (45, 12)])
async def test_a_high_screen_says_more_of_what_comes_next(app: MseTuiApp, height: int, seen: int) -> None:
    template = Task.get(Task.description == "Board, office hours").__data__
    for number in range(15):
        Task.create(
            **{**template, "id": None, "description": f"Later {number:02}", "next_execution": NOW + timedelta(days=2),
               "light": "green"}
        )  # fmt: skip
    async with app.run_test(size=(140, height)) as pilot:
        await Keys(pilot).see("Recent activity")
        await until(pilot, lambda: app.screen.query_one("#upcoming", PagedList).count == seen, "what comes")


async def test_the_cursor_stays_in_sight_when_more_comes_above_it(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        while getattr(app.focused, "id", "") != "recent":
            await keys.press("tab")
        await keys.press("G")
        await keys.see("View all")
        template = Task.get(Task.description == "Shared mailboxes")
        for number in range(3):
            Task.create(**{**template.__data__, "id": None, "description": f"Another {number}"})
        await keys.press("r")
        await until(pilot, lambda: len(app.screen.shown.troubles) > 2, "the new problems")
        await keys.see("View all")


async def test_the_bar_of_what_runs_is_the_whole_task_s(app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("41%")
        Progress.update(items=0, expected=0).execute()
        await keys.press("r")
        screen = await keys.see("33%")
        assert "3/6" in screen


async def test_what_has_no_answer_comes_before_other_warnings(app: MseTuiApp) -> None:
    why = "The server could not be reached. Tried until 2026-03-02 10:00 UTC."
    Progress.update(waiting=why, waiting_since=NOW - timedelta(minutes=5), waiting_until=NOW).execute()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await Keys(pilot).see("No answer since 2026-03-02 10:25")
        assert screen.index("No answer since") < screen.index("Board, office hours")
        assert ".," not in screen


async def test_what_has_not_changed_is_not_drawn_again(app: MseTuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await Keys(pilot).see("Recent activity")
        await until(pilot, lambda: app.focused is not None, "the cursor's list")
        screen = app.screen
        assert isinstance(screen, DashboardScreen) and screen.shown is not None
        refresh = PagedList.refresh

        def told(section: PagedList, *regions: object, **how: bool) -> PagedList:
            drawn.append(str(section.id))
            return refresh(section, *regions, **how)  # type: ignore[arg-type]  # as it was called

        monkeypatch.setattr(PagedList, "refresh", told)
        screen.show(screen.shown)
        await pilot.pause()
        assert drawn == []


async def test_what_is_done_to_a_task_is_offered_where_the_cursor_is_on_one(app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        assert "R Run again" in await keys.see("Shared mailboxes")
        while getattr(app.focused, "id", "") != "types":
            await keys.press("tab")
        screen = await keys.see("Next section")
        assert "R Run again" not in screen and "x Stop" not in screen
