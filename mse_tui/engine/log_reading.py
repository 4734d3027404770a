"""Reading the engine's log while it is written and rotated, by whichever process.

What is kept in memory of a line is where it begins. A file that has been rotated away is read on by its open handle.
"""

import os
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from mse_tui.engine.log_file import FILE_NAME, KEPT
from mse_tui.engine.log_lines import LogFilter, LogLine

_CHUNK = 1 << 20
_LINE = 1 << 12
"""Bytes read at once to find a line's end; most are shorter."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is now."""

    count: int
    """Lines that the filter admits."""
    dropped: int
    """How many of those that were there at the look before are gone: all lines have moved up by so many."""


class LogReader:
    """The lines of a log that a filter admits, oldest first. Thread-safe."""

    def __init__(self, directory: Path, wanted: LogFilter | None = None) -> None:
        self._directory = directory
        self._wanted = wanted or LogFilter()
        self._parts: list[_Part] = []
        self._lock = Lock()
        self._closed = Event()

    def look(self) -> Looked:
        """Take in what has been written since the look before. Raises OSError where the log can't be read."""
        with self._held():
            if self._closed.is_set():
                return Looked(0, 0)
            parts = self._present_parts()
            gone = [part for part in self._parts if part not in parts]
            self._parts = parts
            for part in gone:
                part.close()
            for part in parts:
                part.take_in(self._wanted, self._closed.is_set)
            return Looked(sum(len(part.starts) for part in parts), sum(len(part.starts) for part in gone))

    def lines(self, offset: int, limit: int) -> list[LogLine]:
        """So many lines, from this one on."""
        found: list[LogLine] = []
        with self._held():
            for part in self._parts:
                for place in range(offset, min(len(part.starts), offset + limit - len(found))):
                    found.append(LogLine.from_json(part.line(place)))
                offset = max(0, offset - len(part.starts))
        return found

    def close(self) -> None:
        """Let go of the files. Waits for nobody: a look that is under way ends soon, and lets go of them then."""
        self._closed.set()
        self._let_go()

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Of the files, once it is closed; where another thread uses them, that one does it."""
        if self._closed.is_set() and self._lock.acquire(blocking=False):
            try:
                for part in self._parts:
                    part.close()
                self._parts = []
            finally:
                self._lock.release()

    def _present_parts(self) -> list["_Part"]:
        """The files there are, oldest first. Looked at from the newest on: rotation meanwhile shows one twice, at
        most, and hides none."""
        known = {part.inode: part for part in self._parts}
        found: dict[int, _Part] = {}
        for number in range(KEPT + 1):
            path = self._directory / (f"{FILE_NAME}.{number}" if number else FILE_NAME)
            try:
                inode = path.stat().st_ino
                part = found.get(inode) or known.get(inode) or _Part(path)
            except FileNotFoundError:
                continue
            found.setdefault(part.inode, part)
        return list(found.values())[::-1]


class LogWatcher:
    """A thread that looks twice a second whether the log has grown or was rotated, and tells of it."""

    def __init__(self, directory: Path, changed: Callable[[], None]) -> None:
        self._path = directory / FILE_NAME
        self._changed = changed
        self._seen = (0, 0)
        self._end = Event()
        self._thread = Thread(target=self._watch, name="log-watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch: what comes from now on is told of."""
        self._seen = self._state()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it tells of nothing more."""
        self._end.set()

    def _watch(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            if (state := self._state()) != self._seen:
                self._seen = state
                self._changed()

    def _state(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_size


class _Part:
    """One file of the log."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.inode = os.fstat(self._file.fileno()).st_ino
        self.starts = array("Q")
        """Where the wanted lines begin."""
        self._read = 0
        """Up to here whole lines have been taken in."""

    def take_in(self, wanted: LogFilter, ended: Callable[[], bool]) -> None:
        """Read on to the last line end there is, unless it is ended in between."""
        while not ended() and (chunk := os.pread(self._file.fileno(), _CHUNK, self._read)):
            end = chunk.rfind(b"\n") + 1
            if end == 0 and len(chunk) < _CHUNK:
                return
            self._take_lines(chunk[:end], wanted)
            self._read += end or len(chunk)

    def _take_lines(self, chunk: bytes, wanted: LogFilter) -> None:
        start = 0
        everything = wanted.is_empty
        while (end := chunk.find(b"\n", start)) >= 0:
            if everything or wanted.admits(LogLine.from_json(chunk[start:end])):
                self.starts.append(self._read + start)
            start = end + 1

    def line(self, place: int) -> bytes:
        """A wanted line, without its end."""
        start, found = self.starts[place], b""
        while b"\n" not in found:
            more = os.pread(self._file.fileno(), _LINE, start + len(found))
            if not more:
                break
            found += more
        return found.partition(b"\n")[0]

    def close(self) -> None:
        self._file.close()
