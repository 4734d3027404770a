"""What a running task shows of itself: its pace, what it waits for, and for how long."""

import json
from datetime import timedelta
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from mse_tui.engine import records
from mse_tui.engine.journal import MailboxJournal, Outcome
from mse_tui.engine.pace import KEPT, Pace
from mse_tui.exchange.retry import Breaker, Deadline, Persistence, Transient
from mse_tui.exchange.retry import Pace as ServerPace
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.models import Execution, MailboxResult, Progress, Task
from mse_tui.store.queries import PACE_SECONDS
from mse_tui.terms import Light, Verb
from tests.engine.fakes import (
    NOON,
    FakeClock,
    FakeFeature,
    make_definition,
    make_schedule,
    make_site,
    make_task,
    tell,
    until,
)

BUSY = "The server is busy."


def paces(pace: Pace) -> list[float]:
    return json.loads(pace.as_json())


def test_the_pace_is_items_a_second_step_by_step() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    pace.add(30)
    assert paces(pace) == []
    clock.pass_time(PACE_SECONDS)
    pace.add(6)
    pace.add(6)
    assert paces(pace) == [30 / PACE_SECONDS]
    clock.pass_time(PACE_SECONDS * 3)
    assert paces(pace) == [30 / PACE_SECONDS, 12 / PACE_SECONDS, 0, 0]


def test_the_pace_of_long_ago_is_forgotten() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    pace.add(30)
    clock.pass_time(PACE_SECONDS * 10 * KEPT)
    assert paces(pace) == [0] * KEPT


@pytest.fixture
def running(store):
    """A task with an execution in its first mailbox."""
    task = make_task(make_site(), make_schedule(), make_definition())
    execution = Execution.create(task=task, trigger="run now", started=NOON, definition="{}", mailboxes=1)
    result = MailboxResult.create(execution=execution, position=1, address="anna@example.com", started=NOON)
    Progress.create(task=task, execution=execution.id, address="anna@example.com", updated=NOON)
    return task, result


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def journal(running, clock: FakeClock) -> MailboxJournal:
    task, result = running
    return MailboxJournal(task.id, result.id, clock, lambda: False)


def shown() -> tuple[str, object, object]:
    row = Progress.get()
    return row.waiting, row.waiting_since, row.waiting_until


def in_thread(work) -> None:
    thread = Thread(target=work)
    thread.start()
    thread.join()


def test_a_back_off_is_shown_with_its_end_and_why(journal: MailboxJournal, clock: FakeClock) -> None:
    end = NOON + timedelta(seconds=30)
    journal.on_wait(end, BUSY)
    assert shown() == (BUSY, NOON, end)
    clock.pass_time(30)
    journal.on_wait(None, "")
    assert shown() == ("", NOON, None)
    journal.boundary()
    journal.write()
    assert shown() == ("", None, None)
    journal.close(Outcome(Light.GREEN))
    assert json.loads(MailboxResult.get().counters) == {"throttled_seconds": 30}


def test_a_server_is_unanswering_from_the_first_back_off_until_something_comes(
    journal: MailboxJournal, clock: FakeClock
) -> None:
    for _ in range(3):
        journal.on_wait(clock.now() + timedelta(seconds=60), "unreachable")
        clock.pass_time(60)
        journal.on_wait(None, "")
        clock.pass_time(30)
        journal.write_waiting()
        assert shown() == ("", NOON, None)
    journal.advance(1, 100)
    journal.write()
    assert shown() == ("", None, None)


def test_of_several_requests_the_one_that_waits_longest_is_shown(journal: MailboxJournal, clock: FakeClock) -> None:
    first, second = NOON + timedelta(seconds=10), NOON + timedelta(seconds=60)
    goes_on, gone = Event(), Event()

    def other() -> None:
        journal.on_wait(second, "longer")
        goes_on.wait(5)
        journal.on_wait(None, "")
        gone.set()

    journal.on_wait(first, "shorter")
    thread = Thread(target=other)
    thread.start()
    until(lambda: journal._waiting.until == second)
    journal.write_waiting()
    assert shown()[0] == "longer"
    goes_on.set()
    assert gone.wait(5)
    journal.write_waiting()
    assert shown() == ("shorter", NOON, first)
    thread.join()


def test_what_another_thread_waits_for_is_written_while_the_runs_own_is_stuck(journal: MailboxJournal) -> None:
    in_thread(lambda: journal.on_wait(NOON + timedelta(seconds=30), BUSY))
    assert shown()[0] == ""
    in_thread(journal.write_waiting)
    assert shown()[0] == BUSY


def test_nothing_is_written_without_news(journal: MailboxJournal) -> None:
    journal.on_wait(NOON + timedelta(seconds=30), BUSY)
    Progress.update(waiting="untouched").execute()
    journal.write_waiting()
    assert shown()[0] == "untouched"


@pytest.mark.parametrize("end", ["close", "suspend"])
def test_a_journal_that_is_over_writes_nothing_more(journal: MailboxJournal, end: str) -> None:
    in_thread(lambda: journal.on_wait(NOON + timedelta(seconds=30), BUSY))
    journal.close(Outcome(Light.GREEN)) if end == "close" else journal.suspend()
    journal.write_waiting()
    assert shown()[0] == ""


def test_a_running_task_shows_the_back_off_of_its_fetching_threads(bench) -> None:
    goes_on = Event()

    def process(run) -> None:
        end = bench.clock.now() + timedelta(seconds=30)
        in_thread(lambda: run.mailbox.on_wait(end, BUSY))
        goes_on.wait(10)

    bench.feature = FakeFeature(process)
    task = make_task(bench.site, bench.schedule, bench.definition)
    with bench.engine():
        tell(task, Verb.RUN)
        [row] = until(lambda: [row for row in queries.progress_of_running() if row.waiting])
        assert row.waiting == BUSY
        assert row.waiting_until is not None
        goes_on.set()
        until(lambda: Task.get_by_id(task.id).light == Light.GREEN)


def test_a_mailboxs_row_keeps_the_pace_of_the_one_before(bench) -> None:
    Progress.create(
        task=make_task(bench.site, bench.schedule, bench.definition), execution=1, updated=NOON, paces="[20.0]",
        waiting="for something", waiting_since=NOON, waiting_until=NOON,
    )  # fmt: skip
    claim = SimpleNamespace(task_id=Progress.get().task_id, execution_id=1)
    records._show(claim, NOON, address="berta@example.com")
    row = Progress.get()
    assert (row.address, row.paces, row.waiting, row.waiting_since, row.waiting_until) == (
        "berta@example.com", "[20.0]", "", None, None,
    )  # fmt: skip


def test_what_the_groups_answer_waits_for_is_shown_and_a_stop_ends_the_wait(bench) -> None:
    breaker, asked = Breaker(), []
    persistence = Persistence(Event(), breaker=breaker, server_pace=ServerPace())

    def resolve(address):
        asked.append(address)
        persistence.run(refused, Deadline(120))

    def refused():
        raise Transient(Problem(Reason.SERVER_UNREACHABLE, "Nobody listens at exchange:443."), wait=40)

    bench.exchange.resolve = resolve
    task = make_task(bench.site, bench.schedule, bench.definition)
    with bench.engine():
        tell(task, Verb.RUN)
        [row] = until(lambda: [row for row in queries.progress_of_running() if row.waiting])
        assert (row.phase, row.total) == ("resolving the group", 0)
        assert row.waiting.startswith("Nobody listens at exchange:443. Tried until 20")
        assert timedelta(seconds=35) < row.waiting_until - row.waiting_since < timedelta(seconds=45)
        detail = queries.task(task.id).latest_detail
        assert detail == f"Resolving the group: {row.waiting}"
        tell(task, Verb.PAUSE)
        until(lambda: Progress.get().waiting == "paused by anna")
        tell(task, Verb.RESUME)
        until(lambda: len(asked) == 2)
        tell(task, Verb.STOP)
        until(lambda: Task.get_by_id(task.id).light == Light.ORANGE)
    assert queries.last_ended(task.id).reason == Reason.STOPPED
