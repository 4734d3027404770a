"""The main screens as they read at two sizes; write them anew with MSE_TUI_GOLDENS=write and look at the difference."""

import os
from pathlib import Path

import pytest

from mse_tui.app import MseTuiApp
from tests.screens.conftest import Keys, settle, shown

GOLDENS = Path(__file__).parent / "goldens"
SCREENS = {
    "dashboard": (["1"], "Recent activity"),
    "tasks": (["2", "j"], "Board, office hours"),
    "task": (["2", "j", "j", "enter"], "Latest detail"),
    "task-options": (["2", "j", "enter", "o"], "Next five"),
    "group": (["2", "j", "enter", "m"], "Gro Dahl"),
    "execution": (["2", "j", "enter", "l", "enter"], "bo.akerman"),
    "result": (["2", "j", "enter", "l", "enter", "j", "enter"], "Counters"),
    "access": (["3", "a"], "help.desk"),
    "folders": (["3", "enter"], "Prosjekter"),
    "messages": (["3", "enter", "j", "enter"], "week 38"),
    "message": (["3", "enter", "j", "enter", "j", "enter"], "Dear Ann"),
    "remove": (["2", "D"], "resets the Full view"),
    "definition": (["5", "e"], "Exclude Inbox"),
    "sites": (["S"], "Bound to"),
    "logs": (["L"], "A mailbox failed inside"),
    "log-line": (["L", "enter"], "Traceback"),
    "summary-log": (["4", "j"], "Task summary log"),
    "task-logs": (["2", "j", "enter", "l"], "2 of 2 mailboxes processed"),
    "planning": (["0"], "In time?"),
    "planning-task": (["0", "j", "enter"], "Shortest interval"),
}
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", list(SCREENS))
async def test_screen_reads_as_it_did(app: MseTuiApp, name: str, size: str) -> None:
    presses, landmark = SCREENS[name]
    async with app.run_test(size=SIZES[size]) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await keys.see(landmark)
        await settle(pilot)
        text = shown(app) + "\n"
    golden = GOLDENS / f"{name}-{size}.txt"
    if os.environ.get("MSE_TUI_GOLDENS") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["dashboard", "tasks", "task", "messages", "remove"])
async def test_screen_is_usable_at_sixty_by_twenty(app: MseTuiApp, name: str) -> None:
    presses, landmark = SCREENS[name]
    async with app.run_test(size=(60, 20)) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press(*presses)
        lines = shown(app).splitlines()
        assert all(len(line) <= 60 for line in lines)
        assert "? Help" in lines[-1]
        if name not in ("dashboard", "remove"):
            assert landmark in "\n".join(lines)


@pytest.mark.parametrize("theme", ["dark", "light", "ansi-dark"])
def test_dashboard_looks_as_it_did(app: MseTuiApp, theme: str, snap_compare) -> None:
    app.theme = theme

    async def ready(pilot) -> None:
        await Keys(pilot).see("Recent activity")
        await settle(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)
