"""What people may do, what is refused and why, and the audit entry that each deed leaves."""

import json
import socket
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from mse_tui.actions import commands, sites
from mse_tui.actions.audit import audit, who
from mse_tui.actions.definitions import create_definition, remove_definition, set_definition
from mse_tui.actions.opening import open_site, this_site
from mse_tui.actions.requests import answer, ask
from mse_tui.actions.schedules import create_schedule, remove_schedule, set_schedule
from mse_tui.actions.tasks import set_task
from mse_tui.engine.commands import remove as remove_task
from mse_tui.engine.schedules import Once, daily, one_off
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.models import ArchiveMailbox, Command, EngineRequest, HaltedAccount, Lease, Message, Site, Task
from mse_tui.store.retention import Expiry, ManagedFolder, PurgeApproval, RetentionStamp
from mse_tui.terms import Status, TaskType, Verb
from tests.actions.conftest import Ready

MFR = TaskType.FOLDER_REPLICATION


def _last_audit() -> queries.AuditRow:
    return queries.audit(1)[0]


def test_the_first_start_makes_the_site_and_later_ones_keep_it(store: Home) -> None:
    store.config.write_text('[site]\ndescription = "Head office"\n')
    first, again = open_site(store), open_site(store)
    assert first == again
    assert len(first.code) == 8
    assert first.description == "Head office"
    assert first.host_os
    assert Site.select().count() == 1


def test_a_site_is_called_what_its_configuration_calls_it(store: Home) -> None:
    assert open_site(store).description == socket.gethostname()
    store.config.write_text('[site]\ndescription = "Head office"\n')
    assert open_site(store).description == "Head office"
    store.config.write_text('[site]\ndescription = "Branch office"\n[exchange]\nendpoint = 5\n')
    assert open_site(store).description == "Branch office"
    store.config.unlink()
    assert open_site(store).description == "Branch office", "until it is called something else"


def test_opening_a_known_site_writes_nothing(store: Home) -> None:
    open_site(store)
    open_site(store)
    assert store.database.with_name("mse-tui.db-wal").stat().st_size == 0


def test_creating_leaves_an_entry_with_what_was_created(ready: Ready) -> None:
    ready.task()
    entry = _last_audit()
    assert (entry.action, entry.subject, entry.who) == ("create task", "Sales", who())
    assert json.loads(entry.after)["schedule"] == "Every night"


def test_a_one_off_whose_time_has_passed_is_refused_with_its_time(ready: Ready) -> None:
    past, to_come = one_off(datetime(2020, 2, 3, 4, 5), "Europe/Berlin"), one_off(datetime(2199, 1, 1), "UTC")  # noqa: DTZ001
    said = r"Once on 2020-02-03 at 04:05 \(Europe/Berlin\) has passed"
    with pytest.raises(Problem, match=said):
        create_schedule("Move", past)
    move = create_schedule("Move", to_come)
    with pytest.raises(Problem, match=said):
        set_schedule(move, past)
    task = ready.task()
    set_schedule(move, past, although_passed=True)
    set_schedule(move, name="Moved")
    with pytest.raises(Problem, match=said):
        set_task(task, schedule_id=move)
    with pytest.raises(Problem, match=said):
        replace(ready, schedule=move).task("Other")


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "empty"), ("  \n ", "empty"), ("x" * 101, "longer"), ("a\x1b[31mb", "can't be shown"), ("42", "number")],
)
def test_unusable_names_are_refused(ready: Ready, name: str, message: str) -> None:
    with pytest.raises(Problem, match=message) as refused:
        create_definition(MFR, name, {})
    assert refused.value.reason is Reason.INVALID


def test_names_are_taken_whatever_their_case(ready: Ready) -> None:
    ready.task("Sales")
    for create in (
        lambda: ready.task("SALES"),
        lambda: create_definition(MFR, "everything", {}),
        lambda: create_schedule("EVERY NIGHT", daily(Once(at=time(1)), "UTC")),
    ):
        with pytest.raises(Problem, match="already") as refused:
            create()
        assert refused.value.reason is Reason.INVALID


def test_wrong_settings_are_named_all_at_once(ready: Ready) -> None:
    with pytest.raises(Problem) as refused:
        create_definition(MFR, "Wrong", {"exclude_inbox": "perhaps", "no_such_setting": 1})
    assert refused.value.reason is Reason.INVALID
    assert "exclude_inbox" in refused.value.happened
    assert "no_such_setting" in refused.value.happened


def test_a_group_with_something_else_than_addresses_is_refused(ready: Ready) -> None:
    with pytest.raises(Problem, match="nonsense") as refused:
        ready.task(group="ann@example.com; nonsense")
    assert refused.value.reason is Reason.ADDRESS_INVALID
    with pytest.raises(Problem) as refused:
        ready.task(group=" ; ")
    assert refused.value.reason is Reason.GROUP_EMPTY


def test_nothing_that_a_removed_task_left_is_taken_for_the_next_ones(ready: Ready) -> None:
    """Its stamps say how long messages are kept: the next task would end them."""
    mailbox = ArchiveMailbox.create(guid="g", address="ann@example.com", display_name="Ann")
    message = Message.create(size=1)
    old_task, old_definition = ready.task("Keep"), create_definition(MFR, "Old", {})
    RetentionStamp.create(
        mailbox=mailbox, message=message, task=old_task, definition=old_definition, definition_name="Old", content="",
        policy="Seven years", stamped=now(), purge=now(),
    )  # fmt: skip
    remove_task(old_task, keep_history=True, now=now())
    remove_definition(old_definition)
    assert ready.task("Another") > old_task
    assert create_definition(MFR, "New", {}) > old_definition


@pytest.mark.parametrize("left", ["expiry", "managed folder", "approval"])
def test_no_number_is_given_again_while_anything_refers_to_it(ready: Ready, left: str) -> None:
    mailbox = ArchiveMailbox.create(guid="g", address="ann@example.com", display_name="Ann")
    if left == "expiry":
        Expiry.create(
            task=70, definition=80, definition_name="Old", mailbox=mailbox, folder="Inbox", remote_id="1",
            change_key="", how="soft delete", state="planned", planned=now(),
        )  # fmt: skip
        assert ready.task("Another") == 71
    elif left == "managed folder":
        ManagedFolder.create(mailbox=mailbox, definition=80, name="keep", remote_id="1", created=now())
    else:
        PurgeApproval.create(
            subject="definition 80", content="", shown="{}", approved=now(), approved_by="eve", voided_because=""
        )
    assert create_definition(MFR, "New", {}) == 81


def test_what_a_task_uses_cannot_be_removed(ready: Ready) -> None:
    ready.task("Sales")
    ready.task("Service")
    for remove in (lambda: remove_definition(ready.definition), lambda: remove_schedule(ready.schedule)):
        with pytest.raises(Problem, match="Sales, Service") as refused:
            remove()
        assert refused.value.reason is Reason.IN_USE
    assert queries.definition(ready.definition) is not None


def test_what_no_task_uses_can_be_removed(ready: Ready) -> None:
    remove_definition(ready.definition)
    remove_schedule(ready.schedule)
    assert (queries.definitions(), queries.schedules()) == ([], [])
    assert _last_audit().action == "remove schedule"


def test_a_changed_definition_keeps_what_was_and_counts_its_revision(ready: Ready) -> None:
    set_definition(ready.definition, {"exclude_inbox": True})
    row = queries.definition(ready.definition)
    assert row is not None
    assert row.revision == 2
    entry = _last_audit()
    assert (json.loads(entry.before), json.loads(entry.after)) == ({"exclude_inbox": False}, {"exclude_inbox": True})


def test_a_change_to_the_same_leaves_nothing(ready: Ready) -> None:
    entries = len(queries.audit(1000))
    set_definition(ready.definition, {})
    set_schedule(ready.schedule, daily(Once(at=time(22)), "Europe/Berlin"))
    assert len(queries.audit(1000)) == entries


def test_a_task_gets_another_schedule(ready: Ready) -> None:
    task = ready.task()
    mornings = create_schedule("Mornings", daily(Once(at=time(6)), "UTC"))
    set_task(task, schedule_id=mornings)
    row = queries.task(task)
    assert row is not None
    assert (row.schedule, row.definition) == ("Mornings", "Everything")
    assert row.next_execution is not None and row.next_execution.time() == time(6), "not by the schedule before"
    assert _last_audit().action == "change task"


def test_what_is_not_there_is_told(ready: Ready) -> None:
    for action in (
        lambda: set_task(99, schedule_id=ready.schedule),
        lambda: set_task(ready.task("One"), schedule_id=99),
        lambda: remove_definition(99),
        lambda: set_schedule(99, name="x"),
        lambda: commands.run_now(99),
        lambda: sites.enable_site(99),
        lambda: answer(99),
    ):
        with pytest.raises(Problem) as refused:
            action()
        assert refused.value.reason is Reason.NOT_FOUND


def test_run_now_becomes_a_command_with_its_mailboxes(ready: Ready) -> None:
    task = ready.task()
    commands.run_now(task, mailboxes=["Ann@Example.com"], first=3)
    row = Command.get(Command.task == task)
    assert row.verb == Verb.RUN
    assert json.loads(row.arguments) == {"mailboxes": ["ann@example.com"], "first": 3}
    assert _last_audit().action == "run now"


def test_the_same_command_twice_is_one(ready: Ready) -> None:
    task = ready.task()
    assert commands.run_now(task) == commands.run_now(task)
    assert commands.run_now(task) != commands.run_now(task, first=1)


def test_senseless_commands_are_refused(ready: Ready) -> None:
    task = ready.task()
    for verb in (commands.stop, commands.resume):
        with pytest.raises(Problem) as refused:
            verb(task)
        assert refused.value.reason is Reason.INVALID
    Task.update(status=Status.RUNNING, paused=True).where(Task.id == task).execute()
    Lease.create(key=f"task:{task}", owner="an engine", fence=1, until=now() + timedelta(minutes=1))
    for verb, reason in ((commands.run_now, Reason.TASK_RUNNING), (commands.pause, Reason.INVALID)):
        with pytest.raises(Problem) as refused:
            verb(task)
        assert refused.value.reason is reason
    assert commands.stop(task)
    assert commands.resume(task)


def test_a_task_whose_engine_died_can_be_run_again(ready: Ready) -> None:
    task = ready.task()
    Task.update(status=Status.RUNNING).where(Task.id == task).execute()
    Lease.create(key=f"task:{task}", owner="an engine", fence=1, until=now() - timedelta(seconds=1))
    assert commands.run_now(task)


def test_a_disabled_site_starts_nothing(ready: Ready) -> None:
    task = ready.task()
    sites.disable_site(ready.site)
    with pytest.raises(Problem) as refused:
        commands.run_now(task)
    assert refused.value.reason is Reason.SITE_DISABLED
    sites.enable_site(ready.site)
    assert commands.run_now(task)
    assert [row.action for row in queries.audit(3)] == ["run now", "enable site", "disable site"]


def test_removing_says_what_becomes_of_the_history(ready: Ready) -> None:
    task = ready.task()
    command = commands.remove_task(task, keep_history=True)
    assert json.loads(Command.get_by_id(command).arguments) == {"keep_history": True}
    state = commands.command_state(command)
    assert state is not None
    assert (state.verb, state.taken, state.finished) == (Verb.REMOVE, None, None)


def test_refused_accounts_are_tried_again_when_a_person_says_so(ready: Ready) -> None:
    HaltedAccount.create(key="k", account="EXAMPLE\\svc", since=now(), message="401")
    assert sites.retry_accounts() == ["EXAMPLE\\svc"]
    assert sites.retry_accounts() == []
    assert _last_audit().subject == "EXAMPLE\\svc"


def test_a_question_waits_for_the_engine_and_gives_its_problem(ready: Ready) -> None:
    request = ask("preview", {"group": "ann@example.com"})
    assert answer(request) is None
    EngineRequest.update(answered=now(), answer='{"included": []}').where(EngineRequest.id == request).execute()
    assert answer(request) == {"included": []}
    problem = {"problem": {"reason": "server-unreachable", "happened": "No route.", "remedy": "Plug it in."}}
    EngineRequest.update(answer=json.dumps(problem)).where(EngineRequest.id == request).execute()
    with pytest.raises(Problem) as told:
        answer(request)
    assert (told.value.reason, told.value.remedy) == (Reason.SERVER_UNREACHABLE, "Plug it in.")
    with pytest.raises(Problem):
        ask("format the disk")


def test_an_action_that_fails_leaves_no_entry(ready: Ready) -> None:
    entries = len(queries.audit(1000))
    with pytest.raises(Problem):
        ready.task(group="nonsense")
    assert len(queries.audit(1000)) == entries


def test_entries_keep_any_text(store: Home) -> None:
    audit("look into archive", 'Zoë "O\'Hara" \u202e', before={"a": 1}, after="x\x1b[2J")
    assert _last_audit().subject == 'Zoë "O\'Hara" \u202e'


def test_this_site_before_the_first_start_is_told(store: Home) -> None:
    with pytest.raises(Problem) as told:
        this_site()
    assert told.value.reason is Reason.NOT_FOUND


def test_of_pause_and_resume_the_newest_holds_also_before_an_engine_has_carried_any_out(ready: Ready) -> None:
    task = ready.task()
    for tell in (commands.pause, commands.resume, commands.pause, commands.pause):
        tell(task)
    assert [row.verb for row in Command.select().order_by(Command.id)] == [Verb.PAUSE, Verb.RESUME, Verb.PAUSE]
    row = queries.task(task)
    assert row is not None and commands.told_to_pause(row)


def test_a_task_that_no_engine_has_seen_is_overdue_all_the_same(ready: Ready) -> None:
    task = ready.task()
    [row] = queries.tasks_of_type()
    assert row.next_execution is not None and row.next_execution > now()
    assert [one.task_id for one in queries.overdue_tasks(row.next_execution + timedelta(minutes=11))] == [task]
