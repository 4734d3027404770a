"""What a mailbox's turn usually takes, and who is known to be alive."""

import subprocess
import sys
from datetime import timedelta
from threading import Event

import pytest

from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.models import Execution, Lease, MailboxResult, Task
from mse_tui.store.processes import Process, this_process
from mse_tui.store.watching import DataWatcher
from mse_tui.terms import Light, Status
from tests.engine.fakes import NOON, make_definition, make_schedule, make_site, make_task

ANNA = "anna@example.com"


@pytest.fixture
def task(store: Home) -> Task:
    return make_task(make_site(), make_schedule(), make_definition())


def turn(task: Task, seconds: float, mode: str = "differential", **values: object) -> None:
    """A turn that ended, newer than those before."""
    execution = Execution.create(task=task, trigger="schedule", started=NOON, definition="{}", finished=NOON)
    row = {"address": ANNA, "light": "green", "finished": NOON + timedelta(seconds=seconds), **values}
    MailboxResult.create(execution=execution, position=1, started=NOON, mode=mode, **row)


def usual(task: Task, mode: str = "differential") -> tuple[float, int] | None:
    found = queries.usual_turn(task.id, ANNA, mode)
    return (found.seconds, found.turns) if found is not None else None


def test_a_mailbox_without_a_history_has_no_usual_turn(task: Task) -> None:
    assert usual(task) is None


def test_the_median_of_the_last_five_of_the_kind(task: Task) -> None:
    turn(task, 5000, "full")
    for seconds in (900, 900, 10, 20, 30, 40, 400):
        turn(task, seconds)
    assert usual(task) == (30, 5)
    assert usual(task, "full") == (5000, 1)


def test_what_was_cut_short_or_failed_is_no_measure(task: Task) -> None:
    turn(task, 60)
    turn(task, 1, light="red", reason="mailbox-moving")
    turn(task, 1, light="orange", reason="stopped")
    turn(task, 1, light="none", reason="outside-window")
    turn(task, 1, light="orange", reason="interrupted")
    turn(task, 100, light="orange", reason="item-corrupt")
    turn(task, 1, finished=None)
    assert usual(task) == (80, 2)


def test_waits_for_the_lock_are_left_out(task: Task) -> None:
    turn(task, 100, counters='{"lock_wait_seconds": 70}')
    assert usual(task) == (30, 1)


def test_other_tasks_and_mailboxes_say_nothing(task: Task) -> None:
    other = make_task(task.site, task.schedule, task.definition, description="Other")
    turn(other, 100)
    turn(task, 100, address="berta@example.com")
    assert usual(task) is None


def test_types_without_modes_leave_their_first_turn_out(task: Task) -> None:
    turn(task, 5000, "")
    assert usual(task, "") is None
    turn(task, 40, "")
    assert usual(task, "") == (40, 1)


def lease(key: str, process: Process) -> None:
    Lease.create(
        key=key, owner="x", holder="engine", fence=1, until=now() + timedelta(seconds=30), host=process.host,
        pid=process.pid, pid_started=process.started,
    )  # fmt: skip


@pytest.fixture
def dead() -> Process:
    """A process of this host that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return Process(this_process().host, child.pid, 1)


def test_an_engine_that_was_killed_is_gone_at_once(task: Task, dead: Process) -> None:
    lease("engine:TESTSITE", dead)
    lease(f"task:{task.id}", dead)
    Task.update(status=Status.RUNNING, light=Light.GREEN).execute()
    assert queries.engine_holder("TESTSITE") == ""
    row = queries.task(task.id)
    assert row is not None
    assert row.interrupted
    assert [one.reason for one in queries.troubles()] == ["", "interrupted"]


@pytest.mark.parametrize("host", ["here", "elsewhere"])
def test_an_engine_that_may_live_is_one(task: Task, dead: Process, host: str) -> None:
    process = this_process() if host == "here" else Process("elsewhere", dead.pid, 1)
    lease("engine:TESTSITE", process)
    assert queries.engine_holder("TESTSITE") == "engine"


def test_screens_are_told_of_an_engine_that_dies_though_nothing_is_written(task: Task, store: Home) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lease("engine:TESTSITE", Process(this_process().host, child.pid, 0))
    told = Event()
    watcher = DataWatcher(store.database, told.set)
    watcher.start()
    try:
        assert not told.wait(1.5)
        child.kill()
        child.wait()
        assert told.wait(5)
    finally:
        watcher.stop()
        child.kill()
