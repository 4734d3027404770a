"""archive search and archive index from the command line."""

import json

import pytest

from mse_tui.access.grants import FolderKey, give
from mse_tui.archive.packs import Packs
from mse_tui.cli import questions
from mse_tui.home import Home
from mse_tui.store.database import open_database
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, Audit
from mse_tui.terms import EXIT_USAGE
from tests.cli.conftest import Command
from tests.features.practice_exchange import Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import FolderReplicationDefinition, Replication, make_task

ANN, BOB, EVE = "ann@example.test", "bob@example.com", "eve@example.com"
HOSTILE = "\x1b]0;owned\x07 \u202egnp.exe"


class Site:
    """Ann's mailbox, replicated and not yet indexed; Bob may see her Inbox."""

    def __init__(self, home: Home) -> None:
        open_database(home.database)
        self.server = PracticeExchange("ann")
        self.folders = {folder.name: folder.id for folder in self.server.live_folders()}
        for folder, key, sensitivity in (
            ("Inbox", "ferry", "Normal"), ("Inbox", "secret", "Private"), ("Sent Items", "sent", "Normal"),
        ):  # fmt: skip
            self.server.add_item(
                self.folders[folder], Mail(key, subject=f"{key} {HOSTILE}", text=f"harbour {HOSTILE}\r\n",
                                           sensitivity=sensitivity),
            )  # fmt: skip
        definition = FolderReplicationDefinition(skip_private=False)
        self.replication = Replication(PracticeMailbox(self.server), Packs(home.archive), make_task(), definition)
        self.replication.run()
        inbox = ArchiveFolder.get(ArchiveFolder.distinguished == "inbox")
        give(ArchiveMailbox.get().id, BOB, who="test", folder=FolderKey(inbox.area, inbox.remote_id), path="Inbox")

    def audited(self) -> list[tuple[str, str, str]]:
        return [(row.action, row.subject, row.after) for row in Audit.select().order_by(Audit.id)]


@pytest.fixture
def site(home: Home) -> Site:
    return Site(home)


@pytest.fixture
def indexed(site: Site, mse_tui: Command) -> Site:
    assert mse_tui("archive", "index").code == 0
    Audit.delete().execute()
    return site


def subjects(mse_tui: Command, *arguments: str) -> set[str]:
    ran = mse_tui("archive", "search", *arguments, "--json")
    assert ran.code == 0, ran.err
    return {hit["subject"].split()[0] for hit in json.loads(ran.out)["hits"]}


def test_what_waits_to_be_indexed_is_said(site: Site, mse_tui: Command) -> None:
    ran = mse_tui("archive", "search", "harbour")
    assert ran.code == 0
    assert "Nothing is found." in ran.out and "3 items wait to be indexed" in ran.out
    assert "at once: mse-tui archive index\n" in ran.out
    ran = mse_tui("archive", "index")
    assert ran.code == 0 and "Indexed" in ran.out and "3 messages and appointments" in ran.out
    ran = mse_tui("archive", "search", "harbour", "ferry")
    assert "ferry" in ran.out and "Inbox, live" in ran.out and ANN in ran.out and "harbour" in ran.out
    assert "The index holds everything that is archived." in ran.out


def test_a_message_that_has_left_the_mailbox_is_found_and_said_to_be_gone(indexed: Site, mse_tui: Command) -> None:
    for item in list(indexed.server.live_items(indexed.folders["Sent Items"])):
        indexed.server.delete_item(item.id)
    indexed.replication.run()
    assert "Sent Items, gone since" in mse_tui("archive", "search", "sent").out
    assert subjects(mse_tui, "harbour", "--view", "live") == {"ferry", "secret"}


def test_nothing_from_a_message_reaches_the_terminal_unescaped(indexed: Site, mse_tui: Command) -> None:
    out = mse_tui("archive", "search", "harbour").out
    assert not set("\x1b\x07\u202e") & set(out)
    assert "\\x1b]0;owned\\x07" in out


def test_narrowing_by_options_and_fields(indexed: Site, mse_tui: Command) -> None:
    assert subjects(mse_tui, "harbour") == {"ferry", "secret", "sent"}
    assert subjects(mse_tui, "harbour", "--folder", "Inbox") == {"ferry", "secret"}
    assert subjects(mse_tui, "harbour", "in:inbox") == {"ferry", "secret"}
    assert subjects(mse_tui, "harbour", "--mailbox", ANN) == {"ferry", "secret", "sent"}
    assert subjects(mse_tui, "harbour", "--until", "1999") == set()
    assert subjects(mse_tui, "harbour", "--since", "1999-01", "subject:ferry") == {"ferry"}
    for wrong in (["--since", "yesterday"], ["before:soon"], ["--more", "x"], ["--mailbox", "nobody"], ["!"]):
        ran = mse_tui("archive", "search", *(wrong if wrong == ["!"] else ["harbour", *wrong]))
        assert ran.code == EXIT_USAGE and ran.err, wrong


def test_a_name_that_is_no_field_is_told_where_nothing_is_found(indexed: Site, mse_tui: Command) -> None:
    ran = mse_tui("archive", "search", "foo:bar")
    assert ran.code == 0 and "foo: is no field and was looked for as a word; fields are subject: from: " in ran.out
    for right in ("nowhere", "from:nobody", "https://nowhere.example"):
        assert "is no field" not in mse_tui("archive", "search", right).out, right


def test_a_mailbox_in_the_words_is_named_as_by_the_option(
    indexed: Site, mse_tui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "ask", lambda _session, _topic, asked: {"address": ANN, "name": asked["text"]})
    for words in (["mailbox:ann.alias@example.test"], ["--mailbox", "ann.alias@example.test"]):
        assert subjects(mse_tui, "harbour", *words) == {"ferry", "secret", "sent"}


def test_page_after_page(indexed: Site, mse_tui: Command) -> None:
    found: list[int] = []
    going_on: list[str] = []
    while True:
        answer = json.loads(mse_tui("archive", "search", "harbour", "--limit", "1", *going_on, "--json").out)
        found += [hit["placement_id"] for hit in answer["hits"]]
        if answer["more"] is None:
            break
        going_on = ["--more", answer["more"]]
    assert len(found) == len(set(found)) == 3


def test_each_search_is_audited_wherever_it_begins(indexed: Site, mse_tui: Command) -> None:
    assert subjects(mse_tui, "harbour", "--more", f"{1 << 61}.0") == {"ferry", "secret", "sent"}
    ((action, _, after),) = indexed.audited()
    assert (action, json.loads(after)["query"], json.loads(after)["after"]) == (
        "search archive", "harbour", f"{1 << 61}.0",
    )  # fmt: skip


def test_a_person_finds_what_the_grants_allow(indexed: Site, mse_tui: Command) -> None:
    assert subjects(mse_tui, "harbour", "--as", ANN) == {"ferry", "secret", "sent"}
    assert subjects(mse_tui, "harbour", "--as", BOB) == {"ferry"}
    assert subjects(mse_tui, "harbour", "--as", EVE) == set()
    assert mse_tui("archive", "search", "harbour", "--mailbox", ANN, "--as", EVE).code == EXIT_USAGE
    assert indexed.audited()[1] == (
        "search archive", "all mailboxes", json.dumps({"as": BOB, "query": "harbour", "view": "full"}),
    )  # fmt: skip
    assert indexed.audited()[-1][0] == "refused look into archive"


def test_making_the_index_anew(indexed: Site, home: Home, mse_tui: Command) -> None:
    home.search_index.write_bytes(b"garbage" * 1000)
    ran = mse_tui("archive", "search", "harbour")
    assert ran.code == 2 and "search-index-damaged" in ran.err
    answer = json.loads(mse_tui("archive", "index", "--rebuild", "--json").out)
    assert answer["report"]["indexed"] == 3 and answer["index"]["waiting"] == 0 and answer["bytes"] > 0
    assert subjects(mse_tui, "harbour") == {"ferry", "secret", "sent"}
    assert json.loads(mse_tui("archive", "index", "--rebuild", "--json").out)["report"]["indexed"] == 3
    assert mse_tui("archive", "index", "--rebuild").code == 0


def test_a_site_that_wants_no_index_says_so_and_makes_none(site: Site, mse_tui: Command, home: Home) -> None:
    home.config.write_text(
        '[exchange]\nendpoint = "https://mail.invalid/"\nuser = "svc"\npassword_env = "X"\n'
        "[archive]\nsearch_index = false\n"
    )
    home.search_index.unlink(missing_ok=True)
    audited = Audit.select().count()
    for arguments in (("search", "harbour"), ("search", "harbour", "--json"), ("index",), ("index", "--rebuild")):
        ran = mse_tui("archive", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert "switched off" in ran.err and "search_index = true" in ran.err and "search-index-off" in ran.err
    assert "search index" in mse_tui("doctor").out
    assert not home.search_index.exists()
    assert Audit.select().count() == audited
    home.search_index.touch()
    assert "delete it" in mse_tui("doctor").out
