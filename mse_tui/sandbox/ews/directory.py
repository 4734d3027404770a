"""Operations about people rather than items: names, groups, delegates, ids."""

import binascii
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from mse_tui.sandbox.ews.access import open_address
from mse_tui.sandbox.ews.ids import decode
from mse_tui.sandbox.ews.soap import (
    QM,
    QT,
    EwsError,
    Request,
    answer,
    escape,
    failure,
    operation,
    response_messages,
    success,
)
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import MailboxRecord

_MOST_CANDIDATES = 100
_NO_RESULTS = "No results were found."
_LEVELS = ("calendar", "tasks", "inbox", "contacts", "notes", "journal")
_ENTRY_HEAD = b"\0\0\0\0"
_STORE_HEAD = b"\x01\x00\x09"


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody or some group in the organisation's directory."""

    name: str
    address: str
    kind: str
    """Mailbox or PublicDL."""
    others: Sequence[str] = ()
    """Further addresses."""
    mailbox: int = 0
    """Row id of the mailbox; 0 for a group."""

    @property
    def xml(self) -> str:
        """What an EmailAddressType element holds."""
        return (
            f"<t:Name>{escape(self.name)}</t:Name><t:EmailAddress>{escape(self.address)}</t:EmailAddress>"
            f"<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>{self.kind}</t:MailboxType>"
        )


def entries(store: MailStore) -> list[Entry]:
    """The directory: mailboxes and groups."""
    aliases: dict[int, list[str]] = {}
    with store.reading() as connection:
        for row in connection.execute("SELECT address, mailbox FROM alias ORDER BY address"):
            aliases.setdefault(row["mailbox"], []).append(row["address"])
    found = [
        Entry(one.name, one.address, "Mailbox", [a for a in aliases.get(one.id, ()) if a != one.address], one.id)
        for one in store.mailboxes()
    ]
    groups = store.setting(0, "groups") or []
    return found + [Entry(row["name"], row["address"], "PublicDL", row["aliases"]) for row in groups]


def candidates(store: MailStore, text: str) -> list[Entry]:
    """Who is meant by a text: the one with this address, else all whose name or address begins like it."""
    wanted = re.sub(r"^(?:smtp|=)?:?", "", text.strip(), flags=re.IGNORECASE).lower()
    directory = entries(store)
    exact = [one for one in directory if wanted in (one.address, *one.others)]
    if exact or "@" in wanted or not wanted:
        return exact
    return [one for one in directory if _begins(one, wanted)]


def _begins(entry: Entry, wanted: str) -> bool:
    name = entry.name.lower()
    words = (name, *re.split(r"[\s.-]+", name))
    locals_ = (address.partition("@")[0] for address in (entry.address, *entry.others))
    return any(word.startswith(wanted) for word in words) or any(local.startswith(wanted) for local in locals_)


@operation("ResolveNames")
def resolve_names(request: Request) -> str:
    """Who is meant by a text, from the organisation's directory; a mailbox's own contacts are not searched."""
    name = "ResolveNamesResponseMessage"
    text = request.required("UnresolvedEntry").text or ""
    found = [] if request.element.get("SearchScope") == "Contacts" else candidates(request.store, text)
    if not found:
        message = failure(name, EwsError("ErrorNameResolutionNoResults", _NO_RESULTS))
        return _messages("ResolveNamesResponse", message)
    full = request.element.get("ReturnFullContactData") in ("true", "1")
    whole = len(found) <= _MOST_CANDIDATES
    resolutions = "".join(
        f"<t:Resolution><t:Mailbox>{one.xml}</t:Mailbox>{_contact(request.store, one) if full else ''}</t:Resolution>"
        for one in found[:_MOST_CANDIDATES]
    )
    shown = min(len(found), _MOST_CANDIDATES)
    inside = (
        f'<m:ResolutionSet TotalItemsInView="{shown}" IncludesLastItemInRange="{str(whole).lower()}">'
        f"{resolutions}</m:ResolutionSet>"
    )
    if len(found) == 1:
        return _messages("ResolveNamesResponse", success(name, inside))
    return _messages(
        "ResolveNamesResponse",
        f'<m:{name} ResponseClass="Warning"><m:MessageText>Multiple results were found.</m:MessageText>'
        "<m:ResponseCode>ErrorNameResolutionMultipleResults</m:ResponseCode>"
        f"<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{inside}</m:{name}>",
    )


def _contact(store: MailStore, entry: Entry) -> str:
    person = (store.setting(entry.mailbox, "person") if entry.mailbox else None) or {}
    addresses = "".join(
        f'<t:Entry Key="EmailAddress{place}">{"SMTP" if place == 1 else "smtp"}:{escape(address)}</t:Entry>'
        for place, address in enumerate([entry.address, *entry.others][:3], 1)
    )
    department, title = person.get("department", ""), person.get("title", "")
    return (
        f"<t:Contact><t:DisplayName>{escape(entry.name)}</t:DisplayName>"
        f"<t:EmailAddresses>{addresses}</t:EmailAddresses><t:ContactSource>ActiveDirectory</t:ContactSource>"
        + (f"<t:Department>{escape(department)}</t:Department>" if department else "")
        + (f"<t:JobTitle>{escape(title)}</t:JobTitle>" if title else "")
        + "</t:Contact>"
    )


@operation("ExpandDL")
def expand_dl(request: Request) -> str:
    """The direct members of a group."""
    name = "ExpandDLResponseMessage"
    address = (request.required("Mailbox").findtext(QT + "EmailAddress") or "").lower()
    directory = {one.address: one for one in entries(request.store)}
    for row in request.store.setting(0, "groups") or []:
        if address in (row["address"], *row["aliases"], row["name"].lower()):
            members = [directory[member] for member in row["members"] if member in directory]
            inside = "".join(f"<t:Mailbox>{one.xml}</t:Mailbox>" for one in members)
            expansion = (
                f'<m:DLExpansion TotalItemsInView="{len(members)}" IncludesLastItemInRange="true">'
                f"{inside}</m:DLExpansion>"
            )
            return _messages("ExpandDLResponse", success(name, expansion))
    error = EwsError("ErrorNameResolutionNoResults", "No results were found.")
    return _messages("ExpandDLResponse", failure(name, error))


@operation("GetDelegate")
def get_delegate(request: Request) -> str:
    """The delegates of a mailbox, all or those asked for."""

    def listed(mailbox: MailboxRecord) -> str:
        delegates = _delegates(request.store, mailbox)
        permissions = request.element.get("IncludePermissions") in ("true", "1")
        users = request.child("UserIds")
        if users is None:
            return "".join(success(_USER, _delegate_xml(request.store, row, permissions)) for row in delegates)
        by_address = {row["address"]: row for row in delegates}
        return _for_each(users, lambda user: _known(request, by_address, user, permissions))

    return _delegate_answer(request, listed, with_delivery=True)


@operation("AddDelegate")
def add_delegate(request: Request) -> str:
    """Make people delegates of a mailbox."""

    def add(mailbox: MailboxRecord) -> str:
        rows = {row["address"]: row for row in _delegates(request.store, mailbox)}

        def each(user: Any) -> str:
            person = _delegate_mailbox(request, user)
            if person.address in rows:
                raise EwsError("ErrorDelegateAlreadyExists", "The user is already a delegate for the mailbox.")
            if person.id == mailbox.id:
                raise EwsError("ErrorDelegateCannotAddOwner", "The owner of a mailbox can't be its delegate.")
            rows[person.address] = _changed(_new_delegate(person.address), user)
            return _delegate_xml(request.store, rows[person.address], False)

        messages = _for_each(request.required("DelegateUsers"), each)
        _keep(request, mailbox, rows)
        return messages

    return _delegate_answer(request, add)


@operation("UpdateDelegate")
def update_delegate(request: Request) -> str:
    """Change what delegates may do."""

    def update(mailbox: MailboxRecord) -> str:
        rows = {row["address"]: row for row in _delegates(request.store, mailbox)}

        def each(user: Any) -> str:
            row = rows[_known_address(request, rows, user)]
            rows[row["address"]] = _changed(row, user)
            return _delegate_xml(request.store, rows[row["address"]], False)

        users = request.child("DelegateUsers")
        messages = "" if users is None else _for_each(users, each)
        _keep(request, mailbox, rows)
        return messages

    return _delegate_answer(request, update)


@operation("RemoveDelegate")
def remove_delegate(request: Request) -> str:
    """Make people delegates no longer."""

    def remove(mailbox: MailboxRecord) -> str:
        rows = {row["address"]: row for row in _delegates(request.store, mailbox)}

        def each(user: Any) -> str:
            del rows[_known_address(request, rows, user)]
            return ""

        messages = _for_each(request.required("UserIds"), each)
        _keep(request, mailbox, rows)
        return messages

    return _delegate_answer(request, remove)


@operation("ConvertId")
def convert_id(request: Request) -> str:
    """The same id in another of Exchange's formats."""
    wanted = request.element.get("DestinationFormat", "")

    def convert(source: Any) -> str:
        if source.tag != QT + "AlternateId":
            raise EwsError("ErrorInvalidOperation", "There are no public folders.")
        raw = _raw_id(source.get("Format", ""), source.get("Id", ""))
        return (
            '<m:AlternateId xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="t:AlternateIdType"'
            f' Format="{wanted}" Id="{escape(_formatted(wanted, raw))}" Mailbox="{escape(source.get("Mailbox", ""))}"/>'
        )

    return response_messages(request, request.required("SourceIds"), convert)


_USER = "DelegateUserResponseMessageType"


def _messages(name: str, message: str) -> str:
    return answer(name, f"<m:ResponseMessages>{message}</m:ResponseMessages>")


def _for_each(users: Any, handle: Callable[[Any], str]) -> str:
    parts = []
    for user in users:
        try:
            parts.append(success(_USER, handle(user)))
        except EwsError as error:
            parts.append(failure(_USER, error))
    return "".join(parts)


def _delegate_answer(request: Request, handle: Callable[[MailboxRecord], str], *, with_delivery: bool = False) -> str:
    name = f"{request.operation}Response"
    address = request.required("Mailbox").findtext(QT + "EmailAddress") or ""
    try:
        mailbox = open_address(request, address)
        with request.store.writing():
            messages = handle(mailbox)
    except EwsError as error:
        inner = (
            f"<m:MessageText>{escape(error.text)}</m:MessageText><m:ResponseCode>{error.code}</m:ResponseCode>"
            "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
        )
        return answer(name, inner, ' ResponseClass="Error"')
    inner = "<m:ResponseCode>NoError</m:ResponseCode>"
    inner += f"<m:ResponseMessages>{messages}</m:ResponseMessages>" if messages else ""
    if with_delivery:
        delivery = request.store.setting(mailbox.id, "deliver_meetings") or "DelegatesAndMe"
        inner += f"<m:DeliverMeetingRequests>{delivery}</m:DeliverMeetingRequests>"
    return answer(name, inner, ' ResponseClass="Success"')


def _delegates(store: MailStore, mailbox: MailboxRecord) -> list[dict[str, Any]]:
    return list(store.setting(mailbox.id, "delegates") or [])


def _keep(request: Request, mailbox: MailboxRecord, rows: dict[str, dict[str, Any]]) -> None:
    request.store.put_setting(mailbox.id, "delegates", list(rows.values()))
    delivery = request.element.findtext(QM + "DeliverMeetingRequests")
    if delivery:
        request.store.put_setting(mailbox.id, "deliver_meetings", delivery)


def _new_delegate(address: str) -> dict[str, Any]:
    return {
        "address": address,
        "levels": dict.fromkeys(_LEVELS, "None"),
        "receive_copies": False,
        "private_items": False,
    }


def _changed(row: dict[str, Any], user: Any) -> dict[str, Any]:
    levels = dict(row["levels"])
    for folder in _LEVELS:
        level = user.findtext(f"{QT}DelegatePermissions/{QT}{folder.title()}FolderPermissionLevel")
        if level:
            levels[folder] = level
    copies = user.findtext(QT + "ReceiveCopiesOfMeetingMessages")
    private = user.findtext(QT + "ViewPrivateItems")
    return {
        "address": row["address"],
        "levels": levels,
        "receive_copies": row["receive_copies"] if copies is None else copies in ("true", "1"),
        "private_items": row["private_items"] if private is None else private in ("true", "1"),
    }


def _delegate_mailbox(request: Request, user: Any) -> MailboxRecord:
    """The mailbox that a UserId (or the one in a DelegateUser) names. Raises EwsError."""
    address = "".join(user.itertext(QT + "PrimarySmtpAddress")).strip()
    mailbox = request.store.mailbox(address)
    if mailbox is None:
        raise EwsError("ErrorDelegateNoUser", "The delegate does not map to a user in the directory.")
    return mailbox


def _known_address(request: Request, rows: dict[str, dict[str, Any]], user: Any) -> str:
    address = _delegate_mailbox(request, user).address
    if address not in rows:
        raise EwsError("ErrorNotDelegate", "The user is not a delegate for the mailbox.")
    return address


def _known(request: Request, rows: dict[str, dict[str, Any]], user: Any, permissions: bool) -> str:
    return _delegate_xml(request.store, rows[_known_address(request, rows, user)], permissions)


def _delegate_xml(store: MailStore, row: dict[str, Any], permissions: bool) -> str:
    mailbox = store.mailbox(row["address"])
    name = row["address"] if mailbox is None else mailbox.name
    levels = "".join(
        f"<t:{folder.title()}FolderPermissionLevel>{row['levels'][folder]}</t:{folder.title()}FolderPermissionLevel>"
        for folder in _LEVELS
    )
    number = 1000 if mailbox is None else 1000 + mailbox.id
    return (
        f"<m:DelegateUser><t:UserId><t:SID>S-1-5-21-2025429265-492894223-1708537768-{number}</t:SID>"
        f"<t:PrimarySmtpAddress>{escape(row['address'])}</t:PrimarySmtpAddress>"
        f"<t:DisplayName>{escape(name)}</t:DisplayName></t:UserId>"
        + (f"<t:DelegatePermissions>{levels}</t:DelegatePermissions>" if permissions else "")
        + f"<t:ReceiveCopiesOfMeetingMessages>{str(row['receive_copies']).lower()}</t:ReceiveCopiesOfMeetingMessages>"
        f"<t:ViewPrivateItems>{str(row['private_items']).lower()}</t:ViewPrivateItems></m:DelegateUser>"
    )


def _raw_id(format_name: str, text: str) -> bytes:
    """The bytes of an id. Raises EwsError ErrorInvalidIdMalformed."""
    try:
        if format_name == "HexEntryId":
            raw = bytes.fromhex(text).removeprefix(_ENTRY_HEAD)
        else:
            raw = binascii.a2b_base64(unquote(text) if format_name == "OwaId" else text)
            if format_name in ("EntryId", "StoreId"):
                raw = raw.removeprefix(_STORE_HEAD if format_name == "StoreId" else b"").removeprefix(_ENTRY_HEAD)
    except (ValueError, binascii.Error) as error:
        raise EwsError("ErrorInvalidIdMalformed") from error
    decode(b64encode(raw).decode())
    return raw


def _formatted(format_name: str, raw: bytes) -> str:
    entry = _ENTRY_HEAD + raw
    if format_name == "HexEntryId":
        return entry.hex().upper()
    if format_name == "OwaId":
        return quote(b64encode(raw).decode(), safe="")
    kinds = {"EntryId": entry, "StoreId": _STORE_HEAD + entry}
    return b64encode(kinds.get(format_name, raw)).decode()
