"""The worker pool: a few threads that do one mailbox's turn at a time, whoever's it is, first come, first served."""

import logging
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

log = logging.getLogger(__name__)

Turn = Callable[[], None]


class Workers:
    """A pool of threads."""

    def __init__(self, size: int) -> None:
        self._turns: SimpleQueue[Turn | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, name=f"worker-{n + 1}", daemon=True) for n in range(size)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, turn: Turn) -> None:
        """Queue a turn; it must deal with its own errors."""
        self._turns.put(turn)

    def stop(self, timeout: float) -> None:
        """End the threads after the turns that are queued; who is still at work after `timeout` seconds is left to."""
        end = time.monotonic() + timeout
        for _ in self._threads:
            self._turns.put(None)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (turn := self._turns.get()) is not None:
            try:
                turn()
            except Exception:
                log.exception("A turn ended in an error that it should have dealt with")
