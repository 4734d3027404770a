"""Opening the database: pragmas, migrations with a backup before, transactions, and faults in plain words.

Every thread has its own connection, opened when first used; `keep_connection` closes it at a known place.
"""

import fcntl
import logging
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from urllib.parse import quote

from peewee import DatabaseError, SqliteDatabase
from playhouse.migrations import Runner

from mse_tui.home import beside, takes_no_writes
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.store.models import EPOCH, database

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_HEADER = b"SQLite format 3\x00"
FULL_ERRNOS = (ENOSPC, EDQUOT, EFBIG)
"""Of a disk, a quota or a file that takes no more."""
_BUSY_SECONDS = 30
_LOCK_BYTES = 0x40000000
"""Where SQLite's locks on a database begin."""
_PRAGMAS = {"foreign_keys": 1, "synchronous": "FULL", "busy_timeout": _BUSY_SECONDS * 1000, "cache_size": -16000}
_CLOCK = "SELECT CAST(strftime('%s', 'now') AS INTEGER), CAST(substr(strftime('%f', 'now'), 4) AS INTEGER)"


_kept: dict[str, int] = {}
"""Databases whose log is kept for readers, and the open files whose locks keep it."""


def open_database(path: Path, *, read_only: bool = False) -> SqliteDatabase:
    """Open the site's database for this process and bring its tables up to date (not when read-only).

    An existing database is backed up beside itself before it is migrated. Raises Problem database-damaged,
    database-newer, disk-full, not-found (read-only and there is none), archive-unreadable.
    """
    close_database()
    if read_only and not path.exists():
        raise Problem(Reason.NOT_FOUND, f"There is no database at {path}.", "Start mse-tui once to create it.")
    opened = None if read_only else _open_already(path)
    if opened is None:
        _check_header(path)
        opened = _read_only(path) if read_only else _read_write(path)
    with faults_explained(path):
        try:
            _migrate(opened, path, read_only)
        except BaseException:
            opened.close()
            raise
    database.initialize(opened)
    return opened


def close_database() -> None:
    """Close this thread's connection, if the database is open."""
    if database.obj is not None and not database.is_closed():
        database.close()


def keep_for_readers() -> None:
    """Let SQLite's log of the open database, and the log's index, outlast this process.

    The last connection would remove them. Who may not write the directory could not make them anew, and without them a
    database in WAL mode does not open (https://www.sqlite.org/wal.html#readonly). A lock of this process's own on the
    bytes that SQLite locks to be alone (https://www.sqlite.org/fileformat2.html#the_lock_byte_page) keeps it from that.
    The lock is one of an open file, which is never closed: to close one would end SQLite's locks too.
    """
    path = str(database.obj.database)
    if path in _kept or not hasattr(fcntl, "F_OFD_SETLK"):
        return
    _kept[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    shared = struct.pack("hhqqi", fcntl.F_RDLCK, os.SEEK_SET, _LOCK_BYTES + 2, 510, 0)
    with suppress(OSError):
        fcntl.fcntl(_kept[path], fcntl.F_OFD_SETLK, shared)


@contextmanager
def reading() -> Iterator[None]:
    """A transaction that sees one state of the database and waits for no writer."""
    with database.atomic("DEFERRED"):
        yield


def is_only_read() -> bool:
    """Whether the database is open to read only."""
    return isinstance(database.obj, ReadOnlyDatabase)


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that holds the writer's place from its start: what it reads stays true until it commits.

    Raises Problem read-only where the database is open to read only.
    """
    if is_only_read():
        raise _only_read()
    with database.atomic("IMMEDIATE"):
        yield


@contextmanager
def keep_connection() -> Iterator[None]:
    """One connection for a thread's whole work; closed at the end unless it was open before."""
    opened = database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        if opened:
            database.close()


def now() -> datetime:
    """The database's clock: the one by which leases are taken and lost. Aware, UTC, to the millisecond."""
    seconds, milliseconds = database.execute_sql(_CLOCK).fetchone()
    return EPOCH + timedelta(seconds=seconds, milliseconds=milliseconds)


def data_version() -> int:
    """Changes when another connection has committed; compare only values of one thread's kept connection."""
    return int(database.execute_sql("PRAGMA data_version").fetchone()[0])


def as_problem(error: BaseException, path: Path | None = None) -> Problem | None:
    """A database or file error as the Problem that a person can do something about, else None."""
    if isinstance(error, OSError) and error.errno in FULL_ERRNOS:
        return Problem(Reason.DISK_FULL, f"There is no space left for {error.filename or path or 'the archive'}.")
    original = _sqlite_error(error)
    if original is None:
        return _too_large() if isinstance(error, OverflowError) else None
    where = path or _path_of_open_database()
    code = getattr(original, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    # Where its log's index would have to grow, SQLite says no more than that it could not be written.
    unwritten = primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
    if primary == sqlite3.SQLITE_FULL or (unwritten and _is_full(Path(where).parent)):
        return Problem(Reason.DISK_FULL, f"There is no space left for the database {where}.")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Problem(Reason.DATABASE_DAMAGED, f"The database {where} is damaged: {original}.")
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
        return _refused(primary, f"The database {where} can't be opened or written: {original}.")
    return None


def _too_large() -> Problem:
    """SQLite's numbers have 64 bits."""
    return Problem(Reason.INVALID, "A number is larger than any that is kept.", "Give a smaller one.")


def _is_full(directory: Path) -> bool:
    """Whether the file system has no block left for this user, or no room for another file."""
    with suppress(OSError):
        found = os.statvfs(directory)
        return found.f_bavail == 0 or (found.f_files > 0 and found.f_favail == 0)
    return False


def _refused(code: int, happened: str) -> Problem:
    if code == sqlite3.SQLITE_READONLY and isinstance(database.obj, ReadOnlyDatabase):
        return _only_read()
    return Problem(
        Reason.ARCHIVE_UNREADABLE, happened, "Check the directory's owner, its mode, the free space and the disk."
    )


@contextmanager
def faults_explained(path: Path | None = None) -> Iterator[None]:
    """Turn a full disk, a damaged or an unwritable database into their Problems."""
    try:
        yield
    except (DatabaseError, sqlite3.Error, OSError) as error:
        problem = as_problem(error, path)
        if problem is None:
            raise
        raise problem from error


def _only_read() -> Problem:
    return Problem(Reason.READ_ONLY, explain(Reason.READ_ONLY).happened)


def _sqlite_error(error: BaseException) -> sqlite3.Error | None:
    """The driver's own error, which carries the result code, however often peewee has wrapped it.

    A full disk lets SQLite end a transaction by itself; the rollback that follows fails too, and is not the cause.
    """
    found: object = error
    while isinstance(found, DatabaseError):
        found = getattr(found, "orig", None)
    if not isinstance(found, sqlite3.Error):
        return None
    if str(found).startswith("cannot rollback") and found.__context__ is not None:
        return _sqlite_error(found.__context__)
    return found


def _path_of_open_database() -> str:
    return str(database.obj.database) if database.obj is not None else ""


def _check_header(path: Path) -> None:
    """SQLite calls a short file empty and would write over it; a site's database never is that short."""
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
    except FileNotFoundError:
        return
    except OSError as error:
        raise Problem(
            Reason.ARCHIVE_UNREADABLE,
            f"The database {path} can't be read: {error.strerror}.",
            "Check the file's owner and mode.",
        ) from error
    if header and header != _HEADER:
        raise Problem(Reason.DATABASE_DAMAGED, f"{path} is not a database.")


def _open_already(path: Path) -> SqliteDatabase | None:
    """The same file, open in this process: threads may be in the middle of transactions on it, which go on."""
    present = database.obj
    return present if isinstance(present, SqliteDatabase) and present.database == str(path) else None


class ReadOnlyDatabase(SqliteDatabase):
    """A database that this process can't write."""


def _read_write(path: Path) -> SqliteDatabase:
    pragmas = {"journal_mode": "wal", **_PRAGMAS}
    return _able(SqliteDatabase(str(path), pragmas=pragmas, lock_type="IMMEDIATE", timeout=_BUSY_SECONDS))


def _read_only(path: Path) -> SqliteDatabase:
    log_file, _ = beside(path)
    if takes_no_writes(path.parent) and not (log_file.exists() and log_file.stat().st_size):
        # Nothing is missing from the file, and SQLite could not make its log beside it.
        return _only_readable(path, "mode=ro&immutable=1")
    if not os.access(path.parent, os.W_OK) and not all(one.exists() for one in beside(path)):
        raise Problem(
            Reason.ARCHIVE_UNREADABLE,
            f"The database {path} was closed by another program and can't be opened by who may only read it.",
            "Let the user that runs the site start its engine, or any command, such as: mse-tui site show",
        )
    return _only_readable(path, "mode=ro")


def _only_readable(path: Path, how: str) -> SqliteDatabase:
    uri = f"file:{quote(str(path))}?{how}"
    return _able(ReadOnlyDatabase(uri, uri=True, pragmas=_PRAGMAS, timeout=_BUSY_SECONDS))


def _able(opened: SqliteDatabase) -> SqliteDatabase:
    """With CASEFOLD, since SQLite's LOWER knows no letters beyond ASCII."""
    opened.register_function(_casefold, "CASEFOLD", 1)
    return opened


def _casefold(text: str | None) -> str:
    return (text or "").casefold()


def _migrate(opened: SqliteDatabase, path: Path, read_only: bool) -> None:
    runner = Runner(opened, str(MIGRATIONS), table_name="schema_migration")
    if read_only:
        _refuse_newer(runner, path)
        if pending := _pending(runner):
            raise Problem(
                Reason.INVALID,
                f"The database {path} lacks {len(pending)} change(s) of this version.",
                "Start the engine or the TUI of this version once; it backs the database up and changes it.",
            )
        return
    with _alone(path):
        _refuse_newer(runner, path)
        pending = _pending(runner)
        if not pending:
            return
        if runner.applied():
            copy_database(
                path, path.with_name(f"{path.stem}.before-{pending[0]}.{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.db")
            )
        runner.up()
        log.info("Database %s: applied %s", path, ", ".join(pending))


def _refuse_newer(runner: Runner, path: Path) -> None:
    unknown = sorted(set(runner.applied()) - {migration.name for migration in runner.migrations()})
    if unknown:
        raise Problem(
            Reason.DATABASE_NEWER,
            f"The database {path} was written by a newer version of mse-tui (it knows {unknown[-1]}).",
        )


def _pending(runner: Runner) -> list[str]:
    applied = runner.applied()
    return [migration.name for migration in runner.migrations() if migration.name not in applied]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two processes that start together must not both create the tables."""
    descriptor = os.open(path.with_name(path.name + ".migrating"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def copy_database(path: Path, copy: Path) -> None:
    """A consistent copy by SQLite's own means, on disk before anything is changed."""
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        for written in (copy, copy.parent):
            sync(written)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    log.info("Database %s backed up to %s", path, copy)


def sync(path: Path) -> None:
    """Force a file or a directory to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
