"""Stubs that the registry does not know get their originals back from packs that the database does not list.

So it is after an older database was put back beside a newer archive. A content is a stub's original only beyond doubt:
the one content with the item's Internet message id, where the archive has none of that id from the mailbox and no other
one at all: what lies in a sender's Sent Items is not what a recipient got.
"""

import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import BinaryIO, cast

from mse_tui.archive import stubs
from mse_tui.archive.arrivals import Arrival
from mse_tui.archive.fence import Fence
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.frames import Damaged, Frame, Place
from mse_tui.archive.marks import find_marked, of_unknown_originals
from mse_tui.archive.packfile import Stored, read_index
from mse_tui.archive.packs import Packs
from mse_tui.archive.reading import Entry
from mse_tui.archive.statements import select
from mse_tui.archive.stubs import NewStub, StubState
from mse_tui.archive.taking_in import TakingIn
from mse_tui.archive.verify import unlisted
from mse_tui.exchange.editing import STUB_HEADER, ItemDetails
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import Area
from mse_tui.features.mailbox_tree import read_tree
from mse_tui.reasons import Problem
from mse_tui.store.archived import find_archive
from mse_tui.store.database import writing

log = logging.getLogger(__name__)

_NO_TASK = 0
_ACTION = "stub"
"""Which kind of stub it is, nothing tells."""
_Original = tuple[str, Stored]
"""A content and the pack that it lies in."""


class Adoption:
    """Over all mailboxes of a site: packs that are not listed are read once, and only where a stub is unknown."""

    def __init__(self, packs: Packs) -> None:
        self._packs = packs
        self._read: dict[str, list[_Original]] | None = None

    def adopt(self, mailbox: Mailbox, fence: Fence) -> int:
        """Make unknown stubs of a mailbox known, whose lock the caller holds; how many.

        Raises the Problems of reaching a mailbox and of the archive.
        """
        return sum(self._adopt_in(mailbox, area, fence) for area in mailbox.identity().areas)

    def _adopt_in(self, mailbox: Mailbox, area: Area, fence: Fence) -> int:
        tree, identity = read_tree(mailbox, area), mailbox.identity()
        mailbox_id = find_archive(identity.guid)
        unknown = {each.row.stub: each for each in of_unknown_originals(find_marked(mailbox, list(tree.folders)))}
        # Those whose original an interrupted repair had entered before.
        adopted = {key for key, stub in unknown.items() if self._register(mailbox_id, stub, fence)}
        left = [stub for key, stub in unknown.items() if key not in adopted and stub.folder_id in tree.folders]
        found = [(stub, original) for stub in left if (original := self._original_of(mailbox_id, stub.row.message_id))]
        if found:
            taking = TakingIn(_NO_TASK, identity, area, self._packs, fence)
            for stub, original in found:
                self._take_in(taking, tree, stub, original)
                if self._register(taking.key.mailbox_id, stub, fence):
                    adopted.add(stub.row.stub)
        return len(adopted)

    def _take_in(self, taking: TakingIn, tree: FolderTree, stub: ItemDetails, original: _Original) -> None:
        """Enter an original where its stub lies."""
        name, blob = original
        with tempfile.TemporaryFile(dir=self._packs.root) as file:
            content = cast(BinaryIO, file)
            Frame(self._packs, Place(name, blob.offset, blob.length)).unpack(blob.sha256, content)
            content.seek(0)
            arrival = Arrival.of(content, blob.size)
            taking.take_in(tree, {stub.folder_id: [Entry(stub.row, arrival=arrival)]})

    def _register(self, mailbox_id: int, stub: ItemDetails, fence: Fence) -> bool:
        """Enter a stub as one of ours, if its original is entered as the item that it is now."""
        rows = select(
            "SELECT m.id, m.sha256, m.size, p.folder_id FROM placement p JOIN message m ON m.id = p.message_id"
            " JOIN archive_folder f ON f.id = p.folder_id WHERE f.mailbox_id = ? AND p.remote_id = ?"
            " AND p.change_key = ? AND p.closed IS NULL AND m.sha256 IS NOT NULL",
            (mailbox_id, stub.row.remote_id, stub.row.change_key),
        )
        if not rows:
            return False
        message_id, sha256, size, folder_id = rows[0]
        with self._packs.open(bytes(sha256)) as content:
            if stubs.has_stub_header(content):
                return False
        new = NewStub(
            stub.row.stub, mailbox_id, message_id, folder_id, None, "", _ACTION, stub.row.remote_id,
            stub.row.change_key, (), size,
        )  # fmt: skip
        with writing():
            fence.check()
            (stub_id,) = stubs.begin([new], StubState.COMPLETE)
            stubs.complete({stub_id: (stub.row.change_key, stub.row.size)})
        return True

    def _original_of(self, mailbox_id: int, message_id: str) -> _Original | None:
        if not message_id or _has_message(mailbox_id, message_id):
            return None
        if self._read is None:
            self._read = _by_message_id(self._packs)
        candidates = self._read.get(message_id, [])
        if len(candidates) != 1 or _has_other_content(message_id, candidates[0][1].sha256):
            return None
        return candidates[0]


def _has_message(mailbox_id: int, message_id: str) -> bool:
    """Whether the archive has a message of this id from the mailbox: then nothing says which is the stub's."""
    rows = select(
        "SELECT 1 FROM message m JOIN placement p ON p.message_id = m.id JOIN archive_folder f ON f.id = p.folder_id"
        " WHERE m.internet_message_id = ? AND f.mailbox_id = ? LIMIT 1",
        (message_id, mailbox_id),
    )
    return bool(rows)


def _has_other_content(message_id: str, sha256: bytes) -> bool:
    """Whether the archive has a message of this id, from any mailbox, that is another content."""
    return bool(
        select("SELECT 1 FROM message WHERE internet_message_id = ? AND sha256 <> ? LIMIT 1", (message_id, sha256))
    )


def _by_message_id(packs: Packs) -> dict[str, list[_Original]]:
    """Messages in the packs that are not listed, those that the database has somewhere else left out."""
    found: dict[str, dict[bytes, _Original]] = defaultdict(dict)
    for name in unlisted(packs):
        for blob, message_id in _messages(packs, name, _blobs(packs, name)):
            found[message_id].setdefault(blob.sha256, (name, blob))
    return {message_id: list(originals.values()) for message_id, originals in found.items()}


def _blobs(packs: Packs, name: str) -> list[Stored]:
    try:
        with packs.open_pack(name) as file:
            blobs = read_index(file, name).blobs
    except Problem as problem:
        log.warning("Nothing is taken from a pack that is not listed: %s", problem.happened)
        return []
    return [blob for blob in blobs if not select("SELECT 1 FROM blob WHERE sha256 = ?", (blob.sha256,))]


def _messages(packs: Packs, name: str, blobs: Sequence[Stored]) -> Iterator[tuple[Stored, str]]:
    """Whole contents that are messages and no stubs of ours, with their Internet message ids."""
    for blob in blobs:
        with tempfile.TemporaryFile(dir=packs.root) as content:
            try:
                Frame(packs, Place(name, blob.offset, blob.length)).unpack(blob.sha256, cast(BinaryIO, content))
            except Damaged as damage:
                log.warning("A content of pack %s is not taken: %s", name, damage)
                continue
            content.seek(0)
            headers = BytesHeaderParser(policy=compat32).parse(cast(BinaryIO, content))
        message_id = str(headers["Message-ID"] or "").strip()
        if message_id and STUB_HEADER not in headers:
            yield blob, message_id
