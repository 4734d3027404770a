"""A bounded queue between two threads of a pipeline: weighed, with an end, passing errors on in their place."""

from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """The reader is no longer interested; the writer is to end."""


class Channel(Generic[T]):
    """One thread puts, one takes. Holds at most `limit` of weight, or one item, however heavy."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._ended = False
        self._abandoned = False
        self._error: BaseException | None = None
        self._changed = Condition()

    def put(self, item: T, weight: int = 1) -> None:
        """Wait for room, then hand the item over. Raises Abandoned."""
        with self._changed:
            while self._items and self._weight + weight > self._limit and not self._abandoned:
                self._changed.wait()
            if self._abandoned:
                raise Abandoned
            self._items.append((item, weight))
            self._weight += weight
            self._changed.notify_all()

    def fill(self, produce: Callable[[], Generator[tuple[T, int], None, None]]) -> None:
        """Put all that a generator gives, then its end or its error: the body of a writer's thread."""
        try:
            with closing(produce()) as items:
                for item, weight in items:
                    self.put(item, weight)
        except Abandoned:
            return
        except BaseException as error:  # noqa: BLE001 (raised again by the reader)
            self._end(error)
        else:
            self._end(None)

    def take(self, most: int = 1) -> list[T]:
        """Wait for an item, then take it and what else is there up to `most` of weight; [] at the end.

        Raises the writer's error once all that came before it has been taken.
        """
        with self._changed:
            while not self._items and not self._ended:
                self._changed.wait()
            taken: list[T] = []
            total = 0
            while self._items and (not taken or total + self._items[0][1] <= most):
                item, weight = self._items.popleft()
                taken.append(item)
                total += weight
            self._weight -= total
            self._changed.notify_all()
            if not taken and self._error is not None:
                raise self._error
            return taken

    def abandon(self) -> None:
        """Nobody will read to the end: who waits to put or to take is released, and what lies here is let go."""
        with self._changed:
            self._abandoned = self._ended = True
            self._items.clear()
            self._weight = 0
            self._changed.notify_all()

    def _end(self, error: BaseException | None) -> None:
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()
