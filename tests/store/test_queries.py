"""What the screens and the commands are told of a site."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.models import Command, Execution, HaltedAccount, Lease, MailboxResult, Site, Task
from mse_tui.terms import Light, Status, TaskType
from tests.screens.seed import NOW, SITE_CODE, seed


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
    assert "interrupted" in [one.reason for one in queries.troubles()]


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


def test_a_site_without_a_live_engine_is_a_trouble() -> None:
    Lease.update(owner="").where(Lease.key == f"engine:{SITE_CODE}").execute()
    assert queries.engine_holder(SITE_CODE) == ""
    assert any("schedules rest" in one.message for one in queries.troubles())


def test_a_disabled_site_has_nothing_to_come() -> None:
    Site.update(enabled=False).execute()
    assert queries.next_executions() == []
    assert "site-disabled" in [one.reason for one in queries.troubles()]


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
