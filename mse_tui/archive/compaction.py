"""Housekeeping of packs: collects what crashes left over, rewrites packs that are mostly dead or very small.

A pack that holds purged content is rewritten however much of it is live: purged means gone, not merely unreachable.

A pack that the database does not list is left: a database put back from a backup knows nothing of what came after it,
and such a pack may hold what left a mailbox since.

Safe beside running tasks and readers: every step is a compare-and-set against the database, files go only after a
grace, and a reader whose pack is gone looks its content's place up again.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from mse_tui.archive.packfile import BLOB_OVERHEAD, FILE_OVERHEAD, looks_like_pack
from mse_tui.archive.packs import Packs, PackSeal
from mse_tui.archive.places import REFERRED_TO
from mse_tui.archive.statements import execute, execute_many, select
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Pack, to_micros

log = logging.getLogger(__name__)

GRACE = timedelta(days=1)
"""How long an unfinished pack may take, and how long a condemned pack is kept for readers and backups."""
LIVE_SHARE = 0.6
"""A pack whose live part is smaller is rewritten."""
SMALL = 1 << 20
"""Packs below this many bytes are merged once there are `MANY` of them."""
MANY = 32
_OF_ONE_PACK = (Reason.CONTENT_DAMAGED, Reason.CONTENT_MISSING, Reason.INTERRUPTED)


@dataclass(slots=True)
class CompactionReport:
    """What one run of the housekeeping did."""

    abandoned: int = 0
    """Unfinished packs, given up."""
    strays: int = 0
    """Files that no pack accounts for, deleted."""
    unlisted: int = 0
    """Packs that the database does not list, left."""
    rewritten: int = 0
    """Packs whose live content was copied and that were condemned."""
    deleted: int = 0
    """Condemned packs deleted."""
    freed: int = 0
    """Bytes of files deleted."""
    problems: list[Problem] = field(default_factory=list)
    """Packs that could not be rewritten; they stay as they are."""


@dataclass(frozen=True, slots=True)
class _Old:
    """A pack to be rewritten, and the content in it that is referred to."""

    id: int
    name: str
    live: tuple[tuple[bytes, int], ...]
    """(digest, stored bytes)"""


class Compaction:
    """The housekeeping of one archive. `run` may be called at any time, by one thread of any one process."""

    def __init__(
        self,
        packs: Packs,
        *,
        grace: timedelta = GRACE,
        live_share: float = LIVE_SHARE,
        small: int = SMALL,
        many: int = MANY,
    ) -> None:
        self._packs = packs
        self._grace = grace
        self._live_share = live_share
        self._small = small
        self._many = many

    def run(self) -> CompactionReport:
        """All steps. Raises Problem disk-full, archive-unreadable; what was done until then holds."""
        self._packs.require()
        report = CompactionReport()
        self.delete_condemned(report)
        self.give_up_unfinished(report)
        self.delete_strays(report)
        self.rewrite(report)
        return report

    def foresee(self) -> CompactionReport:
        """What `run` would do now; changes nothing. Freed is what would be deleted, not what rewriting saves."""
        (deleted, freed) = select(
            "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM pack p WHERE state = 'condemned' AND condemned <= ?"
            " AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.pack_id = p.id)",
            [to_micros(self._before())],
        )[0]
        strays, unlisted = self._strays()
        return CompactionReport(
            abandoned=Pack.select().where(Pack.state == "writing", Pack.created <= self._before()).count(),
            strays=len(strays),
            unlisted=unlisted,
            rewritten=sum(len(together) for together in self._candidates()),
            deleted=deleted,
            freed=freed + sum(path.stat().st_size for path in strays),
        )

    def delete_condemned(self, report: CompactionReport) -> None:
        """Delete packs that were condemned a grace ago and hold no content's place."""
        rows = select(
            "SELECT id, name FROM pack p WHERE state = 'condemned' AND condemned <= ?"
            " AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.pack_id = p.id)",
            [to_micros(self._before())],
        )
        for id, name in rows:
            report.freed += self._packs.delete(name)
            execute("DELETE FROM pack WHERE id = ? AND state = 'condemned'", [id])
            report.deleted += 1

    def give_up_unfinished(self, report: CompactionReport) -> None:
        """Condemn packs whose writer has not sealed them within the grace: it is dead, or its commit will fail."""
        report.abandoned += (
            Pack.update(state="condemned", condemned=now())
            .where(Pack.state == "writing", Pack.created <= self._before())
            .execute()
        )

    def delete_strays(self, report: CompactionReport) -> None:
        """Delete files older than the grace that are no pack, and left-over pieces of packs."""
        strays, report.unlisted = self._strays()
        if report.unlisted:
            log.warning("%d pack(s) of the archive that the database does not list are left", report.unlisted)
        for path in strays:
            log.warning("Deleting the stray file %s", path)
            report.freed += self._packs.delete_file(path)
            report.strays += 1

    def rewrite(self, report: CompactionReport) -> None:
        """Copy the live content of packs that are mostly dead, or small and many, to new ones."""
        for together in self._candidates():
            problem = self._try_rewrite(together, report)
            if problem is not None and len(together) > 1:
                problems = [self._try_rewrite([alone], report) for alone in together]
            else:
                problems = [problem]
            report.problems += [each for each in problems if each is not None]

    def retire(self, names: Iterable[str]) -> CompactionReport:
        """Rewrite these packs whatever their age and share: their files are no longer trusted."""
        report = CompactionReport()
        for name in names:
            for (id,) in select("SELECT id FROM pack WHERE name = ? AND state = 'sealed'", [name]):
                problem = self._try_rewrite([_Old(id, name, tuple(_live_content(id)))], report)
                report.problems += [problem] if problem is not None else []
        return report

    def _try_rewrite(self, old: Sequence[_Old], report: CompactionReport) -> Problem | None:
        """The problem, where content can't be read; the packs then stay as they are."""
        try:
            report.rewritten += self._rewrite(old)
        except Problem as problem:
            if problem.reason not in _OF_ONE_PACK:
                raise
            log.error("%d pack(s) could not be rewritten: %s", len(old), problem)
            return problem
        return None

    def _candidates(self) -> list[list[_Old]]:
        """Packs to rewrite together: together they fill at most about one new pack."""
        rows = select(
            "SELECT p.id, p.name, p.bytes, ? + (SELECT COALESCE(SUM(blob.length + ?), 0) FROM blob"  # noqa: S608
            f" WHERE blob.pack_id = p.id AND {REFERRED_TO}),"
            " EXISTS (SELECT 1 FROM blob JOIN purge_record r ON r.sha256 = blob.sha256 WHERE blob.pack_id = p.id"
            f"  AND NOT {REFERRED_TO}) FROM pack p"
            " WHERE p.state = 'sealed' AND p.created <= ? ORDER BY p.id",
            [FILE_OVERHEAD, BLOB_OVERHEAD, to_micros(self._before())],
        )
        small = {row[0] for row in rows if row[2] < self._small}
        if len(small) < self._many:
            small = set()
        together: list[list[_Old]] = []
        filled = 0
        for id, name, size, live, holds_purged in rows:
            if id not in small and not holds_purged and live >= self._live_share * size:
                continue
            if not together or filled + live > self._packs.target:
                together.append([])
                filled = 0
            together[-1].append(_Old(id, name, tuple(_live_content(id))))
            filled += live
        return together

    def _rewrite(self, old: Sequence[_Old]) -> int:
        """Copy, force to disk, then change every place in one transaction; returns how many packs are condemned."""
        with self._packs.writer() as writer:
            for pack in old:
                for digest, _ in pack.live:
                    with self._packs.open(digest) as content:
                        writer.add(content)
            copied = writer.finish()
            with writing():
                if copied is not None:
                    _seal_copies(copied, old)
                return sum(_condemn(pack) for pack in old)

    def _strays(self) -> tuple[list[Path], int]:
        """Files to be deleted, and how many packs there are that the database does not list."""
        before = self._before()
        strays, unlisted = [], 0
        for name, path, written in list(self._packs.files()):
            if written > before:
                continue
            state = select("SELECT state FROM pack WHERE name = ?", [name])
            if not state and path.suffix == ".pack" and looks_like_pack(path):
                unlisted += 1
            elif not state or (path.suffix != ".pack" and state[0][0] == "sealed"):
                strays.append(path)
        return strays, unlisted

    def _before(self) -> datetime:
        return now() - self._grace


def _live_content(pack_id: int) -> list[tuple[bytes, int]]:
    rows = select(
        f'SELECT sha256, length FROM blob WHERE pack_id = ? AND {REFERRED_TO} ORDER BY "offset"',  # noqa: S608
        [pack_id],
    )
    return [(bytes(digest), length) for digest, length in rows]


def _seal_copies(copied: PackSeal, old: Sequence[_Old]) -> None:
    """Point content at its copy, unless it has got another place meanwhile."""
    taken = Pack.update(state="sealed", bytes=copied.bytes).where(Pack.id == copied.pack_id, Pack.state == "writing")
    if taken.execute() != 1:
        raise Problem(Reason.INTERRUPTED, f"Pack {copied.name} was given up while it was being written.")
    from_pack = {digest: pack.id for pack in old for digest, _ in pack.live}
    execute_many(
        'UPDATE blob SET pack_id = ?, "offset" = ?, length = ? WHERE sha256 = ? AND pack_id = ?',
        [(copied.pack_id, b.offset, b.length, b.sha256, from_pack[b.sha256]) for b in copied.blobs],
    )
    execute(
        "UPDATE pack SET live = (SELECT COALESCE(SUM(length), 0) FROM blob WHERE pack_id = pack.id) WHERE id = ?",
        [copied.pack_id],
    )


def _condemn(old: _Old) -> bool:
    """Drop a pack's dead content and condemn it, unless content of it came to life again meanwhile."""
    execute(f"DELETE FROM blob WHERE pack_id = ? AND NOT {REFERRED_TO}", [old.id])  # noqa: S608 (a condition of ours)
    left = select("SELECT COUNT(*), COALESCE(SUM(length), 0) FROM blob WHERE pack_id = ?", [old.id])[0]
    if left[0]:
        execute("UPDATE pack SET live = ? WHERE id = ?", [left[1], old.id])
        return False
    condemned = Pack.update(state="condemned", condemned=now(), live=0).where(Pack.id == old.id, Pack.state == "sealed")
    return bool(condemned.execute())
