"""What is said in a message: who, to whom, about what, its text, the names of its attachments. For the search index.

Never fails on a message, however broken: what can be read of it is given.
"""

import email
import email.policy
from dataclasses import dataclass
from email.message import Message
from itertools import islice
from typing import BinaryIO

from mse_tui.archive.extraction import Skeleton
from mse_tui.archive.rendering import (
    LONGEST_TEXT,
    MOST_HEADERS,
    MOST_PARTS,
    body_of,
    decoded_header,
    is_file,
    leaves,
    part_name,
    tidied,
)

_SMALL = 1 << 20
"""Bytes of a message that the parser gets as it is; of a bigger one it gets a skeleton, without long attachments."""
_SUBJECT = ("subject",)
_SENDERS = ("from", "sender", "reply-to")
_RECIPIENTS = ("to", "cc", "bcc")
_LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class Gist:
    """What is looked for in a message; each decoded, as its sender wrote it."""

    subject: str = ""
    sender: str = ""
    """Names and addresses."""
    recipients: str = ""
    """Names and addresses of To, Cc and Bcc."""
    body: str = ""
    """The text, or the text of the HTML, as far as `rendering.LONGEST_TEXT`."""
    attachments: str = ""
    """Names, one a line; of an attached message its subject."""


def gist_of(stream: BinaryIO) -> Gist:
    """The gist of the message that a file holds, in bounded memory."""
    raw = stream.read(_SMALL + 1)
    if len(raw) > _SMALL:
        stream.seek(0)
        raw = Skeleton(stream).text
    message = email.message_from_bytes(tidied(raw), policy=email.policy.compat32)
    said: dict[str, list[str]] = {}
    for name, value in islice(message.raw_items(), MOST_HEADERS):
        if (known := name.lower()) in _SUBJECT + _SENDERS + _RECIPIENTS:
            said.setdefault(known, []).append(decoded_header(value))
    parts = list(islice(leaves(message, 0), MOST_PARTS))
    body, _, text = body_of(parts)
    names = (_attachment_name(part) for part in parts if part is not body and is_file(part))
    return Gist(
        _joined(said, _SUBJECT),
        _joined(said, _SENDERS),
        _joined(said, _RECIPIENTS),
        text[:LONGEST_TEXT],
        "\n".join(name for name in names if name),
    )


def _attachment_name(part: Message) -> str:
    """A part's file name; of an attached message its subject, where it has no name; '' for neither."""
    name = part_name(part)
    payload = part.get_payload()
    if not name and isinstance(payload, list) and payload and isinstance(payload[0], Message):
        name = decoded_header(payload[0].get("Subject", ""))
    return name[:_LONGEST_NAME]


def _joined(said: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return "\n".join(value for name in names for value in said.get(name, ()))
