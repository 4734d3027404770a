"""archive ... --as: every way to the archive shows a person what the grants allow, and nothing else."""

import json
from pathlib import Path

import pytest

from mse_tui.access.grants import FolderKey, give
from mse_tui.archive.packs import Packs
from mse_tui.home import Home
from mse_tui.store.database import open_database
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, Audit, Message, Placement
from mse_tui.terms import EXIT_USAGE
from tests.cli.conftest import Command
from tests.features.practice_exchange import Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import FolderReplicationDefinition, Replication, make_task

ANN, BOB, EVE = "ann@example.test", "bob@example.com", "eve@example.com"


class Site:
    """Ann's mailbox, replicated with its private items; Bob has her Inbox, Carl all, Dora all but the Inbox."""

    def __init__(self, home: Home) -> None:
        open_database(home.database)
        server = PracticeExchange("ann")
        folders = {folder.name: folder.id for folder in server.live_folders()}
        for folder, key, sensitivity in (
            ("Inbox", "open", "Normal"), ("Inbox", "secret", "Private"), ("Sent Items", "sent", "Normal"),
        ):  # fmt: skip
            server.add_item(folders[folder], Mail(key, subject=key, sensitivity=sensitivity))
        definition = FolderReplicationDefinition(skip_private=False)
        Replication(PracticeMailbox(server), Packs(home.archive), make_task(), definition).run()
        self.mailbox = ArchiveMailbox.get().id
        inbox = ArchiveFolder.get(ArchiveFolder.distinguished == "inbox")
        key = FolderKey(inbox.area, inbox.remote_id)
        give(self.mailbox, BOB, who="test", folder=key, path="Inbox")
        give(self.mailbox, "carl@example.com", who="test")
        give(self.mailbox, "dora@example.com", who="test")
        give(self.mailbox, "dora@example.com", who="test", folder=key, path="Inbox", denies=True)

    def number(self, subject: str) -> int:
        return Placement.select().join(Message).where(Message.subject == subject).get().id

    def sha(self, subject: str) -> str:
        return bytes(Message.get(Message.subject == subject).sha256).hex()


@pytest.fixture
def site(home: Home) -> Site:
    return Site(home)


SEES = {
    ANN: {"Inbox": {"open", "secret"}, "Sent Items": {"sent"}},
    BOB: {"Inbox": {"open"}},
    "carl@example.com": {"Inbox": {"open"}, "Sent Items": {"sent"}},
    "dora@example.com": {"Sent Items": {"sent"}},
    EVE: {},
}


@pytest.mark.parametrize("person", SEES)
def test_every_way_in_shows_a_person_what_the_grants_allow(
    site: Site, mse_tui: Command, tmp_path: Path, person: str
) -> None:
    sees, messages = SEES[person], {each for shown in SEES[person].values() for each in shown}
    assert (ANN in mse_tui("archive", "ls", "--as", person).out) == bool(sees)
    folders = mse_tui("archive", "ls", ANN, "--as", person, "--json")
    assert folders.code == (0 if sees else EXIT_USAGE)
    if sees:
        named = {row["path"]: row["messages"] for row in json.loads(folders.out)}
        assert {path: count for path, count in named.items() if count} == {
            path: len(shown) for path, shown in sees.items()
        }
    for path in ("Inbox", "Sent Items"):
        for view in ("live", "full"):
            ran = mse_tui("archive", "ls", ANN, path, "--view", view, "--as", person, "--json")
            assert ran.code == (0 if path in sees else EXIT_USAGE), ran.err
            if path in sees:
                assert {row["subject"] for row in json.loads(ran.out)} == sees[path]
    for subject in ("open", "secret", "sent"):
        for wanted in ([str(site.number(subject))], ["--sha", site.sha(subject)]):
            ran = mse_tui("archive", "cat", *wanted, "--text", "--as", person)
            assert ran.code == (0 if subject in messages else EXIT_USAGE), (subject, ran.err)
            assert (subject in ran.out) == (subject in messages)
    target = tmp_path / "out"
    ran = mse_tui("archive", "export", ANN, "--eml", str(target), "--as", person)
    assert ran.code == (0 if sees else EXIT_USAGE)
    assert len(list(target.rglob("*.eml"))) == len(messages)


def test_what_a_person_may_not_see_is_told_as_what_is_not_there(site: Site, mse_tui: Command) -> None:
    refused = mse_tui("archive", "ls", ANN, "--as", EVE)
    absent = mse_tui("archive", "ls", "nobody@example.com", "--as", EVE)
    assert refused.err.replace(ANN, "X") == absent.err.replace("nobody@example.com", "X")
    hidden = mse_tui("archive", "cat", str(site.number("secret")), "--as", BOB)
    missing = mse_tui("archive", "cat", "4711", "--as", BOB)
    assert hidden.err.replace(str(site.number("secret")), "N") == missing.err.replace("4711", "N")


def test_a_grant_shows_nothing_of_another_mailbox(site: Site, mse_tui: Command) -> None:
    assert mse_tui("archive", "ls", ANN, "Sent Items", "--as", BOB).code == EXIT_USAGE
    assert mse_tui("archive", "export", ANN, "Sent Items", "--eml", "x", "--as", BOB).code == EXIT_USAGE


def test_looks_as_a_person_and_refused_ones_are_audited(site: Site, mse_tui: Command) -> None:
    mse_tui("archive", "ls", ANN, "--as", BOB)
    mse_tui("archive", "ls", ANN, "--as", EVE)
    mse_tui("archive", "ls", ANN)
    entries = [(row.action, row.subject, row.after) for row in Audit.select().order_by(Audit.id)]
    assert entries == [
        ("look into archive", ANN, json.dumps({"as": BOB})),
        ("refused look into archive", ANN, json.dumps({"as": EVE})),
        ("look into archive", ANN, ""),
    ]
