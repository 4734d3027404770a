"""Noticing that another connection has committed: what the screens wait for."""

import contextlib
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
QUIET_SECONDS = 15.0


class DataWatcher:
    """A thread that looks at the database's data_version twice a second and tells of each change.

    Its connection is read-only and never inside a transaction. It tells as well every `QUIET_SECONDS` without a
    change, because an engine that dies commits nothing: its lease just runs out.
    """

    def __init__(self, path: Path, changed: Callable[[], None]) -> None:
        self._path = path
        self._changed = changed
        self._end = Event()
        self._thread = Thread(target=self._watch, name="data-watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _watch(self) -> None:
        uri = f"file:{quote(str(self._path))}?mode=ro"
        while not self._end.is_set():
            try:
                with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as connection:
                    self._look(connection)
            except sqlite3.Error as error:
                log.warning("The database can't be watched: %s", error)
                self._end.wait(QUIET_SECONDS)

    def _look(self, connection: sqlite3.Connection) -> None:
        seen, quiet = None, 0.0
        while not self._end.wait(LOOK_SECONDS):
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            quiet += LOOK_SECONDS
            if version == seen and quiet < QUIET_SECONDS:
                continue
            if seen is not None:
                self._changed()
            seen, quiet = version, 0.0
