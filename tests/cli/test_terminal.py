"""The screens at a real terminal: they open, and whatever ends them leaves the terminal as it was."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SMALL = ("--people", "3", "--messages", "60", "--latency-ms", "0")
ALTERNATE_SCREEN_ON, ALTERNATE_SCREEN_OFF = b"\x1b[?1049h", b"\x1b[?1049l"


@dataclass
class Terminal:
    """A program at a pseudo-terminal of 100 x 30, and all that it has written."""

    process: subprocess.Popen[bytes]
    keyboard: int
    written: bytearray = field(default_factory=bytearray)
    more: threading.Condition = field(default_factory=threading.Condition)

    def waits_for(self, text: bytes, seconds: float = 40) -> bool:
        with self.more:
            return self.more.wait_for(lambda: text in self.written, seconds)

    def read(self) -> None:
        while self.process.poll() is None:
            if select.select([self.keyboard], [], [], 0.2)[0]:
                try:
                    piece = os.read(self.keyboard, 65536)
                except OSError:
                    return
                with self.more:
                    self.written += piece
                    self.more.notify_all()


@contextmanager
def at_terminal(*arguments: str, **environment: str) -> Iterator[Terminal]:
    keyboard, screen = pty.openpty()
    termios.tcsetwinsize(screen, (30, 100))
    before = termios.tcgetattr(screen)
    process = subprocess.Popen(
        [sys.executable, "-m", "mse_tui", *arguments],
        stdin=screen, stdout=screen, stderr=screen, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    terminal = Terminal(process, keyboard)
    reader = threading.Thread(target=terminal.read, daemon=True)
    reader.start()
    try:
        yield terminal
        assert termios.tcgetattr(screen) == before, "the terminal was left raw"
    finally:
        process.kill()
        process.wait()
        reader.join()
        os.close(screen)
        os.close(keyboard)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_screens_and_their_engine_in_order(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    with at_terminal("--home", str(home), "demo", *SMALL) as terminal:
        assert terminal.waits_for(ALTERNATE_SCREEN_ON), terminal.written
        assert terminal.waits_for(b"Exchange tasks"), terminal.written
        terminal.process.send_signal(number)
        assert terminal.waits_for(b"The engine has ended"), terminal.written
        assert terminal.process.wait(20) == 0
    assert terminal.written.rindex(ALTERNATE_SCREEN_OFF) > terminal.written.rindex(ALTERNATE_SCREEN_ON)
    shown = subprocess.run(
        [sys.executable, "-m", "mse_tui", "--home", str(home), "site", "show", "--json"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, check=True,
    )  # fmt: skip
    assert json.loads(shown.stdout)["site"]["engine"] == ""


def test_a_terminal_that_cannot_show_screens_is_told(tmp_path: Path) -> None:
    with at_terminal("--home", str(tmp_path / "home"), TERM="dumb") as terminal:
        assert terminal.waits_for(b"mse-tui status --plain", 20), terminal.written
        assert terminal.process.wait(20) == 64
    assert ALTERNATE_SCREEN_ON not in terminal.written
