"""A site that is open to look at only: the screens say so, and no key of theirs changes anything."""

import sqlite3

import pytest

from mse_tui.access import roles
from mse_tui.actions.opening import open_site
from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.store.models import Lease
from tests.screens.conftest import Keys, shown
from tests.screens.seed import NOW

PLACES = "1234567890WS"


@pytest.fixture
def looked_at(seeded: Home):
    """The seeded site, opened to look at."""
    open_site(seeded, read_only=True)
    yield MseTuiApp(seeded, clock=lambda: NOW)
    roles.use_roles(roles.Roles())


def _content(home: Home) -> list[str]:
    with sqlite3.connect(home.database) as connection:
        return list(connection.iterdump())


async def test_the_screens_say_so(looked_at: MseTuiApp) -> None:
    async with looked_at.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("read only")
        await keys.press("2")
        await keys.see("can't be done read only: R Run")
        await keys.press("R", "R", "D")
        screen = await keys.see("Open to look at only")
        assert screen.count("Open to look at only") == 1


async def test_no_engine_is_offered_where_none_may_be_begun(seeded: Home, request: pytest.FixtureRequest) -> None:
    Lease.update(owner="").where(Lease.key.startswith("engine:")).execute()
    looked_at: MseTuiApp = request.getfixturevalue("looked_at")
    async with looked_at.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await Keys(pilot).see("No engine runs for this site")
        assert "These screens only read" in screen and "E runs the engine" not in screen


async def test_archived_mail_is_not_shown_where_the_look_cannot_be_recorded(looked_at: MseTuiApp) -> None:
    async with looked_at.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("3", "enter")
        await keys.see("Open to look at only")
        assert "Prosjekter" not in shown(looked_at)


async def test_archived_mail_is_shown_in_a_backup_and_the_look_is_recorded_beside_it(seeded: Home) -> None:
    seeded.backup_marker.write_text("ABCDEFGH\n")
    backup = Home.open(seeded.path)
    open_site(backup)
    app = MseTuiApp(backup, clock=lambda: NOW)
    before = _content(backup)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("read only")
        await keys.press("3", "enter")
        await keys.see("Prosjekter")
    assert "look into archive" in backup.looks.read_text(encoding="utf-8")
    assert _content(backup) == before


@pytest.mark.slow
async def test_no_key_that_changes_something_changes_anything(looked_at: MseTuiApp, seeded: Home) -> None:
    before = _content(seeded)
    async with looked_at.run_test(size=(100, 30)) as pilot:
        for place in PLACES:
            await pilot.press("escape", place)
            for command in [one for one in looked_at.commands_here() if one.changes]:
                await pilot.press(command.key.partition(",")[0], "enter", "escape")
            await pilot.pause()
    assert _content(seeded) == before
