"""The command line: what it prints, how it exits, how it tells faults."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from mse_tui import __version__
from mse_tui.access import roles
from mse_tui.actions.definitions import create_definition
from mse_tui.actions.opening import open_site
from mse_tui.cli import group_doubts
from mse_tui.cli.main import run
from mse_tui.config.loading import load_configuration
from mse_tui.directory.answers import membership_as_json
from mse_tui.directory.directory import Member, Membership
from mse_tui.engine.commands import remove
from mse_tui.engine.leases import Leases
from mse_tui.home import Home
from mse_tui.reasons import Reason, explain
from mse_tui.store import queries
from mse_tui.store.database import keep_connection, now, open_database
from mse_tui.store.lease_keys import task_key
from mse_tui.store.models import EPOCH, Audit, Execution, HaltedAccount, MailboxResult, Task
from mse_tui.store.models import Command as TaskCommand
from mse_tui.terms import Light, Status, TaskType
from tests.cli.conftest import Command, Ran
from tests.conftest import REPOSITORY
from tests.support.waiting import until


def test_version_is_quick_and_needs_no_home(tmp_path: Path) -> None:
    unusable = {**os.environ, "MSE_TUI_HOME": "/dev/null/nowhere", "PYTHONPATH": str(REPOSITORY)}
    ran = subprocess.run(
        [sys.executable, "-m", "mse_tui", "--version"], capture_output=True, text=True, env=unusable, check=True
    )
    assert ran.stdout == f"mse-tui {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("task", "nonsense"), ("task", "new"), ("log", "--limit", "x"), ("--nonsense",),
     ("definition", "new", "XYZ", "name"), ("definition", "new", "MFR", "name", "--content", "nonsense")],
)  # fmt: skip
def test_wrong_usage_exits_64(mse_tui: Command, arguments: tuple[str, ...]) -> None:
    ran = mse_tui(*arguments)
    assert ran.code == 64
    assert "Usage: mse-tui" in ran.err


def test_without_a_terminal_the_screens_are_refused(mse_tui: Command) -> None:
    ran = mse_tui()
    assert ran.code == 64
    assert "mse-tui status --plain" in ran.err


def test_a_problem_says_what_happened_what_to_do_and_why(mse_tui: Command) -> None:
    ran = mse_tui("task", "show", "nothing")
    assert (ran.code, ran.out) == (64, "")
    assert ran.err.splitlines() == [
        "mse-tui: There is no task 'nothing'.",
        "What to do: mse-tui task list shows what there is.",
        "Reason: not-found",
    ]


def test_a_site_where_nothing_ran_exits_3(mse_tui: Command) -> None:
    ran = mse_tui("status")
    assert ran.code == 3
    assert "never run" in ran.out


@pytest.mark.parametrize(("light", "code"), [(Light.ORANGE, 1), (Light.RED, 2)])
def test_status_exits_with_the_worst_light(with_task: Command, home: Home, light: Light, code: int) -> None:
    open_database(home.database)
    Task.update(status=Status.SCHEDULED, light=light).execute()
    for options in ((), ("--plain",), ("--json",)):
        ran = with_task("status", *options)
        assert ran.code == code
        assert light.word in ran.out or json.loads(ran.out)["light"] == light


def test_status_says_what_to_do_and_all_times_in_one_zone(
    with_task: Command, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    open_database(home.database)
    detail = "Last execution: 2026-11-28 20:09 UTC, error"
    Task.update(status=Status.SCHEDULED, light=Light.RED, latest_detail=detail).execute()
    HaltedAccount.create(key="k", account="svc-mse", since=EPOCH, message="The password was refused.")
    try:
        for command in (("status",), ("status", "--plain"), ("task", "show", "Sales"), ("task", "list")):
            ran = with_task(*command)
            assert "Last execution: 2026-11-29 05:09, error" in ran.out
            if command[0] == "status":
                assert f"What to do: {explain(Reason.ACCOUNT_HALTED).remedy}" in ran.out
                assert "mse-tui engine" in ran.out
    finally:
        monkeypatch.undo()
        time.tzset()


def test_plain_status_is_sentences_without_tables(with_task: Command) -> None:
    lines = with_task("status", "--plain").out.splitlines()
    assert any(line.startswith("Task Sales: Unknown, result never run, next execution 20") for line in lines)
    assert all(line.endswith(".") for line in lines)
    assert not any("  " in line for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [("task", "list"), ("task", "show", "Sales"), ("definition", "list"), ("definition", "show", "everything"),
     ("schedule", "list"), ("schedule", "show", "Nightly"), ("site", "show"), ("log",), ("audit",), ("status",)],
)  # fmt: skip
def test_lists_come_as_json(with_task: Command, arguments: tuple[str, ...]) -> None:
    assert json.loads(with_task(*arguments, "--json").out) is not None


def test_a_definition_takes_its_options_from_the_model(mse_tui: Command) -> None:
    options = ("--exclude-inbox", "--no-skip-private", "--content", "metadata only")
    folders = ("--excluded-folders", "Projects/*", "--excluded-folders", "Alt")
    assert mse_tui("definition", "new", "MFR", "Index", *options, *folders).code == 0
    settings = json.loads(mse_tui("definition", "show", "Index", "--json").out)["settings"]
    assert settings["exclude_inbox"] is True
    assert settings["skip_private"] is False
    assert settings["content"] == "metadata only"
    assert settings["excluded_folders"] == ["Projects/*", "Alt"]


def test_changing_a_definition_leaves_what_is_not_given(mse_tui: Command) -> None:
    mse_tui("definition", "new", "MFR", "Index", "--exclude-inbox", "--excluded-folders", "Alt")
    assert mse_tui("definition", "set", "MFR", "Index", "--exclude-sent-items", "--excluded-folders", "").code == 0
    settings = json.loads(mse_tui("definition", "show", "Index", "--json").out)["settings"]
    assert (settings["exclude_inbox"], settings["exclude_sent_items"]) == (True, True)
    assert settings["excluded_folders"] == []


def test_a_used_definition_stays(with_task: Command) -> None:
    ran = with_task("definition", "remove", "Everything")
    assert ran.code == 64
    assert "is used by: Sales" in ran.err


@pytest.mark.parametrize(
    ("arguments", "described"),
    [
        (("one-off", "x", "--at", "2099-12-31 23:30"), "Once on 2099-12-31 at 23:30 (Europe/Berlin)"),
        (("daily", "x", "--at", "06:05"), "Daily at 06:05 (Europe/Berlin)"),
        (("weekly", "x", "--days", "fri,Mon", "--from", "08:00", "--to", "18:00", "--every", "30"),
         "Weekly on Mon, Fri every 30 minutes from 08:00 to 18:00 (Europe/Berlin)"),
    ],
)  # fmt: skip
def test_a_new_schedule_shows_its_next_executions(mse_tui: Command, arguments: tuple[str, ...], described: str) -> None:
    ran = mse_tui("schedule", "new", *arguments, "--zone", "Europe/Berlin")
    assert ran.code == 0
    assert described in ran.out
    assert len(ran.out.split("Next executions:\n")[1].splitlines()) == (1 if arguments[0] == "one-off" else 5)


@pytest.mark.parametrize(
    "arguments",
    [("daily", "x"), ("daily", "x", "--at", "06:00", "--every", "5"), ("daily", "x", "--from", "06:00"),
     ("daily", "x", "--at", "25:00"), ("daily", "x", "--at", "06:00", "--zone", "Mars/Olympus"),
     ("weekly", "x", "--days", "Xyz", "--at", "06:00"), ("one-off", "x", "--at", "tomorrow")],
)  # fmt: skip
def test_impossible_timing_is_refused(mse_tui: Command, arguments: tuple[str, ...]) -> None:
    assert mse_tui("schedule", "new", *arguments).code == 64
    assert json.loads(mse_tui("schedule", "list", "--json").out) == []


def test_running_without_an_engine_says_so(with_task: Command) -> None:
    ran = with_task("task", "run", "Sales", "--first", "1")
    assert ran.code == 0
    assert "No engine runs for this site" in ran.err


@pytest.mark.parametrize(
    ("timing", "said"),
    [
        (("daily", "x", "--at", "25:00"), "--at: 25:00 is not a time of day"),
        (("daily", "x", "--from", "8", "--to", "18:00", "--every", "30"), "--from: 8 is not a time of day"),
        (("one-off", "x", "--at", "2099-02-30 10:00"), "--at: 2099-02-30 10:00 is not a date and time"),
        (("weekly", "x", "--days", "Mon,Xyz", "--at", "10:00"), "--days: Xyz is not a day of the week"),
    ],
)
def test_a_time_that_is_none_is_named_by_its_option(mse_tui: Command, timing: tuple[str, ...], said: str) -> None:
    ran = mse_tui("schedule", "new", *timing)
    assert ran.code == 64
    assert said in ran.err


def test_a_mistyped_command_is_told_the_nearest(mse_tui: Command) -> None:
    assert "Did you mean one of: 'status'" in mse_tui("stauts").err


@pytest.mark.parametrize("kind", ["definition", "schedule"])
def test_removing_what_nothing_uses_asks_first(mse_tui: Command, kind: str) -> None:
    made = {"definition": ("new", "MFR", "Spare"), "schedule": ("new", "daily", "Spare", "--at", "05:00")}
    assert mse_tui(kind, *made[kind]).code == 0
    refused = mse_tui(kind, "remove", "Spare")
    assert refused.code == 64
    assert "say --yes" in refused.err
    assert mse_tui(kind, "remove", "Spare", "--yes").code == 0
    assert mse_tui(kind, "show", "Spare").code == 64


def test_removing_asks_first(with_task: Command) -> None:
    assert with_task("task", "remove", "Sales").code == 64
    assert with_task("task", "remove", "Sales", "--yes", "--keep-history").out == "Told the engine to remove 'Sales'.\n"
    assert queries.tasks_of_type()[0].command == "remove"


def test_the_log_shows_one_execution_with_reasons_and_remedies(with_task: Command, home: Home) -> None:
    open_database(home.database)
    task = Task.get()
    began = now()
    execution = Execution.create(
        task=task, trigger="schedule", started=began, finished=began + timedelta(seconds=75), definition="{}",
        mailboxes=1, processed=1, light=Light.ORANGE, message="1 of 1 mailboxes, 1 with warnings",
    )  # fmt: skip
    MailboxResult.create(
        execution=execution, position=1, address="ann@example.com", started=began, light=Light.ORANGE, mode="full",
        reason="item-corrupt", message="1 item failed",
        counters='{"lock_wait_seconds": 6, "bytes": 2048, "items_added": 1234}', skipped='{"private": 2}',
        failures='[{"item": "Evil \\u001b[2J subject", "reason": "item-corrupt", "message": "Broken."}]',
    )  # fmt: skip
    assert "1 min 15 s" in with_task("log", "Sales").out
    ran = with_task("log", "--execution", str(execution.id))
    assert ran.code == 1
    assert re.search(
        r"Items added +1,234\nBytes of content taken in +2.0 KiB\nSeconds waited .* 6\nSkipped: private +2", ran.out
    )
    assert "Open the item in Outlook" in ran.out
    assert "\x1b" not in ran.out
    assert "Evil \\x1b[2J subject" in ran.out


def test_the_log_tells_skipped_mailboxes_from_running_ones(with_task: Command, home: Home) -> None:
    open_database(home.database)
    execution = Execution.create(
        task=Task.get(), trigger="schedule", started=now(), definition="{}", mailboxes=2, processed=1,
        light=Light.NONE, message="",
    )  # fmt: skip
    Leases().take(task_key(Task.get().id), "an engine")
    for position, finished in ((1, now()), (2, None)):
        MailboxResult.create(
            execution=execution, position=position, address=f"m{position}@example.com", started=now(),
            finished=finished, light=Light.NONE, mode="", reason="", message="", counters="{}", skipped="{}",
            failures="[]",
        )  # fmt: skip
    told = with_task("log", "--execution", str(execution.id)).out
    assert re.search(r"m1@example.com +- skipped", told) and re.search(r"m2@example.com +running", told)


def test_the_log_explains_once_why_a_mailbox_was_paused_however_often(with_task: Command, home: Home) -> None:
    open_database(home.database)
    execution = Execution.create(
        task=Task.get(), trigger="schedule", started=now(), finished=now(), definition="{}", mailboxes=1, processed=0,
        light=Light.ORANGE, reason="stopped", message="Stopped by ann after 0 of 1 mailboxes.",
    )  # fmt: skip
    for who in ("ann", "bob"):
        MailboxResult.create(
            execution=execution, position=1, address="ann@example.com", started=now(), finished=now(),
            light=Light.NONE, reason="paused", message=f"Paused by {who}.",
        )  # fmt: skip
    told = with_task("log", "--execution", str(execution.id)).out
    assert "Paused by ann." in told and "Paused by bob." in told, "each turn has its row"
    assert told.count("this mailbox goes on in a later row") == 1


@pytest.mark.parametrize(("mailboxes", "tip"), [(1, "task run --what-if 'New'"), (9, "task run --first 3 'New'")])
def test_the_tip_for_a_new_task_fits_its_group(
    with_task: Command, monkeypatch: pytest.MonkeyPatch, mailboxes: int, tip: str
) -> None:
    members = tuple(Member(f"m{number}@example.com", "", "person") for number in range(mailboxes))
    answer = membership_as_json(Membership(members, (), now()))
    monkeypatch.setattr(group_doubts, "ask", lambda *_, **__: answer)
    chosen = ("--definition", "Everything", "--schedule", "Nightly", "--group", "sales@example.com")
    made = with_task("task", "new", "New", *chosen)
    assert made.code == 0 and tip in made.out


def test_an_open_home_is_refused(home: Home, mse_tui: Command) -> None:
    home.path.chmod(0o755)
    ran = mse_tui("status")
    assert ran.code == 2
    assert f"chmod 700 {home.path}" in ran.err
    assert "Reason: home-unsafe" in ran.err


def test_a_file_that_is_no_database_is_told_without_a_traceback(home: Home, mse_tui: Command) -> None:
    home.database.write_text("no database")
    ran = mse_tui("task", "list")
    assert ran.code == 2
    assert "Reason: database-damaged" in ran.err
    assert "Traceback" not in ran.err
    assert home.database.read_text() == "no database"


def test_the_engine_without_a_configuration_is_told(mse_tui: Command) -> None:
    ran = mse_tui("engine")
    assert ran.code == 2
    assert "config.toml" in ran.err
    assert "Reason: configuration-invalid" in ran.err


_EXCHANGE = '[exchange]\nendpoint = "https://mail.invalid/EWS/Exchange.asmx"\nuser = "svc"\n'


@pytest.mark.parametrize(
    ("configuration", "reason", "named"),
    [
        (_EXCHANGE + 'password_file = "absent"\n', "secret-unreadable", "absent"),
        (_EXCHANGE + 'password_env = "MSE_TUI_NOT_SET"\n', "secret-unreadable", "MSE_TUI_NOT_SET"),
        (_EXCHANGE + 'password_env = "X"\nca_file = "absent.pem"\n', "configuration-invalid", "absent.pem"),
        (_EXCHANGE + 'password_env = "X"\nimpersonate = true\n', "configuration-invalid", "impersonation"),
        (_EXCHANGE + "password_env =\n", "configuration-invalid", "line 4"),
        ('[exchange]\nendpoint = "mail.invalid"\nuser = "svc"\n', "configuration-invalid", "endpoint"),
    ],
)
def test_a_faulty_configuration_is_told_in_a_sentence(
    home: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch, configuration: str, reason: str, named: str
) -> None:
    monkeypatch.setenv("X", "secret")
    home.config.write_text(configuration)
    ran = mse_tui("engine")
    assert ran.code == 2
    assert f"Reason: {reason}" in ran.err
    assert named in ran.err
    assert "Traceback" not in ran.err
    assert "secret" not in ran.err.replace("secret-unreadable", "")


def test_a_malformed_address_list_is_told_entry_by_entry(with_task: Command) -> None:
    ran = with_task(
        "task", "new", "Service", "--definition", "Everything", "--schedule", "Nightly",
        "--group", "ann@example.com; bert@; @example.com",
    )  # fmt: skip
    assert ran.code == 64
    assert "Reason: address-invalid" in ran.err
    assert "'bert@'" in ran.err
    assert "'@example.com'" in ran.err
    assert [row.description for row in queries.tasks_of_type()] == ["Sales"]


def test_an_unexpected_fault_is_shown_whole(monkeypatch: pytest.MonkeyPatch, mse_tui: Command) -> None:
    monkeypatch.setattr(queries, "tasks_of_type", lambda _type=None: 1 / 0)
    ran = mse_tui("task", "list")
    assert ran.code == 2
    assert "ZeroDivisionError" in ran.err
    assert "Reason: internal-error" in ran.err


def test_a_closed_pipe_is_no_fault(home: Home, with_task: Command) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "MSE_TUI_HOME": str(home.path)}
    ran = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m mse_tui site show | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert ran.stderr == ""


def test_help_of_every_command(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("audit", "definition", "demo", "doctor", "engine", "log", "schedule", "site", "status", "task"):
        assert run([name, "--help"]) == 0
        assert f"Usage: mse-tui {name}" in capsys.readouterr().out


def test_the_example_is_a_valid_configuration(home: Home, mse_tui: Command) -> None:
    home.config.write_text(mse_tui("site", "example").out)
    assert load_configuration(home.config).exchange.endpoint.endswith("/EWS/Exchange.asmx")


def test_the_audit_can_be_verified(with_task: Command) -> None:
    ran = with_task("audit", "verify")
    assert ran.code == 0
    head = ran.out.split("Head: ")[1].strip()
    assert with_task("audit", "verify", "--head", head).code == 0
    Audit.delete().where(Audit.action == "create task").execute()
    ran = with_task("audit", "verify", "--head", head)
    assert ran.code == 2
    assert "audit-broken" in ran.err


def test_an_audit_that_was_emptied_does_not_verify(with_task: Command) -> None:
    Audit.delete().execute()
    ran = with_task("audit", "verify")
    assert ran.code == 2
    assert "audit-broken" in ran.err


def test_help_is_there_before_a_site_is(mse_tui: Command, tmp_path: Path) -> None:
    assert run(["--home", str(tmp_path / "nowhere"), "audit", "verify", "--help"]) == 0


def test_a_changed_audit_entry_is_named(with_task: Command) -> None:
    Audit.update(who="somebody else").where(Audit.id == 2).execute()
    ran = with_task("audit", "verify")
    assert ran.code == 2
    assert "Entry 2" in ran.err
    assert json.loads(with_task("audit", "verify", "--json").out)["broken_at"] == 2


def test_who_has_no_role_sees_nothing(mse_tui: Command, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config.write_text('[roles]\nviewer = ["helpdesk"]\n')
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"users"}))
    ran = mse_tui("task", "list")
    assert ran.code == 2
    assert "role-missing" in ran.err
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"helpdesk"}))
    assert mse_tui("task", "list").code == 0
    ran = mse_tui("site", "disable")
    assert ran.code == 2
    assert "role-missing" in ran.err
    roles.use_roles(roles.Roles())


def test_check_answers_a_monitoring_system_in_one_line(with_task: Command) -> None:
    ran = with_task("check")
    assert ran.code == 2
    assert ran.out.startswith("MSE-TUI CRITICAL - ")
    assert "No engine runs" in ran.out
    assert with_task("check", "Sales").code == 3
    assert "| tasks=1 running=0" in ran.out
    assert ran.out.count("\n") == 1
    assert with_task("check", "nobody").out.startswith("MSE-TUI UNKNOWN - There is no task")
    Task.update(description="a|b").execute()
    assert with_task("check", "a|b").out.startswith("MSE-TUI UNKNOWN - a/b: ")


def test_check_tells_of_maintenance(with_task: Command) -> None:
    assert "in maintenance" not in with_task("check").out
    assert with_task("site", "maintenance", "begin", "--until", "2999-01-01 10:00").code == 0
    assert "; in maintenance until 2" in with_task("check").out


def test_a_report_is_a_page_or_a_table(with_task: Command, tmp_path: Path) -> None:
    task = Task.get()
    ended = Execution.create(
        task=task, trigger="run now", started=now(), finished=now(), definition="{}", light=Light.RED,
        reason="timeout", message="<b>&",
    )  # fmt: skip
    MailboxResult.create(
        execution=ended, position=1, address='=cmd()"<i>', started=now(), finished=now(), light=Light.RED,
        reason="timeout", message="x\x1b[2J", counters='{"items_seen": 7}', skipped='{"private": 2}',
    )  # fmt: skip
    page = with_task("report", str(ended.id)).out
    assert "&lt;b&gt;&amp;" in page
    assert "<i>" not in page
    assert "\x1b" not in page
    table = with_task("report", str(ended.id), "--csv").out.splitlines()
    assert table[0].endswith("items_seen,skipped: private,failed items")
    assert "'=cmd()" in table[2]
    file = tmp_path / "report.html"
    assert with_task("report", str(ended.id), "--output", str(file)).code == 0
    assert file.read_text().startswith("<!DOCTYPE html>")
    assert with_task("report", "99").code == 64


def test_a_site_is_exported_planned_and_applied(with_task: Command, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    assert with_task("export", "--output", str(file)).code == 0
    assert with_task("plan", str(file)).out == "Nothing to change.\n"
    assert with_task("plan", str(file), "--check").code == 0
    file.write_text(file.read_text().replace("exclude_inbox = false", "exclude_inbox = true"))
    ran = with_task("plan", str(file), "--check")
    assert ran.code == 1
    told = "~ definition MFR Everything\n    Exclude Inbox: off -> on\n"
    assert ran.out == "Would apply:\n" + told
    assert with_task("apply", str(file)).out == "Applied:\n" + told
    assert with_task("apply", str(file)).out == "Nothing to change.\n"
    file.write_text("[[task]]\n")
    ran = with_task("apply", str(file))
    assert ran.code == 64
    assert "task no. 1: description: is missing" in ran.err


@pytest.fixture
def pruning(with_task: Command, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Applies an empty text with --prune while an engine removes the task 'Sales' and `meanwhile` happens."""
    file = tmp_path / "empty.toml"
    file.write_text("")

    def prune(meanwhile: Callable[[], object]) -> Ran:
        open_site(home)
        (task,) = queries.tasks_of_type()
        told_before = TaskCommand.select().count()
        monkeypatch.setattr(queries, "engine_holder", lambda _: "an engine")

        def removing() -> None:
            with keep_connection():
                until(lambda: TaskCommand.select().count() > told_before, seconds=60)
                meanwhile()
                remove(task.id, keep_history=True, now=now())

        engine = Thread(target=removing)
        engine.start()
        told = with_task("apply", str(file), "--prune", "--yes")
        engine.join()
        return told

    return prune


def test_what_is_pruned_is_told_to_go_and_waits_for_an_engine(with_task: Command, tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    file.write_text("")
    told = with_task("apply", str(file), "--prune", "--yes")
    assert "- task Sales: told to go; an engine removes it; its history stays" in told.out
    assert "... definition MFR Everything: removed when its task is gone" in told.out
    assert "applied again" in told.err
    assert with_task("definition", "list").out.count("Everything") == 1


def test_what_waited_for_a_pruned_task_follows_once_an_engine_has_removed_it(
    with_task: Command, pruning: Callable[..., Ran]
) -> None:
    told = pruning(lambda: None)
    assert "- task Sales: told to go" in told.out
    assert "- definition MFR Everything\n- schedule Nightly\n" in told.out
    assert "..." not in told.out
    assert "Everything" not in with_task("definition", "list").out


def test_what_somebody_else_makes_while_pruning_waits_stays(with_task: Command, pruning: Callable[..., Ran]) -> None:
    told = pruning(lambda: create_definition(TaskType.FOLDER_REPLICATION, "Another", {}))
    assert "Another" not in told.out and "applied again" in told.err
    assert "Another" in with_task("definition", "list").out


def test_planning_says_whether_tasks_keep_up(with_task: Command) -> None:
    ran = with_task("planning")
    assert ran.code == 0
    assert "not known yet" in ran.out
    ran = with_task("planning", "Sales", "--more-mailboxes", "10", "--every", "60")
    assert ran.code == 0
    assert "Nothing was measured yet" in ran.out
    assert json.loads(with_task("planning", "Sales", "--json").out)["plan"]["capacity"]["fit"] == "not known yet"
    assert with_task("planning", "--every", "60").code == 64


def test_what_has_not_ended_or_not_changed_is_not_said_to_have(with_task: Command, home: Home) -> None:
    open_database(home.database)
    execution = Execution.create(task=Task.get(), trigger="schedule", started=now(), definition="{}")
    Leases().take(task_key(Task.get().id), "an engine")
    listed, told = with_task("log").out, with_task("log", "--execution", str(execution.id)).out
    assert "never run" not in listed + told
    assert "running" in listed
    assert "Result     running" in told
    assert with_task("planning").out.splitlines()[-1].rstrip().endswith(" -")
    for command in (("definition", "set", "MFR", "Everything"), ("task", "set", "Sales", "--schedule", "Nightly")):
        assert with_task(*command).out == "Nothing was changed: it is so already.\n"
    ran = with_task("log", "--engine", "--task", "nosuch")
    assert ran.code == 64
    assert "There is no task 'nosuch'" in ran.err
    assert with_task("log", "--engine", "--task", "sales").code == 0
