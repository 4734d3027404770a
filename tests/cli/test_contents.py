"""What mailboxes hold comes out to auditors alone, whichever command is asked, and each look of theirs is recorded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mse_tui.access import roles
from mse_tui.access.roles import Role
from mse_tui.home import Home
from mse_tui.store.access import AccessGrant
from mse_tui.store.models import Audit, MailboxResult, Message
from tests.cli.conftest import Command
from tests.cli.test_every_command import COMMANDS, NO_JSON, READS
from tests.cli.test_json import ARGUMENTS
from tests.screens.calendar_seed import seed_calendars
from tests.screens.care_seed import seed_retention, seed_stubs
from tests.screens.log_seed import seed_log
from tests.screens.seed import seed

SAID = ("Figures, week", "works.council", "Prosjekter", "figures.csv", "Dismissal", "Divorce")
"""Subjects, senders, folders and names of attachments that the archive, its stubs and the results have."""
RESULT = 14
"""The execution with a failed item."""


@pytest.fixture
def filled(home: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A site that has something of everything, for people whose groups are named as the roles are."""
    from mse_tui.actions.opening import open_site

    open_site(home)
    seed(home, engine="")
    seed_log(home)
    seed_calendars(home)
    seed_stubs()
    seed_retention()
    AccessGrant.update(remote_id="AAMk").where(AccessGrant.remote_id != "").execute()
    Message.update(sender="works.council@fjordline.example").execute()
    failed = [{"item": "Inbox/Divorce: Dismissal of Q.", "reason": "item-corrupt", "message": "The server refused it."}]
    MailboxResult.update(failures=json.dumps(failed)).where(MailboxResult.reason == "item-corrupt").execute()
    given = "\n".join(f'{role} = ["{role}s"]' for role in Role)
    home.config.write_text(f"[roles]\n{given}\n")
    yield home
    roles.use_roles(roles.Roles())


def be(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({f"{role}s"}))


def looks() -> list[tuple[str, str]]:
    return [(row.action, row.subject) for row in Audit.select().order_by(Audit.id) if "look" in row.action]


@pytest.mark.parametrize("options", [(), ("--read-only",)])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.DESTRUCTIVE])
def test_no_command_that_looks_tells_what_mailboxes_hold(
    filled: Home,
    mse_tui: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    role: Role,
    options: tuple[str, ...],
) -> None:
    be(role, monkeypatch)
    monkeypatch.chdir(tmp_path)
    answered = []
    for path in sorted(READS - {"archive index", "completion", "doctor"}):
        for form in ((), *((("--json",),) if path not in NO_JSON else ())):
            arguments = ARGUMENTS.get(path, ()) if path != "report" else (str(RESULT),)
            ran = mse_tui(*options, *path.split(), *arguments, *form)
            assert not [said for said in SAID if said in ran.out + ran.err], (path, form, ran)
            answered += [path] if ran.out else []
    for form in ("--csv", "--html"):
        if form in {name for each in COMMANDS["report"].params for name in each.opts}:
            ran = mse_tui(*options, "report", str(RESULT), form)
            assert not [said for said in SAID if said in ran.out + ran.err], (form, ran)
    assert {"stub list", "stub show", "log", "report", "status", "task show", "purge list"} <= set(answered)


def test_a_stub_is_shown_without_what_it_says(filled: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    be(Role.VIEWER, monkeypatch)
    listed = mse_tui("stub", "list").out
    assert "ann.lindqvist@fjordline.example" in listed and "Big attachments" in listed and "4.8 MiB" in listed
    shown = mse_tui("stub", "show", "1").out
    assert "Big attachments" in shown and f"{1:032x}" in shown and "auditor" in shown
    found = json.loads(mse_tui("stub", "list", "--json").out)
    assert {(row["subject"], row["sender"], row["folder"]) for row in found["stubs"]} == {(None, None, None)}
    assert found["total"] == 3
    assert looks() == []


def test_nobody_guesses_subjects_and_folders_by_asking_for_them(
    filled: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(Role.VIEWER, monkeypatch)
    for text in ("week 2", "works.council"):
        assert json.loads(mse_tui("stub", "list", "--text", text, "--json").out)["total"] == 0
    assert json.loads(mse_tui("stub", "list", "--text", f"{2:032x}", "--json").out)["total"] == 1
    for folder in ("Inbox", "No such"):
        ran = mse_tui("stub", "list", "--mailbox", "ann.lindqvist@fjordline.example", "--folder", folder)
        assert "role-missing" in ran.err
    be(Role.DESTRUCTIVE, monkeypatch)
    told = mse_tui("stub", "revoke", "--text", "week 2", "--what-if").out
    assert f"{2:032x}" not in told


def test_an_auditor_sees_it_and_is_recorded(filled: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    be(Role.AUDITOR, monkeypatch)
    assert "Figures, week 1" in mse_tui("stub", "list", "--mailbox", "ann.lindqvist@fjordline.example").out
    assert "works.council" in mse_tui("stub", "show", "1").out
    assert "Figures, week 2" in mse_tui("stub", "list", "--text", "week 2").out
    assert looks() == [
        ("look at stubs", "ann.lindqvist@fjordline.example"),
        ("look at stubs", "ann.lindqvist@fjordline.example"),
        ("look at stubs", "all mailboxes"),
    ]
    assert "week 2" in Audit.select().order_by(Audit.id.desc()).first().after


def test_failed_items_are_named_to_an_auditor_alone(
    filled: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(Role.VIEWER, monkeypatch)
    for ran in (mse_tui("log", "--execution", str(RESULT)), mse_tui("report", str(RESULT))):
        assert "The server refused it." in ran.out and "item-corrupt" in ran.out
    (failure,) = _failures(mse_tui)
    assert failure == {"item": None, "reason": "item-corrupt", "message": "The server refused it."}
    assert looks() == []
    be(Role.AUDITOR, monkeypatch)
    (failure,) = _failures(mse_tui)
    assert failure["item"] == "Inbox/Divorce: Dismissal of Q."
    assert looks() == [("look at failed items", "bo.akerman@fjordline.example")]
    mse_tui("log", "--execution", "1")
    assert len(looks()) == 1, "nothing failed there"


def test_what_a_dry_run_would_change_is_named_to_an_auditor_alone(
    filled: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [{"item": "Inbox/Divorce: Terms", "reason": "dry-run", "message": "Would be deleted, 2 KiB."}]
    MailboxResult.update(failures=json.dumps(listed)).where(MailboxResult.execution == RESULT).execute()
    be(Role.VIEWER, monkeypatch)
    told = mse_tui("log", "--execution", str(RESULT)).out
    assert "Would be deleted, 2 KiB." in told and "Divorce" not in told and looks() == []
    be(Role.AUDITOR, monkeypatch)
    assert "Inbox/Divorce: Terms: Would be deleted, 2 KiB." in mse_tui("log", "--execution", str(RESULT)).out
    assert looks() != []


def _failures(mse_tui: Command) -> list[dict[str, str]]:
    found = json.loads(mse_tui("log", "--execution", str(RESULT), "--json").out)
    return [failure for one in found["mailboxes"] for failure in one["failures"]]


def test_the_folder_that_is_worked_on_is_an_auditor_s_to_know(
    filled: Home, mse_tui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(Role.VIEWER, monkeypatch)
    told = mse_tui("task", "show", "Everyone, nightly").out
    assert "carla.moreau" in told and "4,312" in told and "Prosjekter" not in told
    be(Role.AUDITOR, monkeypatch)
    assert "Prosjekter" in mse_tui("task", "show", "Everyone, nightly").out
