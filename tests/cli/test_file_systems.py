"""A site on a file system that takes no writes, such as a backup, or that is full: it says so."""

import contextlib
import sqlite3

import pytest

from mse_tui.home import Home
from mse_tui.store.database import close_database
from tests.cli.conftest import Command
from tests.support.mounts import missing, on_full, on_read_only

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "with a log"])
def test_a_read_only_one_is_looked_at_as_it_was_left(with_task: Command, home: Home, killed: bool) -> None:
    close_database()
    with contextlib.closing(sqlite3.connect(home.database)) as beside:
        if killed:
            beside.execute("UPDATE task SET latest_detail = 'just now'")
            beside.commit()
        status = on_read_only(home.path, "status", "--plain")
        doctor = on_read_only(home.path, "doctor")
        log = on_read_only(home.path, "--read-only", "log")
        changed = on_read_only(home.path, "task", "pause", "Sales")
    assert "Task Sales" in status.stdout and ("just now" in status.stdout) is killed, status
    assert "opens to look at" in doctor.stdout and not doctor.stderr, doctor
    assert (log.returncode, log.stderr) == (0, ""), log
    assert "Reason: read-only" in changed.stderr and "Traceback" not in changed.stderr, changed


def test_a_full_one_is_told_as_that(with_task: Command, home: Home) -> None:
    home.config.write_text('[exchange]\nendpoint = "https://localhost:1/EWS"\nuser = "svc"\npassword_env = "UNUSED"\n')
    close_database()
    for command in (("status",), ("task", "run", "Sales"), ("archive", "ls")):
        ran = on_full(home.path, *command)
        assert (ran.returncode, "Reason: disk-full" in ran.stderr) == (2, True), ran
        assert "Traceback" not in ran.stderr
    doctor = on_full(home.path, "doctor")
    rows = [line.split()[:2] for line in doctor.stdout.splitlines()]
    assert rows.count(["failed", "disk"]) == 1 and ["failed", "database"] in rows, doctor
    assert "no space left for the database" in doctor.stdout and not doctor.stderr, doctor
