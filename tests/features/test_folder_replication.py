"""Mailbox Folder Replication, case by case."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mse_tui.archive.passes import start_over
from mse_tui.archive.views import View
from mse_tui.features.feature import Stopped
from mse_tui.features.folder_replication import FolderReplicationDefinition, ReplicatedContent
from mse_tui.features.submission import BatchLimits
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Checkpoint, Message, Pass, Placement, Removal, Unfinished
from mse_tui.terms import Mode
from tests.features.practice_exchange import ROOT, Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import Archive, RecordingJournal, Replication, make_task

LIVE = View.live()


@pytest.fixture
def server(store):
    return PracticeExchange("box")


@pytest.fixture
def replication(server, packs):
    return Replication(PracticeMailbox(server), packs, make_task())


@pytest.fixture
def archive(server, packs):
    return Archive(server.guid, packs)


def folder(server, name):
    return next(each.id for each in server.live_folders() if each.name == name)


def fill(server, name, *keys):
    return [server.add_item(folder(server, name), Mail(key, message_id=f"<{key}>")) for key in keys]


def places(*pairs):
    return Counter(pairs)


def test_first_pass_is_full_and_shows_the_mailbox(server, replication, archive):
    fill(server, "Inbox", "a", "b", "c", "d", "e")
    sub = server.add_folder(folder(server, "Inbox"), "Projects")
    server.add_item(sub, Mail("f"), is_read=True)
    journal = replication.run()
    assert journal.modes == [Mode.FULL]
    assert archive.places(LIVE) == places(*[("Inbox", key) for key in "abcde"], ("Inbox/Projects", "f"))
    assert archive.paths(LIVE) == {"Inbox", "Inbox/Projects", "Sent Items", "Deleted Items", "Drafts", "Contacts"}
    assert journal.counts["items_added"] == journal.counts["items_seen"] == 6
    assert journal.counts["folders_seen"] == journal.counts["folders_added"] == 6
    assert journal.counts["submissions"] == replication.sequence


def test_unchanged_mailbox_costs_no_submission_and_no_content(server, replication):
    fill(server, "Inbox", "a", "b")
    replication.run()
    before, fetched = replication.sequence, server.requests["fetch"]
    journal = replication.run()
    assert journal.modes == [Mode.DIFFERENTIAL]
    assert replication.sequence == before
    assert server.requests["fetch"] == fetched
    assert journal.counts["items_seen"] == 0


@pytest.mark.parametrize("wanted", [False, True])
def test_an_online_archive_that_cannot_be_opened_is_told_and_the_rest_is_done(server, replication, archive, wanted):
    fill(server, "Inbox", "a")
    replication.definition = FolderReplicationDefinition(include_online_archive=wanted)
    identity = replication.mailbox.identity()
    moving = replace(identity, archive_problem=Problem(Reason.MAILBOX_MOVING, "It is being moved."))
    replication.mailbox.identity = lambda: moving
    for journal in (replication.foresee(), replication.run()):
        assert journal.counts["items_added"] == 1
        assert [reason for reason, _ in journal.warnings] == ([Reason.MAILBOX_MOVING] if wanted else [])
    assert archive.places(LIVE) == places(("Inbox", "a"))


def test_content_is_byte_for_byte_what_the_server_gave(server, replication, packs, archive):
    [item] = fill(server, "Inbox", "a")
    replication.run()
    stored = Message.get(Message.sha256.is_null(False))
    assert packs.read(bytes(stored.sha256)) == server.render(server.items[item].mail)


def test_move_between_folders_is_one_message_and_leaves_no_gap(server, replication, archive):
    [item] = fill(server, "Sent Items", "a")
    replication.run()
    first = replication.last_stamp
    server.move_item(item, folder(server, "Drafts"))
    journal = replication.run()
    assert archive.places(LIVE) == places(("Drafts", "a"))
    assert archive.places(View.as_of(first)) == places(("Sent Items", "a"))
    assert archive.places(View.as_of(replication.last_stamp)) == places(("Drafts", "a"))
    assert archive.places(View.as_of(replication.last_stamp - timedelta(microseconds=1))) == places(("Sent Items", "a"))
    assert journal.counts["items_moved"] == 1
    assert journal.counts["items_added"] == journal.counts["items_removed"] == 0
    assert archive.contents() == ["a"]


def test_deleting_in_exchange_leaves_the_full_view(server, replication, archive):
    [item] = fill(server, "Inbox", "a")
    replication.run()
    server.delete_item(item)
    journal = replication.run()
    assert archive.places(LIVE) == places()
    assert archive.places(View.full()) == places(("Inbox", "a"))
    assert journal.counts["items_removed"] == 1


def test_folder_renamed_moved_and_deleted(server, replication, archive):
    work = server.add_folder(ROOT, "Work")
    old = server.add_folder(work, "Old")
    server.add_item(old, Mail("a"))
    replication.run()
    server.rename_folder(work, "Labour")
    server.move_folder(old, folder(server, "Inbox"))
    journal = replication.run()
    assert archive.places(LIVE) == places(("Inbox/Old", "a"))
    assert journal.counts["folders_renamed"] == journal.counts["folders_moved"] == 1
    before = replication.last_stamp
    server.delete_folder(old)
    journal = replication.run()
    assert "Inbox/Old" not in archive.paths(LIVE)
    assert archive.places(View.as_of(before)) == places(("Inbox/Old", "a"))
    assert (journal.counts["folders_removed"], journal.counts["items_removed"]) == (1, 1)


def test_folder_recreated_under_its_name_is_another_folder(server, replication, archive):
    work = server.add_folder(ROOT, "Work")
    server.add_item(work, Mail("a"))
    replication.run()
    server.delete_folder(work)
    server.add_item(server.add_folder(ROOT, "Work"), Mail("b"))
    replication.run()
    assert archive.places(LIVE) == places(("Work", "b"))
    assert archive.places(View.full()) == places(("Work", "a"), ("Work", "b"))


def test_read_flag_and_categories_reach_the_live_view(server, replication, archive):
    [item] = fill(server, "Inbox", "a")
    replication.run()
    server.read_item(item, True)
    journal = replication.run()
    assert journal.counts["items_changed"] == 1
    server.flag_item(item, "Flagged", ("Red",))
    replication.run()
    assert archive.show(LIVE) == Counter([("Inbox", "a", True, "Flagged", ("Red",))])
    assert archive.contents() == ["a"]


def test_edited_item_keeps_its_former_content_in_history(server, replication, archive):
    [item] = fill(server, "Drafts", "a")
    replication.run()
    before = replication.last_stamp
    server.edit_item(item, Mail("a2", text="other"))
    journal = replication.run()
    assert journal.counts["items_changed"] == 1
    assert archive.places(LIVE) == places(("Drafts", "a2"))
    assert archive.places(View.as_of(before)) == places(("Drafts", "a"))


def test_same_message_id_with_other_content_is_two_messages(server, replication, archive):
    for text in ("one", "two"):
        server.add_item(folder(server, "Inbox"), Mail(text, message_id="<same>", text=text))
    replication.run()
    assert sorted(archive.contents()) == ["one", "two"]


@pytest.mark.parametrize("message_id", ["<id>", ""])
def test_varying_renderings_are_stored_once(server, replication, archive, message_id):
    server.varying = True
    mail = Mail("a", message_id=message_id, attachment=b"123")
    item = server.add_item(folder(server, "Inbox"), mail)
    server.copy_item(item, folder(server, "Inbox"))
    server.add_item(folder(server, "Inbox"), replace(mail, key="other", text="other text"))
    replication.run()
    assert sorted(archive.contents()) == ["a", "other"]
    server.flag_item(item, "Flagged", ())
    server.move_item(server.copy_item(item, folder(server, "Drafts")), folder(server, "Sent Items"))
    replication.run()
    start_over(replication.task.id)
    journal = replication.run()
    assert journal.modes == [Mode.FULL]
    assert sorted(archive.contents()) == ["a", "other"]
    assert archive.places(LIVE) == places(("Inbox", "a"), ("Inbox", "a"), ("Inbox", "other"), ("Sent Items", "a"))


def test_full_resync_reconciles_and_fetches_nothing_known(server, replication, archive):
    [first, _] = fill(server, "Inbox", "a", "b")
    replication.run()
    server.delete_item(first)
    fill(server, "Inbox", "c")
    start_over(replication.task.id)
    fetched = server.requests["fetch"]
    journal = replication.run()
    assert server.requests["fetch"] == fetched + 1
    assert archive.places(LIVE) == places(("Inbox", "b"), ("Inbox", "c"))
    assert archive.places(View.full()) == places(("Inbox", "a"), ("Inbox", "b"), ("Inbox", "c"))
    assert (journal.counts["items_known"], journal.counts["items_removed"]) == (1, 1)


def test_refused_sync_states_are_dropped_and_reconciled(server, replication, archive):
    [first, *_] = fill(server, "Inbox", "a", "b", "c", "d")
    replication.run()
    server.delete_item(first)
    server.refuse_states()
    fill(server, "Inbox", "e")
    journal = replication.run()
    assert archive.places(LIVE) == places(*[("Inbox", key) for key in "bcde"])
    assert journal.counts["items_removed"] == 1
    assert not journal.failures


def test_private_items_are_skipped_counted_and_taken_in_when_wanted(server, replication, archive):
    server.add_item(folder(server, "Inbox"), Mail("secret", sensitivity="Private"))
    server.add_item(folder(server, "Inbox"), Mail("mine", sensitivity="Personal"))
    fill(server, "Inbox", "a")
    assert replication.run().skipped == {Reason.PRIVATE: 2}
    assert replication.run().skipped == {Reason.PRIVATE: 2}
    assert archive.places(LIVE) == places(("Inbox", "a"))
    replication.definition = FolderReplicationDefinition(skip_private=False)
    journal = replication.run()
    assert not journal.skipped
    assert archive.places(LIVE) == places(("Inbox", "a"), ("Inbox", "mine"), ("Inbox", "secret"))
    assert Unfinished.select().count() == 0


def test_item_that_becomes_private_stays_as_last_replicated(server, replication, archive):
    [item] = fill(server, "Inbox", "a")
    replication.run()
    server.edit_item(item, Mail("changed", sensitivity="Private"))
    assert replication.run().skipped == {Reason.PRIVATE: 1}
    assert archive.places(LIVE) == places(("Inbox", "a"))
    server.delete_item(item)
    assert replication.run().counts["items_removed"] == 1
    assert replication.run().skipped == {}


def test_vault_shortcuts_are_skipped_unless_wanted(server, replication, archive):
    server.add_item(folder(server, "Inbox"), Mail("stub", item_class="IPM.Note.EnterpriseVault.Shortcut"))
    assert replication.run().skipped == {Reason.VAULT_SHORTCUT: 1}
    replication.definition = FolderReplicationDefinition(include_vault_shortcuts=True)
    replication.run()
    assert archive.places(LIVE) == places(("Inbox", "stub"))


def test_items_that_are_no_mail_are_replicated_with_their_class(server, replication, archive):
    classes = ("IPM.Contact", "IPM.DistList", "IPM.Task", "IPM.StickyNote", "IPM.Post", "IPM.Schedule.Meeting.Request")
    contacts = server.add_folder(ROOT, "Kontakte", folder_class="IPF.Contact")
    for item_class in classes:
        server.add_item(contacts, Mail(item_class, item_class=item_class))
    assert replication.run().skipped == {}
    assert archive.places(LIVE) == places(*[("Kontakte", item_class) for item_class in classes])
    assert sorted(row.item_class for row in Placement.select()) == sorted(classes)


def test_poison_item_is_listed_and_tried_again_at_each_pass(server, replication, archive):
    item = server.add_item(folder(server, "Inbox"), Mail("bad", subject="Bad one", poison=True))
    fill(server, "Inbox", "a", "b", "c", "d")
    for _ in range(2):
        journal = replication.run()
        assert [(each[0], each[1]) for each in journal.failures] == [("Inbox: Bad one", Reason.ITEM_CORRUPT)]
    assert archive.places(LIVE) == places(*[("Inbox", key) for key in "abcd"])
    server.items[item].mail = Mail("good")
    journal = replication.run()
    assert not journal.failures
    assert archive.places(LIVE) == places(*[("Inbox", key) for key in ("a", "b", "c", "d", "good")])
    assert replication.run().counts["items_seen"] == 0


def test_poison_item_that_goes_is_forgotten(server, replication):
    item = server.add_item(folder(server, "Inbox"), Mail("bad", poison=True))
    replication.run()
    server.delete_item(item)
    replication.run()
    assert Unfinished.select().count() == 0


def test_item_gone_between_listing_and_fetching_is_no_fault(server, replication, archive):
    [item] = fill(server, "Inbox", "a")

    def vanish(what):
        if what == "fetch" and not server.items[item].deleted:
            server.delete_item(item)

    server.on_request = vanish
    journal = replication.run()
    assert (journal.skipped, journal.failures) == ({Reason.ITEM_NOT_FOUND: 1}, [])
    replication.run()
    assert Unfinished.select().count() == 0


def test_folder_that_disappears_while_it_is_read_is_a_warning(server, replication, archive):
    work = server.add_folder(ROOT, "Work")
    server.add_item(work, Mail("a"))
    fill(server, "Inbox", "b")

    def vanish(what):
        if what == "item_changes" and not server.folders[work].deleted:
            server.delete_folder(work)

    server.on_request = vanish
    journal = replication.run()
    assert [reason for reason, _ in journal.warnings] == [Reason.FOLDER_NOT_FOUND]
    assert not replication.run().warnings
    assert archive.places(LIVE) == places(("Inbox", "b"))


def test_exclusions_with_subfolders_and_globs(server, replication, archive):
    sub = server.add_folder(folder(server, "Sent Items"), "2023")
    server.add_item(sub, Mail("hidden"))
    secret = server.add_folder(ROOT, "Geheim [X]")
    server.add_item(server.add_folder(secret, "Tief"), Mail("hidden too"))
    server.add_item(server.add_folder(folder(server, "Inbox"), "Old stuff"), Mail("old"))
    fill(server, "Inbox", "a")
    replication.definition = FolderReplicationDefinition(
        exclude_sent_items=True, exclude_deleted_items=True, excluded_folders=("/geheim [x]/", "inbox/old*")
    )
    replication.run()
    assert archive.paths(LIVE) == {"Inbox", "Drafts", "Contacts"}
    assert archive.places(LIVE) == places(("Inbox", "a"))


def test_calendars_are_left_to_their_own_task(server, replication, archive):
    server.add_item(folder(server, "Calendar"), Mail("meeting"))
    server.add_item(folder(server, "Contacts"), Mail("person", item_class="IPM.Contact"))
    replication.run()
    assert archive.places(LIVE) == places(("Contacts", "person"))


def test_folder_no_longer_excluded_is_filled_in(server, replication, archive):
    sub = server.add_folder(folder(server, "Sent Items"), "2023")
    server.add_item(sub, Mail("a"))
    replication.definition = FolderReplicationDefinition(exclude_sent_items=True)
    replication.run()
    replication.definition = FolderReplicationDefinition()
    journal = replication.run()
    assert journal.modes == [Mode.DIFFERENTIAL]
    assert archive.places(LIVE) == places(("Sent Items/2023", "a"))


def test_folder_excluded_by_an_edit_stays_as_last_replicated(server, replication, archive):
    [item] = fill(server, "Sent Items", "a")
    replication.run()
    replication.definition = FolderReplicationDefinition(exclude_sent_items=True)
    server.delete_item(item)
    fill(server, "Sent Items", "b")
    replication.run()
    assert archive.places(LIVE) == places(("Sent Items", "a"))
    replication.definition = FolderReplicationDefinition()
    replication.run()
    assert archive.places(LIVE) == places(("Sent Items", "b"))


def test_folder_moved_into_an_excluded_tree_leaves_the_live_view(server, replication, archive):
    work = server.add_folder(ROOT, "Work")
    server.add_item(work, Mail("a"))
    replication.definition = FolderReplicationDefinition(exclude_deleted_items=True)
    replication.run()
    before = replication.last_stamp
    server.move_folder(work, folder(server, "Deleted Items"))
    journal = replication.run()
    assert archive.places(LIVE) == places()
    assert "Work" not in archive.paths(LIVE)
    assert archive.places(View.as_of(before)) == places(("Work", "a"))
    assert journal.counts["folders_removed"] == 1
    server.move_folder(work, ROOT)
    replication.run()
    assert archive.places(LIVE) == places(("Work", "a"))
    assert archive.contents() == ["a"]


def test_folder_moved_into_a_tree_that_another_task_covers_stays(server, packs, replication, archive):
    work = server.add_folder(ROOT, "Work")
    server.add_item(work, Mail("a"))
    other = Replication(PracticeMailbox(server), packs, make_task())
    replication.definition = FolderReplicationDefinition(exclude_deleted_items=True)
    replication.run()
    other.run()
    server.move_folder(work, folder(server, "Deleted Items"))
    replication.run()
    assert archive.places(LIVE) == places(("Deleted Items/Work", "a"))
    server.delete_item(server.live_items(work)[0].id)
    other.run()
    assert archive.places(LIVE) == places()


def test_what_another_task_saw_come_and_go_does_not_stay(server, packs, replication, archive):
    other = Replication(PracticeMailbox(server), packs, make_task())
    replication.run()
    [item] = fill(server, "Inbox", "a")
    other.run()
    server.delete_item(item)
    replication.run()
    assert archive.places(LIVE) == places()
    other.run()
    assert archive.places(View.full()) == places(("Inbox", "a"))


def test_metadata_only_fetches_nothing_and_content_is_filled_in_later(server, replication, archive):
    [first, *_] = fill(server, "Inbox", "a", "b", "c", "d")
    server.add_item(folder(server, "Drafts"), Mail("secret", sensitivity="Private"))
    replication.definition = FolderReplicationDefinition(content=ReplicatedContent.METADATA)
    replication.run()
    server.move_item(first, folder(server, "Drafts"))
    journal = replication.run()
    assert journal.counts["items_moved"] == 1
    assert server.requests["fetch"] == 0
    assert archive.places(LIVE) == places(*[("Inbox", "(Hello)")] * 3, ("Drafts", "(Hello)"))
    replication.definition = FolderReplicationDefinition()
    journal = replication.run()
    assert journal.counts["items_changed"] == 4
    assert archive.places(LIVE) == places(*[("Inbox", key) for key in "bcd"], ("Drafts", "a"))
    fetched = server.requests["fetch"]
    replication.run()
    assert server.requests["fetch"] == fetched == 4


def test_metadata_only_task_does_not_hide_a_change_from_a_task_with_content(server, packs, replication, archive):
    [item] = fill(server, "Inbox", "a")
    light = Replication(PracticeMailbox(server), packs, make_task())
    light.definition = FolderReplicationDefinition(content=ReplicatedContent.METADATA)
    replication.run()
    light.run()
    server.edit_item(item, Mail("a2", text="new"))
    server.read_item(item, True)
    light.run()
    replication.run()
    assert archive.show(LIVE) == Counter([("Inbox", "a2", True, "NotFlagged", ())])


def test_full_sync_waits_for_the_end_of_its_exclusion_window(server, replication, archive):
    fill(server, "Inbox", "a")
    replication.definition = FolderReplicationDefinition(full_sync_exclusion_windows=("Mon-Sun 00:00-24:00 UTC",))
    with pytest.raises(Problem) as caught:
        replication.run()
    assert caught.value.reason is Reason.OUTSIDE_WINDOW
    assert not server.requests
    replication.definition = FolderReplicationDefinition()
    assert replication.run().modes == [Mode.FULL]
    replication.definition = FolderReplicationDefinition(full_sync_exclusion_windows=("Mon-Sun 00:00-24:00 UTC",))
    fill(server, "Inbox", "b")
    assert replication.run().modes == [Mode.DIFFERENTIAL]
    assert archive.places(LIVE) == places(("Inbox", "a"), ("Inbox", "b"))


def test_stopped_pass_resumes_under_the_same_id_without_fetching_twice(server, replication, archive):
    fill(server, "Inbox", *"abcdefgh")
    replication.limits = BatchLimits(items=2)
    journal = RecordingJournal()
    calls = iter(range(100))

    def stop():
        if next(calls) == 4:
            raise Stopped

    journal.at_boundary = stop
    with pytest.raises(Stopped):
        replication.run(journal)
    stored = sum(archive.places(LIVE).values())
    assert 0 < stored < 8
    assert Checkpoint.select().where(Checkpoint.enumerating).exists()
    fetched = server.requests["fetch"]
    resumed = replication.run()
    assert resumed.modes == [Mode.FULL]
    assert Pass.select().count() == 1
    assert server.requests["fetch"] - fetched == 8 - stored
    assert archive.places(LIVE) == places(*[("Inbox", key) for key in "abcdefgh"])
    assert replication.sequence == journal.counts["submissions"] + resumed.counts["submissions"]
    assert Removal.select().count() == 0


def test_stamps_grow_when_the_clock_was_set_back(server, replication, archive):
    replication.run()
    from mse_tui.store.models import ArchiveMailbox, to_micros

    future = to_micros(datetime.now(UTC) + timedelta(days=1))
    ArchiveMailbox.update(last_stamp=future).execute()
    fill(server, "Inbox", "a")
    replication.run()
    assert Pass.select().order_by(Pass.id.desc()).first().stamp == future + 1
