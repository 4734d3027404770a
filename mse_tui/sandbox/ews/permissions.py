"""Folder permissions as XML: what GetFolder shows and UpdateFolder sets."""

from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.directory import Entry
from mse_tui.sandbox.ews.directory import entries as directory_entries
from mse_tui.sandbox.ews.soap import QT, EwsError, Request, SoapFault, escape
from mse_tui.sandbox.permissions import (
    ANONYMOUS,
    CUSTOM,
    DEFAULT,
    RIGHTS,
    Permission,
    is_calendar,
    is_level,
    permissions,
    set_permissions,
)
from mse_tui.sandbox.records import FolderRecord


def permission_set_xml(request: Request, folder: FolderRecord) -> str:
    """A folder's PermissionSet."""
    found = permissions(request.store, folder)
    entry, tag = _names(folder)
    known = {each.address: each for each in directory_entries(request.store)}
    shown, gone = [], list(found.unknown)
    for permission in found.entries:
        user = _user_xml(known, permission.user)
        if user is None:
            gone.append(f"NT User:{permission.user}")
            continue
        rights = "".join(f"<t:{name}>{permission.rights[name]}</t:{name}>" for name in RIGHTS)
        level = f"<t:{entry}Level>{permission.level}</t:{entry}Level>"
        shown.append(f"<t:{entry}>{user}{rights}{level}</t:{entry}>")
    unknown = "".join(f"<t:UnknownEntry>{escape(each)}</t:UnknownEntry>" for each in gone)
    unknown = f"<t:UnknownEntries>{unknown}</t:UnknownEntries>" if unknown else ""
    return f"<t:PermissionSet><t:{tag}>{''.join(shown)}</t:{tag}>{unknown}</t:PermissionSet>"


def take_permission_set(request: Request, folder: FolderRecord, element: Any) -> None:
    """Set a folder's permissions to a PermissionSet. Raises EwsError."""
    entry, tag = _names(folder)
    listed = element.find(QT + tag)
    if listed is None:
        raise EwsError("ErrorInvalidPermissionSettings", "The permissions are not those of a folder of this kind.")
    taken = [_permission(request, folder, each, entry) for each in listed]
    if len({each.user for each in taken}) != len(taken):
        raise EwsError("ErrorDuplicateUserIdsSpecified", "A user is named twice.")
    set_permissions(request.store, folder, taken)


def _names(folder: FolderRecord) -> tuple[str, str]:
    return ("CalendarPermission", "CalendarPermissions") if is_calendar(folder) else ("Permission", "Permissions")


def _user_xml(known: dict[str, Entry], user: str) -> str | None:
    if user in (DEFAULT, ANONYMOUS):
        return f"<t:UserId><t:DistinguishedUser>{user}</t:DistinguishedUser></t:UserId>"
    return known[user].user_id_xml if user in known else None


def _permission(request: Request, folder: FolderRecord, element: Any, entry: str) -> Permission:
    user = _named(request, element.find(QT + "UserId"))
    level = element.findtext(f"{QT}{entry}Level") or ""
    given = {name: text for name in RIGHTS if (text := element.findtext(QT + name)) is not None}
    if not is_level(level, folder):
        raise EwsError("ErrorInvalidPermissionSettings", f"A folder of this kind has no level {level}.")
    if given and level != CUSTOM:
        raise EwsError("ErrorInvalidPermissionSettings", "A level is not given together with single permissions.")
    return Permission(user, level, given)


def _named(request: Request, element: Any) -> str:
    """Whom a UserId names. Raises EwsError."""
    if element is None or not len(element):
        raise SoapFault("ErrorSchemaValidation")
    distinguished = element.findtext(QT + "DistinguishedUser")
    if distinguished is not None:
        return str(distinguished)
    wanted = {etree.QName(each).localname: (each.text or "").strip().lower() for each in element}
    for each in directory_entries(request.store):
        addresses = (each.address, *each.others)
        if wanted.get("PrimarySmtpAddress") in addresses or wanted.get("SID") == each.sid.lower():
            return each.address
    raise EwsError("ErrorInvalidUserInfo", "The user is not in the directory.")
