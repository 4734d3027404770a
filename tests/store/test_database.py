"""Opening, migrating, backing up and refusing the site's database."""

import contextlib
import errno
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from peewee import OperationalError

from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import database as module
from mse_tui.store.access import ACCESS_MODELS
from mse_tui.store.calendars import CALENDAR_MODELS
from mse_tui.store.database import (
    as_problem,
    close_database,
    data_version,
    faults_explained,
    keep_connection,
    now,
    open_database,
    reading,
    writing,
)
from mse_tui.store.groups import GROUP_MODELS
from mse_tui.store.models import ALL_MODELS, Audit
from mse_tui.store.retention import RETENTION_MODELS
from mse_tui.store.stubs import STUB_MODELS
from tests.conftest import REPOSITORY


def _schema_of(path: Path) -> set[str]:
    """Every statement that made the database's tables and indexes, without spaces."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {"".join(sql.split()) for (sql,) in rows if "schema_migration" not in sql}


def test_everything_committed_is_on_disk_at_once(store: Home) -> None:
    pragmas = {name: module.database.pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def _entry(subject: str) -> None:
    Audit.create(moment=now(), who="ann", action="test", subject=subject, digest=b"")


def test_database_file_is_private(store: Home) -> None:
    assert stat.S_IMODE(store.database.stat().st_mode) == 0o600


def test_migrations_make_the_tables_that_the_models_describe(store: Home, tmp_path: Path) -> None:
    described = module.SqliteDatabase(str(tmp_path / "from-models.db"))
    models = (*ALL_MODELS, *ACCESS_MODELS, *CALENDAR_MODELS, *GROUP_MODELS, *STUB_MODELS, *RETENTION_MODELS)
    with described.bind_ctx(models):
        described.create_tables(models)
    described.close()
    assert _schema_of(store.database) == _schema_of(tmp_path / "from-models.db")


def test_migrations_stand_on_their_own() -> None:
    for path in module.MIGRATIONS.glob("[0-9]*.py"):
        assert "mse_tui" not in path.read_text(encoding="utf-8"), "a later change of the models would change the past"


def test_opening_again_changes_and_backs_up_nothing(store: Home) -> None:
    before = sorted(path.name for path in store.path.iterdir())
    open_database(store.database)
    assert sorted(path.name for path in store.path.iterdir()) == before


def test_an_existing_database_is_backed_up_before_it_is_migrated(
    store: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _entry("kept")
    migrations = _migrations_and_one_more(
        tmp_path, "def up(migrator, db):\n    db.execute_sql('CREATE TABLE extra (id)')\n"
    )
    monkeypatch.setattr(module, "MIGRATIONS", migrations)
    open_database(store.database)
    (backup,) = store.path.glob("mse-tui.before-9999_more.*.db")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT subject FROM audit").fetchall() == [("kept",)]
    assert copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'extra'").fetchone() == (0,)
    copy.close()
    assert Audit.select().count() == 1
    assert module.database.table_exists("extra")


def test_a_backup_that_fails_leaves_nothing_and_nothing_is_migrated(
    store: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(module, "MIGRATIONS", _migrations_and_one_more(tmp_path, "def up(migrator, db): pass\n"))
    monkeypatch.setattr(module, "sync", full)
    with pytest.raises(Problem) as refused:
        open_database(store.database)
    assert refused.value.reason is Reason.DISK_FULL
    assert not list(store.path.glob("mse-tui.before-*"))
    monkeypatch.undo()
    open_database(store.database)


def test_a_failed_migration_leaves_the_database_as_it_was(
    store: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "def up(migrator, db):\n    db.execute_sql('CREATE TABLE extra (id)')\n    raise RuntimeError('half way')\n"
    monkeypatch.setattr(module, "MIGRATIONS", _migrations_and_one_more(tmp_path, body))
    with pytest.raises(RuntimeError, match="half way"):
        open_database(store.database)
    monkeypatch.undo()
    open_database(store.database)
    assert not module.database.table_exists("extra")


def test_a_newer_database_is_refused_untouched(store: Home) -> None:
    module.database.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2099-01-01')")
    close_database()
    before = store.database.read_bytes()
    with pytest.raises(Problem, match="newer version") as refused:
        open_database(store.database)
    assert refused.value.reason is Reason.DATABASE_NEWER
    assert store.database.read_bytes() == before


@pytest.mark.parametrize("content", [b"this is no database, but text", b"\0" * 5000, b"SQL"])
def test_a_file_that_is_no_database_is_told_and_left(home: Home, content: bytes) -> None:
    home.database.write_bytes(content)
    with pytest.raises(Problem) as refused:
        open_database(home.database)
    assert refused.value.reason is Reason.DATABASE_DAMAGED
    assert home.database.read_bytes() == content


def test_a_database_with_overwritten_pages_is_told(store: Home) -> None:
    close_database()
    with store.database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)
    with pytest.raises(Problem) as refused:
        open_database(store.database)
    assert refused.value.reason is Reason.DATABASE_DAMAGED


def test_two_processes_may_open_a_fresh_database_at_once(home: Home) -> None:
    failures: list[BaseException] = []

    def create() -> None:
        opened = module._read_write(home.database)
        try:
            module._migrate(opened, home.database, False)
        except BaseException as error:  # noqa: BLE001 (told to the test's own thread)
            failures.append(error)
        finally:
            opened.close()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_read_only_neither_creates_nor_writes(store: Home, tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        open_database(tmp_path / "absent.db", read_only=True)
    assert refused.value.reason is Reason.NOT_FOUND
    open_database(store.database, read_only=True)
    assert Audit.select().count() == 0
    with pytest.raises(OperationalError):
        _entry("refused")


def test_what_is_only_read_says_so_when_it_is_written(store: Home) -> None:
    open_database(store.database, read_only=True)
    with pytest.raises(Problem) as refused, writing():
        pass
    assert refused.value.reason is Reason.READ_ONLY
    with pytest.raises(Problem) as refused, faults_explained():
        _entry("refused")
    assert refused.value.reason is Reason.READ_ONLY


@pytest.mark.parametrize("kept", [False, True])
def test_the_log_outlasts_the_last_connection_where_it_is_kept_for_readers(store: Home, kept: bool) -> None:
    """Whichever connection is the last, and whoever closes it: here a thread that is never waited for."""
    program = f"""
import threading
from pathlib import Path
from mse_tui.store.database import keep_for_readers, open_database
from mse_tui.store.models import Audit, database
open_database(Path({str(store.database)!r}))
if {kept}:
    keep_for_readers()
opened = threading.Event()
def read():
    Audit.select().count()
    opened.set()
    threading.Event().wait()
threading.Thread(target=read, daemon=True).start()
opened.wait()
"""
    close_database()
    subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)
    found = {path.name for path in store.path.glob("mse-tui.db-*")}
    assert found == ({"mse-tui.db-wal", "mse-tui.db-shm"} if kept else set())
    open_database(store.database)
    with writing():
        _entry("and writing goes on")
    assert Audit.select().count() == 1


def test_the_databases_clock_is_aware_and_close_to_this_machines(store: Home) -> None:
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_reader_does_not_wait_for_a_writer(store: Home) -> None:
    held, done = threading.Event(), threading.Event()

    def write() -> None:
        with keep_connection(), writing():
            _entry("not yet committed")
            held.set()
            done.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert held.wait(10)
    with reading():
        seen = Audit.select().count()
    done.set()
    writer.join()
    assert (seen, Audit.select().count()) == (0, 1)


def test_opening_again_leaves_the_transactions_of_other_threads_whole(store: Home) -> None:
    begun, opened = threading.Event(), threading.Event()

    def write() -> None:
        with keep_connection(), writing():
            _entry("begun")
            begun.set()
            opened.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(10)
    open_database(store.database)
    opened.set()
    writer.join()
    with writing():
        _entry("and the next")
    assert Audit.select().count() == 2


def test_opening_again_keeps_the_locks_of_what_is_open(store: Home) -> None:
    """To close any other descriptor of the file would end them, and another process could take the log away."""
    reading_on, done = threading.Event(), threading.Event()

    def read() -> None:
        with keep_connection():
            Audit.select().count()
            reading_on.set()
            done.wait(10)

    reader = threading.Thread(target=read)
    reader.start()
    assert reading_on.wait(10)
    open_database(store.database)
    program = f"""
import fcntl, os, struct
asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0x40000002, 510, 0)
with open({str(store.database)!r}, "r+b") as file:
    print(struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))[4])
"""
    asked = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    done.set()
    reader.join()
    assert int(asked.stdout) == os.getpid()


def test_commits_of_others_are_noticed(store: Home) -> None:
    before = data_version()
    other = sqlite3.connect(store.database)
    other.execute("INSERT INTO halted_account (key, account, service, since, message) VALUES ('a', 'b', 'c', 0, 'd')")
    other.commit()
    other.close()
    assert data_version() != before


def test_a_full_disk_is_told(store: Home) -> None:
    module.database.execute_sql(f"PRAGMA max_page_count = {module.database.pragma('page_count')}")
    with pytest.raises(OperationalError) as failed:
        for number in range(10_000):
            _entry("x" * 500 + str(number))
    problem = as_problem(failed.value)
    assert problem is not None
    assert problem.reason is Reason.DISK_FULL
    assert str(store.database) in problem.happened


def test_a_disk_that_fills_within_a_transaction_is_told(store: Home) -> None:
    """SQLite then ends the transaction by itself, so that the rollback that follows fails as well."""
    module.database.execute_sql("PRAGMA cache_size = 5")
    module.database.execute_sql(f"PRAGMA max_page_count = {module.database.pragma('page_count') + 20}")
    with pytest.raises(OperationalError) as failed, writing():
        for number in range(10_000):
            _entry("x" * 500 + str(number))
    problem = as_problem(failed.value)
    assert problem is not None
    assert problem.reason is Reason.DISK_FULL
    module.database.execute_sql("PRAGMA max_page_count = 1000000")
    with writing():
        _entry("there is space again")


def test_no_space_for_a_file_is_told() -> None:
    problem = as_problem(OSError(errno.ENOSPC, "No space left on device", "/archive/pack"))
    assert problem is not None
    assert problem.reason is Reason.DISK_FULL
    assert as_problem(OSError(errno.ENOENT, "no such file")) is None
    assert as_problem(ValueError("something else")) is None


def _migrations_and_one_more(tmp_path: Path, body: str) -> Path:
    directory = tmp_path / "migrations"
    directory.mkdir()
    for path in module.MIGRATIONS.glob("[0-9]*.py"):
        (directory / path.name).write_text(path.read_text())
    (directory / "9999_more.py").write_text(body)
    return directory
