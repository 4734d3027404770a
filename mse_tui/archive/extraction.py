"""One attachment taken out of an archived message in bounded memory, however big it is.

The standard library's parser wants a message whole. So it gets its skeleton: every line that may be a boundary or a
header, and for the rest of each long stretch a placeholder that says where in the file it lies. What the parser then
makes of the parts is filled in again from the file, piece by piece, while it is decoded.
"""

import base64
import binascii
import email
import email.policy
import re
import secrets
from collections.abc import Iterable, Iterator
from email.generator import BytesGenerator
from email.message import Message
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO

from mse_tui.archive.attachments import attachment_bytes, parts_of

KEPT = 256 * 1024
"""Bytes of a stretch between two boundary-like lines that the parser gets as they are: room for any headers."""
_PIECE = 256 * 1024
_LONGEST_LINE = 1 << 20
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")
_ENDS = re.compile(rb"\r\n|\r|\n")


class NotAsConfirmed(Exception):
    """The message has no attachment at this place with this content."""


def extract(stream: BinaryIO, index: int, digest: bytes, target: BinaryIO) -> int:
    """Write the attachment at a place of the message that a file holds; returns its size.

    `digest` is the attachment's SHA-256 as it was when it was confirmed. Raises NotAsConfirmed: then what was written
    is to be thrown away.
    """
    start = target.tell()
    size, found = _written(_pieces(stream, index), target)
    if found == digest:
        return size
    # A stretch that is decoded in another way than the standard library does; rare, and only this one costs memory.
    stream.seek(0)
    content = attachment_bytes(stream, index)
    if content is None or sha256(content).digest() != digest:
        raise NotAsConfirmed
    target.seek(start)
    target.truncate()
    target.write(content)
    return len(content)


def _written(pieces: Iterable[bytes], target: BinaryIO) -> tuple[int, bytes]:
    hashed, size = sha256(), 0
    for piece in pieces:
        hashed.update(piece)
        size += len(piece)
        target.write(piece)
    return size, hashed.digest()


def _pieces(stream: BinaryIO, index: int) -> Iterator[bytes]:
    skeleton = Skeleton(stream)
    message = email.message_from_bytes(skeleton.text, policy=email.policy.compat32)
    part = next((each for place, each in enumerate(parts_of(message)) if place == index), None)
    if part is None:
        return iter(())
    if part.is_multipart():
        # The library writes an attached message anew, with the line ends of Unix.
        return (_ENDS.sub(b"\n", piece) for piece in skeleton.filled(_flat(part.get_payload(0))))
    encoding = str(part.get("content-transfer-encoding", "")).lower().strip()
    del part["content-transfer-encoding"]
    encoded = part.get_payload(decode=True)
    assert isinstance(encoded, bytes)
    raw = skeleton.filled(encoded)
    if encoding == "base64":
        return _from_base64(raw)
    return map(binascii.a2b_qp, raw) if encoding == "quoted-printable" else raw


def _flat(message: object) -> bytes:
    """An attached message as the standard library writes it, as `Message.as_bytes` does."""
    assert isinstance(message, Message)
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=email.policy.compat32).flatten(message)
    return written.getvalue()


def _from_base64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    left = b""
    for piece in pieces:
        letters = left + _NOT_BASE64.sub(b"", piece)
        whole = len(letters) // 4 * 4
        left = letters[whole:]
        yield base64.b64decode(letters[:whole])
    if left:
        yield base64.b64decode(left + b"=" * (-len(left) % 4))


class Skeleton:
    """What the parser gets of a message: `text`, in which placeholders stand for stretches of the file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._mark = secrets.token_hex(16)
        self._place = re.compile(rb"\[%s (\d+) (\d+)\]" % self._mark.encode())
        self.text = b"".join(self._lines())

    def _lines(self) -> Iterator[bytes]:
        """The message's lines; once a stretch is long, a placeholder instead of all its further ones."""
        kept, left_out, position, last = 0, 0, 0, b"\n"
        while line := self._stream.readline(_LONGEST_LINE):
            may_be_boundary = last.endswith((b"\n", b"\r")) and line.startswith(b"--")
            if not may_be_boundary and kept >= KEPT:
                left_out += len(line)
            else:
                if left_out:
                    yield self._placeholder(position - left_out, left_out, last)
                    left_out = 0
                kept = 0 if may_be_boundary else kept + len(line)
                yield line
            position += len(line)
            last = line
        if left_out:
            yield self._placeholder(position - left_out, left_out, last)

    def _placeholder(self, start: int, length: int, last: bytes) -> bytes:
        """With the end of its last line behind it: the parser takes the one before a boundary away."""
        end = last[len(last.rstrip(b"\r\n")) :]
        return f"[{self._mark} {start} {length - len(end)}]".encode() + end

    def filled(self, text: bytes) -> Iterator[bytes]:
        """A text made from the skeleton with the stretches in their places, in pieces that end with a line."""
        position = 0
        for match in self._place.finditer(text):
            yield text[position : match.start()]
            yield from self._stretch(int(match[1]), int(match[2]))
            position = match.end()
        yield text[position:]

    def _stretch(self, start: int, length: int) -> Iterator[bytes]:
        self._stream.seek(start)
        while length > 0:
            piece = self._stream.read(min(_PIECE, length))
            if not piece:
                return
            if len(piece) < length:
                piece += self._stream.readline(min(_LONGEST_LINE, length - len(piece)))
            length -= len(piece)
            yield piece
