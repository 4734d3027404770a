"""The SOAP side of Exchange Web Services: namespaces, errors, envelopes, what a handler is given and gives back."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from lxml import etree

from mse_tui.sandbox.faults import Faults
from mse_tui.sandbox.records import MailboxRecord

if TYPE_CHECKING:
    from mse_tui.sandbox.mailstore import MailStore

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
E = "http://schemas.microsoft.com/exchange/services/2006/errors"

QT = f"{{{T}}}"
QM = f"{{{M}}}"

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<s:Envelope xmlns:s="{SOAP}"><s:Header>'
    '<h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="35"'
    f' Version="Exchange2016" xmlns:h="{T}"/></s:Header>'
    '<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
)
_TAIL = "</s:Body></s:Envelope>"


class EwsError(Exception):
    """One response message's error: an EWS response code and its text."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text or code)
        self.code = code
        self.text = text or _TEXTS.get(code, "The request failed.")


class SoapFault(Exception):
    """The whole request is refused."""

    def __init__(self, code: str, text: str = "", *, values: dict[str, str] | None = None) -> None:
        super().__init__(text or code)
        self.code = code
        self.text = text or _TEXTS.get(code, "The request failed.")
        self.values = values or {}
        """MessageXml values ('BackOffMilliseconds')."""


_TEXTS = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorAccountDisabled": "The account is disabled.",
    "ErrorDeleteDistinguishedFolder": "Distinguished folders cannot be deleted.",
    "ErrorFolderExists": "A folder with the specified name already exists.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the requested user.",
    "ErrorInvalidChangeKey": "The change key is invalid.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidOperation": "The operation is not valid.",
    "ErrorInvalidPropertySet": "Set action is invalid for property.",
    "ErrorInvalidRequest": "The request is invalid.",
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorIrresolvableConflict": "The send or update operation could not be performed because the change key passed in"
    " the request does not match the current change key for the item.",
    "ErrorItemCorrupt": "The item is corrupt.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorMailboxMoveInProgress": "The mailbox is being moved. Try again later.",
    "ErrorMimeContentConversionFailed": "The MIME content could not be converted.",
    "ErrorMissingEmailAddress": "When making a request as an account that does not have a mailbox, you must specify the"
    " mailbox primary SMTP address for any distinguished folder Ids.",
    "ErrorMoveDistinguishedFolder": "Distinguished folders cannot be moved.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorSchemaValidation": "The request failed schema validation.",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed in."""

    address: str
    """Of the account; '' never."""
    may_impersonate: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Request:
    """One operation to carry out."""

    operation: str
    """'GetItem'"""
    element: Any
    """The operation's element (lxml)."""
    store: "MailStore"
    faults: Faults
    clock: Callable[[], datetime]
    caller: Caller
    user: str
    """The address on whose behalf: the impersonated one, else the caller's."""
    mailbox: MailboxRecord | None
    """That address's mailbox; None where it has none (a service account without impersonation)."""
    version: str = "Exchange2016"
    """RequestServerVersion."""
    openable: dict[int, MailboxRecord] = field(default_factory=dict)
    """Mailboxes that were checked and may be opened in this request, by row id."""

    def child(self, name: str) -> Any:
        """The operation's child in the messages namespace, or None."""
        return self.element.find(QM + name)

    def required(self, name: str) -> Any:
        """The same; raises SoapFault where it is missing."""
        found = self.element.find(QM + name)
        if found is None:
            raise SoapFault(
                "ErrorSchemaValidation", f"The request failed schema validation: {self.operation} has no {name}."
            )
        return found


Handler = Callable[[Request], str]
"""Carries an operation out and returns its whole response element, built with `answer` or `response_messages`."""

OPERATIONS: dict[str, Handler] = {}
"""Every operation by name."""


def operation(name: str) -> Callable[[Handler], Handler]:
    """Register a handler for an operation."""

    def register(handler: Handler) -> Handler:
        OPERATIONS[name] = handler
        return handler

    return register


_SPECIAL = re.compile('[&<>"\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;"} | {ch: ch for ch in "\t\n\x7f"}


def escape(text: str) -> str:
    """Text for XML content or a double-quoted attribute; characters that XML can't carry are dropped."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], ""), text)


def malformed(what: str) -> SoapFault:
    """The fault for a request that no schema allows."""
    return SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {what}.")


def integer(text: str | None) -> int:
    """An xs:int. Raises SoapFault."""
    try:
        return int((text or "").strip())
    except ValueError as error:
        raise malformed(f"{text!r} is not a number") from error


def part(element: Any, position: int = 0) -> Any:
    """A child by its place. Raises SoapFault where there is none."""
    if element is None or len(element) <= position:
        raise malformed("an element is empty")
    return element[position]


def answer(name: str, inner: str, attributes: str = "") -> str:
    """A response element in the messages namespace ('GetDelegateResponse')."""
    return f'<m:{name} xmlns:m="{M}" xmlns:t="{T}"{attributes}>{inner}</m:{name}>'


def success(name: str, inner: str = "") -> str:
    """One successful response message ('GetItemResponseMessage')."""
    return f'<m:{name} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{inner}</m:{name}>'


def failure(name: str, error: EwsError, inner: str = "") -> str:
    """One failed response message; `inner` is what the schema wants even then ('<m:Items/>')."""
    return (
        f'<m:{name} ResponseClass="Error"><m:MessageText>{escape(error.text)}</m:MessageText>'
        f"<m:ResponseCode>{error.code}</m:ResponseCode>"
        f"<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{inner}</m:{name}>"
    )


Asked = TypeVar("Asked")


def response_messages(
    request: Request, asked: Iterable[Asked], handle: Callable[[Asked], str], *, on_error: str = ""
) -> str:
    """The response element with one message for each thing asked: `handle` gives its inside or raises EwsError."""
    name = f"{request.operation}ResponseMessage"
    parts = []
    for each in asked:
        try:
            parts.append(success(name, handle(each)))
        except EwsError as error:
            parts.append(failure(name, error, on_error))
    if not parts:
        raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: an empty list.")
    return answer(f"{request.operation}Response", f"<m:ResponseMessages>{''.join(parts)}</m:ResponseMessages>")


def envelope(response: str) -> bytes:
    """A response element in its envelope."""
    return f"{_HEAD}{response}{_TAIL}".encode()


def fault_envelope(fault: SoapFault) -> bytes:
    """A SOAP fault as Exchange sends it."""
    values = "".join(f'<t:Value Name="{name}">{escape(value)}</t:Value>' for name, value in fault.values.items())
    message_xml = f'<t:MessageXml xmlns:t="{T}">{values}</t:MessageXml>' if values else ""
    return envelope(
        f'<s:Fault><faultcode xmlns:a="{T}">a:{fault.code}</faultcode>'
        f'<faultstring xml:lang="en-US">{escape(fault.text)}</faultstring>'
        f'<detail><e:ResponseCode xmlns:e="{E}">{fault.code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{E}">{escape(fault.text)}</e:Message>{message_xml}</detail></s:Fault>'
    )


_PARSER_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "huge_tree": True,
    "remove_comments": True,
    "remove_pis": True,
}


def parse_envelope(body: bytes) -> tuple[Any, Any]:
    """The header (or None) and the operation's element of a request. Raises SoapFault."""
    try:
        root: Any = etree.fromstring(body, etree.XMLParser(**_PARSER_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise SoapFault("ErrorInvalidRequest", f"The request is not well-formed XML: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise SoapFault("ErrorInvalidRequest", "A request may not have a document type.")
    if root.tag != f"{{{SOAP}}}Envelope":
        raise SoapFault("ErrorInvalidRequest", "The request is not a SOAP 1.1 envelope.")
    content = root.find(f"{{{SOAP}}}Body")
    if content is None or len(content) != 1:
        raise SoapFault("ErrorInvalidRequest", "The SOAP body holds no single operation.")
    return root.find(f"{{{SOAP}}}Header"), content[0]
