"""How commands exit: 0 green, 1 orange, 2 red, 3 never run, 64 usage, 75 locked; 130 when a person ends them."""

import threading
from datetime import timedelta

import pytest
from peewee import OperationalError

from mse_tui.actions.opening import this_site
from mse_tui.engine.leases import Leases
from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import close_database, database, keep_connection, now, open_database
from mse_tui.store.lease_keys import engine_key, task_key
from mse_tui.store.models import Command as CommandRow
from mse_tui.store.models import Execution, Progress, Task
from mse_tui.terms import EXIT_LOCKED, Light, Status
from tests.cli.conftest import Command
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("light", "code"),
    [(Light.GREEN, 0), (Light.ORANGE, 1), (Light.RED, 2), (Light.NONE, 3)],
    ids=str,
)
def test_the_light_is_the_exit_code_wherever_it_is_told(
    with_task: Command, home: Home, light: Light, code: int
) -> None:
    open_database(home.database)
    Task.update(status=Status.SCHEDULED, light=light, last_started=now(), last_finished=now()).execute()
    held = Leases().take(engine_key(this_site().code), "an engine")  # that none runs would be a warning
    execution = Execution.create(
        task=Task.get(), trigger="run now", started=now(), finished=now(), definition="{}", light=light, message="x"
    )
    assert with_task("status").code == code
    assert with_task("check", "Sales").code == code
    assert with_task("log", "--execution", str(execution.id)).code == code
    assert held is not None
    held.release()


def test_a_new_task_is_no_problem_until_it_is_overdue_and_a_paused_one_is_a_note(
    with_task: Command, home: Home
) -> None:
    held = Leases().take(engine_key(this_site().code), "an engine")
    assert with_task("check").code == 3
    new = ("--definition", "Everything", "--schedule", "Nightly", "--group", "ann@example.com")
    assert with_task("task", "new", "New", *new).code == 0
    open_database(home.database)
    Task.update(light=Light.GREEN, last_started=now(), status=Status.SCHEDULED).where(
        Task.description == "Sales"
    ).execute()
    Task.update(next_execution=now() + timedelta(hours=1)).execute()
    assert with_task("check").code == with_task("status").code == 0
    late = now() - timedelta(hours=1)
    Task.update(next_execution=late).where(Task.description == "New").execute()
    assert with_task("check").code == with_task("status").code == 1
    Task.update(paused=True, paused_by="ann", paused_since=late, passed_by=late).where(
        Task.description == "New"
    ).execute()
    checked = with_task("check")
    assert checked.code == 0
    assert "New: Paused since" in checked.out
    assert "troubles=0" in checked.out
    plain = with_task("status", "--plain").out
    assert "Note: New: Paused since" in plain
    assert "Task New: Unknown (paused), result never run, no next execution while it is paused." in plain
    assert "Unknown (paused)" in with_task("status").out
    assert "none while paused" in with_task("task", "list").out
    assert held is not None
    held.release()


@pytest.mark.parametrize(("light", "code"), [(Light.GREEN, 0), (Light.ORANGE, 1), (Light.RED, 2)])
def test_a_run_that_is_waited_for_exits_with_its_result(
    with_task: Command, home: Home, light: Light, code: int
) -> None:
    open_database(home.database)

    def engine() -> None:
        with keep_connection():
            until(lambda: CommandRow.select().exists())
            CommandRow.update(taken=now()).execute()
            began = now()
            Execution.create(
                task=Task.get(), trigger="run now", started=began, finished=began + timedelta(seconds=1),
                definition="{}", light=light, message="2 mailboxes",
            )  # fmt: skip
            CommandRow.update(finished=now()).execute()

    thread = threading.Thread(target=engine)
    thread.start()
    ran = with_task("task", "run", "Sales", "--wait")
    thread.join()
    assert ran.code == code
    assert "2 mailboxes" in ran.out


def test_who_no_longer_waits_is_told_how_to_stop_the_task(with_task: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mse_tui.cli.task._ended", interrupted)
    ran = with_task("task", "run", "Sales", "--wait")
    assert ran.code == 130
    assert "The task runs on; stop it with: mse-tui task stop Sales" in ran.err


def test_who_waits_without_an_engine_learns_that_the_command_is_kept(
    with_task: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mse_tui.cli.task._TAKEN_WITHIN", 0.1)
    ran = with_task("task", "run", "Sales", "--wait")
    assert ran.code == 2
    assert "Reason: engine-missing" in ran.err
    assert "It is kept." in ran.err
    assert "mse-tui engine" in ran.err
    assert [row.command for row in queries.tasks_of_type()] == ["run now"]


def test_who_waits_is_told_for_what_and_at_the_end_what_to_do(
    with_task: Command, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mse_tui.cli.task._LINE_SECONDS", 0.1)
    open_database(home.database)
    task = Task.get()
    held = Leases().take(task_key(task.id), "an engine")
    assert held is not None

    def engine() -> None:
        with keep_connection():
            until(lambda: CommandRow.select().exists())
            CommandRow.update(taken=now()).execute()
            execution = Execution.create(task=task, trigger="run now", started=now(), definition="{}")
            Task.update(status=Status.RUNNING, latest_detail="ann@example.com (1 of 1 mailboxes)").execute()
            Progress.create(
                task=task, execution=execution.id, total=1, position=1, address="ann@example.com", updated=now(),
                waiting="mail.example.com refused the connection", waiting_since=now(),
            )  # fmt: skip
            threading.Event().wait(2)
            Execution.update(
                finished=now(), light=Light.RED, reason="server-unreachable", message="1 mailbox: 1 error."
            ).execute()

    thread = threading.Thread(target=engine)
    thread.start()
    ran = with_task("task", "run", "Sales", "--wait")
    thread.join()
    assert ran.err.count("ann@example.com (1 of 1 mailboxes): mail.example.com refused the connection") == 1
    assert "What to do: " in ran.out
    assert "Reason: server-unreachable" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("task", "show", "nothing"), 64),
        (("nonsense",), 64),
        (("definition", "remove", "Everything"), 64),
        (("archive", "ls", "nobody"), 64),
        (("engine",), 2),
        (("archive", "compact", "--now"), 75),
        (("schedule", "list"), 0),
    ],
)
def test_refusals_have_codes_of_their_own(
    with_task: Command, home: Home, arguments: tuple[str, ...], code: int
) -> None:
    open_database(home.database)
    held = Leases().take(engine_key(this_site().code), "an engine")
    assert with_task(*arguments).code == code
    assert held is not None
    held.release()


def test_a_person_who_ends_a_command_is_told_so(with_task: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_type: object = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(queries, "tasks_of_type", interrupted)
    ran = with_task("task", "list")
    assert (ran.code, ran.err.strip()) == (130, "Aborted.")


def test_a_database_that_cannot_be_read_is_unknown_to_a_monitoring_system(
    with_task: Command, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(queries, "dashboard", locked)
    checked = with_task("check")
    assert (checked.code, checked.out) == (3, "MSE-TUI UNKNOWN - The site can't be read: database is locked\n")


def test_a_damaged_database_is_unknown_to_a_monitoring_system(with_task: Command, home: Home) -> None:
    open_database(home.database)
    (page,) = database.execute_sql("SELECT rootpage FROM sqlite_master WHERE name = 'task'").fetchone()
    (size,) = database.execute_sql("PRAGMA page_size").fetchone()
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    close_database()
    with home.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"x" * size)
    checked = with_task("check")
    assert checked.code == 3
    assert checked.out.startswith("MSE-TUI UNKNOWN - The database ")


def test_a_task_that_runs_already_is_told_from_a_typing_error(with_task: Command, home: Home) -> None:
    assert with_task("task", "run", "Sales").code == 0
    open_database(home.database)
    with keep_connection():
        task = Task.get()
        Task.update(status=Status.RUNNING).execute()
        held = Leases().take(task_key(task.id), "an engine")
        assert held is not None
        ran = with_task("task", "run", "Sales", "--wait")
        open_database(home.database)
        held.release()
    assert ran.code == EXIT_LOCKED
    assert "Reason: task-running" in ran.err
