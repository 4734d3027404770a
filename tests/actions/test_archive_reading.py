"""No look into a person's archive without an audit entry, and none beyond that person's mailbox."""

from pathlib import Path

import pytest

from mse_tui.access.sight import Sight
from mse_tui.actions import archive_reading
from mse_tui.actions.archive_reading import look_into, open_message, packs_of
from mse_tui.archive.attachments import StoredAttachment
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import View
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import now, writing
from mse_tui.store.models import (
    ArchiveFolder,
    ArchiveMailbox,
    Blob,
    FolderPlace,
    Message,
    Pack,
    Placement,
    to_micros,
)

MIME = b"Subject: Offer\r\n\r\nSee attachment.\r\n"
WITH_FILE = b"Content-Type: text/csv; name=a.csv\r\n\r\na,b\r\n"


def _stored(packs: Packs, content: bytes = MIME) -> bytes:
    writer = packs.writer()
    stored = writer.add(content)
    seal = writer.finish()
    assert seal is not None
    with writing():
        Pack.update(state="sealed", bytes=seal.bytes, live=stored.length).where(Pack.id == seal.pack_id).execute()
        Blob.create(sha256=stored.sha256, pack=seal.pack_id, offset=stored.offset, length=stored.length)
    return stored.sha256


def _message(owner: str, sha256: bytes | None) -> tuple[int, int, int]:
    """A mailbox with one message in Inbox: ids of mailbox, folder and placement."""
    stamp = to_micros(now())
    mailbox = ArchiveMailbox.create(guid=f"guid-{owner}", address=f"{owner}@example.com", last_stamp=stamp)
    root = ArchiveFolder.create(mailbox=mailbox, area="primary", remote_id="root", distinguished="msgfolderroot")
    inbox = ArchiveFolder.create(mailbox=mailbox, area="primary", remote_id="inbox", distinguished="inbox")
    FolderPlace.create(folder=root, parent=None, name="Top", opened=stamp)
    FolderPlace.create(folder=inbox, parent=root, name="Inbox", opened=stamp)
    message = Message.create(sha256=sha256, size=len(MIME), subject=f"Offer to {owner}")
    placement = Placement.create(
        folder=inbox, remote_id="item", message=message, change_key="c", item_class="IPM.Note", opened=stamp
    )
    return mailbox.id, inbox.id, placement.id


@pytest.fixture
def packs(store: Home) -> Packs:
    return packs_of(store)


def test_a_list_of_mailboxes_is_no_look(packs: Packs) -> None:
    _message("ann", None)
    assert [row.address for row in archive_reading.mailboxes()] == ["ann@example.com"]
    assert queries.audit() == []


def test_looking_leaves_one_entry_however_much_is_turned_over(packs: Packs) -> None:
    mailbox, inbox, placement = _message("ann", None)
    reading = look_into(mailbox, packs)
    assert "Inbox" in [row.path for row in reading.folders(View.live())]
    for view in (View.live(), View.full()):
        assert [row.placement_id for row in reading.messages(inbox, view)] == [placement]
        assert reading.message_count(inbox, view) == 1
    assert reading.message(placement).subject == "Offer to ann"
    assert [(row.action, row.subject) for row in queries.audit()] == [("look into archive", "ann@example.com")]


def test_content_comes_byte_for_byte_and_each_reading_is_entered(packs: Packs) -> None:
    mailbox, _, placement = _message("ann", _stored(packs))
    with look_into(mailbox, packs).content(placement) as content:
        assert content.read() == MIME
    entry = queries.audit(1)[0]
    assert entry.action == "read message"
    assert "Offer to ann" in entry.after


def test_an_export_is_entered_with_its_target(packs: Packs, tmp_path: Path) -> None:
    mailbox, _, placement = _message("ann", _stored(packs))
    target = tmp_path / "out.eml"
    assert look_into(mailbox, packs).write_message(placement, target) == len(MIME)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (MIME, 0o600)
    assert str(target) in queries.audit(1)[0].after


def test_what_no_file_takes_is_not_entered_as_an_export(packs: Packs, tmp_path: Path) -> None:
    mailbox, _, placement = _message("ann", _stored(packs, WITH_FILE))
    reading = look_into(mailbox, packs)
    taken = tmp_path / "there"
    taken.write_bytes(b"mine")
    attachment = StoredAttachment(0, "a.csv", "text/csv", 1, b"", False, "", False)
    for path in (taken, tmp_path / "nowhere" / "out.eml", tmp_path):
        for write in (
            lambda path: reading.write_message(placement, path),
            lambda path: reading.write_attachment(placement, attachment, path),
        ):
            with pytest.raises(Problem):
                write(path)
    assert taken.read_bytes() == b"mine"
    assert "export" not in {row.action for row in queries.audit()}


def test_a_look_that_fails_is_not_entered_as_one_that_was_refused(
    packs: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, placement = _message("ann", _stored(packs))

    def damaged(*_: object) -> Sight:
        raise Problem(Reason.DATABASE_DAMAGED, "The database is damaged.")

    monkeypatch.setattr(archive_reading, "sight_of", damaged)
    with pytest.raises(Problem) as caught:
        open_message(placement, packs, "bo@example.com")
    assert caught.value.reason is Reason.DATABASE_DAMAGED
    assert queries.audit() == []


def test_a_look_at_one_mailbox_shows_nothing_of_another(packs: Packs) -> None:
    anns, _, _ = _message("ann", None)
    _, foreign_folder, foreign_message = _message("bert", _stored(packs))
    reading = look_into(anns, packs)
    for look in (
        lambda: reading.messages(foreign_folder, View.full()),
        lambda: reading.message_count(foreign_folder, View.full()),
        lambda: reading.message(foreign_message),
        lambda: reading.history(foreign_message),
        lambda: reading.content(foreign_message),
    ):
        with pytest.raises(Problem) as refused:
            look()
        assert refused.value.reason is Reason.NOT_FOUND


def test_metadata_alone_have_no_content(packs: Packs) -> None:
    mailbox, _, placement = _message("ann", None)
    with pytest.raises(Problem, match="Only this message's metadata"):
        look_into(mailbox, packs).content(placement)


def test_an_attachment_that_the_message_has_not_is_no_empty_file(packs: Packs, tmp_path: Path) -> None:
    mailbox, _, placement = _message("ann", _stored(packs))
    other = StoredAttachment(7, "plan.pdf", "application/pdf", 1, b"", False, "", False)
    with pytest.raises(Problem) as caught:
        look_into(mailbox, packs).write_attachment(placement, other, tmp_path / "plan.pdf")
    assert caught.value.reason is Reason.NOT_FOUND
    assert not (tmp_path / "plan.pdf").exists()
