"""The engine's tick: a `schedule.Scheduler` whose jobs compare in UTC, survive their own errors, and never wait
for a clock that was set back.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from schedule import Job, Scheduler

from mse_tui.engine.clock import Clock
from mse_tui.engine.full_disk import FULL_DISK

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0


class UtcJob(Job):
    """A job every so many seconds. Its times are aware UTC; an error is logged and the job runs again next time."""

    def __init__(self, seconds: float, scheduler: "UtcScheduler", clock: Clock) -> None:
        super().__init__(1, scheduler)
        self.unit = "seconds"
        self._every = timedelta(seconds=seconds)
        self.next_run: datetime = clock.now()
        self._clock = clock

    @property
    def should_run(self) -> bool:
        """Due; or planned later than one interval from now, so that the clock must have been set back."""
        left = self.next_run - self._clock.now()
        return left <= timedelta() or left > self._every

    def run(self) -> Any:
        assert self.job_func is not None, "a job is registered by do()"
        try:
            return self.job_func()
        except Exception as error:
            if not FULL_DISK.is_cause(error):
                log.exception(
                    "%s failed; it is tried again in %s s", self.job_func.func.__name__, self._every.total_seconds()
                )
            return None
        finally:
            self.last_run = self._clock.now()
            self._schedule_next_run()

    def _schedule_next_run(self) -> None:
        self.next_run = self._clock.now() + self._every


class UtcScheduler(Scheduler):
    """A scheduler of such jobs."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def every(self, interval: float = 1) -> UtcJob:
        """A new job every `interval` seconds; `.do(function)` registers it."""
        return UtcJob(interval, self, self._clock)


class Tick:
    """Runs what is pending once a second (or another interval) until it is told to end."""

    def __init__(self, clock: Clock, seconds: float = TICK_SECONDS) -> None:
        self.seconds = seconds
        self.scheduler = UtcScheduler(clock)
        self._clock = clock
        self._turned = clock.monotonic()
        self._end = Event()

    def every(self, seconds: float, job: Callable[[], None], *, at_once: bool = True) -> None:
        """Run a job every so many seconds, the first time at the first tick (or after one interval)."""
        registered = self.scheduler.every(seconds).do(job)
        if at_once:
            registered.next_run = datetime.min.replace(tzinfo=UTC)

    def run(self) -> None:
        """Tick in this thread until `end`."""
        while not self._end.is_set():
            self.scheduler.run_pending()
            self._turned = self._clock.monotonic()
            self._end.wait(self.seconds)

    def silent_seconds(self) -> float:
        """How long ago the last turn ended; grows while a job hangs."""
        return self._clock.monotonic() - self._turned

    def end(self) -> None:
        """Let `run` return; callable from any thread."""
        self._end.set()
