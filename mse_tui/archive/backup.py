"""A backup of a site: its database, and every pack that this copy of the database refers to; laid out as a home is.

May be made beside a running engine. The database is copied first, as it is at one moment; packs never change once they
are written, so that those are copied which an earlier backup into the same directory does not have. The new copy of the
database takes the old one's place last: whatever interrupts it, what was a backup before still is one.
"""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mse_tui.archive.disk import explained, make_directory, sync
from mse_tui.archive.packs import Packs
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import copy_database

_ROUNDS = 3
"""How often the database is copied again because packs that its copy names were compacted away meanwhile."""
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
    """Back a site up into a directory, a new one or that of an earlier backup.

    `advance` gets the bytes copied and those to be copied. Raises Problem invalid (a directory of another kind),
    disk-full, archive-unreadable (a pack is missing: verify and repair the archive).
    """
    directory = directory.absolute()
    _refuse(home, packs, directory)
    target, report = Home(directory), BackupReport(str(directory))
    copies = Packs(target.archive)
    fresh = target.database.with_suffix(".new")
    with explained(directory):
        make_directory(target.archive)
        for _ in range(_ROUNDS):
            fresh.unlink(missing_ok=True)
            copy_database(home.database, fresh)
            wanted = _wanted(fresh)
            missing = _copy_packs(packs, copies, wanted, report, advance)
            if not missing:
                break
        else:
            raise Problem(Reason.CONTENT_MISSING, f"The archive lists the pack {missing}, which {packs.root} lacks.")
        report.database, report.packs = fresh.stat().st_size, len(wanted)
        if home.config.exists():
            _copy(home.config, target.config)
        for left in ("-wal", "-shm"):
            target.database.with_name(target.database.name + left).unlink(missing_ok=True)
        fresh.replace(target.database)
        sync(directory)
        _look_at_the_rest(copies, wanted, report, prune=prune)
    return report


def _refuse(home: Home, packs: Packs, directory: Path) -> None:
    """Raises Problem invalid where the directory is the site's own, or holds something that is no backup."""
    for own in (home.path, packs.root.absolute()):
        if directory == own or own in directory.parents or directory in own.parents:
            raise Problem(
                Reason.INVALID,
                f"{directory} and the site's own directory {own} lie in each other.",
                "Name a directory outside, best on another disk.",
            )
    if directory.is_dir() and any(directory.iterdir()) and not (directory / "archive").is_dir():
        raise Problem(
            Reason.INVALID, f"{directory} holds something that is no backup.", "Name a new directory, or a backup's."
        )


def _wanted(database: Path) -> dict[str, int]:
    """Name -> bytes of the packs that a copy of the database refers to."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute(_PACKS).fetchall())


def _copy_packs(
    packs: Packs, copies: Packs, wanted: dict[str, int], report: BackupReport,
    advance: Callable[[int, int], None] | None,
) -> str:  # fmt: skip
    """Copy what the backup does not have; the name of a pack that is not there (any more), '' where all are copied."""
    lacking = {name: size for name, size in wanted.items() if not copies.path(name).exists()}
    total, done = sum(lacking.values()), 0
    for name, size in lacking.items():
        make_directory(copies.path(name).parent)
        try:
            _copy(packs.path(name), copies.path(name))
        except FileNotFoundError:
            return name
        report.copied += 1
        report.bytes += copies.path(name).stat().st_size
        done += size
        if advance is not None:
            advance(done, total)
    return ""


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
