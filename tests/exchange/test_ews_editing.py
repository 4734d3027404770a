"""Changing a mailbox of the practice organisation over Exchange Web Services."""

import email
from datetime import timedelta

import pytest

from mse_tui.exchange.editing import (
    Body,
    Changed,
    Disposal,
    ItemChange,
    ItemDetails,
    ItemQuery,
    Mark,
    NewAttachment,
    NewItem,
)
from mse_tui.exchange.ews_calls import Calls
from mse_tui.exchange.ews_edit_calls import EditCalls
from mse_tui.exchange.rows import Area, Content, ItemFailure, ItemRow
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.faults import FaultKind
from tests.sandbox.ews_rig import schema_check
from tests.support.owner import BEGAN


def inbox(mailbox):
    rows = mailbox.folder_changes(Area.PRIMARY, None).changed
    return next(row.remote_id for row in rows if row.distinguished == "inbox")


def found(mailbox, query=ItemQuery(), folder=None):  # noqa: B008 (frozen)
    return [row for page in mailbox.editing.find(folder or inbox(mailbox), query) for row in page]


def detail(mailbox, row, **how) -> ItemDetails:
    (answer,) = mailbox.editing.details([getattr(row, "remote_id", row)], **how)
    assert isinstance(answer, ItemDetails)
    return answer


def mime(mailbox, remote_id):
    (content,) = mailbox.fetch([(remote_id, 1000)])
    assert isinstance(content, Content)
    return content.stream.read()


def test_the_server_lists_what_meets_the_query(owner, mailbox):
    for number in range(6):
        owner.add(number, size=10_000 if number % 2 else 0)
    assert [row.subject for row in found(mailbox)] == [f"Message {number}" for number in range(6)]
    old = ItemQuery(received_before=BEGAN + timedelta(days=4))
    assert [row.subject for row in found(mailbox, old)] == [f"Message {number}" for number in range(4)]
    both = ItemQuery(received_before=BEGAN + timedelta(days=4), min_size=10_000)
    rows = found(mailbox, both)
    assert [row.subject for row in rows] == ["Message 1", "Message 3"]
    assert mailbox.headers([row.remote_id for row in rows]) == rows
    assert found(mailbox, ItemQuery(mark=(Mark.STUB, ""))) == []


def test_pages_follow_one_another(owner, mailbox, monkeypatch):
    monkeypatch.setattr("mse_tui.exchange.ews_edit_calls.FOUND", 4)
    for number in range(10):
        owner.add(number)
    assert [len(page) for page in mailbox.editing.find(inbox(mailbox), ItemQuery())] == [4, 4, 2]


def test_many_folders_are_asked_about_together(server, owner, mailbox, monkeypatch):
    monkeypatch.setattr("mse_tui.exchange.ews_edit_calls.FOUND", 4)
    for number in range(10):
        owner.add(number)
    rows = mailbox.folder_changes(Area.PRIMARY, None).changed
    folders = [row.remote_id for row in rows]
    before = server.statistics.requests("FindItem")
    pages = list(mailbox.editing.find_in(folders, ItemQuery()))
    assert [len(page) for page in pages] == [4, 4, 2]
    assert len(folders) > 10 and server.statistics.requests("FindItem") - before == 3
    with pytest.raises(Problem) as met:
        list(mailbox.editing.find_in([folders[0], "bm90aGluZw=="], ItemQuery()))
    assert met.value.reason is Reason.FOLDER_NOT_FOUND


def test_details_name_the_attachments_and_the_body(owner, mailbox):
    owner.add(1, attachments=[("a.bin", b"x" * 5000), ("b.bin", b"y")])
    owner.add(2, html=True)
    first, second = mailbox.editing.details([row.remote_id for row in found(mailbox)], body=True)
    assert [(each.name, each.content_type, each.inline) for each in first.attachments] == [
        ("a.bin", "application/octet-stream", False),
        ("b.bin", "application/octet-stream", False),
    ]
    assert first.attachments[0].size >= 5000
    assert first.folder_id == inbox(mailbox)
    assert first.body == Body(False, "Hello. \n") or first.body.text.startswith("Hello.")
    assert second.body.is_html and "<p>Hello." in second.body.text
    assert second.attachments == ()
    (gone,) = mailbox.editing.details(["no such id"])
    assert isinstance(gone, ItemFailure) and gone.reason is Reason.ITEM_NOT_FOUND


def test_a_change_keeps_everything_else(owner, mailbox):
    owner.add(1, flag="Flagged", categories=["A", "B"], is_read=False, attachments=[("a.bin", b"x")])
    (row,) = found(mailbox)
    change = ItemChange(row.remote_id, row.change_key, Body(True, "<p>Stub</p>"), {Mark.STUB: "archive-id"})
    (changed,) = mailbox.editing.update([change])
    assert isinstance(changed, Changed) and changed.remote_id == row.remote_id and changed.change_key != row.change_key
    after = detail(mailbox, row, body=True)
    assert after.row.stub == "archive-id" and after.body == Body(True, "<p>Stub</p>")
    assert [each.name for each in after.attachments] == ["a.bin"]
    for name in ("received", "sent", "is_read", "flag", "categories", "subject", "message_id", "item_class"):
        assert getattr(after.row, name) == getattr(row, name)
    assert email.message_from_bytes(mime(mailbox, row.remote_id))["X-MSE-TUI-Stub"] == "archive-id"
    assert [each.remote_id for each in found(mailbox, ItemQuery(mark=(Mark.STUB, "archive-id")))] == [row.remote_id]
    mailbox.editing.update([ItemChange(row.remote_id, changed.change_key, marks={Mark.STUB: ""})])
    assert detail(mailbox, row).row.stub == ""
    assert "X-MSE-TUI-Stub" not in email.message_from_bytes(mime(mailbox, row.remote_id))


def test_what_somebody_changed_is_left_alone(owner, mailbox):
    item, other = owner.add(1), owner.add(2)
    rows = found(mailbox)
    owner.store.update_item(item, {"subject": "Edited"})
    changes = [ItemChange(row.remote_id, row.change_key, Body(False, "Mine")) for row in rows]
    refused, done = mailbox.editing.update(changes)
    assert isinstance(refused, ItemFailure) and refused.reason is Reason.ITEM_CHANGED
    assert isinstance(done, Changed)
    assert b"Mine" not in owner.store.content(owner.store.item(item))
    assert detail(mailbox, rows[1], body=True).body.text.startswith("Mine") and other


def attachment(name="a.html", content=b"<p>Stub</p>", content_id="1@stub"):
    return NewAttachment(name, "text/html", content, content_id)


def test_attachments_come_and_go(owner, mailbox):
    owner.add(1, attachments=[("big.bin", bytes(range(256)) * 100)])
    owner.add(2)
    first, second = found(mailbox)
    answers = mailbox.editing.attach(
        [(first.remote_id, [attachment(), attachment("ä.html", b"", "2@stub")]), (second.remote_id, [attachment()])]
    )
    assert [answer.change_key for answer in answers] == [detail(mailbox, row).row.change_key for row in (first, second)]
    big, stub, other = detail(mailbox, first).attachments
    assert (stub.name, stub.content_id, stub.is_item) == ("a.html", "1@stub", False)
    with mailbox.editing.attachment(big.attachment_id) as stream:
        assert stream.read() == bytes(range(256)) * 100
    answers = mailbox.editing.detach([big.attachment_id, other.attachment_id, big.attachment_id])
    assert [isinstance(answer, Changed) for answer in answers] == [True, True, False]
    assert answers[2].reason is Reason.ITEM_NOT_FOUND
    after = detail(mailbox, first)
    assert [each.name for each in after.attachments] == ["a.html"]
    assert after.row.change_key == answers[1].change_key
    gone = mailbox.editing.attachment(big.attachment_id)
    assert isinstance(gone, ItemFailure)


@pytest.mark.parametrize("kind", [FaultKind.HALF_RESPONSE, FaultKind.RESET])
def test_an_attachment_whose_answer_was_lost_does_not_come_twice(server, owner, mailbox, kind):
    owner.add(1)
    (row,) = found(mailbox)
    server.faults.inject(kind, count=1, operation="CreateAttachment")
    (answer,) = mailbox.editing.attach([(row.remote_id, [attachment(), attachment("b.html", content_id="2@stub")])])
    assert isinstance(answer, Changed)
    assert [each.name for each in detail(mailbox, row).attachments] == ["a.html", "b.html"]


def test_an_item_that_is_gone_gets_no_attachment(owner, mailbox):
    item = owner.add(1)
    (row,) = found(mailbox)
    owner.store.delete_item(item)
    (answer,) = mailbox.editing.attach([(row.remote_id, [attachment()])])
    assert isinstance(answer, ItemFailure) and answer.reason is Reason.ITEM_NOT_FOUND


@pytest.mark.parametrize(
    ("how", "where"),
    [
        (Disposal.SOFT, "recoverableitemsdeletions"),
        (Disposal.DELETED_ITEMS, "deleteditems"),
        (Disposal.HARD, None),
    ],
)
def test_three_ways_to_delete(owner, mailbox, how, where):
    owner.add(1)
    kept = owner.add(2)
    row, _ = found(mailbox)
    done, failed = mailbox.editing.delete([row.remote_id, "no such id"], how)
    assert done == Changed(row.remote_id, "")
    assert isinstance(failed, ItemFailure) and failed.reason is Reason.ITEM_NOT_FOUND
    assert [each["id"] for each in owner.store.items(owner.folder("inbox"))] == [kept]
    assert where is None or len(owner.store.items(owner.folder(where))) == 1


def test_items_move_and_folders_are_made_once(owner, mailbox):
    owner.add(1)
    (row,) = found(mailbox)
    editing, root = mailbox.editing, mailbox.root(Area.PRIMARY).remote_id
    made = editing.create_folder(root, "Expiring")
    assert made.parent_id == root and made.name == "Expiring" and made.folder_class == "IPF.Note"
    assert editing.create_folder(root, "expiring") == made == editing.folder(made.remote_id)
    assert made in editing.subfolders(root)
    (moved,) = editing.move([row.remote_id], made.remote_id)
    assert [each.remote_id for each in found(mailbox, folder=made.remote_id)] == [moved.remote_id]
    with pytest.raises(Problem) as caught:
        editing.folder("no such folder")
    assert caught.value.reason is Reason.FOLDER_NOT_FOUND


@pytest.mark.parametrize("lost", [False, True])
def test_an_item_is_put_back_as_it_was_and_only_once(server, owner, mailbox, lost):
    item = owner.add(1, flag="Complete", categories=["A"], is_read=False, attachments=[("a.bin", b"x" * 3000)])
    (row,) = found(mailbox)
    original = mime(mailbox, row.remote_id)
    owner.store.delete_item(item)
    if lost:
        server.faults.inject(FaultKind.HALF_RESPONSE, count=1, operation="CreateItem")
    made = mailbox.editing.create(inbox(mailbox), NewItem(original, row, {Mark.RESTORE: "token"}))
    assert isinstance(made, Changed)
    (back,) = found(mailbox)
    assert back.remote_id == made.remote_id
    assert mime(mailbox, back.remote_id) == original
    for name in type(row).__slots__:
        if name not in ("remote_id", "change_key"):
            assert getattr(back, name) == getattr(row, name), name
    assert not owner.store.items(owner.folder("inbox"))[0]["is_draft"]


def test_a_mailbox_tells_its_size_and_quota_or_none(owner, mailbox):
    owner.add(1, size=50_000)
    space = mailbox.editing.space()
    assert space.size >= 50_000 and space.quota is None
    owner.store.put_setting(owner.mailbox.id, "quota_kilobytes", 100)
    assert mailbox.editing.space().quota == 100 * 1024
    (row,) = found(mailbox)
    mailbox.editing.delete([row.remote_id], Disposal.SOFT)
    assert mailbox.editing.space().recoverable >= 50_000


def test_every_request_is_valid_by_microsofts_schemas(shared):
    calls = EditCalls(Calls("anna@example.test", "Exchange2013_SP1", impersonate=True))
    row = ItemRow(
        remote_id="AAA=", change_key="CCC=", item_class="IPM.Note", subject="S", sender="a@x.test", recipients="b",
        received=BEGAN, sent=BEGAN, size=10, message_id="<1@x.test>", sensitivity="Private", is_read=True,
        flag="Flagged", categories=("A", "B"), importance="High", has_attachments=True,
    )  # fmt: skip
    query = ItemQuery(BEGAN, 1024, (Mark.STUB, "key"), "<1@x.test>")
    marks = {Mark.STUB: "key", Mark.RESTORE: ""}
    requests = [
        calls.find_items(["BBB=", "CCC="], query, 1000),
        calls.find_items(["BBB="], ItemQuery(mark=(Mark.RESTORE, "")), 0),
        calls.get_details(["AAA="], body=True),
        calls.update_items([ItemChange("AAA=", "CCC=", Body(True, "<p>ä</p>"), marks)]),
        calls.create_attachments("AAA=", [attachment("ä.html")]),
        calls.get_attachment("DDD="),
        calls.delete_attachments(["DDD="]),
        *(calls.delete_items(["AAA="], how) for how in Disposal),
        calls.move_items(["AAA="], "BBB="),
        calls.create_item("BBB=", NewItem(b"Subject: S\r\n\r\n", row, {Mark.RESTORE: "token"})),
        calls.get_folder("BBB="),
        calls.get_space(),
        calls.find_folders("BBB="),
        calls.create_folder("BBB=", "Name", "IPF.Note"),
    ]
    for version in ("exchange2013sp1", "exchange2016"):
        check = schema_check(shared, version)
        assert [(each.operation, faults) for each in requests if (faults := check(each.body))] == []
