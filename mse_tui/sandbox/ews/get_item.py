"""GetItem."""

from collections.abc import Callable
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.access import open_decoded
from mse_tui.sandbox.ews.ids import DecodedId, decode
from mse_tui.sandbox.ews.occurrences import master_of, occurrence_of
from mse_tui.sandbox.ews.shapes import ItemShape, item_shape, item_writer
from mse_tui.sandbox.ews.soap import EwsError, Request, operation, response_messages
from mse_tui.sandbox.records import MailboxRecord, Row


@operation("GetItem")
def get_item(request: Request) -> str:
    """GetItem: each item or its error, in the order asked."""
    shape = item_shape(request)
    reader = ItemReader(request, shape)
    elements = list(request.required("ItemIds"))
    reader.read_ahead(elements)
    return response_messages(
        request, elements, lambda element: f"<m:Items>{reader.write(element)}</m:Items>", on_error="<m:Items/>"
    )


class ItemReader:
    """Reads and writes the items of one request: rows in one query, then one after the other."""

    def __init__(self, request: Request, shape: ItemShape) -> None:
        self.request = request
        self.shape = shape
        self._rows: dict[int, Row] = {}
        self._writers: dict[int, Callable[[Row], str]] = {}

    def read_ahead(self, elements: list[Any]) -> None:
        """Fetch the rows of all ItemId elements at once."""
        wanted = []
        for element in elements:
            try:
                wanted.append(decode(element.get("Id")).row)
            except EwsError:
                continue
        self._rows = self.request.store.items_by_id(wanted)

    def write(self, element: Any) -> str:
        """The item that an ItemId element names. Raises EwsError."""
        if etree.QName(element).localname != "ItemId":
            return self._occurrence(element)
        decoded = decode(element.get("Id"))
        if decoded.kind == "occurrence":
            return self._occurrence(element)
        mailbox, row = self._find(decoded)
        self._check_poison(mailbox, element.get("Id", ""))
        return self._writer(mailbox)(row)

    def _find(self, decoded: DecodedId) -> tuple[MailboxRecord, Row]:
        if decoded.kind != "item":
            raise EwsError("ErrorCannotUseFolderIdForItemId" if decoded.kind == "folder" else "ErrorInvalidId")
        mailbox = open_decoded(self.request, decoded)
        row = self._rows.get(decoded.row)
        if row is None:
            row = self.request.store.item(decoded.row)
        if row is None or row["mailbox"] != mailbox.id:
            raise EwsError("ErrorItemNotFound")
        return mailbox, row

    def _check_poison(self, mailbox: MailboxRecord, item_id: str) -> None:
        if not self.shape.wants_content():
            return
        code = self.request.faults.poison(item_id, mailbox.address)
        if code == "ErrorMimeContentConversionFailed" and not self.shape.wants_mime():
            return
        if code:
            raise EwsError(code)

    def _writer(self, mailbox: MailboxRecord) -> Callable[[Row], str]:
        writer = self._writers.get(mailbox.id)
        if writer is None:
            writer = self._writers[mailbox.id] = item_writer(self.request, mailbox, self.shape, "get")
        return writer

    def _occurrence(self, element: Any) -> str:
        if etree.QName(element).localname == "RecurringMasterItemId":
            mailbox, row = master_of(self.request, element)
            return self._writer(mailbox)(row)
        mailbox, series, original = occurrence_of(self.request, element)
        return self._writer(mailbox)(series.occurrence(original))
