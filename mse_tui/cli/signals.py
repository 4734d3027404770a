"""The signals that ask a service to end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType


class Told:
    """Counts the signals that asked this process to end."""

    def __init__(self) -> None:
        self._first = Event()
        self._again = Event()

    def tell(self) -> None:
        (self._again if self._first.is_set() else self._first).set()

    def wait_first(self, seconds: float | None = None) -> bool:
        """Wait for the first one; whether it came."""
        return self._first.wait(seconds)

    def again(self) -> bool:
        """Whether a second one came."""
        return self._again.is_set()


@contextmanager
def signals_stop() -> Iterator[Told]:
    """Within the block SIGTERM, SIGINT and SIGHUP are counted instead of ending the process."""
    told = Told()

    def handler(_number: int, _frame: FrameType | None) -> None:
        told.tell()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield told
    finally:
        for number, old in before.items():
            signal.signal(number, old)
