"""Single occurrences of a series: found by their ids, changed, deleted, and listed in a calendar view."""

from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.access import item_of, open_decoded
from mse_tui.sandbox.ews.draft import Draft
from mse_tui.sandbox.ews.draft_reading import read_property
from mse_tui.sandbox.ews.fields import uri_of
from mse_tui.sandbox.ews.ids import IdMaker, change_key, change_number, decode
from mse_tui.sandbox.ews.series import OccurrenceRow, Series, normal_override, series_of
from mse_tui.sandbox.ews.shapes import ItemShape, item_writer
from mse_tui.sandbox.ews.soap import EwsError, Request, SoapFault, integer, part
from mse_tui.sandbox.ews.values import fragment, moment, truth
from mse_tui.sandbox.ews.zones import request_zone
from mse_tui.sandbox.records import FolderRecord, MailboxRecord, Row, stamp


def occurrence_of(request: Request, element: Any) -> tuple[MailboxRecord, Series, str]:
    """Mailbox, series and original start that an OccurrenceItemId, or an occurrence's ItemId, names."""
    if etree.QName(element).localname == "OccurrenceItemId":
        mailbox, row = _row(request, element.get("RecurringMasterId"))
        series = _series(request, row)
        return mailbox, series, series.number(integer(element.get("InstanceIndex")))
    mailbox, row, decoded = item_of(request, element)
    series = _series(request, row)
    return mailbox, series, series.at(decoded.detail)


def master_of(request: Request, element: Any) -> tuple[MailboxRecord, Row]:
    """Mailbox and row of the series that a RecurringMasterItemId names by one of its occurrences."""
    return _row(request, element.get("OccurrenceId"))


def _row(request: Request, item_id: str | None) -> tuple[MailboxRecord, Row]:
    decoded = decode(item_id)
    mailbox = open_decoded(request, decoded)
    row = request.store.item(decoded.row)
    if row is None or row["mailbox"] != mailbox.id or decoded.kind not in {"item", "occurrence"}:
        raise EwsError("ErrorItemNotFound")
    return mailbox, row


def _series(request: Request, row: Row) -> Series:
    series = series_of(request.store, row)
    if series is None:
        raise EwsError("ErrorCalendarCannotUseIdForOccurrenceId", "The item is not a series.")
    return series


def update_occurrence(request: Request, target: Any, updates: Any, resolution: str) -> str:
    """Change one occurrence: it becomes an exception of its series."""
    mailbox, series, original = occurrence_of(request, target)
    key = target.get("ChangeKey")
    if resolution != "AlwaysOverwrite" and key and change_number(key) != series.row["changed"]:
        raise EwsError("ErrorIrresolvableConflict")
    changes = dict(series.overrides.get(original) or {})
    series.occurrence(original)
    for update in updates:
        _apply(request, changes, update)
    request.store.set_occurrence(series.row["id"], original, changes)
    changed = request.store.item(series.row["id"])
    assert changed is not None
    return f"<m:Items>{_id_xml(mailbox, Series(request.store, changed).occurrence(original))}</m:Items>"


def _apply(request: Request, changes: dict[str, str], update: Any) -> None:
    verb = etree.QName(update).localname
    uri = part(update).get("FieldURI", "")
    if verb == "DeleteItemField":
        changes.pop(uri, None)
        return
    if verb != "SetItemField" or len(update) != 2 or len(update[1]) != 1:
        raise SoapFault("ErrorSchemaValidation")
    element = update[1][0]
    if uri_of("CalendarItem", etree.QName(element).localname) != uri:
        raise EwsError("ErrorUpdatePropertyMismatch")
    read_property(Draft("CalendarItem"), element)
    changes[uri] = normal_override(uri, fragment(element), request_zone(request))


def _id_xml(mailbox: MailboxRecord, row: OccurrenceRow) -> str:
    item_id = IdMaker(mailbox.guid).occurrence(row["id"], row.original_seconds)
    return f'<t:CalendarItem><t:ItemId Id="{item_id}" ChangeKey="{change_key(row["changed"])}"/></t:CalendarItem>'


def delete_occurrence(request: Request, element: Any) -> None:
    """Delete one occurrence of a series."""
    _, series, original = occurrence_of(request, element)
    series.occurrence(original)
    request.store.set_occurrence(series.row["id"], original, None)


def calendar_view_xml(
    request: Request, mailbox: MailboxRecord, folder: FolderRecord, view: Any, shape: ItemShape
) -> str:
    """The RootFolder element of what lies in a CalendarView: single items and occurrences, by start."""
    zone = request_zone(request)
    after = stamp(moment(view.get("StartDate", ""), zone)) or ""
    before = stamp(moment(view.get("EndDate", ""), zone)) or ""
    if before < after:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate.")
    found: list[Row] = []
    for row in request.store.appointments_between(folder.id, after, before):
        series = series_of(request.store, row)
        if series is not None:
            found.extend(series.between(after, before))
        elif row["end_at"] > after or row["start_at"] >= after:
            found.append(row)
    found.sort(key=lambda row: (row["start_at"], row["id"]))
    shown = found[: integer(view.get("MaxEntriesReturned", str(len(found))))]
    write = item_writer(request, mailbox, shape, "find")
    items = "".join(write(row) for row in shown)
    last = truth(len(shown) == len(found))
    return (
        f'<m:RootFolder TotalItemsInView="{len(found)}" IncludesLastItemInRange="{last}">'
        f"<t:Items>{items}</t:Items></m:RootFolder>"
    )
