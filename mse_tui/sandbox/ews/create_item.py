"""CreateItem: save, send, or both."""

from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.access import open_decoded, own_mailbox, target_folder
from mse_tui.sandbox.ews.compose import spec_of_draft
from mse_tui.sandbox.ews.content_fields import CONTENT_RENDERS
from mse_tui.sandbox.ews.draft import Draft
from mse_tui.sandbox.ews.draft_reading import read_item
from mse_tui.sandbox.ews.fields import kind_of
from mse_tui.sandbox.ews.ids import decode
from mse_tui.sandbox.ews.render import Rendering, item_id_xml
from mse_tui.sandbox.ews.soap import EwsError, Request, operation, response_messages
from mse_tui.sandbox.ews.zones import request_zone
from mse_tui.sandbox.records import FolderRecord, ItemSpec, MailboxRecord

_HOMES = {"CalendarItem": "calendar", "Contact": "contacts", "DistributionList": "contacts", "Task": "tasks"}


@operation("CreateItem")
def create_item(request: Request) -> str:
    """CreateItem."""
    disposition = request.element.get("MessageDisposition")

    def one(element: Any) -> str:
        draft = read_item(element, request_zone(request))
        _check_asked(request, draft, disposition)
        sends = draft.kind == "Message" and disposition in {"SendOnly", "SendAndSaveCopy"}
        mailbox, folder = _home(request, draft, sent=sends)
        spec = spec_of_draft(draft, mailbox, request.clock())
        if sends:
            spec.is_draft = False
            _deliver(request, spec)
            if disposition == "SendOnly":
                return "<m:Items/>"
            spec.is_read = True
        return f"<m:Items>{created_xml(request, mailbox, request.store.add_item(folder.id, spec))}</m:Items>"

    return response_messages(request, request.required("Items"), one, on_error="<m:Items/>")


def _check_asked(request: Request, draft: Draft, disposition: str | None) -> None:
    if draft.kind == "Message" and disposition not in {"SaveOnly", "SendOnly", "SendAndSaveCopy"}:
        raise EwsError("ErrorMessageDispositionRequired", "Message disposition is required for messages.")
    if draft.kind == "CalendarItem" and request.element.get("SendMeetingInvitations") is None:
        raise EwsError("ErrorSendMeetingInvitationsRequired", "SendMeetingInvitations is required for calendar items.")
    if draft.kind == "CalendarItem" and not {"start_at", "end_at"} <= set(draft.columns) and draft.mime is None:
        raise EwsError("ErrorRequiredPropertyMissing", "A calendar item needs Start and End.")
    if draft.kind == "CalendarItem" and draft.columns.get("end_at", "") < draft.columns.get("start_at", ""):
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")


def _home(request: Request, draft: Draft, *, sent: bool) -> tuple[MailboxRecord, FolderRecord]:
    if request.child("SavedItemFolderId") is not None:
        return target_folder(request, "SavedItemFolderId")
    mailbox = own_mailbox(request)
    name = "sentitems" if sent else _HOMES.get(draft.kind, "drafts")
    folder = request.store.distinguished_folder(mailbox.id, name)
    if folder is None:
        raise EwsError("ErrorFolderNotFound")
    return mailbox, folder


def _deliver(request: Request, spec: ItemSpec) -> None:
    everybody = [*spec.to, *spec.cc, *spec.bcc]
    if not everybody:
        raise EwsError("ErrorInvalidRecipients", "At least one recipient isn't valid.")
    reached = {found.id: found for each in everybody if (found := request.store.mailbox(each.address)) is not None}
    for mailbox in reached.values():
        inbox = request.store.distinguished_folder(mailbox.id, "inbox")
        if inbox is not None:
            request.store.add_item(inbox.id, spec)


def created_xml(request: Request, mailbox: MailboxRecord, item_id: int) -> str:
    """A new or moved item as the response names it: its id, and its attachments' ids."""
    row = request.store.item(item_id)
    if row is None:
        raise EwsError("ErrorItemNotFound")
    kind = kind_of(row["item_class"])
    rendering = Rendering(request, mailbox)
    attachments = CONTENT_RENDERS["item:Attachments"](row, rendering) if row["blob"] is not None else ""
    return f"<t:{kind}>{item_id_xml(row, rendering)}{attachments}</t:{kind}>"


@operation("SendItem")
def send_item(request: Request) -> str:
    """SendItem: deliver a saved draft and, if asked, keep a copy in a folder."""
    save = request.element.get("SaveItemToFolder") in {"true", "1"}

    def one(element: Any) -> str:
        decoded = decode(element.get("Id"))
        mailbox = open_decoded(request, decoded)
        row = request.store.item(decoded.row)
        if row is None or row["mailbox"] != mailbox.id or etree.QName(element).localname != "ItemId":
            raise EwsError("ErrorItemNotFound")
        from mse_tui.sandbox.mime import spec_from_mime  # noqa: PLC0415 (sending alone needs it)

        _deliver(request, spec_from_mime(request.store.content(row), received=request.clock()))
        if save:
            holder = request.child("SavedItemFolderId")
            folder = (
                target_folder(request, "SavedItemFolderId")[1]
                if holder is not None
                else request.store.distinguished_folder(mailbox.id, "sentitems")
            )
            assert folder is not None
            moved = request.store.move_item(decoded.row, folder.id)
            request.store.update_item(moved, {"is_draft": False, "is_read": True})
        else:
            request.store.delete_item(decoded.row)
        return ""

    return response_messages(request, request.required("ItemIds"), one)
