"""From the ids in a request to mailboxes, folders and items that its user may open."""

from typing import Any

from mse_tui.sandbox.ews.ids import DecodedId, decode
from mse_tui.sandbox.ews.soap import QT, EwsError, Request, SoapFault
from mse_tui.sandbox.records import FolderRecord, MailboxRecord, Row


def check_mailbox(mailbox: MailboxRecord) -> None:
    """Raises EwsError where the mailbox can't be opened by anybody now."""
    if mailbox.error:
        raise EwsError(mailbox.error)
    if mailbox.disabled:
        raise EwsError("ErrorAccountDisabled")


def open_address(request: Request, address: str) -> MailboxRecord:
    """The mailbox of an address, if the request's user may open it. Raises EwsError."""
    mailbox = request.store.mailbox(address)
    if mailbox is None:
        raise EwsError("ErrorNonExistentMailbox")
    return _open(request, mailbox)


def open_decoded(request: Request, decoded: DecodedId) -> MailboxRecord:
    """The mailbox that an id belongs to, if the request's user may open it. Raises EwsError."""
    for known in request.openable.values():
        if known.guid == decoded.guid:
            return known
    mailbox = request.store.mailbox_by_guid(decoded.guid)
    if mailbox is None:
        raise EwsError("ErrorItemNotFound")
    return _open(request, mailbox)


def _open(request: Request, mailbox: MailboxRecord) -> MailboxRecord:
    if mailbox.id in request.openable:
        return mailbox
    check_mailbox(mailbox)
    if request.user.lower() not in request.store.full_access(mailbox.id):
        raise EwsError("ErrorAccessDenied")
    request.openable[mailbox.id] = mailbox
    return mailbox


def own_mailbox(request: Request) -> MailboxRecord:
    """The mailbox of the request's user. Raises EwsError ErrorMissingEmailAddress."""
    if request.mailbox is None:
        raise EwsError("ErrorMissingEmailAddress")
    return request.mailbox


def folder_of(request: Request, element: Any) -> tuple[MailboxRecord, FolderRecord]:
    """The folder that a FolderId or DistinguishedFolderId element names. Raises EwsError."""
    if element.tag == QT + "DistinguishedFolderId":
        address = element.findtext(f"{QT}Mailbox/{QT}EmailAddress")
        mailbox = open_address(request, address) if address else own_mailbox(request)
        folder = request.store.distinguished_folder(mailbox.id, element.get("Id", ""))
    elif element.tag == QT + "FolderId":
        decoded = decode(element.get("Id"))
        if decoded.kind != "folder":
            raise EwsError("ErrorInvalidIdNotAnItemAttachmentId" if decoded.kind == "attachment" else "ErrorInvalidId")
        mailbox = open_decoded(request, decoded)
        folder = request.store.folder(decoded.row)
        if folder is not None and folder.mailbox != mailbox.id:
            folder = None
    else:
        raise SoapFault("ErrorSchemaValidation")
    if folder is None:
        raise EwsError("ErrorFolderNotFound")
    return mailbox, folder


def target_folder(request: Request, name: str) -> tuple[MailboxRecord, FolderRecord]:
    """The folder inside a child of the operation ('ToFolderId', 'SyncFolderId')."""
    holder = request.required(name)
    if len(holder) != 1:
        raise SoapFault("ErrorSchemaValidation")
    return folder_of(request, holder[0])


def item_of(request: Request, element: Any) -> tuple[MailboxRecord, Row, DecodedId]:
    """The item that an ItemId element names; for an occurrence's id its series. Raises EwsError."""
    decoded = decode(element.get("Id"))
    if decoded.kind not in {"item", "occurrence"}:
        raise EwsError("ErrorCannotUseFolderIdForItemId" if decoded.kind == "folder" else "ErrorInvalidId")
    mailbox = open_decoded(request, decoded)
    row = request.store.item(decoded.row)
    if row is None or row["mailbox"] != mailbox.id:
        raise EwsError("ErrorItemNotFound")
    return mailbox, row, decoded
