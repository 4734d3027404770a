"""The whole program in a real tmux: a task is created through the wizard, run and read, by keys alone."""

import os
import pty
import re
import shutil
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import REPOSITORY
from tests.support.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux (apt-get install tmux)"),
]

DEMO = ("demo", "--people", "3", "--messages", "60", "--latency-ms", "0")
SECONDS = 60.0


def _environment() -> dict[str, str]:
    """This process's, without a terminal's size: what is said there holds whatever the terminal does."""
    return {
        **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")},
        "LC_ALL": "C.UTF-8",
    }


class Tmux:
    """A tmux server of the test's own, with the program in its one pane of 80x24."""

    def __init__(self, directory: Path, home: Path) -> None:
        self._socket = directory / "tmux"
        self.home = home
        self.tmux("new-session", "-d", "-s", "main", "-x", "80", "-y", "24", "sh")
        self.tmux("set-option", "-g", "window-size", "manual")
        self.run(" ".join((sys.executable, "-m", "mse_tui", "--home", str(home), *DEMO)))

    def tmux(self, *arguments: str) -> str:
        ran = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments],
            capture_output=True, text=True, check=True, timeout=20,
            env={**_environment(), "PYTHONPATH": str(REPOSITORY), "PS1": "$ "},
        )  # fmt: skip
        return ran.stdout

    def run(self, line: str) -> None:
        """Type a line at the shell."""
        self.type(line)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names."""
        self.tmux("send-keys", "-t", "main", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-t", "main", "-l", text)

    @property
    def pane(self) -> str:
        """What the pane shows."""
        return self.tmux("capture-pane", "-p", "-t", "main")

    def see(self, text: str) -> str:
        """Wait until the pane shows this."""
        found = ""

        def shown() -> bool:
            nonlocal found
            found = self.pane
            return text in found

        try:
            until(shown, SECONDS, 0.1)
        except AssertionError:
            pytest.fail(f"waited for {text!r} in vain:\n{found}")
        return found

    def resize(self, columns: int, rows: int) -> None:
        self.tmux("resize-window", "-t", "main", "-x", str(columns), "-y", str(rows))

    @contextmanager
    def attached(self) -> Iterator[None]:
        """A person at a terminal of 80x24 looks at the session, and detaches."""
        keyboard, screen = pty.openpty()
        termios.tcsetwinsize(screen, (24, 80))
        client = subprocess.Popen(
            ["tmux", "-S", str(self._socket), "attach-session", "-t", "main"],
            stdin=screen, stdout=screen, stderr=screen, start_new_session=True,
            env={**_environment(), "TERM": "xterm-256color"},
        )  # fmt: skip
        # A terminal takes what it is given: a client whose words nobody reads never comes to its end.
        reading = Thread(target=_drain, args=(keyboard,), daemon=True)
        reading.start()
        try:
            until(lambda: self.tmux("list-clients"), SECONDS)
            yield
            self.tmux("detach-client", "-s", "main")
            until(lambda: client.poll() is not None, SECONDS)
        finally:
            client.kill()
            client.wait()
            os.close(screen)
            reading.join()
            os.close(keyboard)

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False)


def _drain(terminal: int) -> None:
    with suppress(OSError):  # the other side is closed
        while os.read(terminal, 65_536):
            pass


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    opened = Tmux(tmp_path, tmp_path / "home")
    yield opened
    opened.close()


def test_a_task_is_created_run_and_read_by_keys_alone(tmux: Tmux) -> None:
    tmux.see("Recent activity")
    _create(tmux)
    assert "Scheduled" in tmux.see("+ success")
    tmux.press("s")
    tmux.see("26 added")
    tmux.press("Enter")
    tmux.see("26 seen")
    until(lambda: re.search(r"grace\.whitfield\S+ +\+ success +26", tmux.pane), SECONDS, 0.1)
    _resize(tmux)
    _detach(tmux)
    _interrupt(tmux)
    _quit(tmux)


def _create(tmux: Tmux) -> None:
    """Through the five steps and the review, with a first execution on one mailbox."""
    tmux.press("2")
    tmux.see("All types")
    tmux.press("c")
    for step, choice in (
        ("[site]", "engine runs"),
        ("[schedule]", "Every night"),
        ("[type]", "Calendar Replication"),
        ("[definition]", "Without deleted items"),
    ):
        tmux.see(step)
        tmux.see(choice)
        tmux.press("Enter")
    tmux.see("[group]")
    tmux.see("sales@example.com")
    tmux.type("grace.whitfield@nordlicht.example")
    tmux.see("grace.whitfield@nordlicht.example")
    tmux.press("Enter")
    tmux.see("1 mailbox")
    tmux.press("Enter")
    tmux.see("First execution")
    tmux.press("Tab", "Right")
    tmux.see("now, the first mailbox only")
    tmux.press("C-s")
    tmux.see("Latest detail")


def _resize(tmux: Tmux) -> None:
    """Whatever the size, the screen is whole and still there when it has its first one again."""
    before = _timeless(tmux.pane)
    for columns, rows in ((120, 40), (60, 20), (250, 70), (80, 24)):
        tmux.resize(columns, rows)
        try:
            until(lambda rows=rows: _is_whole(tmux.pane, rows), SECONDS, 0.1)
        except AssertionError:
            pytest.fail(f"at {columns}x{rows} it is:\n{tmux.pane}")
        tmux.see("grace.whitfield")
    try:
        until(lambda: _timeless(tmux.pane) == before, SECONDS, 0.1)
    except AssertionError:
        pytest.fail(f"it was:\n{before}\nand is:\n{tmux.pane}")


def _detach(tmux: Tmux) -> None:
    """The program goes on while nobody is attached, and is there when somebody comes back."""
    before = _timeless(tmux.pane)
    for _ in range(2):
        with tmux.attached():
            tmux.see("grace.whitfield")
    assert _timeless(tmux.pane) == before
    tmux.press("1")
    tmux.see("Recent activity")


def _is_whole(pane: str, rows: int) -> bool:
    """The key line is the last one."""
    lines = pane.splitlines()
    return len(lines) == rows and "? Help" in lines[-1]


def _timeless(pane: str) -> str:
    """Without how long ago it was."""
    return re.sub(r"\(just now\)|\(\d+ \w+ ago\)", "", pane)


def _interrupt(tmux: Tmux) -> None:
    """Ctrl+C ends nothing by accident."""
    tmux.press("C-c", "6")
    tmux.see("Weekends")


def _quit(tmux: Tmux) -> None:
    """It asks, says what ended, and gives the terminal back."""
    tmux.press("q")
    tmux.see("Quit mse-tui?")
    tmux.press("j", "Enter")
    tmux.see("The engine has ended")
    tmux.run("echo back $((40 + 2))")
    tmux.see("back 42")
