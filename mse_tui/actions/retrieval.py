"""Giving people what was taken out of their mailboxes, by the links in stubs.

A link that does not hold and one that leads to what somebody may not see are answered alike: by nothing. Whatever is
given is counted on its link and audited, in the name of who signed in, else of the link.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

from mse_tui.access.sight import sight_of
from mse_tui.actions.audit import audit
from mse_tui.archive import stub_links, stubs, views
from mse_tui.archive.extraction import NotAsConfirmed, extract
from mse_tui.archive.names import safe_name
from mse_tui.archive.packs import Packs
from mse_tui.archive.stub_links import WHOLE_MESSAGE, LinkKind, StubLink
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing

__all__ = ["Client", "LinkKind", "Offer", "StubLink", "find", "may_open", "offer", "refuse", "retrieved", "write"]

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks."""

    address: str
    """Of the machine."""
    person: str = ""
    """Mail address of who has signed in; '' for nobody."""

    @property
    def name(self) -> str:
        """As the audit names it."""
        return f"{self.person} (web)" if self.person else "whoever has the link (web)"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link leads to, as far as it is told before it is fetched."""

    name: str
    """A harmless file name."""
    content_type: str
    size: int
    """Bytes."""
    digest: bytes
    """SHA-256 of the content."""


def find(link_id: str) -> StubLink | None:
    """The link, unless there is none, it has expired or was revoked, or the original is gone."""
    return stub_links.find(link_id)


def may_open(link: StubLink, person: str) -> bool:
    """Whether a link gives its content to who has signed in ('' for nobody)."""
    if link.kind is LinkKind.OPEN:
        return True
    return bool(person) and views.shows_message(link.mailbox_id, link.message_id, sight_of(person, link.mailbox_id))


def offer(link: StubLink) -> Offer | None:
    """What the link leads to; None where the stub has no such part."""
    if link.part == WHOLE_MESSAGE:
        return Offer(safe_name(link.subject, ".eml", otherwise="message"), "message/rfc822", link.size, link.sha256)
    record = stubs.record(link.stub_id)
    planned = next((each for each in record.plan if each.part == link.part), None) if record is not None else None
    if planned is None:
        return None
    digest = bytes.fromhex(planned.sha256)
    if planned.is_item:
        return Offer(safe_name(planned.name, ".eml", otherwise="message"), "message/rfc822", planned.size, digest)
    declared = planned.content_type.strip().lower()
    content_type = declared if _TYPE.fullmatch(declared) else "application/octet-stream"
    return Offer(safe_name(planned.name, otherwise="attachment"), content_type, planned.size, digest)


def write(link: StubLink, wanted: Offer, packs: Packs, target: BinaryIO) -> None:
    """Write the content to a seekable file in bounded memory, checked against its digest.

    Raises Problem content-missing, content-damaged, archive-unreadable: what was written is then to be thrown away.
    """
    if link.part == WHOLE_MESSAGE:
        packs.copy_to(link.sha256, target)
        return
    with packs.open(link.sha256) as stream:
        try:
            extract(stream, link.part, wanted.digest, target)
        except NotAsConfirmed as error:
            raise Problem(
                Reason.CONTENT_DAMAGED,
                f"The original of stub {link.stub_id} has no attachment {link.part} as it was confirmed.",
            ) from error


def retrieved(link: StubLink, wanted: Offer, client: Client) -> None:
    """Count and audit that somebody gets what the link leads to."""
    with writing():
        stub_links.count_retrieval(link.link_id)
        audit("retrieve", link.address, after=_told(link, client) | {"file": wanted.name}, by=client.name)


def refuse(link: StubLink, client: Client) -> None:
    """Audit that somebody who has signed in may not have what the link leads to."""
    audit("refused retrieval", link.address, after=_told(link, client), by=client.name)


def _told(link: StubLink, client: Client) -> dict[str, object]:
    return {
        "message": views.number_of(link.message_id, link.mailbox_id),
        "subject": link.subject,
        "link": link.link_id,
        "from": client.address,
    }
