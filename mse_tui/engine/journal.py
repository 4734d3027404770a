"""What a feature did to one mailbox: counters, skips, failures, and live progress in the database."""

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock, get_ident
from typing import Any, ClassVar

from mse_tui.directory.directory import SkippedEntry
from mse_tui.engine.clock import Clock
from mse_tui.engine.pace import Pace
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.features.feature import Stopped, as_told
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.store.database import writing
from mse_tui.store.models import MailboxResult, Progress
from mse_tui.terms import Light, Mode

WRITE_SECONDS = 0.25
"""Progress is shown twice a second; writing it more often would only cost."""
BATCH_WRITE_SECONDS = 0.1
LISTED = 100
"""Items of a mailbox that are named: of those that failed, and of those that a dry run would change."""
_WENT_MEANWHILE = (Reason.ITEM_NOT_FOUND, Reason.FOLDER_NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a mailbox's turn ended."""

    light: Light
    reason: str = ""
    message: str = ""

    @property
    def level(self) -> int:
        """How loud the log says it: one that is looked for in the lights is found by level as well."""
        return {Light.RED: logging.ERROR, Light.ORANGE: logging.WARNING}.get(self.light, logging.INFO)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request stands still."""

    why: str
    since: datetime
    until: datetime


class MailboxJournal:
    """`Journal` for one mailbox's turn. Any thread may tell it things; only the one that made it writes rows.

    But for what it waits for: its own thread may be the one that waits, so another one calls `write_waiting`.
    """

    ONLY_LOOKS: ClassVar[bool] = False
    """Whether what is counted is what would be done."""

    def __init__(
        self, task_id: int, result_id: int, clock: Clock, stop_asked: Callable[[], bool], pace: Pace | None = None
    ) -> None:
        self._task_id = task_id
        self._result_id = result_id
        self._clock = clock
        self._stop_asked = stop_asked
        self._pace = pace or Pace(clock)
        self._writer = get_ident()
        self._lock = Lock()
        self._counters: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._failures: list[dict[str, str]] = []
        self._would: list[dict[str, str]] = []
        self._failed = 0
        self._first_failure: tuple[Reason, str] | None = None
        self._warning: tuple[Reason, str] | None = None
        self._note = ""
        self._mode = ""
        self._shown: dict[str, Any] = {"phase": "", "folder": "", "items": 0, "bytes": 0, "expected": 0}
        self._waiting: _Waiting | None = None
        self._written_waiting: _Waiting | None = None
        self._changed = False
        self._written_at = clock.monotonic()
        self._rows = Lock()
        """Held while rows are written."""
        self._closed = False
        self._standing: dict[int, _Waiting] = {}
        """Thread -> what its request waits for."""
        self._throttled_since: float | None = None
        self._unanswered_since: datetime | None = None
        """When the first of the waits began since which nothing has come; also while it is asked again."""

    def count(self, counter: str, number: int = 1) -> None:
        with self._lock:
            self._counters[counter] += number

    def skip(self, reason: Reason, number: int = 1) -> None:
        with self._lock:
            self._skipped[str(reason)] += number

    def fail(self, item: str, reason: Reason, message: str) -> None:
        with self._lock:
            self._failed += 1
            self._first_failure = self._first_failure or (reason, message)
            if len(self._failures) < LISTED:
                self._failures.append({"item": item, "reason": str(reason), "message": message})

    def would(self, item: str, message: str) -> None:
        with self._lock:
            if len(self._would) < LISTED:
                self._would.append({"item": item, "reason": str(Reason.DRY_RUN), "message": message})

    def warn(self, reason: Reason, message: str, *, item: str = "") -> None:
        with self._lock:
            if item and len(self._failures) < LISTED:
                self._failures.append({"item": item, "reason": str(reason), "message": message})
            self._warning = self._warning or (reason, message)

    def note(self, message: str) -> None:
        with self._lock:
            self._note = message

    def mode(self, mode: Mode) -> None:
        self._mode = str(mode)

    def progress(self, *, phase: str, folder: str = "", expected: int | None = None) -> None:
        with self._lock:
            self._unanswered_since = None
            self._shown.update(phase=phase, folder=folder)
            if expected is not None:
                self._shown["expected"] = expected
            self._changed = True
        self._write_if_due(WRITE_SECONDS)

    def advance(self, items: int, size: int) -> None:
        with self._lock:
            self._unanswered_since = None
            self._shown["items"] += items
            self._shown["bytes"] += size
            self._changed = True
        self._pace.add(items)
        self._write_if_due(BATCH_WRITE_SECONDS)

    def on_wait(self, until: datetime | None, why: str) -> None:
        """`WaitObserver`: a request stands still until then (None: it goes on); any thread may call.

        Shown is who waits longest; counted are the seconds in which any of the run's requests stood still.
        """
        with self._lock:
            if until is not None:
                self._standing[get_ident()] = _Waiting(why, self._clock.now(), until)
                self._throttled_since = self._throttled_since or self._clock.monotonic()
                self._unanswered_since = self._unanswered_since or self._clock.now()
            else:
                self._standing.pop(get_ident(), None)
            if self._throttled_since is not None and not self._standing:
                self._counters["throttled_seconds"] += round(self._clock.monotonic() - self._throttled_since)
                self._throttled_since = None
            longest = max(self._standing.values(), key=lambda one: one.until, default=None)
            self._changed = self._changed or longest != self._waiting
            self._waiting = longest
        self._write_if_due(WRITE_SECONDS if until is None else 0.0)

    def boundary(self) -> None:
        if self._stop_asked():
            raise Stopped
        with self._lock:
            if self._unanswered_since is not None and not self._standing:
                self._unanswered_since, self._changed = None, True
        self._write_if_due(WRITE_SECONDS)

    def write(self) -> None:
        """Put everything into the database now."""
        with self._rows:
            with self._lock:
                shown, values = {**self._shown, **self._pace_and_waiting()}, self._values()
                self._changed = False
                self._written_at = self._clock.monotonic()
            with writing():
                Progress.update(**shown).where(Progress.task == self._task_id).execute()
                MailboxResult.update(**values).where(MailboxResult.id == self._result_id).execute()

    def write_waiting(self) -> None:
        """From another thread, now and then: put what the run waits for into the database, if that is news."""
        with self._rows:
            with self._lock:
                if self._closed or self._waiting == self._written_waiting:
                    return
                shown = self._pace_and_waiting()
            Progress.update(**shown).where(Progress.task == self._task_id).execute()

    def close(self, outcome: Outcome) -> None:
        """The mailbox's turn is over: its result, for good."""
        with self._rows:
            with self._lock:
                values = self._values()
                self._closed = True
            MailboxResult.update(
                **values,
                finished=self._clock.now(),
                light=outcome.light,
                reason=outcome.reason,
                message=outcome.message,
            ).where(MailboxResult.id == self._result_id, MailboxResult.finished.is_null()).execute()

    def suspend(self) -> None:
        """The mailbox's turn is not over, but this journal writes nothing more of it."""
        with self._rows:
            self._closed = True

    def conclude(self) -> Outcome:
        """The outcome of a turn that ended without an exception."""
        if self._first_failure is not None:
            first, message = self._first_failure
            items = "1 item" if self._failed == 1 else f"{self._failed} items"
            return Outcome(Light.ORANGE, str(first), f"{items} could not be processed; the first: {message}")
        if self._warning is not None:
            return Outcome(Light.ORANGE, str(self._warning[0]), self._warning[1])
        if (reason := self._skipped_for_attention()) is not None:
            items = "1 item was" if self._skipped[reason] == 1 else f"{self._skipped[reason]} items were"
            return Outcome(Light.ORANGE, reason, f"{items} skipped: {explain(Reason(reason)).happened}")
        if Reason.OUTSIDE_WINDOW in self._skipped:
            return Outcome(Light.NONE, str(Reason.OUTSIDE_WINDOW), explain(Reason.OUTSIDE_WINDOW).happened)
        return Outcome(Light.GREEN, message=self._note)

    def _skipped_for_attention(self) -> str | None:
        """The first reason for skips that a person is to look at; what went meanwhile is none."""
        skipped = (reason for reason in self._skipped if reason not in _WENT_MEANWHILE)
        return next((reason for reason in skipped if not explain(Reason(reason)).expected), None)

    def _pace_and_waiting(self) -> dict[str, Any]:
        """What the progress row says of them; it is about to be written."""
        waiting = self._written_waiting = self._waiting
        return {
            "waiting": waiting.why if waiting else "",
            "waiting_since": self._unanswered_since,
            "waiting_until": waiting.until if waiting else None,
            "paces": self._pace.as_json(),
            "updated": self._clock.now(),
        }

    def _write_if_due(self, seconds: float) -> None:
        if get_ident() != self._writer or not self._changed:
            return
        if self._clock.monotonic() - self._written_at >= seconds:
            self.write()

    def _values(self) -> dict[str, Any]:
        counters = as_told(self._counters, looking=self.ONLY_LOOKS)
        if self._failed:
            counters.setdefault("failed", self._failed)
        return {
            "counters": json.dumps(counters),
            "skipped": json.dumps(self._skipped),
            "failures": json.dumps([*self._failures, *self._would]),
            "mode": self._mode,
        }


def failed(problem: Problem) -> Outcome:
    """The outcome of a mailbox that could not be processed; an expected reason is listed without colour."""
    light = Light.NONE if explain(problem.reason).expected else Light.RED
    return Outcome(light, str(problem.reason), problem.happened)


def left_out(entry: SkippedEntry) -> Outcome:
    """The outcome of an entry of a group that is no mailbox to process: orange where a person should look at it."""
    light = Light.NONE if explain(entry.reason).expected else Light.ORANGE
    return Outcome(light, str(entry.reason), entry.message)


def is_stop(error: BaseException) -> bool:
    """Whether a feature ended because it was asked to."""
    return isinstance(error, Stopped | Cancelled)
