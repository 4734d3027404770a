"""Photographs every screen of the seeded site for the README: python -m tests.screenshots (make screenshots)."""

import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from mse_tui.access.roles import Roles, is_read_only, use_roles
from mse_tui.actions.archive_reading import packs_of
from mse_tui.app import MseTuiApp
from mse_tui.archive.indexing import Indexing
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import Audit, Site
from tests.conftest import REPOSITORY
from tests.screens.calendar_seed import seed_calendars
from tests.screens.care_seed import seed_audit, seed_retention, seed_stubs
from tests.screens.conftest import FakeEngine, Keys, settle
from tests.screens.log_seed import seed_log
from tests.screens.seed import NOW, seed

TARGET = REPOSITORY / "docs" / "screenshots"
SIZE = (100, 30)
SCREENS = {
    "audit": ["W"],
    "dashboard": ["1"],
    "tasks": ["2", "j"],
    "new-task": ["2", "c", "enter"],
    "new-schedule": ["2", "c", "enter", "g", "enter"],
    "task-options": ["2", "j", "j", "enter", "o"],
    "task-information": ["2", "j", "j", "enter"],
    "task-logs": ["2", "j", "j", "enter", "s"],
    "group": ["2", "j", "enter", "m"],
    "execution": ["2", "j", "enter", "s", "enter"],
    "mailbox-result": ["2", "j", "enter", "s", "enter", "j", "enter"],
    "remove-task": ["2", "D"],
    "marked-tasks": ["2", "space", "space", "F"],
    "archive": ["3"],
    "access": ["3", "a"],
    "folders": ["3", "enter"],
    "messages": ["3", "enter", "j", "enter"],
    "message": ["3", "enter", "j", "enter", "j", "enter"],
    "search": ["3", "s", *"ferry", "space", *"week", "enter", "j"],
    "summary-log": ["4"],
    "definition": ["5", "e"],
    "schedules": ["6", "j"],
    "calendar": ["7", "enter"],
    "calendar-month": ["7", "enter", "m"],
    "appointment": ["7", "enter", "j", "j", "enter"],
    "stubs": ["9"],
    "retention": ["8"],
    "planning": ["0"],
    "planning-task": ["0", "j", "enter"],
    "sites": ["S"],
    "logs": ["L"],
    "help": ["2", "question_mark"],
    "commands": ["2", "colon"],
}


_WINDOWS = '["Sun 02:00-06:00 Europe/Oslo"]'


async def photograph(home: Home, name: str, presses: list[str], theme: str = "dark") -> None:
    """Press the keys, write the SVG."""
    engine = None if is_read_only() else FakeEngine(here=True)
    app = MseTuiApp(home, engine=engine, clock=lambda: NOW)
    app.theme = theme
    async with app.run_test(size=SIZE) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await settle(pilot)
        svg = app.export_screenshot(title="mse-tui")
    (TARGET / f"{name}.svg").write_text(svg, encoding="utf-8")


def main() -> None:
    """All of them; the dashboard in the light theme, tasks to look at only, the site in maintenance."""
    os.environ |= {"TZ": "Europe/Oslo", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    time.tzset()
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        home = Home.open(Path(directory) / "home")
        open_database(home.database)
        seed(home)
        seed_log(home)
        seed_calendars(home)
        Indexing(packs_of(home), home.search_index, clock=lambda: NOW).run()
        seed_stubs()
        seed_retention()
        Audit.delete().execute()
        seed_audit()
        seed_log(home)
        for name, presses in SCREENS.items():
            asyncio.run(photograph(home, name, presses))
        asyncio.run(photograph(home, "dashboard-light", ["1"], "light"))
        use_roles(Roles(), read_only=True)
        asyncio.run(photograph(home, "read-only", ["2", "j"]))
        use_roles(Roles())
        end = datetime(2099, 1, 1, 11, tzinfo=UTC)
        Site.update(maintenance_until=end, maintenance_by="ann", maintenance_windows=_WINDOWS).execute()
        asyncio.run(photograph(home, "maintenance", ["S"]))
        close_database()
    print(f"{len(SCREENS) + 3} screens in {TARGET}")


if __name__ == "__main__":
    main()
