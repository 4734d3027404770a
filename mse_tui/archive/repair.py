"""Repair: bad content is fetched again from the server or found in another pack; what is missing is read again.

Content is replaced only where it is beyond doubt the same item: the same bytes, or an item whose change key says that
it has not changed since it was archived. Nothing of the history is touched.
"""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from mse_tui.archive.coverage import NO_FOLDER, CoverageReport
from mse_tui.archive.fence import Fence
from mse_tui.archive.frames import Frame, Place
from mse_tui.archive.hierarchy import doubt
from mse_tui.archive.packfile import Stored, read_index
from mse_tui.archive.packs import Packs, PackSeal, PackWriter, seal
from mse_tui.archive.places import release
from mse_tui.archive.stamps import carry_over
from mse_tui.archive.statements import execute, select, select_in
from mse_tui.archive.stubs import has_stub_header
from mse_tui.archive.verify import unlisted
from mse_tui.archive.views import number_of
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import Content
from mse_tui.reasons import Problem
from mse_tui.store.database import writing

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RepairReport:
    """What became of bad content."""

    repaired: int = 0
    """Contents that are whole again."""
    rendered_anew: int = 0
    """Of those, contents that the server renders differently now; the message's content is what it gives today."""
    adopted: int = 0
    """Stubs that were unknown, and whose originals were found in packs that the database does not list."""
    folders: list[str] = field(default_factory=list)
    """Paths of folders that the next execution reads again."""
    failed: list[str] = field(default_factory=list)
    """What could not be repaired, and why: one sentence each."""


@dataclass(frozen=True, slots=True)
class _Bad:
    """A message whose content is bad, where it still lies in a mailbox."""

    message_id: int
    sha256: bytes
    remote_id: str
    change_key: str
    size: int


def repair_from_packs(packs: Packs, digests: Sequence[bytes]) -> set[bytes]:
    """Point bad content at an intact copy in another pack, where there is one; returns what is whole again.

    Content that lies only in a pack which the database does not list is copied out of it.
    """
    wanted, mended = set(digests), set[bytes]()
    for pack_id, name in select("SELECT id, name FROM pack WHERE state = 'sealed' ORDER BY id DESC"):
        if not wanted:
            break
        for blob in _intact(packs, name, wanted):
            with writing():
                if not select("SELECT 1 FROM pack WHERE id = ? AND state = 'sealed'", [pack_id]):
                    break
                release([blob.sha256])
                execute(
                    'INSERT INTO blob (sha256, pack_id, "offset", length) VALUES (?, ?, ?, ?)',
                    [blob.sha256, pack_id, blob.offset, blob.length],
                )
                execute("UPDATE pack SET live = live + ? WHERE id = ?", [blob.length, pack_id])
            wanted.discard(blob.sha256)
            mended.add(blob.sha256)
    return mended | _copied_from_unlisted(packs, wanted)


def _copied_from_unlisted(packs: Packs, wanted: set[bytes]) -> set[bytes]:
    """Copy bad content out of packs that the database does not list; a newer one had it compacted into them."""
    if not wanted:
        return set()
    with packs.writer() as writer:
        for name in unlisted(packs):
            for blob in _intact(packs, name, wanted):
                with tempfile.TemporaryFile(dir=packs.root) as content:
                    Frame(packs, Place(name, blob.offset, blob.length)).unpack(blob.sha256, content)
                    content.seek(0)
                    writer.add(content, size=blob.size)
        pack = writer.finish()
    if pack is None:
        return set()
    with writing():
        seal(pack, replace=True)
    return {blob.sha256 for blob in pack.blobs}


def repair_from_mailbox(
    mailbox: Mailbox, packs: Packs, fence: Fence, digests: Sequence[bytes], report: RepairReport
) -> None:
    """Fetch bad content of messages that still lie in this mailbox and store it again.

    The mailbox's lock is held by the caller. Raises the Problems of reaching a mailbox and of the archive.
    """
    bad = {each.remote_id: each for each in _in_mailbox(mailbox.identity().guid, digests)}
    writer, renewed = packs.writer(), dict[int, tuple[_Bad, Stored]]()
    try:
        for answer in mailbox.fetch([(each.remote_id, each.size) for each in bad.values()]):
            each = bad[answer.remote_id]
            if not isinstance(answer, Content):
                report.failed.append(f"Message {number_of(each.message_id)} could not be fetched: {answer.message}")
                continue
            _take(answer, each, writer, renewed, report)
            if writer.full:
                _commit(writer, renewed, fence, report)
                writer, renewed = packs.writer(), {}
        _commit(writer, renewed, fence, report)
    except BaseException:
        writer.abandon()
        raise


def read_again(report: CoverageReport) -> list[str]:
    """Have the next execution read the folders again in which something is missing or differs; returns their paths.

    The mailbox's lock is held by the caller. Items that are there as they should be are recognised and not fetched.
    """
    mended = [each for each in report.differences if not each.pending and each.folder_id != NO_FOLDER]
    folders = {each.folder_id: each.path for each in mended}
    with writing():
        for folder_id in folders:
            execute(
                "UPDATE checkpoint SET state = NULL, enumerating = ?, batch = batch + 1 WHERE folder_id = ?",
                (True, folder_id),
            )
            for (task_id,) in select("SELECT task_id FROM checkpoint WHERE folder_id = ?", [folder_id]):
                doubt(task_id, [folder_id])
    return sorted(folders.values())


def _intact(packs: Packs, name: str, wanted: set[bytes]) -> list[Stored]:
    """Contents of a pack that are wanted and can be read."""
    found = []
    try:
        with packs.open_pack(name) as file:
            index = read_index(file, name)
    except Problem:
        return []
    for blob in index.blobs:
        if blob.sha256 in wanted:
            try:
                packs.check(name, blob)
            except Problem as problem:
                log.info("No copy to repair from: %s", problem.happened)
            else:
                found.append(blob)
    return found


def _in_mailbox(guid: str, digests: Sequence[bytes]) -> list[_Bad]:
    rows = select_in(
        "SELECT m.id, m.sha256, p.remote_id, p.change_key, m.size FROM message m"
        " JOIN placement p ON p.message_id = m.id AND p.closed IS NULL JOIN archive_folder f ON f.id = p.folder_id"
        " JOIN archive_mailbox mb ON mb.id = f.mailbox_id WHERE mb.guid = ? AND m.sha256 IN ({values})",
        digests,
        guid,
    )
    return [_Bad(row[0], bytes(row[1]), *row[2:]) for row in rows]


def _take(
    content: Content, bad: _Bad, writer: PackWriter, renewed: dict[int, tuple[_Bad, Stored]], report: RepairReport
) -> None:
    """Store what was fetched if it is the item that was archived; the same bytes win over another rendering."""
    name = f"Message {number_of(bad.message_id)}"
    if has_stub_header(content.stream):
        content.stream.close()
        report.failed.append(f"{name} is a stub in the mailbox: its content was in the archive alone.")
        return
    with content.stream as stream:
        stored = writer.add(stream, size=content.size)
    if stored.sha256 != bad.sha256 and content.change_key != bad.change_key:
        report.failed.append(
            f"{name} has changed on the server since it was archived; the next execution archives it as it is."
        )
    elif stored.sha256 == bad.sha256 or bad.message_id not in renewed:
        renewed[bad.message_id] = (bad, stored)


def _commit(writer: PackWriter, renewed: dict[int, tuple[_Bad, Stored]], fence: Fence, report: RepairReport) -> None:
    pack = writer.finish()
    if pack is None:
        return
    wanted = {stored.sha256 for _, stored in renewed.values()}
    kept = PackSeal(pack.pack_id, pack.name, pack.bytes, tuple(b for b in pack.blobs if b.sha256 in wanted))
    with writing():
        fence.check()
        seal(kept, replace=True)
        for bad, stored in renewed.values():
            if stored.sha256 != bad.sha256:
                _render_anew(bad, stored)
    report.repaired += len(renewed)
    report.rendered_anew += sum(stored.sha256 != bad.sha256 for bad, stored in renewed.values())


def _render_anew(bad: _Bad, stored: Stored) -> None:
    """The message's content is what the server gives today; the bad content is nobody's any more."""
    same = select("SELECT id FROM message WHERE sha256 = ?", [stored.sha256])
    if same:
        for table in ("placement", "stub", "expiry"):
            execute(f"UPDATE {table} SET message_id = ? WHERE message_id = ?", [same[0][0], bad.message_id])  # noqa: S608
        carry_over([(bad.message_id, same[0][0])])
        execute("DELETE FROM message WHERE id = ?", [bad.message_id])
    else:
        execute(
            "UPDATE message SET sha256 = ?, size = ?, canonical = NULL WHERE id = ?",
            [stored.sha256, stored.size, bad.message_id],
        )
    release([bad.sha256])
