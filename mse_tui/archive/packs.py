"""Content: immutable files of compressed messages, addressed by SHA-256 and checked at every read.

How content gets in, exactly once:

1. `writer = packs.writer()`, then `writer.add(content)` for each.
2. `pack = writer.finish()`: a Pack row `writing` is committed, then the file is written and forced to disk.
3. In the ledger's transaction: `seal(pack)`, and `held(...)` for content that was found to be there already.

A crash before 3 leaves an orphan, which compaction collects.
"""

import hashlib
import io
import logging
import os
import secrets
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import obstore
import zstandard
from obstore.store import LocalStore

from mse_tui.archive.disk import explained, make_directory, modified
from mse_tui.archive.frames import CHUNK, Damaged, Frame, Place
from mse_tui.archive.packfile import MAGIC, PackIndex, Stored, damaged, footer, read_index
from mse_tui.archive.places import PackSeal, held, seal
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, sync, writing
from mse_tui.store.models import Pack, database

__all__ = ["PackIndex", "PackSeal", "PackWriter", "Packs", "Stored", "held", "read_index", "seal"]

log = logging.getLogger(__name__)

BUFFERED = 8 << 20
"""A pack up to this many bytes is put at once; a bigger one goes to disk while it grows."""
TARGET = 64 << 20
"""Bytes from which a pack asks to be finished."""
_ATTEMPTS = 4


class PackWriter:
    """Collects content into one pack; for one thread. Leaving its `with` block unfinished abandons it."""

    def __init__(self, packs: "Packs") -> None:
        self.name = secrets.token_hex(16)
        self._packs = packs
        self._compressor = zstandard.ZstdCompressor(level=packs.level, write_content_size=True)
        self._buffer = bytearray(MAGIC)
        self._blobs: dict[bytes, Stored] = {}
        self._index: list[Stored] = []
        self._position = len(MAGIC)
        self._pack_id: int | None = None
        self._upload: Any = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._closed:
            self.abandon()

    @property
    def empty(self) -> bool:
        return not self._index

    @property
    def full(self) -> bool:
        """The pack has reached the size at which it should be finished and another one begun."""
        return self._position >= self._packs.target

    def add(self, content: bytes | BinaryIO, *, size: int = -1, sha256: bytes | None = None) -> Stored:
        """Store one content; bytes in memory, or a stream that is read to its end in pieces.

        `size` is the stream's length where known, `sha256` the digest of bytes that were hashed already. The same
        content twice in a pack is stored once. Raises Problem disk-full or archive-unreadable; the writer is of no
        use after that.
        """
        if isinstance(content, bytes | bytearray | memoryview):
            digest = sha256 or hashlib.sha256(content).digest()
            if (stored := self._blobs.get(digest)) is not None:
                return stored
            frame = self._compressor.compress(content)
            stored = Stored(digest, self._position, len(frame), len(content), zlib.crc32(frame))
            self._write(frame)
        else:
            stored = self._add_stream(content, size)
        self._index.append(stored)
        return self._blobs.setdefault(stored.sha256, stored)

    def _add_stream(self, content: BinaryIO, size: int) -> Stored:
        compressor = self._compressor.compressobj(size=size)
        digest, start, total, crc = hashlib.sha256(), self._position, 0, 0
        while piece := content.read(CHUNK):
            digest.update(piece)
            total += len(piece)
            if frame := compressor.compress(piece):
                crc = zlib.crc32(frame, crc)
                self._write(frame)
        frame = compressor.flush()
        crc = zlib.crc32(frame, crc)
        self._write(frame)
        return Stored(digest.digest(), start, self._position - start, total, crc)

    def _write(self, piece: bytes) -> None:
        self._buffer += piece
        self._position += len(piece)
        if len(self._buffer) >= BUFFERED:
            self._flush()

    def _flush(self) -> None:
        if self._upload is None:
            self._enter()
            self._upload = self._packs.open_upload(self.name)
        with explained(self._packs.root):
            self._upload.write(bytes(self._buffer))
        self._buffer.clear()

    def _enter(self) -> None:
        """Commit the pack's row, before anything of it is on disk."""
        if database.in_transaction():
            raise RuntimeError("a pack is written outside any transaction")
        self._packs.prepare(self.name)
        with writing():
            self._pack_id = Pack.create(name=self.name, state="writing", created=now()).id

    def finish(self) -> PackSeal | None:
        """Write the pack and force it to disk; None when nothing was added.

        Raises Problem disk-full or archive-unreadable, and has then abandoned the pack.
        """
        if self.empty:
            self._closed = True
            return None
        try:
            index = footer(self._index, self._position)
            self._write(index)
            if self._upload is None:
                self._enter()
                self._packs.put(self.name, bytes(self._buffer))
            else:
                self._flush()
                with explained(self._packs.root):
                    self._upload.close()
            self._packs.force(self.name)
        except BaseException:
            self.abandon()
            raise
        self._closed = True
        self._buffer.clear()
        return PackSeal(cast(int, self._pack_id), self.name, self._position, tuple(self._blobs.values()))

    def abandon(self) -> None:
        """Give the pack up, unless it was sealed, and remove what is there of it; the rest is collected later."""
        self._closed = True
        self._buffer.clear()
        self._upload = None
        if self._pack_id is None:
            return
        own = Pack.id == self._pack_id
        try:
            # Its row goes last: a file without one is taken for a pack of a newer database, and kept.
            if Pack.update(state="condemned", condemned=now()).where(own, Pack.state == "writing").execute():
                self._packs.delete(self.name)
                Pack.delete().where(own, Pack.state == "condemned").execute()
        except Exception:
            log.warning("Pack %s was given up and is left for collection", self.name, exc_info=True)


class Packs:
    """The content of one archive directory. Thread-safe; each thread takes its own writers."""

    def __init__(self, root: Path, *, level: int = 3, target: int = TARGET) -> None:
        """Nothing is created before content is written. `level` is zstd's; `target` is in stored bytes."""
        self.root = root
        self.level = level
        self.target = target

    def writer(self) -> PackWriter:
        return PackWriter(self)

    # --- reading

    def exists(self, sha256: bytes) -> bool:
        """Whether the database has a place for this content (not whether the file is intact)."""
        return self.place(sha256) is not None

    def read(self, sha256: bytes) -> bytes:
        """The content, checked. Raises Problem content-missing, content-damaged, archive-unreadable."""
        target = io.BytesIO()
        self.copy_to(sha256, target)
        return target.getvalue()

    def open(self, sha256: bytes) -> BinaryIO:
        """The content as a file at position 0, checked as a whole before this returns; big ones lie on disk."""
        spooled = cast(
            BinaryIO,
            tempfile.SpooledTemporaryFile(max_size=BUFFERED, dir=self._spool_directory()),  # noqa: SIM115
        )
        try:
            self.copy_to(sha256, spooled)
            spooled.seek(0)
        except BaseException:
            spooled.close()
            raise
        return spooled

    def copy_to(self, sha256: bytes, target: BinaryIO) -> int:
        """Write the content to a seekable file while reading it, in bounded memory; returns its size.

        The check comes last: after a Problem content-damaged, what was written is to be thrown away.
        """
        place = self.place(sha256)
        start = target.tell()
        for _ in range(_ATTEMPTS):
            if place is None:
                break
            try:
                return Frame(self, place).unpack(sha256, target)
            except (FileNotFoundError, Damaged) as error:
                newer = self.place(sha256)
                if newer == place:
                    raise _as_problem(error, sha256, place) from error
                place = newer
                target.seek(start)
                target.truncate()
        raise Problem(Reason.CONTENT_MISSING, f"The archive has no content {sha256.hex()}.")

    def check_content(self, sha256: bytes) -> None:
        """Read a content and throw it away. Raises what `read` raises."""
        self.copy_to(sha256, cast(BinaryIO, _Nowhere()))

    def check(self, name: str, blob: Stored) -> None:
        """Read one content of a pack where its index says that it lies.

        Raises Problem content-damaged, content-missing (no file), archive-unreadable.
        """
        place = Place(name, blob.offset, blob.length)
        frame = Frame(self, place)
        try:
            frame.unpack(blob.sha256, None)
            frame.drain()
            if frame.crc != blob.crc:
                raise Damaged("its stored bytes do not match their checksum")
        except (FileNotFoundError, Damaged) as error:
            raise _as_problem(error, blob.sha256, place) from error

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """Bytes of a pack's file; fewer where it ends before. Raises FileNotFoundError, Problem archive-unreadable."""
        with explained(self.root, missing_is_expected=True):
            return bytes(obstore.get_range(self._store(), key(name), start=start, length=length))

    def place(self, sha256: bytes) -> Place | None:
        """Where the database says that a content lies."""
        row = database.execute_sql(
            'SELECT p.name, b."offset", b.length FROM blob b JOIN pack p ON p.id = b.pack_id WHERE b.sha256 = ?',
            (sha256,),
        ).fetchone()
        return None if row is None else Place(*row)

    def open_pack(self, name: str) -> BinaryIO:
        """A pack's file, for reading its index or its frames. Raises Problem content-missing, archive-unreadable."""
        try:
            with explained(self.root, missing_is_expected=True):
                return self.path(name).open("rb")
        except FileNotFoundError as error:
            raise Problem(Reason.CONTENT_MISSING, f"Pack {name} is not in {self.root}.") from error

    # --- files

    def path(self, name: str) -> Path:
        """Where a pack's file lies."""
        return self.root / key(name)

    def files(self) -> Iterator[tuple[str, Path, datetime]]:
        """Every file of the archive: the name of the pack that it is, or is a piece of, its path and its age."""
        if not self.root.is_dir():
            return
        with explained(self.root):
            for directory in sorted(self.root.iterdir()):
                if len(directory.name) == 2 and directory.is_dir():
                    yield from _files_in(directory)

    def prepare(self, name: str) -> None:
        """Make the directories that a pack's file needs. Raises what `require` raises."""
        directory = self.path(name).parent
        with explained(self.root):
            if not directory.is_dir():
                self.require()
                make_directory(directory)

    def require(self) -> None:
        """Raises Problem archive-unreadable where the directory lacks an archive though the database lists packs in it.

        That of a file system that is not mounted is there, and empty.
        """
        with explained(self.root):
            begun = self.root.is_dir() and any(len(each.name) == 2 for each in self.root.iterdir())
        if not begun and Pack.select().where(Pack.state == "sealed").exists():
            what = "is empty" if self.root.is_dir() else "is missing"
            raise Problem(
                Reason.ARCHIVE_UNREADABLE,
                f"The archive's directory {self.root} {what}, though the database lists packs in it.",
                "Mount or restore it; an archive is never begun anew by itself.",
            )

    def open_upload(self, name: str) -> Any:
        """A file object that writes a pack in pieces; it appears under its name when closed."""
        with explained(self.root):
            return obstore.open_writer(self._store(), key(name), buffer_size=BUFFERED // 2, max_concurrency=1)

    def put(self, name: str, content: bytes) -> None:
        """Write a whole pack at once."""
        with explained(self.root):
            obstore.put(self._store(), key(name), content, use_multipart=False)

    def force(self, name: str) -> None:
        """Force a pack and the directory entries that lead to it to disk, for its owner's eyes only."""
        path = self.path(name)
        with explained(self.root):
            path.chmod(0o600)
            for each in (path, path.parent, self.root):
                sync(each)

    def delete(self, name: str) -> int:
        """Remove a pack's file, finished or not; that it is gone already is no error. Returns the bytes freed."""
        path = self.path(name)
        with explained(self.root):
            freed = sum(self.delete_file(each) for each in (path, *path.parent.glob(f"{path.name}#*")))
            if path.parent.is_dir():
                sync(path.parent)
        return freed

    def delete_file(self, path: Path) -> int:
        """Remove one of the archive's files; returns the bytes freed, 0 where it is gone already."""
        with explained(self.root):
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                return 0
            return size

    def _store(self) -> LocalStore:
        if not self.root.is_dir():
            raise Problem(
                Reason.ARCHIVE_UNREADABLE, f"The archive's directory {self.root} is missing or can't be entered."
            )
        return LocalStore(self.root)

    def _spool_directory(self) -> str | None:
        return str(self.root) if os.access(self.root, os.W_OK) else None


class _Nowhere(io.RawIOBase):
    """A file that keeps nothing."""

    def write(self, piece: object) -> int:
        return len(cast(bytes, piece))

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def truncate(self, size: int | None = None) -> int:
        return 0


def key(name: str) -> str:
    """A pack's path in the archive: fanned out over 256 directories."""
    return f"{name[:2]}/{name}.pack"


def _files_in(directory: Path) -> Iterator[tuple[str, Path, datetime]]:
    for path in sorted(directory.iterdir()):
        name, found, _ = path.name.partition(".pack")
        if found:
            with suppress(FileNotFoundError):  # an upload has ended meanwhile
                yield name, path, modified(path)


def _as_problem(error: Exception, sha256: bytes, place: Place) -> Problem:
    if isinstance(error, Damaged):
        return damaged(place.name, place.offset, f"content {sha256.hex()}: {error}")
    return Problem(
        Reason.CONTENT_MISSING, f"Pack {place.name}, which holds content {sha256.hex()}, is not in the archive."
    )
