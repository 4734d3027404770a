"""A message for reading: its headers, its text, the list of its attachments. Meant for mail of any kind, also broken.

The text is as the sender wrote it: whoever shows it makes it printable first.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from typing import BinaryIO

from mse_tui.archive.html import text_of

SHOWN_HEADERS = ("From", "Sender", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date", "Message-ID")
LONGEST_INPUT = 32 << 20
"""Bytes of a message that are looked at; of a longer one what follows is not shown."""
LONGEST_TEXT = 200_000
"""Characters of a body that are shown."""
LONGEST_HEADER = 4_000
MOST_HEADERS = 300
MOST_PARTS = 500
LONGEST_HEAD = 1 << 20
_DEEPEST = 30
_BLANK_BEFORE_COLON = re.compile(rb"^([!-9;-~]+)[ \t]+:", re.M)
_BROKEN = (MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
"""What the standard library raises on headers and parts that are not as they should be."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One part of a message that is no text to be read in place."""

    name: str
    content_type: str
    size: int
    """Bytes when decoded."""
    inline: bool
    """Shown within the text, such as a picture in HTML."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a person reads of a message."""

    headers: tuple[tuple[str, str], ...]
    """Those that mail programs show, in their order."""
    all_headers: tuple[tuple[str, str], ...]
    """Every header in the message's order, decoded."""
    text: str
    text_is_from_html: bool
    attachments: tuple[Attachment, ...]
    truncated: bool
    """More was there than is shown."""


def render(stream: BinaryIO) -> Rendered:
    """Render the message that a file holds. Never fails on its content; reads at most LONGEST_INPUT bytes."""
    raw = tidied(stream.read(LONGEST_INPUT))
    truncated = bool(stream.read(1))
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    everything = [(name[:200], decoded_header(value)) for name, value in message.raw_items()][:MOST_HEADERS]
    first: dict[str, str] = {}
    for name, value in everything:
        first.setdefault(name.lower(), value)
    parts = list(leaves(message, 0))
    truncated = truncated or len(parts) > MOST_PARTS or len(message) > MOST_HEADERS
    body, from_html, text = body_of(parts[:MOST_PARTS])
    return Rendered(
        headers=tuple((name, first[name.lower()]) for name in SHOWN_HEADERS if name.lower() in first),
        all_headers=tuple(everything),
        text=text[:LONGEST_TEXT],
        text_is_from_html=from_html,
        attachments=tuple(_attachment(part) for part in parts[:MOST_PARTS] if part is not body and is_file(part)),
        truncated=truncated or len(text) > LONGEST_TEXT,
    )


def tidied(raw: bytes) -> bytes:
    """Without what keeps the parser from seeing headers: a byte order mark, blanks before a colon."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    head, blank, rest = raw.partition(b"\r\n\r\n" if b"\r\n" in raw[:2000] else b"\n\n")
    if len(head) > LONGEST_HEAD:
        return raw
    return _BLANK_BEFORE_COLON.sub(rb"\1:", head) + blank + rest


def leaves(message: Message, depth: int) -> Iterator[Message]:
    """Parts that have no parts to be read in place; an attached message is one part."""
    payload = message.get_payload()
    if isinstance(payload, list) and message.get_content_maintype() == "multipart" and depth < _DEEPEST:
        for part in payload:
            if isinstance(part, Message):
                yield from leaves(part, depth + 1)
    else:
        yield message


def body_of(parts: list[Message]) -> tuple[Message | None, bool, str]:
    """The part that is the body, whether it was HTML, and its text: plain before HTML, the first with content."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and not _is_attached(part):
                text = _decoded_text(part)
                if text.strip():
                    is_html = kind == "text/html"
                    return part, is_html, text_of(text[: 4 * LONGEST_TEXT]) if is_html else text
    return None, False, ""


def _is_attached(part: Message) -> bool:
    return _disposition(part) == "attachment" or (bool(part_name(part)) and _disposition(part) != "inline")


def is_file(part: Message) -> bool:
    """Whether a part that is not the body belongs in the list: not an alternative of the body."""
    if part.get_content_type() in ("text/plain", "text/html"):
        return _is_attached(part) or bool(part_name(part))
    return True


def _attachment(part: Message) -> Attachment:
    content_type = part.get_content_type()
    payload = part.get_payload()
    if content_type == "message/rfc822" and isinstance(payload, list) and payload and not isinstance(payload[0], str):
        inner = payload[0]
        name = part_name(part) or f"{decoded_header(inner.get('Subject', '')) or 'message'}.eml"
        return Attachment(name[:300], content_type, len(_flat(inner)), False)
    inline = _disposition(part) == "inline" or ("content-id" in part and _disposition(part) != "attachment")
    return Attachment((part_name(part) or "unnamed")[:300], content_type, len(_payload(part)), inline)


def _flat(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except (*_BROKEN, UnicodeError):
        return b""


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except _BROKEN:
        payload = None
    if isinstance(payload, bytes):
        return payload
    flat = part.get_payload()
    return flat.encode("utf-8", "surrogateescape") if isinstance(flat, str) else _flat(part)


def _decoded_text(part: Message) -> str:
    payload = _payload(part)
    try:
        charset = str(part.get_content_charset() or "utf-8")
    except _BROKEN:
        charset = "utf-8"
    for name in (charset, "utf-8", "windows-1252"):
        try:
            return _plain(payload.decode(name))
        except (*_BROKEN, UnicodeError):
            continue
    return _plain(payload.decode("latin-1"))


def _disposition(part: Message) -> str:
    try:
        return part.get_content_disposition() or ""
    except _BROKEN:
        return ""


def part_name(part: Message) -> str:
    """The decoded file name of a part; '' where it has none."""
    try:
        return decoded_header(part.get_filename() or "")
    except _BROKEN:
        return ""


def decoded_header(value: object) -> str:
    """A header's value unfolded and decoded, as far as it can be."""
    text = _plain(" ".join(str(value)[: 4 * LONGEST_HEADER].split()))
    try:
        pieces = [_decoded_word(piece, charset) for piece, charset in decode_header(text)]
    except (*_BROKEN, UnicodeError):
        pieces = [text]
    return _plain("".join(pieces))[:LONGEST_HEADER]


def _decoded_word(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    for name in (charset or "raw-unicode-escape", "utf-8"):
        try:
            return piece.decode(name)
        except (*_BROKEN, UnicodeError):
            continue
    return piece.decode("latin-1")


def _plain(text: str) -> str:
    """Without lone surrogates, which nothing can write: raw bytes in a header are taken for UTF-8, else Latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape") if _is_escaped(text) else text.encode("utf-8", "replace")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    return text


def _is_escaped(text: str) -> bool:
    return all("\udc80" <= character <= "\udcff" for character in text if "\ud800" <= character <= "\udfff")
