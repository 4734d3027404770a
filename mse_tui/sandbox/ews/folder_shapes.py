"""Folders as XML, in the shape that a request wants."""

import json
from collections.abc import Callable
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews import extended
from mse_tui.sandbox.ews.ids import IdMaker, folder_change_key
from mse_tui.sandbox.ews.permissions import permission_set_xml
from mse_tui.sandbox.ews.soap import QM, QT, Request, SoapFault, escape
from mse_tui.sandbox.records import FolderRecord, MailboxRecord

_ORDER = """FolderId ParentFolderId FolderClass DisplayName TotalCount ChildFolderCount ExtendedProperty
EffectiveRights DistinguishedFolderId SharingEffectiveRights PermissionSet UnreadCount""".split()  # noqa: SIM905
_DEFAULT = {"FolderId", "DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"}
_ALL = set(_ORDER) - {"PermissionSet", "SharingEffectiveRights", "ExtendedProperty"}
_KINDS = (
    ("ipf.appointment", "CalendarFolder"),
    ("ipf.contact", "ContactsFolder"),
    ("ipf.task", "TasksFolder"),
)
_WITHOUT = {
    "Folder": {"SharingEffectiveRights"},
    "TasksFolder": {"SharingEffectiveRights"},
    "SearchFolder": {"SharingEffectiveRights"},
    "CalendarFolder": {"UnreadCount"},
    "ContactsFolder": {"UnreadCount"},
}
_WHOLE = {"root", "archiveroot", "recoverableitemsroot", "archiverecoverableitemsroot"}
_QUOTAS = {"tag:666e", "tag:341b"}
"""The size from which sending is refused, in kilobytes, by its two tags."""
_RIGHTS = (
    "<t:EffectiveRights><t:CreateAssociated>true</t:CreateAssociated><t:CreateContents>true</t:CreateContents>"
    "<t:CreateHierarchy>true</t:CreateHierarchy><t:Delete>true</t:Delete><t:Modify>true</t:Modify><t:Read>true</t:Read>"
    "<t:ViewPrivateItems>true</t:ViewPrivateItems></t:EffectiveRights>"
)


def folder_kind(folder: FolderRecord) -> str:
    """The element name for a folder."""
    lower = folder.folder_class.lower()
    for prefix, kind in _KINDS:
        if lower.startswith(prefix):
            return kind
    return "Folder"


class FolderShape:
    """Which properties a request wants of each folder."""

    def __init__(self, element: Any) -> None:
        base = element.findtext(QT + "BaseShape") if element is not None else None
        if base not in {"IdOnly", "Default", "AllProperties"}:
            raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: BaseShape is missing.")
        self.names = {"FolderId"} | (_ALL if base == "AllProperties" else _DEFAULT if base == "Default" else set())
        self.extended: list[tuple[str, str]] = []
        for path in element.iterfind(f"{QT}AdditionalProperties/*"):
            if etree.QName(path).localname == "ExtendedFieldURI":
                self.extended.append((extended.key_of(path), extended.uri_xml(path)))
            else:
                self.names.add(path.get("FieldURI", "").removeprefix("folder:"))
        if self.extended:
            self.names.add("ExtendedProperty")


def folder_writer(request: Request, mailbox: MailboxRecord, shape: FolderShape) -> Callable[[FolderRecord], str]:
    """What writes a mailbox's folders in this shape."""
    ids = IdMaker(mailbox.guid)
    store = request.store
    keys: dict[int, int] = {}

    def parent_key(folder_id: int) -> int:
        if folder_id not in keys:
            parent = store.folder(folder_id)
            keys[folder_id] = parent.changed if parent else 0
        return keys[folder_id]

    def parts(folder: FolderRecord, names: set[str]) -> dict[str, str]:
        keys[folder.id] = folder.changed
        parent = folder.parent or folder.id
        found = {
            "FolderId": f'<t:FolderId Id="{ids.folder(folder.id)}" ChangeKey="{folder_change_key(folder.changed)}"/>',
            "ParentFolderId": f'<t:ParentFolderId Id="{ids.folder(parent)}"'
            f' ChangeKey="{folder_change_key(parent_key(parent))}"/>',
            "DisplayName": f"<t:DisplayName>{escape(folder.name)}</t:DisplayName>",
            "EffectiveRights": _RIGHTS,
        }
        if folder.folder_class:
            found["FolderClass"] = f"<t:FolderClass>{escape(folder.folder_class)}</t:FolderClass>"
        if folder.distinguished:
            found["DistinguishedFolderId"] = (
                f"<t:DistinguishedFolderId>{folder.distinguished}</t:DistinguishedFolderId>"
            )
        if names & {"TotalCount", "ChildFolderCount", "UnreadCount"}:
            total, unread, children = store.counts(folder.id)
            found["TotalCount"] = f"<t:TotalCount>{total}</t:TotalCount>"
            found["ChildFolderCount"] = f"<t:ChildFolderCount>{children}</t:ChildFolderCount>"
            found["UnreadCount"] = f"<t:UnreadCount>{unread}</t:UnreadCount>"
        if "ExtendedProperty" in names:
            found["ExtendedProperty"] = _extended(request, folder, shape)
        if "PermissionSet" in names:
            found["PermissionSet"] = permission_set_xml(request, folder)
        return found

    def write(folder: FolderRecord) -> str:
        kind = folder_kind(folder)
        names = shape.names - _WITHOUT[kind]
        found = parts(folder, names)
        return f"<t:{kind}>{''.join(found[name] for name in _ORDER if name in names and name in found)}</t:{kind}>"

    return write


def _extended(request: Request, folder: FolderRecord, shape: FolderShape) -> str:
    kept = json.loads(folder.extended) if folder.extended else {}
    shown = []
    for key, uri in shape.extended:
        value = _computed(request, key, folder)
        if value is None and key in kept:
            value = kept[key][1]
        if value is not None:
            shown.append(extended.property_xml(uri, value))
    return "".join(shown)


def _computed(request: Request, key: str, folder: FolderRecord) -> str | list[str] | None:
    if key == "tag:0e08":
        return str(_size(request, folder))
    if key in _QUOTAS:
        quota = request.store.setting(folder.mailbox, "quota_kilobytes") if folder.distinguished == "root" else None
        return None if quota is None else str(quota)
    if key == "tag:3601":
        return "0" if folder.parent == 0 else "1"
    if key == "tag:10f4":
        return "false"
    return {"tag:3001": folder.name, "tag:3613": folder.folder_class or None}.get(key)


def _size(request: Request, folder: FolderRecord) -> int:
    """Bytes of a folder's items; of a root, and of Recoverable Items, with all that lies below."""
    if folder.distinguished in _WHOLE:
        return request.store.total_size_below(folder.id)
    return request.store.total_size(folder.id)


def folder_shape(request: Request) -> FolderShape:
    """The request's FolderShape. Raises SoapFault where it has none."""
    return FolderShape(request.element.find(QM + "FolderShape"))
