"""The EWS requests that a mailbox is read with: exchangelib services with payloads of our own.

The services give the envelope, the version, impersonation and anchor headers. The payloads are written here, because
exchangelib makes an object of every id and names folders by more than their id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchangelib import DELEGATE, IMPERSONATION, EWSTimeZone, Identity
from exchangelib.services import ExpandDL, GetFolder, GetItem, ResolveNames, SyncFolderHierarchy, SyncFolderItems
from exchangelib.services.common import EWSService
from exchangelib.util import create_element
from exchangelib.version import Version
from lxml import etree

from mse_tui.exchange.editing import Mark
from mse_tui.exchange.ews_rows import MARKS, SENDER_SMTP, M, Property, T
from mse_tui.exchange.ews_transport import BUILDS

PAGE = 512
"""Most changes in a page: the server's own limit."""

FOLDER_FIELDS = ("folder:ParentFolderId", "folder:DisplayName", "folder:FolderClass", "folder:TotalCount")
ITEM_FIELDS = (
    "item:ItemClass", "item:Subject", "item:Sensitivity", "item:DateTimeReceived", "item:DateTimeSent", "item:Size",
    "item:Categories", "item:Importance", "item:HasAttachments", "item:DisplayTo", "message:From",
    "message:InternetMessageId", "message:IsRead",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to send as often as needed."""

    operation: str
    body: bytes
    headers: Mapping[str, str]


class _Account:
    """What exchangelib's services want to know of an account, without its requests and caches."""

    def __init__(self, address: str, version: Version, protocol: Any, *, impersonate: bool) -> None:
        self.primary_smtp_address = address
        self.version = version
        self.protocol = protocol
        self.access_type = IMPERSONATION if impersonate else DELEGATE
        self.identity = Identity(primary_smtp_address=address)
        self.default_timezone = EWSTimeZone("UTC")
        self.affinity_cookie = None


class _Protocol:
    """What exchangelib's services want to know of a protocol; nothing is sent through it."""

    credentials = None

    def __init__(self, version: Version) -> None:
        self.version = version


class Calls:
    """Writes requests for one mailbox, or for none in particular (address '')."""

    def __init__(self, address: str, version: str, *, impersonate: bool) -> None:
        self._address = address
        self._impersonate = impersonate and bool(address)
        self._version = Version(build=BUILDS[version], api_version=version)
        self.since_2013 = not version.startswith("Exchange2010")
        protocol = _Protocol(self._version)
        self._protocol = protocol
        self.account = _Account(address, self._version, protocol, impersonate=self._impersonate)

    def get_distinguished(self, names: Iterable[str]) -> Request:
        """GetFolder of well-known folders, in this order."""
        payload = create_element("m:GetFolder")
        payload.append(shape("m:FolderShape", self.folder_fields()))
        payload.append(self.distinguished_ids(names))
        return self.request(GetFolder(account=self.account), payload)

    def distinguished_ids(self, names: Iterable[str]) -> etree._Element:
        """FolderIds of well-known folders of the mailbox."""
        ids: etree._Element = create_element("m:FolderIds")
        for name in names:
            folder = create_element("t:DistinguishedFolderId", attrs={"Id": name})
            if not self._impersonate and self._address:
                mailbox = create_element("t:Mailbox")
                text_element(mailbox, "t:EmailAddress", self._address)
                folder.append(mailbox)
            ids.append(folder)
        return ids

    def sync_hierarchy(self, root_id: str, state: str | None) -> Request:
        """SyncFolderHierarchy below an explicit folder id."""
        payload = create_element("m:SyncFolderHierarchy")
        payload.append(shape("m:FolderShape", self.folder_fields()))
        payload.append(folder_element("m:SyncFolderId", root_id))
        if state:
            text_element(payload, "m:SyncState", state)
        return self.request(SyncFolderHierarchy(account=self.account), payload)

    def sync_items(self, folder_id: str, state: str | None, page: int) -> Request:
        """SyncFolderItems of an explicit folder id, at most `page` changes."""
        payload = create_element("m:SyncFolderItems")
        payload.append(self.item_shape())
        payload.append(folder_element("m:SyncFolderId", folder_id))
        if state:
            text_element(payload, "m:SyncState", state)
        text_element(payload, "m:MaxChangesReturned", str(page))
        return self.request(SyncFolderItems(account=self.account), payload)

    def get_content(self, remote_ids: Sequence[str]) -> Request:
        """GetItem with the MIME and nothing else."""
        wanted = create_element("m:ItemShape")
        text_element(wanted, "t:BaseShape", "IdOnly")
        text_element(wanted, "t:IncludeMimeContent", "true")
        return self.get_item(wanted, remote_ids)

    def get_rows(self, remote_ids: Sequence[str]) -> Request:
        """GetItem with what an item row holds."""
        return self.get_item(self.item_shape(), remote_ids)

    def resolve(self, entry: str) -> Request:
        """ResolveNames in the directory, with the addresses that each candidate has."""
        attributes = {"ReturnFullContactData": "true", "SearchScope": "ActiveDirectory"}
        payload = create_element("m:ResolveNames", attrs=attributes)
        text_element(payload, "m:UnresolvedEntry", entry)
        service = ResolveNames(protocol=self._protocol)
        if self._address:
            service = _ResolveNamesAs(self.account, self._protocol)
        return self.request(service, payload)

    def expand(self, address: str) -> Request:
        """ExpandDL of the distribution group with an address."""
        mailbox = create_element("m:Mailbox")
        text_element(mailbox, "t:EmailAddress", address)
        payload = create_element("m:ExpandDL")
        payload.append(mailbox)
        return self.request(ExpandDL(protocol=self._protocol), payload)

    def get_item(self, wanted: etree._Element, remote_ids: Sequence[str]) -> Request:
        """GetItem of items by their ids, in a shape of the caller's."""
        payload = create_element("m:GetItem")
        payload.append(wanted)
        payload.append(item_ids(remote_ids))
        return self.request(GetItem(account=self.account), payload)

    def folder_fields(self) -> Sequence[str]:
        """What a folder row holds."""
        return (*FOLDER_FIELDS, "folder:DistinguishedFolderId") if self.since_2013 else FOLDER_FIELDS

    def item_shape(self, *more: str) -> etree._Element:
        """What an item row holds, and `more` fields."""
        fields = (*ITEM_FIELDS, "item:Flag") if self.since_2013 else ITEM_FIELDS
        return shape("m:ItemShape", (*fields, *more), (SENDER_SMTP, MARKS[Mark.STUB]))

    def request(self, service: EWSService, payload: etree._Element) -> Request:
        """A payload in the service's envelope."""
        body = service.wrap(payload, api_version=self._version.api_version)
        return Request(service.SERVICE_NAME, body, service._extra_headers())


class _ResolveNamesAs(ResolveNames):  # type: ignore[misc]
    """ResolveNames in the name of a mailbox: for a service account that has none itself."""

    def __init__(self, account: _Account, protocol: _Protocol) -> None:
        super().__init__(protocol=protocol)
        self._account = account

    @property
    def _account_to_impersonate(self) -> Identity | None:
        return self._account.identity if self._account.access_type == IMPERSONATION else None

    def _extra_headers(self) -> dict[str, str]:
        address = self._account.primary_smtp_address
        return {"X-AnchorMailbox": address} if address.isascii() else {}


def shape(tag: str, fields: Iterable[str], extended: Iterable[Property] = ()) -> etree._Element:
    """IdOnly and the fields listed."""
    element: etree._Element = create_element(tag)
    text_element(element, "t:BaseShape", "IdOnly")
    additional = etree.SubElement(element, f"{T}AdditionalProperties")
    for field in fields:
        etree.SubElement(additional, f"{T}FieldURI", FieldURI=field)
    for each in extended:
        etree.SubElement(additional, f"{T}ExtendedFieldURI", dict(each))
    return element


def item_ids(remote_ids: Iterable[str]) -> etree._Element:
    """ItemIds without change keys."""
    ids: etree._Element = create_element("m:ItemIds")
    for remote_id in remote_ids:
        etree.SubElement(ids, f"{T}ItemId", Id=remote_id)
    return ids


def folder_element(tag: str, folder_id: str) -> etree._Element:
    """A folder named by its id, in an element of this name."""
    element: etree._Element = create_element(tag)
    etree.SubElement(element, f"{T}FolderId", Id=folder_id)
    return element


def text_element(parent: etree._Element, tag: str, text: str) -> None:
    """Append an element with a text."""
    prefix, name = tag.split(":")
    etree.SubElement(parent, f"{T if prefix == 't' else M}{name}").text = text
