"""The archive from the command line, on a mailbox that was replicated."""

import json
import mailbox as mailbox_module
import subprocess
import sys
from pathlib import Path

import pytest

from mse_tui.archive.packs import Packs
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import ArchiveMailbox, Audit, Message, Placement, from_micros
from mse_tui.terms import EXIT_USAGE
from tests.cli.conftest import Command
from tests.conftest import REPOSITORY
from tests.features.practice_exchange import Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import Replication, make_task

HOSTILE = "\x1b]0;owned\x07 \u202egnp.exe"


class Site:
    """A site whose archive has one mailbox, replicated twice with a change between."""

    def __init__(self, home: Home) -> None:
        open_database(home.database)
        self.server = PracticeExchange("ann")
        folders = {folder.name: folder.id for folder in self.server.live_folders()}
        below = self.server.add_folder(folders["Inbox"], "Below")
        self.first = self.server.add_item(folders["Inbox"], Mail("one", subject="First"))
        self.server.add_item(folders["Inbox"], Mail("two", subject=HOSTILE, text=f"text {HOSTILE}\r\n"))
        self.server.add_item(below, Mail("three", subject="Third"))
        self.packs = Packs(home.archive)
        replication = Replication(PracticeMailbox(self.server), self.packs, make_task())
        replication.run()
        self.mime = self.server.render(Mail("one", subject="First"))
        self.server.delete_item(self.first)
        replication.run()
        self.hostile = Placement.select().join(Message).where(Message.subject == HOSTILE).get().id
        self.gone = Placement.get(Placement.remote_id == self.first).id

    def audited(self) -> list[str]:
        return [row.action for row in Audit.select().order_by(Audit.id)]


@pytest.fixture
def site(home: Home) -> Site:
    return Site(home)


def test_a_mailbox_of_which_nothing_was_archived_is_not_listed(site: Site, mse_tui: Command) -> None:
    ArchiveMailbox.create(guid="granted", address="granted@example.test", display_name="")
    assert "granted@example.test" not in mse_tui("archive", "ls").out


def test_mailboxes_folders_and_messages(site: Site, mse_tui: Command) -> None:
    assert "ann@example.test" in mse_tui("archive", "ls").out
    assert site.audited() == []
    folders = mse_tui("archive", "ls", "ann@example.test").out
    assert "Inbox/Below" in folders and "Calendar" not in folders
    live = mse_tui("archive", "ls", "ann@example.test", "Inbox").out
    assert "First" not in live and "1-1 of 1 messages" in live
    full = mse_tui("archive", "ls", "ann@example.test", "inbox", "--view", "full").out
    assert "First" in full and "1-2 of 2 messages" in full
    assert site.audited() == ["look into archive"] * 3


def test_as_of_a_date(site: Site, mse_tui: Command) -> None:
    began = Placement.select().order_by(Placement.opened).first().opened
    ended = Placement.get_by_id(site.gone).closed
    before = from_micros(began - 1).isoformat()
    assert mse_tui("archive", "ls", "ann@example.test", "Inbox", "--as-of", before).code == EXIT_USAGE
    then = from_micros((began + ended) // 2).isoformat()
    assert "1-2 of 2" in mse_tui("archive", "ls", "ann@example.test", "Inbox", "--as-of", then).out
    assert mse_tui("archive", "ls", "ann@example.test", "Inbox", "--as-of", "9998-01-01").code == 0
    assert mse_tui("archive", "ls", "ann@example.test", "--as-of", "yesterday").code == EXIT_USAGE


def test_as_json(site: Site, mse_tui: Command) -> None:
    (row,) = json.loads(mse_tui("archive", "ls", "--json").out)
    assert row["address"] == "ann@example.test"
    (message,) = json.loads(mse_tui("archive", "ls", "ann@example.test", "Inbox", "--json").out)
    assert message["subject"] == HOSTILE
    shown = json.loads(mse_tui("archive", "cat", str(message["placement_id"]), "--json").out)
    assert ["Subject", shown["headers"][[h[0] for h in shown["headers"]].index("Subject")][1]] in shown["headers"]


def test_nothing_from_a_message_reaches_the_terminal_unescaped(site: Site, mse_tui: Command) -> None:
    for arguments in (
        ("ls", "ann@example.test", "Inbox"), ("cat", str(site.hostile), "--text"), ("verify",),
    ):  # fmt: skip
        ran = mse_tui("archive", *arguments)
        assert ran.code == 0
        assert not set("\x1b\x07\u202e") & set(ran.out + ran.err)
    assert "\\x1b]0;owned\\x07" in mse_tui("archive", "cat", str(site.hostile), "--text").out


def test_cat_gives_what_the_server_gave(site: Site, home: Home) -> None:
    digest = bytes(Placement.get_by_id(site.gone).message.sha256).hex()
    close_database()
    for arguments in ((str(site.gone),), ("--sha", digest)):
        ran = subprocess.run(
            [sys.executable, "-m", "mse_tui", "--home", str(home.path), "archive", "cat", *arguments],
            cwd=REPOSITORY, capture_output=True, check=True,
        )  # fmt: skip
        assert ran.stdout == site.mime
    open_database(home.database)
    assert site.audited().count("read message") == 2


def test_cat_says_what_is_not_there(site: Site, mse_tui: Command) -> None:
    for arguments in ((), ("1", "--sha", "00"), ("999",), ("--sha", "zz"), ("--sha", "00" * 32)):
        ran = mse_tui("archive", "cat", *arguments)
        assert ran.code == EXIT_USAGE and ran.err


def test_export_as_eml_and_mbox(site: Site, mse_tui: Command, tmp_path: Path) -> None:
    ran = mse_tui("archive", "export", "ann@example.test", "--view", "full", "--eml", str(tmp_path / "eml"))
    assert ran.code == 0 and "3 messages written" in ran.out
    files = sorted(path.relative_to(tmp_path / "eml") for path in (tmp_path / "eml").rglob("*.eml"))
    assert [str(path.parent) for path in files] == ["Inbox", "Inbox", "Inbox/Below"]
    assert site.mime in {(tmp_path / "eml" / path).read_bytes() for path in files}
    box = str(tmp_path / "out.mbox")
    assert "1 messages" in mse_tui("archive", "export", "ann@example.test", "Inbox/Below", "--mbox", box).out
    assert len(mailbox_module.mbox(box)) == 1
    assert mse_tui("archive", "export", "ann@example.test", "--mbox", box).code == EXIT_USAGE
    assert mse_tui("archive", "export", "ann@example.test").code == EXIT_USAGE
    assert site.audited().count("export") == 2


def test_verify_and_its_exit_code(site: Site, mse_tui: Command) -> None:
    ran = mse_tui("archive", "verify", "--read-data")
    assert ran.code == 0 and "All is well." in ran.out
    digest = bytes(Placement.get_by_id(site.hostile).message.sha256)
    place = site.packs.place(digest)
    assert place is not None
    path = site.packs.path(place.name)
    raw = bytearray(path.read_bytes())
    raw[place.offset + place.length // 2] ^= 0x10
    path.write_bytes(raw)
    assert mse_tui("archive", "verify").code == 0
    ran = mse_tui("archive", "verify", "--read-data")
    assert ran.code == 2
    assert f"content-damaged: Pack {place.name} is damaged at offset {place.offset}" in ran.out
    assert "\x1b" not in ran.out and "ann@example.test" in ran.out
    found = json.loads(mse_tui("archive", "verify", "--read-data", "--repair", "--json").out)
    assert not found["ok"] and found["repair"]["failed"] and found["after"]["findings"]


def test_compact(site: Site, mse_tui: Command) -> None:
    assert json.loads(mse_tui("archive", "compact", "--json").out)["rewritten"] == 0
    assert mse_tui("archive", "compact", "--now").code == 0
    assert mse_tui("archive", "verify", "--read-data").code == 0


def test_an_empty_archive(home: Home, mse_tui: Command) -> None:
    assert "Nothing is archived yet" in mse_tui("archive", "ls").out
    assert mse_tui("archive", "verify", "--read-data").code == 0
    assert mse_tui("archive", "ls", "nobody@example.test").code == EXIT_USAGE
