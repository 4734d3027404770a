"""Every screen as it reads at 80x24, and wider; the main four as they look without colours and on light ground.

Write the texts anew with MSE_TUI_GOLDENS=write, the pictures with --snapshot-update, and look at the difference.
"""

import importlib
import pkgutil

import pytest

from mse_tui import screens
from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.troubles import TroublesScreen
from mse_tui.store.models import Audit
from mse_tui.store.retention import RetentionSetting
from tests.screens.care_seed import seed_audit, seed_retention, seed_stubs
from tests.screens.conftest import GOLDENS, FakeEngine, Keys, assert_reads_as_golden, settle, shown
from tests.screens.seed import NOW

MAIN = {
    "dashboard": (["1"], "Recent activity"),
    "tasks": (["2", "j"], "Board, office hours"),
    "task": (["2", "j", "j", "enter"], "Latest detail"),
    "archive": (["3"], "carla.moreau"),
}
OTHERS = {
    "task-options": (["2", "j", "enter", "o"], "Next five"),
    "group": (["2", "j", "enter", "m"], "Gro Dahl"),
    "execution": (["2", "j", "enter", "s", "enter"], "bo.akerman"),
    "result": (["2", "j", "enter", "s", "enter", "j", "enter"], "Counters"),
    "access": (["3", "a"], "help.desk"),
    "folders": (["3", "enter"], "Prosjekter"),
    "messages": (["3", "enter", "j", "enter"], "week 38"),
    "message": (["3", "enter", "j", "enter", "j", "enter"], "Dear Ann"),
    "remove": (["2", "j", "D"], "resets the Full view"),
    "definition": (["5", "e"], "Exclude Inbox"),
    "sites": (["S"], "Bound to"),
    "logs": (["L"], "A mailbox failed inside"),
    "log-line": (["L", "enter"], "Traceback"),
    "summary-log": (["4", "j"], "Task summary log"),
    "task-logs": (["2", "j", "enter", "s"], "2 of 2 mailboxes processed"),
    "planning": (["0"], "In time?"),
    "planning-task": (["0", "j", "enter"], "Later executions"),
    "definitions": (["5"], "Envelopes only"),
    "schedules": (["6", "j"], "Every night"),
    "new-task": (["2", "c"], "New task"),
    "stubs": (["9"], "Figures, week 3"),
    "retention": (["8"], "3650 d"),
    "audit": (["W"], "Case 7"),
}
SMALL, LARGE = (80, 24), (140, 45)
SIZES = {"80x24": SMALL, "120x40": (120, 40)}
WIDE_TOO = (
    "task-options", "group", "execution", "result", "access", "folders", "messages", "message", "remove",
    "definition", "sites", "logs", "log-line", "summary-log", "task-logs", "planning", "planning-task",
)  # fmt: skip
"""Where more room changes what is shown, not only how wide."""

SHOWN_BY = {
    "AccessScreen": "access", "AgendaScreen": "calendar-agenda", "AppointmentScreen": "appointment",
    "ArchiveScreen": "archive", "AuditScreen": "audit", "CalendarScreen": "calendar-mailboxes",
    "DashboardScreen": "dashboard", "DefinitionsScreen": "definitions", "ExecutionScreen": "execution",
    "FoldersScreen": "folders", "GroupScreen": "group", "LogsScreen": "logs", "MessageScreen": "message",
    "MessagesScreen": "messages", "MonthScreen": "calendar-month", "NewTaskScreen": "new-task",
    "PlanningScreen": "planning", "ResultScreen": "result", "RetentionScreen": "retention",
    "SchedulesScreen": "schedules", "SearchScreen": "search", "SitesScreen": "sites", "StubsScreen": "stubs",
    "SummaryLogScreen": "summary-log", "TaskInformationScreen": "task", "TaskPlanningScreen": "planning-task",
    "TasksScreen": "tasks", "TroublesScreen": "troubles",
}  # fmt: skip
"""Which golden shows a screen at 80x24."""


@pytest.fixture
def tended(seeded: Home) -> Home:
    """The seeded site with stubs, retention and an audit."""
    seed_stubs()
    seed_retention()
    RetentionSetting.update(modified=NOW, modified_by="ann").execute()
    Audit.delete().execute()
    seed_audit()
    return seeded


async def reads(app: MseTuiApp, size: tuple[int, int], presses: list[str], landmark: str) -> str:
    """What the screen reads once these keys were pressed."""
    async with app.run_test(size=size) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await keys.see(landmark)
        await settle(pilot)
        return shown(app)


@pytest.mark.parametrize("name", list(MAIN))
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x45"])
async def test_main_screen_reads_as_it_did(app: MseTuiApp, name: str, size: tuple[int, int]) -> None:
    assert_reads_as_golden(f"{name}-{size[0]}x{size[1]}", await reads(app, size, *MAIN[name]))


@pytest.mark.parametrize(
    ("name", "size"), [*((name, "80x24") for name in OTHERS), *((name, "120x40") for name in WIDE_TOO)]
)
async def test_screen_reads_as_it_did(tended: Home, app: MseTuiApp, name: str, size: str) -> None:
    assert_reads_as_golden(f"{name}-{size}", await reads(app, SIZES[size], *OTHERS[name]))


async def test_all_that_needs_attention_reads_as_it_did(app: MseTuiApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        app.push_screen(TroublesScreen())  # the dashboard leads there once it can't show them all
        await keys.see("Needs attention: ")
        await settle(pilot)
        assert_reads_as_golden("troubles-80x24", shown(app))


def test_every_screen_has_a_text_at_80x24() -> None:
    for module in pkgutil.iter_modules(screens.__path__, "mse_tui.screens."):
        importlib.import_module(module.name)
    assert set(SHOWN_BY) == _names(LiveScreen)
    missing = [name for name in SHOWN_BY.values() if not (GOLDENS / f"{name}-80x24.txt").exists()]
    assert missing == []


def _names(above: type) -> set[str]:
    """The screens derived from a class; those that others are derived from are none themselves."""
    below = above.__subclasses__()
    names = set().union(*(_names(each) for each in below)) if below else {above.__name__}
    return {name for name in names if "[" not in name}


@pytest.mark.parametrize("name", ["dashboard", "tasks", "task", "messages", "remove"])
async def test_screen_is_usable_at_sixty_by_twenty(app: MseTuiApp, name: str) -> None:
    presses, landmark = {**MAIN, **OTHERS}[name]
    async with app.run_test(size=(60, 20)) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press(*presses)
        lines = shown(app).splitlines()
        assert all(len(line) <= 60 for line in lines)
        assert "? Help" in lines[-1]
        if name not in ("dashboard", "remove"):
            assert landmark in "\n".join(lines)


@pytest.mark.parametrize("look", ["dark", "light", "no-colour"])
@pytest.mark.parametrize("name", list(MAIN))
def test_main_screen_looks_as_it_did(
    seeded: Home, name: str, look: str, snap_compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    if look == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    app = MseTuiApp(seeded, engine=FakeEngine(), clock=lambda: NOW)
    if look != "no-colour":
        app.theme = look
    presses, landmark = MAIN[name]

    async def ready(pilot) -> None:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await keys.see(landmark)
        await settle(pilot)

    assert snap_compare(app, terminal_size=SMALL, run_before=ready)
