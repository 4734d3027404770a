"""What the screens and the commands are told of a site."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import pytest

from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import keep_connection, now
from mse_tui.store.live_leases import running_tasks
from mse_tui.store.models import (
    Command,
    Execution,
    HaltedAccount,
    Lease,
    MailboxHealth,
    MailboxResult,
    Progress,
    Site,
    Task,
)
from mse_tui.terms import RESOLVING, Light, Status, TaskType
from tests.screens.seed import NOW, SITE_CODE, addresses, seed


@pytest.fixture(autouse=True)
def seeded(store: Home) -> Iterator[None]:
    seed(store)
    return iter(())


def task_id(description: str) -> int:
    return int(Task.get(Task.description == description).id)


def test_dashboard_puts_errors_before_warnings() -> None:
    found = queries.dashboard(moment=NOW)
    assert [(one.subject, one.light) for one in found.troubles] == [
        ("Shared mailboxes", Light.RED), ("Board, office hours", Light.ORANGE),
    ]  # fmt: skip
    assert found.troubles[0].reason == "mailbox-not-found"
    assert [one.task for one in found.running] == ["Everyone, nightly"]
    assert next(one.task for one in found.upcoming) == "Board, office hours"
    assert {one.type: (one.definitions, one.tasks) for one in found.types}[TaskType.FOLDER_REPLICATION] == (3, 4)
    assert found.sites[0].engine == "engine on mail-tools, pid 4711"
    assert found.recent[0].execution.finished is None


def test_running_with_a_lease_that_ran_out_is_scheduled_and_interrupted() -> None:
    Lease.update(until=now() - timedelta(seconds=1)).where(Lease.key.startswith("task:")).execute()
    row = queries.task(task_id("Everyone, nightly"))
    assert row is not None
    assert (row.status, row.interrupted) == (Status.SCHEDULED, True)
    assert queries.progress_of_running() == []
    assert "interrupted" in [one.reason for one in queries.troubles(moment=NOW)]


def test_an_execution_whose_engine_is_gone_is_interrupted_before_the_next_engine_says_so() -> None:
    running = Execution.get(Execution.finished.is_null())
    detail = queries.execution_detail(running.id)
    assert detail is not None and detail.execution.word == "running"
    assert "running" in [row.word for row in queries.mailbox_results(running.id)]
    Lease.update(until=now() - timedelta(seconds=1)).where(Lease.key.startswith("task:")).execute()
    detail = queries.execution_detail(running.id)
    assert detail is not None
    said = detail.execution
    assert (said.word, said.light, said.reason) == ("warning", Light.ORANGE, "interrupted")
    assert said.message == f"Interrupted after {running.processed} of {running.mailboxes} mailboxes."
    assert "running" not in [row.word for row in queries.mailbox_results(running.id)]


def test_a_mailbox_whose_execution_ends_while_it_is_read_is_not_told_as_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = MailboxResult.get(MailboxResult.finished.is_null())

    def end() -> None:
        with keep_connection():
            MailboxResult.update(finished=now(), light=Light.GREEN).where(MailboxResult.id == running.id).execute()
            Execution.update(finished=now()).where(Execution.id == running.execution_id).execute()
            Lease.delete().where(Lease.key.startswith("task:")).execute()

    def ended_before() -> set[int]:
        engine = Thread(target=end)
        engine.start()
        engine.join()
        return running_tasks()

    monkeypatch.setattr("mse_tui.store.queries.executions.running_tasks", ended_before)
    read = queries.mailbox_result(running.id)
    assert read is not None and read.word == "running"
    read = queries.mailbox_result(running.id)
    assert read is not None and read.word == "success"


def test_a_site_without_a_live_engine_is_a_trouble() -> None:
    Lease.update(owner="").where(Lease.key == f"engine:{SITE_CODE}").execute()
    assert queries.engine_holder(SITE_CODE) == ""
    assert any("schedules rest" in one.message for one in queries.troubles())


def test_a_disabled_site_has_nothing_to_come() -> None:
    Site.update(enabled=False).execute()
    assert queries.next_executions() == []
    assert "site-disabled" in [one.reason for one in queries.troubles(moment=NOW)]


def test_a_paused_task_is_not_among_the_next() -> None:
    Task.update(paused=True).where(Task.description == "Board, office hours").execute()
    assert "Board, office hours" not in [one.task for one in queries.next_executions()]


def test_a_refused_account_comes_first() -> None:
    HaltedAccount.create(key="k", account="svc-mse", since=NOW, message="The password was refused.")
    assert queries.troubles()[0].subject == "svc-mse"


def test_progress_has_a_share_and_a_rate() -> None:
    [row] = queries.progress_of_running()
    assert row.share == pytest.approx(0.44)
    assert row.items_per_second == pytest.approx(107.8)


def test_an_open_command_is_shown_with_its_task() -> None:
    wanted = task_id("Everyone, nightly")
    Command.create(task=wanted, verb="stop", asked_by="ann", asked=NOW)
    assert [row.command for row in queries.tasks_of_type() if row.id == wanted] == ["stop"]
    Command.update(finished=NOW).execute()
    assert [row.command for row in queries.tasks_of_type() if row.id == wanted] == [""]


def test_tasks_of_a_type_without_tasks() -> None:
    assert queries.tasks_of_type(TaskType.CALENDAR_REPLICATION) == []


def test_a_task_is_found_by_description_case_or_number() -> None:
    wanted = task_id("Shared mailboxes")
    for text in ("Shared mailboxes", "shared MAILBOXES", str(wanted)):
        found = queries.task_named(text)
        assert found is not None
        assert found.id == wanted
    assert queries.task_named("nothing") is None


def test_information_of_a_task_is_from_one_moment() -> None:
    found = queries.task_information(task_id("Everyone, nightly"))
    assert found is not None
    assert found.progress is not None
    assert found.last is not None
    assert found.last.finished is None
    assert found.executions == 13
    assert found.schedule.name == "Every night"
    assert queries.task_information(10_000) is None


def test_executions_come_newest_first_in_pages() -> None:
    wanted = task_id("Everyone, nightly")
    everything = queries.executions_of(wanted, 0, 100)
    assert [row.started for row in everything] == sorted((row.started for row in everything), reverse=True)
    assert queries.executions_of(wanted, 3, 4) == everything[3:7]
    assert queries.executions_count() == 16


def test_detail_of_an_execution_counts_lights_and_adds_up_counters() -> None:
    execution = next(row for row in queries.executions_of(task_id("Board, office hours")) if row.light is Light.ORANGE)
    found = queries.execution_detail(execution.id)
    assert found is not None
    assert found.lights == {Light.GREEN: 1, Light.ORANGE: 1}
    counters, skipped = queries.totals(execution.id)
    assert counters["items_seen"] == 1237 + 18
    assert skipped == {"private": 10}
    results = queries.mailbox_results(execution.id)
    assert [row.position for row in results] == [1, 2]
    assert results[1].failures[0].reason == "item-corrupt"
    assert queries.mailbox_result(results[1].id) == results[1]


def test_the_mailbox_in_progress_is_no_result_yet() -> None:
    [running] = [row for row in queries.executions_of(task_id("Everyone, nightly"), 0, 100) if row.finished is None]
    MailboxResult.delete().where(MailboxResult.execution == running.id).execute()
    for position, finished, light in ((1, NOW, Light.GREEN), (2, None, Light.NONE)):
        MailboxResult.create(
            execution=running.id, position=position, address=f"{position}@example.com", started=NOW, finished=finished,
            light=light,
        )  # fmt: skip
    found = queries.execution_detail(running.id)
    assert found is not None
    assert (found.lights, found.results) == ({Light.GREEN: 1}, 2)


def test_definitions_and_schedules_say_how_many_tasks_use_them() -> None:
    assert {row.name: row.tasks for row in queries.definitions()} == {
        "Everything": 2, "Without Deleted Items": 1, "Envelopes only": 1,
    }  # fmt: skip
    assert {row.name: row.tasks for row in queries.schedules()} == {
        "Every night": 2, "Office hours": 1, "Before the move": 1,
    }  # fmt: skip
    assert queries.definitions(TaskType.CALENDAR_REPLICATION) == []


def test_watching_tells_of_another_connection_s_commit(store: Home) -> None:
    from threading import Event

    from mse_tui.store.watching import DataWatcher

    told = Event()
    watcher = DataWatcher(store.database, told.set)
    watcher.start()
    try:
        assert not told.wait(1.2)
        Task.update(latest_detail="x").execute()
        assert told.wait(3)
    finally:
        watcher.stop()
    assert not watcher._thread.is_alive()


def test_a_task_s_light_counts_mailboxes_that_the_last_execution_left_out() -> None:
    wanted = Task.get(Task.description == "Board, office hours")
    execution = Execution.create(
        task=wanted, task_name=wanted.description, task_type=wanted.type, trigger="run now", started=NOW, finished=NOW,
        definition="{}", mailboxes=1, processed=1, light="green",
    )  # fmt: skip
    Task.update(light="green").where(Task.id == wanted.id).execute()
    found = queries.task(wanted.id)
    assert found is not None
    assert (found.result, found.light) == (Light.GREEN, Light.ORANGE)
    [trouble] = [one for one in queries.troubles(moment=NOW) if one.task_id == wanted.id]
    assert (trouble.light, trouble.addresses) == (found.light, tuple(addresses(2)[1:]))
    MailboxHealth.update(light="green", execution=execution.id).where(MailboxHealth.task == wanted).execute()
    found = queries.task(wanted.id)
    assert found is not None
    assert (found.result, found.light) == (Light.GREEN, Light.GREEN)


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ({"waiting": "The server could not be reached.", "waiting_until": NOW + timedelta(seconds=20)}, True),
        ({"waiting": ""}, True),
        ({"phase": RESOLVING, "waiting": "The directory could not be reached."}, True),
        ({"phase": "", "waiting": "paused by ann"}, False),
        ({"phase": "", "waiting": "waits for its lock, held by 'Board, office hours'"}, False),
    ],
    ids=["back-off", "asked again", "directory", "pause", "lock"],
)
def test_a_running_task_that_gets_no_answer_for_long_needs_attention(values: dict[str, object], is_told: bool) -> None:
    Progress.update(waiting_since=NOW - timedelta(minutes=3), **values).execute()
    found = [one for one in queries.troubles(moment=NOW) if one.subject == "Everyone, nightly"]
    assert [(one.reason, one.light) for one in found] == [("no-answer", Light.ORANGE)] * is_told
    Progress.update(waiting_since=NOW - timedelta(seconds=30)).execute()
    assert "no-answer" not in [one.reason for one in queries.troubles(moment=NOW)]


def stopped(description: str) -> Execution:
    """The task's next execution, which a person stopped."""
    task = Task.get(Task.description == description)
    Task.update(light="orange").where(Task.id == task.id).execute()
    return Execution.create(
        task=task, task_name=task.description, task_type=task.type, trigger="run now", started=NOW, finished=NOW,
        definition="{}", mailboxes=4, processed=1,
        light="orange", reason="stopped", message="Stopped by ann after 1 of 4 mailboxes.",
    )  # fmt: skip


def test_what_a_person_stopped_needs_nobody() -> None:
    execution = stopped("Before the move")
    assert execution.task_id not in [one.task_id for one in queries.troubles(moment=NOW)]
    row = queries.task(execution.task_id)
    assert row is not None
    assert row.result is Light.ORANGE


def test_mailboxes_that_failed_before_the_stop_are_still_told_of() -> None:
    execution = stopped("Before the move")
    MailboxResult.create(
        execution=execution, position=1, address=addresses(1)[0], started=NOW, finished=NOW, light="red",
        reason="mailbox-not-found", message="It is gone.",
    )  # fmt: skip
    MailboxHealth.create(
        task=execution.task, address=addresses(1)[0], execution=execution.id, finished=NOW, light="red", since_success=1
    )
    [trouble] = [one for one in queries.troubles(moment=NOW) if one.task_id == execution.task_id]
    assert (trouble.light, trouble.reason, trouble.execution_id) == (Light.RED, "mailbox-not-found", execution.id)
    row = queries.task(execution.task_id)
    assert row is not None
    assert row.light is Light.RED


def test_a_paused_task_that_is_told_to_run_runs() -> None:
    wanted = Task.get(Task.description == "Everyone, nightly")
    for since, runs in ((wanted.last_started - timedelta(minutes=1), True), (NOW, False)):
        Task.update(paused=True, paused_since=since).where(Task.id == wanted.id).execute()
        row = queries.task(wanted.id)
        assert row is not None
        assert (row.paused, row.status, row.runs_though_paused) == (True, Status.RUNNING, runs)
