"""A server that nobody reaches while a group is asked for: it is said everywhere that it is waited for."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from mse_tui.actions.commands import run_now
from mse_tui.cli.main import run
from mse_tui.store import queries
from tests.conftest import REPOSITORY
from tests.journeys.conftest import SiteUnderTest
from tests.support.waiting import until


@pytest.fixture
def down(site: SiteUnderTest) -> SiteUnderTest:
    """The site, its server's port closed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    site.task("Folders", ["anna@nordlicht.example"])
    site.configure(endpoint=f"http://127.0.0.1:{port}/EWS/Exchange.asmx", retry_seconds=8)
    return site


def test_a_task_says_that_it_waits_and_how_long_it_tries(
    down: SiteUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(down.home.path)]
    with down.engine():
        run_now(queries.tasks_of_type()[0].id)
        until(lambda: any(row.waiting for row in queries.progress_of_running()), 10)
        for command in (["status"], ["status", "--plain"], ["task", "show", "Folders"]):
            run([*home, *command])
            told = capsys.readouterr().out
            assert "Tried until" in told, told
            assert "refused" in told, told
        assert run([*home, "group", "resolve", "--task", "Folders"]) != 0
        assert "Waiting: The same group is being asked for already." in capsys.readouterr().err
        until(lambda: queries.last_ended(queries.tasks_of_type()[0].id) is not None, 30)
        assert run([*home, "task", "run", "Folders", "--wait"]) == 2
        assert "server-unreachable" in capsys.readouterr().out


@pytest.mark.parametrize("engine", [False, True])
def test_a_question_says_that_it_waits_and_ctrl_c_ends_it(down: SiteUnderTest, engine: bool) -> None:
    down.configure(endpoint="http://127.0.0.1:9/EWS/Exchange.asmx", retry_seconds=300)
    asking = [
        sys.executable,
        "-m",
        "mse_tui",
        "--home",
        str(down.home.path),
        "group",
        "resolve",
        "anna@nordlicht.example",
    ]

    def interrupted() -> None:
        with subprocess.Popen(
            ["env", "--default-signal=INT", *asking], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
        ) as question:  # fmt: skip
            assert question.stderr is not None
            assert any("Waiting: " in line and "Ctrl+C" in line for line in question.stderr)
            began = time.monotonic()
            question.send_signal(signal.SIGINT)
            assert question.wait(10) == 130
            assert time.monotonic() - began < 5

    if engine:
        with down.engine():
            interrupted()
    else:
        interrupted()
