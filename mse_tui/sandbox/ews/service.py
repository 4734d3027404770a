"""One EWS request: who asks, for whom, which operation, and the answer or the fault."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.access import check_mailbox
from mse_tui.sandbox.ews.soap import (
    OPERATIONS,
    QT,
    Caller,
    EwsError,
    M,
    Reply,
    Request,
    SoapFault,
    envelope,
    fault_envelope,
    parse_envelope,
)
from mse_tui.sandbox.faults import Faults
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import MailboxRecord

log = logging.getLogger(__name__)

_XML = {"Content-Type": "text/xml; charset=utf-8"}


def _now() -> datetime:
    return datetime.now(UTC)


class EwsService:
    """Answers EWS requests over a mail store. Any number of threads may call `handle`."""

    def __init__(self, store: MailStore, clock: Callable[[], datetime] = _now, faults: Faults | None = None) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults if faults is not None else Faults()

    def handle(self, body: bytes, caller: Caller) -> Reply:
        """Carry one SOAP request out; faults and unexpected errors become SOAP faults with status 500."""
        try:
            request = self.read(body, caller)
            handler = OPERATIONS.get(request.operation)
            if handler is None:
                raise SoapFault("ErrorInvalidRequest", f"The operation {request.operation} is not known.")
            return Reply(200, dict(_XML), envelope(handler(request)))
        except SoapFault as fault:
            return Reply(500, dict(_XML), fault_envelope(fault))
        except EwsError as error:
            return Reply(500, dict(_XML), fault_envelope(SoapFault(error.code, error.text)))
        except Exception:
            log.exception("An EWS operation failed.")
            return Reply(500, dict(_XML), fault_envelope(SoapFault("ErrorInternalServerError")))

    def read(self, body: bytes, caller: Caller) -> Request:
        """Read a request and see who may ask for whom. Raises SoapFault."""
        header, element = parse_envelope(body)
        name = etree.QName(element)
        if name.namespace != M:
            raise SoapFault("ErrorInvalidRequest", f"{name.localname} is not an operation.")
        user, mailbox = self._on_behalf_of(header, caller)
        version = header.find(QT + "RequestServerVersion") if header is not None else None
        request = Request(
            operation=name.localname,
            element=element,
            store=self.store,
            faults=self.faults,
            clock=self.clock,
            caller=caller,
            user=user,
            mailbox=mailbox,
            version="Exchange2016" if version is None else version.get("Version", "Exchange2016"),
        )
        if mailbox is not None:
            request.openable[mailbox.id] = mailbox
        return request

    def _on_behalf_of(self, header: Any, caller: Caller) -> tuple[str, MailboxRecord | None]:
        impersonation = header.find(QT + "ExchangeImpersonation") if header is not None else None
        if impersonation is None:
            mailbox = self.store.mailbox(caller.address)
            if mailbox is not None:
                _fault_unless_open(mailbox)
            return caller.address, mailbox
        address = "".join(impersonation.itertext()).strip()
        if not caller.may_impersonate:
            raise SoapFault("ErrorImpersonateUserDenied")
        if "@" not in address:
            raise SoapFault("ErrorInvalidExchangeImpersonationHeaderData", "The impersonation header names nobody.")
        mailbox = self.store.mailbox(address)
        if mailbox is None:
            raise SoapFault("ErrorNonExistentMailbox")
        _fault_unless_open(mailbox)
        return mailbox.address, mailbox


def _fault_unless_open(mailbox: MailboxRecord) -> None:
    try:
        check_mailbox(mailbox)
    except EwsError as error:
        raise SoapFault(error.code, error.text) from error


def _load_operations() -> None:
    # Each module registers its operations when it is imported.
    from mse_tui.sandbox.ews import operations  # noqa: F401, PLC0415 (they import what is defined above)


_load_operations()
