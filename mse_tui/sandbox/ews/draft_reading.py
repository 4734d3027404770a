"""What a client says about an item that it creates or changes, read from its elements."""

from base64 import b64decode
from binascii import Error as Base64Error
from datetime import UTC, datetime, tzinfo
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews import extended
from mse_tui.sandbox.ews.compose import mime_of_draft
from mse_tui.sandbox.ews.draft import Draft
from mse_tui.sandbox.ews.fields import DEFAULT_CLASSES, KINDS, uri_of
from mse_tui.sandbox.ews.recurrence import starts
from mse_tui.sandbox.ews.soap import QT, EwsError
from mse_tui.sandbox.ews.values import boolean, fragment, person, persons, strings, utc_text
from mse_tui.sandbox.mime_edit import NewAttachment
from mse_tui.sandbox.records import Person

READ_ONLY = frozenset(
    f"item:{name}"
    for name in """ItemId ParentFolderId Size IsSubmitted IsDraft IsFromMe IsResend IsUnmodified DateTimeReceived
    DateTimeSent DateTimeCreated ResponseObjects ReminderNextTime DisplayCc DisplayTo DisplayBcc HasAttachments
    EffectiveRights LastModifiedName LastModifiedTime IsAssociated WebClientReadFormQueryString
    WebClientEditFormQueryString ConversationId UniqueBody InstanceKey NormalizedBody Preview TextBody
    InternetMessageHeaders""".split()  # noqa: SIM905
) | frozenset(
    f"calendar:{name}"
    for name in """OriginalStart IsMeeting IsCancelled IsRecurring MeetingRequestWasSent CalendarItemType
    Organizer ConflictingMeetingCount AdjacentMeetingCount Duration TimeZone AppointmentReplyTime
    AppointmentSequenceNumber AppointmentState FirstOccurrence LastOccurrence ModifiedOccurrences DeletedOccurrences
    When IsOrganizer""".split()  # noqa: SIM905
)
"""Properties that only the server sets; the ones of calendars are accepted and ignored, as Exchange does."""


def read_property(draft: Draft, element: Any) -> None:
    """Take one property. Raises EwsError ErrorInvalidPropertySet."""
    name = etree.QName(element).localname
    uri = uri_of(draft.kind, name)
    if uri is None:
        raise EwsError("ErrorInvalidPropertySet", f"A {draft.kind} has no {name}.")
    if uri in READ_ONLY:
        if uri.startswith("calendar:"):
            return
        raise EwsError("ErrorInvalidPropertySet", f"{uri} is set by the server alone.")
    special = _SPECIAL.get(uri)
    if special is not None:
        special(draft, element)
    else:
        draft.properties[uri] = fragment(element)


def read_item(element: Any, zone: tzinfo = UTC) -> Draft:
    """All that an item's element says. Raises EwsError."""
    kind = etree.QName(element).localname
    if kind not in KINDS:
        raise EwsError("ErrorInvalidItemForOperationCreateItem", f"A {kind} can't be created.")
    draft = Draft(kind, zone)
    draft.columns["item_class"] = DEFAULT_CLASSES[kind]
    for child in element:
        read_property(draft, child)
    return draft


def read_attachment(element: Any) -> NewAttachment:
    """A FileAttachment or ItemAttachment element. Raises EwsError."""

    def given(name: str) -> str:
        return element.findtext(QT + name) or ""

    name = given("Name")
    if etree.QName(element).localname == "ItemAttachment":
        item = next((child for child in element if etree.QName(child).localname in KINDS), None)
        if item is None:
            raise EwsError("ErrorMissingItemForCreateItemAttachment")
        draft = read_item(item)
        draft.columns.setdefault("subject", name)
        return NewAttachment(name, mime_of_draft(draft), "message/rfc822", given("ContentId"))
    return NewAttachment(
        name or "attachment",
        _base64(given("Content"), "ErrorAttachmentSizeLimitExceeded"),
        given("ContentType") or "application/octet-stream",
        given("ContentId"),
        given("ContentLocation"),
        inline=boolean(given("IsInline") or "false"),
    )


def _base64(text: str, code: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except Base64Error as error:
        raise EwsError(code, "The content is not valid base64.") from error


def _column(name: str) -> Any:
    def read(draft: Draft, element: Any) -> None:
        draft.columns[name] = element.text or ""

    return read


def _moment_column(name: str) -> Any:
    def read(draft: Draft, element: Any) -> None:
        draft.columns[name] = utc_text(element.text or "", draft.zone)

    return read


def _one_of(column: str, allowed: tuple[str, ...]) -> Any:
    def read(draft: Draft, element: Any) -> None:
        if element.text not in allowed:
            raise EwsError("ErrorInvalidPropertySet", f"{element.text!r} is not one of {', '.join(allowed)}.")
        draft.columns[column] = element.text

    return read


def _group(header: str) -> Any:
    def read(draft: Draft, element: Any) -> None:
        draft.people[header] = persons(element)

    return read


def _sender(draft: Draft, element: Any) -> None:
    found = element.find(QT + "Mailbox")
    who = person(found) if found is not None else Person("", "")
    draft.columns |= {"sender_name": who.name, "sender_address": who.address}


def _categories(draft: Draft, element: Any) -> None:
    draft.columns["categories"] = "\n".join(strings(element))


def _flag(draft: Draft, element: Any) -> None:
    status = element.findtext(QT + "FlagStatus") or ""
    if status not in {"NotFlagged", "Flagged", "Complete"}:
        raise EwsError("ErrorInvalidPropertySet", f"{status!r} is not a flag status.")
    draft.columns["flag"] = status
    draft.properties["item:Flag"] = fragment(element) if len(element) > 1 else ""


def _recurrence(draft: Draft, element: Any) -> None:
    try:
        next(starts(element, datetime(2000, 1, 1, tzinfo=UTC), UTC), None)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError) as error:
        raise EwsError("ErrorCalendarInvalidRecurrence", "The recurrence can't be understood.") from error
    draft.properties["calendar:Recurrence"] = fragment(element)


def _read_state(draft: Draft, element: Any) -> None:
    draft.columns["is_read"] = boolean(element.text)


def _body(draft: Draft, element: Any) -> None:
    draft.body = (element.get("BodyType", "Text"), element.text or "")


def _mime(draft: Draft, element: Any) -> None:
    draft.mime = _base64(element.text or "", "ErrorMimeContentInvalidBase64String")


def _attachments(draft: Draft, element: Any) -> None:
    draft.attachments = [read_attachment(each) for each in element]


def _extended(draft: Draft, element: Any) -> None:
    key, pair = extended.read_property(element)
    columns = extended.columns_from(key, pair[1]) if isinstance(pair[1], str) else None
    if columns is not None:
        draft.columns |= columns
    elif key not in {"tag:0e08", "tag:0e1b"}:
        draft.extended[key] = pair


_SPECIAL: dict[str, Any] = {
    "item:MimeContent": _mime,
    "item:ItemClass": _column("item_class"),
    "item:Subject": _column("subject"),
    "item:Sensitivity": _one_of("sensitivity", extended.SENSITIVITIES),
    "item:Importance": _one_of("importance", extended.IMPORTANCES),
    "item:Body": _body,
    "item:Attachments": _attachments,
    "item:Categories": _categories,
    "item:InReplyTo": _column("in_reply_to"),
    "item:Flag": _flag,
    "item:ExtendedProperty": _extended,
    "message:Sender": lambda draft, element: None if "sender_address" in draft.columns else _sender(draft, element),
    "message:From": _sender,
    "message:ToRecipients": _group("To"),
    "message:CcRecipients": _group("Cc"),
    "message:BccRecipients": _group("Bcc"),
    "message:InternetMessageId": _column("message_id"),
    "message:References": _column("refs"),
    "message:IsRead": _read_state,
    "calendar:Recurrence": _recurrence,
    "calendar:Start": _moment_column("start_at"),
    "calendar:End": _moment_column("end_at"),
}
