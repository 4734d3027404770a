"""Operations on folders: get, find, create, update, move, delete, empty."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews import extended
from mse_tui.sandbox.ews.access import folder_of, target_folder
from mse_tui.sandbox.ews.folder_shapes import FolderShape, folder_shape, folder_writer
from mse_tui.sandbox.ews.paging import paged
from mse_tui.sandbox.ews.permissions import take_permission_set
from mse_tui.sandbox.ews.restrictions import folder_filter
from mse_tui.sandbox.ews.soap import QM, QT, EwsError, Request, SoapFault, operation, part, response_messages
from mse_tui.sandbox.folders import FolderExists, FolderRefused
from mse_tui.sandbox.permissions import inherit
from mse_tui.sandbox.records import DeleteType, FolderRecord, MailboxRecord

_ID_SHAPE = etree.fromstring(f'<s xmlns:t="{QT.strip("{}")}"><t:BaseShape>IdOnly</t:BaseShape></s>')
_CLASSES = {
    "Folder": "IPF.Note",
    "CalendarFolder": "IPF.Appointment",
    "ContactsFolder": "IPF.Contact",
    "TasksFolder": "IPF.Task",
}


def delete_type(request: Request) -> DeleteType:
    """The request's DeleteType. Raises SoapFault."""
    try:
        return DeleteType(request.element.get("DeleteType", ""))
    except ValueError as error:
        raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: DeleteType.") from error


def _folders_xml(inner: str) -> str:
    return f"<m:Folders>{inner}</m:Folders>"


def _id_xml(request: Request, mailbox: MailboxRecord, folder: FolderRecord) -> str:
    return _folders_xml(folder_writer(request, mailbox, FolderShape(_ID_SHAPE))(folder))


@operation("GetFolder")
def get_folder(request: Request) -> str:
    """GetFolder."""
    shape = folder_shape(request)

    def one(element: Any) -> str:
        mailbox, folder = folder_of(request, element)
        return _folders_xml(folder_writer(request, mailbox, shape)(folder))

    return response_messages(request, request.required("FolderIds"), one)


@operation("FindFolder")
def find_folder(request: Request) -> str:
    """FindFolder, shallow or deep, with restriction and paging."""
    shape = folder_shape(request)
    traversal = request.element.get("Traversal")
    if traversal not in {"Shallow", "Deep", "SoftDeleted"}:
        raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: Traversal.")
    wanted = folder_filter(request, request.child("Restriction"))
    views = (request.child("IndexedPageFolderView"), request.child("FractionalPageFolderView"))
    view = next((found for found in views if found is not None), None)

    def one(element: Any) -> str:
        mailbox, folder = folder_of(request, element)
        if traversal == "Deep":
            found = request.store.subtree(folder.id)
        else:
            found = request.store.children(folder.id) if traversal == "Shallow" else []
        chosen = [each for each in found if wanted(each)]
        page, attributes = paged(view, len(chosen))
        write = folder_writer(request, mailbox, shape)
        shown = "".join(write(each) for each in chosen[page])
        return f"<m:RootFolder{attributes}><t:Folders>{shown}</t:Folders></m:RootFolder>"

    return response_messages(request, request.required("ParentFolderIds"), one)


@operation("CreateFolder")
def create_folder(request: Request) -> str:
    """CreateFolder."""
    holder = request.required("ParentFolderId")

    def one(element: Any) -> str:
        mailbox, parent = target_folder(request, "ParentFolderId")
        if len(holder) != 1:
            raise SoapFault("ErrorSchemaValidation")
        kind = etree.QName(element).localname
        if kind not in _CLASSES:
            raise EwsError("ErrorInvalidFolderTypeForOperation", f"A {kind} can't be created.")
        values = _values(element)
        name = values.get("name", "").strip()
        if not name:
            raise EwsError("ErrorFolderSavePropertyError", "A folder needs a name.")
        try:
            folder = request.store.add_folder(
                mailbox.id,
                parent.id,
                name,
                folder_class=values.get("folder_class", _CLASSES[kind]),
                extended=values.get("extended", ""),
            )
        except FolderExists as error:
            raise EwsError("ErrorFolderExists") from error
        inherit(request.store, folder)
        _take_permissions(request, folder, element)
        return _reread(request, mailbox, folder.id)

    return response_messages(request, request.required("Folders"), one)


def _take_permissions(request: Request, folder: FolderRecord, element: Any) -> None:
    given = element.find(QT + "PermissionSet")
    if given is not None:
        take_permission_set(request, folder, given)


def _values(element: Any) -> dict[str, str]:
    values: dict[str, str] = {}
    kept: dict[str, Any] = {}
    for child in element:
        name = etree.QName(child).localname
        if name == "DisplayName":
            values["name"] = child.text or ""
        elif name == "FolderClass":
            values["folder_class"] = child.text or ""
        elif name == "ExtendedProperty":
            key, pair = extended.read_property(child)
            kept[key] = pair
        elif name not in {"PermissionSet"}:
            raise EwsError("ErrorInvalidPropertySet", f"{name} can't be set.")
    if kept:
        values["extended"] = json.dumps(kept)
    return values


@operation("UpdateFolder")
def update_folder(request: Request) -> str:
    """UpdateFolder: name, class, permissions and extended properties."""

    def one(element: Any) -> str:
        mailbox, folder = folder_of(request, part(element))
        updates = element.find(QT + "Updates")
        if updates is None or not len(updates):
            raise SoapFault("ErrorSchemaValidation")
        values: dict[str, str] = {}
        kept = json.loads(folder.extended) if folder.extended else {}
        for update in updates:
            if etree.QName(update).localname == "DeleteFolderField":
                kept.pop(extended.key_of(part(update)), None)
            else:
                _take_permissions(request, folder, part(update, 1))
                given = _values(part(update, 1))
                kept |= json.loads(given.pop("extended", "{}"))
                values |= given
        if "name" in values and folder.distinguished and folder.name != values["name"]:
            raise EwsError("ErrorInvalidOperation", "A standard folder can't be renamed.")
        if "name" in values and not values["name"].strip():
            raise EwsError("ErrorFolderSavePropertyError", "A folder needs a name.")
        try:
            request.store.set_folder(folder.id, values | {"extended": json.dumps(kept) if kept else ""})
        except FolderExists as error:
            raise EwsError("ErrorFolderExists") from error
        return _reread(request, mailbox, folder.id)

    return response_messages(request, request.required("FolderChanges"), one)


def _reread(request: Request, mailbox: MailboxRecord, folder_id: int) -> str:
    changed = request.store.folder(folder_id)
    if changed is None:
        raise EwsError("ErrorFolderNotFound")
    return _id_xml(request, mailbox, changed)


@operation("MoveFolder")
def move_folder(request: Request) -> str:
    """MoveFolder, within one mailbox."""

    def one(element: Any) -> str:
        target_mailbox, target = target_folder(request, "ToFolderId")
        mailbox, folder = folder_of(request, element)
        if mailbox.id != target_mailbox.id:
            raise EwsError("ErrorMoveCopyFailed", "Folders are moved within one mailbox only.")
        _refusing(
            lambda: request.store.move_folder(folder.id, target.id),
            "ErrorMoveDistinguishedFolder" if folder.distinguished else "ErrorMoveCopyFailed",
        )
        return _reread(request, mailbox, folder.id)

    return response_messages(request, request.required("FolderIds"), one)


@operation("DeleteFolder")
def delete_folder(request: Request) -> str:
    """DeleteFolder, in the three ways."""
    how = delete_type(request)

    def one(element: Any) -> str:
        _, folder = folder_of(request, element)
        _refusing(lambda: request.store.delete_folder(folder.id, how), "ErrorDeleteDistinguishedFolder")
        return ""

    return response_messages(request, request.required("FolderIds"), one)


@operation("EmptyFolder")
def empty_folder(request: Request) -> str:
    """EmptyFolder: its items and, if asked, its subfolders."""
    how = delete_type(request)
    below = request.element.get("DeleteSubFolders") in {"true", "1"}

    def one(element: Any) -> str:
        _, folder = folder_of(request, element)
        request.store.empty_folder(folder.id, how)
        for child in request.store.children(folder.id) if below else ():
            if not child.distinguished:
                _refusing(partial(request.store.delete_folder, child.id, how), "ErrorDeleteDistinguishedFolder")
        return ""

    return response_messages(request, request.element.find(QM + "FolderIds"), one)


def _refusing(change: Callable[[], None], refused: str) -> None:
    try:
        change()
    except FolderRefused as error:
        raise EwsError(refused) from error
    except FolderExists as error:
        raise EwsError("ErrorFolderExists") from error
    except LookupError as error:
        raise EwsError("ErrorFolderNotFound") from error
