"""The screens come first; the engine is started behind them."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now
from mse_tui.store.models import Lease
from mse_tui.store.processes import this_process
from tests.screens.conftest import FakeEngine, Keys, shown
from tests.screens.seed import NOW


@pytest.fixture
def unserved(seeded: Home) -> Home:
    """The seeded site, which no engine runs."""
    Lease.update(owner="").where(Lease.key.startswith("engine:")).execute()
    return seeded


def opened(home: Home, engine: FakeEngine, begin: Callable[[], None]) -> MseTuiApp:
    return MseTuiApp(home, engine=engine, begin=begin, clock=lambda: NOW)


async def test_the_dashboard_is_there_while_the_engine_starts(unserved: Home) -> None:
    engine, goes_on = FakeEngine(holder=""), Event()

    def begin() -> None:
        goes_on.wait(10)
        engine.start()

    app = opened(unserved, engine, begin)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.see("engine starts")
        assert "No engine runs" not in shown(app)
        assert not app.nobody_runs_tasks, "what is asked of it waits for its answer"
        goes_on.set()
        await keys.see("engine here")
    assert engine.started == 1


async def test_why_it_did_not_start_is_shown_with_what_to_do(unserved: Home) -> None:
    def begin() -> None:
        raise Problem(Reason.CONFIGURATION_INVALID, "There is no endpoint.", "Name one in config.toml.")

    app = opened(unserved, FakeEngine(holder=""), begin)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        screen = await keys.see("The engine did not start")
        assert "Name one in config.toml." in screen
        await keys.press("enter")
        await keys.see("No engine runs for this site")
        await keys.see("no engine")


async def test_a_fault_inside_is_shown_and_the_screens_stay(unserved: Home) -> None:
    def begin() -> None:
        raise ZeroDivisionError("on purpose")

    app = opened(unserved, FakeEngine(holder=""), begin)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("ZeroDivisionError: on purpose")
        await keys.press("enter")
        await keys.see("Recent activity")


async def test_an_engine_elsewhere_is_watched_without_a_word(seeded: Home) -> None:
    def begin() -> None:
        raise Problem(Reason.ENGINE_RUNNING_ELSEWHERE, "Another runs.")

    app = opened(seeded, FakeEngine(), begin)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.see("watching")
        assert "did not start" not in shown(app)


async def test_that_the_engine_elsewhere_ended_takes_no_keys(seeded: Home) -> None:
    engine = FakeEngine()
    app = MseTuiApp(seeded, engine=engine, clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        await keys.see("watching")
        engine.held_by = ""
        Lease.update(owner="").where(Lease.key.startswith("engine:")).execute()
        await keys.see("E runs it here")
        await keys.see("no engine")
        front = app.screen
        await keys.press("down", "down", "enter")
        assert front in app.screen_stack, "the list got the keys"
        assert engine.started == 0
        await keys.press("E")
        await keys.see("engine here")
        await keys.miss("E runs it here")
    assert engine.started == 1


async def test_a_key_typed_into_a_form_starts_no_engine(seeded: Home) -> None:
    engine = FakeEngine()
    app = MseTuiApp(seeded, engine=engine, clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "c")
        await keys.see("watching")
        engine.held_by = ""
        Lease.update(owner="").where(Lease.key.startswith("engine:")).execute()
        await keys.see("E runs it here")
        await keys.press("E", "enter")
    assert engine.started == 0


async def test_an_engine_that_cannot_write_has_not_ended(seeded: Home) -> None:
    engine, here = FakeEngine(), this_process()
    app = MseTuiApp(seeded, engine=engine, clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("watching")
        engine.held_by = ""
        ran_out = {
            "until": now() - timedelta(seconds=5),
            "host": here.host,
            "pid": here.pid,
            "pid_started": here.started,
        }
        Lease.update(**ran_out).where(Lease.key.startswith("engine:")).execute()
        await keys.see("engine silent")
        screen = await keys.see("engine silent: ")
        assert "[engine-silent] See whether the disk is full" in screen
        assert "has ended" not in screen
        assert "no engine" not in screen.lower()
