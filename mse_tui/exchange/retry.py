"""Trying again: back-off hints, jitter, one deadline for all waits of a call, a breaker for a server that is down.

Waits end at once when the caller's stop event is set. A refused password never comes here.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import tenacity

from mse_tui.exchange import waits
from mse_tui.exchange.mailbox import Cancelled, WaitObserver
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
SLICE = 0.25
"""Seconds within which a closed mailbox is noticed in a wait; the stop event is noticed at once."""
BREAKER_REST = 30.0
"""Seconds for which a server that could not be reached is left alone."""

_TRIPS_BREAKER = (Reason.SERVER_UNREACHABLE, Reason.SERVER_NAME_UNKNOWN, Reason.CERTIFICATE_REFUSED)


class Transient(Exception):
    """A failure that may pass. `problem` is what to raise when patience ends."""

    def __init__(
        self, problem: Problem, *, wait: float | None = None, limit: int | None = None, everywhere: bool = False
    ) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.wait = wait
        """Seconds that the server asked for; None where it did not say."""
        self.limit = limit
        """Most attempts worth making; None = as long as the deadline allows."""
        self.everywhere = everywhere
        """The whole server asks for the pause, not one mailbox's budget."""


class Deadline:
    """The time that one call, with all its repetitions and parts, may take from its first failure on."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None

    def failed(self) -> None:
        """Start the clock, at the first failure."""
        if self._since is None:
            self._since = self._clock()

    def left(self) -> float:
        """Seconds left; all of them before the first failure."""
        return self._seconds if self._since is None else self._seconds - (self._clock() - self._since)


class Pace:
    """A pause that the server asked for, kept by all who send through the same budget."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0
        self._throttled: float | None = None

    def hold(self, seconds: float) -> None:
        """Nobody sends for so long."""
        with self._lock:
            self._until = max(self._until, self._clock() + seconds)
            self._throttled = self._clock()

    def remaining(self) -> float:
        """Seconds until sending is allowed; 0 or less: now."""
        return self._until - self._clock()

    def parallel(self, wanted: int) -> int:
        """How many requests to keep in flight: one for a minute after the server asked to slow down."""
        recent = self._throttled is not None and self._clock() - self._throttled < 60
        return 1 if recent else wanted


class Breaker:
    """Stops all calls to a server that could not be reached, for a while; then lets one through to look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._problem: Problem | None = None
        self._opened = 0.0

    def check(self) -> None:
        """Raise the problem that opened the breaker, unless it has rested long enough for a new look."""
        with self._lock:
            if self._problem is None:
                return
            if self._clock() - self._opened >= BREAKER_REST:
                self._opened = self._clock()
                return
            raise Problem(self._problem.reason, self._problem.happened, self._problem.remedy)

    def look_again(self) -> None:
        """Let the next call through to look, however short the rest was."""
        with self._lock:
            self._opened = -math.inf

    def succeeded(self) -> None:
        with self._lock:
            self._problem = None

    def gave_up(self, problem: Problem) -> None:
        """A call's patience ended; open where it was the server as a whole that failed, else it was reached."""
        with self._lock:
            if problem.reason in _TRIPS_BREAKER:
                self._problem, self._opened = problem, self._clock()
            else:
                self._problem = None

    @property
    def open(self) -> bool:
        return self._problem is not None


class Persistence:
    """How one mailbox's calls are repeated: who may stop them, who is told, and what they share."""

    def __init__(
        self,
        cancel: threading.Event,
        *,
        breaker: Breaker,
        server_pace: Pace,
        on_wait: WaitObserver | None = None,
        mailbox: str = "",
    ) -> None:
        self._log = logging.LoggerAdapter(log, {"mailbox": mailbox})
        self._cancel = cancel
        self._closed = False
        self.pace = Pace()
        """The mailbox's own budget: Exchange charges an impersonated call to the mailbox's owner."""
        self._breaker = breaker
        self._server_pace = server_pace
        self._on_wait = on_wait

    @property
    def ended(self) -> bool:
        """Whether nobody waits for answers any more."""
        return self._closed or self._cancel.is_set()

    def check(self) -> None:
        """Raise Cancelled once nobody waits for answers any more."""
        if self.ended or waits.is_ended():
            raise Cancelled

    def close(self) -> None:
        """End every wait under way, as the stop event does."""
        self._closed = True

    def run(self, attempt: Callable[[], T], deadline: Deadline) -> T:
        """Make attempts until one succeeds. Raises Problem when patience ends or nothing can help, and Cancelled."""
        if self._breaker.open:
            self._breaker.check()
            deadline = Deadline(0)
        reasons: list[str] = []
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            wait=_wait,
            stop=lambda state: _is_over(state, deadline),
            sleep=lambda seconds: self._rest(seconds, reasons[-1], deadline),
            after=lambda state: reasons.append(self._note(state)),
            reraise=True,
        )
        try:
            result: T = retrying(self._paced, attempt, deadline)
        except Transient as failure:
            self._breaker.gave_up(failure.problem)
            raise failure.problem from failure
        except Problem as problem:
            self._breaker.gave_up(problem)
            raise
        self._breaker.succeeded()
        waits.answered()
        return result

    def _paced(self, attempt: Callable[[], T], deadline: Deadline) -> T:
        self._keep_pace(deadline)
        try:
            return attempt()
        except Transient:
            deadline.failed()
            raise

    def _keep_pace(self, deadline: Deadline) -> None:
        while (seconds := max(self.pace.remaining(), self._server_pace.remaining())) > 0:
            if seconds > deadline.left():
                raise Problem(Reason.THROTTLED, f"The server asked to send nothing for {seconds:.0f} seconds.")
            self._rest(seconds, "the server asked to slow down", deadline)
        self.check()

    def _note(self, state: tenacity.RetryCallState) -> str:
        """Keep the pause that a failure asks for; why it is waited, for people."""
        failure = _failure(state)
        self._log.info("attempt %d failed: %s", state.attempt_number, failure.problem.happened)
        if failure.wait or failure.problem.reason is Reason.THROTTLED:
            pace = self._server_pace if failure.everywhere else self.pace
            pace.hold(failure.wait or 0.0)
        return failure.problem.happened

    def _rest(self, seconds: float, why: str, deadline: Deadline) -> None:
        if seconds < 1:
            self._sleep(seconds)
            return
        self._log.warning("waiting %.1f s: %s", seconds, why)
        if self._on_wait is not None:
            self._on_wait(datetime.now(UTC) + timedelta(seconds=seconds), why)
        try:
            with waits.told(seconds, why, deadline.left()):
                self._sleep(seconds)
        finally:
            if self._on_wait is not None:
                self._on_wait(None, "")

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            self._cancel.wait(min(left, SLICE))
        self.check()


def _failure(state: tenacity.RetryCallState) -> Transient:
    assert state.outcome is not None
    failure = state.outcome.exception()
    assert isinstance(failure, Transient)
    return failure


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds before the next attempt: the server's hint and a little more, else doubling; never in step."""
    failure = _failure(state)
    doubled = min(FIRST_WAIT * 2 ** (state.attempt_number - 1), LONGEST_WAIT)
    backed_off = float(doubled * random.uniform(0.5, 1.0))  # noqa: S311 (out of step, no secret)
    if failure.wait is None:
        return backed_off
    hinted = failure.wait + random.uniform(0, min(1.0, 0.1 * failure.wait))  # noqa: S311 (as above)
    # A hint of no time is believed once: a server that repeats it would be asked without a pause.
    return hinted if state.attempt_number == 1 else max(hinted, backed_off)


def _is_over(state: tenacity.RetryCallState, deadline: Deadline) -> bool:
    failure = _failure(state)
    if failure.limit is not None and state.attempt_number >= failure.limit:
        return True
    return state.upcoming_sleep > deadline.left()
