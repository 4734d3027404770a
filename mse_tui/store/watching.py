"""Noticing that another connection has committed, or that an engine has died: what the screens wait for."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote

from peewee import PeeweeException

from mse_tui.home import beside
from mse_tui.store.database import keep_connection
from mse_tui.store.queries.standing import standing

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
STANDING_SECONDS = 2.0
QUIET_SECONDS = 15.0


class DataWatcher:
    """A thread that looks at the database's data_version twice a second and tells of each change.

    Its connection is read-only and never inside a transaction. An engine that dies and a start that is missed commit
    nothing, so it looks at them every `STANDING_SECONDS`, and tells every `QUIET_SECONDS` whatever there is. Where the
    database can't be written it looks at the files: SQLite shows a new data_version at each look while no engine runs.
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
        again = False
        uri = f"file:{quote(str(self._path))}?mode=ro"
        while not self._end.is_set():
            try:
                opened = contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None))
                with keep_connection(), opened as connection:
                    by_version = partial(_data_version, connection)
                    self._look(by_version if os.access(self._path, os.W_OK) else self._files, again)
            except (sqlite3.Error, PeeweeException, OSError) as error:
                again = True
                log.warning("The database can't be watched: %s", error)
                self._end.wait(QUIET_SECONDS)

    def _look(self, version_now: Callable[[], object], again: bool) -> None:
        """`again`: what came since it last looked is not known."""
        seen, stood = version_now(), standing()
        if again:
            self._changed()
        quiet, unlooked = 0.0, 0.0
        while not self._end.wait(LOOK_SECONDS):
            version = version_now()
            quiet, unlooked = quiet + LOOK_SECONDS, unlooked + LOOK_SECONDS
            changed = version != seen or quiet >= QUIET_SECONDS
            if unlooked >= STANDING_SECONDS:
                stood, before, unlooked = standing(), stood, 0.0
                changed = changed or stood != before
            if changed:
                self._changed()
                seen, quiet = version, 0.0

    def _files(self) -> tuple[tuple[int, int], ...]:
        """Sizes and times of the database and its log, which change with each commit."""
        found = []
        for path in (self._path, beside(self._path)[0]):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_size, status.st_mtime_ns))
        return tuple(found)


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
