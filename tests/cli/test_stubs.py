"""Stubs and restoring from the command line, on a practice organisation whose mailbox was stubbed."""

import json
import re
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from mse_tui.access import roles
from mse_tui.archive.packs import Packs
from mse_tui.cli import stub as stub_commands
from mse_tui.engine.giving_back import GivingBack
from mse_tui.engine.leases import Leases
from mse_tui.exchange.ews import connect
from mse_tui.exchange.ews_editing import EwsEditing
from mse_tui.exchange.rows import ItemFailure
from mse_tui.features.restoring import Restoring
from mse_tui.home import Home
from mse_tui.reasons import Reason
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.database import open_database
from mse_tui.store.lease_keys import mailbox_key
from mse_tui.store.models import ArchiveMailbox, Audit, Message, Placement
from mse_tui.store.retention import Expiry
from mse_tui.store.stubs import Stub, StubLink
from mse_tui.terms import EXIT_INTERRUPTED, EXIT_LOCKED, EXIT_USAGE
from tests.cli.conftest import Command
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.managing import Management
from tests.features.replicating import make_task
from tests.features.retaining import Managing, policy
from tests.features.retaining import definition as managed_folders
from tests.support.owner import Owner

BIG = bytes(range(256)) * 200


class Site:
    """A site with two stubbed messages of one owner."""

    def __init__(self, home: Home, server: SandboxServer) -> None:
        user, self.password = server.service_account
        home.config.write_text(
            f'[exchange]\nendpoint = "{server.url}"\nauth = "basic"\nuser = "{user}"\n'
            f'password_env = "{PASSWORD_VARIABLE}"\n'
        )
        open_database(home.database)
        self.owner = Owner(server)
        for number in (1, 2):
            self.owner.add(number, attachments=[("a.bin", BIG)])
        with opened(connect(settings(server.url, user=user), Halts()), self.owner.address) as mailbox:
            Management(mailbox, Packs(home.archive)).run()
            self.guid = mailbox.identity().guid
        self.address = self.owner.address
        self.packs = home.archive

    def contents(self, folder: str = "inbox") -> list[bytes]:
        store = self.owner.store
        return [store.content(row) for row in store.items(self.owner.folder(folder))]

    def originals(self) -> int:
        return sum(b"a.bin.html" not in content and b"a.bin" in content for content in self.contents())


@pytest.fixture
def site(home: Home, server, monkeypatch) -> Site:
    monkeypatch.setenv(PASSWORD_VARIABLE, server.service_account[1])
    return Site(home, server)


def test_the_registry_says_what_was_stubbed(site: Site, mse_tui: Command) -> None:
    listed = mse_tui("stub", "list").out
    assert "Message 1" in listed and "Message 2" in listed and site.address in listed and "complete" in listed
    assert re.search(r"1-2 of 2; [\d.]+ KiB saved", listed)
    assert "Message 2" not in mse_tui("stub", "list", "--text", "message 1").out
    assert "No stubs" in mse_tui("stub", "list", "--state", "lost").out
    found = json.loads(mse_tui("stub", "list", "--json").out)
    assert found["total"] == 2 and found["saved"] > 2 * len(BIG)
    key = found["stubs"][0]["key"]
    shown = mse_tui("stub", "show", key).out
    assert key in shown and "Message 2" in shown and "attachment stub" in shown


def test_a_stub_says_the_whole_path_of_its_folder(home: Home, server, site: Site, mse_tui: Command) -> None:
    owner, parent = Owner(server), 0
    parent = owner.store.distinguished_folder(owner.mailbox.id, "msgfolderroot").id
    for name in ("Projects", "Beacon 40", "Drawings"):
        parent = owner.store.add_folder(owner.mailbox.id, parent, name).id
    owner.store.move_item(owner.add(3, attachments=[("a.bin", BIG)]), parent)
    with opened(connect(settings(server.url, user=server.service_account[0]), Halts()), owner.address) as mailbox:
        Management(mailbox, Packs(site.packs)).run()
    (found,) = json.loads(mse_tui("stub", "list", "--mailbox", owner.address, "--json").out)["stubs"]
    assert found["folder"] == "Projects/Beacon 40/Drawings"
    listed = mse_tui("archive", "ls", owner.address, found["folder"])
    assert listed.code == 0 and "Message 3" in listed.out


@pytest.mark.parametrize(
    "words",
    [("stub", "check"), ("stub", "rehydrate", "--text", "Message", "--yes"), ("archive", "restore", "1", "--yes")],
)
def test_somebody_new_with_the_address_gets_nothing_and_loses_no_stub(
    site: Site, mse_tui: Command, words: tuple[str, ...]
) -> None:
    """The mailbox was made anew under its address: what is archived is of the one before."""
    ArchiveMailbox.update(guid="of the one before").execute()
    ran = mse_tui(*words)
    assert ran.code != 0 and "another mailbox now" in ran.out + ran.err
    assert {row.state for row in Stub.select()} == {"complete"}
    assert site.originals() == 0


def test_a_mailbox_that_cannot_be_looked_at_keeps_no_other_from_being_checked(site: Site, mse_tui: Command) -> None:
    other = ArchiveMailbox.create(guid="other", address="a.former@nordlicht.example", display_name="Former")
    first = Stub.select().order_by(Stub.id).first()
    first.mailbox = other.id
    first.save()
    ran = mse_tui("stub", "check")
    assert ran.code == 1
    assert "not looked at: " in ran.out and f"{site.address}: 1 of 1 stubs are as they were made" in ran.out
    assert "not looked at" not in mse_tui("stub", "check", "--mailbox", other.address).out, "the one named is refused"


def test_one_stub_and_then_the_rest_are_rehydrated(site: Site, mse_tui: Command) -> None:
    first = Stub.select().order_by(Stub.id).first().id
    assert "1 put back" in mse_tui("stub", "rehydrate", str(first), "--yes").out
    assert site.originals() == 1
    assert mse_tui("stub", "rehydrate").code == EXIT_USAGE
    assert "1 put back" in mse_tui("stub", "rehydrate", "--mailbox", site.address, "--yes").out
    assert site.originals() == 2
    assert "0 put back" in mse_tui("stub", "rehydrate", "--all", "--yes").out
    assert [row.action for row in Audit.select()].count("rehydrate") == 2


@pytest.fixture
def deleted(home: Home, server, site: Site) -> Owner:
    """An owner of whose messages storage management has deleted two."""
    user, _ = server.service_account
    owner = Owner(server)
    for number in (1, 2):
        owner.add(number, attachments=[("a.bin", BIG)])
    with opened(connect(settings(server.url, user=user), Halts()), owner.address) as mailbox:
        Management(mailbox, Packs(site.packs), make_task("deletes")).run(action="delete")
    assert not owner.store.items(owner.folder("inbox"))
    return owner


def test_what_was_deleted_is_said_with_the_way_it_comes_back(deleted: Owner, mse_tui: Command) -> None:
    told = mse_tui("stub", "rehydrate", "--mailbox", deleted.address, "--yes")
    way = f"mse-tui archive restore --deleted --mailbox {deleted.address}"
    assert (told.code, "0 put back" in told.out) == (1, True)
    assert f"2 messages were deleted and left no stubs. To put them back: {way}\n" in told.err
    assert way in mse_tui("stub", "rehydrate", "--mailbox", deleted.address, "--what-if").err
    told = mse_tui("stub", "rehydrate", "--mailbox", deleted.address, "--yes", "--json")
    assert json.loads(told.out)["deleted"] == 2
    one = Stub.get(Stub.state == "deleted")
    number = json.loads(mse_tui("stub", "show", str(one.id), "--json").out)["placement_id"]
    told = mse_tui("stub", "rehydrate", str(one.id), "--yes").err
    assert f"1 message was deleted and left no stub. To put it back: mse-tui archive restore {number}\n" in told
    assert "2 put back" in mse_tui(*way.split()[1:], "--yes").out
    assert len(deleted.store.items(deleted.folder("inbox"))) == 2


def test_all_that_a_definition_deleted_is_restored_and_the_registry_knows(deleted: Owner, mse_tui: Command) -> None:
    definition = Stub.get(Stub.state == "deleted").definition
    words = ("archive", "restore", "--deleted", "--definition", definition)
    refused = mse_tui(*words)
    assert refused.code == EXIT_USAGE and "Restore 2 messages" in refused.err and "--yes" in refused.err
    assert not deleted.store.items(deleted.folder("inbox"))
    assert mse_tui(*words, "--what-if").code == 0
    assert Stub.select().where(Stub.state == "deleted").count() == 2
    assert "2 put back" in mse_tui(*words, "--yes").out
    assert len(deleted.store.items(deleted.folder("inbox"))) == 2
    assert not Stub.select().where(Stub.state == "deleted").count()
    assert Stub.select().where(Stub.state == "restored").count() == 2
    again = mse_tui(*words, "--yes")
    assert (again.code, again.out) == (0, "0 put back\n")


def test_a_message_says_who_took_it_out_of_the_mailbox(deleted: Owner, mse_tui: Command) -> None:
    stub = Stub.get(Stub.state == "deleted")
    number = str(json.loads(mse_tui("stub", "show", str(stub.id), "--json").out)["placement_id"])
    told = mse_tui("archive", "explain", number).out
    assert f"the archive keeps it for {deleted.address}" in told and f"{deleted.address} keeps it" not in told
    assert re.search(rf"Taken out +{deleted.address}, \S+ \S+: deleted, by the definition '", told)
    assert f"{stub.definition!r} (task '{stub.task.description}')" in told


def test_a_restore_that_was_ended_goes_on(deleted: Owner, mse_tui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("archive", "restore", "--deleted", "--mailbox", deleted.address, "--yes")
    with monkeypatch.context() as patched:
        patched.setattr(Restoring, "_is_back", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert mse_tui(*words).code != 0
    assert len(deleted.store.items(deleted.folder("inbox"))) == 1
    told = mse_tui(*words)
    assert (told.code, told.out) == (0, "2 put back\n")
    assert len(deleted.store.items(deleted.folder("inbox"))) == 2


def test_one_that_was_deleted_is_known_to_be_back(deleted: Owner, server, mse_tui: Command) -> None:
    stub = Stub.get(Stub.state == "deleted")
    number = str(json.loads(mse_tui("stub", "show", str(stub.id), "--json").out)["placement_id"])
    assert "1 put back" in mse_tui("archive", "restore", number, "--to", Owner(server).address, "--yes").out
    assert Stub.get_by_id(stub.id).state == "deleted", "another's mailbox has it"
    assert "1 put back" in mse_tui("archive", "restore", number, "--yes").out
    assert Stub.get_by_id(stub.id).state == "restored"


def test_what_its_owner_has_brought_back_is_not_put_there_twice(deleted: Owner, mse_tui: Command) -> None:
    words = ("archive", "restore", "--deleted", "--mailbox", deleted.address, "--from-folder", "Inbox", "--yes")
    deleted.add(1, attachments=[("a.bin", BIG)])
    told = mse_tui(*words)
    assert (told.code, "1 put back" in told.out, "already" in told.err) == (1, True, True)
    assert len(deleted.store.items(deleted.folder("inbox"))) == 2
    assert not Stub.select().where(Stub.state == "deleted").count()


@pytest.fixture
def tidied(site: Site, server) -> Site:
    """The site after managed folders have deleted both stubs, and a message that was none."""
    site.owner.add(3)
    user, _ = server.service_account
    with opened(connect(settings(server.url, user=user), Halts()), site.address) as mailbox:
        wanted = managed_folders(inbox=policy(delete=1))
        journal = Managing(mailbox, Packs(site.packs), make_task("tidies")).run(wanted)
    assert journal.counts["items_deleted"] == 3 and not site.contents()
    return site


def test_all_that_managed_folders_deleted_is_restored_together(tidied: Site, mse_tui: Command) -> None:
    for selection in (("--mailbox", tidied.address), ("--definition", Expiry.get().definition_name), ("--all",)):
        told = mse_tui("archive", "restore", "--deleted", *selection, "--what-if").out
        assert told.count("Would restore message") == 3, selection
    assert "Would" not in mse_tui("archive", "restore", "--deleted", "--text", "Message 9", "--what-if").out
    told = mse_tui("archive", "restore", "--deleted", "--mailbox", tidied.address, "--yes")
    assert (told.code, told.out) == (0, "3 put back\n")
    assert "may delete them again" in told.err
    assert len(tidied.contents()) == 3 and tidied.originals() == 2
    again = mse_tui("archive", "restore", "--deleted", "--all", "--yes")
    assert (again.code, again.out) == (0, "0 put back\n")
    assert "may delete them again" not in again.err


def test_stubs_that_a_policy_deleted_are_told_as_that(tidied: Site, mse_tui: Command) -> None:
    stub, by = Stub.select().order_by(Stub.id).first(), repr(Expiry.get().definition_name)
    shown = mse_tui("stub", "show", str(stub.id)).out
    assert re.search(f"State +lost, deleted by the definition {by}", shown)
    assert re.search("Size now +-", shown)
    checked = mse_tui("stub", "check")
    assert checked.code == 0 and f"(deleted by {by})" in checked.out
    assert "2 stubs are no longer there" in checked.out and "All is well" not in checked.out
    number = json.loads(mse_tui("stub", "show", str(stub.id), "--json").out)["placement_id"]
    for form in ("--what-if", "--yes"):
        told = mse_tui("stub", "rehydrate", str(stub.id), form).err
        assert f"To put its original where it lay: mse-tui archive restore {number}\n" in told
    explained = mse_tui("archive", "explain", str(number)).out
    assert "may come back from Recoverable Items" in explained and "lies in a mailbox" not in explained
    assert "since lost" not in explained and f"by the definition {by}" in explained
    assert "1 put back" in mse_tui("archive", "restore", str(number), "--yes").out
    assert "since put back" in mse_tui("archive", "explain", str(number)).out


@pytest.mark.parametrize(
    "words", [(), ("--deleted",), ("1", "--deleted", "--all"), ("1", "--mailbox", "x"), ("--all",)]
)
def test_a_restore_says_what_it_restores(site: Site, mse_tui: Command, words: tuple[str, ...]) -> None:
    assert mse_tui("archive", "restore", *words, "--yes").code == EXIT_USAGE


def test_numbers_are_the_archives_own(site: Site, mse_tui: Command) -> None:
    """Where a script finds a message's number, the archive's commands take it."""
    Placement.update(id=Placement.id + 1000).execute()
    for row in json.loads(mse_tui("stub", "list", "--json").out)["stubs"]:
        assert "message_id" not in row
        shown = mse_tui("archive", "cat", str(row["placement_id"]), "--text").out
        assert row["subject"] in shown
        assert f"no. {row['placement_id']} in the archive" in mse_tui("stub", "show", str(row["id"])).out
    told = mse_tui("archive", "restore", str(row["placement_id"]), "--what-if", "--to", site.address).out
    assert str(row["placement_id"]) in told


def test_a_mailbox_that_a_task_works_on_is_left_alone(site: Site, mse_tui: Command) -> None:
    held = Leases().take(mailbox_key(site.guid), "a task")
    assert mse_tui("stub", "rehydrate", "--all", "--yes").code == EXIT_LOCKED
    held.release()
    assert site.originals() == 0


def test_a_check_tells_what_became_of_stubs(site: Site, mse_tui: Command) -> None:
    assert mse_tui("stub", "check").code == 0
    store = site.owner.store
    moved, lost = [row["id"] for row in store.items(site.owner.folder("inbox"))]
    store.move_item(moved, site.owner.folder("drafts"))
    store.delete_item(lost)
    told = mse_tui("stub", "check").out
    assert "0 of 2 stubs are as they were made" in told and "moved" in told and "no longer there" in told
    again = mse_tui("stub", "check").out
    assert "1 of 2 stubs" in again and "moved" not in again
    assert sorted(row.state for row in Stub.select()) == ["complete", "lost"]
    copied = store.items(site.owner.folder("drafts"))[0]["id"]
    store.copy_item(copied, site.owner.folder("inbox"))
    assert "copied" in mse_tui("stub", "check").out
    for path in (path for directory in site.packs.iterdir() for path in directory.iterdir()):
        path.unlink()
    dangling = mse_tui("stub", "check")
    assert dangling.code == 2 and "without their original" in dangling.out


def test_a_check_finds_a_lost_stub_that_is_back(site: Site, mse_tui: Command) -> None:
    store = site.owner.store
    here, there = site.owner.folder("inbox"), site.owner.folder("drafts")
    store.copy_item(store.items(here)[0]["id"], there)
    for row in store.items(here):
        store.delete_item(row["id"])
    Stub.update(state="lost").execute()
    assert "1 of 2 stubs" not in mse_tui("stub", "check").out
    assert sorted(row.state for row in Stub.select()) == ["complete", "lost"]
    assert "1 of 2 stubs" in mse_tui("stub", "check").out


def test_a_check_that_cannot_look_at_a_stub_loses_none(site: Site, mse_tui: Command, server, monkeypatch) -> None:
    busy = ItemFailure("", Reason.THROTTLED, "Later.")
    monkeypatch.setattr(EwsEditing, "details", lambda _, ids, **__: [replace(busy, remote_id=each) for each in ids])
    assert mse_tui("stub", "check").code != 0
    assert {row.state for row in Stub.select()} == {"complete"}


def test_revoked_links_open_nothing(site: Site, mse_tui: Command) -> None:
    assert "4 links revoked" in mse_tui("stub", "revoke", "--all", "--yes").out
    assert StubLink.select().where(StubLink.revoked.is_null()).count() == 0
    assert "0 links revoked" in mse_tui("stub", "revoke", "--all", "--yes").out


def test_a_stub_that_is_named_is_not_one_whose_subject_quotes_its_id(site: Site, mse_tui: Command) -> None:
    chosen, other = Stub.select().order_by(Stub.id)
    Message.update(subject=f"Re: {chosen.key}").where(Message.id == other.message_id).execute()
    assert "2 links revoked" in mse_tui("stub", "revoke", chosen.key, "--yes").out
    assert {row.stub_id for row in StubLink.select().where(StubLink.revoked.is_null(False))} == {chosen.id}
    assert "1 put back" in mse_tui("stub", "rehydrate", chosen.key, "--yes").out
    assert Stub.get_by_id(other.id).state == "complete"


@pytest.mark.parametrize("text", ["übersicht", "ÜBERSICHT", "ΣΊΣΥΦΟΣ", "strasse", "100% (_!)"])
def test_text_is_found_in_any_alphabet_and_case(site: Site, mse_tui: Command, text: str) -> None:
    Message.update(subject="Übersicht Σίσυφος Hauptstraße 100% (_!)").where(
        Message.id == Stub.get().message_id
    ).execute()
    assert json.loads(mse_tui("stub", "list", "--text", text, "--json").out)["total"] == 1
    told = mse_tui("stub", "rehydrate", "--text", text, "--what-if").out
    assert told.startswith("Would put back 1 stub in")


def test_archived_messages_are_restored(site: Site, mse_tui: Command, server) -> None:
    store = site.owner.store
    for row in store.items(site.owner.folder("inbox")):
        store.delete_item(row["id"])
    first, second = [str(row.id) for row in Placement.select().order_by(Placement.id)]
    assert "2 put back" in mse_tui("archive", "restore", first, second, "--yes").out
    assert site.originals() == 2
    skipped = mse_tui("archive", "restore", first, "--yes")
    assert skipped.code == 1 and "has the message already" in skipped.err
    other = Owner(server)
    told = mse_tui("archive", "restore", first, "--to", other.address, "--folder", "From archive/Mine", "--yes")
    assert "1 put back" in told.out
    names = [folder.name for folder in store.folders(other.mailbox.id)]
    assert "From archive" in names and "Mine" in names
    assert {"restore", "look into archive"} <= {row.action for row in Audit.select()}


def test_what_a_restore_would_do_is_asked_of_the_mailbox(site: Site, mse_tui: Command) -> None:
    store, number = site.owner.store, str(Placement.select().order_by(Placement.id).first().id)
    tries = ("archive", "restore", number, "--what-if")
    where = f"message {number} to {site.address}, Inbox"
    assert mse_tui(*tries).out == f"Would leave {where}: it is there already\n"
    assert mse_tui(*tries, "--collision", "copy").out == f"Would restore {where}, beside the one that is there\n"
    for row in store.items(site.owner.folder("inbox")):
        store.delete_item(row["id"])
    assert mse_tui(*tries).out == f"Would restore {where}\n"
    assert mse_tui(*tries, "--folder", "New/Deep").out.endswith("New/Deep, which would be made\n")
    (told,) = json.loads(mse_tui(*tries, "--json").out)["messages"]
    assert (told["placement_id"], told["folder"], told["is_there"]) == (int(number), "Inbox", False)
    assert not store.items(site.owner.folder("inbox"))
    held = Leases().take(mailbox_key(site.guid), "a task")
    assert mse_tui(*tries).code == EXIT_LOCKED
    held.release()
    nobody = mse_tui(*tries, "--to", "nobody@example.test")
    assert (nobody.code == 0, "Reason: mailbox-not-found" in nobody.err) == (False, True)
    assert "group" not in nobody.err and "--to MAILBOX" in nobody.err


def test_who_tries_a_restore_reads_nothing_of_the_messages(
    site: Site, mse_tui: Command, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    placement = Placement.select().order_by(Placement.id).first()
    placement.message.subject, placement.message.sender = "Dismissal of Q.", "works.council@example.com"
    placement.message.save()
    audited = Audit.select().count()
    with home.config.open("a") as file:
        file.write('\n[roles]\noperator = ["helpdesk"]\nauditor = ["auditors"]\ndestructive = ["leads"]\n')
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"helpdesk"}))
    try:
        for form in ((), ("--json",)):
            told = mse_tui("archive", "restore", str(placement.id), "--what-if", *form)
            assert told.code == 0, told.err
            assert site.owner.address in told.out and "Inbox" not in told.out
            assert not any(said in told.out for said in ("Dismissal", "works.council"))
        assert Audit.select().count() == audited
        for refused in (("--to", "eve@example.com"), ("--collision", "replace")):
            assert "role-missing" in mse_tui("archive", "restore", str(placement.id), "--what-if", *refused).err
    finally:
        roles.use_roles(roles.Roles())


def test_the_engine_answers_what_the_screens_ask(site: Site, server) -> None:
    user, _ = server.service_account
    exchange = connect(settings(server.url, user=user), Halts())
    answers = GivingBack(exchange, Packs(site.packs), Event()).by_kind
    stub = Stub.select().order_by(Stub.id).first().id
    assert answers["rehydrate"]({"stubs": [stub]}) == {"restored": 1, "problems": [], "deleted_before": 0}
    assert site.originals() == 1
    placement = Placement.select().order_by(Placement.id).first().id
    asked = {"placements": [placement], "address": "", "path": "", "collision": "skip"}
    assert answers["restore"](asked)["restored"] == 0
    assert answers["restore"]({**asked, "collision": "copy"}) == {"restored": 1, "problems": [], "deleted_before": 0}
    exchange.close()
    assert site.originals() == 2


def test_putting_back_asks_and_says_how_much(site: Site, mse_tui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for words, named in (
        (("stub", "rehydrate", "--all"), f"Put 2 originals (100.9 KiB) back into {site.address}?"),
        (("archive", "restore", "1"), "Restore 1 message into the mailboxes that they were archived from?"),
        (("archive", "restore", "1", "--to", site.address), f"Restore 1 message into {site.address}?"),
    ):
        refused = mse_tui(*words)
        assert refused.code == EXIT_USAGE
        assert re.sub(r"\(.*?\)", "()", named) in re.sub(r"\(.*?\)", "()", refused.err) and "--yes" in refused.err
    assert site.originals() == 0


def test_what_would_be_done_is_said_by_mailbox(site: Site, mse_tui: Command) -> None:
    told = mse_tui("stub", "rehydrate", "--all", "--what-if", "--yes").out
    assert told.startswith(f"Would put back 2 stubs in {site.address}:\n    {site.address}: 2 stubs, ")
    assert told.endswith("before: no. 1, 2\n")
    told = mse_tui("stub", "revoke", "--all", "--what-if").out
    assert told.startswith(f"Would revoke 4 links of 2 stubs in {site.address}:")
    assert json.loads(mse_tui("stub", "revoke", "--all", "--what-if", "--json").out)["links"] == 4
    assert StubLink.select().where(StubLink.revoked.is_null()).count() == 4


def test_names_that_nobody_has_are_not_found(site: Site, mse_tui: Command) -> None:
    definition = Stub.get().definition
    assert mse_tui("stub", "list", "--definition", definition.upper()).out.count("complete") == 2
    for words in (
        ("stub", "list", "--definition", "nope"),
        ("stub", "rehydrate", "--definition", "nope", "--yes"),
        ("stub", "revoke", "--definition", "nope", "--yes"),
        ("archive", "ls", "--as", "nosuch@example.com"),
        ("archive", "search", "week", "--as", "nosuch@example.com"),
    ):
        refused = mse_tui(*words)
        assert (refused.code, "Reason: not-found" in refused.err) == (EXIT_USAGE, True), (words, refused)


def test_a_check_says_where_it_is_and_asks_about_many_folders_at_once(site: Site, mse_tui: Command, server) -> None:
    before = server.statistics.requests("FindItem")
    assert f"1 of 1 mailbox: {site.address}" in mse_tui("stub", "check").err
    assert server.statistics.requests("FindItem") - before == 1
    store = site.owner.store
    for row in store.items(site.owner.folder("inbox")):
        store.delete_item(row["id"])
    mse_tui("stub", "check")
    before = server.statistics.requests("FindItem")
    mse_tui("stub", "check")
    assert server.statistics.requests("FindItem") - before == 1, "known to be lost: looked for once"


def test_stubs_without_links_are_warned_of(site: Site, mse_tui: Command, home: Home) -> None:
    said = "Stubs would have no links: [web] public_url is not set."
    assert said in mse_tui("definition", "new", "MSM", "Old mail").err
    assert said in mse_tui("definition", "set", "MSM", "Old mail", "--older-than-days", "90").err
    assert said in mse_tui("doctor").out
    assert said not in mse_tui("definition", "new", "MSM", "Old junk", "--action", "delete").err
    with home.config.open("a") as file:
        file.write('\n[web]\npublic_url = "https://archive.example.test"\n')
    assert said not in mse_tui("definition", "set", "MSM", "Old mail", "--older-than-days", "80").err
    assert said not in mse_tui("doctor").out


def test_who_ends_it_is_told_how_many_are_back_and_that_it_goes_on(
    site: Site, mse_tui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = stub_commands.tell_putting_back(False)

    def interrupted(*answer: Any) -> None:
        tell(*answer)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stub_commands, "tell_putting_back", lambda _: interrupted)
        ended = mse_tui("stub", "rehydrate", "--all", "--yes")
    assert ended.code == EXIT_INTERRUPTED
    assert "Ended: 1 original is back. The same command goes on with the rest." in ended.err
    assert "Aborted" not in ended.err
    assert "1 put back" in mse_tui("stub", "rehydrate", "--all", "--yes").out
    assert site.originals() == 2


def test_who_rehydrates_is_told_that_the_task_may_come_again(site: Site, mse_tui: Command) -> None:
    assert "may stub them again" in mse_tui("stub", "rehydrate", "--all", "--yes").err
    assert "may stub them again" not in mse_tui("stub", "rehydrate", "--all", "--yes").err
