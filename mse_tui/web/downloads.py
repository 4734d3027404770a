"""Content that is ready to be fetched: files of the service's own directory, each behind an address of its own.

A retrieval is one form, sent once. What it gives is then read by plain GET requests, in ranges where a browser resumes,
by the browser that sent the form and by no other, for a quarter of an hour.
"""

import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mse_tui.actions.retrieval import Offer

READY_SECONDS = 15 * 60
_MOST = 32
"""Files that lie ready at the same time."""


@dataclass(frozen=True, slots=True)
class Download:
    """One file that lies ready."""

    path: Path
    offer: Offer
    link_id: str
    """The link as it stands in the stub; looked up again before each answer."""
    visitor: str
    until: float


class Downloads:
    """The files of one service. Thread-safe."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._clock = clock
        self._ready: dict[str, Download] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Begin with an empty directory: what an earlier process left is of no use to anybody."""
        self.close()
        self._directory.mkdir(mode=0o700, parents=True)

    def prepare(self, wanted: Offer, link_id: str, visitor: str, write: Callable[[BinaryIO], None]) -> str:
        """Have a file written; returns the id under which it lies ready. Raises what `write` raises."""
        self.expire()
        ticket = secrets.token_urlsafe(24)
        path = self._directory / secrets.token_hex(16)
        try:
            with path.open("w+b") as target:
                write(target)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            self._ready[ticket] = Download(path, wanted, link_id, visitor, self._clock() + READY_SECONDS)
        return ticket

    def get(self, ticket: str, visitor: str) -> Download | None:
        """The file, where it lies ready for this browser."""
        self.expire()
        with self._lock:
            found = self._ready.get(ticket)
        return found if found is not None and visitor and found.visitor == visitor else None

    def expire(self) -> None:
        """Remove files whose time is up, and of too many the oldest; who is reading one reads on."""
        with self._lock:
            moment = self._clock()
            over = [ticket for ticket, each in self._ready.items() if each.until <= moment]
            left = [ticket for ticket in self._ready if ticket not in over]
            gone = [self._ready.pop(ticket) for ticket in over + left[: max(0, len(left) - _MOST + 1)]]
        for each in gone:
            each.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._directory, ignore_errors=True)
