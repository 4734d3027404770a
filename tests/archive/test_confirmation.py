"""The confirmation without which nothing leaves a mailbox, over the wire."""

import hashlib

import pytest

from mse_tui.archive.confirmation import Confirmation, Confirmed
from mse_tui.exchange.rows import Area
from mse_tui.features.folder_replication import FolderReplicationDefinition
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import ArchiveMailbox, Message, Placement
from tests.features.replicating import Replication, make_task

BIG = bytes(range(256)) * 40


def everything(mailbox):
    ids = []
    for folder in mailbox.folder_changes(Area.PRIMARY, None).changed:
        ids += [row.remote_id for row in mailbox.item_changes(folder.remote_id, None).changed]
    return mailbox.editing.details(ids)


def confirm(mailbox, packs, held=(), unreadable=()):
    mailbox_id = ArchiveMailbox.get(ArchiveMailbox.guid == mailbox.identity().guid).id
    confirmation = Confirmation(
        mailbox, mailbox_id, packs, held=lambda _, ids: set(held), readable=lambda _, ids: set(ids) - set(unreadable)
    )
    return confirmation.confirm(everything(mailbox))


def reasons(verdicts):
    return [None if isinstance(each, Confirmed) else each.reason for each in verdicts]


def test_what_was_replicated_is_confirmed_with_its_attachments(owner, mailbox, packs, replicate):
    owner.add(1, attachments=[("a.bin", BIG), ("b.bin", b"small")])
    replicate()
    (confirmed,) = confirm(mailbox, packs)
    assert isinstance(confirmed, Confirmed)
    assert hashlib.sha256(packs.read(confirmed.sha256)).digest() == confirmed.sha256
    assert [(row.name, copy.name, copy.sha256) for row, copy in confirmed.pairs] == [
        ("a.bin", "a.bin", hashlib.sha256(BIG).digest()),
        ("b.bin", "b.bin", hashlib.sha256(b"small").digest()),
    ]


def test_what_came_later_or_changed_since_is_not(owner, mailbox, packs, replicate):
    owner.add(1)
    changed = owner.add(2)
    replicate()
    owner.add(3)
    content = owner.store.content(owner.store.item(changed))
    owner.store.update_item(changed, {}, mime=content.replace(b"Hello", b"Hullo"))
    assert reasons(confirm(mailbox, packs)) == [None, Reason.NOT_ARCHIVED, Reason.NOT_ARCHIVED]


@pytest.mark.parametrize("varying", [False, True])
def test_what_changed_in_its_flags_alone_is_confirmed_by_its_content(server, owner, mailbox, packs, replicate, varying):
    item = owner.add(1, attachments=[("a.bin", BIG)])
    replicate()
    if varying:
        server.faults.inject("varying-mime", mailbox=owner.address)
    owner.store.update_item(item, {"flag": "Flagged"})
    assert reasons(confirm(mailbox, packs)) == [None]


def test_what_is_on_hold_or_hidden_from_its_owner_is_not(owner, mailbox, packs, replicate):
    owner.add(1)
    owner.add(2)
    replicate()
    first, second = Message.select().order_by(Message.internet_message_id)
    verdicts = confirm(mailbox, packs, held=[first.id], unreadable=[second.id])
    assert reasons(verdicts) == [Reason.ON_HOLD, Reason.NOT_READABLE]


def test_metadata_alone_confirm_nothing(owner, mailbox, packs):
    owner.add(1)
    definition = FolderReplicationDefinition(content="metadata only")
    Replication(mailbox, packs, make_task(), definition).run()
    assert reasons(confirm(mailbox, packs)) == [Reason.NOT_ARCHIVED]


def test_an_attachment_that_the_copy_does_not_have_is_noticed(owner, mailbox, packs, replicate):
    """Even where the change key says that nothing has changed."""
    item = owner.add(1, attachments=[("a.bin", BIG)])
    replicate()
    content = owner.store.content(owner.store.item(item))
    owner.store.update_item(item, {}, mime=content.replace(b"a.bin", b"z.bin"))
    (details,) = everything(mailbox)
    Placement.update(change_key=details.row.change_key).execute()
    assert reasons(confirm(mailbox, packs)) == [Reason.ATTACHMENT_UNCONFIRMED]


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_a_broken_archive_confirms_nothing_at_all(owner, mailbox, packs, replicate, harm):
    owner.add(1)
    owner.add(2)
    replicate()
    for _, path, _ in packs.files():
        if harm == "gone":
            path.unlink()
        else:
            raw = bytearray(path.read_bytes())
            raw[40:80] = bytes(40)
            path.write_bytes(bytes(raw))
    with pytest.raises(Problem) as caught:
        confirm(mailbox, packs)
    assert caught.value.reason is (Reason.CONTENT_MISSING if harm == "gone" else Reason.CONTENT_DAMAGED)
