"""The screens come first; the engine is started behind them."""

from collections.abc import Callable
from threading import Event

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Lease
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
