"""Who is told that what a thread asks for stands still, and may end it: said once around the work.

For questions that go through directories, which know neither tasks nor people. Whose mailbox is opened says it itself.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event, Lock

from mse_tui.exchange.mailbox import Cancelled

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wait:
    """A question has no answer yet. Aware times."""

    why: str
    since: datetime
    """When the first wait for an answer began."""
    until: datetime | None
    """When it is asked again; None: it is being asked."""
    gives_up: datetime | None
    """When the question fails if it is not answered; None: nobody can tell."""

    @property
    def said(self) -> str:
        """Why, and how long it is tried."""
        if self.gives_up is None:
            return self.why
        return f"{self.why} Tried until {self.gives_up:%Y-%m-%d %H:%M} UTC."


class _Listener:
    """Of one block; any thread may come to it."""

    def __init__(self, tell: Callable[[Wait | None], None], stop: Event) -> None:
        self._tell = tell
        self._lock = Lock()
        self._wait: Wait | None = None
        self._left = False
        self.stop = stop

    def waits(self, seconds: float, why: str, patience: float) -> None:
        now = datetime.now(UTC)
        until = now + timedelta(seconds=seconds)
        since = now if self._wait is None else self._wait.since
        self._say(Wait(why, since, until, max(until, now + timedelta(seconds=patience))))

    def stands_behind(self, why: str) -> None:
        if self._wait is None:
            self._say(Wait(why, datetime.now(UTC), None, None))

    def asks_again(self) -> None:
        if self._wait is not None:
            self._say(replace(self._wait, until=None))

    def answered(self) -> None:
        if self._wait is not None:
            self._say(None)

    def leave(self) -> None:
        """Nobody listens any more."""
        with self._lock:
            self._left = True

    def _say(self, wait: Wait | None) -> None:
        with self._lock:
            if self._left:
                return
            self._wait = wait
            try:
                self._tell(wait)
            except Exception:
                log.exception("What is waited for could not be told")


_listener: ContextVar[_Listener | None] = ContextVar("who is told of waits", default=None)


@contextmanager
def listening(tell: Callable[[Wait | None], None], stop: Event) -> Iterator[None]:
    """Within the block, waits of this thread and of those that run in a copy of its context are told: None, it is over.

    Once `stop` is set, what is asked in it ends with Cancelled. `tell` may be called by any thread, not by two at once.
    """
    mine = _Listener(tell, stop)
    token = _listener.set(mine)
    try:
        yield
    finally:
        _listener.reset(token)
        mine.leave()


def is_ended() -> bool:
    """Whether who listens waits for no answer any more."""
    listener = _listener.get()
    return listener is not None and listener.stop.is_set()


@contextmanager
def told(seconds: float, why: str, patience: float) -> Iterator[None]:
    """Within the block it is waited for so long at most; the question is given up after `patience` seconds."""
    listener = _listener.get()
    if listener is not None:
        listener.waits(seconds, why, patience)
    try:
        yield
    finally:
        if listener is not None:
            listener.asks_again()


def stands_behind(why: str) -> None:
    """Others come first; may be said again and again. Raises Cancelled once nobody waits for the answer any more."""
    if is_ended():
        raise Cancelled
    if (listener := _listener.get()) is not None:
        listener.stands_behind(why)


def answered() -> None:
    """What was waited for has come."""
    listener = _listener.get()
    if listener is not None:
        listener.answered()
