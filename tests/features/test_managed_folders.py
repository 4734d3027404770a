"""Managed folders over the wire: which messages leave a mailbox, which get a stamp, and which are never touched."""

import re
from datetime import UTC, timedelta, timezone
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from mse_tui.archive.coverage import compare
from mse_tui.archive.holds import HoldScope
from mse_tui.archive.purge import Purge
from mse_tui.archive.stamps import stamp_history
from mse_tui.archive.stubs import RECOVERABLE, why_kept
from mse_tui.archive.verdicts import hidden_from_owner
from mse_tui.exchange.rows import ItemFailure
from mse_tui.features import expiring, stub_completion
from mse_tui.features.feature import Stopped
from mse_tui.features.replication_definition import FolderReplicationDefinition
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.records import DeleteType
from mse_tui.store.database import now
from mse_tui.store.models import ArchiveMailbox, Blob, Checkpoint, Definition, Message, Pack, Placement
from mse_tui.store.retention import Expiry, Hold, ManagedFolder, RetentionSetting, RetentionStamp
from mse_tui.store.stubs import Stub
from tests.features.managing import Management, all_items, moving_while_looked
from tests.features.replicating import RecordingJournal, Replication, make_task
from tests.features.retaining import Managing, definition, paths, policy, subjects_by_path
from tests.support.owner import BEGAN

DAY_100 = BEGAN + timedelta(days=100)


@pytest.fixture
def managing(mailbox, packs):
    return Managing(mailbox, packs, moment=DAY_100)


def stamps():
    return {
        row.message.subject: (row.expire_view, row.purge)
        for row in RetentionStamp.select().where(RetentionStamp.ended.is_null())
    }


@pytest.fixture
def flip(packs):
    """Flips a bit in every content that the archive has."""

    def do():
        for blob in Blob.select(Blob, Pack).join(Pack):
            path = packs.path(blob.pack.name)
            raw = bytearray(path.read_bytes())
            raw[blob.offset + blob.length // 2] ^= 1
            path.write_bytes(raw)

    return do


def day(number):
    return BEGAN + timedelta(days=number)


# --- Exchange delete


@pytest.mark.parametrize(
    ("how", "left"),
    [
        ("soft delete", {"Inbox": ["Message 80"]}),
        ("hard delete", {"Inbox": ["Message 80"]}),
        ("move to Deleted Items", {"Inbox": ["Message 80"], "Deleted Items": ["Message 10"]}),
    ],
)
def test_what_is_due_leaves_the_mailbox_as_the_policy_says(owner, mailbox, managing, replicate, how, left):
    owner.add(10), owner.add(80)
    replicate()
    journal = managing.run(definition(inbox=policy(delete=30, how=how)))
    assert subjects_by_path(mailbox) == left
    assert journal.counts["items_due"] == journal.counts["confirmed"] == journal.counts["items_deleted"] == 1
    assert journal.counts["archived_first"] == 0 and not journal.failures
    row = Expiry.get()
    assert (row.state, row.folder, row.how, row.message.subject) == ("deleted", "Inbox", how, "Message 10")


def test_a_second_run_changes_nothing(owner, mailbox, managing, replicate):
    owner.add(10)
    replicate()
    wanted = definition(inbox=policy(delete=30, how="move to Deleted Items", purge=400), managed=[("", "Keep", {})])
    managing.run(wanted)
    before = subjects_by_path(mailbox), paths(mailbox), stamps()
    replicate()
    journal = managing.run(wanted)
    assert (subjects_by_path(mailbox), paths(mailbox)) == before[:2]
    assert {name for name, number in journal.counts.items() if number} == {"folders_seen"}
    assert stamps() == before[2], "moved to Deleted Items by the policy, it keeps what the policy said"


def test_a_message_is_due_to_the_second_whatever_the_zone(owner, mailbox, managing, replicate):
    here = timezone(timedelta(hours=5, minutes=30))
    due = DAY_100 - timedelta(days=30)
    owner.add(1, received=due.astimezone(here))
    owner.add(2, received=(due + timedelta(seconds=1)).astimezone(UTC))
    replicate()
    managing.run(definition(inbox=policy(delete=30)))
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 2"]}
    managing.moment = DAY_100 + timedelta(seconds=1)
    managing.run(definition(inbox=policy(delete=30)))
    assert subjects_by_path(mailbox) == {}


def test_unread_messages_stay_unless_the_policy_includes_them(owner, mailbox, managing, replicate):
    owner.add(1, is_read=False), owner.add(2)
    replicate()
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.skipped == {Reason.UNREAD: 1}
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]}
    managing.run(definition(inbox=policy(delete=30, unread=True)))
    assert subjects_by_path(mailbox) == {}


@pytest.mark.parametrize("archive_missing", [True, False])
def test_what_the_archive_lacks_is_archived_first_or_stays(owner, mailbox, managing, archive_missing):
    owner.add(1)
    journal = managing.run(definition(inbox=policy(delete=30, purge=400), archive_missing=archive_missing))
    if archive_missing:
        assert subjects_by_path(mailbox) == {}
        assert journal.counts["archived_first"] == journal.counts["items_deleted"] == 1
        assert Message.get().subject == "Message 1" and "Message 1" in stamps()
    else:
        assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]}
        assert journal.skipped == {Reason.NOT_ARCHIVED: 1}


def test_a_vault_shortcut_that_is_not_archived_stays(owner, mailbox, managing):
    owner.add(1, item_class="IPM.Note.EnterpriseVault.Shortcut")
    assert managing.run(definition(inbox=policy(delete=30))).skipped == {Reason.VAULT_SHORTCUT: 1}
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]} and not Message.select().exists()


def test_what_was_archived_and_deleted_between_two_passes_is_no_fault(owner, mailbox, managing, replicate):
    replicate()
    owner.add(1)
    managing.run(definition(inbox=policy(delete=30)))
    report = compare(mailbox)
    assert report.ok and report.pending == 1
    replicate()
    assert compare(mailbox).pending == 0


def test_what_replication_leaves_out_is_no_difference_where_another_task_has_archived_it(owner, mailbox, manage_all):
    item = owner.add(1, item_class="IPM.Note.EnterpriseVault.Shortcut")
    wanting, leaving = manage_all
    wanting()
    Checkpoint.delete().execute()  # that task is no more
    leaving()
    owner.store.set_read([item], read=False)
    leaving()
    for _ in range(2):
        report = compare(mailbox)
        assert report.ok and report.skipped == {Reason.VAULT_SHORTCUT: 1}
        leaving()


@pytest.fixture
def manage_all(mailbox, packs):
    """Two replications: one that includes the vault's shortcuts, one that does not."""
    wanting = Replication(mailbox, packs, make_task("wants"), FolderReplicationDefinition(include_vault_shortcuts=True))
    return wanting.run, Replication(mailbox, packs, make_task("leaves")).run


def test_a_private_message_that_is_not_archived_stays(owner, mailbox, managing, replicate):
    owner.add(1, sensitivity="Private")
    replicate()
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.skipped == {Reason.PRIVATE: 1}
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]}
    assert Message.select().count() == 0


def test_a_message_that_the_archive_purged_is_not_archived_again_to_be_deleted(
    owner, mailbox, managing, replicate, packs
):
    owner.add(1)
    replicate()
    RetentionSetting.create(quarantine_days=0, created=now(), created_by="a", modified=now(), modified_by="a")
    wanted = definition(inbox=policy(purge=30))
    managing.run(wanted)
    managing.approve()
    for _ in range(2):
        Purge(packs, "site", clock=lambda: DAY_100).run()
    assert Message.select().count() == 0
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.skipped == {Reason.PURGED: 1}
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]}
    assert Message.select().count() == 0


@pytest.mark.parametrize("scope", list(HoldScope))
def test_what_is_on_hold_is_not_touched(owner, mailbox, managing, replicate, scope):
    owner.add(1)
    replicate()
    extra = {
        HoldScope.MAILBOX: {"mailbox": ArchiveMailbox.get()}, HoldScope.MESSAGE: {"message": Message.get()},
        HoldScope.SEARCH: {"search": '{"subject": "message"}'},
    }.get(scope, {})  # fmt: skip
    Hold.create(name="Case 7", scope=scope, placed=now(), placed_by="eve", **extra)
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.skipped == {Reason.ON_HOLD: 1}
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]}


def test_what_others_change_between_listing_and_deleting_stays(owner, mailbox, managing, replicate):
    """Read state, folder and content are looked at again immediately before."""
    moved, marked, edited = owner.add(1), owner.add(2), owner.add(3)
    replicate()

    class Interfering(RecordingJournal):
        def progress(self, *, phase, folder="", expected=None):
            if phase == "deleting" and folder:
                owner.store.move_item(moved, owner.folder("drafts"))
                owner.store.set_read([marked], read=False)
                owner.store.update_item(edited, {"subject": "Edited"}, mime=b"Subject: Edited\r\n\r\nOther text\r\n")

    journal = managing.run(definition(inbox=policy(delete=30), archive_missing=False), Interfering())
    assert journal.counts["items_deleted"] == 0
    assert journal.skipped == {Reason.ITEM_NOT_FOUND: 1, Reason.UNREAD: 1, Reason.NOT_ARCHIVED: 1}
    assert subjects_by_path(mailbox) == {"Inbox": ["Edited", "Message 2"], "Drafts": ["Message 1"]}


@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_what_was_changed_while_the_confirmation_took_long_or_the_machine_slept_stays(
    owner, mailbox, managing, replicate, monkeypatch, clock
):
    edited = owner.add(1)
    owner.add(2)
    replicate()
    clocks = {"monotonic": 100.0, "time": 1e9}

    class Sleeping(RecordingJournal):
        def count(self, counter, number=1):
            super().count(counter, number)
            if counter == "confirmed":
                clocks[clock] += 3600
                owner.store.update_item(edited, {"subject": "Edited"})

    telling = {name: (lambda name=name: clocks[name]) for name in clocks}
    monkeypatch.setattr(expiring, "time", SimpleNamespace(**telling))
    journal = managing.run(definition(inbox=policy(delete=30)), Sleeping())
    assert journal.counts["items_deleted"] == 1 and journal.skipped == {Reason.ITEM_CHANGED: 1}
    assert subjects_by_path(mailbox) == {"Inbox": ["Edited"]}


def test_deleted_items_are_not_moved_to_deleted_items_but_may_be_deleted(owner, mailbox, managing, replicate):
    owner.add(1, folder="deleteditems")
    replicate()
    journal = managing.run(definition(deleted=policy(delete=30, how="move to Deleted Items")))
    assert journal.counts["items_due"] == 0
    managing.run(definition(deleted=policy(delete=30)))
    assert subjects_by_path(mailbox) == {}


@pytest.mark.parametrize("limit", [{"max_changes": 2}, {"max_changes_percent": 50}])
def test_a_run_that_would_change_more_than_allowed_changes_nothing(owner, mailbox, managing, replicate, limit):
    for number in range(3):
        owner.add(number)
    replicate()
    with pytest.raises(Problem) as refused:
        managing.run(definition(inbox=policy(delete=30, purge=40), **limit))
    assert refused.value.reason is Reason.TOO_MANY_CHANGES
    assert len(subjects_by_path(mailbox)["Inbox"]) == 3
    assert stamps() == {}


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_not_the_servers_deletes_nothing(owner, mailbox, managing, replicate, hours):
    owner.add(10)
    replicate()
    assert abs(mailbox.editing.clock_ahead()) < 60
    mailbox.editing.clock_ahead = lambda: hours * 3600.0
    with pytest.raises(Problem) as failed:
        managing.run(definition(inbox=policy(delete=30), managed=[("", "Keep", {})]))
    assert failed.value.reason is Reason.CLOCK_WRONG
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 10"]} and ("", "Keep") not in paths(mailbox)


def test_a_dry_run_reports_and_changes_nothing(owner, mailbox, managing, replicate):
    owner.add(10), owner.add(80)
    replicate()
    owner.add(11)
    wanted = definition(inbox=policy(delete=30, expire=200, purge=300), managed=[("Inbox", "Keep", policy(purge=4000))])
    before = subjects_by_path(mailbox), paths(mailbox)
    dry = managing.run(wanted.model_copy(update={"dry_run": True}))
    assert (subjects_by_path(mailbox), paths(mailbox)) == before
    assert stamps() == {} and Expiry.select().count() == ManagedFolder.select().count() == 0
    real = managing.run(wanted)
    left_out = {"dry_run", "stamped", "folders_seen", "confirmed"}
    assert {k: v for k, v in dry.counts.items() if k not in left_out} == {
        k: v for k, v in real.counts.items() if k not in left_out
    }
    listed = [f"{item}: {what.partition(',')[0]}" for item, what in dry.would_change]
    assert sorted(re.sub(r"\d{4}-\d\d-\d\d", "DAY", each) for each in listed) == [
        "Inbox: Message 10, received DAY: Would be deleted", "Inbox: Message 11, received DAY: Would be deleted",
    ]  # fmt: skip
    assert dry.counts["items_due"] + dry.counts["not_due"] == 3 and real.would_change == []
    assert (dry.counts["confirmed"], dry.counts["archived_first"], real.counts["confirmed"]) == (1, 1, 2)
    assert dry.skipped == real.skipped


# --- the folders


def test_managed_folders_are_created_once_where_the_definition_says(owner, mailbox, managing):
    wanted = definition(managed=[("", "Keep 7 years", {}), ("inbox", "Short", {}), ("Inbox/Short", "Shorter", {})])
    journal = managing.run(wanted)
    assert journal.counts["folders_created"] == 3
    assert {("", "Keep 7 years"), ("Inbox", "Short"), ("Short", "Shorter")} <= paths(mailbox)
    assert managing.run(wanted).counts["folders_created"] == 0


def test_a_renamed_or_moved_managed_folder_keeps_its_policy_and_is_not_created_again(
    owner, mailbox, managing, replicate
):
    wanted = definition(managed=[("", "Short", policy(delete=30))])
    managing.run(wanted)
    folder_id = next(each.id for each in owner.store.folders(owner.mailbox.id) if each.name == "Short")
    owner.store.rename_folder(folder_id, "Mine")
    owner.store.move_folder(folder_id, owner.folder("inbox"))
    owner.add(1)
    owner.store.move_item(owner.store.items(owner.folder("inbox"))[0]["id"], folder_id)
    replicate()
    journal = managing.run(wanted)
    assert journal.counts["folders_created"] == 0 and journal.counts["items_deleted"] == 1
    assert ("Inbox", "Mine") in paths(mailbox) and ("", "Short") not in paths(mailbox)


@pytest.mark.parametrize("how", list(DeleteType))
def test_a_folder_that_its_owner_deleted_is_created_once_more_and_then_left(owner, mailbox, managing, how):
    wanted = definition(managed=[("", "Short", policy(delete=30))])
    managing.run(wanted)

    def delete():
        top = owner.folder("msgfolderroot")
        folder_id = next(e.id for e in owner.store.children(top) if e.name == "Short")
        owner.store.delete_folder(folder_id, how)

    delete()
    assert managing.run(wanted).counts["folders_recreated"] == 1
    delete()
    journal = managing.run(wanted)
    assert journal.counts["folders_recreated"] == journal.counts["folders_created"] == 0
    assert journal.skipped[Reason.FOLDER_LEFT_DELETED] == 1
    assert ("", "Short") not in paths(mailbox)
    owner.store.add_folder(owner.mailbox.id, owner.folder("msgfolderroot"), "short")
    assert managing.run(wanted).skipped == {}, "made by its owner again, it is managed again"
    assert ManagedFolder.get().abandoned is False


def test_a_folder_of_that_name_is_taken_over(owner, mailbox, managing, replicate):
    folder_id = owner.store.add_folder(owner.mailbox.id, owner.folder("msgfolderroot"), "KEEP").id
    owner.add(1)
    owner.store.move_item(owner.store.items(owner.folder("inbox"))[0]["id"], folder_id)
    replicate()
    journal = managing.run(definition(managed=[("", "Keep", policy(delete=30))]))
    assert journal.counts["folders_created"] == 0 and journal.counts["items_deleted"] == 1


def test_a_parent_that_is_not_there_is_told_and_the_rest_is_done(owner, mailbox, managing, replicate):
    owner.add(1)
    replicate()
    journal = managing.run(definition(inbox=policy(delete=30), managed=[("Nowhere", "Keep", {})]))
    assert journal.warnings[0][0] is Reason.FOLDER_NOT_FOUND
    assert journal.counts["items_deleted"] == 1


def test_the_nearest_policy_wins_and_what_has_left_a_managed_folder_is_not_deleted(owner, mailbox, managing, replicate):
    wanted = definition(
        default_policy=policy(delete=90), inbox=policy(delete=30), managed=[("Inbox", "Keep", policy()),
                                                                            ("Inbox", "Short", policy(delete=1))]
    )  # fmt: skip
    managing.run(wanted)
    inner = {each.name: each.id for each in owner.store.children(owner.folder("inbox"))}
    for number, target in ((1, "Keep"), (2, "Short"), (3, None), (4, "Short")):
        item = owner.add(number if number != 2 else 95)
        if target:
            owner.store.move_item(item, inner[target])
    owner.add(50, folder="sentitems"), owner.add(5, folder="sentitems")
    replicate()
    # Number 4 leaves Short after it was replicated there.
    (four,) = [row["id"] for row in owner.store.items(inner["Short"]) if row["subject"] == "Message 4"]
    owner.store.move_item(four, inner["Keep"])
    managing.run(wanted)
    left = subjects_by_path(mailbox)
    assert left == {"Inbox/Keep": ["Message 1", "Message 4"], "Sent Items": ["Message 50"]}


# --- stubs


@pytest.fixture
def stub(owner, mailbox, packs):
    """Makes a stub in the inbox; gives its row in the registry."""

    def make(day):
        owner.add(day, attachments=[("a.bin", bytes(range(256)) * 200)])
        Management(mailbox, packs).run()
        return Stub.get()

    return make


@pytest.mark.parametrize(
    ("how", "state"),
    [("soft delete", "lost"), ("hard delete", "lost"), ("move to Deleted Items", "complete")],
)
def test_a_stub_that_a_policy_deletes_holds_its_content_back_while_it_may_come_back(managing, stub, how, state):
    made = stub(1)
    journal = managing.run(definition(inbox=policy(delete=30, how=how)))
    assert journal.counts["items_deleted"] == 1 and not journal.failures
    assert Stub.get().state == state
    assert set(why_kept([made.message_id])) == {made.message_id}
    Stub.update(ended=now() - RECOVERABLE - timedelta(seconds=1)).execute()
    assert set(why_kept([made.message_id])) == ({made.message_id} if state == "complete" else set())


def test_a_stub_is_known_gone_also_where_its_owner_had_moved_it_before(owner, managing, stub):
    stub(1)
    (item,) = [row["id"] for row in owner.store.items(owner.folder("inbox"))]
    owner.store.move_item(item, owner.folder("sentitems"))
    managing.run(definition(default_policy=policy(delete=30)))
    assert Stub.get().state == "lost"


@pytest.mark.parametrize("deleted", ["the copy", "the first"])
def test_a_stub_stays_known_while_one_of_its_copies_is_left(owner, mailbox, managing, stub, deleted):
    stub(1)
    (item,) = [row["id"] for row in owner.store.items(owner.folder("inbox"))]
    owner.store.copy_item(item, owner.folder("deleteditems"))
    policies = {"deleted" if deleted == "the copy" else "inbox": policy(delete=30)}
    managing.run(definition(**policies))
    (left,) = subjects_by_path(mailbox)
    (details,) = [each for each in all_items(mailbox) if each.row.stub]
    assert left == ("Inbox" if deleted == "the copy" else "Deleted Items")
    assert (Stub.get().state, Stub.get().remote_id) == ("complete", details.row.remote_id)


def test_a_stub_that_was_moved_after_an_interrupted_deletion_stays_known(owner, managing, stub, monkeypatch):
    stub(1)
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(type(managing.mailbox.editing), "delete", Mock(side_effect=RuntimeError("power cut")))
        managing.run(definition(inbox=policy(delete=30)))
    (item,) = [row["id"] for row in owner.store.items(owner.folder("inbox"))]
    owner.store.move_item(item, owner.folder("sentitems"))
    managing.run(definition(inbox=policy(delete=30)))
    assert Expiry.get().state == "deleted" and Stub.get().state == "complete"


def failing(*_, **__):
    raise Problem(Reason.SERVER_ERROR, "The server said ErrorInternalServerError.")


def test_where_the_look_for_deleted_stubs_fails_the_deletions_hold_and_it_is_told(managing, stub, monkeypatch):
    made = stub(1)
    wanted = definition(inbox=policy(delete=30))
    with monkeypatch.context() as patched:
        patched.setattr(stub_completion, "find_marked", failing)
        journal = managing.run(wanted)
    ((reason, told),) = journal.warnings
    assert reason is Reason.STUBS_NOT_SOUGHT and "ErrorInternalServerError" in told
    assert journal.counts["items_deleted"] == 1 and Expiry.get().state == "deleted"
    assert Stub.get().state == "complete" and why_kept([made.message_id])
    assert not managing.run(wanted).warnings
    assert Stub.get().state == "lost"


@pytest.mark.parametrize("reason", [Reason.LEASE_LOST, Reason.PASSWORD_REFUSED])
def test_what_everybody_would_meet_is_not_passed_over_by_the_last_look(managing, stub, monkeypatch, reason):
    stub(1)
    monkeypatch.setattr(stub_completion, "find_marked", Mock(side_effect=Problem(reason, "No.")))
    with pytest.raises(Problem) as failed:
        managing.run(definition(inbox=policy(delete=30)))
    assert failed.value.reason is reason


def test_a_stub_whose_deletion_was_cut_off_before_the_last_look_is_looked_for_by_the_next_run(
    managing, stub, monkeypatch
):
    stub(1)
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(stub_completion, "find_marked", Mock(side_effect=RuntimeError("power cut")))
        managing.run(definition(inbox=policy(delete=30)))
    assert Stub.get().state == "complete"
    managing.run(definition(inbox=policy(delete=30)))
    assert Stub.get().state == "lost"


def test_a_copy_that_is_moved_while_it_is_looked_for_does_not_pass_for_gone(owner, mailbox, managing, stub):
    stub(1)
    owner.store.copy_item(owner.only_item(), owner.folder("sentitems"))
    looked = moving_while_looked(owner, mailbox, "sentitems")
    managing.run(definition(inbox=policy(delete=30)))
    assert looked.count("sentitems") == 2 and owner.store.items(owner.folder(looked[0]))
    assert Stub.get().state == "complete"


# --- stamps


def test_stamps_say_when_a_message_leaves_the_view_and_may_be_purged(owner, managing, replicate):
    owner.add(10), owner.add(20, folder="sentitems")
    replicate()
    RetentionSetting.create(default_days=1000, created=now(), created_by="a", modified=now(), modified_by="a")
    journal = managing.run(definition(inbox=policy(expire=60, purge=400)))
    assert journal.counts["stamped"] == 1
    assert stamps() == {"Message 10": (day(70), day(410))}
    (shown,) = stamp_history(Message.get(Message.subject == "Message 10").id)
    assert shown.original_purge == day(1010)
    assert shown.policy == "Inbox: expire view after 60 days, archive purge after 400 days"
    assert shown.definition_name.startswith("definition")


def test_a_policy_changed_later_changes_the_stamps_and_keeps_their_history(owner, managing, replicate):
    owner.add(10)
    replicate()
    managing.run(definition(inbox=policy(purge=400)))
    assert managing.run(definition(inbox=policy(purge=400))).counts["restamped"] == 0
    journal = managing.run(definition(inbox=policy(purge=4000)))
    assert (journal.counts["stamped"], journal.counts["restamped"]) == (0, 1)
    assert stamps() == {"Message 10": (None, day(4010))}
    history = stamp_history(Message.get().id)
    assert [(each.purge, each.ended is None) for each in history] == [(day(4010), True), (day(410), False)]


def test_a_message_moved_to_normal_retention_loses_its_stamp_one_deleted_keeps_it(owner, mailbox, managing, replicate):
    moved, _ = owner.add(10), owner.add(11)
    replicate()
    wanted = definition(inbox=policy(delete=85, purge=400))
    owner.store.move_item(moved, owner.folder("drafts"))
    managing.run(definition(inbox=policy(purge=400)))
    assert stamps() == {"Message 11": (None, day(411))}, "where it lies now decides, not where the archive last saw it"
    replicate()
    managing.run(wanted)
    replicate()
    assert subjects_by_path(mailbox) == {"Drafts": ["Message 10"]}
    managing.run(wanted)
    assert stamps() == {"Message 11": (None, day(411))}


def test_stamps_of_a_moved_message_are_withdrawn(owner, managing, replicate):
    moved = owner.add(10)
    replicate()
    managing.run(definition(inbox=policy(purge=400)))
    owner.store.move_item(moved, owner.folder("drafts"))
    replicate()
    journal = managing.run(definition(inbox=policy(purge=400)))
    assert journal.counts["stamps_ended"] == 1 and stamps() == {}


def test_a_message_in_two_folders_is_kept_by_the_longer_one(owner, managing, replicate):
    item = owner.add(10)
    owner.store.copy_item(item, owner.folder("drafts"))
    replicate()
    managing.run(definition(inbox=policy(expire=5, purge=20)))
    assert stamps() == {}, "in Drafts it is kept for ever, and stays in view"
    RetentionSetting.create(default_days=50, created=now(), created_by="a", modified=now(), modified_by="a")
    managing.run(definition(inbox=policy(expire=5, purge=20)))
    assert stamps() == {"Message 10": (None, day(60))}


def test_owner_still_reads_what_is_deleted_unless_another_policy_hides_it(owner, mailbox, managing, replicate, packs):
    owner.add(10)
    replicate()
    other = Managing(mailbox, packs, moment=DAY_100)
    other.run(definition(inbox=policy(expire=20)))
    assert hidden_from_owner(ArchiveMailbox.get().id, [Message.get().id], DAY_100)
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.skipped == {Reason.NOT_READABLE: 1}
    other.run(definition(inbox=policy(expire=200)))
    managing.run(definition(inbox=policy(delete=30, expire=30)))
    assert subjects_by_path(mailbox) == {}


@pytest.mark.parametrize(("limits", "days"), [({"minimum_days": 365}, 364), ({"maximum_days": 365}, 366)])
def test_a_policy_outside_the_archives_limits_touches_nothing(owner, mailbox, managing, replicate, limits, days):
    owner.add(1)
    replicate()
    RetentionSetting.create(
        mailbox=ArchiveMailbox.get(), created=now(), created_by="a", modified=now(), modified_by="a", **limits
    )
    with pytest.raises(Problem) as refused:
        managing.run(definition(inbox=policy(delete=30, purge=days)))
    assert refused.value.reason is Reason.RETENTION_LIMITS
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]} and stamps() == {}


# --- approval


def test_without_approval_the_rest_is_done_and_said(owner, mailbox, managing, replicate, packs):
    owner.add(1)
    replicate()
    wanted = definition(inbox=policy(delete=30, purge=40))
    journal = managing.run(wanted)
    reason, said = journal.warnings[0]
    assert reason is Reason.APPROVAL_MISSING
    assert re.match(r"1 message deleted, \d+.*(KiB|bytes)\. The archive purges of .* wait for", said)
    assert subjects_by_path(mailbox) == {}
    assert Purge(packs, "site", clock=lambda: DAY_100).run().set_aside == 0
    managing.approve()
    assert managing.run(wanted).warnings == []
    assert Purge(packs, "site", clock=lambda: DAY_100).run().set_aside == 1


def test_a_dry_run_says_what_it_would_do_before_what_waits(owner, mailbox, managing, replicate):
    owner.add(1)
    replicate()
    dry = managing.run(definition(inbox=policy(delete=30, purge=40), dry_run=True))
    would = r"Dry run, nothing was changed: 1 message would be deleted, \d+.*(KiB|bytes)\."
    assert re.match(would + " The archive purges of .* wait for", dry.warnings[0][1])
    managing.approve()
    dry = managing.run(definition(inbox=policy(delete=30, purge=40), dry_run=True))
    assert re.fullmatch(would, dry.notes[-1])
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]}


def test_an_edit_behind_the_programs_back_voids_the_approval(owner, managing, replicate, packs):
    owner.add(1)
    replicate()
    wanted = definition(inbox=policy(purge=40))
    managing.run(wanted)
    managing.approve()
    Definition.update(settings=definition(inbox=policy(purge=41)).model_dump_json()).execute()
    assert Purge(packs, "site", clock=lambda: DAY_100).run().set_aside == 0


# --- when things fail


def test_a_damaged_archive_stops_it_before_one_more_item_is_touched(owner, mailbox, managing, replicate, packs, flip):
    for number in range(3):
        owner.add(number)
    replicate()
    flip()
    with pytest.raises(Problem) as failed:
        managing.run(definition(inbox=policy(delete=30)))
    assert failed.value.reason is Reason.CONTENT_DAMAGED
    assert len(subjects_by_path(mailbox)["Inbox"]) == 3
    assert Expiry.select().count() == 0


@pytest.mark.parametrize("after", [1, 3])
def test_an_archive_that_goes_away_in_the_middle_stops_it_there(
    owner, mailbox, managing, replicate, packs, monkeypatch, after
):
    """Not one more item is touched; what had gone was confirmed before."""
    for number in range(5):
        owner.add(number)
    replicate()
    monkeypatch.setattr(expiring, "BATCH", 1)
    away = packs.root.with_name("unmounted")

    class Unmounting(RecordingJournal):
        def advance(self, items, size):
            if self.counts["items_deleted"] == after and packs.root.exists():
                packs.root.rename(away)

    journal = Unmounting()
    with pytest.raises(Problem) as failed:
        managing.run(definition(inbox=policy(delete=30)), journal)
    assert failed.value.reason in (Reason.ARCHIVE_UNREADABLE, Reason.CONTENT_MISSING)
    assert journal.counts["items_deleted"] == after
    assert len(subjects_by_path(mailbox)["Inbox"]) == 5 - after
    assert Expiry.select().where(Expiry.state == "planned").count() == 0
    away.rename(packs.root)
    assert managing.run(definition(inbox=policy(delete=30))).counts["items_deleted"] == 5 - after


def test_a_full_disk_stops_it_before_the_unarchived_is_deleted(owner, mailbox, managing, monkeypatch, packs):
    for number in range(3):
        owner.add(number)

    def full(*_):
        raise Problem(Reason.DISK_FULL, "There is no space left.")

    monkeypatch.setattr(packs, "put", full)
    with pytest.raises(Problem) as failed:
        managing.run(definition(inbox=policy(delete=30)))
    assert failed.value.reason is Reason.DISK_FULL
    assert len(subjects_by_path(mailbox)["Inbox"]) == 3


def test_a_lock_that_was_lost_stops_it_before_the_server_is_asked(owner, mailbox, managing, replicate):
    owner.add(1)
    replicate()

    class Lost:
        """Held while the folders are read, taken over before the first deletion."""

        def check(self):
            if Expiry.select().count() == 0 and journal.counts["confirmed"]:
                raise Problem(Reason.LEASE_LOST, "Another has it.")

    journal = RecordingJournal()
    with pytest.raises(Problem) as failed:
        managing.run(definition(inbox=policy(delete=30)), journal, Lost())
    assert failed.value.reason is Reason.LEASE_LOST
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 1"]}


@pytest.mark.parametrize("kind", ["half-response", "reset", "server-busy"])
@pytest.mark.parametrize("operation", ["DeleteItem", "GetItem", "FindItem", "SyncFolderHierarchy"])
def test_answers_that_are_lost_cost_nothing_but_time(server, owner, mailbox, managing, replicate, kind, operation):
    for number in (1, 2, 80):
        owner.add(number)
    replicate()
    extra = {"milliseconds": 10} if kind == "server-busy" else {}
    server.faults.inject(kind, count=1, operation=operation, **extra)
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.counts["items_deleted"] == 2 and not journal.failures and not journal.skipped
    assert subjects_by_path(mailbox) == {"Inbox": ["Message 80"]}
    assert [row.state for row in Expiry.select()] == ["deleted", "deleted"]


def test_of_a_batch_that_the_server_deletes_in_part_each_item_comes_to_its_own_end(owner, mailbox, managing, replicate):
    for number in (1, 2, 3, 4):
        owner.add(number)
    replicate()
    delete = mailbox.editing.delete

    def in_part(ids, how):
        answers = delete(ids[:2], how)
        return [
            answers[0], ItemFailure(ids[1], Reason.ITEM_NOT_FOUND, "Gone."),
            *(ItemFailure(each, Reason.SERVER_ERROR, "Not now.") for each in ids[2:]),
        ]  # fmt: skip

    mailbox.editing.delete = in_part
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.counts["items_deleted"] == 2 and len(journal.failures) == 2
    assert sorted(row.state for row in Expiry.select()) == ["deleted", "deleted", "kept", "kept"]
    mailbox.editing.delete = delete
    assert managing.run(definition(inbox=policy(delete=30))).counts["items_deleted"] == 2
    assert subjects_by_path(mailbox) == {}


def test_a_stop_ends_it_between_two_batches(owner, mailbox, managing, replicate, monkeypatch):
    for number in range(3):
        owner.add(number)
    replicate()
    monkeypatch.setattr(expiring, "BATCH", 1)
    journal = RecordingJournal()

    def stop_after_one():
        if journal.counts["items_deleted"] == 1:
            raise Stopped

    journal.at_boundary = stop_after_one
    with pytest.raises(Stopped):
        managing.run(definition(inbox=policy(delete=30)), journal)
    assert len(subjects_by_path(mailbox)["Inbox"]) == 2


def test_what_can_not_be_looked_up_of_an_interrupted_run_is_not_said_to_be_kept(owner, mailbox, managing, replicate):
    owner.add(80)
    replicate()
    placement = Placement.get()
    Expiry.create(
        task=managing.task.id, definition=1, definition_name="d", mailbox=ArchiveMailbox.get(), how="soft delete",
        message=placement.message, folder="Inbox", remote_id="gone, or not", change_key="", state="planned",
        planned=now(),
    )  # fmt: skip
    headers = mailbox.headers
    mailbox.headers = lambda ids: [ItemFailure(each, Reason.SERVER_ERROR, "Not now.") for each in ids]
    managing.run(definition(inbox=policy(delete=30)))
    assert Expiry.get().state == "planned"
    mailbox.headers = headers
    managing.run(definition(inbox=policy(delete=30)))
    assert Expiry.get().state == "deleted"


def test_what_an_interrupted_run_had_begun_is_looked_up(owner, mailbox, managing, replicate):
    """The journal was written; whether the server was asked is not known."""
    gone, there = owner.add(1), owner.add(2)
    replicate()
    placed = {row.message.subject: row for row in Placement.select()}
    for number in (1, 2):
        row = placed[f"Message {number}"]
        Expiry.create(
            task=managing.task.id, definition=1, definition_name="d", mailbox=ArchiveMailbox.get(), how="soft delete",
            message=row.message, folder="Inbox", remote_id=row.remote_id, change_key=row.change_key, state="planned",
            planned=now(),
        )  # fmt: skip
    owner.store.delete_item(gone, DeleteType.SOFT)
    journal = managing.run(definition(inbox=policy(delete=30)))
    assert journal.counts["completed"] == journal.counts["items_deleted"] == 1
    assert {(row.message.subject, row.state) for row in Expiry.select()} == {
        ("Message 1", "deleted"), ("Message 2", "kept"), ("Message 2", "deleted"),
    }  # fmt: skip
    assert there not in [row["id"] for row in owner.store.items(owner.folder("inbox"))]
