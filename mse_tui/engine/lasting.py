"""What a thread does as long as the engine lives, whatever befalls it in between."""

import logging
from collections.abc import Callable
from threading import Event, current_thread

from mse_tui.engine.full_disk import FULL_DISK
from mse_tui.store.database import keep_connection

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 1.0


def last(work: Callable[[], None], ending: Event) -> None:
    """Do a thread's work over one connection until it returns; where it fails it is told and begun again."""
    while not ending.is_set():
        try:
            with keep_connection():
                work()
        except Exception as error:
            if not FULL_DISK.is_cause(error):
                log.exception("The thread %s failed; it begins again", current_thread().name)
            ending.wait(_AGAIN_SECONDS)
        else:
            return
