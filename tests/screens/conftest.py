"""The app on a seeded site, driven by keys alone."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from peewee import SqliteDatabase
from rich.console import Console
from textual.pilot import Pilot

from mse_tui.access import roles
from mse_tui.access.roles import Role
from mse_tui.actions import naming
from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from tests.screens.log_seed import seed_log
from tests.screens.seed import NOW, seed

GOLDENS = Path(__file__).parent / "goldens"


class FakeEngine:
    """An engine handle that does as it is told."""

    def __init__(self, here: bool = False, holder: str = "engine on mail-tools, pid 4711") -> None:
        self.here = here
        self.held_by = holder
        self.started = 0
        self.stopped = 0

    def running(self) -> bool:
        return self.here

    def holder(self) -> str:
        return "this process" if self.here else self.held_by

    def start(self) -> None:
        self.here = True
        self.started += 1

    def stop(self) -> None:
        self.here = False
        self.stopped += 1


@pytest.fixture(autouse=True)
def oslo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is in Oslo, its terminal has colours."""
    monkeypatch.setenv("TZ", "Europe/Oslo")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    os.environ.pop("TZ", None)
    time.tzset()


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's own state directory."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "mse-tui"


@pytest.fixture(autouse=True)
def nobody_looks_names_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded site's engine is a row: it answers nothing, and need not be waited for."""
    monkeypatch.setattr(naming, "ANSWERED_WITHIN", 0.1)


@pytest.fixture(autouse=True)
def nothing_blocks_a_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database is asked in threads: a question in the terminal's own would hold up every key behind it."""
    asked: list[str] = []
    execute = SqliteDatabase.execute_sql

    def watched(self: SqliteDatabase, *arguments: Any, **options: Any) -> Any:
        if (where := place_in_the_screens()) is not None:
            asked.append(where)
        return execute(self, *arguments, **options)

    monkeypatch.setattr(SqliteDatabase, "execute_sql", watched)
    yield
    assert list(dict.fromkeys(asked)) == []


def place_in_the_screens() -> str | None:
    """Where in the screens the terminal's own thread is; None in other threads, and where a test itself is at work."""
    if threading.current_thread() is not threading.main_thread():
        return None
    place = None
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if "textual" in path.parts or "asyncio" in path.parts:
            return place
        if path.parent == Path(__file__).parent and path != Path(__file__):
            return None
        if path != Path(__file__) and (path.parent.name in ("screens", "widgets") or path.name == "app.py"):
            place = place or f"{path.name}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return None


@pytest.fixture
def seeded(store: Home) -> Home:
    """A site with tasks, one of them running, a history, an archive and an engine's log."""
    seed(store)
    seed_log(store)
    return store


@pytest.fixture
def app(seeded: Home) -> MseTuiApp:
    """The app on the seeded site, watching an engine elsewhere."""
    return MseTuiApp(seeded, engine=FakeEngine(), clock=lambda: NOW)


@pytest.fixture
def being(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Role], None]]:
    """Makes the person at the keyboard one with this role only; each role is given to a group of its name."""

    def become(role: Role) -> None:
        monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({f"mail-{role}s"}))
        roles.use_roles(roles.Roles({each: frozenset({f"mail-{each}s"}) for each in Role}))

    yield become
    roles.use_roles(roles.Roles())


def assert_reads_as_golden(name: str, screen: str) -> None:
    """The screen reads as the file says; MSE_TUI_GOLDENS=write writes the file anew."""
    golden = GOLDENS / f"{name}.txt"
    if os.environ.get("MSE_TUI_GOLDENS") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(screen + "\n", encoding="utf-8")
    assert screen + "\n" == golden.read_text(encoding="utf-8")


@dataclass
class Keys:
    """A person at the keyboard."""

    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        """Press keys, each when what the one before it brought has come."""
        for key in keys:
            await self.pilot.press(key)
            await settle(self.pilot)

    async def type(self, text: str) -> None:
        """Type text."""
        names = {" ": "space", "@": "at", ":": "colon", ".": "full_stop", ";": "semicolon", "/": "slash", "-": "minus"}
        await self.pilot.press(*(names.get(character, character) for character in text))
        await settle(self.pilot)

    async def see(self, text: str) -> str:
        """Wait until the screen shows this text; gives all of it."""
        await until(self.pilot, lambda: text in shown(self.pilot.app), text)
        return shown(self.pilot.app)

    async def miss(self, text: str) -> None:
        """Wait until the screen no longer shows this text."""
        await until(self.pilot, lambda: text not in shown(self.pilot.app), f"the end of {text}")


async def settle(pilot: Pilot[None]) -> None:
    """Until nothing is being done or read."""
    await pilot.pause()
    await _given_time(pilot)
    await until(pilot, lambda: not getattr(pilot.app.screen, "_reading", False), "the reading's end")
    await until(pilot, lambda: not getattr(pilot.app.screen, "_fetching", False), "the search's end")
    await until(pilot, lambda: "..." not in pages_missing(pilot.app), "the pages")


async def _given_time(pilot: Pilot[None]) -> None:
    """Until no action is under way; one that waits for an engine may go on while the person does."""
    end = time.monotonic() + 1
    while time.monotonic() < end and any(not one.is_finished for one in list(pilot.app.workers) if one.group == "act"):
        await pilot.pause(0.02)


def pages_missing(app: object) -> str:
    """'...' while a list waits for a page."""
    from mse_tui.widgets.paged_list import PagedList

    lists = app.screen.query(PagedList)  # type: ignore[attr-defined]
    return "..." if any(one.is_paged and one.display and one._asked - one._fresh for one in lists) else ""


async def until(pilot: Pilot[None], met: Callable[[], bool], what: str = "") -> None:
    """Until it is so; fails after ten seconds, showing the screen."""
    end = time.monotonic() + 10
    while not met():
        assert time.monotonic() < end, f"waited for {what!r} in vain:\n{shown(pilot.app)}"
        await pilot.pause(0.02)


def shown(app: object) -> str:
    """What the terminal shows, as text."""
    width, height = app.size  # type: ignore[attr-defined]
    console = Console(
        width=width, height=height, file=StringIO(), force_terminal=True, color_system=None, record=True,
        legacy_windows=False,
    )  # fmt: skip
    stack = app._background_screens  # type: ignore[attr-defined]
    console.print(app.screen._compositor.render_update(full=True, screen_stack=stack))  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in console.export_text(styles=False).splitlines())
