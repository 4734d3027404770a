"""The attachments of an archived message: what a mail program shows as files, each with its content's digest.

Found in the MIME by the same rules as mail servers use: parts with a name or a disposition, parts that are no text,
and attached messages; in their order.
"""

import email
import email.policy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from typing import BinaryIO

from mse_tui.archive.rendering import decoded_header

_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """One attachment in the archive's copy of a message."""

    index: int
    """Its place among all of the message."""
    name: str
    """'' where it has none; of an attached message its subject."""
    content_type: str
    size: int
    """Bytes when decoded; of an attached message its MIME."""
    sha256: bytes
    inline: bool
    content_id: str
    is_item: bool


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What the archive's copy of a message is made of."""

    content_type: str
    attachments: Sequence[StoredAttachment]


def content_of(stream: BinaryIO) -> StoredContent:
    """Read the message that a file holds."""
    message = _read(stream)
    found = tuple(_described(index, part) for index, part in enumerate(parts_of(message)))
    return StoredContent(message.get_content_type(), found)


def attachment_bytes(stream: BinaryIO, index: int) -> bytes | None:
    """The content of one attachment; None where the message has none at this place."""
    return next((_bytes(part) for place, part in enumerate(parts_of(_read(stream))) if place == index), None)


def _read(stream: BinaryIO) -> Message:
    # From bytes, not from the file: the library reads a file with its line ends translated, and an attachment that is
    # plain text would be another one than the server has.
    return email.message_from_bytes(stream.read(), policy=email.policy.compat32)


def parts_of(part: Message, depth: int = 0) -> Iterator[Message]:
    """The parts that are attachments, in their order."""
    kind = part.get_content_type()
    if kind == "message/rfc822" and depth:
        yield part
    elif part.is_multipart() and depth < _DEEPEST:
        for child in part.get_payload():
            if isinstance(child, Message):
                yield from parts_of(child, depth + 1)
    elif _filename(part) is not None or part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
        yield part


def _described(index: int, part: Message) -> StoredAttachment:
    content = _bytes(part)
    is_item = part.get_content_type() == "message/rfc822"
    disposition = part.get_content_disposition()
    return StoredAttachment(
        index=index,
        name=_inner_subject(part) if is_item else _filename(part) or "",
        content_type=part.get_content_type(),
        size=len(content),
        sha256=sha256(content).digest(),
        inline=disposition == "inline" or ("content-id" in part and disposition != "attachment"),
        content_id=str(part.get("Content-ID", "")).strip().strip("<>"),
        is_item=is_item,
    )


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return inner[0].as_bytes()
    return b""


def _inner_subject(part: Message) -> str:
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return decoded_header(str(inner[0].get("Subject", "")))
    return ""


def _filename(part: Message) -> str | None:
    try:
        name = part.get_filename()
    except (LookupError, ValueError, TypeError):
        return None
    return None if name is None else decoded_header(name)
