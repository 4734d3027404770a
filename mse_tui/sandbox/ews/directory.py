"""Operations about people rather than items: names, groups, ids."""

import binascii
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from mse_tui.sandbox.ews.ids import decode
from mse_tui.sandbox.ews.soap import (
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

_MOST_CANDIDATES = 100
_NO_RESULTS = "No results were found."
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
    sid: str = ""
    """Security identifier of the account or group."""

    @property
    def xml(self) -> str:
        """What an EmailAddressType element holds."""
        return (
            f"<t:Name>{escape(self.name)}</t:Name><t:EmailAddress>{escape(self.address)}</t:EmailAddress>"
            f"<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>{self.kind}</t:MailboxType>"
        )

    @property
    def user_id_xml(self) -> str:
        """The UserId element that names it where permissions are shown."""
        return (
            f"<t:UserId><t:SID>{self.sid}</t:SID><t:PrimarySmtpAddress>{escape(self.address)}</t:PrimarySmtpAddress>"
            f"<t:DisplayName>{escape(self.name)}</t:DisplayName></t:UserId>"
        )


def entries(store: MailStore) -> list[Entry]:
    """The directory: mailboxes and groups."""
    aliases: dict[int, list[str]] = {}
    with store.reading() as connection:
        for row in connection.execute("SELECT address, mailbox FROM alias ORDER BY address"):
            aliases.setdefault(row["mailbox"], []).append(row["address"])
    found = []
    for one in store.mailboxes():
        others = [address for address in aliases.get(one.id, ()) if address != one.address]
        found.append(Entry(one.name, one.address, "Mailbox", others, one.id, sid(1000 + one.id)))
    groups = enumerate(store.setting(0, "groups") or [], 500_000)
    return found + [
        Entry(row["name"], row["address"], "PublicDL", row["aliases"], sid=sid(number)) for number, row in groups
    ]


def sid(number: int) -> str:
    """The security identifier of the account or group with this number."""
    return f"S-1-5-21-2025429265-492894223-1708537768-{number}"


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


def _messages(name: str, message: str) -> str:
    return answer(name, f"<m:ResponseMessages>{message}</m:ResponseMessages>")


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
