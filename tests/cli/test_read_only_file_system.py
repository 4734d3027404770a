"""A site on a file system that takes no writes, such as a backup: it is there to look at, and says so."""

import contextlib
import sqlite3

import pytest

from mse_tui.home import Home
from mse_tui.store.database import close_database
from tests.cli.conftest import Command
from tests.support.read_only_mount import missing, mse_tui

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "with a log"])
def test_it_is_looked_at_as_it_was_left(with_task: Command, home: Home, killed: bool) -> None:
    close_database()
    with contextlib.closing(sqlite3.connect(home.database)) as beside:
        if killed:
            beside.execute("UPDATE task SET latest_detail = 'just now'")
            beside.commit()
        status = mse_tui(home.path, "status", "--plain")
        doctor = mse_tui(home.path, "doctor")
        log = mse_tui(home.path, "--read-only", "log")
        changed = mse_tui(home.path, "task", "pause", "Sales")
    assert "Task Sales" in status.stdout and ("just now" in status.stdout) is killed, status
    assert "opens to look at" in doctor.stdout and not doctor.stderr, doctor
    assert (log.returncode, log.stderr) == (0, ""), log
    assert "Reason: read-only" in changed.stderr and "Traceback" not in changed.stderr, changed
