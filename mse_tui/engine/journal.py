"""What a feature did to one mailbox: counters, skips, failures, and live progress in the database."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock, get_ident
from typing import Any

from mse_tui.engine.clock import Clock
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.features.feature import Stopped
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.store.database import writing
from mse_tui.store.models import MailboxResult, Progress
from mse_tui.terms import Light, Mode

WRITE_SECONDS = 0.25
"""Progress is shown twice a second; writing it more often would only cost."""
BATCH_WRITE_SECONDS = 0.1
LISTED_FAILURES = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a mailbox's turn ended."""

    light: Light
    reason: str = ""
    message: str = ""


class MailboxJournal:
    """`Journal` for one mailbox's turn. Any thread may tell it things; only the one that made it writes rows."""

    def __init__(self, task_id: int, result_id: int, clock: Clock, stop_asked: Callable[[], bool]) -> None:
        self._task_id = task_id
        self._result_id = result_id
        self._clock = clock
        self._stop_asked = stop_asked
        self._writer = get_ident()
        self._lock = Lock()
        self._counters: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._failures: list[dict[str, str]] = []
        self._failed = 0
        self._warning: tuple[Reason, str] | None = None
        self._note = ""
        self._mode = ""
        self._shown: dict[str, Any] = {"phase": "", "folder": "", "items": 0, "bytes": 0, "expected": 0, "waiting": ""}
        self._changed = False
        self._written_at = clock.monotonic()
        self._standing: set[int] = set()
        self._throttled_since: float | None = None

    def count(self, counter: str, number: int = 1) -> None:
        with self._lock:
            self._counters[counter] += number

    def skip(self, reason: Reason, number: int = 1) -> None:
        with self._lock:
            self._skipped[str(reason)] += number

    def fail(self, item: str, reason: Reason, message: str) -> None:
        with self._lock:
            self._failed += 1
            if len(self._failures) < LISTED_FAILURES:
                self._failures.append({"item": item, "reason": str(reason), "message": message})

    def warn(self, reason: Reason, message: str) -> None:
        with self._lock:
            self._warning = self._warning or (reason, message)

    def note(self, message: str) -> None:
        with self._lock:
            self._note = message

    def mode(self, mode: Mode) -> None:
        self._mode = str(mode)

    def progress(self, *, phase: str, folder: str = "", expected: int | None = None) -> None:
        with self._lock:
            self._shown.update(phase=phase, folder=folder)
            if expected is not None:
                self._shown["expected"] = expected
            self._changed = True
        self._write_if_due(WRITE_SECONDS)

    def advance(self, items: int, size: int) -> None:
        with self._lock:
            self._shown["items"] += items
            self._shown["bytes"] += size
            self._changed = True
        self._write_if_due(BATCH_WRITE_SECONDS)

    @contextmanager
    def waiting(self, why: str) -> Iterator[None]:
        self._stand_still(why)
        try:
            yield
        finally:
            self._stand_still("")

    def on_wait(self, until: datetime | None, why: str) -> None:
        """`WaitObserver`: a request stands still until then; any thread may call."""
        self._clock_throttling(goes_on=until is None)
        self._stand_still("" if until is None else f"{why} until {until:%H:%M:%S} UTC")

    def boundary(self) -> None:
        if self._stop_asked():
            raise Stopped
        self._write_if_due(WRITE_SECONDS)

    def write(self) -> None:
        """Put everything into the database now."""
        with self._lock:
            shown, values = dict(self._shown), self._values()
            self._changed = False
            self._written_at = self._clock.monotonic()
        with writing():
            Progress.update(**shown, updated=self._clock.now()).where(Progress.task == self._task_id).execute()
            MailboxResult.update(**values).where(MailboxResult.id == self._result_id).execute()

    def close(self, outcome: Outcome) -> None:
        """The mailbox's turn is over: its result, for good."""
        with self._lock:
            values = self._values()
        MailboxResult.update(
            **values,
            finished=self._clock.now(),
            light=outcome.light,
            reason=outcome.reason,
            message=outcome.message,
        ).where(MailboxResult.id == self._result_id, MailboxResult.finished.is_null()).execute()

    def conclude(self) -> Outcome:
        """The outcome of a turn that ended without an exception."""
        if self._failed:
            first = self._failures[0]
            items = "1 item" if self._failed == 1 else f"{self._failed} items"
            return Outcome(
                Light.ORANGE, first["reason"], f"{items} could not be processed; the first: {first['message']}"
            )
        if self._warning is not None:
            return Outcome(Light.ORANGE, str(self._warning[0]), self._warning[1])
        if Reason.OUTSIDE_WINDOW in self._skipped:
            return Outcome(Light.NONE, str(Reason.OUTSIDE_WINDOW), explain(Reason.OUTSIDE_WINDOW).happened)
        return Outcome(Light.GREEN, message=self._note)

    def _clock_throttling(self, *, goes_on: bool) -> None:
        """Count the seconds in which any of the run's requests stood still."""
        with self._lock:
            if not goes_on:
                self._throttled_since = self._throttled_since or self._clock.monotonic()
                self._standing.add(get_ident())
                return
            self._standing.discard(get_ident())
            if self._throttled_since is not None and not self._standing:
                self._counters["throttled_seconds"] += round(self._clock.monotonic() - self._throttled_since)
                self._throttled_since = None

    def _stand_still(self, why: str) -> None:
        with self._lock:
            self._changed = self._changed or self._shown["waiting"] != why
            self._shown["waiting"] = why
        self._write_if_due(0.0 if why else WRITE_SECONDS)

    def _write_if_due(self, seconds: float) -> None:
        if get_ident() != self._writer or not self._changed:
            return
        if self._clock.monotonic() - self._written_at >= seconds:
            self.write()

    def _values(self) -> dict[str, Any]:
        counters = dict(self._counters)
        if self._failed:
            counters.setdefault("failed", self._failed)
        return {
            "counters": json.dumps(counters),
            "skipped": json.dumps(self._skipped),
            "failures": json.dumps(self._failures),
            "mode": self._mode,
        }


def failed(problem: Problem) -> Outcome:
    """The outcome of a mailbox that could not be processed; an expected reason is listed without colour."""
    light = Light.NONE if explain(problem.reason).expected else Light.RED
    return Outcome(light, str(problem.reason), problem.happened)


def is_stop(error: BaseException) -> bool:
    """Whether a feature ended because it was asked to."""
    return isinstance(error, Stopped | Cancelled)
