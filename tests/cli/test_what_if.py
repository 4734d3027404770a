"""--what-if: every check is made, the change is told, and nothing is changed; --json tells both in one shape."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mse_tui.access import roles
from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import now, open_database
from mse_tui.store.models import ArchiveMailbox, Audit, HaltedAccount, Task
from mse_tui.store.models import Command as CommandRow
from tests.cli.conftest import Command

OPTIONS = ("--definition", "Everything", "--schedule", "Nightly", "--group", "bob@example.com")

CHANGES: dict[str, tuple[str, ...]] = {
    "create task": ("task", "new", "Service", *OPTIONS),
    "change task": ("task", "set", "Sales", "--schedule", "Noon"),
    "pause": ("task", "pause", "Sales"),
    "full resync": ("task", "resync", "Sales"),
    "remove": ("task", "remove", "Sales"),
    "create definition": ("definition", "new", "MFR", "Index", "--content", "metadata only"),
    "change definition": ("definition", "set", "MFR", "Everything", "--exclude-inbox"),
    "remove definition": ("definition", "remove", "Unused"),
    "create schedule": ("schedule", "new", "daily", "Dawn", "--at", "05:00"),
    "change schedule": ("schedule", "set", "daily", "Nightly", "--at", "23:00"),
    "remove schedule": ("schedule", "remove", "Noon"),
    "disable site": ("site", "disable"),
    "retry account": ("site", "retry"),
    "grant access": ("access", "grant", "eve@example.com", "ann@example.com"),
    "change retention": ("retention", "set", "--minimum-days", "30"),
    "place hold": ("hold", "place", "Case 7", "--mailbox", "ann@example.com"),
}


@pytest.fixture
def site(with_task: Command, home: Home) -> Command:
    """The site with the task 'Sales', things that nothing uses, an archived mailbox and a refused account."""
    assert with_task("definition", "new", "MFR", "Unused").code == 0
    assert with_task("schedule", "new", "daily", "Noon", "--at", "12:00").code == 0
    open_database(home.database)
    ArchiveMailbox.create(guid="g", address="ann@example.com", display_name="Ann")
    HaltedAccount.create(key="k", account="svc", since=now(), message="Refused.")
    return with_task


def everything(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    database = open_database(home.database)
    names = [row[0] for row in database.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    return {name: list(database.execute_sql(f'SELECT * FROM "{name}"').fetchall()) for name in names}


@pytest.mark.parametrize("action", list(CHANGES))
def test_it_tells_the_change_and_makes_none(site: Command, home: Home, action: str) -> None:
    before = everything(home)
    told = site(*CHANGES[action], "--what-if")
    assert told.code == 0, told.err
    assert f"Would {action}: " in told.out
    asked = json.loads(site(*CHANGES[action], "--what-if", "--json").out)
    assert (asked["what_if"], [change["action"] for change in asked["changes"]]) == (True, [action])
    assert everything(home) == before


def test_settings_are_told_as_they_are_shown(site: Command) -> None:
    daily = site("schedule", "set", "daily", "Nightly", "--at", "23:00", "--what-if")
    assert daily.out == "Would change schedule: Nightly\n    When: Daily at 22:00 -> Daily at 23:00\n"
    removal = site("task", "remove", "Sales", "--what-if")
    assert removal.out == "Would remove: Sales\n    Keep history: off\n"
    kept = site("retention", "set", "--minimum-days", "30", "--what-if")
    assert "Minimum (days): none -> 30" in kept.out


@pytest.mark.parametrize("action", list(CHANGES))
def test_what_it_told_is_what_is_done(site: Command, home: Home, action: str) -> None:
    asked = json.loads(site(*CHANGES[action], "--what-if", "--json").out)
    newest = Audit.select().count()
    yes = ("--yes",) if action.startswith(("remove", "grant", "revoke")) else ()
    done = json.loads(site(*CHANGES[action], *yes, "--json").out)
    assert done.pop("what_if") is False
    assert done["changes"] == asked["changes"]
    assert Audit.select().count() == newest + 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("task", "new", "Sales", *OPTIONS),
        ("task", "stop", "Sales"),
        ("definition", "remove", "Everything"),
        ("schedule", "remove", "Nightly"),
        ("hold", "lift", "1"),
        ("task", "set", "Sales", "--schedule", "Never"),
    ],
)
def test_what_would_be_refused_is_refused(site: Command, home: Home, arguments: tuple[str, ...]) -> None:
    before = everything(home)
    tried = site(*arguments, "--what-if")
    assert tried.code == 64
    assert tried.err == site(*arguments).err
    assert everything(home) == before


def test_who_may_not_change_may_not_try(site: Command, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config.write_text('[roles]\nviewer = ["helpdesk"]\n')
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"helpdesk"}))
    assert "role-missing" in site("site", "disable", "--what-if").err
    roles.use_roles(roles.Roles())


def test_what_changes_nothing_says_so(site: Command) -> None:
    assert site("site", "enable", "--what-if").out == "Nothing would be changed.\n"
    assert site("task", "set", "Sales", "--schedule", "Nightly", "--what-if").out == "Nothing would be changed.\n"


def test_a_text_is_tried_before_it_is_applied(site: Command, home: Home, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(site("export").out.replace("exclude_inbox = false", "exclude_inbox = true", 1))
    before = everything(home)
    assert site("apply", str(file), "--what-if").out == site("plan", str(file)).out
    assert everything(home) == before


def test_a_run_that_nobody_carries_out_yet_is_told_with_its_command(site: Command) -> None:
    told = json.loads(site("task", "run", "Sales", "--first", "1", "--json").out)
    assert told["changes"] == [{"action": "run now", "subject": "Sales", "before": "", "after": {"first": 1}}]
    assert CommandRow.get_by_id(told["command"]).verb == "run now"


def test_a_schedule_keeps_what_is_not_given(site: Command) -> None:
    def settings() -> dict[str, object]:
        return dict(json.loads(site("schedule", "show", "Nightly", "--json").out)["settings"])

    many = {"repeat": "many", "from": "08:00", "to": "18:00", "every_minutes": 30}
    steps: list[tuple[tuple[str, ...], Callable[[dict[str, object]], bool]]] = [
        (("daily", "Nightly", "--at", "23:00"), lambda now: now["timing"]["times"]["at"] == "23:00"),
        (("daily", "Nightly", "--on-missed", "skip"), lambda now: now["timing"]["times"]["at"] == "23:00"),
        (("weekly", "Nightly", "--days", "mon,fri"), lambda now: now["timing"]["times"]["at"] == "23:00"),
        (
            ("weekly", "Nightly", "--from", "08:00", "--to", "18:00", "--every", "30"),
            lambda now: now["timing"] == {"kind": "weekly", "days": ["Mon", "Fri"], "times": many},
        ),
        (("weekly", "Nightly", "--every", "60"), lambda now: now["timing"]["times"] == {**many, "every_minutes": 60}),
        (("daily", "Nightly", "--zone", "UTC"), lambda now: now["zone"] == "UTC" and now["on_missed"] == "skip"),
    ]
    for arguments, holds in steps:
        assert site("schedule", "set", *arguments).code == 0
        assert holds(settings()), (arguments, settings())
    for wrong in (
        ("weekly", "Nightly"),
        ("one-off", "Nightly"),
        ("daily", "Noon", "--every", "5"),
        ("daily", "Nightly", "--at", "1:00", "--every", "5"),
    ):
        assert site("schedule", "set", *wrong).code == 64, wrong
    assert site("schedule", "set", "daily", "Nightly", "--rename", "Late").code == 0
    assert queries.tasks_of_type()[0].schedule == "Late"
    assert Task.get().description == "Sales"
