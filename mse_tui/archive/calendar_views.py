"""What the archive shows of calendars: calendars, appointments in a view, their versions and contents.

A view is that of `archive.views`: live, everything ever seen, or as of a time. Rows are frozen; none of these
functions changes anything or reads content. `private=False` leaves out what its owner has marked private or personal,
wholly: that is what delegates see.
"""

# ruff: noqa: S608 (the conditions put into SQL are this module's own; every value is a parameter)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mse_tui.archive.statements import marks, select
from mse_tui.archive.views import View
from mse_tui.reasons import Problem, Reason
from mse_tui.store.calendars import FIRST_ATTACHMENT
from mse_tui.store.models import from_micros, moment_at, to_micros
from mse_tui.terms import PRIVATE_SENSITIVITIES


@dataclass(frozen=True, slots=True)
class CalendarView:
    """One calendar of a mailbox."""

    id: int
    mailbox_id: int
    remote_id: str
    name: str
    is_default: bool
    appointments: int
    """Single appointments and series in the view."""
    replicated: datetime | None
    """When it was last read to its end."""
    opened: datetime
    closed: datetime | None
    """When it was gone from Exchange; None: still there."""


@dataclass(frozen=True, slots=True)
class AppointmentView:
    """One version of a single appointment or of a series."""

    version_id: int
    appointment_id: int
    calendar_id: int
    calendar: str
    uid: str
    subject: str
    location: str
    organizer: str
    starts: datetime
    """Of an all-day appointment: its first day's midnight, in UTC; of a series: its earliest occurrence."""
    ends: datetime
    over: datetime | None
    """The end of its last occurrence; None: it never ends."""
    zone: str
    """IANA name of the zone that it was made in, '' where not known."""
    is_series: bool
    is_all_day: bool
    is_meeting: bool
    is_cancelled: bool
    sensitivity: str
    show_as: str
    has_attachments: bool
    lacks_attachments: bool
    """It has attachments that the definition does not want."""
    opened: datetime
    """Since when it was so, by the passes that saw it."""
    closed: datetime | None
    """When it was changed or gone; None: it still is so."""

    @property
    def is_private(self) -> bool:
        return self.sensitivity.lower() in PRIVATE_SENSITIVITIES


@dataclass(frozen=True, slots=True)
class ContentView:
    """One content that the archive keeps of a version."""

    position: int
    sha256: bytes
    size: int
    name: str
    content_type: str
    content_id: str


_VERSION = (
    "SELECT v.id, a.id, c.id, c.name, a.uid, v.subject, v.location, v.organizer, v.starts, v.ends, v.over, v.zone,"
    " v.is_series, v.is_all_day, v.is_meeting, v.is_cancelled, v.sensitivity, v.show_as, v.has_attachments,"
    " v.lacks_attachments, v.opened, v.closed"
    " FROM appointment_version v JOIN appointment a ON a.id = v.appointment_id JOIN calendar c ON c.id = v.calendar_id"
)
_SEEN = "(v.closed IS NULL OR v.closed > v.opened)"
"""A version that was replaced within one pass was never to be seen."""


def mailboxes_with_calendars() -> set[int]:
    """Mailboxes of which a calendar was ever replicated."""
    return {row[0] for row in select("SELECT DISTINCT mailbox_id FROM calendar")}


def calendars(mailbox_id: int, view: View, *, private: bool = True) -> list[CalendarView]:
    """The mailbox's calendars in a view, the default one first."""
    full_from = _full_from(mailbox_id)
    there, there_parameters = view.spans("c", full_from)
    shown, parameters = _shown(view, full_from, private)
    rows = select(
        "SELECT c.id, c.mailbox_id, c.remote_id, c.name, c.is_default,"
        f" (SELECT COUNT(DISTINCT v.appointment_id) FROM appointment_version v WHERE v.calendar_id = c.id AND {shown}),"
        f" c.read, c.opened, c.closed FROM calendar c WHERE c.mailbox_id = ? AND {there}"
        " ORDER BY c.is_default DESC, c.name, c.id",
        (*parameters, mailbox_id, *there_parameters),
    )
    return [_calendar(row) for row in rows]


def _calendar(row: Sequence[Any]) -> CalendarView:
    id, mailbox_id, remote_id, name, is_default, appointments, read, opened, closed = row
    return CalendarView(
        id, mailbox_id, remote_id, name, bool(is_default), appointments, moment_at(read), from_micros(opened),
        moment_at(closed),
    )  # fmt: skip


def named(found: Sequence[CalendarView], wanted: str) -> CalendarView:
    """The one of these calendars with this name or number. Raises Problem not-found, invalid (several)."""
    fitting = [each for each in found if each.name.casefold() == wanted.strip().casefold()]
    fitting = fitting or [each for each in found if str(each.id) == wanted.strip()]
    if not fitting:
        raise Problem(Reason.NOT_FOUND, f"The mailbox has no calendar {wanted!r} in this view.")
    if len(fitting) > 1:
        numbers = ", ".join(str(each.id) for each in fitting)
        raise Problem(Reason.INVALID, f"Several calendars are called {wanted!r}.", f"Give a number: {numbers}.")
    return fitting[0]


def appointments(
    calendar_ids: Sequence[int],
    view: View,
    *,
    between: tuple[datetime, datetime] | None = None,
    private: bool = True,
) -> list[AppointmentView]:
    """Versions in a view by start; with `between` those that may have an occurrence in that time, a day more or less.

    In the Full view an appointment comes once for each of its versions.
    """
    if not calendar_ids:
        return []
    full_from = _full_from_of_calendar(calendar_ids[0])
    shown, parameters = _shown(view, full_from, private)
    period, limits = "", list[int]()
    if between is not None:
        period = " AND v.starts < ? AND (v.over IS NULL OR v.over >= ?)"
        limits = [to_micros(between[1]) + _DAY, to_micros(between[0]) - _DAY]
    rows = select(
        f"{_VERSION} WHERE v.calendar_id IN ({marks(calendar_ids)}) AND {shown}{period}"
        " ORDER BY v.starts, v.subject, v.id",
        (*calendar_ids, *parameters, *limits),
    )
    return [_version(row) for row in rows]


def appointment(version_id: int) -> AppointmentView:
    """One version. Raises Problem not-found."""
    rows = select(f"{_VERSION} WHERE v.id = ?", (version_id,))
    if not rows:
        raise Problem(Reason.NOT_FOUND, f"The archive has no appointment {version_id}.")
    return _version(rows[0])


def mailbox_of(version_id: int) -> int:
    """The mailbox that a version belongs to. Raises Problem not-found."""
    rows = select(
        "SELECT c.mailbox_id FROM appointment_version v JOIN calendar c ON c.id = v.calendar_id WHERE v.id = ?",
        (version_id,),
    )
    if not rows:
        raise Problem(Reason.NOT_FOUND, f"The archive has no appointment {version_id}.")
    return int(rows[0][0])


def versions(appointment_id: int, *, private: bool = True) -> list[AppointmentView]:
    """Every version of an appointment that a pass has left, the latest first."""
    shown, parameters = _shown(View.full(), _full_from_of_appointment(appointment_id), private)
    rows = select(
        f"{_VERSION} WHERE v.appointment_id = ? AND {shown} ORDER BY v.opened DESC, v.id DESC",
        (appointment_id, *parameters),
    )
    return [_version(row) for row in rows]


def contents(version_id: int) -> list[ContentView]:
    """All contents of a version: the iCalendar, what the server gave, the attachments."""
    rows = select(
        "SELECT position, sha256, size, name, content_type, content_id FROM appointment_content"
        " WHERE version_id = ? ORDER BY position",
        (version_id,),
    )
    return [ContentView(row[0], bytes(row[1]), *row[2:]) for row in rows]


def attachments(version_id: int) -> list[ContentView]:
    """The attachments that the archive has of a version."""
    return [each for each in contents(version_id) if each.position >= FIRST_ATTACHMENT]


def owners_zone(mailbox_id: int) -> str:
    """The IANA name of the zone in which most of a mailbox's appointments were made; '' where none is known."""
    rows = select(
        "SELECT v.zone, COUNT(*) FROM appointment_version v JOIN calendar c ON c.id = v.calendar_id"
        " WHERE c.mailbox_id = ? AND v.closed IS NULL AND v.zone NOT IN ('', 'UTC') GROUP BY v.zone"
        " ORDER BY 2 DESC, 1 LIMIT 1",
        (mailbox_id,),
    )
    return str(rows[0][0]) if rows else ""


_DAY = 86_400_000_000


def _shown(view: View, full_from: int | None, private: bool) -> tuple[str, list[int | str]]:
    """The SQL condition on versions that are shown, and its parameters."""
    spans, parameters = view.spans("v", full_from)
    condition = f"{_SEEN} AND {spans}"
    if private:
        return condition, [*parameters]
    hidden = f"LOWER(v.sensitivity) NOT IN ({marks(PRIVATE_SENSITIVITIES)})"
    return f"{condition} AND {hidden}", [*parameters, *PRIVATE_SENSITIVITIES]


def _full_from(mailbox_id: int) -> int | None:
    rows = select("SELECT full_from FROM archive_mailbox WHERE id = ?", (mailbox_id,))
    return rows[0][0] if rows else None


def _full_from_of_calendar(calendar_id: int) -> int | None:
    rows = select("SELECT mailbox_id FROM calendar WHERE id = ?", (calendar_id,))
    return _full_from(rows[0][0]) if rows else None


def _full_from_of_appointment(appointment_id: int) -> int | None:
    rows = select("SELECT calendar_id FROM appointment WHERE id = ?", (appointment_id,))
    return _full_from_of_calendar(rows[0][0]) if rows else None


def _version(row: Any) -> AppointmentView:
    return AppointmentView(
        version_id=row[0],
        appointment_id=row[1],
        calendar_id=row[2],
        calendar=row[3],
        uid=row[4],
        subject=row[5],
        location=row[6],
        organizer=row[7],
        starts=from_micros(row[8]),
        ends=from_micros(row[9]),
        over=moment_at(row[10]),
        zone=row[11],
        is_series=bool(row[12]),
        is_all_day=bool(row[13]),
        is_meeting=bool(row[14]),
        is_cancelled=bool(row[15]),
        sensitivity=row[16],
        show_as=row[17],
        has_attachments=bool(row[18]),
        lacks_attachments=bool(row[19]),
        opened=from_micros(row[20]),
        closed=moment_at(row[21]),
    )
