"""The app in a pseudo-terminal: what it sends, when, and what it is sent."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence

from tests.conftest import REPOSITORY

PROGRAM = """
import sys
from pathlib import Path
from mse_tui.cli.screens import run_app
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
"""The screens on the home of the first argument; the file of the second says that the engine was stopped."""


class Terminal:
    """A pseudo-terminal with a Python program in it."""

    def __init__(
        self, program: str, arguments: Sequence[str], columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self._main, self._other = pty.openpty()
        fcntl.ioctl(self._other, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self._other)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
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
            if select.select([self._main], [], [], 0.1)[0]:
                found += os.read(self._main, 65536)
        assert text in found, found[-2000:]
        return found

    def read_until_quiet(self, seconds: float = 0.25) -> bytes:
        """What comes until nothing has come for so long."""
        found = b""
        while more := self.read(seconds):
            found += more
        return found

    def press(self, keys: bytes) -> None:
        """Send keys as a terminal does."""
        os.write(self._main, keys)

    @property
    def modes(self) -> list[object]:
        """The terminal's settings now."""
        return termios.tcgetattr(self._other)

    def close(self) -> None:
        """End the program."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._main)
        os.close(self._other)
