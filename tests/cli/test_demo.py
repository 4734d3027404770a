"""The demonstration without a terminal: the main job from end to end, in a process of its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mse_tui.cli.demo import _Reached
from mse_tui.home import Home
from mse_tui.reasons import Reason
from tests.cli.conftest import Command
from tests.conftest import REPOSITORY

SMALL = ("--people", "4", "--messages", "120")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "300", "PYTHONUNBUFFERED": "1"}


def _demo(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mse_tui", "--home", str(home), "demo", *options],
        capture_output=True, text=True, env=_environment(), timeout=110, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    """A practice site after its first demonstration."""
    home = tmp_path_factory.mktemp("demonstration") / "home"
    yield home, _demo(home, *SMALL)


def _cli(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mse_tui", "--home", str(home), *arguments],
        capture_output=True, text=True, env=_environment(), timeout=60, check=False,
    )  # fmt: skip


def test_progress_never_goes_back() -> None:
    told = _Reached(mailboxes=5, processed=2, items=90, bytes=900, finished=0)
    assert _Reached(5, 3, 80, 800, 1).at_least(told) == _Reached(5, 3, 90, 900, 1)
    assert told.at_least(None) == told


@pytest.mark.slow
def test_it_runs_every_task_and_exits_green(
    demonstrated: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    home, ran = demonstrated
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "100 %" in ran.stdout
    assert "● success" in ran.stdout
    assert re.search(r"\d+ mailbox(es)? \[mailbox-disabled\]", ran.stdout)
    assert re.search(r"\d+ stubbed, .* freed", ran.stdout)
    assert ran.stderr == ""
    look_around = next(line for line in ran.stdout.splitlines() if line.startswith("Look around: "))
    command = shlex.split(look_around.removeprefix("Look around: ").partition("(")[0])
    assert subprocess.run(command, env=_environment(), capture_output=True, check=False).returncode == 0
    tasks = json.loads(_cli(home, "task", "list", "--json").stdout)
    assert {(row["status"], row["light"]) for row in tasks} == {("Scheduled", "green")}
    assert all(row["next_execution"] for row in tasks)


@pytest.mark.slow
def test_a_second_start_takes_changes_only(demonstrated: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, _ = demonstrated
    again = _demo(home)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "has worked on" in again.stdout
    tasks = json.loads(_cli(home, "task", "list", "--json").stdout)
    newest = json.loads(_cli(home, "log", "--json").stdout)[: len(tasks)]
    executions = [json.loads(_cli(home, "log", "--execution", str(row["id"]), "--json").stdout) for row in newest]
    assert {row["mode"] for each in executions for row in each["mailboxes"] if row["mode"]} == {"differential"}


@pytest.mark.slow
def test_faults_show_as_a_warning_with_their_reason(tmp_path: Path) -> None:
    ran = _demo(tmp_path / "home", "--people", "4", "--messages", "2000", "--faults")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "▲ warning" in ran.stdout
    assert "[item-corrupt]" in ran.stdout


@pytest.mark.slow
def test_an_engine_serves_until_it_is_told_to_end(
    demonstrated: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    home, _ = demonstrated
    engine = subprocess.Popen(
        [sys.executable, "-m", "mse_tui", "--home", str(home), "engine"],
        stderr=subprocess.PIPE, text=True, env=_environment(),
    )  # fmt: skip
    try:
        assert engine.stderr is not None
        assert "started" in next(line for line in engine.stderr if "Engine of site" in line)
        second = _cli(home, "engine")
        assert second.returncode == 75
        assert f"Reason: {Reason.ENGINE_RUNNING_ELSEWHERE}" in second.stderr
        assert str(engine.pid) in second.stderr
        assert "mse-tui engine" in json.loads(_cli(home, "site", "show", "--json").stdout)["site"]["engine"]
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(30) == 0
        assert "Engine stopped" in engine.stderr.read()
    finally:
        engine.kill()
        engine.wait()
    assert json.loads(_cli(home, "site", "show", "--json").stdout)["site"]["engine"] == ""


def test_a_real_sites_home_is_refused(home: Home, mse_tui: Command) -> None:
    home.config.write_text("[site]\n")
    ran = mse_tui("demo", "--headless")
    assert ran.code == 64
    assert "real site's data directory" in ran.err
    assert home.config.read_text() == "[site]\n"
