"""The rules of executions, each with an engine over a fake organisation."""

import json
import logging
import time
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from threading import Event

import pytest

from mse_tui.engine.commands import remove
from mse_tui.engine.halts import DatabaseHalts, clear_halts
from mse_tui.engine.housekeeping import Ages, prune
from mse_tui.engine.schedules import Once, daily, one_off, write_settings
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.features.feature import Stopped
from mse_tui.monitoring.notices import present_concerns
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.store import queries
from mse_tui.store.database import writing
from mse_tui.store.models import (
    ArchiveFolder,
    ArchiveMailbox,
    Checkpoint,
    Command,
    Definition,
    Execution,
    Lease,
    LockWait,
    Pass,
    Progress,
    Schedule,
    Site,
    Task,
)
from mse_tui.terms import Light, Mode, Status, Trigger, Verb
from tests.engine.fakes import (
    NOON,
    FakeFeature,
    GuardedExchange,
    RunningClock,
    make_definition,
    make_task,
    pass_ticks,
    tell,
    until,
)

THREE = "anna@example.com; berta@example.com; carl@example.com"


def ended(bench, task, number=1):
    """The task's executions, once so many have ended and the task shows it."""

    def look():
        found = [row for row in bench.executions(task) if row.finished is not None]
        return found if len(found) >= number and bench.task(task).status == Status.SCHEDULED else None

    return until(look)


def new_task(bench, group="anna@example.com", description="Replicate", **values):
    return make_task(bench.site, bench.schedule, bench.definition, group=group, description=description, **values)


def run(bench, task, arguments="{}"):
    tell(task, Verb.RUN, arguments)
    return ended(bench, task, len(bench.executions(task)) + 1 if bench.executions(task) else 1)[-1]


def lights(bench, execution):
    return [(row.address, row.light, row.reason) for row in bench.results(execution)]


class Held:
    """A feature that stays in a mailbox until it is let go, and stops at its boundaries."""

    def __init__(self):
        self.entered = Event()
        self.let_go = Event()

    def __call__(self, run):
        self.entered.set()
        while not self.let_go.wait(0.01):
            run.journal.boundary()


def test_a_due_task_executes_over_its_mailboxes_in_the_groups_order(bench):
    task = new_task(bench, THREE, next_execution=NOON)
    Schedule.update(settings=write_settings(daily(Once(at=NOON.time()), "UTC"))).execute()
    bench.clock = RunningClock(NOON + timedelta(seconds=1))
    with bench.engine():
        (execution,) = ended(bench, task)
    assert execution.trigger == Trigger.SCHEDULE
    assert (execution.light, execution.mailboxes, execution.processed) == (Light.GREEN, 3, 3)
    assert execution.message == "3 mailboxes: 3 success."
    assert [address for _, address in bench.feature.processed] == [part.strip() for part in THREE.split(";")]
    row = bench.task(task)
    assert (row.status, row.light) == (Status.SCHEDULED, Light.GREEN)
    assert row.next_execution == NOON + timedelta(days=1)
    assert "Last execution" in row.latest_detail
    assert not Progress.select().exists()
    assert bench.exchange.open_now == 0


def test_run_now_begins_at_the_next_tick(bench):
    task = new_task(bench)
    with bench.engine() as engine:
        pass_ticks(engine)
        tell(task, Verb.RUN)
        pass_ticks(engine, 2)
        assert bench.executions(task)
        until(lambda: bench.feature.processed)
        command = until(lambda: Command.get_or_none(Command.finished.is_null(False)))
    assert command.outcome.startswith("success")


def test_an_execution_works_with_its_snapshot_and_the_next_one_with_the_edit(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench, "anna@example.com, berta@example.com")
    with bench.engine():
        tell(task, Verb.RUN)
        held.entered.wait(5)
        Definition.update(settings='{"text": "edited"}').execute()
        held.let_go.set()
        ended(bench, task)
        run(bench, task)
    assert bench.feature.definitions == ["plain", "plain", "edited", "edited"]


@pytest.mark.parametrize(
    ("met", "said"),
    [
        ((Problem(Reason.SERVER_UNREACHABLE, "Down."),) * 2, "2 error (server-unreachable): Down."),
        ((Problem(Reason.MAILBOX_MOVING, "Anna's."), Problem(Reason.MAILBOX_MOVING, "Berta's.")),
         f"2 error (mailbox-moving): {explain(Reason.MAILBOX_MOVING).happened}"),
        ((Problem(Reason.SERVER_UNREACHABLE, "Down."), Problem(Reason.MAILBOX_MOVING, "Moved.")), "2 error."),
    ],
    ids=["one sentence", "one reason", "two reasons"],
)  # fmt: skip
def test_what_all_failed_mailboxes_met_is_said_of_the_execution(bench, met, said):
    for name, problem in zip(("anna", "berta"), met, strict=True):
        bench.exchange.problems["identity", f"{name}@example.com"] = problem
    task = new_task(bench, THREE)
    with bench.engine():
        assert run(bench, task).message == f"3 mailboxes: 1 success, {said}"


def test_a_failing_mailbox_does_not_end_the_execution(bench):
    bench.exchange.problems["identity", "berta@example.com"] = Problem(Reason.MAILBOX_MOVING, "It is being moved.")
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert lights(bench, execution) == [
        ("anna@example.com", Light.GREEN, ""),
        ("berta@example.com", Light.RED, Reason.MAILBOX_MOVING),
        ("carl@example.com", Light.GREEN, ""),
    ]
    assert (execution.light, execution.reason) == (Light.RED, Reason.MAILBOX_MOVING)
    assert execution.message == "3 mailboxes: 2 success, 1 error (mailbox-moving): It is being moved."


def test_an_unexpected_error_in_a_mailbox_is_recorded_and_the_next_one_goes_on(bench):
    def fail(run):
        if run.identity.address.startswith("anna"):
            raise ZeroDivisionError("on purpose")

    bench.feature = FakeFeature(fail)
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert [light for _, light, _ in lights(bench, execution)] == [Light.RED, Light.GREEN, Light.GREEN]
    assert execution.reason == Reason.INTERNAL


def test_a_disabled_mailbox_is_listed_and_colours_nothing(bench, caplog):
    caplog.set_level(logging.INFO)
    bench.exchange.problems["identity", "anna@example.com"] = Problem(Reason.MAILBOX_DISABLED, "Disabled.")
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert lights(bench, execution)[0] == ("anna@example.com", Light.NONE, Reason.MAILBOX_DISABLED)
    assert execution.light == Light.GREEN
    assert execution.message == "3 mailboxes: 2 success, 1 skipped."
    assert "Mailbox done: skipped: Disabled." in caplog.messages


def test_failed_items_and_warnings_are_orange(bench):
    def partly(run):
        run.journal.mode(Mode.FULL)
        run.journal.count("items_seen", 7)
        run.journal.skip(Reason.PRIVATE, 2)
        if run.identity.address.startswith("anna"):
            run.journal.fail("Quarterly report", Reason.ITEM_CORRUPT, "The item can't be read.")
        elif run.identity.address.startswith("berta"):
            run.journal.warn(Reason.FOLDER_NOT_FOUND, "A folder disappeared.")

    bench.feature = FakeFeature(partly)
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert lights(bench, execution) == [
        ("anna@example.com", Light.ORANGE, Reason.ITEM_CORRUPT),
        ("berta@example.com", Light.ORANGE, Reason.FOLDER_NOT_FOUND),
        ("carl@example.com", Light.GREEN, ""),
    ]
    assert execution.light == Light.ORANGE
    first = bench.results(execution)[0]
    assert json.loads(first.counters) == {"items_seen": 7, "failed": 1}
    assert json.loads(first.skipped) == {"private": 2}
    assert json.loads(first.failures)[0]["item"] == "Quarterly report"
    assert first.mode == Mode.FULL


def test_what_is_skipped_for_a_reason_to_look_at_is_orange(bench):
    def skipping(run):
        run.journal.skip(Reason.PRIVATE)
        if run.identity.address.startswith("anna"):
            run.journal.skip(Reason.ATTACHMENT_UNCONFIRMED, 2)
        elif run.identity.address.startswith("berta"):
            run.journal.skip(Reason.ITEM_NOT_FOUND)

    bench.feature = FakeFeature(skipping)
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert lights(bench, execution) == [
        ("anna@example.com", Light.ORANGE, Reason.ATTACHMENT_UNCONFIRMED),
        ("berta@example.com", Light.GREEN, ""),
        ("carl@example.com", Light.GREEN, ""),
    ]
    assert bench.results(execution)[0].message.startswith("2 items were skipped: The archive's copy")


def test_an_address_that_is_no_mailbox_is_listed_and_needs_attention(bench):
    bench.exchange.problems["resolve", "berta@example.com"] = Problem(Reason.MAILBOX_NOT_FOUND, "Nobody.")
    task = new_task(bench, THREE + "; nonsense")
    with bench.engine():
        execution = run(bench, task)
    found = {address: (light, reason) for address, light, reason in lights(bench, execution)}
    assert found["berta@example.com"] == (Light.ORANGE, Reason.MAILBOX_NOT_FOUND)
    assert found["nonsense"] == (Light.ORANGE, Reason.ADDRESS_INVALID)
    assert execution.light == Light.ORANGE


def test_a_directory_error_ends_the_execution_red_and_touches_nothing(bench):
    bench.exchange.problems["resolve", "berta@example.com"] = Problem(Reason.SERVER_UNREACHABLE, "Down.")
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert (execution.light, execution.reason, execution.processed) == (Light.RED, Reason.SERVER_UNREACHABLE, 0)
    assert bench.feature.processed == []


def test_an_empty_group_is_never_no_members(bench):
    bench.exchange.problems["resolve", "*"] = Problem(Reason.MAILBOX_NOT_FOUND, "Nobody.")
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert (execution.light, execution.reason) == (Light.RED, Reason.GROUP_EMPTY)


def test_aliases_of_one_mailbox_count_once(bench):
    bench.exchange.aliases["sales@example.com"] = "anna@example.com"
    task = new_task(bench, "sales@example.com; anna@example.com")
    with bench.engine():
        execution = run(bench, task)
    assert execution.mailboxes == 1
    assert len(bench.feature.processed) == 1


def test_a_definition_that_is_not_valid_ends_red(bench):
    bench.definition = make_definition("Broken", '{"text": 5}')
    task = new_task(bench)
    with bench.engine():
        execution = run(bench, task)
    assert (execution.light, execution.reason) == (Light.RED, Reason.INVALID)


def test_one_refused_password_is_one_attempt_for_the_whole_site_and_its_restart(bench):
    halts = DatabaseHalts()
    bench.exchange = GuardedExchange(halts)
    tasks = [new_task(bench, f"user{n}@example.com", f"Task {n}") for n in range(6)]
    with bench.engine(workers=6):
        for task in tasks:
            tell(task, Verb.RUN)
        found = [ended(bench, task)[0] for task in tasks]
    assert bench.exchange.attempts == 1
    assert {row.light for row in found} == {Light.RED}
    assert sorted(row.reason for row in found) == [Reason.ACCOUNT_HALTED] * 5 + [Reason.PASSWORD_REFUSED]
    with bench.engine():
        run(bench, tasks[0])
    assert bench.exchange.attempts == 1
    clear_halts()
    with bench.engine():
        run(bench, tasks[0])
    assert bench.exchange.attempts == 2


def test_a_password_refused_midway_tries_no_other_mailbox(bench):
    bench.exchange.problems["identity", "berta@example.com"] = Problem(Reason.PASSWORD_REFUSED, "Refused.")
    task = new_task(bench, THREE)
    with bench.engine():
        execution = run(bench, task)
    assert [address for address, _, _ in lights(bench, execution)] == ["anna@example.com", "berta@example.com"]
    assert (execution.light, execution.reason) == (Light.RED, Reason.PASSWORD_REFUSED)


def test_several_tasks_run_at_the_same_time_as_many_as_there_are_workers(bench):
    held = Held()
    now_inside, most_inside = [], []

    def process(run):
        now_inside.append(run.task_id)
        most_inside.append(len(now_inside))
        held(run)
        now_inside.remove(run.task_id)

    bench.feature = FakeFeature(process)
    tasks = [new_task(bench, f"user{n}@example.com", f"Task {n}") for n in range(4)]
    with bench.engine(workers=3) as engine:
        for task in tasks:
            tell(task, Verb.RUN)
        until(lambda: len(now_inside) == 3 and len(engine._executions()) == 4)
        pass_ticks(engine)
        assert len(now_inside) == 3
        held.let_go.set()
        for task in tasks:
            ended(bench, task)
    assert max(most_inside) == 3


def test_a_task_never_overlaps_itself(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine() as engine:
        tell(task, Verb.RUN)
        held.entered.wait(5)
        second = tell(task, Verb.RUN)
        until(lambda: Command.get_by_id(second.id).finished)
        assert Command.get_by_id(second.id).outcome == "The task is running already."
        Task.update(next_execution=bench.clock.now() - timedelta(seconds=5)).execute()
        pass_ticks(engine)
        assert len(bench.executions(task)) == 1
        held.let_go.set()
        ended(bench, task)
    assert len(bench.feature.processed) == 1


def test_a_waiting_task_holds_no_worker_and_says_for_whom_it_waits(bench):
    held = Held()

    def process(run):
        if run.identity.address.startswith("anna") and not held.let_go.is_set():
            held(run)

    bench.feature = FakeFeature(process)
    first = new_task(bench, "anna@example.com", "First")
    second = new_task(bench, "anna@example.com", "Second")
    third = new_task(bench, "berta@example.com; carl@example.com", "Third")
    with bench.engine(workers=2):
        tell(first, Verb.RUN)
        held.entered.wait(5)
        tell(second, Verb.RUN)
        until(lambda: bench.task(second).latest_detail == "Waits for 'First' on anna@example.com (1 of 1 mailboxes)")
        assert Progress.get_by_id(second.id).waiting == "waits for its lock, held by 'First'"
        assert run(bench, third).light == Light.GREEN
        held.let_go.set()
        assert ended(bench, second)[0].light == Light.GREEN
    assert [task_id for task_id, address in bench.feature.processed if address.startswith("anna")] == [
        first.id,
        second.id,
    ]
    assert not LockWait.select().exists()


def test_waiting_tasks_are_served_first_come_first_served(bench):
    held = Held()
    bench.feature = FakeFeature(lambda run: None if held.let_go.is_set() else held(run))
    tasks = [new_task(bench, "anna@example.com", f"Task {n}") for n in range(4)]
    with bench.engine(workers=4):
        tell(tasks[0], Verb.RUN)
        held.entered.wait(5)
        for number, task in enumerate(reversed(tasks[1:]), start=1):
            tell(task, Verb.RUN)
            until(lambda number=number: LockWait.select().count() == number)
        held.let_go.set()
        for task in tasks:
            ended(bench, task)
    assert [task_id for task_id, _ in bench.feature.processed] == [
        tasks[0].id,
        tasks[3].id,
        tasks[2].id,
        tasks[1].id,
    ]


def test_a_waiting_task_obeys_stop(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    first, second = new_task(bench, description="First"), new_task(bench, description="Second")
    with bench.engine():
        tell(first, Verb.RUN)
        held.entered.wait(5)
        tell(second, Verb.RUN)
        until(lambda: LockWait.select().exists())
        tell(second, Verb.STOP, who="berta")
        (execution,) = ended(bench, second)
        assert (execution.light, execution.reason) == (Light.ORANGE, Reason.STOPPED)
        assert execution.message.startswith("Stopped by berta after 0 of 1 mailboxes.")
        assert not LockWait.select().exists()
        held.let_go.set()
        ended(bench, first)


@pytest.mark.parametrize("how", [Stopped, Cancelled])
def test_stop_ends_at_the_next_boundary(bench, how):
    inside = Event()

    def process(run):
        if run.identity.address.startswith("berta"):
            inside.set()
            run.cancel.wait(10)
            raise how

    bench.feature = FakeFeature(process)
    task = new_task(bench, THREE)
    with bench.engine():
        tell(task, Verb.RUN)
        inside.wait(5)
        stop = tell(task, Verb.STOP, who="berta")
        (execution,) = ended(bench, task)
    assert (execution.light, execution.reason, execution.processed) == (Light.ORANGE, Reason.STOPPED, 1)
    assert execution.message.startswith("Stopped by berta after 1 of 3 mailboxes.")
    assert lights(bench, execution)[1] == ("berta@example.com", Light.ORANGE, Reason.STOPPED)
    assert Command.get_by_id(stop.id).outcome.startswith("warning: Stopped by berta")


def test_pause_gives_worker_and_mailbox_back_and_resume_goes_on(bench, caplog):
    caplog.set_level(logging.INFO, "mse_tui")
    held = Held()
    bench.feature = FakeFeature(lambda run: held(run) if run.identity.address.startswith("berta") else None)
    task, other = new_task(bench, THREE), new_task(bench, "berta@example.com", "Other")
    with bench.engine(workers=1):
        tell(task, Verb.RUN)
        held.entered.wait(5)
        tell(task, Verb.PAUSE, who="carl")
        until(lambda: Progress.get_by_id(task.id).waiting == "paused by carl")
        assert bench.task(task).status == Status.RUNNING
        assert not Lease.get_by_id("mailbox:guid-berta@example.com").owner
        held.let_go.set()
        assert run(bench, other).light == Light.GREEN
        tell(task, Verb.RESUME)
        (execution,) = ended(bench, task)
    assert execution.light == Light.GREEN
    assert [address for task_id, address in bench.feature.processed if task_id == task.id] == [
        "anna@example.com",
        "berta@example.com",
        "berta@example.com",
        "carl@example.com",
    ]
    assert [reason for _, _, reason in lights(bench, execution)] == ["", Reason.PAUSED, "", ""]
    assert execution.message == "3 mailboxes: 3 success."
    assert queries.execution_detail(execution.id).lights == {Light.GREEN: 3}
    assert "Mailbox not done yet: Paused by carl." in caplog.messages
    assert not [said for said in caplog.messages if "skipped" in said]


def test_a_paused_execution_can_be_stopped(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine():
        tell(task, Verb.RUN)
        held.entered.wait(5)
        tell(task, Verb.PAUSE)
        until(lambda: Progress.get_by_id(task.id).waiting)
        tell(task, Verb.STOP)
        (execution,) = ended(bench, task)
    assert execution.reason == Reason.STOPPED
    assert bench.task(task).paused


def test_an_idle_paused_task_is_not_started_by_its_schedule(bench):
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    Schedule.update(settings=write_settings(daily(Once(at=moment.time()), "UTC"))).execute()
    task = new_task(bench, next_execution=moment, last_started=moment - timedelta(days=1))
    bench.clock = RunningClock(moment - timedelta(seconds=1.5))
    tell(task, Verb.PAUSE)
    with bench.engine():
        until(lambda: bench.task(task).next_execution == moment + timedelta(days=1))
        assert bench.executions(task) == []
        tell(task, Verb.RESUME)
        until(lambda: not bench.task(task).paused)


def test_a_task_runs_on_chosen_or_the_first_mailboxes_only(bench):
    task = new_task(bench, THREE)
    with bench.engine():
        run(bench, task, '{"first": 2}')
        run(bench, task, '{"mailboxes": ["carl@example.com"]}')
        unknown = run(bench, task, '{"mailboxes": ["dora@example.com"]}')
    addresses = [address.partition("@")[0] for _, address in bench.feature.processed]
    assert addresses == ["anna", "berta", "carl"]
    assert (unknown.light, unknown.reason) == (Light.RED, Reason.INVALID)
    assert "dora@example.com" in unknown.message


def test_a_disabled_site_starts_nothing(bench):
    Site.update(enabled=False).execute()
    task = new_task(bench)
    with bench.engine():
        command = tell(task, Verb.RUN)
        until(lambda: Command.get_by_id(command.id).finished)
    assert bench.executions(task) == []
    assert "disabled" in Command.get_by_id(command.id).outcome


def archived(task, guid="guid-anna@example.com"):
    """What a pass of the task over a mailbox leaves behind."""
    mailbox, _ = ArchiveMailbox.get_or_create(guid=guid, defaults={"address": guid.removeprefix("guid-")})
    folder, _ = ArchiveFolder.get_or_create(mailbox=mailbox, area="primary", remote_id="inbox")
    stamp = 1_000_000 * (task.id + 1)
    Pass.create(task=task, mailbox=mailbox, stamp=stamp, began=stamp, mode=Mode.FULL, completed=True)
    Checkpoint.create(task=task, mailbox=mailbox, area="primary", state="tree", enumerating=False)
    Checkpoint.create(task=task, mailbox=mailbox, area="primary", folder=folder, state="page", enumerating=False)
    return mailbox


def test_full_resync_lets_the_next_pass_enumerate_and_forgets_no_history(bench):
    task = new_task(bench)
    mailbox = archived(task)
    with bench.engine():
        command = tell(task, Verb.RESYNC)
        until(lambda: Command.get_by_id(command.id).finished)
    assert not Checkpoint.select().where(Checkpoint.state.is_null(False)).exists()
    assert ArchiveMailbox.get_by_id(mailbox.id).full_from is None
    assert ArchiveFolder.select().count() == 1


def test_full_resync_of_a_running_task_waits_for_its_end(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    archived(task)
    with bench.engine():
        tell(task, Verb.RUN)
        held.entered.wait(5)
        command = tell(task, Verb.RESYNC)
        until(lambda: Command.get_by_id(command.id).taken)
        assert Checkpoint.select().where(Checkpoint.state.is_null(False)).count() == 2
        held.let_go.set()
        until(lambda: Command.get_by_id(command.id).finished)
    assert not Checkpoint.select().where(Checkpoint.state.is_null(False)).exists()


def test_a_full_resync_to_come_is_shown_until_the_task_is_executed(bench):
    task = new_task(bench)
    with bench.engine():
        run(bench, task)
        command = tell(task, Verb.RESYNC)
        assert queries.task(task.id).told == "full resync"
        until(lambda: Command.get_by_id(command.id).finished)
        assert queries.task(task.id).told == "full resync at the next execution"
        run(bench, task)
        assert queries.task(task.id).told == ""


def test_removing_a_task_resets_the_full_view_of_its_mailboxes_only(bench):
    bench.clock = RunningClock(NOON)
    task, other = new_task(bench), new_task(bench, description="Other")
    own, shared = archived(task), archived(task, "guid-shared@example.com")
    archived(other, "guid-shared@example.com")
    with bench.engine():
        tell(task, Verb.REMOVE, '{"keep_history": false}')
        until(lambda: Task.get_or_none(Task.id == task.id) is None)
    assert ArchiveMailbox.get_by_id(own.id).full_from >= NOON
    assert ArchiveMailbox.get_by_id(shared.id).full_from is None
    assert {row.task.id for row in Checkpoint.select()} == {other.id}
    assert ArchiveFolder.select().count() == 2


def test_removing_a_task_can_keep_its_history(bench):
    task = new_task(bench)
    mailbox = archived(task)
    with bench.engine():
        tell(task, Verb.REMOVE, '{"keep_history": true}')
        until(lambda: Task.get_or_none(Task.id == task.id) is None)
    assert ArchiveMailbox.get_by_id(mailbox.id).full_from is None


def test_removing_a_running_task_stops_it_first(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine():
        tell(task, Verb.RUN)
        held.entered.wait(5)
        tell(task, Verb.REMOVE, '{"keep_history": true}')
        until(lambda: Task.get_or_none(Task.id == task.id) is None)
    (execution,) = queries.executions_of_removed("Replicate")
    assert (execution.shown_task, execution.light, execution.reason) == (
        "Replicate (removed)", Light.ORANGE, Reason.STOPPED,
    )  # fmt: skip
    assert [row.address for row in queries.mailbox_results(execution.id)] == ["anna@example.com"]


def test_a_task_that_never_ran_and_has_no_start_to_come_is_an_alarm(bench):
    bench.schedule.settings = write_settings(one_off(datetime(2020, 1, 1), "UTC"))  # noqa: DTZ001 (local time)
    bench.schedule.save()
    task, paused = new_task(bench), new_task(bench, description="Paused", paused=True)
    assert queries.troubles()[1:] == []
    with bench.engine():
        until(lambda: bench.task(task).id and Site.get().last_active)
        (found,) = queries.troubles()
        assert (found.subject, found.reason, found.light) == ("Replicate", "never-due", Light.ORANGE)
        run(bench, task)
        assert queries.troubles() == []
    assert paused.id


def test_a_paused_task_whose_starts_pass_by_is_a_note(bench):
    bench.clock = RunningClock(NOON)
    bench.schedule.settings = write_settings(daily(Once(at=time_of_day(13)), "UTC"))
    bench.schedule.save()
    task = new_task(bench)
    with bench.engine():
        until(lambda: bench.task(task).next_execution)
        tell(task, Verb.PAUSE)
        until(lambda: bench.task(task).paused)
        assert queries.paused_tasks() == []
        bench.clock.offset += timedelta(hours=2)
        (note,) = until(queries.paused_tasks)
        assert (note.by, note.since.hour, note.passed_by) == ("anna", 12, NOON + timedelta(hours=1))
        (trouble,) = queries.troubles(moment=bench.clock.now())
        assert (trouble.light, trouble.reason) == (Light.NONE, "task-paused")
        assert trouble.message == (
            "Paused since 2026-06-01 12:00 UTC by anna: starts pass by, the last one at 2026-06-01 13:00 UTC."
        )
        assert present_concerns(queries.sites()[0]) == []
        tell(task, Verb.RESUME)
        until(lambda: not bench.task(task).paused)
        assert queries.troubles(moment=bench.clock.now()) == []


def test_an_execution_whose_task_is_removed_runs_no_longer(bench):
    task = new_task(bench, last_started=NOON)
    Execution.create(
        task=task, task_name="Replicate", task_type="MFR", trigger="schedule", started=NOON, definition="{}"
    )
    remove(task.id, keep_history=True, now=NOON)
    (left,) = queries.executions_of_removed("Replicate")
    assert (left.finished, left.reason) == (NOON, Reason.INTERRUPTED)


@pytest.mark.parametrize("keep_history", [False, True])
def test_what_a_removed_task_did_stays_and_troubles_nobody(bench, keep_history):
    bench.exchange.problems["identity", "*"] = Problem(Reason.MAILBOX_MOVING, "It is being moved.")
    task = new_task(bench)
    with bench.engine():
        for _ in range(3):
            run(bench, task)
        assert {one.reason for one in queries.troubles()} == {"mailbox-moving", "mailbox-stale"}
        tell(task, Verb.REMOVE, json.dumps({"keep_history": keep_history}))
        until(lambda: Task.get_or_none(Task.id == task.id) is None)
        assert queries.troubles() == []
    overview = queries.dashboard()
    assert [(one.execution.shown_task, one.status) for one in overview.recent] == [("Replicate (removed)", None)] * 3
    assert (queries.executions_count(), len(queries.executions_of(None))) == (3, 3)
    assert queries.newest_outcomes() == {}
    assert queries.last_successes() == {}
    assert queries.totals(queries.executions_of(None)[0].id) == ({}, {})


def test_what_a_removed_task_did_goes_by_age(bench):
    task, other = new_task(bench), new_task(bench, description="Other")
    with bench.engine():
        run(bench, task)
        run(bench, other)
        tell(task, Verb.REMOVE, '{"keep_history": true}')
        until(lambda: Task.get_or_none(Task.id == task.id) is None)
    ages = Ages(timedelta(days=30), timedelta(days=30))
    prune(ages, bench.clock.now() + timedelta(days=29))
    assert queries.executions_count() == 2
    prune(ages, bench.clock.now() + timedelta(days=31))
    assert [row.task for row in queries.executions_of(None)] == ["Other"]


def test_progress_is_one_row_that_shows_the_latest(bench):
    shown = Event()
    go_on = Event()

    def process(run):
        run.journal.progress(phase="reading", folder="Inbox", expected=100)
        time.sleep(0.3)
        run.journal.advance(60, 5000)
        shown.set()
        go_on.wait(5)

    bench.feature = FakeFeature(process)
    task = new_task(bench, THREE)
    with bench.engine():
        tell(task, Verb.RUN)
        shown.wait(5)
        row = Progress.get_by_id(task.id)
        assert (row.phase, row.folder, row.items, row.bytes, row.expected) == ("reading", "Inbox", 60, 5000, 100)
        assert (row.position, row.total, row.address) == (1, 3, "anna@example.com")
        assert bench.task(task).latest_detail == "anna@example.com (1 of 3 mailboxes)"
        go_on.set()
        ended(bench, task)


def test_a_lost_lock_commits_nothing_more(bench):
    def process(run):
        Lease.update(owner="another", fence=Lease.fence + 1).where(Lease.key.startswith("mailbox:")).execute()
        with writing():
            run.fence.check()
            ArchiveMailbox.create(guid="must not be there", address="")

    bench.feature = FakeFeature(process)
    task = new_task(bench)
    with bench.engine():
        execution = run(bench, task)
    assert (execution.light, execution.reason) == (Light.RED, Reason.LEASE_LOST)
    assert not ArchiveMailbox.select().exists()
