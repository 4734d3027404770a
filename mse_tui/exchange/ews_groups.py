"""Distribution groups over EWS: found by ResolveNames, expanded one level by ExpandDL."""

from collections.abc import Iterable

from lxml import etree

from mse_tui.exchange.ews_errors import failure_of
from mse_tui.exchange.ews_rows import Resolution, T, error_of
from mse_tui.exchange.ews_session import Session
from mse_tui.exchange.rows import DirectoryEntry
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

GROUP = "PublicDL"
"""MailboxType of a distribution group that everybody may use."""

_SEVERAL = "ErrorNameResolutionMultipleResults"
_NONE = "ErrorNameResolutionNoResults"


def expand(session: Session, address: str) -> list[DirectoryEntry]:
    """The direct members of a distribution group. Raises Problem group-not-found, group-ambiguous."""

    def read(messages: list[etree._Element]) -> list[DirectoryEntry]:
        if len(messages) != 1:
            raise broken("The server's answer to ExpandDL has not one entry.")
        error = error_of(messages[0])
        if error is not None and error.code == _NONE:
            raise Problem(Reason.GROUP_NOT_FOUND, f"Exchange has no distribution group with the address {address}.")
        if error is not None and error.code == _SEVERAL:
            raise Problem(Reason.GROUP_AMBIGUOUS, f"Exchange knows several that {address} may mean.")
        if error is not None:
            raise failure_of(error)
        return _members(messages[0])

    return session.ask(session.calls.expand(address), read)


def groups_among(candidates: Iterable[Resolution]) -> list[DirectoryEntry]:
    """The distribution groups among the directory's candidates."""
    return [DirectoryEntry(one.address, one.name, one.mailbox_type) for one in candidates if one.mailbox_type == GROUP]


def _members(message: etree._Element) -> list[DirectoryEntry]:
    """All of an expansion: one that says that it is cut short, or that does not say so, must not be used."""
    expansion = message.find("{*}DLExpansion")
    if expansion is None or expansion.get("IncludesLastItemInRange") != "true":
        raise broken("The server did not list all members of a distribution group.").problem
    entries = [_entry(element) for element in expansion.iterfind(f"{T}Mailbox")]
    total = expansion.get("TotalItemsInView", "")
    if len(entries) != len(expansion) or (total.isdigit() and int(total) != len(entries)):
        raise broken("The server listed fewer members of a distribution group than there are.")
    return entries


def _entry(element: etree._Element) -> DirectoryEntry:
    address = (element.findtext(f"{T}EmailAddress") or "").strip()
    routing = element.findtext(f"{T}RoutingType") or "SMTP"
    return DirectoryEntry(
        address=address.lower() if routing == "SMTP" else "",
        name=element.findtext(f"{T}Name") or address,
        kind=element.findtext(f"{T}MailboxType") or "Unknown",
    )
