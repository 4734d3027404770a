"""From EWS answers to rows. Strict: an answer that ends early or is not what was asked for is never used.

The item rows are on the hot path of every pass: no library objects, one walk over each element's children.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from mse_tui.exchange.editing import Mark
from mse_tui.exchange.ews_errors import ServerError, failure_of
from mse_tui.exchange.rows import FolderRow, ItemRow
from mse_tui.exchange.wire_errors import broken

S = "{http://schemas.xmlsoap.org/soap/envelope/}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
E = "{http://schemas.microsoft.com/exchange/services/2006/errors}"

Property = Mapping[str, str]
"""The attributes of an ExtendedFieldURI."""

SENDER_SMTP: Property = {"PropertyTag": "0x5d02", "PropertyType": "String"}
"""PidTagSentRepresentingSmtpAddress: the sender's address where Exchange gives a directory name instead."""

_OURS = "3f1a7c52-9d0e-4b86-a1c4-7e5b20d86f93"
MARKS: Mapping[Mark, Property] = {
    mark: {"PropertySetId": _OURS, "PropertyName": f"mse-tui-{mark}", "PropertyType": "String"} for mark in Mark
}
"""Our named properties, in a property set of our own."""

_ILLEGAL = re.compile(
    rb"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));|[\x00-\x08\x0b\x0c\x0e-\x1f]"
)
"""Characters that Exchange lets through from subjects though XML 1.0 has no way to write them."""


def parse(body: bytes) -> etree._Element:
    """A whole, well-formed document. Raises Transient response-broken for anything else."""
    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        cleaned = _ILLEGAL.sub(b"&#xFFFD;", body)
        if cleaned == body:
            raise broken(f"The server's answer was not well-formed: {error.msg}.") from error
        try:
            root = etree.fromstring(cleaned, _parser())
        except etree.XMLSyntaxError as again:
            raise broken(f"The server's answer was not well-formed: {again.msg}.") from again
    return _without_doctype(root)


def parse_stream(chunks: Iterable[bytes]) -> etree._Element:
    """As `parse`, while the document comes in, so that it is never twice in memory; for content, not for texts."""
    parser = _parser()
    try:
        for chunk in chunks:
            parser.feed(chunk)
        root: etree._Element = parser.close()
    except etree.XMLSyntaxError as error:
        raise broken(f"The server's answer was not well-formed: {error.msg}.") from error
    return _without_doctype(root)


def _without_doctype(root: etree._Element) -> etree._Element:
    information: Any = root.getroottree().docinfo
    if information.doctype:
        raise broken("The server's answer declares a document type, which no EWS answer does.")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(recover=False, resolve_entities=False, no_network=True, huge_tree=True)


def response_messages(root: etree._Element, operation: str) -> list[etree._Element] | ServerError:
    """The entries of an operation's answer, or the fault that came instead of them."""
    body = root.find(f"{S}Body")
    if body is None:
        raise broken("The server's answer is not a SOAP envelope.")
    fault = body.find(f"{S}Fault")
    if fault is not None:
        return _fault(fault)
    response = body.find(f"{M}{operation}Response")
    if response is None:
        raise broken(f"The server's answer is not one to {operation}.")
    entries = response.find(f"{M}ResponseMessages")
    if entries is not None:
        return list(entries)
    # Where an answer has a response code of its own (delegates), it may have no entries: the code says why.
    return error_of(response) or []


def _fault(fault: etree._Element) -> ServerError:
    code = (fault.findtext(f"detail/{E}ResponseCode") or "").strip()
    if not code:
        code = (fault.findtext("faultcode") or "").strip().rsplit(":", 1)[-1]
    text = (fault.findtext(f"detail/{E}Message") or fault.findtext("faultstring") or "").strip()
    return ServerError(code or "SOAP fault", text, _values(fault.find(f"detail/{T}MessageXml")))


def only(messages: list[etree._Element]) -> etree._Element:
    """The one entry of an answer; raises what its error means."""
    if len(messages) != 1:
        raise broken(f"The server's answer has {len(messages)} entries where one was asked for.")
    error = error_of(messages[0])
    if error is not None:
        raise failure_of(error)
    return messages[0]


def error_of(message: etree._Element) -> ServerError | None:
    """The error of one entry; None where it succeeded (a warning is an error unless its code is NoError)."""
    code = message.findtext(f"{M}ResponseCode")
    if code is None:
        raise broken("An entry of the server's answer has no response code.")
    if code == "NoError" and message.get("ResponseClass") != "Error":
        return None
    return ServerError(code, message.findtext(f"{M}MessageText") or "", _values(message.find(f"{M}MessageXml")))


def _values(message_xml: etree._Element | None) -> dict[str, str]:
    if message_xml is None:
        return {}
    return {value.get("Name", ""): value.text or "" for value in message_xml.iter(f"{T}Value")}


def server_version(root: etree._Element) -> str:
    """The build that answered, as 15.2.1118.7; '' where it does not say."""
    info = root.find(f"{S}Header/{T}ServerVersionInfo")
    if info is None:
        return ""
    parts = (info.get(name) for name in ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber"))
    return ".".join(part for part in parts if part)


# --- folders -----------------------------------------------------------------------------------------------------


def folder_row(element: etree._Element, distinguished: dict[str, str]) -> FolderRow:
    """One folder; `distinguished` names the well-known ones where the server does not say it itself."""
    identity = element.find(f"{T}FolderId")
    if identity is None:
        raise broken("A folder in the server's answer has no id.")
    remote_id = identity.get("Id", "")
    parent = element.find(f"{T}ParentFolderId")
    return FolderRow(
        remote_id=remote_id,
        parent_id="" if parent is None else parent.get("Id", ""),
        name=element.findtext(f"{T}DisplayName") or "",
        distinguished=distinguished.get(remote_id) or element.findtext(f"{T}DistinguishedFolderId") or "",
        folder_class=element.findtext(f"{T}FolderClass") or "IPF.Note",
        total_count=number_of(element.findtext(f"{T}TotalCount")),
    )


def is_search_folder(element: etree._Element) -> bool:
    """Whether it only lists what lies elsewhere."""
    return element.tag == f"{T}SearchFolder"


def changes(message: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """(kind, element) of each change in a sync answer: Create, Update, Delete or ReadFlagChange."""
    entries = message.find(f"{M}Changes")
    if entries is None:
        raise broken("The server's answer lists no changes.")
    cut = len(T)
    for change in entries:
        yield change.tag[cut:], change


@dataclass(frozen=True, slots=True)
class PageEnd:
    """How a page of a sync ends."""

    state: str
    last: bool


def page_end(message: etree._Element, last_name: str, since: str | None) -> PageEnd:
    """The new state of a sync answer; a page without one, or that leads no further than `since`, is never used."""
    state = message.findtext(f"{M}SyncState")
    last = message.findtext(f"{M}{last_name}")
    if not state or last not in ("true", "false", "1", "0"):
        raise broken("A page of the server's changes has no state.")
    end = PageEnd(state, last in ("true", "1"))
    if end.state == since and not end.last:
        raise broken("A page of the server's changes leads no further though it is not the last.")
    return end


def change_id(change: etree._Element) -> tuple[str, str]:
    """(id, change key) of a change that carries only an id."""
    for child in change:
        if child.tag in (_ITEM_ID, _FOLDER_ID):
            return child.get("Id", ""), child.get("ChangeKey", "")
    raise broken("A change in the server's answer has no id.")


# --- items -------------------------------------------------------------------------------------------------------

_ITEM_ID = f"{T}ItemId"
_FOLDER_ID = f"{T}FolderId"
_EXTENDED = f"{T}ExtendedProperty"
_TEXT = {
    f"{T}{name}": name
    for name in (
        "ItemClass", "Subject", "Sensitivity", "DateTimeReceived", "DateTimeSent", "Size", "Importance",
        "HasAttachments", "DisplayTo", "InternetMessageId", "IsRead",
    )
}  # fmt: skip
_FROM, _CATEGORIES, _FLAG = f"{T}From", f"{T}Categories", f"{T}Flag"
_CONTACT_NAME = f"{T}Mailbox"


def item_row(element: etree._Element) -> ItemRow:
    """One item of any class, without its content."""
    text: dict[str, str] = {}
    identity: Any = None
    sender, smtp, stub, flag = "", "", "", "NotFlagged"
    categories: tuple[str, ...] = ()
    for child in element:
        tag = child.tag
        name = _TEXT.get(tag)
        if name is not None:
            text[name] = child.text or ""
        elif tag == _ITEM_ID:
            identity = child
        elif tag == _FROM:
            sender = _address(child)
        elif tag == _EXTENDED:
            value = child.findtext(f"{T}Value") or ""
            if child[0].get("PropertyTag") is not None:
                smtp = value
            elif child[0].get("PropertyName") == MARKS[Mark.STUB]["PropertyName"]:
                stub = value
        elif tag == _CATEGORIES:
            categories = tuple([entry.text or "" for entry in child])
        elif tag == _FLAG:
            flag = child.findtext(f"{T}FlagStatus") or flag
    if identity is None:
        raise broken("An item in the server's answer has no id.")
    got = text.get
    return ItemRow(
        remote_id=identity.get("Id"),
        change_key=identity.get("ChangeKey", ""),
        item_class=got("ItemClass") or "IPM.Note",
        subject=got("Subject", ""),
        sender=sender if "@" in sender else smtp or sender,
        recipients=got("DisplayTo", ""),
        received=moment_of(got("DateTimeReceived")),
        sent=moment_of(got("DateTimeSent")),
        size=number_of(got("Size")),
        message_id=got("InternetMessageId", ""),
        sensitivity=got("Sensitivity") or "Normal",
        is_read=got("IsRead", "true") in ("true", "1"),
        flag=flag,
        categories=categories,
        importance=got("Importance") or "Normal",
        has_attachments=got("HasAttachments") in ("true", "1"),
        stub=stub,
    )


def _address(sender: etree._Element) -> str:
    """The SMTP address of a From element, else the name that stands for it."""
    mailbox = sender.find(_CONTACT_NAME)
    if mailbox is None:
        return ""
    address = mailbox.findtext(f"{T}EmailAddress") or ""
    return address if "@" in address else mailbox.findtext(f"{T}Name") or address


def moment_of(text: str | None) -> datetime | None:
    """An aware time in UTC, None where there is none. Raises Transient response-broken for what is no time."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise broken(f"A time in the server's answer cannot be read: {text!r}.") from error


def number_of(text: str | None) -> int:
    """A whole number, 0 where there is none. Raises Transient response-broken for what is no number."""
    try:
        return int(text or 0)
    except ValueError as error:
        raise broken(f"A number in the server's answer cannot be read: {text!r}.") from error


# --- content -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mime:
    """One item's content in a GetItem answer."""

    change_key: str
    data: bytes


def mime_of(message: etree._Element) -> Mime | None:
    """The content in one entry of a GetItem answer; None where the server gave the item without any."""
    items = message.find(f"{M}Items")
    item = items[0] if items is not None and len(items) else None
    identity = None if item is None else item.find(_ITEM_ID)
    if item is None or identity is None:
        raise broken("An entry of the server's answer has no item.")
    encoded = item.findtext(f"{T}MimeContent")
    if not encoded:
        return None
    return Mime(identity.get("ChangeKey", ""), decode_base64(encoded))


def decode_base64(encoded: str) -> bytes:
    """Exactly what was encoded. Raises Transient response-broken rather than skip a character."""
    try:
        return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        unbroken = "".join(encoded.split())
    try:
        return binascii.a2b_base64(unbroken, strict_mode=True)
    except ValueError as error:
        raise broken(f"Content in the server's answer is not base64: {error}.") from error


# --- people ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolution:
    """One candidate of ResolveNames."""

    address: str
    name: str
    mailbox_type: str
    aliases: frozenset[str]
    """All addresses that the directory shows, lower case, with the primary one."""


def resolutions(message: etree._Element) -> list[Resolution]:
    """The candidates in a ResolveNames answer."""
    return [_resolution(element) for element in message.iter(f"{T}Resolution")]


def _resolution(element: etree._Element) -> Resolution:
    address = (element.findtext(f"{T}Mailbox/{T}EmailAddress") or "").strip().lower()
    entries = element.iterfind(f"{T}Contact/{T}EmailAddresses/{T}Entry")
    aliases = {(entry.text or "").strip().lower().removeprefix("smtp:") for entry in entries}
    return Resolution(
        address=address,
        name=element.findtext(f"{T}Contact/{T}DisplayName") or element.findtext(f"{T}Mailbox/{T}Name") or "",
        mailbox_type=element.findtext(f"{T}Mailbox/{T}MailboxType") or "Mailbox",
        aliases=frozenset({address, *aliases} - {""}),
    )


# --- identity ----------------------------------------------------------------------------------------------------

_GUID_BASED = (3, 6)
"""Id storage types whose moniker is the mailbox's guid (Exchange 2010 and later; 2016 added the second)."""


def mailbox_guid(folder_id: str) -> str | None:
    """The mailbox guid that Exchange writes into each folder id; None where the id is not of that form.

    An id is base64 of: a compression byte (1 = run lengths), a storage type, a counted moniker (the mailbox guid as
    text), and the entry id. The guid is the ExchangeGuid, which neither a new address nor a move between databases
    changes.
    """
    try:
        raw = base64.b64decode(folder_id, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) < 2 or raw[0] not in (0, 1):
        return None
    content = raw[1:] if raw[0] == 0 else _expand_runs(raw[1:])
    length = int.from_bytes(content[1:3], "little")
    if len(content) < 3 + length or content[0] not in _GUID_BASED:
        return None
    try:
        return str(uuid.UUID(content[3 : 3 + length].decode("ascii")))
    except ValueError:
        return None


def _expand_runs(packed: bytes) -> bytes:
    """Undo the ids' run-length coding: two equal bytes are followed by how often the byte comes again."""
    out = bytearray()
    position = 0
    while position < len(packed):
        byte = packed[position]
        out.append(byte)
        if position + 1 < len(packed) and packed[position + 1] == byte:
            out.append(byte)
            if position + 2 < len(packed):
                out.extend(bytes([byte]) * packed[position + 2])
            position += 3
        else:
            position += 1
    return bytes(out)
