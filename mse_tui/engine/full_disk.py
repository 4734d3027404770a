"""One line when the disk is full and one when there is space again, whoever meets it and however often."""

import logging
import time
from collections.abc import Callable
from threading import Lock

from mse_tui.reasons import Reason
from mse_tui.store.database import as_problem

log = logging.getLogger(__name__)

_QUIET_SECONDS = 20.0
"""A write that succeeds may have found the last free page: the disk has space once nothing failed for so long."""


class FullDisk:
    """What the threads of a process know of it. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._failed: float | None = None

    def is_cause(self, error: BaseException) -> bool:
        """Whether an error comes of it; then it has been told, and whoever caught it need not."""
        problem = as_problem(error)
        if problem is None or problem.reason is not Reason.DISK_FULL:
            return False
        with self._lock:
            begins, self._failed = self._failed is None, self._monotonic()
        if begins:
            log.error("%s Nothing is committed until there is some [%s]", problem.happened, problem.reason)
        return True

    def written(self) -> None:
        """Something was committed."""
        with self._lock:
            if self._failed is None or self._monotonic() - self._failed < _QUIET_SECONDS:
                return
            self._failed = None
        log.warning("There is space again; the engine goes on")


FULL_DISK = FullDisk()
"""This process's."""
