"""Appointments as iCalendar (RFC 5545): one VCALENDAR an appointment, a series with its changed occurrences.

Time zones are IANA names; their VTIMEZONE components are added where a calendar leaves the archive. Attachments are
kept beside. What RFC 5545 has no property for is kept as Outlook writes it, or under a name of ours.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, vCalAddress, vText
from icalendar import Event as Component
from icalendar.prop import vRecur

from mse_tui.archive.html import text_of
from mse_tui.exchange.calendars import Appointment, Attachment, Attendee, Event, Frequency, Recurrence, Response, Role

PRODUCT = "-//mse-tui//Calendar Replication//EN"

_CLASSES = {"Private": "PRIVATE", "Confidential": "CONFIDENTIAL", "Personal": "PRIVATE"}
_PRIORITIES = {"High": 1, "Low": 9}
_NOBODY = "invalid:nomail"
"""What Outlook writes for a person without an address."""
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_VARYING = (b"DTSTAMP", b"LAST-MODIFIED", b"X-MICROSOFT-CDO-INTENDEDSTATUS")
"""Properties that say when, not what."""


def icalendar_of(appointment: Appointment) -> bytes:
    """The appointment as an iCalendar object."""
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    zone = zone_of(appointment.event)
    uid = uid_of(appointment)
    master = _component(appointment.event, uid)
    if appointment.recurrence is not None:
        master.add("RRULE", _rule(appointment.recurrence, appointment.event, zone))
        if appointment.deleted:
            master.add("EXDATE", [_when(each, zone, appointment.event) for each in appointment.deleted])
    calendar.add_component(master)
    for original_start, event in appointment.changed:
        occurrence = _component(event, uid)
        occurrence.add("RECURRENCE-ID", _when(original_start, zone, appointment.event))
        calendar.add_component(occurrence)
    return bytes(calendar.to_ical())


def uid_of(appointment: Appointment) -> str:
    """The appointment's UID; one made of its id where the server gives none."""
    if appointment.event.uid:
        return appointment.event.uid
    return f"{hashlib.sha256(appointment.remote_id.encode()).hexdigest()[:32]}@mse-tui"


def digest_of(icalendar: bytes, attachments: Iterable[Attachment]) -> bytes:
    """Equal for versions of an appointment that differ in nothing but when they were saved, by all that is shown."""
    digest = hashlib.sha256()
    for line in icalendar.split(b"\r\n"):
        if not line.startswith(_VARYING):
            digest.update(line)
    for each in attachments:
        digest.update(f"\n{each.name}\n{each.size}".encode())
    return digest.digest()


def zone_of(event: Event) -> tzinfo:
    """The zone that an appointment's times are meant in; UTC where it is not known."""
    return zone_named(event.starts_zone)


def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name; UTC for ''."""
    return _zone(name) if name and name != "UTC" else UTC


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The day that a boundary of an all-day appointment stands for.

    It is midnight in the zone that the appointment was made in; where that is not the zone known, the nearest one.
    """
    local = moment.astimezone(zone)
    return local.date() if local.time() == time() else (moment.astimezone(UTC) + timedelta(hours=12)).date()


def days_of(event: Event) -> tuple[date, date]:
    """First day and the day after the last of an all-day appointment."""
    zone = zone_of(event)
    first = day_of(event.starts, zone)
    return first, max(day_of(event.ends, zone), first + timedelta(days=1))


def midnight(day: date) -> datetime:
    """The midnight in UTC that stands for a day of an all-day appointment in the tables."""
    return datetime.combine(day, time(), UTC)


def _when(moment: datetime, zone: tzinfo, series: Event) -> datetime | date:
    """A time that names an occurrence of a series."""
    return day_of(moment, zone) if series.is_all_day else moment.astimezone(zone)


def _component(event: Event, uid: str) -> Component:
    component = Component()
    component.add("UID", uid)
    component.add("DTSTAMP", event.modified or event.created or event.starts)
    if event.is_all_day:
        first, after = days_of(event)
        component.add("DTSTART", first)
        component.add("DTEND", after)
    else:
        component.add("DTSTART", event.starts.astimezone(zone_of(event)))
        component.add("DTEND", max(event.ends, event.starts).astimezone(zone_named(event.ends_zone)))
    component.add("SUMMARY", _clean(event.subject))
    for name, value in _further(event):
        component.add(name, value)
    if event.categories:
        component.add("CATEGORIES", [_clean(each) for each in event.categories])
    _add_body(component, event)
    _add_people(component, event)
    if event.reminder_minutes is not None:
        component.add_component(_alarm(event.reminder_minutes))
    return component


def _further(event: Event) -> Iterator[tuple[str, str | int | datetime]]:
    """Properties of one value each, without those that have none."""
    if event.location:
        yield "LOCATION", _clean(event.location)
    yield "CLASS", _CLASSES.get(event.sensitivity, "PUBLIC")
    if event.sensitivity == "Personal":
        yield "X-MSE-TUI-SENSITIVITY", "PERSONAL"
    if event.importance in _PRIORITIES:
        yield "PRIORITY", _PRIORITIES[event.importance]
    yield "TRANSP", "TRANSPARENT" if event.show_as == "Free" else "OPAQUE"
    yield "X-MICROSOFT-CDO-BUSYSTATUS", event.show_as.upper()
    if event.is_cancelled:
        yield "STATUS", "CANCELLED"
    else:
        yield "STATUS", "TENTATIVE" if event.show_as == "Tentative" else "CONFIRMED"
    yield "SEQUENCE", event.sequence
    if event.created is not None:
        yield "CREATED", event.created
    if event.modified is not None:
        yield "LAST-MODIFIED", event.modified
    if event.online_meeting_url:
        yield "URL", _clean(event.online_meeting_url)
    if event.is_meeting:
        yield "X-MSE-TUI-COPY", "ORGANIZER" if event.is_organizer else "ATTENDEE"
    if event.my_response is not None:
        yield "X-MSE-TUI-MY-RESPONSE", event.my_response.value


def _add_body(component: Component, event: Event) -> None:
    if not event.body.strip():
        return
    body = _clean(event.body)
    component.add("DESCRIPTION", text_of(body) if event.body_is_html else body)
    if event.body_is_html:
        component.add("X-ALT-DESC", vText(body, params={"FMTTYPE": "text/html"}))


def _add_people(component: Component, event: Event) -> None:
    if event.organizer is not None:
        component.add("ORGANIZER", _address(event.organizer), encode=False)
    for attendee in event.attendees:
        address = _address(attendee)
        address.params["ROLE"] = attendee.role.value
        address.params["PARTSTAT"] = attendee.response.value
        if attendee.role is Role.RESOURCE:
            address.params["CUTYPE"] = "RESOURCE"
        elif attendee.is_group:
            address.params["CUTYPE"] = "GROUP"
        if attendee.response is Response.NONE:
            address.params["RSVP"] = "TRUE"
        component.add("ATTENDEE", address, encode=False)


def _address(person: Attendee) -> vCalAddress:
    address = vCalAddress(f"mailto:{person.address}" if person.address else _NOBODY)
    if person.name:
        address.params["CN"] = _clean(person.name).replace('"', "'").replace("\n", " ")
    return address


def _alarm(minutes: int) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", "Reminder")
    alarm.add("TRIGGER", timedelta(minutes=-minutes))
    return alarm


def _clean(text: str) -> str:
    """Without what iCalendar can't hold; line ends as one."""
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


# --- recurrence --------------------------------------------------------------------------------------------------


def _rule(rule: Recurrence, series: Event, zone: tzinfo) -> vRecur:
    parts: dict[str, object] = {"FREQ": rule.frequency.value}
    if rule.count:
        parts["COUNT"] = rule.count
    elif rule.until is not None:
        parts["UNTIL"] = _until(rule.until, series, zone)
    if rule.interval > 1:
        parts["INTERVAL"] = rule.interval
    if rule.month:
        parts["BYMONTH"] = rule.month
    parts |= _days(rule) | _days_of_month(rule)
    if rule.week_begins and rule.frequency is Frequency.WEEKLY:
        parts["WKST"] = rule.week_begins
    return vRecur(parts)


def _until(day: date, series: Event, zone: tzinfo) -> date | datetime:
    """The start of the last occurrence that may be; in UTC, as RFC 5545 wants it beside a time with a zone."""
    if series.is_all_day:
        return day
    return datetime.combine(day, series.starts.astimezone(zone).time(), zone).astimezone(UTC)


def _days(rule: Recurrence) -> dict[str, object]:
    if not rule.days:
        return {}
    if rule.position and len(rule.days) == 1:
        return {"BYDAY": f"{rule.position}{rule.days[0]}"}
    parts: dict[str, object] = {"BYDAY": list(rule.days)}
    if rule.position:
        parts["BYSETPOS"] = rule.position
    return parts


def _days_of_month(rule: Recurrence) -> dict[str, object]:
    """Where a month is too short, Exchange takes its last day, iCalendar leaves it out: say it so that both agree."""
    day = rule.day_of_month
    if not day:
        return {}
    if rule.month and (rule.month != 2 or day < 29):
        return {"BYMONTHDAY": day}
    if rule.month or day == 31:
        return {"BYMONTHDAY": -1}
    if day > 28:
        return {"BYMONTHDAY": list(range(28, day + 1)), "BYSETPOS": -1}
    return {"BYMONTHDAY": day}
