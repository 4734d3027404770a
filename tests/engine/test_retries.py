"""Running a task again on the mailboxes that failed, and what is said of those that are left out."""

import json
from datetime import timedelta

import pytest

from mse_tui.actions.commands import run_now
from mse_tui.directory.directory import Member, Membership, SkippedEntry
from mse_tui.engine.preparing import Choice
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.models import Execution, Task
from mse_tui.terms import Light, Status, Trigger
from tests.engine.conftest import Bench
from tests.engine.fakes import NOON, make_task, until

ANNA, BERTA, CARL = "anna@example.com", "berta@example.com", "carl@example.com"
MOVING = Problem(Reason.MAILBOX_MOVING, "It is being moved.")


@pytest.fixture
def failed(bench: Bench):
    """A task whose execution failed for Anna and Berta."""
    following = NOON + timedelta(days=30_000)
    group = f"{ANNA}; {BERTA}; {CARL}"
    task = make_task(bench.site, bench.schedule, bench.definition, group=group, next_execution=following)
    for address in (ANNA, BERTA):
        bench.exchange.problems["identity", address] = MOVING
    with bench.engine():
        execute(task)
        bench.exchange.problems.clear()
        yield task


def execute(task: Task, **chosen: object) -> Execution:
    """Tell it to run, as a person does; its execution, ended."""
    before = queries.executions_count(task.id)
    run_now(task.id, **chosen)
    until(lambda: queries.executions_count(task.id) > before and queries.last_ended(task.id))
    until(lambda: Task.get_by_id(task.id).status == Status.SCHEDULED)
    return Execution.select().order_by(Execution.id.desc()).first()


def left_out() -> list[tuple[tuple[str, ...], str]]:
    return [(one.addresses, one.reason) for one in queries.troubles() if one.addresses]


def test_what_failed_is_known_by_name(failed: Task) -> None:
    assert queries.failing_mailboxes([failed.id]) == {failed.id: [ANNA, BERTA]}
    assert left_out() == []


def test_a_retry_is_an_execution_of_that_mailbox_alone(failed: Task, bench: Bench) -> None:
    before = bench.task(failed)
    execution = execute(failed, mailboxes=[ANNA])
    assert (execution.trigger, execution.mailboxes, execution.processed) == (Trigger.PERSON, 1, 1)
    assert [row.address for row in bench.results(execution)] == [ANNA]
    assert json.loads(execution.definition) == json.loads(bench.definition.settings)
    assert bench.task(failed).next_execution == before.next_execution
    assert queries.failing_mailboxes([failed.id]) == {failed.id: [BERTA]}


def test_a_mailbox_that_a_retry_leaves_out_stays_a_problem(failed: Task, bench: Bench) -> None:
    assert execute(failed, mailboxes=[ANNA]).light == Light.GREEN
    assert bench.task(failed).light == Light.GREEN
    [trouble] = [one for one in queries.troubles() if one.addresses]
    assert trouble.light is Light.RED
    assert (trouble.addresses, trouble.reason) == ((BERTA,), "mailbox-moving")
    assert "has had no turn since: It is being moved." in trouble.message
    detail = queries.execution_detail(trouble.execution_id or 0)
    assert detail is not None
    assert detail.lights[Light.RED] == 2
    execute(failed, mailboxes=[BERTA])
    assert left_out() == []
    assert queries.troubles() == []


def test_an_execution_of_the_whole_group_settles_it(failed: Task) -> None:
    execute(failed, mailboxes=[CARL])
    assert left_out() == [((ANNA, BERTA), "mailbox-moving")]
    execute(failed)
    assert queries.troubles() == []


def test_a_mailbox_of_no_group_of_the_task_is_refused(failed: Task, bench: Bench) -> None:
    execution = execute(failed, mailboxes=["dora@example.com"])
    assert (execution.light, execution.reason) == (Light.RED, Reason.INVALID)
    assert "Not in the task's group: dora@example.com" in execution.message
    assert bench.results(execution) == []
    assert queries.failing_mailboxes([failed.id]) == {failed.id: [ANNA, BERTA]}


def leave(task: Task, *left: str) -> None:
    Task.update(group="; ".join({ANNA, BERTA, CARL} - set(left))).where(Task.id == task.id).execute()


def test_who_has_left_the_group_is_told_and_the_others_are_run_again(failed: Task, bench: Bench) -> None:
    leave(failed, BERTA)
    execution = execute(failed, mailboxes=[ANNA, BERTA], again=True)
    assert (execution.light, execution.mailboxes, execution.processed) == (Light.GREEN, 1, 1)
    assert execution.message == "1 mailbox: 1 success. 1 other entry: 1 skipped."
    rows = [(row.position, row.address, row.light, row.reason) for row in bench.results(execution)]
    assert sorted(rows) == [(1, ANNA, Light.GREEN, ""), (2, BERTA, Light.NONE, Reason.LEFT_GROUP)]
    assert queries.failing_mailboxes([failed.id]) == {}
    assert queries.troubles() == []


def test_a_retry_of_nobody_who_is_left_is_refused_once(failed: Task, bench: Bench) -> None:
    leave(failed, BERTA)
    execution = execute(failed, mailboxes=[BERTA], again=True)
    assert (execution.light, execution.reason) == (Light.RED, Reason.INVALID)
    assert f"Not in the task's group: {BERTA}." in execution.message
    assert bench.results(execution) == []
    assert queries.failing_mailboxes([failed.id]) == {failed.id: [ANNA]}


def test_what_a_group_says_of_an_entry_that_it_skips_is_said_of_it_again() -> None:
    disabled = SkippedEntry(BERTA, Reason.MAILBOX_DISABLED, "Its account is disabled.")
    entry = SkippedEntry("Auditors", Reason.CONTACT, "It is a contact.")
    group = Membership((Member(ANNA, "Anna"),), (disabled, entry), NOON)
    again = Choice((ANNA, BERTA, CARL), again=True)
    assert [member.address for member in again.of(group.included)] == [ANNA]
    assert [(one.entry, one.reason) for one in again.skipped(group)] == [
        (BERTA, Reason.MAILBOX_DISABLED), (CARL, Reason.LEFT_GROUP)
    ]  # fmt: skip
    assert Choice((ANNA,)).skipped(group) == []
    assert Choice().skipped(group) == [disabled, entry]
