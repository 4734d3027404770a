"""The EWS requests that calendars are read with."""

from collections.abc import Iterable, Sequence

from exchangelib.services import GetAttachment, SyncFolderItems
from exchangelib.util import create_element
from lxml import etree

from mse_tui.exchange.ews_appointments import APPOINTMENT_FIELDS, FIELDS_SINCE_2013, ROW_FIELDS
from mse_tui.exchange.ews_calls import Calls, Request, folder_element, shape, text_element
from mse_tui.exchange.ews_rows import T


def sync_appointments(calls: Calls, calendar_id: str, state: str | None, page: int) -> Request:
    """SyncFolderItems of a calendar: single appointments and series."""
    payload = create_element("m:SyncFolderItems")
    payload.append(shape("m:ItemShape", ROW_FIELDS))
    payload.append(folder_element("m:SyncFolderId", calendar_id))
    if state:
        text_element(payload, "m:SyncState", state)
    text_element(payload, "m:MaxChangesReturned", str(page))
    return calls.request(SyncFolderItems(account=calls.account), payload)


def get_appointments(calls: Calls, remote_ids: Sequence[str]) -> Request:
    """GetItem of single appointments, series and occurrences, with all that the archive keeps of them."""
    fields = (*APPOINTMENT_FIELDS, *FIELDS_SINCE_2013) if calls.since_2013 else APPOINTMENT_FIELDS
    return calls.get_item(shape("m:ItemShape", fields), remote_ids)


def get_attachments(calls: Calls, remote_ids: Iterable[str]) -> Request:
    """GetAttachment: files, and attached items as MIME."""
    payload = create_element("m:GetAttachment")
    wanted = create_element("m:AttachmentShape")
    text_element(wanted, "t:IncludeMimeContent", "true")
    payload.append(wanted)
    ids = create_element("m:AttachmentIds")
    for remote_id in remote_ids:
        etree.SubElement(ids, f"{T}AttachmentId", Id=remote_id)
    payload.append(ids)
    return calls.request(GetAttachment(account=calls.account), payload)
