"""Keeping the search index fresh beside running tasks: often, a little at a time while they run, all of it when not.

What was purged does not wait: its words are overwritten at once, also while tasks run, which are left room.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event

from mse_tui.archive.burial import newest_record
from mse_tui.archive.indexing import GRACE, Indexing
from mse_tui.archive.packs import Packs
from mse_tui.engine.clock import Clock
from mse_tui.reasons import Problem
from mse_tui.store.database import data_version

log = logging.getLogger(__name__)

_WALK_SECONDS = 3600
_BESIDE_TASKS_SECONDS = 1.0
"""Of a round while executions run: they go first."""
_ALONE_SECONDS = 60.0
_REST_SECONDS = 0.001
"""For executions, after each such time of overwriting beside them."""


class IndexRounds:
    """One round after another, until the engine stops."""

    def __init__(  # noqa: PLR0913 (what it needs of the engine)
        self, packs: Packs, path: Path, *, stopping: Event, busy: Callable[[], bool], clock: Clock, pause_seconds: float
    ) -> None:
        """`busy`: whether executions run."""
        self._stopping = stopping
        self._busy = busy
        self._clock = clock
        self._pause = pause_seconds
        self._indexing = Indexing(packs, path, ending=self._is_enough, clock=clock.now)
        self._expunging = Indexing(packs, path, ending=self._gives_way, clock=clock.now)
        self._purging = Indexing(packs, path, ending=self._rests, clock=clock.now)
        self._began = 0.0
        self._walked: int | None = 0
        """How far the thorough look at all messages has come; None while none is due."""
        self._next_walk = 0.0
        self._expunge_due = False
        """The thorough look has been made since words were last overwritten, which waits until no execution runs."""
        self._purges: int | None = None
        """The newest purge of which the thorough look knows."""
        self._purge_due = True
        """Words of what was purged are to be overwritten; at first those that were left before."""
        self._trouble = ""

    def run(self) -> None:
        """Look where anything was written since, and at all messages at first and each hour."""
        seen: int | None = None
        while not self._stopping.wait(self._pause):
            version = data_version()
            if self._walked is None and self._clock.monotonic() >= self._next_walk:
                self._walked = 0
            expunges = self._purge_due or (self._expunge_due and not self._gives_way())
            if version != seen or self._walked is not None or expunges:
                seen = version if self._round() else None

    def _round(self) -> bool:
        """What came first, then some of the thorough look; whether what came is all in the index."""
        self._began = self._clock.monotonic()
        try:
            if (purges := newest_record()) != self._purges:
                self._purges, self._walked = purges, 0
            came = self._indexing.run()
            self._purge_due |= came.forgotten > 0
            if came.finished and self._walked is not None:
                self._walk(self._walked)
            if self._purge_due and self._walked is None:
                self._purge()
            if self._expunge_due and not self._gives_way():
                self._expunge()
        except Exception as error:  # noqa: BLE001 (the thread goes on, whatever it was)
            self._tell(error)
        else:
            self._trouble = ""
            return came.finished
        return False

    def _walk(self, above: int) -> None:
        walked = self._indexing.run(above)
        self._purge_due |= walked.forgotten > 0
        if not walked.finished:
            self._walked = max(above, walked.reached)
            return
        self._walked, self._next_walk = None, self._clock.monotonic() + _WALK_SECONDS
        self._expunge_due = True

    def _purge(self) -> None:
        """Whatever runs. Where somebody reads what is to be overwritten, it is tried again."""
        self._purging.expunge()
        self._purge_due = self._purging.words_left() > 0

    def _expunge(self) -> None:
        """It looks at every word there is and writes the index anew; where an execution begins it goes on later."""
        self._expunging.expunge(GRACE)
        self._expunge_due = self._gives_way()

    def _gives_way(self) -> bool:
        return self._stopping.is_set() or self._busy()

    def _rests(self) -> bool:
        if self._busy():
            self._stopping.wait(_REST_SECONDS)
        return self._stopping.is_set()

    def _is_enough(self) -> bool:
        spent = self._clock.monotonic() - self._began
        return self._stopping.is_set() or spent > (_BESIDE_TASKS_SECONDS if self._busy() else _ALONE_SECONDS)

    def _tell(self, error: Exception) -> None:
        """Once, however often it comes: each round tries again."""
        if str(error) != self._trouble:
            unexpected = None if isinstance(error, Problem) else error
            log.warning("The archive is not indexed for searching: %s", error, exc_info=unexpected)
            self._trouble = str(error)
