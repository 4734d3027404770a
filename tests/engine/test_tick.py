"""The tick: jobs in UTC that survive errors and clocks that are set."""

from datetime import timedelta
from threading import Thread

from mse_tui.engine.tick import Tick, UtcScheduler
from tests.engine.fakes import NOON, FakeClock, RunningClock, until


def test_a_job_runs_every_so_many_seconds():
    clock, runs = FakeClock(), []
    scheduler = UtcScheduler(clock)
    scheduler.every(5).do(lambda: runs.append(clock.now()))
    for _ in range(20):
        scheduler.run_pending()
        clock.pass_time(1)
    assert [moment - NOON for moment in runs] == [timedelta(seconds=n) for n in (5, 10, 15)]


def test_a_failing_job_starves_no_other_and_runs_again():
    clock, runs = FakeClock(), []
    scheduler = UtcScheduler(clock)

    def fail():
        runs.append("failing")
        raise RuntimeError("on purpose")

    scheduler.every(1).do(fail)
    scheduler.every(1).do(lambda: runs.append("other"))
    for _ in range(2):
        clock.pass_time(1)
        scheduler.run_pending()
    assert runs == ["failing", "other"] * 2


def test_a_clock_set_back_does_not_stall_jobs():
    clock, runs = FakeClock(), []
    scheduler = UtcScheduler(clock)
    scheduler.every(1).do(lambda: runs.append(clock.now()))
    clock.set(NOON - timedelta(hours=1))
    scheduler.run_pending()
    assert runs == [NOON - timedelta(hours=1)]
    scheduler.run_pending()
    assert len(runs) == 1


def test_the_tick_ends_when_told_to():
    tick, runs = Tick(RunningClock()), []
    tick.every(1, lambda: runs.append(1))
    thread = Thread(target=tick.run)
    thread.start()
    until(lambda: runs)
    tick.end()
    thread.join(5)
    assert not thread.is_alive()
