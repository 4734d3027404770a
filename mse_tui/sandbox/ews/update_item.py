"""UpdateItem: set, append to and delete properties, with real conflict detection."""

import json
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews import extended
from mse_tui.sandbox.ews.access import item_of
from mse_tui.sandbox.ews.compose import header_properties, recipients_of, sensitivity_header
from mse_tui.sandbox.ews.content_fields import body_of
from mse_tui.sandbox.ews.draft import Draft
from mse_tui.sandbox.ews.draft_reading import READ_ONLY, read_property
from mse_tui.sandbox.ews.fields import kind_of
from mse_tui.sandbox.ews.ids import change_number, decode
from mse_tui.sandbox.ews.occurrences import master_of, update_occurrence
from mse_tui.sandbox.ews.render import Rendering, item_id_xml
from mse_tui.sandbox.ews.shapes import indexed_field
from mse_tui.sandbox.ews.soap import QT, EwsError, Request, SoapFault, operation, part, response_messages
from mse_tui.sandbox.ews.values import fragment, parse_fragment
from mse_tui.sandbox.ews.zones import request_zone
from mse_tui.sandbox.items import display_names, extra_json, recipients_json
from mse_tui.sandbox.mime import parse, spec_from_mime
from mse_tui.sandbox.mime_edit import people_text, set_body, set_header, write
from mse_tui.sandbox.records import Person, Row

_CONFLICTS = "<m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>"
_HEADERS = {
    "subject": "Subject",
    "message_id": "Message-ID",
    "in_reply_to": "In-Reply-To",
    "refs": "References",
}
_CLEARED: dict[str, dict[str, Any]] = {
    "item:Subject": {"subject": ""},
    "item:Categories": {"categories": ""},
    "item:Importance": {"importance": "Normal"},
    "item:Sensitivity": {"sensitivity": "Normal"},
    "item:InReplyTo": {"in_reply_to": ""},
    "item:Flag": {"flag": "NotFlagged"},
    "message:From": {"sender_name": "", "sender_address": ""},
    "message:Sender": {},
    "message:InternetMessageId": {"message_id": ""},
    "message:References": {"refs": ""},
    "message:IsRead": {"is_read": False},
}
_GROUPS = {"message:ToRecipients": "To", "message:CcRecipients": "Cc", "message:BccRecipients": "Bcc"}


@operation("UpdateItem")
def update_item(request: Request) -> str:
    """UpdateItem."""
    resolution = request.element.get("ConflictResolution")
    if resolution not in {"NeverOverwrite", "AutoResolve", "AlwaysOverwrite"}:
        raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: ConflictResolution.")

    def one(element: Any) -> str:
        updates = element.find(QT + "Updates")
        if updates is None or not len(updates):
            raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: Updates.")
        with request.store.writing():
            return _update(request, part(element), updates, resolution)

    return response_messages(request, request.required("ItemChanges"), one, on_error="<m:Items/>")


def _update(request: Request, target: Any, updates: Any, resolution: str) -> str:
    name = etree.QName(target).localname
    if name == "OccurrenceItemId" or (name == "ItemId" and decode(target.get("Id")).kind == "occurrence"):
        return update_occurrence(request, target, updates, resolution) + _CONFLICTS
    mailbox, row = master_of(request, target) if name == "RecurringMasterItemId" else item_of(request, target)[:2]
    _check_conflict(row, target.get("ChangeKey"), resolution)
    kind = kind_of(row["item_class"])
    change = Change(row, kind, Draft(kind, request_zone(request)))
    for update in updates:
        change.take(update)
    change.apply(request)
    changed = request.store.item(row["id"])
    if changed is None:
        raise EwsError("ErrorItemNotFound")
    kind = kind_of(changed["item_class"])
    return f"<m:Items><t:{kind}>{item_id_xml(changed, Rendering(request, mailbox))}</t:{kind}></m:Items>{_CONFLICTS}"


def _check_conflict(row: Row, key: str | None, resolution: str) -> None:
    if resolution == "AlwaysOverwrite":
        return
    if not key:
        raise EwsError("ErrorChangeKeyRequiredForWriteOperations", "Change key is required for this operation.")
    known = change_number(key)
    if known == row["changed"] or (resolution == "AutoResolve" and row["altered"] <= known < row["changed"]):
        return
    raise EwsError("ErrorIrresolvableConflict")


@dataclass(slots=True)
class Change:
    """All the updates of one item, collected and then applied at once."""

    row: Row
    kind: str
    draft: Draft
    kept: dict[str, dict[str, Any]] = field(init=False)
    removed_headers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        kept = json.loads(self.row["extra"]) if self.row["extra"] else {}
        self.kept = {"p": kept.get("p", {}), "x": kept.get("x", {})}

    def take(self, update: Any) -> None:
        """Take one SetItemField, AppendToItemField or DeleteItemField. Raises EwsError."""
        verb = etree.QName(update).localname
        path = part(update)
        if verb == "DeleteItemField":
            self._delete(path)
        elif verb in {"SetItemField", "AppendToItemField"} and len(update) == 2:
            item = update[1]
            if len(item) != 1:
                raise EwsError("ErrorIncorrectUpdatePropertyCount", "An update sets one property.")
            if etree.QName(path).localname == "IndexedFieldURI":
                self._merge_entry(path, item[0])
            elif verb == "AppendToItemField":
                self._append(path, item[0])
            else:
                self._set(path, item[0])
        else:
            raise SoapFault("ErrorSchemaValidation")

    def _set(self, path: Any, element: Any) -> None:
        if etree.QName(path).localname == "ExtendedFieldURI":
            if etree.QName(element).localname != "ExtendedProperty":
                raise EwsError("ErrorUpdatePropertyMismatch")
        elif path.get("FieldURI", "").rpartition(":")[2] != etree.QName(element).localname:
            raise EwsError("ErrorUpdatePropertyMismatch", "The property set is not the one that the path names.")
        read_property(self.draft, element)

    def _append(self, path: Any, element: Any) -> None:
        uri = path.get("FieldURI", "")
        if uri == "item:Body":
            read_property(self.draft, element)
            assert self.draft.body is not None
            self.draft.body = (self.draft.body[0], "\0" + self.draft.body[1])
        elif uri in _GROUPS:
            read_property(self.draft, element)
            name = _GROUPS[uri]
            self.draft.people[name] = [*recipients_of(self.row)[name], *self.draft.people[name]]
        elif uri == "item:Categories":
            read_property(self.draft, element)
            there = self.row["categories"].split("\n") if self.row["categories"] else []
            added = [each for each in self.draft.columns["categories"].split("\n") if each not in there]
            self.draft.columns["categories"] = "\n".join([*there, *added])
        else:
            raise EwsError("ErrorInvalidPropertyAppend", f"{uri} can't be appended to.")

    def _delete(self, path: Any) -> None:
        name = etree.QName(path).localname
        if name == "ExtendedFieldURI":
            key = extended.key_of(path)
            self.kept["x"].pop(key, None)
            if key == "tag:1090":
                self.draft.columns["flag"] = "NotFlagged"
            if key.startswith(extended.INTERNET_HEADERS):
                self.removed_headers.append(key.removeprefix(extended.INTERNET_HEADERS))
            return
        uri = path.get("FieldURI", "")
        if name == "IndexedFieldURI":
            self._drop_entry(uri, path.get("FieldIndex", ""))
        elif uri in READ_ONLY or uri == "item:ItemClass":
            raise EwsError("ErrorInvalidPropertyDelete", f"{uri} can't be deleted.")
        elif uri in _GROUPS:
            self.draft.people[_GROUPS[uri]] = []
        elif uri == "item:Body":
            self.draft.body = ("Text", "")
        else:
            self.draft.columns |= _CLEARED.get(uri, {})
            self.kept["p"].pop(uri, None)

    def _merge_entry(self, path: Any, given: Any) -> None:
        uri, index = indexed_field(path.get("FieldURI", "")), path.get("FieldIndex", "")
        entry = given.find(f"{QT}Entry")
        if entry is None:
            raise EwsError("ErrorUpdatePropertyMismatch")
        stored = self.kept["p"].get(uri)
        holder = parse_fragment(stored) if stored else etree.Element(given.tag)
        there = next((each for each in holder if each.get("Key") == index), None)
        if there is None:
            holder.append(entry)
        elif not len(entry):
            holder.replace(there, entry)
        else:
            for part in entry:
                old = there.find(part.tag)
                if old is not None:
                    there.remove(old)
                there.append(part)
            order = ["Street", "City", "State", "CountryOrRegion", "PostalCode"]
            there[:] = sorted(there, key=lambda part: order.index(etree.QName(part).localname))
        self.kept["p"][uri] = fragment(holder)

    def _drop_entry(self, field_uri: str, index: str) -> None:
        uri = indexed_field(field_uri)
        stored = self.kept["p"].get(uri)
        if not stored:
            return
        holder = parse_fragment(stored)
        for entry in [each for each in holder if each.get("Key") == index]:
            part = entry.find(QT + field_uri.rpartition(":")[2])
            if part is not None:
                entry.remove(part)
            if part is None or not len(entry):
                holder.remove(entry)
        if len(holder):
            self.kept["p"][uri] = fragment(holder)
        else:
            self.kept["p"].pop(uri)

    def apply(self, request: Request) -> None:
        """Write the item with its changes."""
        columns = dict(self.draft.columns)
        mime = self._new_mime(request)
        if mime is not None and self.draft.mime is not None:
            columns = _envelope(mime) | columns
        if self.draft.people:
            groups = recipients_of(self.row) | self.draft.people
            columns["recipients"] = recipients_json(groups["To"], groups["Cc"], groups["Bcc"])
            columns["display_to"] = display_names(groups["To"])
        for uri, xml in self.draft.properties.items():
            if xml:
                self.kept["p"][uri] = xml
            else:
                self.kept["p"].pop(uri, None)
        self.kept["x"] |= self.draft.extended
        extra = extra_json(self.kept["p"], self.kept["x"])
        if extra != self.row["extra"]:
            columns["extra"] = extra
        if mime is not None and self.draft.mime is not None:
            columns["attachment_keys"] = None
        request.store.update_item(self.row["id"], columns, mime=mime)

    def _new_mime(self, request: Request) -> bytes | None:
        draft = self.draft
        if draft.mime is not None:
            return draft.mime
        headers = self._headers()
        if not headers and not draft.people and draft.body is None:
            return None
        if draft.body is None and self.row["blob"] is None and self.row["body_seed"] is None:
            return None
        message = parse(request.store.content(self.row))
        for name, value in headers.items():
            set_header(message, name, value)
        for name, people in draft.people.items():
            set_header(message, name, people_text(people))
        if draft.body is not None:
            kind, text = draft.body
            if text.startswith("\0"):
                kind, there = body_of(message, "HTML" if kind == "HTML" else "Text")
                text = there + text[1:]
            set_body(message, kind, text)
        return write(message)

    def _headers(self) -> dict[str, str]:
        columns = self.draft.columns
        headers = {header: columns[name] for name, header in _HEADERS.items() if name in columns}
        if "sender_address" in columns:
            headers["From"] = people_text([Person(columns["sender_name"], columns["sender_address"])])
        if "sensitivity" in columns:
            headers["Sensitivity"] = sensitivity_header(columns["sensitivity"])
        if "importance" in columns:
            headers["Importance"] = columns["importance"] if columns["importance"] != "Normal" else ""
        return headers | header_properties(self.draft) | dict.fromkeys(self.removed_headers, "")


def _envelope(mime: bytes) -> dict[str, Any]:
    spec = spec_from_mime(mime)
    sender = spec.sender
    return {
        "subject": spec.subject,
        "sender_name": sender.name if sender else "",
        "sender_address": sender.address if sender else "",
        "recipients": recipients_json(spec.to, spec.cc, spec.bcc),
        "display_to": display_names(spec.to),
        "message_id": spec.message_id,
        "has_attachments": spec.has_attachments,
    }
