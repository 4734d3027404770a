"""FindItem: restrictions, sorting, paging, calendar views."""

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews import extended
from mse_tui.sandbox.ews.access import folder_of
from mse_tui.sandbox.ews.content_fields import text_of
from mse_tui.sandbox.ews.fields import CONTENT_FIELDS, kind_of, uri_of
from mse_tui.sandbox.ews.occurrences import calendar_view_xml
from mse_tui.sandbox.ews.paging import paged
from mse_tui.sandbox.ews.render import Rendering
from mse_tui.sandbox.ews.restrictions import Reader, Value, test_of
from mse_tui.sandbox.ews.shapes import ItemShape, indexed_field, item_shape, item_writer
from mse_tui.sandbox.ews.soap import EwsError, Request, SoapFault, operation, part, response_messages
from mse_tui.sandbox.ews.values import parse_fragment
from mse_tui.sandbox.records import FolderRecord, MailboxRecord, Row

_COLUMNS = {
    "item:Subject": "subject",
    "item:ItemClass": "item_class",
    "item:DateTimeReceived": "received",
    "item:DateTimeSent": "sent",
    "item:DateTimeCreated": "created",
    "item:LastModifiedTime": "modified",
    "item:Size": "size",
    "item:Importance": "importance",
    "item:Sensitivity": "sensitivity",
    "item:DisplayTo": "display_to",
    "item:InReplyTo": "in_reply_to",
    "message:InternetMessageId": "message_id",
    "message:References": "refs",
    "calendar:Start": "start_at",
    "calendar:End": "end_at",
}
_TRUTHS = {"item:HasAttachments": "has_attachments", "message:IsRead": "is_read", "item:IsDraft": "is_draft"}
_QUERY = re.compile(r'(?:(\w+):)?(?:"([^"]*)"|(\S+))')
_VIEWS = (
    "IndexedPageItemView",
    "FractionalPageItemView",
    "CalendarView",
    "ContactsView",
    "SeekToConditionPageItemView",
)


@operation("FindItem")
def find_item(request: Request) -> str:
    """FindItem."""
    shape = item_shape(request)
    if request.element.get("Traversal") not in {"Shallow", "SoftDeleted", "Associated"}:
        raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: Traversal.")
    view = next((found for name in _VIEWS if (found := request.child(name)) is not None), None)
    if request.child("GroupBy") is not None or request.child("DistinguishedGroupBy") is not None:
        raise EwsError("ErrorUnsupportedPathForSortGroup", "Grouping is not offered.")

    def one(element: Any) -> str:
        mailbox, folder = folder_of(request, element)
        if view is not None and etree.QName(view).localname == "CalendarView":
            return calendar_view_xml(request, mailbox, folder, view, shape)
        order = _plain_order(request)
        if order is not None:
            page, attributes = paged(view, request.store.counts(folder.id)[0])
            rows = request.store.items_sorted(folder.id, *order, page.start, page.stop - page.start)
            return _root_xml(request, mailbox, shape, rows, attributes)
        rows = _found(request, mailbox, folder)
        page, attributes = paged(view, len(rows))
        return _root_xml(request, mailbox, shape, rows[page], attributes)

    return response_messages(request, request.required("ParentFolderIds"), one)


def _root_xml(request: Request, mailbox: MailboxRecord, shape: ItemShape, rows: list[Row], attributes: str) -> str:
    write = item_writer(request, mailbox, shape, "find")
    return f"<m:RootFolder{attributes}><t:Items>{''.join(write(row) for row in rows)}</t:Items></m:RootFolder>"


def _plain_order(request: Request) -> tuple[str, bool] | None:
    """Column and whether descending, where the database alone can answer."""
    if request.element.get("Traversal") == "Associated" or request.child("Restriction") is not None:
        return None
    if request.element.findtext("{*}QueryString"):
        return None
    order = request.child("SortOrder")
    if order is None or not len(order):
        return "received", True
    column = _COLUMNS.get(part(order[0]).get("FieldURI", ""))
    return (column, order[0].get("Order") == "Descending") if column and len(order) == 1 else None


def _found(request: Request, mailbox: MailboxRecord, folder: FolderRecord) -> list[Row]:
    if request.element.get("Traversal") == "Associated":
        return []
    rendering = Rendering(request, mailbox)
    rows = request.store.items(folder.id)
    restriction = request.child("Restriction")
    if restriction is not None and len(restriction):
        test = test_of(restriction[0], lambda path: row_reader(rendering, path))
        rows = [row for row in rows if test(row)]
    query = request.element.findtext("{*}QueryString")
    if query:
        tests = _query_tests(rendering, query)
        rows = [row for row in rows if all(test(row) for test in tests)]
    return _sorted(request, rendering, rows)


def _sorted(request: Request, rendering: Rendering, rows: list[Row]) -> list[Row]:
    order = request.child("SortOrder")
    if order is None or not len(order):
        return sorted(rows, key=lambda row: (row["received"] or row["created"], row["id"]), reverse=True)
    for field in reversed(list(order)):
        read = row_reader(rendering, part(field))

        def key(row: Row, read: Reader = read) -> tuple[int, float, str]:
            value = read(row)
            text = value if isinstance(value, str) else (value[0] if value else "")
            try:
                return (0, float(text), "")
            except ValueError:
                return (1 if text else 0, 0.0, text.lower())

        rows = sorted(rows, key=key, reverse=field.get("Order") == "Descending")
    return rows


def row_reader(rendering: Rendering, path: Any) -> Reader:
    """What reads the property that a path element names. Raises EwsError for what can't be searched."""
    name = etree.QName(path).localname
    if name == "ExtendedFieldURI":
        return _extended_reader(rendering, extended.key_of(path))
    uri = path.get("FieldURI", "")
    if name == "IndexedFieldURI":
        return _entry_reader(rendering, indexed_field(uri), path.get("FieldIndex", ""))
    reader = _simple_reader(uri) or _readers(rendering).get(uri)
    if reader is not None:
        return reader
    if uri in {"item:Body", "item:TextBody"}:
        return lambda row: text_of(rendering.message(row))
    if uri in CONTENT_FIELDS or not any(
        uri_of(kind, uri.rpartition(":")[2]) == uri for kind in ("Message", "CalendarItem", "Contact", "Task")
    ):
        raise EwsError("ErrorUnsupportedPathForQuery", f"{uri} can't be searched.")
    return lambda row: _stored_text(rendering, row, uri)


def _simple_reader(uri: str) -> Reader | None:
    column, flag = _COLUMNS.get(uri), _TRUTHS.get(uri)
    if column is not None:
        return lambda row: None if row[column] is None else str(row[column])
    if flag is not None:
        return lambda row: "true" if row[flag] else "false"
    return None


def _readers(rendering: Rendering) -> dict[str, Callable[[Any], Value]]:
    return {
        "item:Categories": lambda row: row["categories"].split("\n") if row["categories"] else None,
        "item:Flag": lambda row: row["flag"],
        "item:ParentFolderId": lambda row: rendering.ids.folder(row["folder"]),
        "item:ItemId": lambda row: rendering.ids.item(row["id"]),
        "message:From": lambda row: [row["sender_name"], row["sender_address"]],
        "message:Sender": lambda row: [row["sender_name"], row["sender_address"]],
        "message:ToRecipients": lambda row: row["recipients"],
        "message:CcRecipients": lambda row: row["recipients"],
        "item:DisplayCc": lambda row: row["recipients"],
        "message:ConversationTopic": lambda row: row["subject"],
        "calendar:IsRecurring": lambda _row: "false",
        "calendar:CalendarItemType": lambda row: (
            "RecurringMaster" if rendering.stored(row, "calendar:Recurrence") else "Single"
        ),
    }


def _extended_reader(rendering: Rendering, key: str) -> Reader:
    def read(row: Row) -> Value:
        value: Value = extended.computed(key, row)
        if value is None:
            pair = rendering.further(row).get("x", {}).get(key)
            value = pair[1] if pair else None
        return value

    return read


def _entry_reader(rendering: Rendering, uri: str, index: str) -> Reader:
    def read(row: Row) -> Value:
        xml = rendering.stored(row, uri)
        for entry in parse_fragment(xml) if xml else ():
            if entry.get("Key") == index:
                return entry.text or "".join(entry.itertext())
        return None

    return read


def _stored_text(rendering: Rendering, row: Row, uri: str) -> str | None:
    if kind_of(row["item_class"]) == "Message" and not row["extra"]:
        return None
    xml = rendering.stored(row, uri)
    return "".join(parse_fragment(xml).itertext()) if xml else None


def _query_tests(rendering: Rendering, query: str) -> list[Callable[[Row], bool]]:
    columns = {"subject": ["subject"], "from": ["sender_name", "sender_address"], "to": ["recipients"]}
    tests: list[Callable[[Row], bool]] = []
    for name, quoted, plain in _QUERY.findall(query):
        if name and name.lower() not in columns:
            raise EwsError("ErrorInvalidRestriction", f"The query keyword {name} is not offered.")
        wanted = columns.get(name.lower(), ["subject", "sender_name", "sender_address", "recipients"])
        needle = (quoted or plain).lower()
        tests.append(lambda row, wanted=wanted, needle=needle: any(needle in row[each].lower() for each in wanted))  # type: ignore[misc]
    return tests
