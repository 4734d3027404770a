"""Mailboxes and people are named by address, user principal name or distinguished name, wherever they are named."""

import json

import pytest

from mse_tui.cli import questions
from mse_tui.directory.directory import Member, Membership
from mse_tui.engine import group_records
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.calendars import Calendar
from mse_tui.store.database import now, open_database
from mse_tui.store.models import ArchiveMailbox, Execution, Task
from mse_tui.store.models import Command as CommandRow
from mse_tui.store.retention import Hold, RetentionSetting
from tests.cli.conftest import Command

ADDRESS, SIGNS_IN, NAME = "ann@example.com", "ann@corp.local", "CN=Ann,OU=Staff,DC=corp,DC=local"
NAMES = (ADDRESS, "Ann@Example.com", SIGNS_IN, NAME)


class Directory:
    """Whoever answers for the site; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.problem: Problem | None = None

    def ask(self, _session: object, kind: str, arguments: dict[str, str]) -> dict[str, object]:
        assert kind == "find_mailbox"
        self.asked.append(arguments["text"])
        if self.problem is not None:
            raise self.problem
        known = {SIGNS_IN: ADDRESS, NAME: ADDRESS, "eve@corp.local": "eve@example.com"}
        if arguments["text"] not in known:
            raise Problem(Reason.MAILBOX_NOT_FOUND, f"No mailbox is called {arguments['text']!r}.")
        return {"address": known[arguments["text"]], "name": "", "seconds": 0.0}


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Directory:
    found = Directory()
    monkeypatch.setattr(questions, "ask", found.ask)
    return found


@pytest.fixture
def site(with_task: Command, home: Home) -> Command:
    open_database(home.database)
    ann = ArchiveMailbox.create(guid="g", address=ADDRESS, display_name="Ann")
    Calendar.create(mailbox=ann, remote_id="c", name="Calendar", opened=1)
    return with_task


COMMANDS = {
    "archive ls": lambda named: ("archive", "ls", named),
    "archive ls --as": lambda named: ("archive", "ls", "--as", named),
    "access list": lambda named: ("access", "list", named),
    "access list --person": lambda named: ("access", "list", "--person", named),
    "access explain": lambda named: ("access", "explain", "bob@example.com", named),
    "access changes": lambda named: ("access", "changes", "--mailbox", named, "--person", named),
    "access grant": lambda named: ("access", "grant", "bob@example.com", named, "--yes"),
    "calendar ls": lambda named: ("calendar", "ls", named),
    "retention show": lambda named: ("retention", "show", named),
    "retention set": lambda named: ("retention", "set", "--mailbox", named, "--minimum-days", "7"),
    "hold place": lambda named: ("hold", "place", "Case", "--mailbox", named),
    "stub list": lambda named: ("stub", "list", "--mailbox", named),
    "task run": lambda named: ("task", "run", "Sales", "--mailbox", named),
}


@pytest.mark.parametrize("words", [("hold", "place", "Case"), ("retention", "set", "--minimum-days", "7")])
def test_of_two_mailboxes_with_one_address_the_one_that_is_meant_is_held_and_ruled(
    site: Command, directory: Directory, words: tuple[str, ...]
) -> None:
    """The address was given to somebody new: a hold on the wrong one of the two would be none."""
    later = ArchiveMailbox.create(guid="h", address=ADDRESS, display_name="Ann's successor")
    ran = site(*words, "--mailbox", ADDRESS)
    assert ran.code != 0 and "2 archived mailboxes have the address" in ran.err
    assert Hold.select().count() == RetentionSetting.select().count() == 0
    for named in (str(later.id), later.guid):
        ran = site(*words, "--mailbox", named)
        assert ran.code == 0 or "has this hold already" in ran.err, ran.err
    assert {row.mailbox_id for table in (Hold, RetentionSetting) for row in table.select()} == {later.id}


@pytest.mark.parametrize("named", NAMES)
@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_name_of_a_mailbox_is_accepted(site: Command, directory: Directory, command: str, named: str) -> None:
    ran = site(*COMMANDS[command](named))
    assert ran.code == 0, ran.err


def test_an_address_that_the_archive_knows_is_asked_of_nobody(site: Command, directory: Directory) -> None:
    for named in (ADDRESS, "ANN@example.com", "1", "g"):
        assert site("archive", "ls", named).code == 0
    assert directory.asked == []


def test_a_run_is_told_the_address(site: Command, directory: Directory) -> None:
    site("task", "run", "Sales", "--mailbox", NAME)
    assert json.loads(CommandRow.get().arguments) == {"mailboxes": [ADDRESS]}


def test_a_person_who_is_not_archived_is_known_to_the_directory(site: Command, directory: Directory) -> None:
    assert "eve@example.com may see" in site("access", "grant", "eve@corp.local", SIGNS_IN, "--yes").out


def test_while_the_directory_is_down_addresses_work_and_other_names_say_why_not(
    site: Command, directory: Directory
) -> None:
    directory.problem = Problem(Reason.DIRECTORY_UNREACHABLE, "The directory is down.")
    assert site("archive", "ls", ADDRESS).code == 0
    assert site("access", "grant", "zoe@example.com", ADDRESS, "--yes").code == 0
    refused = site("archive", "ls", NAME)
    assert refused.code == 2
    assert "Reason: directory-unreachable" in refused.err
    unknown = site("archive", "ls", "zoe@example.com")
    assert unknown.code == 64
    assert "Reason: not-found" in unknown.err


def test_without_a_configuration_the_archive_is_read_by_addresses(site: Command) -> None:
    assert site("archive", "ls", ADDRESS).code == 0
    assert "Reason: not-found" in site("archive", "ls", "zoe@example.com").err
    assert "Reason: configuration-invalid" in site("archive", "ls", NAME).err


def test_a_task_is_run_on_nobody_who_is_not_in_its_group_and_is_no_mailbox(
    site: Command, directory: Directory, home: Home
) -> None:
    for options in ((), ("--what-if",), ("--wait",)):
        ran = site("task", "run", "Sales", "--mailbox", "nosuch@example.com", *options)
        assert ran.code == 64
        assert "Not in the task's group: nosuch@example.com." in ran.err
    assert CommandRow.select().count() == 0
    directory.problem = Problem(Reason.DIRECTORY_UNREACHABLE, "Nobody answers.")
    assert site("task", "run", "Sales", "--mailbox", "nosuch@example.com").code == 0


def test_who_was_in_the_group_is_not_asked_for(site: Command, directory: Directory, home: Home) -> None:
    open_database(home.database)
    execution = Execution.create(task=Task.get(), trigger="run now", started=now(), definition="{}")
    membership = Membership((Member("new@example.com", "New", "person", "alias@example.com"),), (), now())
    kept = group_records.keep(Task.get().id, membership)
    group_records.record(execution.id, kept, membership, None, "")
    for named in ("New@example.com", "alias@example.com"):
        assert site("task", "run", "Sales", "--mailbox", named).code == 0
    assert directory.asked == []
