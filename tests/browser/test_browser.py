"""The screens in a real browser: there to look at, whatever the user may do who serves them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mse_tui.actions.definitions import create_definition
from mse_tui.actions.opening import open_site
from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import close_database
from mse_tui.terms import TaskType
from tests.conftest import REPOSITORY
from tests.support.chromium import Chromium, chromium, missing
from tests.support.waiting import until
from tests.web.test_process import free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if why := missing():
        pytest.skip(f"needs a browser: {why}")
    # Without 3D the terminal in the page writes text, which a test can read.
    with chromium(tmp_path_factory.mktemp("browser"), "--disable-webgl", "--disable-3d-apis") as opened:
        yield opened


@dataclass(frozen=True)
class Served:
    """The screens of a site, served by a user who may do everything."""

    address: str
    server: subprocess.Popen[str]


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    home.config.write_text('[site]\ndescription = "Head office"\n')
    open_site(home)
    create_definition(TaskType.FOLDER_REPLICATION, "Everything", {})
    close_database()
    port = free_port()
    command = [sys.executable, "-m", "mse_tui", "--home", str(home.path), "--web", "--web-port", str(port)]
    server = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = f"http://127.0.0.1:{port}"
        assert address in server.stdout.readline()
        assert "There is no sign-in" in server.stdout.readline()
        until(lambda: _listens(port))
        yield Served(address, server)
    finally:
        server.terminate()
        server.wait(20)


def test_a_visitor_sees_the_site_and_changes_nothing(served: Served, window: Chromium, home: Home) -> None:
    window.resize(1200, 760)
    window.open(served.address)
    window.sees("Exchange tasks", "Head office", "read only, no engine", "can't be done read only")
    assert not [said for said in window.complaints() if "Content Security Policy" in said]
    terminal = ".xterm-helper-textarea"
    window.type(terminal, "E")
    window.sees("This program was started only")
    window.type(terminal, "S")
    window.sees("Bound to")
    window.type(terminal, "e")
    window.sees("Open to look at only")
    window.type(terminal, "W")
    window.sees("this needs the role auditor")
    open_site(home)
    assert queries.sites()[0].enabled and not queries.sites()[0].engine
    close_database()


def test_a_visitor_who_leaves_takes_their_process_along(served: Served, window: Chromium, home: Home) -> None:
    window.open(served.address)
    window.sees("Exchange tasks")
    assert len(_visitors(home)) == 1
    window.open("about:blank")
    until(lambda: not _visitors(home), 20)


@pytest.mark.parametrize(("ends", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_no_visitors_process_outlives_the_server(
    served: Served, window: Chromium, home: Home, ends: signal.Signals, code: int
) -> None:
    window.open(served.address)
    window.sees("Exchange tasks")
    served.server.send_signal(ends)
    assert served.server.wait(20) == code
    until(lambda: not _visitors(home), 20)


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def _visitors(home: Home) -> list[str]:
    """The processes that show screens of this home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(home.path) in words and b"--read-only" in words:
            found.append(path.parent.name)
    return found
