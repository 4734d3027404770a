"""Folder permissions and delegates over Exchange Web Services: GetFolder with its PermissionSet, and GetDelegate.

exchangelib's own reading takes the level of mail folders for the one of calendars; requests and rows are ours here.
"""

from collections.abc import Sequence
from functools import partial

from exchangelib.services import GetDelegate, GetFolder
from exchangelib.util import create_element
from lxml import etree

from mse_tui.access.rights import Right
from mse_tui.access.trustees import Trustee
from mse_tui.exchange.ews_calls import Calls, Request, shape, text_element
from mse_tui.exchange.ews_errors import ServerProblem, failure_of
from mse_tui.exchange.ews_fetch import Collector
from mse_tui.exchange.ews_rows import M, T, error_of
from mse_tui.exchange.ews_session import Session
from mse_tui.exchange.permissions import (
    Delegate,
    Delegates,
    FolderPermission,
    FolderPermissions,
    TrusteeKind,
)
from mse_tui.exchange.rows import ItemFailure
from mse_tui.exchange.wire_errors import broken

FOLDERS = 100
"""Folders in one GetFolder."""
DELEGATE_FOLDERS = ("calendar", "tasks", "inbox", "contacts", "notes", "journal")

_NO_DELEGATES = "ErrorDelegateMissingConfiguration"
"""The mailbox never had any."""
_DELEGATE_GONE = "ErrorDelegateNoUser"

_READ_ITEMS = {
    "None": None,
    "TimeOnly": Right.TIMES,
    "TimeAndSubjectAndLocation": Right.OUTLINE,
    "FullDetails": Right.READ,
}
_LEVELS = {
    "None": None,
    "Contributor": Right.FOLDER,
    "FreeBusyTimeOnly": Right.TIMES,
    "FreeBusyTimeAndSubjectAndLocation": Right.OUTLINE,
    **dict.fromkeys(
        ("Reviewer", "NoneditingAuthor", "Author", "PublishingAuthor", "Editor", "PublishingEditor", "Owner"),
        Right.READ,
    ),
}


class EwsPermissions:
    """`Permissions` of one mailbox over EWS."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._collector = Collector(session)

    def of_folders(self, folder_ids: Sequence[str]) -> list[FolderPermissions | ItemFailure]:
        """The entries of these folders, one answer each, in the order asked."""
        session, answers = self._session, list[FolderPermissions | ItemFailure]()
        for start in range(0, len(folder_ids), FOLDERS):
            answers += session.wait_for(session.submit(partial(self._part, folder_ids[start : start + FOLDERS])))
        return answers

    def delegates(self) -> Delegates:
        """Who acts for the owner; none is an empty answer."""
        request = _get_delegates(self._session.calls, self._session.address)
        try:
            return self._session.ask(request, _delegates)
        except ServerProblem as problem:
            if problem.code == _NO_DELEGATES:
                return Delegates(())
            raise

    def _part(self, folder_ids: Sequence[str]) -> list[FolderPermissions | ItemFailure]:
        calls = self._session.calls
        return self._collector.collect(
            folder_ids, lambda ids: _get_permissions(calls, ids), _folder_permissions, self._session.deadline()
        )


def _get_permissions(calls: Calls, folder_ids: Sequence[str]) -> Request:
    payload = create_element("m:GetFolder")
    payload.append(shape("m:FolderShape", ("folder:PermissionSet",)))
    ids = create_element("m:FolderIds")
    for folder_id in folder_ids:
        etree.SubElement(ids, f"{T}FolderId", Id=folder_id)
    payload.append(ids)
    return calls.request(GetFolder(account=calls.account), payload)


def _get_delegates(calls: Calls, address: str) -> Request:
    payload = create_element("m:GetDelegate", attrs={"IncludePermissions": "true"})
    mailbox = create_element("m:Mailbox")
    text_element(mailbox, "t:EmailAddress", address)
    payload.append(mailbox)
    return calls.request(GetDelegate(account=calls.account), payload)


def _folder_permissions(folder_id: str, message: etree._Element) -> FolderPermissions:
    entries = message.find(f"{M}Folders/*/{T}PermissionSet")
    if entries is None:
        raise broken("The server gave a folder without its permissions.")
    listed = [*entries.iterfind(f"{T}Permissions/{T}Permission")]
    listed += entries.iterfind(f"{T}CalendarPermissions/{T}CalendarPermission")
    unknown = entries.iterfind(f"{T}UnknownEntries/{T}UnknownEntry")
    return FolderPermissions(
        folder_id, tuple(_permission(each) for each in listed), tuple(each.text or "" for each in unknown)
    )


def _permission(element: etree._Element) -> FolderPermission:
    user = element.find(f"{T}UserId")
    if user is None:
        raise broken("A folder permission in the server's answer names nobody.")
    level = element.findtext(f"{T}PermissionLevel") or element.findtext(f"{T}CalendarPermissionLevel") or ""
    return FolderPermission(_kind(user), _trustee(user), level, _right(element, level))


def _right(element: etree._Element, level: str) -> Right | None:
    """What the entry lets see: what it says itself, else what its level means; what is not understood gives nothing."""
    reads = element.findtext(f"{T}ReadItems")
    right = _LEVELS.get(level) if reads is None else _READ_ITEMS.get(reads)
    is_shown = any(element.findtext(f"{T}{name}") in ("true", "1") for name in ("IsFolderVisible", "IsFolderOwner"))
    return Right.FOLDER if right is None and is_shown else right


def _kind(user: etree._Element) -> TrusteeKind:
    distinguished = user.findtext(f"{T}DistinguishedUser")
    if distinguished is not None:
        return TrusteeKind.DEFAULT if distinguished == "Default" else TrusteeKind.ANONYMOUS
    return TrusteeKind.EXTERNAL if user.find(f"{T}ExternalUserIdentity") is not None else TrusteeKind.NAMED


def _trustee(user: etree._Element) -> Trustee:
    return Trustee(
        sid=(user.findtext(f"{T}SID") or "").strip(),
        address=(user.findtext(f"{T}PrimarySmtpAddress") or "").strip().lower(),
        name=user.findtext(f"{T}DisplayName") or user.findtext(f"{T}ExternalUserIdentity") or "",
    )


def _delegates(messages: list[etree._Element]) -> Delegates:
    found, unknown = [], 0
    for message in messages:
        error = error_of(message)
        if error is None:
            found.append(_delegate(message))
        elif error.code == _DELEGATE_GONE:
            unknown += 1
        else:
            raise failure_of(error)
    return Delegates(tuple(found), unknown)


def _delegate(message: etree._Element) -> Delegate:
    user = message.find(f"{M}DelegateUser/{T}UserId")
    if user is None:
        raise broken("A delegate in the server's answer has no name.")
    permissions = f"{M}DelegateUser/{T}DelegatePermissions/{T}"
    levels = {name: message.findtext(f"{permissions}{name.title()}FolderPermissionLevel") for name in DELEGATE_FOLDERS}
    return Delegate(
        trustee=_trustee(user),
        levels={name: level for name, level in levels.items() if level},
        views_private=message.findtext(f"{M}DelegateUser/{T}ViewPrivateItems") in ("true", "1"),
    )
