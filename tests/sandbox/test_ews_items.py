"""Creating, changing, moving, deleting and finding items, as an EWS client sees it."""

from base64 import b64encode
from email import message_from_bytes

import pytest

from mse_tui.sandbox.mime import header_text, parse
from tests.sandbox.ews_rig import (
    NS,
    Rig,
    changes,
    distinguished,
    get_folder,
    get_item,
    ids_of,
    mime_of,
    shape,
    sync_items,
    text,
)

MARKER = '<t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Stubbed" PropertyType="String"/>'
HEADER = (
    '<t:ExtendedFieldURI DistinguishedPropertySetId="InternetHeaders" PropertyName="X-Stub" PropertyType="String"/>'
)
READ = '<t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/>'


def create(inner: str, folder: str = "inbox", kind: str = "Message") -> str:
    attributes = 'MessageDisposition="SaveOnly" SendMeetingInvitations="SendToNone"'
    return (
        f"<m:CreateItem {attributes}><m:SavedItemFolderId>{distinguished(folder)}</m:SavedItemFolderId>"
        f"<m:Items><t:{kind}>{inner}</t:{kind}></m:Items></m:CreateItem>"
    )


def created(rig: Rig, inner: str, folder: str = "inbox", kind: str = "Message") -> tuple[str, str]:
    found = rig.ok(create(inner, folder, kind))[0].find(".//t:ItemId", NS)
    return found.get("Id"), found.get("ChangeKey")


def update(item: str, updates: str, key: str = "", resolution: str = "AlwaysOverwrite") -> str:
    given = f' ChangeKey="{key}"' if key else ""
    return (
        f'<m:UpdateItem ConflictResolution="{resolution}" MessageDisposition="SaveOnly"'
        ' SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange>'
        f'<t:ItemId Id="{item}"{given}/><t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>'
    )


def set_field(uri: str, inner: str, kind: str = "Message", verb: str = "SetItemField") -> str:
    path = uri if uri.startswith("<") else f'<t:FieldURI FieldURI="{uri}"/>'
    return f"<t:{verb}>{path}<t:{kind}>{inner}</t:{kind}></t:{verb}>"


def delete_field(uri: str) -> str:
    path = uri if uri.startswith("<") else f'<t:FieldURI FieldURI="{uri}"/>'
    return f"<t:DeleteItemField>{path}</t:DeleteItemField>"


def extended(uri: str, value: str) -> str:
    return f"<t:ExtendedProperty>{uri}<t:Value>{value}</t:Value></t:ExtendedProperty>"


def find(extra: str = "", folder: str = "inbox", shape_xml: str = "", view: str = "") -> str:
    return (
        f'<m:FindItem Traversal="Shallow">{shape_xml or shape("IdOnly", "item:Subject")}{view}{extra}'
        f"<m:ParentFolderIds>{distinguished(folder)}</m:ParentFolderIds></m:FindItem>"
    )


def subjects(message_element) -> list[str]:
    return [each.text for each in message_element.iterfind(".//t:Subject", NS)]


def bulk(operation: str, *ids: str, folder: str = "", attributes: str = "") -> str:
    target = f"<m:ToFolderId>{distinguished(folder)}</m:ToFolderId>" if folder else ""
    inner = "".join(f'<t:ItemId Id="{each}"/>' for each in ids)
    return f"<m:{operation}{attributes}>{target}<m:ItemIds>{inner}</m:ItemIds></m:{operation}>"


def inbox(rig: Rig) -> list[str]:
    return [item for _, item in changes(rig.ok(sync_items(distinguished("inbox")))[0])]


def test_created_from_mime_it_comes_back_byte_for_byte(rig: Rig) -> None:
    mime = b"From: Eve <eve@x.org>\nTo: b@example.com\nSubject: =?utf-8?q?caf=C3=A9?=\nMessage-ID: <1@x>\n\nHi\n"
    content = f'<t:MimeContent CharacterSet="UTF-8">{b64encode(mime).decode()}</t:MimeContent>'
    item, _ = created(rig, content + extended(READ, "1"))
    (got,) = rig.ok(get_item(item, shape_xml=shape("AllProperties", mime=True)))
    assert mime_of(got) == mime
    assert text(got, ".//t:Subject") == "café"
    assert text(got, ".//t:From/t:Mailbox/t:EmailAddress") == "eve@x.org"
    assert text(got, ".//t:InternetMessageId") == "<1@x>"
    assert text(got, ".//t:IsDraft") == "false"
    assert text(got, ".//t:IsRead") == "true"


def test_created_from_properties(rig: Rig) -> None:
    item, _ = created(
        rig,
        "<t:ItemClass>IPM.Note.Custom</t:ItemClass><t:Subject>Zażółć &lt;&amp;&gt;</t:Subject>"
        '<t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="HTML">&lt;b&gt;Hello&lt;/b&gt;</t:Body>'
        "<t:Categories><t:String>Blue</t:String><t:String>Red</t:String></t:Categories><t:Importance>High</t:Importance>"
        + extended(MARKER, "yes")
        + "<t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag><t:ToRecipients><t:Mailbox><t:Name>Żaneta</t:Name>"
        "<t:EmailAddress>z@x.org</t:EmailAddress></t:Mailbox></t:ToRecipients><t:IsRead>true</t:IsRead>",
    )
    (got,) = rig.ok(get_item(item, shape_xml=shape("AllProperties", MARKER, mime=True)))
    assert text(got, ".//t:Body") == "<b>Hello</b>"
    assert [each.text for each in got.iterfind(".//t:Categories/t:String", NS)] == ["Blue", "Red"]
    assert text(got, ".//t:ExtendedProperty/t:Value") == "yes"
    for path, value in (
        ("ItemClass", "IPM.Note.Custom"), ("Subject", "Zażółć <&>"), ("Sensitivity", "Private"),
        ("Importance", "High"), ("Flag/t:FlagStatus", "Flagged"), ("DisplayTo", "Żaneta"), ("IsRead", "true"),
    ):  # fmt: skip
        assert text(got, f".//t:{path}") == value
    assert header_text(parse(mime_of(got)), "Subject") == "Zażółć <&>"


def test_changes_reach_properties_and_mime(rig: Rig) -> None:
    item = inbox(rig)[3]
    rig.ok(
        update(
            item,
            set_field("item:Subject", "<t:Subject>[stub] Ünïcode</t:Subject>")
            + set_field("item:Body", '<t:Body BodyType="HTML">&lt;p&gt;short&lt;/p&gt;</t:Body>')
            + set_field(HEADER, extended(HEADER, "1"))
            + set_field(MARKER, extended(MARKER, "yes")),
        )
    )
    (got,) = rig.ok(get_item(item, shape_xml=shape("AllProperties", MARKER, HEADER, mime=True)))
    message = message_from_bytes(mime_of(got))
    assert header_text(message, "Subject") == text(got, ".//t:Subject") == "[stub] Ünïcode"
    assert message["X-Stub"] == "1"
    assert message["Message-ID"] == "<3@example.com>"
    assert text(got, ".//t:Body") == "<p>short</p>"
    assert text(got, ".//t:FileAttachment/t:Name") == "r.pdf"
    assert text(got, ".//t:DateTimeReceived") == "2024-03-01T08:03:00Z"
    assert [each.text for each in got.iterfind(".//t:ExtendedProperty/t:Value", NS)] == ["yes", "1"]
    rig.ok(update(item, delete_field(MARKER) + delete_field(HEADER)))
    (after,) = rig.ok(get_item(item, shape_xml=shape("IdOnly", MARKER, HEADER)))
    assert after.find(".//t:ExtendedProperty", NS) is None


def test_state_changes_leave_the_content_alone(rig: Rig) -> None:
    item = inbox(rig)[0]
    before = mime_of(rig.ok(get_item(item, shape_xml=shape(mime=True)))[0])
    rig.ok(
        update(
            item,
            set_field("message:IsRead", "<t:IsRead>true</t:IsRead>")
            + set_field("item:Flag", "<t:Flag><t:FlagStatus>Complete</t:FlagStatus></t:Flag>")
            + set_field("item:Categories", "<t:Categories><t:String>A</t:String></t:Categories>"),
        )
    )
    rig.ok(
        update(
            item,
            set_field(
                "item:Categories",
                "<t:Categories><t:String>B</t:String></t:Categories>",
                verb="AppendToItemField",
            ),
        )
    )
    (got,) = rig.ok(get_item(item, shape_xml=shape("AllProperties", mime=True)))
    assert mime_of(got) == before
    assert text(got, ".//t:Flag/t:FlagStatus") == "Complete"
    assert [each.text for each in got.iterfind(".//t:Categories/t:String", NS)] == ["A", "B"]


def test_conflicts_are_noticed(rig: Rig) -> None:
    item, key = created(rig, "<t:Subject>One</t:Subject>")
    subject = set_field("item:Subject", "<t:Subject>Two</t:Subject>")
    read = set_field("message:IsRead", "<t:IsRead>true</t:IsRead>")
    newer = rig.ok(update(item, read, key, "NeverOverwrite"))[0].find(".//t:ItemId", NS).get("ChangeKey")
    assert newer != key
    assert rig.error(update(item, subject, key, "NeverOverwrite")) == "ErrorIrresolvableConflict"
    assert rig.error(update(item, subject, "", "NeverOverwrite")) == "ErrorChangeKeyRequiredForWriteOperations"
    rig.ok(update(item, subject, key, "AutoResolve"))  # only the read state had changed
    assert rig.error(update(item, subject, key, "AutoResolve")) == "ErrorIrresolvableConflict"
    rig.ok(update(item, subject, key, "AlwaysOverwrite"))
    assert rig.error(update(item, subject, "rubbish", "NeverOverwrite")) == "ErrorInvalidChangeKey"


def test_what_only_the_server_sets_can_not_be_set(rig: Rig) -> None:
    item = inbox(rig)[0]
    assert rig.error(update(item, set_field("item:Size", "<t:Size>1</t:Size>"))) == "ErrorInvalidPropertySet"
    mismatch = set_field("item:Subject", "<t:Importance>High</t:Importance>")
    assert rig.error(update(item, mismatch)) == "ErrorUpdatePropertyMismatch"


def test_moved_and_copied_items_have_new_ids(rig: Rig) -> None:
    first, second, *_ = inbox(rig)
    moved = ids_of(rig.ok(bulk("MoveItem", first, folder="drafts"))[0])[0]
    copied = ids_of(rig.ok(bulk("CopyItem", second, folder="archiveinbox"))[0])[0]
    assert len({first, second, moved, copied}) == 4
    assert rig.error(get_item(first)) == "ErrorItemNotFound"
    rig.ok(get_item(second, moved, copied))
    assert rig.error(bulk("MoveItem", first, folder="drafts")) == "ErrorItemNotFound"
    assert len(inbox(rig)) == 9


def deleted(rig: Rig, item: str, how: str) -> None:
    rig.ok(bulk("DeleteItem", item, attributes=f' DeleteType="{how}" SendMeetingCancellations="SendToNone"'))


def found_in(rig: Rig, folder: str) -> list[str]:
    return subjects(rig.ok(find(folder=folder))[0])


def test_three_ways_of_deleting(rig: Rig) -> None:
    ids = inbox(rig)
    deleted(rig, ids[0], "HardDelete")
    deleted(rig, ids[1], "SoftDelete")
    deleted(rig, ids[2], "MoveToDeletedItems")
    assert found_in(rig, "recoverableitemsdeletions") == ["Message 1"]
    assert found_in(rig, "deleteditems") == ["Message 2"]
    assert rig.messages(get_item(*ids[:3]))[0].get("ResponseClass") == "Error"
    dumped = ids_of(rig.ok(find(folder="recoverableitemsdeletions"))[0])[0]
    back = ids_of(rig.ok(bulk("MoveItem", dumped, folder="inbox"))[0])[0]
    assert back not in ids
    deleted(rig, back, "SoftDelete")
    dumped = ids_of(rig.ok(find(folder="recoverableitemsdeletions"))[0])[0]
    deleted(rig, dumped, "SoftDelete")
    assert found_in(rig, "recoverableitemspurges") == ["Message 1"]


def test_mark_all_as_read(rig: Rig) -> None:
    state = text(rig.ok(sync_items(distinguished("inbox")))[0], "m:SyncState")
    rig.ok(
        "<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts>"
        f"<m:FolderIds>{distinguished('inbox')}</m:FolderIds></m:MarkAllItemsAsRead>"
    )
    page = rig.ok(sync_items(distinguished("inbox"), state))[0]
    assert [change for change, _ in changes(page)] == ["ReadFlagChange"] * 10
    assert text(rig.ok(get_folder(distinguished("inbox")))[0], ".//t:UnreadCount") == "0"


def attach(item: str, inner: str) -> str:
    return (
        f'<m:CreateAttachment><m:ParentItemId Id="{item}"/><m:Attachments>{inner}</m:Attachments></m:CreateAttachment>'
    )


def attachment_ids(operation: str, *ids: str) -> str:
    inner = "".join(f'<t:AttachmentId Id="{each}"/>' for each in ids)
    return f"<m:{operation}><m:AttachmentIds>{inner}</m:AttachmentIds></m:{operation}>"


def file(name: str, content: bytes, extra: str = "") -> str:
    return (
        f"<t:FileAttachment><t:Name>{name}</t:Name><t:ContentType>text/plain</t:ContentType>{extra}"
        f"<t:Content>{b64encode(content).decode()}</t:Content></t:FileAttachment>"
    )


def listed(rig: Rig, item: str) -> dict[str, str]:
    (got,) = rig.ok(get_item(item, shape_xml=shape("IdOnly", "item:Attachments")))
    return {
        each.findtext("t:Name", namespaces=NS): each.find("t:AttachmentId", NS).get("Id")
        for each in got.iterfind(".//t:Attachments/*", NS)
    }


@pytest.mark.parametrize("of", ["seed", "properties"])
def test_attachments_come_and_go(rig: Rig, of: str) -> None:
    item = inbox(rig)[0] if of == "seed" else created(rig, "<t:Subject>Plain</t:Subject>")[0]
    originals = listed(rig, item)
    answers = rig.ok(attach(item, file("ä.txt", b"one") + file("b.txt", b"two", "<t:ContentId>c1</t:ContentId>")))
    keys = [each.find(".//t:AttachmentId", NS).get("RootItemChangeKey") for each in answers]
    assert len(set(keys)) == 2
    now = listed(rig, item)
    assert set(now) == {*originals, "ä.txt", "b.txt"}
    assert originals.items() <= now.items()
    contents = {
        text(each, ".//t:Name"): text(each, ".//t:Content")
        for each in rig.ok(attachment_ids("GetAttachment", *now.values()))
    }
    assert contents["ä.txt"] == b64encode(b"one").decode()
    gone = rig.ok(attachment_ids("DeleteAttachment", now["ä.txt"], *originals.values()))
    assert gone[0].find("m:RootItemId", NS).get("RootItemId") == item
    assert list(listed(rig, item)) == ["b.txt"]
    last = gone[-1].find("m:RootItemId", NS).get("RootItemChangeKey")
    (got,) = rig.ok(get_item(item, shape_xml=shape("AllProperties", mime=True)))
    assert got.find(".//t:ItemId", NS).get("ChangeKey") == last
    assert b64encode(b"one") not in mime_of(got)
    assert rig.error(attachment_ids("GetAttachment", now["ä.txt"])) == "ErrorItemNotFound"
    rig.ok(attachment_ids("DeleteAttachment", now["b.txt"]))
    assert listed(rig, item) == {}
    assert text(rig.ok(get_item(item))[0], ".//t:HasAttachments") == "false"
    rig.ok(attach(item, file("new.txt", b"three")))
    assert listed(rig, item)["new.txt"] not in now.values()


def test_an_attached_item(rig: Rig) -> None:
    item, _ = created(rig, "<t:Subject>Carrier</t:Subject>")
    rig.ok(
        attach(
            item,
            "<t:ItemAttachment><t:Name>Inner</t:Name><t:Message><t:Subject>Inside</t:Subject>"
            '<t:Body BodyType="Text">Deep</t:Body></t:Message></t:ItemAttachment>',
        )
    )
    (got,) = rig.ok(attachment_ids("GetAttachment", *listed(rig, item).values()))
    assert text(got, ".//t:Message/t:Subject") == "Inside"
    assert text(got, ".//t:Message/t:Body") == "Deep"


def test_find_restricted_sorted_and_paged(rig: Rig) -> None:
    assert found_in(rig, "inbox") == [f"Message {number}" for number in reversed(range(10))]
    later = (
        '<m:Restriction><t:And><t:IsGreaterThanOrEqualTo><t:FieldURI FieldURI="item:DateTimeReceived"/>'
        '<t:FieldURIOrConstant><t:Constant Value="2024-03-01T09:07:00+01:00"/></t:FieldURIOrConstant>'
        '</t:IsGreaterThanOrEqualTo><t:Not><t:IsEqualTo><t:FieldURI FieldURI="item:Subject"/><t:FieldURIOrConstant>'
        '<t:Constant Value="message 8"/></t:FieldURIOrConstant></t:IsEqualTo></t:Not></t:And></m:Restriction>'
    )
    by_subject = '<t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder>'
    rising = f"<m:SortOrder>{by_subject}</m:SortOrder>"
    assert subjects(rig.ok(find(later + rising))[0]) == ["Message 7", "Message 9"]
    view = '<m:IndexedPageItemView MaxEntriesReturned="4" Offset="{}" BasePoint="{}"/>'
    pages = [rig.ok(find(rising, view=view.format(offset, "Beginning")))[0] for offset in (0, 4, 8)]
    assert [each for page in pages for each in subjects(page)] == [f"Message {number}" for number in range(10)]
    roots = [page.find("m:RootFolder", NS) for page in pages]
    assert [root.get("IncludesLastItemInRange") for root in roots] == ["false", "false", "true"]
    assert [root.get("IndexedPagingOffset") for root in roots] == ["4", "8", "10"]
    assert subjects(rig.ok(find(rising, view=view.format(0, "End")))[0]) == [f"Message {n}" for n in (6, 7, 8, 9)]


def test_find_by_marker_and_flag(rig: Rig) -> None:
    item = inbox(rig)[4]
    rig.ok(update(item, set_field(MARKER, extended(MARKER, "yes"))))
    exists = f"<m:Restriction><t:Exists>{MARKER}</t:Exists></m:Restriction>"
    assert subjects(rig.ok(find(exists))[0]) == ["Message 4"]
    unread = (
        '<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="message:IsRead"/><t:FieldURIOrConstant>'
        '<t:Constant Value="1"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>'
    )
    assert subjects(rig.ok(find(unread))[0]) == []
    odd = '<m:Restriction><t:Exists><t:FieldURI FieldURI="item:MimeContent"/></t:Exists></m:Restriction>'
    assert rig.error(find(odd)) == "ErrorUnsupportedPathForQuery"


def test_contacts_keep_their_dictionaries(rig: Rig) -> None:
    item, _ = created(
        rig,
        "<t:FileAs>Żak, Ewa</t:FileAs><t:GivenName>Ewa</t:GivenName><t:EmailAddresses>"
        '<t:Entry Key="EmailAddress1">ewa@x.org</t:Entry></t:EmailAddresses><t:PhysicalAddresses>'
        '<t:Entry Key="Home"><t:City>Kraków</t:City></t:Entry></t:PhysicalAddresses><t:Surname>Żak</t:Surname>',
        "contacts",
        "Contact",
    )
    second = '<t:IndexedFieldURI FieldURI="contacts:EmailAddress" FieldIndex="EmailAddress2"/>'
    street = '<t:IndexedFieldURI FieldURI="contacts:PhysicalAddress:Street" FieldIndex="Home"/>'
    rig.ok(
        update(
            item,
            set_field(
                second, '<t:EmailAddresses><t:Entry Key="EmailAddress2">e@y.org</t:Entry></t:EmailAddresses>', "Contact"
            )
            + set_field(
                street,
                '<t:PhysicalAddresses><t:Entry Key="Home"><t:Street>Długa 1</t:Street></t:Entry></t:PhysicalAddresses>',
                "Contact",
            ),
        )
    )
    (got,) = rig.ok(get_item(item, shape_xml=shape("IdOnly", second, street, "contacts:Surname")))
    assert [each.text for each in got.iterfind(".//t:EmailAddresses/t:Entry", NS)] == ["ewa@x.org", "e@y.org"]
    assert [each.text for each in got.find(".//t:PhysicalAddresses/t:Entry", NS)] == ["Długa 1", "Kraków"]
    rig.ok(update(item, delete_field(second)))
    (got,) = rig.ok(get_item(item))
    assert [each.text for each in got.iterfind(".//t:EmailAddresses/t:Entry", NS)] == ["ewa@x.org"]


@pytest.mark.parametrize(
    ("kind", "inner", "item_class"),
    [
        ("Task", "<t:Subject>Do</t:Subject><t:DueDate>2024-05-01T00:00:00Z</t:DueDate>", "IPM.Task"),
        ("PostItem", '<t:Subject>Post</t:Subject><t:Body BodyType="Text">x</t:Body>', "IPM.Post"),
        ("DistributionList", "<t:Subject>List</t:Subject><t:DisplayName>List</t:DisplayName>", "IPM.DistList"),
        ("Message", "<t:ItemClass>IPM.StickyNote</t:ItemClass><t:Subject>Note</t:Subject>", "IPM.StickyNote"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_other_kinds(rig: Rig, kind: str, inner: str, item_class: str, base: str) -> None:
    item, _ = created(rig, inner, "tasks", kind)
    (got,) = rig.ok(get_item(item, shape_xml=shape(base, "item:ItemClass", mime=True)))
    assert text(got, f".//t:{kind}/t:ItemClass") == item_class
    assert mime_of(got)


def test_sent_mail_is_delivered(rig: Rig) -> None:
    anna = rig.store.add_mailbox("anna@example.com", "Anna")
    rig.ok(
        '<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:Message><t:Subject>Hello</t:Subject>'
        "<t:ToRecipients><t:Mailbox><t:EmailAddress>anna@example.com</t:EmailAddress></t:Mailbox></t:ToRecipients>"
        "</t:Message></m:Items></m:CreateItem>"
    )
    assert found_in(rig, "sentitems") == ["Hello"]
    (arrived,) = rig.store.items(rig.store.distinguished_folder(anna.id, "inbox").id)
    assert (arrived["subject"], arrived["sender_address"], arrived["is_read"]) == ("Hello", "bert@example.com", 0)


def test_a_draft_is_sent(rig: Rig) -> None:
    anna = rig.store.add_mailbox("anna@example.com", "Anna")
    to = "<t:ToRecipients><t:Mailbox><t:EmailAddress>anna@example.com</t:EmailAddress></t:Mailbox></t:ToRecipients>"
    item, key = created(rig, f"<t:Subject>Later</t:Subject>{to}", "drafts")
    rig.ok(
        f'<m:SendItem SaveItemToFolder="true"><m:ItemIds><t:ItemId Id="{item}" ChangeKey="{key}"/>'
        "</m:ItemIds></m:SendItem>"
    )
    assert (found_in(rig, "drafts"), found_in(rig, "sentitems")) == ([], ["Later"])
    assert [row["subject"] for row in rig.store.items(rig.store.distinguished_folder(anna.id, "inbox").id)] == ["Later"]


def test_a_folder_is_emptied(rig: Rig) -> None:
    rig.ok(
        '<m:EmptyFolder DeleteType="MoveToDeletedItems" DeleteSubFolders="true">'
        f"<m:FolderIds>{distinguished('inbox')}</m:FolderIds></m:EmptyFolder>"
    )
    assert found_in(rig, "inbox") == []
    assert len(found_in(rig, "deleteditems")) == 10
