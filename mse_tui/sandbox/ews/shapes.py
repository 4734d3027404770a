"""From an ItemShape to what is written for each item."""

from collections.abc import Callable
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews import extended
from mse_tui.sandbox.ews.calendar_fields import CALENDAR_RENDERS
from mse_tui.sandbox.ews.content_fields import CONTENT_RENDERS
from mse_tui.sandbox.ews.fields import (
    CONTENT_FIELDS,
    DEFAULT_SHAPES,
    KINDS,
    NOT_FOUND_BY_FIND,
    NOT_IN_ALL,
    NOT_IN_LISTS,
    kind_of,
)
from mse_tui.sandbox.ews.icalendar import calendar_mime_xml
from mse_tui.sandbox.ews.render import COLUMN_FIELDS, Render, Rendering, stored_field
from mse_tui.sandbox.ews.soap import QM, QT, EwsError, Request, SoapFault
from mse_tui.sandbox.ews.values import boolean
from mse_tui.sandbox.mime import spec_from_mime
from mse_tui.sandbox.records import MailboxRecord, Row

_INDEXED = {
    "contacts:EmailAddress": "contacts:EmailAddresses",
    "contacts:PhoneNumber": "contacts:PhoneNumbers",
    "contacts:ImAddress": "contacts:ImAddresses",
    "item:InternetMessageHeader": "item:InternetMessageHeaders",
    "distributionlist:Members:Member": "distributionlist:Members",
}


def indexed_field(uri: str) -> str:
    """The dictionary property that an indexed field lies in."""
    if uri.startswith("contacts:PhysicalAddress:"):
        return "contacts:PhysicalAddresses"
    found = _INDEXED.get(uri)
    if found is None:
        raise EwsError("ErrorInvalidPropertyRequest", f"{uri} is not an indexed property.")
    return found


_LEFT_OUT: dict[str, frozenset[str]] = {
    "get": frozenset(),
    "sync": NOT_IN_LISTS,
    "find": NOT_IN_LISTS | NOT_FOUND_BY_FIND,
    "attached": frozenset(
        {"item:ItemId", "item:ParentFolderId", "item:Attachments", "item:InstanceKey", "item:ConversationId"}
    ),
}
_ALL_OF_ATTACHED = etree.fromstring(f'<t:AttachmentShape xmlns:t="{QT.strip("{}")}"/>')


class ItemShape:
    """Which properties a request wants of each item."""

    def __init__(self, element: Any) -> None:
        base = element.findtext(QT + "BaseShape") if element is not None else None
        if element is not None and etree.QName(element).localname == "AttachmentShape":
            base = "AllProperties"
        if base not in {"IdOnly", "Default", "AllProperties"}:
            raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: BaseShape is missing.")
        self.base = base
        self.body_type = element.findtext(QT + "BodyType") or "Best"
        mime = element.findtext(QT + "IncludeMimeContent")
        self.uris: set[str] = {"item:MimeContent"} if mime is not None and boolean(mime) else set()
        self.extended: list[tuple[str, str]] = []
        for path in element.iterfind(f"{QT}AdditionalProperties/*"):
            self._add(path)
        self._writers: dict[tuple[str, str], list[Render]] = {}

    def wants_content(self) -> bool:
        """Whether the items' content has to be read."""
        return bool(self.uris & CONTENT_FIELDS) or self.base != "IdOnly"

    def wants_mime(self) -> bool:
        """Whether MimeContent is asked for."""
        return "item:MimeContent" in self.uris

    def _add(self, path: Any) -> None:
        name = etree.QName(path).localname
        if name == "FieldURI":
            self.uris.add(path.get("FieldURI", ""))
        elif name == "IndexedFieldURI":
            self.uris.add(indexed_field(path.get("FieldURI", "")))
        elif name == "ExtendedFieldURI":
            pair = (extended.key_of(path), extended.uri_xml(path))
            if pair not in self.extended:
                self.extended.append(pair)
        else:
            raise SoapFault("ErrorSchemaValidation")

    def writers(self, kind: str, context: str) -> list[Render]:
        """What writes an item of a kind, in schema order. `context` is get, sync or find."""
        found = self._writers.get((kind, context))
        if found is None:
            found = [self._writer(uri, kind) for uri, _ in KINDS[kind] if self._wanted(uri, kind, context)]
            self._writers[kind, context] = found
        return found

    def _wanted(self, uri: str, kind: str, context: str) -> bool:
        if uri == "item:ExtendedProperty":
            return bool(self.extended)
        if uri in _LEFT_OUT[context]:
            return False
        if uri == "item:ItemId" or uri in self.uris:
            return True
        if self.base == "AllProperties":
            return uri not in NOT_IN_ALL
        return self.base == "Default" and uri in DEFAULT_SHAPES.get(kind, DEFAULT_SHAPES["Message"])

    def _writer(self, uri: str, kind: str) -> Render:
        if uri == "item:MimeContent" and kind == "CalendarItem":
            return calendar_mime_xml
        if uri == "item:ExtendedProperty":
            return self._extended
        for table in (COLUMN_FIELDS, CONTENT_RENDERS, CALENDAR_RENDERS):
            if uri in table:
                return table[uri]
        return stored_field(uri)

    def _extended(self, row: Row, rendering: Rendering) -> str:
        kept = rendering.further(row).get("x", {})
        shown = []
        for key, uri in self.extended:
            value = extended.computed(key, row)
            if value is None:
                pair = kept.get(key)
                value = pair[1] if pair else None
            if value is not None:
                shown.append(extended.property_xml(uri, value))
        return "".join(shown)


def item_shape(request: Request) -> ItemShape:
    """The request's ItemShape. Raises SoapFault where it has none."""
    shape = request.element.find(QM + "ItemShape")
    if shape is None:
        raise SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {request.operation}.")
    return ItemShape(shape)


def item_writer(request: Request, mailbox: MailboxRecord, shape: ItemShape, context: str) -> Callable[[Row], str]:
    """What writes a mailbox's items in this shape: row -> element."""
    rendering = Rendering(request, mailbox, shape.body_type)
    rendering.in_list = context in {"sync", "find"}

    def write(row: Row) -> str:
        kind = kind_of(row["item_class"])
        parts = [render(row, rendering) for render in shape.writers(kind, context)]
        return f"<t:{kind}>{''.join(parts)}</t:{kind}>"

    return write


def attached_item_xml(request: Request, mailbox: MailboxRecord, shape: Any, mime: bytes) -> str:
    """An attached message as an element, in the shape of an AttachmentShape (or None)."""
    write = item_writer(request, mailbox, ItemShape(_ALL_OF_ATTACHED if shape is None else shape), "attached")
    return write(request.store.row_of(spec_from_mime(mime)))
