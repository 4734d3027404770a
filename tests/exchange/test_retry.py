"""How failures are waited out: hints, doubling, one deadline, shared pauses, and a breaker that rests."""

import threading
import time

import pytest

from mse_tui.exchange import retry
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.exchange.retry import Breaker, Deadline, Pace, Persistence, Transient
from mse_tui.reasons import Problem, Reason
from tests.exchange.canned import Waits


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def persistence(cancel=None, breaker=None, on_wait=None):
    return Persistence(cancel or threading.Event(), breaker=breaker or Breaker(), server_pace=Pace(), on_wait=on_wait)


def failing(times, failure, then="done"):
    attempts = []

    def attempt():
        attempts.append(time.monotonic())
        if len(attempts) <= times:
            raise failure
        return then

    return attempt, attempts


def busy(wait=None, **more):
    return Transient(Problem(Reason.THROTTLED, "busy"), wait=wait, **more)


def test_attempts_go_on_until_one_succeeds():
    attempt, attempts = failing(3, busy())
    assert persistence().run(attempt, Deadline(5)) == "done"
    assert len(attempts) == 4


def test_the_servers_hint_is_kept():
    attempt, attempts = failing(1, busy(wait=0.3))
    persistence().run(attempt, Deadline(5))
    assert 0.3 <= attempts[1] - attempts[0] < 0.6


def test_a_hint_of_no_time_does_not_make_a_busy_loop(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.1)
    attempt, attempts = failing(1000, busy(wait=0.0))
    with pytest.raises(Problem):
        persistence().run(attempt, Deadline(1))
    assert len(attempts) < 10


def test_waits_double_and_differ(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 1.0)

    class State:
        def __init__(self, number):
            self.attempt_number = number
            self.outcome = self

        def exception(self):
            return busy()

    for number in range(1, 12):
        waits = {retry._wait(State(number)) for _ in range(30)}
        full = min(2.0 ** (number - 1), retry.LONGEST_WAIT)
        assert full / 2 <= min(waits) < max(waits) <= full


def test_one_deadline_counts_all_waits():
    deadline = Deadline(0.5)
    one = persistence()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Problem) as caught:
            one.run(failing(1000, busy())[0], deadline)
        assert caught.value.reason is Reason.THROTTLED
    assert time.monotonic() - began < 1


def test_the_deadline_starts_with_the_first_failure():
    clock = Clock()
    deadline = Deadline(10, clock)
    clock.now += 1000
    assert deadline.left() == 10
    deadline.failed()
    clock.now += 4
    deadline.failed()
    assert deadline.left() == 6


def test_a_limit_of_attempts():
    attempt, attempts = failing(1000, Transient(Problem(Reason.RESPONSE_BROKEN, "broken"), limit=3))
    with pytest.raises(Problem) as caught:
        persistence().run(attempt, Deadline(60))
    assert caught.value.reason is Reason.RESPONSE_BROKEN and len(attempts) == 3


def test_problems_are_not_tried_again():
    attempt, attempts = failing(1, Problem(Reason.ACCESS_DENIED, "no"))
    with pytest.raises(Problem):
        persistence().run(attempt, Deadline(60))
    assert len(attempts) == 1


def test_stop_ends_a_wait_at_once():
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        persistence(cancel).run(failing(9, busy(wait=30))[0], Deadline(600))
    assert time.monotonic() - began < 1


def test_closing_ends_a_wait():
    one = persistence()
    threading.Timer(0.2, one.close).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        one.run(failing(9, busy(wait=30))[0], Deadline(600))
    assert time.monotonic() - began < 1


def test_the_wait_is_told_with_its_reason():
    waits = Waits()
    persistence(on_wait=waits).run(failing(1, busy(wait=1.1))[0], Deadline(5))
    (until, why), after = waits.told
    assert until.tzinfo is not None and why == "busy" and after == (None, "")


def test_fewer_requests_in_flight_while_throttled():
    clock = Clock()
    pace = Pace(clock)
    assert pace.parallel(4) == 4
    pace.hold(5)
    assert pace.parallel(4) == 1 and pace.remaining() == 5
    clock.now += 61
    assert pace.parallel(4) == 4 and pace.remaining() < 0


def test_the_breaker_rests_then_looks_once():
    clock = Clock()
    breaker = Breaker(clock)
    breaker.check()
    breaker.gave_up(Problem(Reason.MAILBOX_MOVING, "only one mailbox"))
    breaker.check()
    breaker.gave_up(Problem(Reason.SERVER_UNREACHABLE, "down"))
    with pytest.raises(Problem) as caught:
        breaker.check()
    assert caught.value.reason is Reason.SERVER_UNREACHABLE
    clock.now += retry.BREAKER_REST
    breaker.check()
    with pytest.raises(Problem):
        breaker.check()
    breaker.succeeded()
    breaker.check()


def test_a_breaker_that_is_told_to_look_again_looks_once():
    breaker = Breaker(Clock())
    breaker.gave_up(Problem(Reason.SERVER_UNREACHABLE, "down"))
    breaker.look_again()
    attempt, attempts = failing(1000, Transient(Problem(Reason.SERVER_UNREACHABLE, "still down")))
    for _ in range(2):
        with pytest.raises(Problem, match="still down"):
            persistence(breaker=breaker).run(attempt, Deadline(60))
    assert len(attempts) == 1
    breaker.look_again()
    assert persistence(breaker=breaker).run(lambda: "back", Deadline(60)) == "back"


def test_an_open_breaker_grants_one_attempt_only():
    clock = Clock()
    breaker = Breaker(clock)
    breaker.gave_up(Problem(Reason.SERVER_UNREACHABLE, "down"))
    clock.now += retry.BREAKER_REST
    attempt, attempts = failing(1000, Transient(Problem(Reason.SERVER_UNREACHABLE, "down")))
    with pytest.raises(Problem):
        persistence(breaker=breaker).run(attempt, Deadline(60))
    assert len(attempts) == 1
    with pytest.raises(Problem):
        persistence(breaker=breaker).run(attempt, Deadline(60))
    assert len(attempts) == 1
    clock.now += retry.BREAKER_REST
    assert persistence(breaker=breaker).run(lambda: "back", Deadline(60)) == "back"
    assert persistence(breaker=breaker).run(failing(1, busy())[0], Deadline(5)) == "done"
