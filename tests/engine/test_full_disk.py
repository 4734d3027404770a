"""A full disk is one line in the log when it begins and one when it ends, however often the engine meets it."""

import errno

import pytest

from mse_tui.engine import leases as leases_module
from mse_tui.engine.full_disk import FullDisk
from mse_tui.engine.leases import Leases, Renewer
from mse_tui.home import Home
from mse_tui.store.database import database


class Seconds:
    """A monotonic clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device", "state.db")


def test_it_is_told_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    clock = Seconds()
    disk = FullDisk(clock)
    for clock.now in range(100):
        assert disk.is_cause(full())
        disk.written()
    assert [line.levelname for line in caplog.records] == ["ERROR"]
    assert (
        "no space left for state.db" in caplog.records[0].getMessage()
        and "[disk-full]" in caplog.records[0].getMessage()
    )
    assert caplog.records[0].exc_info is None
    for clock.now in range(100, 200):
        disk.written()
    assert [line.getMessage() for line in caplog.records[1:]] == ["There is space again; the engine goes on"]
    assert disk.is_cause(full())
    assert len(caplog.records) == 3


def test_another_fault_is_not_taken_for_it(caplog: pytest.LogCaptureFixture) -> None:
    assert not FullDisk().is_cause(OSError(errno.EACCES, "Permission denied", "state.db"))
    assert not FullDisk().is_cause(ValueError())
    assert not caplog.records


def test_leases_that_cannot_be_renewed_for_it_are_one_line(
    store: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has no room for what a renewal writes, and SQLite ends the transaction by itself."""
    monkeypatch.setattr(leases_module, "FULL_DISK", FullDisk())
    ours = Leases("ours")
    ours.take("task:1", "us", seconds=30)
    database.execute_sql("CREATE TABLE filler (content BLOB)")
    grows = "INSERT INTO filler VALUES (zeroblob(100000000));"
    database.execute_sql(f"CREATE TRIGGER grows BEFORE UPDATE ON lease BEGIN {grows} END")
    database.execute_sql(f"PRAGMA max_page_count = {database.execute_sql('PRAGMA page_count').fetchone()[0]}")
    renewer = Renewer(ours, lambda _: None)
    assert [renewer._renew_all() for _ in range(20)] == [False] * 20
    assert [line.levelname for line in caplog.records] == ["ERROR"]
    assert caplog.records[0].exc_info is None
