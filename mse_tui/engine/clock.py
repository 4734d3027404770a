"""The engine's two clocks, handed in so that tests need not wait: what time it is, and how much has passed."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC. May be set back or forth by people."""
        ...

    def monotonic(self) -> float:
        """Seconds from some beginning; never set."""
        ...


class SystemClock:
    """The machine's."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
