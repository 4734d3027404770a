"""Telling whether the configuration is still what was read: the file, and the files of secrets and certificates."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel


def fingerprint(path: Path, configuration: BaseModel) -> bytes:
    """A digest of the file and of every file that it names; equal until one's content changes, comes or goes."""
    found = hashlib.sha256()
    for one in (path, *_files(configuration)):
        with suppress(OSError):
            found.update(hashlib.sha256(one.read_bytes()).digest())
        found.update(str(one).encode(errors="surrogateescape"))
    return found.digest()


def _files(section: BaseModel) -> Iterator[Path]:
    for _, value in section:
        if isinstance(value, BaseModel):
            yield from _files(value)
        elif isinstance(value, Path):
            yield value
