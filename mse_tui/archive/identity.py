"""When two renderings are the same message: a digest that ignores what a server may write differently each time.

Exchange may render one item's MIME with other boundaries, another order or folding of headers, another transfer
encoding. The digest covers the headers as a multiset, the decoded parts in their order, and nothing of the rest.
It reads a stream line by line: of a very large message it holds the headers of one part at a time, and of a
quoted-printable body the longest line.
"""

import binascii
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO, Protocol

_LINE_BYTES = 64 * 1024
_DEEPEST = 50
_BOUNDARY = re.compile(rb';\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
_SPACES = re.compile(rb"\s+")
_WHITE = b" \t\r\n"


def canonical_digest(stream: BinaryIO) -> bytes:
    """The digest of the message read from `stream`, which is left at its end."""
    return _Reader(stream).part((), 0)


class _Reader:
    """Reads one message; `part` returns a part's digest and leaves the line that ended it in `_ended_by`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = _lines(stream)
        self._ended_by = b""

    def part(self, boundaries: tuple[bytes, ...], depth: int) -> bytes:
        """Digest of one part: its headers, then its children's digests or its decoded body."""
        headers, has_body = self._headers(boundaries)
        content_type = headers.get(b"content-type", [b""])[0]
        encoding = headers.pop(b"content-transfer-encoding", [b""])[0].lower()
        digest = sha256()
        for name in sorted(headers):
            for value in sorted(headers[name]):
                digest.update(b"%s:%s\n" % (name, _without_boundary(value) if name == b"content-type" else value))
        digest.update(b"\n")
        if not has_body:
            return digest.digest()
        kind = content_type.split(b";")[0].strip().lower()
        boundary = _boundary_of(content_type)
        if kind.startswith(b"multipart/") and boundary and depth < _DEEPEST:
            self._children(digest, (*boundaries, boundary), depth)
        elif kind == b"message/rfc822" and encoding in (b"", b"7bit", b"8bit", b"binary") and depth < _DEEPEST:
            digest.update(self.part(boundaries, depth + 1))
        else:
            self._body(digest, boundaries, encoding, text=not kind or kind.startswith(b"text/"))
        return digest.digest()

    def _headers(self, boundaries: tuple[bytes, ...]) -> tuple[dict[bytes, list[bytes]], bool]:
        """Unfolded headers by lower-case name, and whether a body follows (else a boundary or the end did)."""
        fields: list[list[bytes]] = []
        has_body = False
        for line in self._until(boundaries):
            if not line.strip(b"\r\n"):
                has_body = True
                break
            if line[:1] in b" \t" and fields:
                fields[-1].append(line)
            else:
                fields.append([line])
        headers: dict[bytes, list[bytes]] = {}
        for field in fields:
            name, _, value = b"".join(field).partition(b":")
            headers.setdefault(name.strip().lower(), []).append(_SPACES.sub(b" ", value).strip())
        return headers, has_body

    def _children(self, digest: "_Digest", boundaries: tuple[bytes, ...], depth: int) -> None:
        """What lies before, between and after the boundaries of a multipart."""
        opening = b"--" + boundaries[-1]
        self._text_outside(digest, boundaries)
        while self._ended_by == opening:
            digest.update(b"\npart")
            digest.update(self.part(boundaries, depth + 1))
        if self._ended_by == opening + b"--":
            digest.update(b"\nwhole")
            self._text_outside(digest, boundaries[:-1])

    def _text_outside(self, digest: "_Digest", boundaries: tuple[bytes, ...]) -> None:
        for line in self._until(boundaries):
            if stripped := line.strip():
                digest.update(b"\noutside")
                digest.update(stripped)

    def _body(self, digest: "_Digest", boundaries: tuple[bytes, ...], encoding: bytes, *, text: bool) -> None:
        """The decoded body; the line break before a boundary belongs to the boundary."""
        body = sha256()
        decoded = _decoded(_without_last_break(self._until(boundaries)), encoding)
        for piece in _plain_breaks(decoded) if text else decoded:
            body.update(piece)
        digest.update(body.digest())

    def _until(self, boundaries: tuple[bytes, ...]) -> Iterator[bytes]:
        """Lines up to a boundary of this part or of one around it, or to the end of the message."""
        self._ended_by = b""
        for line in self._lines:
            if boundaries and line.startswith(b"--"):
                stripped = line.rstrip(_WHITE)
                if any(stripped == b"--" + each or stripped == b"--" + each + b"--" for each in boundaries):
                    self._ended_by = stripped
                    return
            yield line


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(_LINE_BYTES):
        yield line


def _boundary_of(content_type: bytes) -> bytes:
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2] or b"") if found else b""


def _without_boundary(content_type: bytes) -> bytes:
    return _BOUNDARY.sub(b"", content_type)


def _without_last_break(lines: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for line in lines:
        yield held + line.rstrip(b"\r\n")
        held = line[len(line.rstrip(b"\r\n")) :]


def _plain_breaks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """CR LF as LF, also where the pair is split over two pieces."""
    held = b""
    for piece in pieces:
        whole = held + piece
        held = b"\r" if whole.endswith(b"\r") else b""
        yield whole[: len(whole) - len(held)].replace(b"\r\n", b"\n")
    yield held


def _decoded(lines: Iterator[bytes], encoding: bytes) -> Iterator[bytes]:
    if encoding == b"base64":
        return _from_base64(lines)
    if encoding == b"quoted-printable":
        return _from_quoted_printable(lines)
    return lines


def _from_base64(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Strict, so that nothing is left out: what does not decode counts as it stands."""
    held = b""
    for line in lines:
        held += line.translate(None, _WHITE)
        usable = len(held) - len(held) % 4
        try:
            yield binascii.a2b_base64(held[:usable], strict_mode=True) if usable else b""
        except binascii.Error:
            yield b"\0not base64\0" + held[:usable]
        held = held[usable:]
    if held:
        yield b"\0not base64\0" + held


def _from_quoted_printable(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in _whole_lines(lines):
        yield binascii.a2b_qp(line)


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Lines with their own break at their end again, after the break of each was held back."""
    held: list[bytes] = []
    for piece in pieces:
        first, broken, rest = piece.partition(b"\n")
        held.append(first + broken)
        while broken:
            yield b"".join(held)
            first, broken, rest = rest.partition(b"\n")
            held = [first + broken]
    if line := b"".join(held):
        yield line
