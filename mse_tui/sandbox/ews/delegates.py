"""Operations on delegates: who acts for a mailbox's owner, and with which level in which standard folder."""

from collections.abc import Callable
from typing import Any

from mse_tui.sandbox.ews.access import open_address
from mse_tui.sandbox.ews.directory import sid
from mse_tui.sandbox.ews.soap import QM, QT, EwsError, Request, answer, escape, failure, operation, success
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.permissions import permissions, set_level
from mse_tui.sandbox.records import MailboxRecord

_USER = "DelegateUserResponseMessageType"
_LEVELS = ("calendar", "tasks", "inbox", "contacts", "notes", "journal")
_DELEGATE_LEVELS = ("None", "Reviewer", "Author", "Editor")


@operation("GetDelegate")
def get_delegate(request: Request) -> str:
    """The delegates of a mailbox, all or those asked for."""

    def listed(mailbox: MailboxRecord) -> str:
        delegates = _delegates(request.store, mailbox)
        with_levels = request.element.get("IncludePermissions") in ("true", "1")
        users = request.child("UserIds")
        if users is None:
            return "".join(success(_USER, _delegate_xml(request.store, row, with_levels)) for row in delegates)
        by_address = {row["address"]: row for row in delegates}
        return _for_each(users, lambda user: _known(request, by_address, user, with_levels))

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
    """Delegates, their levels as the permissions of the folders have them now."""
    rows = list(store.setting(mailbox.id, "delegates") or [])
    found = {name: store.distinguished_folder(mailbox.id, name) for name in _LEVELS}
    sets = {name: permissions(store, folder) for name, folder in found.items() if folder is not None}
    for row in rows:
        levels = {name: sets[name].level_of(row["address"]) if name in sets else "None" for name in _LEVELS}
        row["levels"] = {name: level if level in _DELEGATE_LEVELS else "Custom" for name, level in levels.items()}
    return rows


def _keep(request: Request, mailbox: MailboxRecord, rows: dict[str, dict[str, Any]]) -> None:
    store = request.store
    for before in _delegates(store, mailbox):
        after = rows.get(before["address"])
        _set_levels(store, mailbox, before["address"], before["levels"], after["levels"] if after else {})
    known = {row["address"] for row in _delegates(store, mailbox)}
    for row in rows.values():
        if row["address"] not in known:
            _set_levels(store, mailbox, row["address"], {}, row["levels"])
    store.put_setting(mailbox.id, "delegates", list(rows.values()))
    delivery = request.element.findtext(QM + "DeliverMeetingRequests")
    if delivery:
        request.store.put_setting(mailbox.id, "deliver_meetings", delivery)


def _set_levels(
    store: MailStore, mailbox: MailboxRecord, address: str, before: dict[str, str], after: dict[str, str]
) -> None:
    for name in _LEVELS:
        wanted, folder = after.get(name, "None"), store.distinguished_folder(mailbox.id, name)
        if folder is not None and wanted not in (before.get(name, "None"), "Custom"):
            set_level(store, folder, address, wanted)


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


def _known(request: Request, rows: dict[str, dict[str, Any]], user: Any, with_levels: bool) -> str:
    return _delegate_xml(request.store, rows[_known_address(request, rows, user)], with_levels)


def _delegate_xml(store: MailStore, row: dict[str, Any], with_levels: bool) -> str:
    mailbox = store.mailbox(row["address"])
    name = row["address"] if mailbox is None else mailbox.name
    levels = "".join(
        f"<t:{folder.title()}FolderPermissionLevel>{row['levels'][folder]}</t:{folder.title()}FolderPermissionLevel>"
        for folder in _LEVELS
    )
    number = 1000 if mailbox is None else 1000 + mailbox.id
    return (
        f"<m:DelegateUser><t:UserId><t:SID>{sid(number)}</t:SID>"
        f"<t:PrimarySmtpAddress>{escape(row['address'])}</t:PrimarySmtpAddress>"
        f"<t:DisplayName>{escape(name)}</t:DisplayName></t:UserId>"
        + (f"<t:DelegatePermissions>{levels}</t:DelegatePermissions>" if with_levels else "")
        + f"<t:ReceiveCopiesOfMeetingMessages>{str(row['receive_copies']).lower()}</t:ReceiveCopiesOfMeetingMessages>"
        f"<t:ViewPrivateItems>{str(row['private_items']).lower()}</t:ViewPrivateItems></m:DelegateUser>"
    )
