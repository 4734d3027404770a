"""A client for the tests of the practice organisation's EWS: sends operations, checks both directions by schema."""

import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import Caller, M, Reply, T

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NS = {"t": T, "m": M, "s": SOAP}

Check = Callable[[bytes], list[str]]


def schema_check(shared: Path, version: str) -> Check:
    """Microsoft's schema of one version as a function: message -> problems."""
    folder = str(shared / "ews-xsd")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from validate import Ews

    return Ews(version).check


class Rig:
    """Sends operations to the service as one caller."""

    def __init__(self, service: EwsService, caller: Caller, checks: list[Check], version: str = "Exchange2016") -> None:
        self.service = service
        self.store = service.store
        self.caller = caller
        self.checks = checks
        self.version = version
        self.check_requests = True

    def envelope(self, operation: str, impersonate: str = "") -> bytes:
        who = (
            "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>"
            f"{impersonate}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
            if impersonate
            else ""
        )
        return (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:t="{T}" xmlns:m="{M}">'
            f'<s:Header><t:RequestServerVersion Version="{self.version}"/>{who}</s:Header>'
            f"<s:Body>{operation}</s:Body></s:Envelope>"
        ).encode()

    def raw(self, body: bytes) -> Reply:
        return self.service.handle(body, self.caller)

    def call(self, operation: str, impersonate: str = "") -> Any:
        """The response element; request and response must be valid by every schema."""
        body = self.envelope(operation, impersonate)
        reply = self.raw(body)
        for check in self.checks:
            if self.check_requests:
                assert check(body) == [], operation
            problems = check(reply.body)
            assert not problems, problems
        root = etree.fromstring(reply.body, etree.XMLParser(huge_tree=True))
        return root.find("s:Body", NS)[0]

    def messages(self, operation: str, impersonate: str = "") -> list[Any]:
        """The response messages."""
        response = self.call(operation, impersonate)
        found = response.find("m:ResponseMessages", NS)
        assert found is not None, etree.tostring(response).decode()
        return list(found)

    def ok(self, operation: str, impersonate: str = "") -> list[Any]:
        """The response messages, all of which must be successes."""
        found = self.messages(operation, impersonate)
        for each in found:
            assert each.get("ResponseClass") == "Success", etree.tostring(each).decode()
        return found

    def error(self, operation: str, impersonate: str = "") -> str:
        """The response code of the single message, or of the fault."""
        response = self.call(operation, impersonate)
        if response.tag == f"{{{SOAP}}}Fault":
            return response.findtext("detail/{*}ResponseCode")
        (message,) = response.find("m:ResponseMessages", NS)
        return message.findtext("m:ResponseCode", namespaces=NS)


def distinguished(name: str, mailbox: str = "") -> str:
    inner = f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>" if mailbox else ""
    return f'<t:DistinguishedFolderId Id="{name}">{inner}</t:DistinguishedFolderId>'


def folder_id(text: str) -> str:
    return f'<t:FolderId Id="{text}"/>'


def item_ids(*ids: str) -> str:
    return "<m:ItemIds>" + "".join(f'<t:ItemId Id="{each}"/>' for each in ids) + "</m:ItemIds>"


def shape(base: str = "IdOnly", *uris: str, mime: bool = False, body: str = "") -> str:
    added = "".join(uri if uri.startswith("<") else f'<t:FieldURI FieldURI="{uri}"/>' for uri in uris)
    return (
        f"<m:ItemShape><t:BaseShape>{base}</t:BaseShape>"
        + ("<t:IncludeMimeContent>true</t:IncludeMimeContent>" if mime else "")
        + (f"<t:BodyType>{body}</t:BodyType>" if body else "")
        + (f"<t:AdditionalProperties>{added}</t:AdditionalProperties>" if added else "")
        + "</m:ItemShape>"
    )


def folder_shape(base: str = "Default", *uris: str) -> str:
    added = "".join(uri if uri.startswith("<") else f'<t:FieldURI FieldURI="{uri}"/>' for uri in uris)
    return (
        f"<m:FolderShape><t:BaseShape>{base}</t:BaseShape>"
        + (f"<t:AdditionalProperties>{added}</t:AdditionalProperties>" if added else "")
        + "</m:FolderShape>"
    )


def get_folder(inner: str, base: str = "AllProperties", *uris: str) -> str:
    return f"<m:GetFolder>{folder_shape(base, *uris)}<m:FolderIds>{inner}</m:FolderIds></m:GetFolder>"


def get_item(*ids: str, shape_xml: str = "") -> str:
    return f"<m:GetItem>{shape_xml or shape('AllProperties')}{item_ids(*ids)}</m:GetItem>"


def sync_items(folder: str, state: str = "", most: int = 512, shape_xml: str = "") -> str:
    given = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    return (
        f"<m:SyncFolderItems>{shape_xml or shape()}<m:SyncFolderId>{folder}</m:SyncFolderId>{given}"
        f"<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
    )


def sync_hierarchy(state: str = "", folder: str = "", base: str = "AllProperties") -> str:
    root = f"<m:SyncFolderId>{folder}</m:SyncFolderId>" if folder else ""
    given = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    return f"<m:SyncFolderHierarchy>{folder_shape(base)}{root}{given}</m:SyncFolderHierarchy>"


def text(element: Any, path: str) -> str | None:
    return element.findtext(path, namespaces=NS)


def ids_of(element: Any, path: str = ".//t:ItemId") -> list[str]:
    return [each.get("Id") for each in element.iterfind(path, NS)]


def mime_of(element: Any) -> bytes:
    return b64decode(element.findtext(".//t:MimeContent", namespaces=NS))


def changes(message: Any) -> list[tuple[str, str]]:
    """(Create | Update | Delete | ReadFlagChange, id) of a sync page."""
    return [
        (etree.QName(each).localname, each.find(".//*[@Id]", NS).get("Id")) for each in message.find("m:Changes", NS)
    ]
