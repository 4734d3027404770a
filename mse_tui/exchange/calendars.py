"""A mailbox's calendars as the product sees them: the protocol that Exchange Server and Exchange Online both serve.

Reached by `Mailbox.calendars`. Rows are frozen and our own; times are aware, in UTC, and beside a time stands the
IANA name of the zone in which it was meant. Every method may raise `Problem`; a cancelled wait raises `Cancelled`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from mse_tui.exchange.rows import ItemFailure


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One calendar of a mailbox."""

    remote_id: str
    name: str
    is_default: bool
    total_count: int = 0
    """Single appointments and series that lie in it, as the server counts them."""


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """What a page of changes tells of one single appointment or series, without its content."""

    remote_id: str
    change_key: str
    subject: str
    starts: datetime | None
    """Of a series: its first occurrence."""
    ends: datetime | None
    is_series: bool
    is_appointment: bool = True
    """False for what only lies in a calendar: a message that somebody moved there."""


@dataclass(frozen=True, slots=True)
class AppointmentChanges:
    """One page of changes of a calendar."""

    changed: tuple[AppointmentRow, ...]
    """Created or updated; a series also where one of its occurrences was changed or deleted."""
    removed: tuple[str, ...]
    state: str
    last: bool


class Response(StrEnum):
    """What an attendee has answered; the value is iCalendar's (RFC 5545, PARTSTAT)."""

    NONE = "NEEDS-ACTION"
    ACCEPTED = "ACCEPTED"
    TENTATIVE = "TENTATIVE"
    DECLINED = "DECLINED"


class Role(StrEnum):
    """How an attendee takes part; the value is iCalendar's (RFC 5545, ROLE), a resource's is its own."""

    REQUIRED = "REQ-PARTICIPANT"
    OPTIONAL = "OPT-PARTICIPANT"
    RESOURCE = "NON-PARTICIPANT"


@dataclass(frozen=True, slots=True)
class Attendee:
    """One person or resource of a meeting."""

    name: str
    address: str
    """SMTP address, '' where the server tells none."""
    role: Role = Role.REQUIRED
    response: Response = Response.NONE
    is_group: bool = False


class Frequency(StrEnum):
    """How a series comes again."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The rule of a series; without `count` and `until` it is endless."""

    frequency: Frequency
    interval: int = 1
    days: tuple[str, ...] = ()
    """Weekdays as iCalendar writes them: MO, TU, ..."""
    position: int = 0
    """Which of those days of the month: 1 to 4, -1 for the last; 0: all."""
    day_of_month: int = 0
    """0: not by the day's number. A month that is shorter has the occurrence at its end (Exchange's rule)."""
    month: int = 0
    week_begins: str = ""
    """The weekday with which a week begins; '' where it does not matter."""
    count: int = 0
    until: date | None = None
    """The last day, in the series' own zone."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment of an appointment; its content follows when asked for."""

    remote_id: str
    name: str
    content_type: str
    size: int
    """Bytes, as the server counts them."""
    content_id: str = ""
    is_inline: bool = False
    is_item: bool = False
    """Another item of the mailbox, attached as a whole."""


@dataclass(frozen=True, slots=True)
class Event:
    """A single appointment, a series' common properties, or one changed occurrence."""

    uid: str
    starts: datetime
    ends: datetime
    starts_zone: str = ""
    """IANA name; '' where the server names no zone that is known."""
    ends_zone: str = ""
    is_all_day: bool = False
    subject: str = ""
    body: str = ""
    body_is_html: bool = False
    location: str = ""
    sensitivity: str = "Normal"
    """Normal, Personal, Private or Confidential"""
    importance: str = "Normal"
    categories: tuple[str, ...] = ()
    show_as: str = "Busy"
    """Free, Tentative, Busy, OOF, WorkingElsewhere or NoData"""
    is_meeting: bool = False
    is_cancelled: bool = False
    is_organizer: bool = True
    """This is the organiser's copy; otherwise an attendee's."""
    my_response: Response | None = None
    """What the mailbox's owner has answered; None for the organiser and for no meeting."""
    organizer: Attendee | None = None
    attendees: tuple[Attendee, ...] = ()
    reminder_minutes: int | None = None
    sequence: int = 0
    created: datetime | None = None
    modified: datetime | None = None
    online_meeting_url: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """An attachment with its bytes."""

    attachment: Attachment
    content: bytes


@dataclass(frozen=True, slots=True)
class Appointment:
    """A single appointment or a whole series, as it is now."""

    remote_id: str
    change_key: str
    event: Event
    recurrence: Recurrence | None
    changed: tuple[tuple[datetime, Event], ...]
    """Occurrences that differ from their series, each with the start that it would have had."""
    deleted: tuple[datetime, ...]
    """The starts that deleted occurrences would have had."""
    attachments: tuple[AttachmentContent, ...]
    """Of the series and of its changed occurrences; empty where they were not asked for."""
    original: bytes
    """What the server gave, in its own form, without the attachments' content."""
    over: datetime | None
    """The end of its last occurrence; None for an endless series."""


class Calendars(Protocol):
    """The calendars of one mailbox. One thread may list while another one iterates `fetch`."""

    def folders(self, *, all_calendars: bool) -> list[CalendarRow]:
        """The default calendar, or all calendars that were not deleted, the default one first."""
        ...

    def changes(self, calendar_id: str, state: str | None) -> AppointmentChanges:
        """The next page of changes of one calendar since `state` (None: from the beginning).

        Raises SyncStateInvalid.
        """
        ...

    def fetch(self, remote_ids: Sequence[str], *, attachments: bool) -> Iterator[Appointment | ItemFailure]:
        """Single appointments and whole series, one answer an id, in the order asked.

        Batched, with a few requests in flight (the connection's setting). Closing the iterator early is allowed.
        """
        ...
