"""Content on its way into the archive, and which message it turns out to be.

Bytes that the archive has are that message. Bytes that it has not may still be a message of the same mailbox that
the server rendered differently this time; that is asked of the few with the same envelope only.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO

from mse_tui.archive.identity import canonical_digest
from mse_tui.archive.packs import Packs
from mse_tui.archive.statements import select, select_in
from mse_tui.exchange.rows import ItemRow
from mse_tui.reasons import Problem
from mse_tui.store.models import to_micros

log = logging.getLogger(__name__)

IN_MEMORY = 10 << 20
"""Content above this many bytes stays a stream."""
_PIECE = 1 << 20

Envelope = tuple[str, str, str, int | None]
"""Internet message id, subject, sender, sent in microseconds: equal for renderings of one message."""


@dataclass(slots=True)
class Arrival:
    """One item's content, hashed; held until its batch is committed."""

    sha256: bytes
    size: int
    body: bytes | BinaryIO

    @staticmethod
    def of(stream: BinaryIO, size: int) -> "Arrival":
        """Take a stream over: small content into memory, large content hashed where it lies."""
        if size <= IN_MEMORY:
            body = stream.read()
            stream.close()
            return Arrival(sha256(body).digest(), len(body), body)
        digest, total = sha256(), 0
        while piece := stream.read(_PIECE):
            digest.update(piece)
            total += len(piece)
        stream.seek(0)
        return Arrival(digest.digest(), total, stream)

    def rewound(self) -> bytes | BinaryIO:
        """The content from its beginning."""
        if not isinstance(self.body, bytes):
            self.body.seek(0)
        return self.body

    def stream(self) -> BinaryIO:
        """The content as a file at its beginning."""
        body = self.rewound()
        return BytesIO(body) if isinstance(body, bytes) else body

    def canonical(self) -> bytes:
        return canonical_digest(self.stream())

    def close(self) -> None:
        if not isinstance(self.body, bytes):
            self.body.close()


def envelope_of(row: ItemRow) -> Envelope:
    """What an item shows of its message without content."""
    return row.message_id, row.subject, row.sender, to_micros(row.sent) if row.sent is not None else None


@dataclass(frozen=True, slots=True)
class Offered:
    """An item's content offered to the archive, and the message that the item was until now."""

    row: ItemRow
    arrival: Arrival
    current: int | None


@dataclass(slots=True)
class Resolution:
    """Which message each content is. A content is in exactly one of `known`, `alias` and `new`."""

    known: dict[bytes, int] = field(default_factory=dict)
    """Digest -> a message that is there, with content."""
    alias: dict[bytes, bytes] = field(default_factory=dict)
    """Digest -> the digest of the same message in this batch, rendered differently."""
    new: dict[bytes, Offered] = field(default_factory=dict)
    """Digest -> content to be stored."""
    learned: dict[int, bytes] = field(default_factory=dict)
    """Message -> its canonical digest, which had to be computed."""
    canonical: dict[bytes, bytes] = field(default_factory=dict)
    """Digest of new content -> its canonical digest, where it had to be computed."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    message: int
    sha256: bytes
    canonical: bytes | None


def resolve(mailbox_id: int, offered: Sequence[Offered], packs: Packs) -> Resolution:
    """Find out which message each content is; reads the database and, where it must, stored content."""
    resolution = Resolution()
    by_digest = {each.arrival.sha256: each for each in offered}
    resolution.known.update(_stored(by_digest))
    unknown = [each for digest, each in by_digest.items() if digest not in resolution.known]
    if not unknown:
        return resolution
    candidates = _candidates(mailbox_id, unknown)
    twins: dict[Envelope, list[Offered]] = defaultdict(list)
    for each in unknown:
        twins[envelope_of(each.row)].append(each)
    for envelope, alike in twins.items():
        stored = candidates.get(envelope, [])
        for each in alike:
            own = _own(each)
            if not stored and not own and len(alike) == 1:
                resolution.new[each.arrival.sha256] = each
            else:
                _compare(each, [*own, *stored], alike, resolution, packs)
    return resolution


def _stored(digests: Iterable[bytes]) -> dict[bytes, int]:
    sql = "SELECT m.sha256, m.id FROM message m JOIN blob b ON b.sha256 = m.sha256 WHERE m.sha256 IN ({values})"
    return {bytes(digest): message for digest, message in select_in(sql, digests)}


_CANDIDATES = (
    "SELECT DISTINCT m.internet_message_id, m.subject, m.sender, m.sent, m.id, m.sha256, m.canonical"
    " FROM message m JOIN blob b ON b.sha256 = m.sha256"
    " WHERE EXISTS (SELECT 1 FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
    " WHERE p.message_id = m.id AND f.mailbox_id = ?)"
)


def _candidates(mailbox_id: int, unknown: Sequence[Offered]) -> dict[Envelope, list[_Candidate]]:
    """Messages of this mailbox with content and the envelope of an offered one."""
    wanted = {envelope_of(each.row) for each in unknown}
    ids = {each.row.message_id for each in unknown} - {""}
    subjects = {each.row.subject for each in unknown if not each.row.message_id}
    found: dict[Envelope, list[_Candidate]] = defaultdict(list)
    for rows in (
        select_in(_CANDIDATES + " AND m.internet_message_id IN ({values})", ids, mailbox_id),
        select_in(_CANDIDATES + " AND m.internet_message_id = '' AND m.subject IN ({values})", subjects, mailbox_id),
    ):
        for message_id, subject, sender, sent, message, digest, canonical in rows:
            envelope = (message_id, subject, sender, sent)
            if envelope in wanted:
                found[envelope].append(_Candidate(message, bytes(digest), canonical and bytes(canonical)))
    return found


def _own(offered: Offered) -> list[_Candidate]:
    """The message that the item was until now, whatever its envelope."""
    if offered.current is None:
        return []
    rows = select(
        "SELECT m.id, m.sha256, m.canonical FROM message m JOIN blob b ON b.sha256 = m.sha256 WHERE m.id = ?",
        (offered.current,),
    )
    return [_Candidate(message, bytes(digest), canonical and bytes(canonical)) for message, digest, canonical in rows]


def _compare(
    offered: Offered,
    candidates: Sequence[_Candidate],
    alike: Sequence[Offered],
    resolution: Resolution,
    packs: Packs,
) -> None:
    """Settle one content against stored candidates, then against those of its own batch."""
    digest = offered.arrival.sha256
    canonical = offered.arrival.canonical()
    for candidate in candidates:
        if _canonical_of(candidate, resolution, packs) == canonical:
            resolution.known[digest] = candidate.message
            return
    for other in alike:
        earlier = other.arrival.sha256
        if earlier in resolution.new and resolution.canonical.get(earlier) == canonical:
            resolution.alias[digest] = earlier
            return
    resolution.new[digest] = offered
    resolution.canonical[digest] = canonical


def _canonical_of(candidate: _Candidate, resolution: Resolution, packs: Packs) -> bytes | None:
    known = candidate.canonical or resolution.learned.get(candidate.message)
    if known is not None:
        return known
    try:
        with packs.open(candidate.sha256) as stream:
            computed = canonical_digest(stream)
    except Problem as problem:
        log.warning("Message %s could not be compared with new content: %s", candidate.message, problem)
        return None
    resolution.learned[candidate.message] = computed
    return computed
