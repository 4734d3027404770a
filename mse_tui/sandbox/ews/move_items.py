"""MoveItem, CopyItem, DeleteItem, MarkAllItemsAsRead."""

from collections.abc import Callable
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.access import folder_of, item_of, target_folder
from mse_tui.sandbox.ews.create_item import created_xml
from mse_tui.sandbox.ews.folders import delete_type
from mse_tui.sandbox.ews.ids import change_number
from mse_tui.sandbox.ews.occurrences import delete_occurrence
from mse_tui.sandbox.ews.soap import QM, EwsError, Request, SoapFault, operation, response_messages
from mse_tui.sandbox.ews.values import boolean
from mse_tui.sandbox.items import ItemMissing


def _into_folder(request: Request, transfer: Callable[[int, int], int]) -> str:
    answer_ids = boolean(request.element.findtext(QM + "ReturnNewItemIds") or "true")

    def one(element: Any) -> str:
        target_mailbox, folder = target_folder(request, "ToFolderId")
        _, row, _ = item_of(request, element)
        try:
            moved = transfer(row["id"], folder.id)
        except ItemMissing as error:
            raise EwsError("ErrorItemNotFound") from error
        return f"<m:Items>{created_xml(request, target_mailbox, moved) if answer_ids else ''}</m:Items>"

    return response_messages(request, request.required("ItemIds"), one, on_error="<m:Items/>")


@operation("MoveItem")
def move_item(request: Request) -> str:
    """MoveItem: the item has another id afterwards."""
    return _into_folder(request, request.store.move_item)


@operation("CopyItem")
def copy_item(request: Request) -> str:
    """CopyItem."""
    return _into_folder(request, request.store.copy_item)


@operation("DeleteItem")
def delete_item(request: Request) -> str:
    """DeleteItem, in the three ways; of a series also a single occurrence."""
    how = delete_type(request)

    def one(element: Any) -> str:
        if etree.QName(element).localname == "OccurrenceItemId":
            delete_occurrence(request, element)
            return ""
        _, row, decoded = item_of(request, element)
        if decoded.kind == "occurrence":
            delete_occurrence(request, element)
            return ""
        if row["item_class"].startswith("IPM.Appointment") and request.element.get("SendMeetingCancellations") is None:
            raise EwsError("ErrorSendMeetingCancellationsRequired", "SendMeetingCancellations is required here.")
        if element.get("ChangeKey"):
            change_number(element.get("ChangeKey"))
        try:
            request.store.delete_item(row["id"], how)
        except ItemMissing as error:
            raise EwsError("ErrorItemNotFound") from error
        return ""

    return response_messages(request, request.required("ItemIds"), one)


@operation("MarkAllItemsAsRead")
def mark_all_items_as_read(request: Request) -> str:
    """MarkAllItemsAsRead."""
    read = request.element.findtext(QM + "ReadFlag")
    if read is None:
        raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: ReadFlag.")

    def one(element: Any) -> str:
        _, folder = folder_of(request, element)
        request.store.mark_all_read(folder.id, read=boolean(read))
        return ""

    return response_messages(request, request.required("FolderIds"), one)
