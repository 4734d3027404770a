"""The EWS requests that a mailbox is changed with."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from exchangelib.services import (
    CreateAttachment,
    CreateFolder,
    CreateItem,
    DeleteAttachment,
    DeleteItem,
    FindFolder,
    FindItem,
    GetAttachment,
    GetFolder,
    MoveItem,
    UpdateItem,
)
from exchangelib.util import create_element
from lxml import etree

from mse_tui.exchange.editing import STUB_HEADER, Body, Disposal, ItemChange, ItemQuery, Mark, NewAttachment, NewItem
from mse_tui.exchange.ews_calls import Calls, Request, item_ids, shape, text_element
from mse_tui.exchange.ews_rows import MARKS, Property, T
from mse_tui.exchange.rows import ItemRow

FOUND = 1000
"""Most items in a page of FindItem: the server's own limit."""

SIZE: Property = {"PropertyTag": "0x0e08", "PropertyType": "Long"}
"""PidTagMessageSizeExtended; of the root folder: the mailbox's."""
_QUOTA_TAGS = ("0x666e", "0x341b", "0x666a", "0x341c", "0x3ff5", "0x341a")
QUOTAS: tuple[Property, ...] = tuple({"PropertyTag": tag, "PropertyType": "Integer"} for tag in _QUOTA_TAGS)
"""In kilobytes, the first one that is there holds: sending refused, receiving refused, warned; each by two tags."""

_RECEIVED: Property = {"PropertyTag": "0x0e06", "PropertyType": "SystemTime"}
_MESSAGE_FLAGS: Property = {"PropertyTag": "0x0e07", "PropertyType": "Integer"}
_FLAG_STATUS: Property = {"PropertyTag": "0x1090", "PropertyType": "Integer"}
_READ = 1
"""The bit of PidTagMessageFlags; that the one for unsent items is not set makes it a message and no draft."""
_HEADER: Property = {
    "DistinguishedPropertySetId": "InternetHeaders",
    "PropertyName": STUB_HEADER,
    "PropertyType": "String",
}
_DELETE_TYPES = {
    Disposal.SOFT: "SoftDelete",
    Disposal.DELETED_ITEMS: "MoveToDeletedItems",
    Disposal.HARD: "HardDelete",
}
_FLAG_STATUSES = {"Complete": "1", "Flagged": "2"}


class EditCalls:
    """Writes requests that change one mailbox."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def find_items(self, folder_ids: Sequence[str], query: ItemQuery, offset: int) -> Request:
        """FindItem in folders, oldest first, of each a page from `offset`."""
        payload = create_element("m:FindItem", attrs={"Traversal": "Shallow"})
        payload.append(self._calls.item_shape())
        page = {"MaxEntriesReturned": str(FOUND), "Offset": str(offset), "BasePoint": "Beginning"}
        payload.append(create_element("m:IndexedPageItemView", attrs=page))
        restriction = _restriction(query)
        if restriction is not None:
            payload.append(restriction)
        order = create_element("m:SortOrder")
        field = etree.SubElement(order, f"{T}FieldOrder", Order="Ascending")
        etree.SubElement(field, f"{T}FieldURI", FieldURI="item:DateTimeReceived")
        payload.append(order)
        parents = create_element("m:ParentFolderIds")
        for folder_id in folder_ids:
            _within(parents, folder_id)
        payload.append(parents)
        return self._calls.request(FindItem(account=self._calls.account), payload)

    def get_details(self, remote_ids: Sequence[str], *, body: bool) -> Request:
        """GetItem with an item row, the attachments' rows and, if wanted, the body as it was written."""
        more = ("item:ParentFolderId", "item:Attachments", *(("item:Body",) if body else ()))
        wanted = self._calls.item_shape(*more)
        if body:
            kind = etree.Element(f"{T}BodyType")
            kind.text = "Best"
            wanted.insert(1, kind)
        return self._calls.get_item(wanted, remote_ids)

    def update_items(self, changes: Iterable[ItemChange]) -> Request:
        """UpdateItem with NeverOverwrite: each change only onto the item that its change key knows."""
        attributes = {
            "ConflictResolution": "NeverOverwrite",
            "MessageDisposition": "SaveOnly",
            "SendMeetingInvitationsOrCancellations": "SendToNone",
        }
        if self._calls.since_2013:
            attributes["SuppressReadReceipts"] = "true"
        payload = create_element("m:UpdateItem", attrs=attributes)
        listed = create_element("m:ItemChanges")
        for change in changes:
            element = etree.SubElement(listed, f"{T}ItemChange")
            etree.SubElement(element, f"{T}ItemId", Id=change.remote_id, ChangeKey=change.change_key)
            updates = etree.SubElement(element, f"{T}Updates")
            if change.body is not None:
                _set_body(updates, change.body)
            for name, value in _properties(change.marks):
                _set_property(updates, name, value)
        payload.append(listed)
        return self._calls.request(UpdateItem(account=self._calls.account), payload)

    def create_attachments(self, remote_id: str, attachments: Iterable[NewAttachment]) -> Request:
        """CreateAttachment on one item."""
        payload = create_element("m:CreateAttachment")
        payload.append(create_element("m:ParentItemId", attrs={"Id": remote_id}))
        listed = create_element("m:Attachments")
        for each in attachments:
            element = etree.SubElement(listed, f"{T}FileAttachment")
            text_element(element, "t:Name", each.name)
            text_element(element, "t:ContentType", each.content_type)
            text_element(element, "t:ContentId", each.content_id)
            text_element(element, "t:Content", b64encode(each.content).decode())
        payload.append(listed)
        return self._calls.request(CreateAttachment(account=self._calls.account), payload)

    def get_attachment(self, attachment_id: str) -> Request:
        """GetAttachment of one."""
        payload = create_element("m:GetAttachment")
        payload.append(_attachment_ids([attachment_id]))
        return self._calls.request(GetAttachment(account=self._calls.account), payload)

    def delete_attachments(self, ids: Iterable[str]) -> Request:
        """DeleteAttachment."""
        payload = create_element("m:DeleteAttachment")
        payload.append(_attachment_ids(ids))
        return self._calls.request(DeleteAttachment(account=self._calls.account), payload)

    def delete_items(self, remote_ids: Iterable[str], how: Disposal) -> Request:
        """DeleteItem; nobody is told where the item is a meeting."""
        attributes = {
            "DeleteType": _DELETE_TYPES[how],
            "SendMeetingCancellations": "SendToNone",
            "AffectedTaskOccurrences": "AllOccurrences",
        }
        if self._calls.since_2013:
            attributes["SuppressReadReceipts"] = "true"
        payload = create_element("m:DeleteItem", attrs=attributes)
        payload.append(item_ids(remote_ids))
        return self._calls.request(DeleteItem(account=self._calls.account), payload)

    def move_items(self, remote_ids: Iterable[str], folder_id: str) -> Request:
        """MoveItem into one folder."""
        payload = create_element("m:MoveItem")
        payload.append(_within(create_element("m:ToFolderId"), folder_id))
        payload.append(item_ids(remote_ids))
        text_element(payload, "m:ReturnNewItemIds", "true")
        return self._calls.request(MoveItem(account=self._calls.account), payload)

    def create_item(self, folder_id: str, item: NewItem) -> Request:
        """CreateItem from MIME, as a message that has been received and not as a draft."""
        payload = create_element("m:CreateItem", attrs={"MessageDisposition": "SaveOnly"})
        payload.append(_within(create_element("m:SavedItemFolderId"), folder_id))
        items = create_element("m:Items")
        element = etree.SubElement(items, f"{T}Message")
        mime = etree.SubElement(element, f"{T}MimeContent", CharacterSet="UTF-8")
        mime.text = b64encode(item.mime).decode()
        self._describe(element, item)
        payload.append(items)
        return self._calls.request(CreateItem(account=self._calls.account), payload)

    def _describe(self, element: etree._Element, item: NewItem) -> None:
        """What the MIME does not say of the item, in the schema's order."""
        state = item.state
        text_element(element, "t:ItemClass", state.item_class)
        text_element(element, "t:Sensitivity", state.sensitivity)
        if state.categories:
            categories = etree.SubElement(element, f"{T}Categories")
            for category in state.categories:
                text_element(categories, "t:String", category)
        text_element(element, "t:Importance", state.importance)
        for name, value in (*_state_properties(state, flag=not self._calls.since_2013), *_properties(item.marks)):
            element.append(_property(name, value))
        if self._calls.since_2013:
            flag = etree.SubElement(element, f"{T}Flag")
            text_element(flag, "t:FlagStatus", state.flag)
        text_element(element, "t:IsRead", "true" if state.is_read else "false")

    def get_folder(self, remote_id: str) -> Request:
        """GetFolder by its id."""
        payload = create_element("m:GetFolder")
        payload.append(shape("m:FolderShape", self._calls.folder_fields()))
        payload.append(_within(create_element("m:FolderIds"), remote_id))
        return self._calls.request(GetFolder(account=self._calls.account), payload)

    def get_space(self) -> Request:
        """GetFolder of the mailbox's root and of Recoverable Items, with sizes and quotas."""
        payload = create_element("m:GetFolder")
        payload.append(shape("m:FolderShape", (), (SIZE, *QUOTAS)))
        payload.append(self._calls.distinguished_ids(["root", "recoverableitemsroot"]))
        return self._calls.request(GetFolder(account=self._calls.account), payload)

    def find_folders(self, parent_id: str) -> Request:
        """FindFolder, directly below one."""
        payload = create_element("m:FindFolder", attrs={"Traversal": "Shallow"})
        payload.append(shape("m:FolderShape", self._calls.folder_fields()))
        payload.append(_within(create_element("m:ParentFolderIds"), parent_id))
        return self._calls.request(FindFolder(account=self._calls.account), payload)

    def create_folder(self, parent_id: str, name: str, folder_class: str) -> Request:
        """CreateFolder."""
        payload = create_element("m:CreateFolder")
        payload.append(_within(create_element("m:ParentFolderId"), parent_id))
        folders = create_element("m:Folders")
        element = etree.SubElement(folders, f"{T}Folder")
        text_element(element, "t:FolderClass", folder_class)
        text_element(element, "t:DisplayName", name)
        payload.append(folders)
        return self._calls.request(CreateFolder(account=self._calls.account), payload)


def _within(holder: etree._Element, folder_id: str) -> etree._Element:
    etree.SubElement(holder, f"{T}FolderId", Id=folder_id)
    return holder


def _attachment_ids(ids: Iterable[str]) -> etree._Element:
    listed: etree._Element = create_element("m:AttachmentIds")
    for each in ids:
        etree.SubElement(listed, f"{T}AttachmentId", Id=each)
    return listed


def _restriction(query: ItemQuery) -> etree._Element | None:
    tests = []
    if query.received_before is not None:
        tests.append(_comparison("IsLessThan", "item:DateTimeReceived", _moment(query.received_before)))
    if query.min_size > 0:
        tests.append(_comparison("IsGreaterThanOrEqualTo", "item:Size", str(query.min_size)))
    if query.message_id:
        tests.append(_comparison("IsEqualTo", "message:InternetMessageId", query.message_id))
    if query.mark is not None:
        tests.append(_marked(*query.mark))
    if not tests:
        return None
    restriction: etree._Element = create_element("m:Restriction")
    if len(tests) == 1:
        restriction.append(tests[0])
    else:
        both = etree.SubElement(restriction, f"{T}And")
        both.extend(tests)
    return restriction


def _comparison(name: str, field: str, value: str) -> etree._Element:
    test = etree.Element(f"{T}{name}")
    etree.SubElement(test, f"{T}FieldURI", FieldURI=field)
    etree.SubElement(etree.SubElement(test, f"{T}FieldURIOrConstant"), f"{T}Constant", Value=value)
    return test


def _marked(mark: Mark, value: str) -> etree._Element:
    test = etree.Element(f"{T}{'IsEqualTo' if value else 'Exists'}")
    etree.SubElement(test, f"{T}ExtendedFieldURI", dict(MARKS[mark]))
    if value:
        etree.SubElement(etree.SubElement(test, f"{T}FieldURIOrConstant"), f"{T}Constant", Value=value)
    return test


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _set_body(updates: etree._Element, body: Body) -> None:
    update = etree.SubElement(updates, f"{T}SetItemField")
    etree.SubElement(update, f"{T}FieldURI", FieldURI="item:Body")
    element = etree.SubElement(
        etree.SubElement(update, f"{T}Message"), f"{T}Body", BodyType="HTML" if body.is_html else "Text"
    )
    element.text = body.text


def _properties(marks: Mapping[Mark, str]) -> Iterable[tuple[Property, str]]:
    """The properties that marks are kept in; a stub's is a header as well, which mail programs show."""
    for mark, value in marks.items():
        yield MARKS[mark], value
        if mark is Mark.STUB:
            yield _HEADER, value


def _set_property(updates: etree._Element, name: Property, value: str) -> None:
    update = etree.SubElement(updates, f"{T}{'SetItemField' if value else 'DeleteItemField'}")
    etree.SubElement(update, f"{T}ExtendedFieldURI", dict(name))
    if value:
        etree.SubElement(update, f"{T}Message").append(_property(name, value))


def _property(name: Property, value: str) -> etree._Element:
    element = etree.Element(f"{T}ExtendedProperty")
    etree.SubElement(element, f"{T}ExtendedFieldURI", dict(name))
    etree.SubElement(element, f"{T}Value").text = value
    return element


def _state_properties(state: ItemRow, *, flag: bool) -> Iterable[tuple[Property, str]]:
    yield _MESSAGE_FLAGS, str(_READ if state.is_read else 0)
    if state.received is not None:
        yield _RECEIVED, _moment(state.received)
    if flag and state.flag in _FLAG_STATUSES:
        yield _FLAG_STATUS, _FLAG_STATUSES[state.flag]
