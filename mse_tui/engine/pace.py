"""How fast an execution goes: items a second, step by step, over the last few minutes."""

import json
from collections import deque
from threading import Lock

from mse_tui.engine.clock import Clock
from mse_tui.store.queries import PACE_SECONDS

KEPT = 60
"""Steps that are remembered."""


class Pace:
    """The steps of one execution, over all its mailboxes. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._steps: deque[int] = deque(maxlen=KEPT)
        self._step = 0
        """The number of the step that is not over yet."""
        self._items = 0
        """Of that step."""
        self._lock = Lock()

    def add(self, items: int) -> None:
        """So many items are done."""
        with self._lock:
            self._go_on()
            self._items += items

    def as_json(self) -> str:
        """Items a second in each step that is over, oldest first."""
        with self._lock:
            self._go_on()
            return json.dumps([round(items / PACE_SECONDS, 1) for items in self._steps])

    def _go_on(self) -> None:
        now = int((self._clock.monotonic() - self._began) // PACE_SECONDS)
        if now > self._step:
            self._steps.append(self._items)
            self._steps.extend([0] * min(KEPT, now - self._step - 1))
            self._step, self._items = now, 0
