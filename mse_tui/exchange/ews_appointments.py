"""From CalendarItem elements to appointments.

Source: the EWS element CalendarItem (CalendarItemType in types.xsd), and MS-OXCICAL for what its values mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml import etree

from mse_tui.exchange.calendars import (
    AppointmentRow,
    Attachment,
    Attendee,
    Event,
    Frequency,
    Recurrence,
    Response,
    Role,
)
from mse_tui.exchange.ews_rows import T, moment_of, number_of
from mse_tui.exchange.time_zones import iana_zone
from mse_tui.exchange.wire_errors import broken

ROW_FIELDS = ("item:ItemClass", "item:Subject", "calendar:Start", "calendar:End", "calendar:CalendarItemType")
"""What a page of changes asks for."""

APPOINTMENT_FIELDS = (
    "item:ItemClass", "item:Subject", "item:Sensitivity", "item:Body", "item:Attachments", "item:Importance",
    "item:Categories", "item:DateTimeCreated", "item:LastModifiedTime", "item:ReminderIsSet",
    "item:ReminderMinutesBeforeStart", "item:HasAttachments",
    "calendar:UID", "calendar:Start", "calendar:End", "calendar:OriginalStart", "calendar:IsAllDayEvent",
    "calendar:LegacyFreeBusyStatus", "calendar:Location", "calendar:IsMeeting", "calendar:IsCancelled",
    "calendar:CalendarItemType", "calendar:MyResponseType", "calendar:Organizer", "calendar:RequiredAttendees",
    "calendar:OptionalAttendees", "calendar:Resources", "calendar:AppointmentReplyTime",
    "calendar:AppointmentSequenceNumber", "calendar:AppointmentState", "calendar:Recurrence",
    "calendar:FirstOccurrence", "calendar:LastOccurrence", "calendar:ModifiedOccurrences",
    "calendar:DeletedOccurrences", "calendar:StartTimeZone", "calendar:EndTimeZone",
)  # fmt: skip
"""What a single appointment, a series or an occurrence is asked for; Exchange 2010 knows them all."""
FIELDS_SINCE_2013 = ("calendar:JoinOnlineMeetingUrl",)

_RECEIVED_COPY = 2
_CANCELLED = 4
"""Bits of AppointmentState."""
_RESPONSES = {"Accept": Response.ACCEPTED, "Tentative": Response.TENTATIVE, "Decline": Response.DECLINED}
_ROLES = (
    ("RequiredAttendees", Role.REQUIRED),
    ("OptionalAttendees", Role.OPTIONAL),
    ("Resources", Role.RESOURCE),
)
_GROUPS = frozenset({"PublicDL", "PrivateDL", "GroupMailbox"})
_DAYS = {
    "Monday": ("MO",), "Tuesday": ("TU",), "Wednesday": ("WE",), "Thursday": ("TH",), "Friday": ("FR",),
    "Saturday": ("SA",), "Sunday": ("SU",), "Day": ("MO", "TU", "WE", "TH", "FR", "SA", "SU"),
    "Weekday": ("MO", "TU", "WE", "TH", "FR"), "WeekendDay": ("SA", "SU"),
}  # fmt: skip
_POSITIONS = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
         "November", "December"),
        1,
    )
}  # fmt: skip
_PATTERNS = {
    "DailyRecurrence": Frequency.DAILY,
    "WeeklyRecurrence": Frequency.WEEKLY,
    "AbsoluteMonthlyRecurrence": Frequency.MONTHLY,
    "RelativeMonthlyRecurrence": Frequency.MONTHLY,
    "AbsoluteYearlyRecurrence": Frequency.YEARLY,
    "RelativeYearlyRecurrence": Frequency.YEARLY,
}


def appointment_row(element: etree._Element) -> AppointmentRow:
    """What a page of changes tells of an item in a calendar."""
    remote_id, change_key = item_id(element)
    return AppointmentRow(
        remote_id=remote_id,
        change_key=change_key,
        subject=_text(element, "Subject"),
        starts=moment_of(_text(element, "Start")),
        ends=moment_of(_text(element, "End")),
        is_series=_text(element, "CalendarItemType") == "RecurringMaster",
        is_appointment=is_appointment(element),
    )


def is_appointment(element: etree._Element) -> bool:
    """Whether an item is an appointment, not only something that lies in a calendar."""
    return element.tag == f"{T}CalendarItem"


def item_id(element: etree._Element) -> tuple[str, str]:
    """(id, change key) of an item."""
    identity = element.find(f"{T}ItemId")
    if identity is None:
        raise broken("An appointment in the server's answer has no id.")
    return identity.get("Id", ""), identity.get("ChangeKey", "")


@dataclass(frozen=True, slots=True)
class Master:
    """One answered item: a single appointment, or a series whose changed occurrences are still to be fetched."""

    remote_id: str
    change_key: str
    event: Event
    recurrence: Recurrence | None
    changed: Mapping[str, datetime]
    """Id of each changed occurrence -> the start that it would have had."""
    deleted: tuple[datetime, ...]
    over: datetime | None
    element: etree._Element


def master(element: etree._Element) -> Master:
    """A single appointment or a series as GetItem gives it."""
    remote_id, change_key = item_id(element)
    found = event(element)
    series = element.find(f"{T}Recurrence")
    recurrence = None if series is None else _recurrence(series)
    return Master(
        remote_id,
        change_key,
        found,
        recurrence,
        dict(_modified(element)),
        tuple(_times(element, "DeletedOccurrences/{0}DeletedOccurrence/{0}Start")),
        found.ends if recurrence is None else _series_end(element, recurrence, found),
        element,
    )


def event(element: etree._Element) -> Event:
    """The properties of a single appointment, a series, or one occurrence."""
    starts, ends = moment_of(_text(element, "Start")), moment_of(_text(element, "End"))
    if starts is None or ends is None:
        raise broken("An appointment in the server's answer has no start or no end.")
    body = element.find(f"{T}Body")
    state = number_of(_text(element, "AppointmentState"))
    is_meeting = _truth(element, "IsMeeting")
    my_response = _text(element, "MyResponseType")
    is_organizer = not state & _RECEIVED_COPY
    return Event(
        uid=_text(element, "UID"),
        starts=starts,
        ends=ends,
        starts_zone=_zone(element, "StartTimeZone"),
        ends_zone=_zone(element, "EndTimeZone") or _zone(element, "StartTimeZone"),
        is_all_day=_truth(element, "IsAllDayEvent"),
        subject=_text(element, "Subject"),
        body="" if body is None else body.text or "",
        body_is_html=body is not None and body.get("BodyType") == "HTML",
        location=_text(element, "Location"),
        sensitivity=_text(element, "Sensitivity") or "Normal",
        importance=_text(element, "Importance") or "Normal",
        categories=tuple(each.text or "" for each in element.iterfind(f"{T}Categories/{T}String")),
        show_as=_text(element, "LegacyFreeBusyStatus") or "Busy",
        is_meeting=is_meeting,
        is_cancelled=_truth(element, "IsCancelled") or bool(state & _CANCELLED),
        is_organizer=is_organizer,
        my_response=None if is_organizer or not is_meeting else _RESPONSES.get(my_response, Response.NONE),
        organizer=_organizer(element) if is_meeting else None,
        attendees=tuple(_attendees(element)),
        reminder_minutes=_reminder(element),
        sequence=number_of(_text(element, "AppointmentSequenceNumber")),
        created=moment_of(_text(element, "DateTimeCreated")),
        modified=moment_of(_text(element, "LastModifiedTime")),
        online_meeting_url=_text(element, "JoinOnlineMeetingUrl"),
        attachments=tuple(_attachment(each) for each in element.iterfind(f"{T}Attachments/*")),
    )


def original(elements: Sequence[etree._Element]) -> bytes:
    """What the server gave of an appointment and of its changed occurrences, as one document."""
    root = etree.Element(f"{T}ArrayOfRealItems", nsmap={"t": T.strip("{}")})
    for element in elements:
        root.append(etree.fromstring(etree.tostring(element, with_tail=False)))
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def attachment_content(element: etree._Element) -> str | None:
    """The base64 content of an attachment element: a file's own, an attached item's MIME."""
    return element.findtext(f"{T}Content") or element.findtext(f"*/{T}MimeContent")


# --- parts -------------------------------------------------------------------------------------------------------


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{T}{name}") or "").strip()


def _truth(element: etree._Element, name: str) -> bool:
    return _text(element, name) in ("true", "1")


def _times(element: etree._Element, path: str) -> list[datetime]:
    found = (moment_of(each.text) for each in element.iterfind(T + path.format(T)))
    return sorted(each for each in found if each is not None)


def _modified(element: etree._Element) -> list[tuple[str, datetime]]:
    pairs = []
    for occurrence in element.iterfind(f"{T}ModifiedOccurrences/{T}Occurrence"):
        original_start = moment_of(_text(occurrence, "OriginalStart"))
        if original_start is None:
            raise broken("A changed occurrence in the server's answer has no original start.")
        pairs.append((item_id(occurrence)[0], original_start))
    return pairs


def _zone(element: etree._Element, name: str) -> str:
    zone = element.find(f"{T}{name}")
    return "" if zone is None else iana_zone(zone.get("Id") or "")


def _reminder(element: etree._Element) -> int | None:
    if not _truth(element, "ReminderIsSet"):
        return None
    return number_of(_text(element, "ReminderMinutesBeforeStart"))


def _organizer(element: etree._Element) -> Attendee | None:
    mailbox = element.find(f"{T}Organizer/{T}Mailbox")
    return None if mailbox is None else _person(mailbox, Role.REQUIRED, Response.ACCEPTED)


def _attendees(element: etree._Element) -> list[Attendee]:
    found = []
    for name, role in _ROLES:
        for attendee in element.iterfind(f"{T}{name}/{T}Attendee"):
            mailbox = attendee.find(f"{T}Mailbox")
            if mailbox is not None:
                response = attendee.findtext(f"{T}ResponseType") or ""
                answered = Response.ACCEPTED if response == "Organizer" else _RESPONSES.get(response, Response.NONE)
                found.append(_person(mailbox, role, answered))
    return found


def _person(mailbox: etree._Element, role: Role, response: Response) -> Attendee:
    address = _text(mailbox, "EmailAddress")
    return Attendee(
        name=_text(mailbox, "Name"),
        address=address if "@" in address else "",
        role=role,
        response=response,
        is_group=_text(mailbox, "MailboxType") in _GROUPS,
    )


def _attachment(element: etree._Element) -> Attachment:
    identity = element.find(f"{T}AttachmentId")
    if identity is None:
        raise broken("An attachment in the server's answer has no id.")
    is_item = element.tag == f"{T}ItemAttachment"
    name = _text(element, "Name") or "attachment"
    return Attachment(
        remote_id=identity.get("Id", ""),
        name=f"{name}.eml" if is_item else name,
        content_type="message/rfc822" if is_item else _text(element, "ContentType") or "application/octet-stream",
        size=number_of(_text(element, "Size")),
        content_id=_text(element, "ContentId"),
        is_inline=_truth(element, "IsInline"),
        is_item=is_item,
    )


# --- recurrence --------------------------------------------------------------------------------------------------


def _recurrence(element: etree._Element) -> Recurrence:
    pattern = next((each for each in element if _name(each) in _PATTERNS), None)
    if pattern is None:
        raise broken("A series in the server's answer has no pattern that Exchange documents.")
    ends = moment_of(_text(element, f"EndDateRecurrence/{T}EndDate")[:10])
    return Recurrence(
        frequency=_PATTERNS[_name(pattern)],
        interval=number_of(_text(pattern, "Interval")) or 1,
        days=tuple(short for day in _text(pattern, "DaysOfWeek").split() for short in _DAYS.get(day, ())),
        position=_POSITIONS.get(_text(pattern, "DayOfWeekIndex"), 0),
        day_of_month=number_of(_text(pattern, "DayOfMonth")),
        month=_MONTHS.get(_text(pattern, "Month"), 0),
        week_begins=next(iter(_DAYS.get(_text(pattern, "FirstDayOfWeek"), ())), ""),
        count=number_of(_text(element, f"NumberedRecurrence/{T}NumberOfOccurrences")),
        until=None if ends is None else ends.date(),
    )


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _series_end(element: etree._Element, recurrence: Recurrence, event: Event) -> datetime | None:
    """When the last occurrence is over; with moved ones. None for an endless series, and where it can't be told."""
    if not recurrence.count and recurrence.until is None:
        return None
    ends = _times(element, "LastOccurrence/{0}End")
    if not ends:
        if recurrence.until is None:
            return None
        midnight = datetime(recurrence.until.year, recurrence.until.month, recurrence.until.day, tzinfo=UTC)
        try:
            ends.append(midnight + timedelta(days=2) + (event.ends - event.starts))  # in whichever zone that day is
        except OverflowError:
            return None
    return max(*ends, *_times(element, "ModifiedOccurrences/{0}Occurrence/{0}End"), event.ends)
