"""The app in a real terminal: idle it sends nothing, and whatever ends it leaves the terminal as it was."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mse_tui.home import Home
from mse_tui.store.database import close_database
from tests.screens.seed import seed
from tests.support.terminal import PROGRAM, Terminal

pytestmark = pytest.mark.slow

LEAVES_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"


@pytest.fixture
def terminal(store: Home, tmp_path: Path) -> Iterator[Terminal]:
    seed(store, running=False)
    close_database()
    opened = Terminal(PROGRAM, [str(store.path), str(tmp_path / "stopped")])
    yield opened
    opened.close()


def test_idle_sends_nothing_and_a_key_little(terminal: Terminal) -> None:
    terminal.read_until(b"Recent activity")
    terminal.read(3)
    process = psutil.Process(terminal.process.pid)
    before = sum(process.cpu_times()[:2])
    assert terminal.read(6) == b""
    assert sum(process.cpu_times()[:2]) - before < 0.3, "it works though nothing happens"
    terminal.press(b"j")
    assert 0 < len(terminal.read(1)) < 4000  # from the last line of one section into the next: both are drawn


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_stops_the_engine(
    terminal: Terminal, tmp_path: Path, number: signal.Signals
) -> None:
    terminal.read_until(b"Recent activity")
    assert terminal.modes != terminal.before
    terminal.process.send_signal(number)
    last = terminal.read_until(b"The engine has ended")
    assert terminal.process.wait(20) == 0
    last += terminal.read_until_quiet()
    assert LEAVES_ALTERNATE_SCREEN in last
    assert SHOWS_CURSOR in last
    assert terminal.modes == terminal.before
    assert (tmp_path / "stopped").read_text() == "stopped"
    assert b"mse-tui engine" in last


def test_quitting_by_keys(terminal: Terminal, tmp_path: Path) -> None:
    terminal.read_until(b"Recent activity")
    terminal.press(b"q")
    terminal.read_until(b"Quit mse-tui?")
    terminal.press(b"j\r")
    terminal.read_until(b"The engine has ended")
    assert terminal.process.wait(20) == 0
    assert terminal.modes == terminal.before


def test_a_dumb_terminal_is_refused_with_a_sentence(store: Home, tmp_path: Path) -> None:
    seed(store, running=False)
    close_database()
    opened = Terminal(PROGRAM, [str(store.path), str(tmp_path / "stopped")], TERM="dumb")
    try:
        opened.read_until(b"can't show screens")
    finally:
        opened.close()
