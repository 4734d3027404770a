"""mse-tui log --engine: the same log as the Logs screen, on standard output."""

import json
import os
import signal
import subprocess
import sys

import pytest

from mse_tui.engine.log_lines import Level
from mse_tui.home import Home
from tests.cli.conftest import Command
from tests.conftest import REPOSITORY
from tests.screens.log_seed import BO, BOARD, log_line, seed_log, write_lines


@pytest.fixture
def logged(mse_tui: Command, home: Home) -> Command:
    """A site with a log."""
    mse_tui("site", "show")
    seed_log(home)
    return mse_tui


def test_the_newest_lines_come_last(logged: Command) -> None:
    ran = logged("log", "--engine", "--limit", "2")
    assert ran.code == 0
    first, *others = ran.out.splitlines()
    assert "warning waiting 30.0 s: The server is busy [" in first
    assert "task=Everyone, nightly, execution=17" in first
    assert "error   A mailbox failed inside" in others[0]
    assert others[1:] == [
        "    Traceback (most recent call last):", '      File "x.py", line 1', "    ValueError: [bold]x[/]",
    ]  # fmt: skip


def test_what_came_from_outside_is_escaped(logged: Command) -> None:
    assert "\x1b" not in logged("log", "--engine").out
    assert "\\x1b[31mred" in logged("log", "--engine").out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--level", "warning"), 4),
        (("--level", "error"), 1),
        ((BOARD,), 5),
        (("--task", BOARD), 5),
        (("--mailbox", BO), 2),
        (("--execution", "17"), 3),
        (("--text", "busy"), 1),
        (("--task", BOARD, "--level", "warning", "--mailbox", "bo."), 1),
    ],
)
def test_the_filters_of_the_screen(logged: Command, options: tuple[str, ...], expected: int) -> None:
    lines = [json.loads(line) for line in logged("log", "--engine", "--json", *options).out.splitlines()]
    assert len(lines) == expected
    assert all(line["moment"].endswith("+00:00") for line in lines)


def test_nothing_of_the_kind(logged: Command) -> None:
    ran = logged("log", "--engine", "--text", "nothing like it")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing of the kind" in ran.err


@pytest.mark.parametrize("options", [("--follow",), ("--level", "info"), ("--mailbox", "ann"), ("--text", "x")])
def test_options_of_the_engines_log_need_it(logged: Command, options: tuple[str, ...]) -> None:
    ran = logged("log", *options)
    assert ran.code == 64
    assert "--engine" in ran.err


def test_following_prints_what_comes_until_it_is_interrupted(logged: Command, home: Home) -> None:
    following = subprocess.Popen(
        # Where the tests run in the background, SIGINT is ignored, and what they start would inherit that.
        ["env", "--default-signal=INT", sys.executable, "-m", "mse_tui", "--home", str(home.path), "log", "--engine",
         "--follow", "--limit", "1", "--level", "warning"],
        stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    try:
        assert following.stdout is not None
        assert "A mailbox failed inside" in following.stdout.readline()
        while "ValueError" not in following.stdout.readline():
            pass
        write_lines(home, [log_line(0, Level.INFO, "not wanted"), log_line(0, Level.WARNING, "wanted")])
        assert "wanted" in (line := following.stdout.readline())
        assert "not wanted" not in line
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 0
    finally:
        following.kill()
        following.wait()
