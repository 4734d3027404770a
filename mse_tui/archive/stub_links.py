"""Links in stubs: unguessable, revocable, optionally expiring.

A link's id is 192 random bits that only the stub itself holds; the database keeps its digest, so that who reads the
database can open nothing. Looking one up tells no more of a wrong, expired or revoked id than that there is no link.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from mse_tui.archive.statements import execute, execute_many, select
from mse_tui.store.database import now, writing
from mse_tui.store.models import moment_at, to_micros

WHOLE_MESSAGE = -1
"""The part that stands for the message as a whole."""
_BYTES = 24


class LinkKind(StrEnum):
    """Who may open a link."""

    OPEN = "open"
    """Whoever has it."""
    SIGNED_IN = "signed in"
    """Who has signed in and may read the archive."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link about to be put into a stub."""

    id: str
    part: int
    kind: LinkKind
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class StubLink:
    """A link that holds, and what it leads to."""

    link_id: int
    kind: LinkKind
    part: int
    """Place of the attachment among those of the message; WHOLE_MESSAGE for all of it."""
    stub_id: int
    mailbox_id: int
    address: str
    """Of the mailbox."""
    message_id: int
    sha256: bytes
    """Of the original's MIME."""
    subject: str
    sender: str
    sent: datetime | None
    size: int
    """Bytes of the original's MIME."""
    expires: datetime | None


def new_link(part: int, kind: LinkKind, expires: datetime | None = None) -> NewLink:
    """A link with a fresh id; to be entered with its stub before anybody can see it."""
    return NewLink(secrets.token_urlsafe(_BYTES), part, kind, expires)


def address(public_url: str, link_id: str) -> str:
    """The address that a stub shows."""
    return f"{public_url.rstrip('/')}/a/{link_id}"


def enter(links: Sequence[tuple[int, NewLink]]) -> None:
    """Inside a transaction: keep links (stub id, link) by their digests."""
    created = to_micros(now())
    execute_many(
        "INSERT INTO stub_link (stub_id, digest, part, kind, created, expires, revoked, retrievals, last_retrieved)"
        " VALUES (?, ?, ?, ?, ?, ?, NULL, 0, NULL)",
        [
            (stub_id, _digest(link.id), link.part, str(link.kind), created, link.expires and to_micros(link.expires))
            for stub_id, link in links
        ],
    )


def expiry(stub_id: int) -> datetime | None:
    """When a stub's links expire; None: never, or it has none."""
    return moment_at(select("SELECT MAX(expires) FROM stub_link WHERE stub_id = ?", (stub_id,))[0][0])


def find(link_id: str) -> StubLink | None:
    """The link with this id, unless there is none, it has expired or was revoked, or the original is gone."""
    rows = select(
        "SELECT l.id, l.kind, l.part, s.id, s.mailbox_id, a.address, m.id, m.sha256, m.subject, m.sender, m.sent,"
        " m.size, l.expires"
        " FROM stub_link l JOIN stub s ON s.id = l.stub_id JOIN message m ON m.id = s.message_id"
        " JOIN blob b ON b.sha256 = m.sha256 JOIN archive_mailbox a ON a.id = s.mailbox_id"
        " WHERE l.digest = ? AND l.revoked IS NULL AND (l.expires IS NULL OR l.expires > ?)",
        (_digest(link_id), to_micros(now())),
    )
    if not rows:
        return None
    link, kind, part, stub, mailbox, owner, message, digest, subject, sender, sent, size, expires = rows[0]
    return StubLink(
        link, LinkKind(kind), part, stub, mailbox, owner, message, bytes(digest), subject, sender, moment_at(sent),
        size, moment_at(expires),
    )  # fmt: skip


def count_retrieval(link_id: int) -> None:
    """Somebody has got what a link leads to."""
    with writing():
        execute(
            "UPDATE stub_link SET retrievals = retrievals + 1, last_retrieved = ? WHERE id = ?",
            (to_micros(now()), link_id),
        )


def revoke(stub_ids: Sequence[int]) -> int:
    """Inside a transaction: no link of these stubs opens anything any more; how many held until now."""
    moment = to_micros(now())
    return execute_many(
        "UPDATE stub_link SET revoked = ? WHERE stub_id = ? AND revoked IS NULL", [(moment, each) for each in stub_ids]
    )


def _digest(link_id: str) -> bytes:
    return sha256(link_id.encode("utf-8", "replace")).digest()
