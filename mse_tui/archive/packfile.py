"""The form of a pack file: magic, one zstd frame a content, then an index: readable without the database."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mse_tui.reasons import Problem, Reason

MAGIC = b"MSEPACK1"
_ENTRY = struct.Struct(">32sQQQI")
_TRAILER = struct.Struct(">QI32s8s")
_END = b"MSEINDEX"
FILE_OVERHEAD = len(MAGIC) + _TRAILER.size
"""Bytes of a pack file that are there whatever it holds."""
BLOB_OVERHEAD = _ENTRY.size
"""Bytes of the index for each content."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One content in a pack."""

    sha256: bytes
    """Of the content, before compression."""
    offset: int
    """Bytes from the start of the file."""
    length: int
    """Stored (compressed) bytes."""
    size: int
    """Bytes of the content."""
    crc: int
    """CRC-32 of the stored bytes: any flipped bit shows, even one that decompression would forgive."""


@dataclass(frozen=True, slots=True)
class PackIndex:
    """What a pack file says that it holds, in the order of the file."""

    blobs: tuple[Stored, ...]
    bytes: int
    """The whole file's length."""


def footer(blobs: Sequence[Stored], offset: int) -> bytes:
    """The index of the frames before `offset`, and the trailer that finds and proves it."""
    entries = b"".join(_ENTRY.pack(b.sha256, b.offset, b.length, b.size, b.crc) for b in blobs)
    digest = hashlib.sha256(MAGIC + entries).digest()
    return entries + _TRAILER.pack(offset, len(blobs), digest, _END)


def read_index(file: BinaryIO, name: str) -> PackIndex:
    """The index of an open pack file, proved by its checksum and by covering every byte of the file.

    Raises Problem content-damaged naming the pack.
    """
    total = file.seek(0, 2)
    if total < len(MAGIC) + _TRAILER.size:
        raise damaged(name, total, "it is cut off")
    file.seek(0)
    magic = file.read(len(MAGIC))
    file.seek(total - _TRAILER.size)
    start, count, digest, end = _TRAILER.unpack(file.read(_TRAILER.size))
    if magic != MAGIC or end != _END:
        raise damaged(name, 0 if magic != MAGIC else total - len(_END), "it does not begin and end like a pack")
    if start + count * _ENTRY.size + _TRAILER.size != total:
        raise damaged(name, total - _TRAILER.size, "its index has the wrong length")
    file.seek(start)
    entries = file.read(count * _ENTRY.size)
    if hashlib.sha256(magic + entries).digest() != digest:
        raise damaged(name, start, "its index does not match its checksum")
    blobs = tuple(Stored(*fields) for fields in _ENTRY.iter_unpack(entries))
    position = len(MAGIC)
    for blob in blobs:
        if blob.offset != position:
            raise damaged(name, position, "its index leaves a gap")
        position += blob.length
    if position != start:
        raise damaged(name, position, "its index leaves a gap")
    return PackIndex(blobs, total)


def looks_like_pack(path: Path) -> bool:
    """Whether a file begins like a pack; one that is gone does not."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except FileNotFoundError:
        return False


def damaged(name: str, offset: int, why: str) -> Problem:
    """Problem content-damaged that names the pack and the offset."""
    return Problem(Reason.CONTENT_DAMAGED, f"Pack {name} is damaged at offset {offset}: {why}.")
