"""A backup of a site: its database, and every pack that this copy of the database refers to; laid out as a home is.

May be made beside a running engine. The database is copied first, as it is at one moment; packs never change once they
are written, so that those are copied which an earlier backup into the same directory does not have. The new copy of the
database takes the old one's place last: whatever interrupts it, what was a backup before still is one.

A file marks the directory as the backup of one site. While a backup is written it is locked; as long as it is there,
the directory opens to look at only.
"""

import fcntl
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from errno import EIO, ENOENT
from pathlib import Path

from mse_tui.archive.disk import explained, make_directory
from mse_tui.archive.packs import Packs
from mse_tui.home import Home, beside
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import copy_database, sync
from mse_tui.store.models import Site

_ROUNDS = 3
"""How often the database is copied again because packs that its copy names were compacted away meanwhile."""
_MARKER = """{code}

A backup of the site with this code, made by mse-tui archive backup. It opens to look at only.
Once it is put in place as the site, delete this file.
"""
_PACKS = "SELECT name, bytes FROM pack p WHERE state = 'sealed' OR EXISTS (SELECT 1 FROM blob b WHERE b.pack_id = p.id)"


@dataclass(slots=True)
class BackupReport:
    """What a backup did."""

    directory: str
    database: int = 0
    """Bytes."""
    packs: int = 0
    """All that the copied database refers to."""
    copied: int = 0
    """Of those, copied now; the others were there."""
    bytes: int = 0
    """Of the packs copied now."""
    pruned: int = 0
    """Packs deleted from the backup, to which nothing refers any more."""
    unreferred: int = 0
    """Such packs that were left."""


def back_up(
    home: Home, packs: Packs, directory: Path, *, prune: bool = False, advance: Callable[[int, int], None] | None = None
) -> BackupReport:
    """Back a site up into a directory, a new one or that of an earlier backup of the same site.

    `advance` gets the bytes copied and those to be copied. Raises Problem invalid (a directory of another kind, or
    another backup is being written into it), disk-full, archive-unreadable; content-missing or content-damaged when all
    is backed up but packs that the archive has lost or that are not whole: nothing is pruned then.
    """
    directory = directory.resolve()
    target, report = Home(directory), BackupReport(str(directory))
    copies = Packs(target.archive)
    fresh = target.database.with_suffix(".new")
    _refuse_own(home, packs, directory)
    with explained(directory), _reserved(target, Site.select().order_by(Site.id).get().code):
        make_directory(target.archive)
        for _ in range(_ROUNDS):
            _copy_database(home.database, fresh)
            wanted = _wanted(fresh)
            faulty = _copy_packs(packs, copies, wanted, report, advance)
            if not faulty:
                break
        report.database, report.packs = fresh.stat().st_size, len(wanted)
        if home.config.exists():
            _copy(home.config, target.config)
        _settle(target.database)
        fresh.replace(target.database)
        sync(directory)
        if faulty:
            raise _incomplete(packs, faulty)
        _look_at_the_rest(copies, wanted, report, prune=prune)
    return report


def _refuse_own(home: Home, packs: Packs, directory: Path) -> None:
    """Raises Problem invalid where the backup would lie in the site's own directories or these in it."""
    for own in (home.path.resolve(), packs.root.resolve()):
        for there in (directory, (directory / "archive").resolve()):
            if there == own or own in there.parents or there in own.parents:
                raise Problem(
                    Reason.INVALID,
                    f"{there} and the site's own directory {own} lie in each other.",
                    "Name a directory outside, best on another disk.",
                )


@contextmanager
def _reserved(target: Home, code: str) -> Iterator[None]:
    """Have the directory alone, marked as the backup of the site with this code."""
    _refuse_foreign(target, code)
    make_directory(target.path)
    with target.backup_marker.open("a") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Problem(
                Reason.INVALID,
                f"Another backup is being written into {target.path}.",
                "Wait until it has ended, or name another directory.",
            ) from error
        _refuse_foreign(target, code)
        if not target.backup_of:
            marker.write(_MARKER.format(code=code))
            marker.flush()
            sync(target.backup_marker)
            sync(target.path)
        yield


def _refuse_foreign(target: Home, code: str) -> None:
    """Raises Problem invalid where the directory holds something that is no backup of the site with this code."""
    found = target.backup_of
    if found == code or not target.path.exists():
        return
    if found:
        happened = f"{target.path} holds a backup of another site, {found}."
    elif any(path != target.backup_marker for path in target.path.iterdir()):
        happened = f"{target.path} holds something that is no backup of this site."
    else:
        return
    raise Problem(Reason.INVALID, happened, "Name a new directory, or that of an earlier backup of this site.")


def _copy_database(source: Path, copy: Path) -> None:
    """A copy that needs no log of SQLite's beside it, so that one can look into it without writing.

    It lists no pack that is being written: put back beside the archive, it would give one up that was sealed since.
    Nobody holds a lease in it, for no process works on it; the fences stay, so that none is ever given twice.
    """
    for path in (copy, *_logs(copy)):
        path.unlink(missing_ok=True)
    copy_database(source, copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("DELETE FROM pack WHERE state = 'writing'")
        connection.execute("UPDATE lease SET owner = '', holder = ''")
        connection.execute("DELETE FROM lock_wait")
        connection.commit()


def _settle(database: Path) -> None:
    """Write what SQLite's logs hold of an earlier backup, which was opened, into it, and remove them.

    Both before another database takes its place: SQLite applies a log to whatever database it finds beside it.
    """
    if database.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for path in _logs(database):
        path.unlink(missing_ok=True)
    sync(database.parent)


def _logs(database: Path) -> tuple[Path, ...]:
    return (*beside(database), database.with_name(f"{database.name}-journal"))


def _wanted(database: Path) -> dict[str, int]:
    """Name -> bytes of the packs that a copy of the database refers to."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute(_PACKS).fetchall())


def _copy_packs(
    packs: Packs, copies: Packs, wanted: dict[str, int], report: BackupReport,
    advance: Callable[[int, int], None] | None,
) -> list[str]:  # fmt: skip
    """Copy what the backup does not have whole; the names of packs that are not there (any more), or not whole."""
    lacking = {name: size for name, size in wanted.items() if _size(copies.path(name)) != size}
    total, done, faulty = sum(lacking.values()), 0, []
    for name, size in lacking.items():
        if _copy_pack(packs.path(name), copies.path(name), size):
            report.copied += 1
            report.bytes += size
        else:
            faulty.append(name)
        done += size
        if advance is not None:
            advance(done, total)
    return faulty


def _copy_pack(source: Path, target: Path, size: int) -> bool:
    """Whether the copy is as long as the pack must be; what is left of a pack is copied where nothing is yet."""
    if _size(source) == size or not target.exists():
        make_directory(target.parent)
        try:
            _copy(source, target)
        except OSError as error:
            if error.errno not in (ENOENT, EIO):
                raise
    return _size(target) == size


def _size(path: Path) -> int:
    """A file's bytes; -1 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _incomplete(packs: Packs, faulty: list[str]) -> Problem:
    missing = [name for name in faulty if not packs.path(name).exists()]
    others = f" and {len(faulty) - 1} more" if len(faulty) > 1 else ""
    rest = "Everything else was backed up; nothing was pruned."
    if missing:
        text = f"The archive lists the pack {missing[0]}{others}, which {packs.root} lacks. {rest}"
        return Problem(Reason.CONTENT_MISSING, text)
    return Problem(Reason.CONTENT_DAMAGED, f"The pack {faulty[0]}{others} in {packs.root} is not whole. {rest}")


def _copy(source: Path, target: Path) -> None:
    """A copy that is whole and on disk before it has its name."""
    part = target.with_name(target.name + ".part")
    with source.open("rb") as read, part.open("wb") as written:
        shutil.copyfileobj(read, written, 1 << 20)
    sync(part)
    part.replace(target)
    sync(target.parent)


def _look_at_the_rest(copies: Packs, wanted: dict[str, int], report: BackupReport, *, prune: bool) -> None:
    """Packs of earlier backups to which the new copy of the database refers no more."""
    for name, path, _ in list(copies.files()):
        if name in wanted:
            continue
        if prune:
            path.unlink()
            report.pruned += 1
        else:
            report.unreferred += 1
