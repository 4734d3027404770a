"""Loading mail from files: what a client gets back is what was loaded, byte for byte."""

import mailbox
from base64 import b64decode

import pytest
from lxml import etree

from mse_tui.sandbox.content import render
from mse_tui.sandbox.ews.ids import IdMaker
from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import Caller
from mse_tui.sandbox.load import load, read_messages, split_mbox
from mse_tui.sandbox.mailstore import MailStore
from tests.sandbox.ews_rig import NS, Rig

ADDRESS = "ada@example.com"
PLAIN = b"From: a@example.com\nSubject: One\n\nFrom here on, text.\n>From there too.\n"


@pytest.fixture
def store(tmp_path):
    with MailStore(tmp_path / "mail.db", render) as opened:
        opened.add_mailbox(ADDRESS, "Ada", aliases=["countess@example.com"])
        yield opened


def rows(store):
    found = store.mailbox(ADDRESS)
    return [row for folder in store.folders(found.id) for row in store.items(folder.id)]


def as_clients_get_it(store, checks=()):
    """MimeContent of all items, by GetItem."""
    found = store.mailbox(ADDRESS)
    maker, rig = IdMaker(found.guid), Rig(EwsService(store), Caller(ADDRESS), list(checks))
    contents = []
    for row in rows(store):
        response = rig.call(
            "<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape><t:IncludeMimeContent>true"
            f'</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="{maker.item(row["id"])}"/></m:ItemIds>'
            "</m:GetItem>"
        )
        text = response.findtext(".//t:MimeContent", None, NS)
        assert text is not None, etree.tostring(response)[:500]
        contents.append(b64decode(text))
    return contents


@pytest.mark.parametrize("project", ["mime4j", "ruby-mail", "mimekit", "cpython", "enmime", "stalwart"])
def test_real_and_broken_mail_round_trips(store, shared, schemas, project):
    folder = shared / "mail" / "eml" / project
    wanted = sorted(file.read_bytes() for file in folder.rglob("*.eml"))
    assert load(store, folder, ADDRESS) == len(wanted) > 20
    assert sorted(as_clients_get_it(store, schemas)) == wanted


def test_one_file_into_a_folder_that_is_made(store, tmp_path):
    (tmp_path / "one.eml").write_bytes(PLAIN)
    assert load(store, tmp_path / "one.eml", "Countess@example.com", "Inbox/Old/2020") == 1
    names = [folder.name for folder in store.folders(store.mailbox(ADDRESS).id)]
    assert "Old" in names
    assert "2020" in names
    assert as_clients_get_it(store) == [PLAIN]


def test_directories_become_folders(store, tmp_path):
    deep = tmp_path / "mail" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "x.eml").write_bytes(b"Subject: x\r\n\r\nx")
    (tmp_path / "mail" / "y.EML").write_bytes(b"Subject: y\r\n\r\ny")
    (tmp_path / "mail" / "readme.txt").write_bytes(b"no mail")
    assert load(store, tmp_path / "mail", ADDRESS, "sentitems") == 2
    folders = {folder.id: folder.name for folder in store.folders(store.mailbox(ADDRESS).id)}
    assert sorted(folders[row["folder"]] for row in rows(store)) == ["Sent Items", "b"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_mbox(store, tmp_path, ending):
    messages = [PLAIN, b"Subject: Two\n\nno newline at its end", b"Subject: Three\n\n\nlast\n\n"]
    messages = [message.replace(b"\n", ending) for message in messages]
    written = mailbox.mbox(tmp_path / "all.mbox")
    content = b""
    for message in messages:
        quoted = message.replace(ending + b"From ", ending + b">From ").replace(ending + b">>From", ending + b">>From")
        quoted = quoted.replace(ending + b">From there", ending + b">>From there")
        content += b"From a@example.com Mon Jan  5 07:01:00 2026" + ending + quoted + ending + ending
    written.close()
    (tmp_path / "all.mbox").write_bytes(content)
    expected = [message + (b"" if message.endswith(ending) else ending) for message in messages]
    assert load(store, tmp_path / "all.mbox", ADDRESS) == 3
    got = as_clients_get_it(store)
    assert [one.rstrip(b"\r\n") for one in got] == [one.rstrip(b"\r\n") for one in expected]
    assert got[0] in (messages[0], messages[0] + ending)


def test_mbox_that_python_wrote(store, tmp_path):
    written = mailbox.mbox(tmp_path / "all.mbox")
    for number in range(3):
        written.add(f"Subject: {number}\n\nFrom me\nto you {number}\n".encode())
    written.flush()
    written.close()
    assert load(store, tmp_path / "all.mbox", ADDRESS) == 3
    assert as_clients_get_it(store) == [f"Subject: {n}\n\nFrom me\nto you {n}\n".encode() for n in range(3)]


def test_a_line_that_only_looks_like_a_beginning_is_text():
    content = b"From a Mon Jan 5 07:01:00 2026\nSubject: x\n\ntext\nFrom Bob 2026\nmore\n"
    assert list(split_mbox(content)) == [b"Subject: x\n\ntext\nFrom Bob 2026\nmore\n"]


def test_maildir_with_flags_and_subfolders(store, tmp_path):
    top = mailbox.Maildir(tmp_path / "Maildir")
    seen = mailbox.MaildirMessage(b"Subject: seen\n\nx\n")
    seen.set_flags("SF")
    seen.set_subdir("cur")
    top.add(seen)
    top.add(mailbox.MaildirMessage(b"Subject: new\n\ny\n"))
    top.add_folder("Sent.2024").add(mailbox.MaildirMessage(b"Subject: sent\n\nz\n"))
    assert load(store, tmp_path / "Maildir", ADDRESS) == 3
    found = {row["subject"]: (bool(row["is_read"]), row["flag"]) for row in rows(store)}
    assert found == {"seen": (True, "Flagged"), "new": (False, "NotFlagged"), "sent": (False, "NotFlagged")}
    assert {"Sent", "2024"} <= {folder.name for folder in store.folders(store.mailbox(ADDRESS).id)}


def test_what_is_no_mail_is_refused(store, tmp_path):
    (tmp_path / "x.bin").write_bytes(b"\0\1\2")
    with pytest.raises(ValueError, match="neither"):
        list(read_messages(tmp_path / "x.bin"))
    with pytest.raises(LookupError, match=r"nobody@example\.com"):
        load(store, tmp_path, "nobody@example.com")
