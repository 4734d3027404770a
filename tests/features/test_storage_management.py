"""Storage management over the wire: what it takes out of a mailbox, and what it never touches."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mse_tui.archive import stub_links, stubs
from mse_tui.archive.fence import NoFence
from mse_tui.archive.stub_links import WHOLE_MESSAGE, LinkKind
from mse_tui.archive.stubs import RESTORABLE
from mse_tui.archive.views import View, folders, messages
from mse_tui.exchange.editing import ItemQuery, Mark
from mse_tui.exchange.ews import connect
from mse_tui.exchange.rows import ItemFailure
from mse_tui.features.restoring import Collision, Restoring
from mse_tui.features.storage_definition import NO_LINKS
from mse_tui.features.storage_management import StorageAction
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import ArchiveMailbox, Message, Placement
from mse_tui.store.stubs import Stub, StubLink
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.managing import PUBLIC_URL, Management, all_items, message_of, mime_of, moving_while_looked
from tests.features.replicating import RecordingJournal, make_task
from tests.features.retaining import Managing, policy
from tests.features.retaining import definition as managed_folders
from tests.support.owner import Owner

BIG = bytes(range(256)) * 200


@pytest.fixture
def manage(mailbox, packs):
    return Management(mailbox, packs)


def attachment_names(details):
    return [each.name for each in details.attachments]


KEPT = ("received", "sent", "is_read", "flag", "categories", "subject", "sender", "message_id", "item_class",
        "importance", "sensitivity", "recipients")  # fmt: skip


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("replicated", [False, True])
def test_attachments_become_pages_that_lead_to_the_archive(owner, mailbox, manage, replicate, html, replicated):
    owner.add(1, html=html, attachments=[("a.bin", BIG), ("b.txt", b"small")], flag="Complete")
    if replicated:
        replicate()
    (before,) = all_items(mailbox)
    journal = manage.run()
    assert journal.counts["stubbed"] == journal.counts["matched"] == journal.counts["confirmed"] == 1
    assert journal.counts["archived_first"] == (0 if replicated else 1)
    assert journal.counts["bytes_freed"] > len(BIG)
    (after,) = all_items(mailbox)
    for name in KEPT:
        assert getattr(after.row, name) == getattr(before.row, name), name
    assert sorted(attachment_names(after)) == ["a.bin.html", "b.txt"]
    assert after.body.is_html is before.body.is_html
    assert "1 attachment has been in the archive" in after.body.text and "Hello." in after.body.text
    row = Stub.get()
    assert (row.state, row.key, row.remote_id) == ("complete", after.row.stub, after.row.remote_id)
    assert message_of(mailbox, after.row.remote_id)["X-MSE-TUI-Stub"] == row.key
    assert row.true_size - row.stub_size == journal.counts["bytes_freed"]


def links_in(text):
    return re.findall(re.escape(PUBLIC_URL) + r"/a/([\w-]+)", text)


@pytest.mark.parametrize("universal", [False, True])
def test_links_lead_to_the_attachments_and_hold_until_revoked(owner, mailbox, manage, universal):
    owner.add(1, attachments=[("a.bin", BIG), ("b.bin", BIG)])
    action = StorageAction.UNIVERSAL_STUB if universal else StorageAction.ATTACHMENT_STUB
    manage.run(action=action, link_days=30)
    (stub,) = all_items(mailbox)
    with mailbox.editing.attachment(stub.attachments[0].attachment_id) as stream:
        page = stream.read().decode()
    (link_id,) = set(links_in(page))
    assert link_id in links_in(stub.body.text)
    found = stub_links.find(link_id)
    assert found.kind is (LinkKind.OPEN if universal else LinkKind.SIGNED_IN)
    assert found.part == 0 and found.message_id == Message.get().id
    assert timedelta(days=29) < found.expires - datetime.now(UTC) < timedelta(days=31)
    assert ("sign in" in page) is not universal
    assert link_id.encode() not in b"".join(row.digest for row in StubLink.select())
    assert stub_links.find(link_id[:-1]) is None and stub_links.find("") is None
    stub_links.revoke([found.stub_id])
    assert stub_links.find(link_id) is None
    parts = [row.part for row in StubLink.select().order_by(StubLink.part)]
    assert parts == [WHOLE_MESSAGE, 0, 1]


def test_without_a_public_address_stubs_say_whom_to_ask(owner, mailbox, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    manage.public_url = ""
    with pytest.raises(Problem) as caught:
        manage.run(action=StorageAction.UNIVERSAL_STUB)
    assert caught.value.reason is Reason.CONFIGURATION_INVALID
    manage.run()
    (stub,) = all_items(mailbox)
    assert stub.row.stub in stub.body.text and "administrator" in stub.body.text and "http" not in stub.body.text


@pytest.mark.parametrize("html", [False, True])
def test_a_full_stub_keeps_the_first_lines(owner, mailbox, manage, html):
    owner.add(1, size=30_000, html=html, attachments=[("a.bin", BIG)])
    manage.run(action=StorageAction.FULL_STUB)
    (stub,) = all_items(mailbox)
    assert attachment_names(stub) == ["a.bin.html"]
    assert len(stub.body.text) < 5000 and "Hello." in stub.body.text and "Message 1" in stub.body.text
    assert stub.body.is_html is html


@pytest.mark.parametrize("how", ["soft delete", "move to Deleted Items", "hard delete"])
def test_what_is_archived_can_be_deleted(owner, mailbox, manage, how):
    owner.add(1)
    journal = manage.run(action=StorageAction.DELETE, delete_how=how)
    assert journal.counts["deleted"] == journal.counts["archived_first"] == 1
    assert not owner.store.items(owner.folder("inbox"))
    assert Stub.get().state == "deleted"
    where = {"soft delete": "recoverableitemsdeletions", "move to Deleted Items": "deleteditems"}.get(how)
    assert where is None or len(owner.store.items(owner.folder(where))) == 1
    assert ("bytes_recoverable" in journal.counts) is (how == "soft delete")
    assert manage.run(action=StorageAction.DELETE, delete_how=how).counts["deleted"] == 0


def test_a_second_run_changes_nothing(owner, mailbox, manage, replicate):
    for number in range(3):
        owner.add(number, attachments=[("a.bin", BIG)])
    manage.run()
    before = all_items(mailbox)
    journal = manage.run()
    assert journal.counts["stubbed"] == journal.counts["matched"] == 0
    assert all_items(mailbox) == before
    assert Stub.select().count() == 3


def test_what_must_never_be_changed_is_skipped_for_its_reason(owner, mailbox, manage):
    big = [("a.bin", BIG)]
    owner.add(1, attachments=big, sensitivity="Private")
    owner.add(2, attachments=big, item_class="IPM.Note.SMIME.MultipartSigned")
    owner.add(3, attachments=[*big, ("smime.p7m", BIG)])
    owner.add(4, attachments=[*big, ("message.rpmsg", BIG)])
    owner.add(5, attachments=big, is_read=False)
    owner.add(6, attachments=big, flag="Flagged")
    owner.add(7, attachments=big, categories=["Project"])
    owner.add(8, attachments=big, item_class="IPM.Note.EnterpriseVault.Shortcut")
    before = all_items(mailbox)
    journal = manage.run()
    assert journal.skipped == {
        Reason.VAULT_SHORTCUT: 1, Reason.PRIVATE: 1, Reason.PROTECTED: 3, Reason.UNREAD: 1, Reason.FLAGGED: 1,
        Reason.CATEGORISED: 1,
    }  # fmt: skip
    assert all_items(mailbox) == before
    manage.run(include_unread=True, include_flagged=True, include_categorised=True)
    assert [details.row.subject for details in all_items(mailbox) if details.row.stub] == [
        "Message 5", "Message 6", "Message 7",
    ]  # fmt: skip


@pytest.fixture
def unknown(owner, mailbox, replicate, manage):
    """A stub of a message that the archive has, and knows nothing of its having been stubbed."""
    owner.add(1, attachments=[("a.bin", BIG)])
    replicate()
    manage.run(action=StorageAction.FULL_STUB)
    Stub.delete().execute()
    (stub,) = all_items(mailbox)
    return stub


def test_a_stub_of_an_unknown_original_is_told_and_left(unknown, mailbox, packs, replicate, manage):
    (message,) = Message.select()
    for _ in range(2):
        assert replicate().skipped == {Reason.STUB_UNKNOWN: 1}
        assert [row.id for row in Message.select()] == [message.id]
        assert Placement.get(Placement.closed.is_null()).message_id == message.id
    assert set(stubs.why_kept([message.id])) == {message.id}
    assert manage.run(action=StorageAction.DELETE).skipped == {Reason.STUB_UNKNOWN: 1}
    expired = Managing(mailbox, packs).run(managed_folders(inbox=policy(delete=1)))
    assert expired.skipped == {Reason.STUB_UNKNOWN: 1}
    work = restoring(mailbox, packs)
    answer = work.restore(message.id, unknown.row, unknown.folder_id, Collision.REPLACE)
    assert answer.reason is Reason.STUB_UNKNOWN
    assert sorted(each.row.stub for each in all_items(mailbox)) == ["", unknown.row.stub]


def test_a_stub_that_becomes_known_is_its_original_again(unknown, mailbox, replicate):
    replicate()
    stub, message = unknown.row, Message.get().id
    new = stubs.NewStub(
        stub.stub, ArchiveMailbox.get().id, message, Placement.get().folder_id, make_task("knows").id, "", "full stub",
        stub.remote_id, stub.change_key, (), 1,
    )  # fmt: skip
    stubs.begin([new], stubs.StubState.COMPLETE)
    assert not replicate().skipped
    assert not stubs._replaced_unknown({message}) and Placement.get(Placement.closed.is_null()).message_id == message


def test_what_is_on_hold_or_not_readable_stays(owner, mailbox, packs, replicate, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    owner.add(2, attachments=[("a.bin", BIG)])
    replicate()
    first = Message.get(Message.internet_message_id == "<1@x.test>").id
    manage.held = lambda _mailbox_id, ids: {first}
    manage.readable = lambda _mailbox_id, ids: {first}
    before = all_items(mailbox)
    journal = manage.run()
    assert journal.skipped == {Reason.ON_HOLD: 1, Reason.NOT_READABLE: 1}
    assert all_items(mailbox) == before


def test_without_archive_missing_what_is_not_archived_is_counted(owner, mailbox, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    before = all_items(mailbox)
    journal = manage.run(archive_missing=False)
    assert journal.skipped == {Reason.NOT_ARCHIVED: 1} and journal.counts["stubbed"] == 0
    assert all_items(mailbox) == before and Message.select().count() == 0


@pytest.mark.parametrize(
    ("criteria", "taken"),
    [
        ({"older_than_days": 0}, {1, 2, 3, 4}),
        ({"min_message_kib": 100}, {3}),
        ({"min_attachment_kib": 60}, {3}),
        ({"folders": ("inbox",)}, {1, 2, 3}),
        ({"folders": ("Sent Items",)}, {4}),
        ({"excluded_folders": ("inbox",)}, {4}),
        ({"attachment_types": ("pdf",)}, {2}),
        ({"attachment_types": ("application/*",), "excluded_attachment_types": ("pdf",)}, {1, 3, 4}),
        ({"item_classes": ("IPM.Post",)}, set()),
        ({"max_changes": 4, "max_changes_percent": 100}, {1, 2, 3, 4}),
    ],
)
def test_criteria_hold_together(owner, mailbox, manage, criteria, taken):
    owner.add(1, attachments=[("a.bin", BIG)])
    owner.add(2, attachments=[("a.pdf", BIG)])
    owner.add(3, attachments=[("a.bin", BIG * 3)])
    owner.add(4, attachments=[("a.bin", BIG)], folder="sentitems")
    journal = manage.run(**criteria)
    stubs = {details.row.subject for details in all_items(mailbox) if details.row.stub}
    assert stubs == {f"Message {number}" for number in taken}
    assert journal.counts["matched"] == len(taken)


def test_the_received_date_decides_to_the_second(owner, mailbox, manage):
    now = datetime.now(UTC)
    for number, age in enumerate((timedelta(days=30, minutes=1), timedelta(days=30) - timedelta(minutes=1))):
        owner.add(number, attachments=[("a.bin", BIG)], received=now - age)
    manage.run(older_than_days=30)
    assert [bool(details.row.stub) for details in all_items(mailbox)] == [True, False]


def test_a_run_that_would_change_too_much_changes_nothing(owner, mailbox, manage):
    for number in range(4):
        owner.add(number, attachments=[("a.bin", BIG)])
    before = all_items(mailbox)
    for limit in ({"max_changes": 3}, {"max_changes_percent": 50}):
        for dry_run in (True, False):
            with pytest.raises(Problem) as caught:
                manage.run(dry_run=dry_run, **limit)
            assert caught.value.reason is Reason.TOO_MANY_CHANGES
    assert all_items(mailbox) == before


def test_a_clock_that_is_not_the_servers_changes_nothing(owner, mailbox, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    before = all_items(mailbox)
    mailbox.editing.clock_ahead = lambda: 7200.0
    with pytest.raises(Problem) as caught:
        manage.run()
    assert caught.value.reason is Reason.CLOCK_WRONG and all_items(mailbox) == before


def test_above_the_quota_the_largest_go_first_and_no_more_than_needed(owner, mailbox, manage):
    for number, times in enumerate((1, 4, 2)):
        owner.add(number, attachments=[("a.bin", BIG * times)])
    with pytest.raises(Problem) as caught:
        manage.run(only_above_quota_percent=70)
    assert caught.value.reason is Reason.NO_QUOTA
    size = mailbox.editing.space().size
    owner.store.put_setting(owner.mailbox.id, "quota_kilobytes", size // 1024)
    manage.run(only_above_quota_percent=70)
    assert [bool(details.row.stub) for details in all_items(mailbox)] == [False, True, False]


def test_a_dry_run_changes_nothing_and_says_what_would_change(owner, mailbox, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    owner.add(2, attachments=[("a.bin", BIG)], is_read=False)
    before = all_items(mailbox)
    dry = manage.run(dry_run=True)
    assert all_items(mailbox) == before
    assert (Message.select().count(), Placement.select().count(), Stub.select().count()) == (0, 0, 0)
    manage.public_url = ""
    assert manage.run(dry_run=True).notes == [f"{dry.notes[0]} {NO_LINKS}"]
    manage.public_url = PUBLIC_URL
    real = manage.run()
    assert dry.skipped == real.skipped
    for counter in ("scanned", "matched", "archived_first", "stubbed"):
        assert dry.counts[counter] == real.counts[counter], counter
    assert (dry.counts["confirmed"], dry.counts["archived_first"], real.counts["confirmed"]) == (0, 1, 1)
    assert dry.counts["dry_run"] == 1 and dry.counts["bytes_freed"] > 0
    ((item, what),) = dry.would_change
    assert item.startswith("Inbox: Message 1, received 20") and what.startswith("Would be stubbed, at least 4")
    assert real.would_change == []
    assert dry.notes[0].startswith("Dry run, nothing was changed: 1 item would be stubbed, at least 4")
    assert dry.counts["bytes_freed"] <= real.counts["bytes_freed"]
    assert re.match(r"1 item stubbed, \d+\.\d KiB freed; while single-item recovery or a hold is on", real.notes[0])


def test_a_stub_keeps_its_place_on_the_archived_original(owner, mailbox, manage, replicate, packs):
    owner.add(1, attachments=[("a.bin", BIG)])
    replicate()
    (original,) = Message.select()
    manage.run()
    replicate()
    assert Message.select().count() == 1 and Placement.select().count() == 1
    (stub,) = all_items(mailbox)
    assert Placement.get().change_key == stub.row.change_key
    moved = owner.store.items(owner.folder("inbox"))[0]["id"]
    owner.store.move_item(moved, owner.folder("drafts"))
    replicate()
    mailbox_id = ArchiveMailbox.get().id
    (drafts,) = [each for each in folders(mailbox_id, View.live()) if each.distinguished == "drafts"]
    (shown,) = messages(drafts.id, View.live())
    assert shown.message_id == original.id and bytes.fromhex(shown.sha256) == original.sha256
    assert Message.select().count() == 1
    assert BIG.hex()[:40] and packs.read(bytes.fromhex(shown.sha256))


def test_what_is_changed_under_our_hands_is_left_as_it_is(owner, mailbox, manage, replicate):
    item = owner.add(1, attachments=[("a.bin", BIG)])
    replicate()
    editing = mailbox.editing
    update = editing.update

    def somebody_is_faster(changes):
        owner.store.update_item(item, {"subject": "Mine"})
        return update(changes)

    editing.update = somebody_is_faster
    journal = manage.run()
    assert journal.skipped == {Reason.ITEM_CHANGED: 1}
    (after,) = all_items(mailbox)
    assert after.row.subject == "Mine" and attachment_names(after) == ["a.bin"] and not after.row.stub
    assert Stub.select().count() == 0


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_item_that_cannot_be_looked_at_has_failed(owner, mailbox, manage, replicate, dry_run):
    owner.add(1, attachments=[("a.bin", BIG)])
    owner.add(2, attachments=[("a.bin", BIG)])
    replicate()
    details = mailbox.editing.details

    def one_fails(ids, **how):
        answers = details(ids, **how)
        return [
            ItemFailure(each.row.remote_id, Reason.ITEM_CORRUPT, "It can't be read.")
            if each.row.subject == "Message 1" else each
            for each in answers
        ]  # fmt: skip

    mailbox.editing.details = one_fails
    journal = manage.run(dry_run=dry_run)
    assert journal.failures == [("Message 1", Reason.ITEM_CORRUPT, "It can't be read.")] and not journal.skipped
    assert journal.counts["stubbed"] == 1


@pytest.mark.parametrize("action", ["attachment stub", "delete"])
def test_a_hold_placed_after_the_confirmation_keeps_the_item_as_it_is(owner, mailbox, manage, replicate, action):
    owner.add(1, attachments=[("a.bin", BIG)])
    owner.add(2, attachments=[("a.bin", BIG)])
    replicate()
    first = Message.get(Message.internet_message_id == "<1@x.test>").id
    asked = []

    def placed_meanwhile(_mailbox_id, _ids):
        asked.append(_ids)
        return {first} if len(asked) > 1 else set()

    manage.held = placed_meanwhile
    journal = manage.run(action=action)
    assert journal.skipped == {Reason.ON_HOLD: 1} and not journal.failures
    assert journal.counts["stubbed"] + journal.counts["deleted"] == 1
    left = {details.row.subject: details for details in all_items(mailbox)}
    assert attachment_names(left["Message 1"]) == ["a.bin"] and not left["Message 1"].row.stub
    assert [row.state for row in Stub.select()] == ["deleted" if action == "delete" else "complete"]


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("came_through", [False, True])
def test_a_refused_item_that_cannot_be_looked_at_is_settled_by_the_next_run(
    owner, mailbox, manage, replicate, came_through, moved
):
    """Whether it is marked is not known: forgetting it would leave a stub whose original nothing holds."""
    owner.add(1, attachments=[("a.bin", BIG)])
    replicate()
    editing = mailbox.editing
    update, details = editing.update, editing.details

    def refused(changes):
        if came_through:
            update(changes)
        editing.details = lambda ids, **_: [ItemFailure(each, Reason.SERVER_ERROR, "Not now.") for each in ids]
        return [ItemFailure(each.remote_id, Reason.ITEM_CHANGED, "Lost answer.") for each in changes]

    editing.update = refused
    manage.run()
    editing.update, editing.details = update, details
    (row,) = Stub.select()
    assert row.state == "writing" and stubs.why_kept([row.message_id])
    if moved:
        owner.store.move_item(owner.store.items(owner.folder("inbox"))[0]["id"], owner.folder("drafts"))
    journal = manage.run()
    assert journal.counts["completed"] == (1 if came_through else 0)
    (stub,) = all_items(mailbox)
    assert stub.row.stub == Stub.get().key and attachment_names(stub) == ["a.bin.html"]
    assert [row.state for row in Stub.select()] == ["complete"]


def test_one_begun_item_that_cannot_be_looked_at_holds_up_no_other(owner, mailbox, manage, replicate):
    owner.add(1, attachments=[("a.bin", BIG)])
    replicate()
    editing = mailbox.editing
    update, details = editing.update, editing.details
    editing.update = lambda _: (_ for _ in ()).throw(Died())
    with pytest.raises(Died):
        manage.run()
    editing.update = update
    (begun,) = Stub.select()

    def corrupt(ids, **how):
        answers = details(ids, **how)
        return [
            ItemFailure(each, Reason.ITEM_CORRUPT, "It can't be read.") if each == begun.remote_id else answer
            for each, answer in zip(ids, answers, strict=True)
        ]

    editing.details = corrupt
    owner.add(2, attachments=[("a.bin", BIG)])
    journal = manage.run()
    assert journal.counts["stubbed"] == 1 and Stub.get_by_id(begun.id).state == "writing"
    assert {reason for _, reason, _ in journal.failures} == {Reason.ITEM_CORRUPT}
    editing.details = details
    manage.run()
    assert [bool(each.row.stub) for each in all_items(mailbox)] == [True, True]


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["update", "attach", "detach"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("moved", [False, True])
def test_whatever_was_begun_is_completed(owner, mailbox, manage, replicate, step, after, moved):
    owner.add(1, attachments=[("a.bin", BIG), ("b.bin", BIG + b"x")])
    replicate()
    call = getattr(mailbox.editing, step)

    def die(*arguments):
        if after:
            call(*arguments)
        raise Died

    setattr(mailbox.editing, step, die)
    with pytest.raises(Died):
        manage.run(link_days=30)
    setattr(mailbox.editing, step, call)
    (between,) = all_items(mailbox)
    assert between.row.stub or attachment_names(between) == ["a.bin", "b.bin"]
    if moved:
        owner.store.move_item(owner.store.items(owner.folder("inbox"))[0]["id"], owner.folder("drafts"))
    journal = manage.run(link_days=30)
    (stub,) = all_items(mailbox)
    assert sorted(attachment_names(stub)) == ["a.bin.html", "b.bin.html"]
    assert [(row.state, row.remote_id) for row in Stub.select()] == [("complete", stub.row.remote_id)]
    assert journal.counts["completed"] + journal.counts["stubbed"] == 1
    for page in stub.attachments:
        with mailbox.editing.attachment(page.attachment_id) as stream:
            (link_id,) = set(links_in(stream.read().decode()))
        assert stub_links.find(link_id).expires is not None


def test_a_broken_archive_touches_not_one_more_item(owner, mailbox, manage, replicate, packs, monkeypatch):
    monkeypatch.setattr("mse_tui.features.storage_pass.BATCH", 1)
    for number in range(3):
        owner.add(number, attachments=[("a.bin", BIG)])
        replicate()
    journal = RecordingJournal()

    def harm():
        if journal.counts["stubbed"] == 1:
            for _, path, _ in packs.files():
                path.unlink(missing_ok=True)

    journal.at_advance = harm
    with pytest.raises(Problem) as caught:
        manage.run(journal)
    assert caught.value.reason is Reason.CONTENT_MISSING
    assert [bool(details.row.stub) for details in all_items(mailbox)] == [True, False, False]
    assert len(list(mailbox.editing.find(all_items(mailbox)[0].folder_id, ItemQuery(mark=(Mark.STUB, ""))))) == 1


# --- putting originals back


STATE = ("received", "sent", "is_read", "flag", "categories", "subject", "sender", "message_id", "item_class",
         "importance", "sensitivity", "recipients", "has_attachments", "size", "stub")  # fmt: skip


def as_stored(mailbox):
    """All that the server stores of each item, but its ids."""
    return [
        (
            mime_of(mailbox, each.row.remote_id), each.folder_id, each.body,
            [getattr(each.row, name) for name in STATE],
            [(row.name, row.content_type, row.size, row.inline, row.content_id) for row in each.attachments],
        )
        for each in all_items(mailbox)
    ]  # fmt: skip


def restoring(mailbox, packs):
    return Restoring(mailbox, packs, NoFence())


def rehydrate_all(mailbox, packs):
    mailbox_id = ArchiveMailbox.get(ArchiveMailbox.guid == mailbox.identity().guid).id
    return list(restoring(mailbox, packs).rehydrate(stubs.in_mailbox(mailbox_id, RESTORABLE)))


@pytest.mark.parametrize("action", ["attachment stub", "full stub"])
def test_rehydrated_items_are_as_they_were(server, owner, mailbox, packs, manage, action):
    owner.add(1, html=True, size=20_000, attachments=[("a.bin", BIG), ("b.txt", b"x")], categories=["A"])
    owner.add(2, size=20_000, attachments=[("ä.bin", BIG)], flag="Complete", folder="drafts")
    before = as_stored(mailbox)
    manage.run(action=action, include_categorised=True)
    assert all(details.row.stub for details in all_items(mailbox))
    answers = rehydrate_all(mailbox, packs)
    assert [answer.reason for answer in answers] == [None, None]
    assert as_stored(mailbox) == before
    assert {row.state for row in Stub.select()} == {"restored"}
    assert rehydrate_all(mailbox, packs) == []
    assert not any(list(mailbox.editing.find(each.folder_id, ItemQuery(mark=(Mark.RESTORE, ""))))
                   for each in all_items(mailbox))  # fmt: skip


def test_what_its_owner_did_to_the_stub_stays(owner, mailbox, packs, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    manage.run()
    item = owner.store.items(owner.folder("inbox"))[0]["id"]
    owner.store.update_item(item, {"flag": "Flagged", "categories": "Mine", "is_read": False})
    owner.store.move_item(item, owner.folder("drafts"))
    (answer,) = rehydrate_all(mailbox, packs)
    assert answer.reason is None
    (back,) = all_items(mailbox)
    assert (back.row.flag, back.row.categories, back.row.is_read) == ("Flagged", ("Mine",), False)
    assert back.row.remote_id == answer.remote_id and attachment_names(back) == ["a.bin"]
    assert len(owner.store.items(owner.folder("drafts"))) == 1


def test_a_stub_that_its_owner_deleted_is_lost_and_said_so(owner, mailbox, packs, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    manage.run()
    owner.store.delete_item(owner.store.items(owner.folder("inbox"))[0]["id"])
    (answer,) = rehydrate_all(mailbox, packs)
    assert answer.reason is Reason.STUB_LOST and Stub.get().state == "lost"
    assert all_items(mailbox) == []


def test_a_stub_that_exchange_moved_to_the_online_archive_is_found_there(server, packs, monkeypatch):
    owner = Owner(server, online_archive=True)
    monkeypatch.setenv(PASSWORD_VARIABLE, server.service_account[1])
    with opened(connect(settings(server.url, user=server.service_account[0]), Halts()), owner.address) as mailbox:
        owner.add(1, attachments=[("a.bin", BIG)])
        Management(mailbox, packs).run()
        owner.store.move_item(owner.only_item(), owner.folder("archiveinbox"))
        (answer,) = rehydrate_all(mailbox, packs)
        assert answer.reason is None and Stub.get().state == "restored"
        (details,) = mailbox.editing.details([answer.remote_id])
        assert attachment_names(details) == ["a.bin"] and owner.only_item("archiveinbox")


def test_a_stub_is_not_lost_while_the_online_archive_cannot_be_opened(owner, mailbox, packs, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    manage.run()
    owner.store.delete_item(owner.only_item())
    moving = replace(mailbox.identity(), archive_problem=Problem(Reason.MAILBOX_MOVING, "It is being moved."))
    mailbox.identity = lambda: moving
    with pytest.raises(Problem) as caught:
        rehydrate_all(mailbox, packs)
    assert caught.value.reason is Reason.MAILBOX_MOVING and Stub.get().state == "complete"


def test_a_stub_that_is_moved_while_it_is_looked_for_is_not_lost(owner, mailbox, packs, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    manage.run()
    owner.store.move_item(owner.only_item(), owner.folder("sentitems"))
    looked = moving_while_looked(owner, mailbox, "sentitems")
    (answer,) = rehydrate_all(mailbox, packs)
    assert looked.count("sentitems") == 1 and looked.count(looked[0]) > 1
    assert answer.reason is None and Stub.get().state == "restored"


def test_where_the_space_can_not_be_asked_what_was_done_holds(owner, mailbox, manage):
    owner.add(1, attachments=[("a.bin", BIG)])

    def failing():
        raise Problem(Reason.SERVER_ERROR, "Not now.")

    mailbox.editing.space = failing
    journal = manage.run()
    assert journal.counts["stubbed"] == 1 and [reason for reason, _ in journal.warnings] == [Reason.SERVER_ERROR]


@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.parametrize("step", ["create", "delete", "update"])
@pytest.mark.parametrize("after", [False, True])
def test_a_rehydration_goes_on_where_it_ended(server, owner, mailbox, packs, manage, step, after, varying):
    owner.add(1, attachments=[("a.bin", BIG)])
    if varying:
        server.faults.inject("varying-mime", mailbox=owner.address)
    manage.run()
    call = getattr(mailbox.editing, step)

    def die(*arguments):
        if after:
            call(*arguments)
        raise Died

    setattr(mailbox.editing, step, die)
    with pytest.raises(Died):
        rehydrate_all(mailbox, packs)
    setattr(mailbox.editing, step, call)
    rehydrate_all(mailbox, packs)
    (back,) = all_items(mailbox)
    assert attachment_names(back) == ["a.bin"] and not back.row.stub
    assert Stub.get().state == "restored" and Stub.get().remote_id == back.row.remote_id


def test_any_archived_message_is_restored_and_collisions_are_minded(owner, mailbox, packs, replicate):
    item = owner.add(1, attachments=[("a.bin", BIG)], flag="Flagged")
    replicate()
    (row,) = [details.row for details in all_items(mailbox)]
    message = Message.get().id
    before = as_stored(mailbox)
    inbox = all_items(mailbox)[0].folder_id
    work = restoring(mailbox, packs)
    assert work.restore(message, row, inbox, Collision.SKIP).reason is Reason.ALREADY_THERE
    owner.store.delete_item(item)
    assert work.restore(message, row, inbox, Collision.SKIP).reason is None
    assert as_stored(mailbox) == before
    assert work.restore(message, row, inbox, Collision.COPY).reason is None
    assert as_stored(mailbox) == before * 2
    assert work.restore(message, row, inbox, Collision.REPLACE).reason is None
    assert as_stored(mailbox) == before
    target = work.folder_at(["Restored", "From archive"])
    assert work.restore(message, row, target, Collision.SKIP).reason is None
    assert work.folder_at(["restored", "from archive"]) == target or restoring(mailbox, packs).has_folder(target)
    assert sorted(details.folder_id for details in all_items(mailbox)) == sorted([inbox, target])


def test_an_item_that_does_not_come_back_whole_is_taken_away_again(owner, mailbox, packs, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    manage.run()
    read = packs.read
    packs.read = lambda sha256: read(sha256).replace(b"Hello", b"Hullo")
    before = as_stored(mailbox)
    (answer,) = rehydrate_all(mailbox, packs)
    assert answer.reason is Reason.ITEM_CONVERSION_FAILED
    assert as_stored(mailbox) == before and Stub.get().state == "complete"


def test_what_an_interrupted_rehydration_left_is_compared_before_the_stub_goes(owner, mailbox, packs, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    before = as_stored(mailbox)
    manage.run()
    create = mailbox.editing.create

    def die(*arguments):
        create(*arguments)
        raise Died

    mailbox.editing.create = die
    with pytest.raises(Died):
        rehydrate_all(mailbox, packs)
    mailbox.editing.create = create
    left = owner.store.items(owner.folder("inbox"))[-1]
    owner.store.update_item(left["id"], {}, mime=owner.store.content(left).replace(b"Hello", b"Hullo"))
    (answer,) = rehydrate_all(mailbox, packs)
    assert answer.reason is None and as_stored(mailbox) == before


# --- when something fails in the middle


def test_a_full_disk_touches_not_one_more_item(owner, mailbox, packs, manage, monkeypatch):
    monkeypatch.setattr("mse_tui.features.storage_pass.BATCH", 1)
    for number in range(3):
        owner.add(number, attachments=[("a.bin", BIG)])
    writer, journal = packs.writer, RecordingJournal()

    def full():
        if journal.counts["stubbed"]:
            raise Problem(Reason.DISK_FULL, "There is no space left.")
        return writer()

    packs.writer = full
    with pytest.raises(Problem) as caught:
        manage.run(journal)
    assert caught.value.reason is Reason.DISK_FULL
    assert [bool(details.row.stub) for details in all_items(mailbox)] == [True, False, False]


class Fencing:
    """A lease that is lost at the n-th look at it."""

    def __init__(self, holds: int) -> None:
        self.holds = holds

    def check(self) -> None:
        self.holds -= 1
        if self.holds < 0:
            raise Problem(Reason.LEASE_LOST, "Another engine has it.")


@pytest.mark.parametrize("action", ["attachment stub", "delete"])
def test_who_has_lost_the_mailbox_changes_nothing_more(owner, mailbox, packs, manage, replicate, action):
    for number in range(2):
        owner.add(number, attachments=[("a.bin", BIG)])
    replicate()
    before = as_stored(mailbox)
    with pytest.raises(Problem) as caught:
        manage.run(fence=Fencing(0), action=action)
    assert caught.value.reason is Reason.LEASE_LOST
    assert as_stored(mailbox) == before and Stub.select().count() == 0
    if action == "attachment stub":
        with pytest.raises(Problem):
            manage.run(fence=Fencing(2), action=action)  # after the items were marked
        assert all("a.bin" in attachment_names(details) for details in all_items(mailbox))
        assert manage.run(action=action).counts["completed"] == 2
    else:
        assert manage.run(action=action).counts["deleted"] == 2


@pytest.mark.parametrize("kind", ["half-response", "reset", "server-busy"])
@pytest.mark.parametrize("operation", ["UpdateItem", "CreateAttachment", "DeleteAttachment", "GetItem", "FindItem"])
def test_answers_that_are_lost_cost_nothing_but_time(server, owner, mailbox, manage, kind, operation):
    owner.add(1, attachments=[("a.bin", BIG)])
    extra = {"milliseconds": 10} if kind == "server-busy" else {}
    server.faults.inject(kind, count=1, operation=operation, **extra)
    journal = manage.run()
    (stub,) = all_items(mailbox)
    assert attachment_names(stub) == ["a.bin.html"] and stub.row.stub == Stub.get().key
    assert journal.counts["stubbed"] == 1 and Stub.get().state == "complete"


def test_a_dry_run_knows_of_holds_on_what_it_would_archive_first(owner, mailbox, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    manage.held = lambda _mailbox_id, ids: set(ids)
    for dry_run in (True, False):
        assert manage.run(dry_run=dry_run).skipped == {Reason.ON_HOLD: 1}
    assert attachment_names(all_items(mailbox)[0]) == ["a.bin"]


def test_pictures_in_the_text_go_too_where_the_definition_says_so(owner, mailbox, manage):
    owner.add(1, html=True, attachments=[("a.bin", BIG)], pictures=[("p.png", BIG)])
    call = mailbox.editing.detach
    mailbox.editing.detach = lambda ids: (_ for _ in ()).throw(Died())
    with pytest.raises(Died):
        manage.run(skip_inline=False)
    mailbox.editing.detach = call
    owner.store.move_item(owner.store.items(owner.folder("inbox"))[0]["id"], owner.folder("drafts"))
    assert manage.run().counts["completed"] == 1
    assert attachment_names(all_items(mailbox)[0]) == ["a.bin.html"]


def test_pictures_in_the_text_stay_by_default(owner, mailbox, manage):
    owner.add(1, html=True, attachments=[("a.bin", BIG)], pictures=[("p.png", BIG)])
    manage.run()
    assert sorted(attachment_names(all_items(mailbox)[0])) == ["a.bin.html", "p.png"]


def test_why_the_rest_is_left_is_counted(owner, mailbox, manage):
    owner.add(1, attachments=[("a.bin", BIG)])
    owner.add(2)
    owner.add(3, attachments=[("a.txt", b"small")])
    owner.add(4, attachments=[("a.bin", BIG)], received=datetime.now(UTC))
    counts = manage.run(dry_run=True).counts
    left = {name: number for name, number in counts.items() if name.startswith("left_")}
    assert left == {"left_nothing": 2, "left_new_or_small": 1}
    assert counts["scanned"] == counts["matched"] + left["left_nothing"] == 3
