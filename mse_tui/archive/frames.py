"""One stored content: read in pieces, decompressed and checked in bounded memory."""

import hashlib
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import zstandard

CHUNK = 1 << 20
"""Bytes of a big content that are handled at a time."""
_MAX_WINDOW = 1 << 27


class Damaged(Exception):
    """The stored bytes can't be read as the content that they should be."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a content's stored bytes lie: pack, offset and length in its file."""

    name: str
    offset: int
    length: int


class RangeReader(Protocol):
    def read_range(self, name: str, start: int, length: int) -> bytes:
        """Bytes of a pack's file; fewer where it ends before. Raises FileNotFoundError, Problem archive-unreadable."""
        ...


class Frame:
    """The stored bytes at a place, as a source to read from; `crc` is theirs as far as they were read."""

    def __init__(self, packs: RangeReader, place: Place) -> None:
        self._packs, self._name = packs, place.name
        self._position, self._end = place.offset, place.offset + place.length
        self.crc = 0

    def read(self, size: int) -> bytes:
        """The next bytes, b'' at the end. Raises Damaged where the file is too short."""
        length = min(size, self._end - self._position)
        if length <= 0:
            return b""
        piece = self._packs.read_range(self._name, self._position, length)
        self._position += length
        if len(piece) != length:
            raise Damaged("the file is cut off")
        self.crc = zlib.crc32(piece, self.crc)
        return piece

    def unpack(self, sha256: bytes, target: BinaryIO | None) -> int:
        """Write the content to a file, if there is one; returns its size. Raises Damaged when it is another one."""
        digest, size = hashlib.sha256(), 0
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        with decompressor.stream_reader(cast(BinaryIO, self), read_size=CHUNK) as plain:
            try:
                while piece := plain.read(CHUNK):
                    digest.update(piece)
                    size += len(piece)
                    if target is not None:
                        target.write(piece)
            except zstandard.ZstdError as error:
                raise Damaged(str(error)) from error
        if digest.digest() != sha256:
            raise Damaged("the content does not match its SHA-256")
        return size

    def drain(self) -> None:
        """Read what is left, for its CRC."""
        while self.read(CHUNK):
            pass
