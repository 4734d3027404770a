"""The engine as a whole: one a site, its end, its recovery, its requests and its housekeeping."""

import json
import threading
from datetime import timedelta

import pytest
from peewee import OperationalError

from mse_tui.access import audit_chain
from mse_tui.access.audit_chain import Entry
from mse_tui.engine.audit_heads import AuditHeads
from mse_tui.engine.execution import State
from mse_tui.engine.housekeeping import Ages, prune
from mse_tui.engine.leases import Leases
from mse_tui.engine.locks import MailboxLocks, Waiting
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import keep_connection, writing
from mse_tui.store.lease_keys import mailbox_key, task_key
from mse_tui.store.models import (
    Audit,
    Command,
    EngineRequest,
    Execution,
    Lease,
    LockWait,
    MailboxResult,
    Progress,
    Site,
    Task,
    database,
)
from mse_tui.store.processes import Process
from mse_tui.terms import Light, Status, Trigger, Verb
from tests.engine.fakes import NOON, FakeDirectory, FakeFeature, RunningClock, make_task, pass_ticks, tell, until
from tests.engine.test_executions import THREE, Held, ended, new_task, run


def test_a_second_engine_says_who_holds_the_site(bench):
    with bench.engine():
        second = bench.engine(leases=Leases("second"))
        with pytest.raises(Problem) as refused:
            second.start()
        assert refused.value.reason is Reason.ENGINE_RUNNING_ELSEWHERE
        assert "process" in refused.value.happened
    with bench.engine():
        pass


def test_stopping_the_engine_ends_executions_at_their_next_item_and_frees_everything(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench, THREE)
    engine = bench.engine()
    engine.start()
    tell(task, Verb.RUN)
    held.entered.wait(5)
    engine.stop()
    assert engine.join(10)
    (execution,) = bench.executions(task)
    assert execution.message.startswith("Stopped by the engine's shutdown after 0 of 3 mailboxes.")
    assert [one.reason for one in queries.troubles() if one.task_id == task.id] == [Reason.INTERRUPTED]
    assert bench.task(task).status == Status.SCHEDULED
    assert not Lease.select().where(Lease.owner != "").exists()
    assert bench.exchange.closed.is_set()


def test_stopping_at_once_does_not_wait_for_a_mailbox_that_hangs(bench):
    entered, let_go = threading.Event(), threading.Event()

    def hang(run):
        entered.set()
        let_go.wait(30)
        raise Cancelled

    bench.feature = FakeFeature(hang)
    task = new_task(bench)
    engine = bench.engine()
    engine.start()
    tell(task, Verb.RUN)
    entered.wait(5)
    engine.stop()
    assert not engine.join(0.5)
    engine.stop(graceful=False)
    assert engine.join(5)
    let_go.set()


def crashed(bench, task, **lease):
    """What an engine that died in the middle of a mailbox leaves behind."""
    execution = Execution.create(
        task=task, trigger=Trigger.SCHEDULE, started=NOON, definition="{}", mailboxes=3, processed=1
    )
    for position, finished in ((1, NOON), (2, None)):
        MailboxResult.create(
            execution=execution,
            position=position,
            address=f"user{position}@example.com",
            started=NOON,
            finished=finished,
            light=Light.GREEN if finished else Light.NONE,
        )
    Task.update(status=Status.RUNNING, last_started=NOON).where(Task.id == task.id).execute()
    Progress.create(task=task, execution=execution.id, updated=NOON)
    LockWait.create(key=mailbox_key("guid"), task=task, since=NOON)
    return execution


def test_after_a_crash_executions_are_interrupted_and_their_tasks_can_run_again(bench):
    task = new_task(bench)
    crashed(bench, task)
    dead = Leases("dead", process=Process("elsewhere", 1, 1))
    dead.take(task_key(task.id), "dead engine", seconds=-1)
    told = tell(task, Verb.RUN)
    Command.update(taken=NOON).where(Command.id == told.id).execute()
    with bench.engine():
        (execution,) = ended(bench, task)
        assert (execution.light, execution.reason) == (Light.ORANGE, Reason.INTERRUPTED)
        assert execution.message.startswith("Interrupted after 1 of 3 mailboxes.")
        assert [row.reason for row in bench.results(execution)] == ["", Reason.INTERRUPTED]
        assert not Progress.select().exists()
        assert not LockWait.select().exists()
        assert Command.get_by_id(told.id).finished
        assert run(bench, task).light == Light.GREEN


def test_a_task_that_another_engine_runs_is_left_alone(bench):
    task = new_task(bench)
    execution = crashed(bench, task)
    Leases("other", process=Process("elsewhere", 1, 1)).take(task_key(task.id), "another engine")
    with bench.engine() as engine:
        pass_ticks(engine)
        engine._recover()
        assert Execution.get_by_id(execution.id).finished is None
        assert bench.task(task).status == Status.RUNNING


def test_an_engine_that_does_not_start_gives_back_what_it_was_given(bench):
    directory = FakeDirectory(bench.clock)
    with bench.engine():
        with pytest.raises(Problem):
            bench.engine(directory=directory).start()
        assert directory.closed


def test_an_engine_that_lost_its_site_ends(bench):
    engine = bench.engine()
    engine.start()
    Lease.update(owner="another", fence=Lease.fence + 1).where(Lease.key == "engine:TESTSITE").execute()
    engine._renewer._renew_all()
    assert engine.join(10)
    assert Lease.get_by_id("engine:TESTSITE").owner == "another"


def test_a_task_taken_over_by_another_engine_is_not_written_by_this_one(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine() as engine:
        tell(task, Verb.RUN)
        held.entered.wait(5)
        Lease.update(owner="another", fence=Lease.fence + 1).where(Lease.key == task_key(task.id)).execute()
        engine._renewer._renew_all()
        until(lambda: not engine._running)
        (execution,) = bench.executions(task)
        assert execution.finished is None
        assert bench.task(task).status == Status.RUNNING


def test_an_end_that_cannot_be_written_is_written_later(bench):
    """As with a full disk: the trigger refuses like a database that can't grow."""
    task = new_task(bench)
    database.execute_sql(
        "CREATE TRIGGER full BEFORE UPDATE OF finished ON execution BEGIN SELECT RAISE(ABORT, 'database is full'); END"
    )
    with bench.engine() as engine:
        tell(task, Verb.RUN)
        until(lambda: any(execution.state is State.ENDING for execution in engine._executions()))
        pass_ticks(engine)
        assert bench.executions(task)[0].finished is None
        database.execute_sql("DROP TRIGGER full")
        assert ended(bench, task)[0].light == Light.GREEN


class TestRequests:
    def ask(self, bench, kind, **arguments):
        request = EngineRequest.create(
            site=bench.site, kind=kind, arguments=json.dumps(arguments), asked_by="anna", asked=NOON
        )
        return json.loads(until(lambda: EngineRequest.get_by_id(request.id).answer))

    def test_a_preview_shows_who_is_included_and_who_is_skipped_and_why(self, bench):
        bench.exchange.problems["resolve", "berta@example.com"] = Problem(Reason.MAILBOX_NOT_FOUND, "Nobody.")
        with bench.engine():
            answer = self.ask(bench, "preview", group="Anna <ANNA@example.com>, berta@example.com; x@@y")
        assert [(row["address"], row["name"]) for row in answer["included"]] == [("anna@example.com", "Anna")]
        assert [(row["entry"], row["reason"]) for row in answer["skipped"]] == [
            ("x@@y", Reason.ADDRESS_INVALID),
            ("berta@example.com", Reason.MAILBOX_NOT_FOUND),
        ]
        assert answer["age_seconds"] == 0
        assert "resolved_at" in answer

    def test_a_group_is_refreshed_by_hand(self, bench):
        with bench.engine():
            self.ask(bench, "preview", group="anna@example.com")
            self.ask(bench, "preview", group="anna@example.com")
            assert bench.exchange.number_of("resolve") == 1
            self.ask(bench, "refresh_group", group="anna@example.com")
            assert bench.exchange.number_of("resolve") == 2

    def test_the_connection_is_tested_on_one_mailbox(self, bench):
        new_task(bench, "berta@example.com")
        with bench.engine():
            assert self.ask(bench, "test_connection")["address"] == "berta@example.com"
            assert self.ask(bench, "test_connection", address="carl@example.com")["address"] == "carl@example.com"

    def test_a_problem_is_the_answer(self, bench):
        bench.exchange.problems["resolve", "anna@example.com"] = Problem(Reason.TIMEOUT, "Too slow.", "Wait.")
        with bench.engine():
            answer = self.ask(bench, "preview", group="anna@example.com")
            unknown = self.ask(bench, "dance")
        assert answer["problem"] == {"reason": "timeout", "happened": "Too slow.", "remedy": "Wait."}
        assert unknown["problem"]["reason"] == Reason.INVALID


def test_records_are_pruned_by_age_but_a_tasks_newest_execution_stays(bench):
    task = new_task(bench)
    for days in (500, 450, 3):
        moment = NOON - timedelta(days=days)
        execution = Execution.create(task=task, trigger="schedule", started=moment, finished=moment, definition="{}")
        MailboxResult.create(execution=execution, position=1, address="a", started=moment)
    idle = new_task(bench, description="Idle")
    old = NOON - timedelta(days=900)
    kept = Execution.create(task=idle, trigger="schedule", started=old, finished=old, definition="{}")
    Audit.delete().execute()
    for days in (5000, 10):
        audit_chain.append(bench.site.code, Entry(NOON - timedelta(days=days), "anna", "x", "y", "", ""))
    assert prune(Ages(timedelta(days=400), timedelta(days=3650)), NOON) == 3
    assert [row.id for row in Execution.select().order_by(Execution.id)] == [execution.id, kept.id]
    assert MailboxResult.select().count() == 1
    assert Audit.select().count() == 1


def test_the_site_shows_that_its_engine_is_alive(bench):
    bench.clock = RunningClock(NOON)
    with bench.engine():
        assert Site.get_by_id(bench.site.id).last_active >= NOON


def test_the_audits_head_goes_to_the_log_when_it_grows(bench, caplog):
    with caplog.at_level("INFO"):
        audit_chain.append(bench.site.code, Entry(NOON, "anna", "x", "y", "", ""))
        digest = audit_chain.head(bench.site.code).digest
        heads = AuditHeads(bench.site.code)
        heads.tell()
        heads.tell()
    told = [record for record in caplog.records if getattr(record, "audit_head", "") == digest]
    assert len(told) == 1


def test_a_waiter_whose_engine_died_blocks_nobody(bench):
    tasks = [new_task(bench, description=f"Task {n}") for n in range(3)]
    leases = Leases("ours")
    locks = MailboxLocks(leases)
    for task in tasks[1:]:
        leases.take(task_key(task.id), "alive")
    held = locks.take("guid", tasks[1].id, "'Task 1'")
    LockWait.create(key=mailbox_key("guid"), task=tasks[0], since=NOON)  # holds no lease any more
    assert isinstance(locks.take("guid", tasks[2].id, "'Task 2'"), Waiting)
    assert locks.waits_for(mailbox_key("guid"), tasks[2].id) == "'Task 1'"
    held.release()
    assert locks.waits_for(mailbox_key("guid"), tasks[2].id) == ""
    assert not isinstance(locks.take("guid", tasks[2].id, "'Task 2'"), Waiting)


def test_many_threads_write_without_meeting_a_locked_database(bench):
    task = new_task(bench)
    errors = []

    def write():
        try:
            with keep_connection():
                for _ in range(30):
                    with writing():
                        row = Task.get_by_id(task.id)
                        Task.update(sequence=row.sequence + 1).where(Task.id == task.id).execute()
        except OperationalError as error:
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Task.get_by_id(task.id).sequence == 240


def test_many_tasks_on_many_mailboxes_each_get_each_mailbox_once_and_never_together(bench):
    inside, together = set(), []

    def process(run):
        if run.identity.address in inside:
            together.append(run.identity.address)
        inside.add(run.identity.address)
        with writing():
            run.fence.check()
        run.journal.advance(1, 1)
        inside.discard(run.identity.address)

    bench.feature = FakeFeature(process)
    group = "; ".join(f"user{n}@example.com" for n in range(5))
    tasks = [
        make_task(bench.site, bench.schedule, bench.definition, group=group, description=f"T{n}") for n in range(6)
    ]
    for task in tasks:
        tell(task, Verb.RUN)
    with bench.engine(workers=6):
        lights = {ended(bench, task)[0].light for task in tasks}
    assert lights == {Light.GREEN}
    assert together == []
    assert len(bench.feature.processed) == len(set(bench.feature.processed)) == 30


def test_a_live_waiter_that_came_first_is_ahead_even_when_the_mailbox_is_free(bench):
    first, second = new_task(bench, description="First"), new_task(bench, description="Second")
    leases = Leases("ours")
    locks = MailboxLocks(leases)
    for task in (first, second):
        leases.take(task_key(task.id), "alive")
    LockWait.create(key=mailbox_key("guid"), task=first, since=NOON)
    assert locks.take("guid", second.id, "'Second'") == Waiting(mailbox_key("guid"), "First")
    assert not isinstance(locks.take("guid", first.id, "'First'"), Waiting)
