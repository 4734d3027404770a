"""The confirmation without which nothing leaves a mailbox: the archive has this very item, whole, and can give it back.

For each item, freshly, and from what is on disk: its content lies in a sealed pack, is read back and has the SHA-256
that the ledger says; every attachment that Exchange lists is in it; the item in Exchange is the one archived and has
not changed since (its change key, else its content in canonical form, since a server may render the same item
differently each time); the mailbox's owner may read it; and no hold lies on it.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from mse_tui.archive.arrivals import Arrival
from mse_tui.archive.attachments import StoredAttachment, StoredContent, content_of
from mse_tui.archive.identity import canonical_digest
from mse_tui.archive.packs import Packs
from mse_tui.archive.statements import select_in
from mse_tui.exchange.editing import AttachmentRow, ItemDetails
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import Content, ItemFailure
from mse_tui.reasons import Reason

SLACK_BYTES = 4096
"""What a server may count beyond an attachment's content: its name, its type, its dates."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An item that may leave the mailbox, as it was confirmed."""

    details: ItemDetails
    message_id: int
    folder_id: int
    """The archive's folder that it lies in."""
    sha256: bytes
    content: StoredContent
    pairs: tuple[tuple[AttachmentRow, StoredAttachment], ...]
    """Each attachment in Exchange with the archive's copy of it; links to files elsewhere are left out."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """An item that must stay as it is, and why."""

    details: ItemDetails
    reason: Reason
    message: str


Verdict = Confirmed | Unconfirmed

Ask = Callable[[int, Iterable[int]], Container[int]]
"""(mailbox, messages) -> those of the messages for which the answer is yes."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where the archive says that an item lies, and as what."""

    folder_id: int
    message_id: int
    change_key: str
    sha256: bytes | None
    canonical: bytes | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked about all items of a batch at once."""

    same: Container[str]
    """Remote ids of the items that are what was archived."""
    held: Container[int]
    readable: Container[int]


class Confirmation:
    """Confirms items of one mailbox. Raises Problem where the archive fails: then nothing more may be touched."""

    def __init__(self, mailbox: Mailbox, mailbox_id: int, packs: Packs, *, held: Ask, readable: Ask) -> None:
        self._mailbox = mailbox
        self._mailbox_id = mailbox_id
        self._packs = packs
        self._held = held
        """Which messages a hold covers."""
        self._readable = readable
        """Which messages the mailbox's owner may read in the archive."""

    def confirm(self, items: Sequence[ItemDetails]) -> list[Verdict]:
        """One verdict an item, in their order; of items as their details say that they are now.

        Raises Problem content-damaged, content-missing, archive-unreadable, disk-full, and those of the mailbox.
        """
        placed = self._placed(items)
        messages = [place.message_id for place in placed.values()]
        asked = _Asked(
            self._unchanged(items, placed),
            self._held(self._mailbox_id, messages),
            self._readable(self._mailbox_id, messages),
        )
        return [self._verdict(item, placed.get(_key(item)), asked) for item in items]

    def _placed(self, items: Iterable[ItemDetails]) -> dict[tuple[str, str], _Placed]:
        rows = select_in(
            "SELECT f.remote_id, p.remote_id, f.id, m.id, p.change_key, b.sha256, m.canonical FROM placement p"
            " JOIN archive_folder f ON f.id = p.folder_id JOIN message m ON m.id = p.message_id"
            " LEFT JOIN blob b ON b.sha256 = m.sha256"
            "  AND EXISTS (SELECT 1 FROM pack k WHERE k.id = b.pack_id AND k.state = 'sealed')"
            " WHERE f.mailbox_id = ? AND p.closed IS NULL AND p.remote_id IN ({values})",
            [item.row.remote_id for item in items],
            self._mailbox_id,
        )
        return {
            (folder, remote_id): _Placed(
                folder_id, message, key, digest and bytes(digest), canonical and bytes(canonical)
            )
            for folder, remote_id, folder_id, message, key, digest, canonical in rows
        }

    def _unchanged(self, items: Sequence[ItemDetails], placed: dict[tuple[str, str], _Placed]) -> set[str]:
        """Remote ids of the items that are what was archived: by change key, the rest by content."""
        same, doubtful = set(), []
        for item in items:
            place = placed.get(_key(item))
            if place is None or place.sha256 is None:
                continue
            if place.change_key == item.row.change_key:
                same.add(item.row.remote_id)
            else:
                doubtful.append((item, place))
        wanted = [(item.row.remote_id, item.row.size) for item, _ in doubtful]
        for (item, place), answer in zip(doubtful, self._mailbox.fetch(wanted), strict=True):
            if self._is_same(item, place, answer):
                same.add(item.row.remote_id)
        return same

    def _is_same(self, item: ItemDetails, place: _Placed, answer: Content | ItemFailure) -> bool:
        if isinstance(answer, ItemFailure):
            return False
        arrival = Arrival.of(answer.stream, answer.size)
        try:
            if answer.change_key != item.row.change_key or place.sha256 is None:
                return False
            if arrival.sha256 == place.sha256:
                return True
            return arrival.canonical() == (place.canonical or self._canonical(place.sha256))
        finally:
            arrival.close()

    def _canonical(self, digest: bytes) -> bytes:
        with self._packs.open(digest) as stream:
            return canonical_digest(stream)

    def _verdict(self, item: ItemDetails, place: _Placed | None, asked: _Asked) -> Verdict:
        if place is None or place.sha256 is None:
            return Unconfirmed(item, Reason.NOT_ARCHIVED, "The archive does not have the item's content.")
        if item.row.remote_id not in asked.same:
            return Unconfirmed(item, Reason.NOT_ARCHIVED, "The item is no longer what was archived.")
        if place.message_id in asked.held:
            return Unconfirmed(item, Reason.ON_HOLD, "A hold lies on the message.")
        if place.message_id not in asked.readable:
            return Unconfirmed(item, Reason.NOT_READABLE, "The mailbox's owner could not read it in the archive.")
        with self._packs.open(place.sha256) as stream:
            content = content_of(stream)
        pairs = pair(self._mailbox, item.attachments, content.attachments)
        if pairs is None:
            happened = "The archive's copy does not have every attachment that the server lists."
            return Unconfirmed(item, Reason.ATTACHMENT_UNCONFIRMED, happened)
        return Confirmed(item, place.message_id, place.folder_id, place.sha256, content, pairs)


def pair(
    mailbox: Mailbox, listed: Sequence[AttachmentRow], stored: Sequence[StoredAttachment]
) -> tuple[tuple[AttachmentRow, StoredAttachment], ...] | None:
    """Each attachment in Exchange with the archive's copy; None unless every one has a copy of its own."""
    left = list(stored)
    pairs = []
    for row in listed:
        if row.is_reference:
            continue
        copy = next((each for each in left if _is_copy(mailbox, row, each)), None)
        if copy is None:
            return None
        left.remove(copy)
        pairs.append((row, copy))
    return tuple(pairs)


def _is_copy(mailbox: Mailbox, row: AttachmentRow, copy: StoredAttachment) -> bool:
    """By kind and name, and by size where the server's size can be trusted; else by the content itself."""
    if row.is_item or copy.is_item:
        return row.is_item and copy.is_item and (row.name == copy.name or not copy.name or not row.name)
    if copy.name and " ".join(row.name.split()) != " ".join(copy.name.split()):
        return False
    if copy.size <= row.size <= copy.size + SLACK_BYTES:
        return True
    return attachment_digest(mailbox, row) == copy.sha256


def attachment_digest(mailbox: Mailbox, row: AttachmentRow) -> bytes | None:
    """SHA-256 of an attachment as Exchange has it; None where it can't be had."""
    stream = mailbox.editing.attachment(row.attachment_id)
    if isinstance(stream, ItemFailure):
        return None
    digest = sha256()
    with stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.digest()


def _key(item: ItemDetails) -> tuple[str, str]:
    return item.folder_id, item.row.remote_id
