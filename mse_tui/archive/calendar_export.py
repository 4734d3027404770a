"""Calendars as .ics files that other programs read: one VCALENDAR a calendar, with its time zones and attachments."""

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, BinaryIO

from icalendar import Calendar, Timezone, vBinary, vText

from mse_tui.archive.calendar_format import PRODUCT
from mse_tui.archive.calendar_views import AppointmentView, ContentView, contents
from mse_tui.archive.packs import Packs
from mse_tui.reasons import Problem, Reason
from mse_tui.store.calendars import FIRST_ATTACHMENT, ICALENDAR

_EVENTS = re.compile(rb"BEGIN:VEVENT\r\n.*END:VEVENT\r\n", re.DOTALL)
_TIMES = re.compile(rb"^(?:DTSTART|DTEND|RECURRENCE-ID|EXDATE|RDATE);(?:[^:\r\n]|\r\n )*:", re.MULTILINE)
"""Where a line with a time begins, as far as its value."""
_ZONE = re.compile(r';TZID="?([^";:]+)')
_SPOOLED = 8 << 20
_OF_ONE_APPOINTMENT = (Reason.CONTENT_DAMAGED, Reason.CONTENT_MISSING)


@dataclass(slots=True)
class CalendarExport:
    """What was written, and what could not be."""

    appointments: int = 0
    attachments: int = 0
    bytes: int = 0
    problems: list[tuple[AppointmentView, Problem]] = field(default_factory=list)
    """Appointments whose content is missing or damaged; the others are written."""


def export_calendar(
    name: str, rows: Iterable[AppointmentView], packs: Packs, file: BinaryIO, *, with_attachments: bool = True
) -> CalendarExport:
    """Write appointments as one calendar. Raises Problem archive-unreadable; OSError where the file can't be written.

    An UID that two appointments of a calendar share, as copies do, is told apart by a number at its end.
    """
    report = CalendarExport()
    uids: set[str] = set()
    zones: set[str] = set()
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as body:
        for row in rows:
            try:
                events, attached = _events(row, packs, uids, with_attachments=with_attachments)
            except Problem as problem:
                if problem.reason not in _OF_ONE_APPOINTMENT:
                    raise
                report.problems.append((row, problem))
                continue
            zones |= _zones(events)
            body.write(events)
            report.appointments += 1
            report.attachments += attached
        body.seek(0)
        report.bytes = file.write(_head(name)) + sum(file.write(_timezone(zone)) for zone in sorted(zones))
        while piece := body.read(1 << 16):
            report.bytes += file.write(piece)
        report.bytes += file.write(b"END:VCALENDAR\r\n")
    return report


def one_appointment(row: AppointmentView, packs: Packs) -> bytes:
    """One version as a whole .ics file. Raises Problem content-missing, content-damaged."""
    events, _ = _events(row, packs, set(), with_attachments=True)
    return b"".join([_head(""), *(_timezone(zone) for zone in sorted(_zones(events))), events, b"END:VCALENDAR\r\n"])


def _head(name: str) -> bytes:
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODUCT)
    calendar.add("CALSCALE", "GREGORIAN")
    if name:
        calendar.add("X-WR-CALNAME", vText(name))
    return bytes(calendar.to_ical()).removesuffix(b"END:VCALENDAR\r\n")


def _zones(events: bytes) -> set[str]:
    """The time zones that times are given in; what a text speaks of is none."""
    heads = (head.replace(b"\r\n ", b"").decode("utf-8", "replace") for head in _TIMES.findall(events))
    return {found[1] for head in heads if (found := _ZONE.search(head))}


@cache
def _timezone(name: str) -> bytes:
    """A zone's own component; nothing for one that nobody knows."""
    try:
        return bytes(Timezone.from_tzid(name).to_ical())
    except (ValueError, OSError):
        return b""


def _events(row: AppointmentView, packs: Packs, uids: set[str], *, with_attachments: bool) -> tuple[bytes, int]:
    """The VEVENT components of a version, and how many attachments are in them."""
    kept = contents(row.version_id)
    icalendar = packs.read(kept[ICALENDAR].sha256)
    attached = [each for each in kept if each.position >= FIRST_ATTACHMENT] if with_attachments else []
    uid, number = row.uid, 1
    while uid in uids:
        number += 1
        uid = f"{row.uid}-{number}"
    uids.add(uid)
    if attached or number > 1:
        icalendar = _rewritten(icalendar, uid if number > 1 else "", attached, packs)
    match = _EVENTS.search(icalendar)
    if match is None:
        raise Problem(Reason.CONTENT_DAMAGED, f"The content of {row.subject!r} is no calendar.")
    return match.group(), len(attached)


def _rewritten(icalendar: bytes, uid: str, attached: Sequence[ContentView], packs: Packs) -> bytes:
    """With another UID (unless ''), and with attachments in its first component."""
    calendar: Any = Calendar.from_ical(icalendar)
    if uid:
        for event in calendar.events:
            event["UID"] = vText(uid)
    for each in attached:
        value = vBinary(packs.read(each.sha256))
        value.params["FMTTYPE"] = each.content_type
        value.params["FILENAME"] = each.name.replace('"', "'")
        calendar.events[0].add("ATTACH", value)
    return bytes(calendar.to_ical())
