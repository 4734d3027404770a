"""The app in a real terminal: idle it sends nothing, and whatever ends it leaves the terminal as it was."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mse_tui.home import Home
from mse_tui.store.database import close_database
from tests.conftest import REPOSITORY
from tests.screens.seed import seed

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from pathlib import Path
from mse_tui.app import run_app
from mse_tui.home import Home
from mse_tui.store.database import open_database

class Engine:
    here = True
    def running(self): return self.here
    def holder(self): return "this process"
    def start(self): self.here = True
    def stop(self):
        Path(sys.argv[2]).write_text("stopped")
        self.here = False

home = Home.open(Path(sys.argv[1]))
open_database(home.database)
sys.exit(run_app(home, Engine()))
"""
LEAVES_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"


class Terminal:
    """A pseudo-terminal with the app in it."""

    def __init__(self, home: Home, stopped: Path, **environment: str) -> None:
        self._main, self._other = pty.openpty()
        fcntl.ioctl(self._other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self._other)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(home.path), str(stopped)],
            stdin=self._other, stdout=self._other, stderr=self._other, start_new_session=True, cwd=REPOSITORY,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(REPOSITORY), **environment},
        )  # fmt: skip

    def read(self, seconds: float) -> bytes:
        """What comes within this time."""
        end = time.monotonic() + seconds
        found = b""
        while (left := end - time.monotonic()) > 0:
            if select.select([self._main], [], [], left)[0]:
                try:
                    found += os.read(self._main, 65536)
                except OSError:
                    break
        return found

    def read_until(self, text: bytes, seconds: float = 20) -> bytes:
        """What comes until this text has come."""
        end = time.monotonic() + seconds
        found = b""
        while text not in found and time.monotonic() < end:
            found += self.read(0.1)
        assert text in found, found[-2000:]
        return found

    def press(self, keys: bytes) -> None:
        os.write(self._main, keys)

    @property
    def modes(self) -> list[object]:
        return termios.tcgetattr(self._other)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._main)
        os.close(self._other)


@pytest.fixture
def terminal(store: Home, tmp_path: Path) -> Iterator[Terminal]:
    seed(store, running=False)
    close_database()
    opened = Terminal(store, tmp_path / "stopped")
    yield opened
    opened.close()


def test_idle_sends_nothing_and_a_key_little(terminal: Terminal) -> None:
    terminal.read_until(b"Recent activity")
    terminal.read(3)
    assert terminal.read(6) == b""
    terminal.press(b"j")
    assert 0 < len(terminal.read(1)) < 2000  # from the last line of one section into the next: both are drawn


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_stops_the_engine(
    terminal: Terminal, tmp_path: Path, number: signal.Signals
) -> None:
    terminal.read_until(b"Recent activity")
    assert terminal.modes != terminal.before
    terminal.process.send_signal(number)
    last = terminal.read_until(b"The engine has ended")
    assert terminal.process.wait(20) == 0
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
    opened = Terminal(store, tmp_path / "stopped", TERM="dumb")
    try:
        opened.read_until(b"can't show screens")
    finally:
        opened.close()
