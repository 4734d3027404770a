"""From EWS answers about changes to rows."""

from lxml import etree

from mse_tui.exchange.editing import AttachmentRow, Body, Changed, ItemDetails, MailboxSpace
from mse_tui.exchange.ews_edit_calls import QUOTAS, SIZE
from mse_tui.exchange.ews_rows import M, T, error_of, item_row, number_of
from mse_tui.exchange.rows import ItemRow
from mse_tui.exchange.wire_errors import broken

_KILOBYTE = 1024


def found_page(message: etree._Element, start: int) -> tuple[list[ItemRow], int, bool]:
    """One page of FindItem, from `start`: its rows, the offset of the next, and whether it is the last."""
    root = message.find(f"{M}RootFolder")
    items = None if root is None else root.find(f"{T}Items")
    if root is None or items is None:
        raise broken("A page of found items has no list.")
    last = root.get("IncludesLastItemInRange") in ("true", "1")
    offset = number_of(root.get("IndexedPagingOffset"))
    if not last and (not len(items) or offset <= start):
        raise broken("A page of found items leads no further though it is not the last.")
    return [item_row(each) for each in items], offset, last


def details_of(message: etree._Element) -> ItemDetails:
    """One item of a GetItem answer, with its attachments' rows and, where it was asked for, its body."""
    item = message.find(f"{M}Items/*")
    if item is None:
        raise broken("An entry of the server's answer has no item.")
    parent = item.find(f"{T}ParentFolderId")
    body = item.find(f"{T}Body")
    return ItemDetails(
        row=item_row(item),
        attachments=tuple(_attachment(each) for each in item.iterfind(f"{T}Attachments/*")),
        folder_id="" if parent is None else parent.get("Id", ""),
        body=None if body is None else Body(body.get("BodyType") == "HTML", body.text or ""),
    )


def _attachment(element: etree._Element) -> AttachmentRow:
    identity = element.find(f"{T}AttachmentId")
    if identity is None:
        raise broken("An attachment in the server's answer has no id.")
    kind = etree.QName(element).localname
    return AttachmentRow(
        attachment_id=identity.get("Id", ""),
        name=element.findtext(f"{T}Name") or "",
        content_type=element.findtext(f"{T}ContentType") or "",
        size=number_of(element.findtext(f"{T}Size")),
        inline=element.findtext(f"{T}IsInline") in ("true", "1"),
        content_id=element.findtext(f"{T}ContentId") or "",
        is_item=kind == "ItemAttachment",
        is_reference=kind == "ReferenceAttachment",
    )


def changed_item(message: etree._Element) -> Changed:
    """The item that an UpdateItem, MoveItem or CreateItem answer names; ids are '' where it names none."""
    identity = message.find(f"{M}Items/*/{T}ItemId")
    if identity is None:
        return Changed("", "")
    return Changed(identity.get("Id", ""), identity.get("ChangeKey", ""))


def detached_from(message: etree._Element) -> Changed:
    """The item that an attachment was taken from."""
    root = message.find(f"{M}RootItemId")
    if root is None:
        raise broken("An answer to DeleteAttachment does not name the item.")
    return Changed(root.get("RootItemId", ""), root.get("RootItemChangeKey", ""))


def space_of(messages: list[etree._Element]) -> MailboxSpace:
    """What the root folder says of the whole mailbox, and Recoverable Items of itself."""
    found = [_numbers(each) for each in messages]
    root, recoverable = [*found, {}, {}][:2]
    quota = next((root[tag["PropertyTag"]] for tag in QUOTAS if root.get(tag["PropertyTag"], 0) > 0), None)
    return MailboxSpace(
        size=root.get(SIZE["PropertyTag"]),
        quota=None if quota is None else quota * _KILOBYTE,
        recoverable=recoverable.get(SIZE["PropertyTag"]),
    )


def _numbers(message: etree._Element) -> dict[str, int]:
    """Numeric properties of the folder in an entry by their tags; none where it could not be had."""
    if error_of(message) is not None:
        return {}
    numbers = {}
    for each in message.iterfind(f"{M}Folders/*/{T}ExtendedProperty"):
        tag = each[0].get("PropertyTag", "").lower()
        value = each.findtext(f"{T}Value") or ""
        if value.lstrip("-").isdigit():
            numbers[tag] = int(value)
    return numbers
