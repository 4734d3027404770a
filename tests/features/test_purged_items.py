"""What was purged is not stored again: not by the next pass, nor a full resync, nor for another rendering of it."""

from dataclasses import replace

import pytest

from mse_tui.archive.burial import Buried, bury
from mse_tui.archive.coverage import compare
from mse_tui.archive.holds import HoldScope, on_hold
from mse_tui.archive.identity import canonical_digest
from mse_tui.archive.passes import start_over
from mse_tui.archive.views import View
from mse_tui.features.folder_replication import FolderReplicationDefinition, ReplicatedContent
from mse_tui.reasons import Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Message, Placement, Unfinished
from mse_tui.store.retention import Hold, PurgeRecord, Tombstone, TombstoneItem
from tests.features.practice_exchange import Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import Archive, Replication, make_task

LIVE, FULL = View.live(), View.full()


@pytest.fixture(params=[False, True], ids=["rendered alike", "rendered differently"])
def server(store, request):
    return PracticeExchange("box", varying=request.param)


@pytest.fixture
def replication(server, packs):
    return Replication(PracticeMailbox(server), packs, make_task())


@pytest.fixture
def archive(server, packs):
    return Archive(server.guid, packs)


def folder(server, name):
    return next(each.id for each in server.live_folders() if each.name == name)


def add(server, key, name="Inbox"):
    return server.add_item(folder(server, name), Mail(key, subject=f"About {key}", message_id=f"<{key}>"))


def purge(packs, item_id):
    """Bury the message that an item is."""
    placed = Placement.get(Placement.remote_id == item_id, Placement.closed.is_null())
    message = placed.message
    canonical = None
    if message.sha256 is not None:
        with packs.open(bytes(message.sha256)) as stream:
            canonical = canonical_digest(stream)
    with writing():
        bury(Buried(message.id, canonical, "the test says so", now(), now()))


def test_a_purged_message_leaves_every_view_and_keeps_a_record_that_tells_nothing(server, replication, archive, packs):
    item, _ = add(server, "a"), add(server, "b")
    replication.run()
    purge(packs, item)
    assert archive.places(LIVE) == archive.places(FULL) == {("Inbox", "b"): 1}
    record = PurgeRecord.get()
    assert record.mailboxes == '["box@example.test"]'
    assert record.received == server.items[item].mail.received
    assert "About a" not in str(record.__data__) + str(Tombstone.get().__data__)


def test_neither_the_next_pass_nor_a_full_resync_stores_it_again(server, replication, archive, packs):
    item, _ = add(server, "a"), add(server, "b")
    replication.run()
    purge(packs, item)
    for again in (lambda: None, lambda: start_over(replication.task.id), server.refuse_states):
        again()
        journal = replication.run()
        assert set(journal.skipped) == {Reason.PURGED}
        assert not journal.failures
        assert archive.places(FULL) == {("Inbox", "b"): 1}


def test_an_unchanged_purged_item_is_not_fetched_to_be_refused(server, replication, packs):
    item = add(server, "a")
    replication.run()
    purge(packs, item)
    fetched = server.requests["fetch"]
    start_over(replication.task.id)
    replication.run()
    assert server.requests["fetch"] == fetched


@pytest.mark.parametrize("change", ["moved", "flagged", "copied"])
def test_it_is_known_again_under_another_item_id_or_change_key(server, replication, archive, packs, change):
    item = add(server, "a")
    replication.run()
    purge(packs, item)
    if change == "moved":
        server.move_item(item, folder(server, "Drafts"))
    elif change == "flagged":
        server.flag_item(item, "Flagged", ("Red",))
    else:
        server.copy_item(item, folder(server, "Sent Items"))
    journal = replication.run()
    assert archive.places(FULL) == {}
    assert set(journal.skipped) == {Reason.PURGED}
    fetched = server.requests["fetch"]
    start_over(replication.task.id)
    replication.run()
    assert server.requests["fetch"] == fetched, "once seen, it is known by its id"


def test_what_an_edit_makes_of_it_is_another_message(server, replication, archive, packs):
    item = add(server, "a")
    replication.run()
    purge(packs, item)
    server.edit_item(item, replace(server.items[item].mail, key="a2", text="Other\r\n"))
    replication.run()
    assert archive.places(LIVE) == {("Inbox", "a2"): 1}
    assert Unfinished.select().count() == 0


def test_another_mailbox_that_did_not_have_it_keeps_its_own(server, replication, packs, store):
    item = add(server, "a")
    replication.run()
    purge(packs, item)
    other = PracticeExchange("other")
    add(other, "a")
    Replication(PracticeMailbox(other), packs, make_task()).run()
    assert Archive("other", packs).places(LIVE) == {("Inbox", "a"): 1}


def test_a_task_for_metadata_only_does_not_enter_it_either(server, replication, archive, packs):
    item = add(server, "a")
    replication.run()
    purge(packs, item)
    index = FolderReplicationDefinition(content=ReplicatedContent.METADATA)
    journal = Replication(PracticeMailbox(server), packs, make_task(), index).run()
    assert journal.skipped == {Reason.PURGED: 1}
    assert archive.places(FULL) == {}


def test_a_message_purged_when_only_its_metadata_were_there_gets_no_content_later(server, replication, archive, packs):
    replication.definition = FolderReplicationDefinition(content=ReplicatedContent.METADATA)
    item = add(server, "a")
    replication.run()
    purge(packs, item)
    replication.definition = FolderReplicationDefinition()
    start_over(replication.task.id)
    replication.run()
    assert Message.select().count() == 0


def test_purging_counts_as_left_out_on_purpose_when_the_mailbox_is_compared(server, replication, packs):
    item = add(server, "a")
    replication.run()
    purge(packs, item)
    report = compare(PracticeMailbox(server))
    assert report.ok and report.pending == 0
    assert report.skipped == {Reason.PURGED: 1}


def test_a_purge_while_a_batch_is_prepared_is_seen_before_it_is_entered(server, replication, archive, packs):
    """The batch has looked its content up as known; the purge commits before the batch does."""
    item = add(server, "a")
    replication.run()
    copy = server.copy_item(item, folder(server, "Drafts"))
    asked = []

    def purge_once(kind):
        if kind == "fetch" and not asked:
            asked.append(kind)
            purge(packs, item)

    server.on_request = purge_once
    replication.run()
    assert asked and archive.places(FULL) == {}
    assert TombstoneItem.select().where(TombstoneItem.remote_id == copy).exists()


def test_a_hold_on_a_message_without_content_stays_on_it_when_its_content_comes(server, replication, packs):
    replication.definition = FolderReplicationDefinition(content=ReplicatedContent.METADATA)
    item = add(server, "a")
    replication.run()
    bare = Placement.get(Placement.remote_id == item).message_id
    Hold.create(name="Case 7", scope=HoldScope.MESSAGE, message=bare, placed=now(), placed_by="eve")
    replication.definition = FolderReplicationDefinition()
    start_over(replication.task.id)
    replication.run()
    placement = Placement.get(Placement.remote_id == item)
    assert placement.message_id != bare
    assert on_hold(placement.folder.mailbox_id, placement.message_id)
    assert Hold.select().count() == 1
