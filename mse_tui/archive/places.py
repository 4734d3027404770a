"""Where content lies: sealing packs and asking for content inside the ledger's transaction."""

from collections.abc import Iterable
from dataclasses import dataclass

from mse_tui.archive.packfile import Stored
from mse_tui.archive.statements import execute_many, select, select_in
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Pack, database

REFERRED_TO = (
    "(EXISTS (SELECT 1 FROM message m WHERE m.sha256 = blob.sha256)"
    " OR EXISTS (SELECT 1 FROM appointment_content a WHERE a.sha256 = blob.sha256))"
)
"""The SQL condition that something in the archive still is this content: what is not may be dropped."""


@dataclass(frozen=True, slots=True)
class PackSeal:
    """A pack that is on disk for good and waits for the ledger's transaction."""

    pack_id: int
    name: str
    bytes: int
    blobs: tuple[Stored, ...]


def seal(pack: PackSeal, *, replace: bool = False) -> int:
    """Inside the ledger's transaction: make a finished pack's content part of the archive.

    Content that another pack got first keeps its place, unless `replace` says that the old one is bad.
    Returns the stored bytes that are live. Raises Problem interrupted when the pack was collected meanwhile.
    """
    if not database.in_transaction():
        raise RuntimeError("a pack is sealed inside a transaction")
    taken = Pack.update(state="sealed", bytes=pack.bytes).where(Pack.id == pack.pack_id, Pack.state == "writing")
    if taken.execute() != 1:
        raise Problem(
            Reason.INTERRUPTED, f"Pack {pack.name} waited so long to be committed that it was given up meanwhile."
        )
    if replace:
        release(blob.sha256 for blob in pack.blobs)
    execute_many(
        'INSERT INTO blob (sha256, pack_id, "offset", length) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        [(blob.sha256, pack.pack_id, blob.offset, blob.length) for blob in pack.blobs],
    )
    live: int = select("SELECT COALESCE(SUM(length), 0) FROM blob WHERE pack_id = ?", (pack.pack_id,))[0][0]
    Pack.update(live=live).where(Pack.id == pack.pack_id).execute()
    return live


def release(digests: Iterable[bytes]) -> None:
    """Inside a transaction: content gives its place up, and no longer counts in its pack."""
    listed = list(digests)
    execute_many(
        "UPDATE pack SET live = live - (SELECT length FROM blob WHERE sha256 = ?)"
        " WHERE id = (SELECT pack_id FROM blob WHERE sha256 = ?)",
        [(digest, digest) for digest in listed],
    )
    execute_many("DELETE FROM blob WHERE sha256 = ?", [(digest,) for digest in listed])


def held(digests: Iterable[bytes]) -> set[bytes]:
    """Which of these contents the archive has in a sealed pack.

    Asked before content is stored, it spares storing it; content that is then reused must be asked for again inside
    the committing transaction, where the answer stays true, since compaction may have dropped it meanwhile.
    """
    sql = (
        "SELECT b.sha256 FROM blob b JOIN pack p ON p.id = b.pack_id"
        " WHERE p.state = 'sealed' AND b.sha256 IN ({values})"
    )
    return {bytes(row[0]) for row in select_in(sql, digests)}
