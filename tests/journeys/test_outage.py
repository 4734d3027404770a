"""A server that nobody reaches while a group is asked for: it is said everywhere that it is waited for."""

import signal
import socket
import subprocess
import sys
from contextlib import nullcontext

import pytest

from mse_tui.actions.commands import run_now, stop
from mse_tui.actions.opening import open_site
from mse_tui.cli.main import run
from mse_tui.store import queries
from tests.conftest import REPOSITORY
from tests.journeys.conftest import SiteUnderTest
from tests.support.waiting import until


@pytest.fixture
def down(site: SiteUnderTest) -> SiteUnderTest:
    """The site, its server's port closed; it is tried for longer than any test lasts."""
    site.task("Folders", ["anna@nordlicht.example"])
    close_port(site, retry_seconds=600)
    return site


def close_port(site: SiteUnderTest, retry_seconds: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    site.configure(endpoint=f"http://127.0.0.1:{port}/EWS/Exchange.asmx", retry_seconds=retry_seconds)


def test_a_task_says_that_it_waits_and_how_long_it_tries(
    down: SiteUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(down.home.path)]
    (task,) = queries.tasks_of_type()
    with down.engine():
        run_now(task.id)
        until(lambda: any(row.waiting for row in queries.progress_of_running()), 30)
        for command in (["status"], ["status", "--plain"], ["task", "show", "Folders"]):
            run([*home, *command])
            told = capsys.readouterr().out
            assert "Tried until" in told, told
            assert "refused" in told, told
        stop(task.id)
        until(lambda: queries.last_ended(task.id) is not None, 30)
    close_port(down, retry_seconds=1)
    with down.engine():
        assert run([*home, "task", "run", "Folders", "--wait"]) == 2
        assert "server-unreachable" in capsys.readouterr().out


@pytest.mark.parametrize("engine", [False, True])
def test_a_question_says_that_it_waits_and_ctrl_c_ends_it(down: SiteUnderTest, engine: bool) -> None:
    with down.engine() if engine else nullcontext():
        assert_ends_at_once(down, "anna@nordlicht.example", waits_for="refused")


def test_who_asks_what_is_being_asked_already_is_told_so(down: SiteUnderTest) -> None:
    (task,) = queries.tasks_of_type()
    with down.engine():
        run_now(task.id)
        until(lambda: any(row.waiting for row in queries.progress_of_running()), 30)
        assert_ends_at_once(down, "--task", "Folders", waits_for="The same group is being asked for already.")


def test_a_busy_server_is_told_once_and_in_words(site: SiteUnderTest) -> None:
    site.configure()
    open_site(site.home)
    site.server.faults.inject("server-busy", count=1, milliseconds=1500)
    asking = [sys.executable, "-m", "mse_tui", "--home", str(site.home.path), "group", "resolve"]
    asked = subprocess.run(
        [*asking, site.server.addresses[0]], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert asked.returncode == 0
    [told] = asked.stderr.splitlines()
    assert told.startswith("Waiting: The server said ErrorServerBusy") and "Ctrl+C ends it" in told


def assert_ends_at_once(site: SiteUnderTest, *group: str, waits_for: str) -> None:
    """Ask who is in a group; once it is said what is waited for, Ctrl+C ends it."""
    asking = [sys.executable, "-m", "mse_tui", "--home", str(site.home.path), "group", "resolve", *group]
    with subprocess.Popen(
        ["env", "--default-signal=INT", *asking], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as question:  # fmt: skip
        assert question.stderr is not None
        assert any("Waiting: " in line and waits_for in line and "Ctrl+C" in line for line in question.stderr)
        question.send_signal(signal.SIGINT)
        assert question.wait(60) == 130
