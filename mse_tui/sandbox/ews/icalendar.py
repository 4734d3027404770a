"""A calendar item as iCalendar: what its MimeContent is."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.content_fields import mime_xml, text_of
from mse_tui.sandbox.ews.render import Rendering
from mse_tui.sandbox.ews.series import OccurrenceRow, Series, series_of
from mse_tui.sandbox.ews.soap import QT
from mse_tui.sandbox.ews.values import from_store, parse_fragment, persons
from mse_tui.sandbox.records import Row

_FREQUENCIES = {"Daily": "DAILY", "Weekly": "WEEKLY", "Monthly": "MONTHLY", "Yearly": "YEARLY"}
_INDEXES = {"First": "1", "Second": "2", "Third": "3", "Fourth": "4", "Last": "-1"}
_GROUPS = {"Day": "MO,TU,WE,TH,FR,SA,SU", "Weekday": "MO,TU,WE,TH,FR", "WeekendDay": "SA,SU"}


def calendar_mime_xml(row: Row, rendering: Rendering) -> str:
    """MimeContent of a calendar item: as it was given where that is iCalendar, else made from its properties."""
    has_content = row["blob"] is not None or row["body_seed"] is not None
    if has_content and rendering.mime(row).lstrip().startswith(b"BEGIN:VCALENDAR"):
        return mime_xml(row, rendering)
    return f'<t:MimeContent CharacterSet="UTF-8">{b64encode(icalendar(row, rendering)).decode()}</t:MimeContent>'


def icalendar(row: Row, rendering: Rendering) -> bytes:
    """The item, with its exceptions where it is a series."""
    lines = ["BEGIN:VCALENDAR", "METHOD:PUBLISH", "PRODID:-//Practice organisation//EN", "VERSION:2.0"]
    series = series_of(rendering.store, row)
    lines += _event(row, rendering, series)
    for original, changes in series.overrides.items() if series else ():
        if changes and series is not None:
            lines += _event(series.occurrence(original), rendering, None)
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) for line in lines).encode()


def _event(row: Row, rendering: Rendering, series: Series | None) -> list[str]:
    stored = rendering.stored

    def plain(uri: str) -> str:
        xml = stored(row, uri)
        return "".join(parse_fragment(xml).itertext()) if xml else ""

    all_day = plain("calendar:IsAllDayEvent") == "true"
    zone = series.zone if series is not None else UTC
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_escaped(plain('calendar:UID') or str(row['id']))}",
        f"DTSTAMP:{_utc(row['modified'])}",
        _time("DTSTART", row["start_at"], zone, all_day=all_day),
        _time("DTEND", row["end_at"], zone, all_day=all_day),
        f"SUMMARY:{_escaped(row['subject'])}",
        f"CLASS:{'PUBLIC' if row['sensitivity'] == 'Normal' else row['sensitivity'].upper()}",
        f"TRANSP:{'TRANSPARENT' if plain('calendar:LegacyFreeBusyStatus') == 'Free' else 'OPAQUE'}",
        f"STATUS:{'CANCELLED' if plain('calendar:IsCancelled') == 'true' else 'CONFIRMED'}",
    ]
    if isinstance(row, OccurrenceRow):
        lines.append(f"RECURRENCE-ID:{_utc(row.original_start)}")
    if series is not None:
        lines.append(f"RRULE:{_rule(series.recurrence)}")
        lines += [f"EXDATE:{_utc(start)}" for start, changes in series.overrides.items() if changes is None]
    if plain("calendar:Location"):
        lines.append(f"LOCATION:{_escaped(plain('calendar:Location'))}")
    if row["categories"]:
        lines.append(f"CATEGORIES:{','.join(_escaped(each) for each in row['categories'].split(chr(10)))}")
    body = text_of(rendering.message(row)) if row["blob"] is not None or row["body_seed"] is not None else ""
    if body:
        lines.append(f"DESCRIPTION:{_escaped(body)}")
    return [*lines, *_people(row, rendering), "END:VEVENT"]


def _people(row: Row, rendering: Rendering) -> list[str]:
    lines = []
    for uri, start in (
        ("calendar:Organizer", "ORGANIZER"),
        ("calendar:RequiredAttendees", "ATTENDEE;ROLE=REQ-PARTICIPANT"),
        ("calendar:OptionalAttendees", "ATTENDEE;ROLE=OPT-PARTICIPANT"),
    ):
        xml = rendering.stored(row, uri)
        for person in persons(parse_fragment(xml)) if xml else ():
            name = person.name.replace('"', "'")
            lines.append(f'{start};CN="{name}":mailto:{person.address}')
    return lines


def _rule(recurrence: Any) -> str:
    parts = []
    for element in recurrence:
        name = etree.QName(element).localname
        frequency = next((value for key, value in _FREQUENCIES.items() if key in name), None)
        if frequency:
            parts.append(f"FREQ={frequency}")
            parts += _pattern(element)
        elif name == "EndDateRecurrence":
            parts.append(f"UNTIL={element.findtext(QT + 'EndDate')[:10].replace('-', '')}T235959Z")
        elif name == "NumberedRecurrence":
            parts.append(f"COUNT={element.findtext(QT + 'NumberOfOccurrences')}")
    return ";".join(parts)


def _pattern(element: Any) -> list[str]:
    parts = [f"INTERVAL={element.findtext(QT + 'Interval') or 1}"]
    days, index = element.findtext(QT + "DaysOfWeek"), element.findtext(QT + "DayOfWeekIndex")
    if days:
        names = ",".join(_GROUPS.get(day, day[:2].upper()) for day in days.split())
        parts.append(f"BYDAY={names}" if index is None or "," in names else f"BYDAY={_INDEXES[index]}{names}")
        if index is not None and "," in names:
            parts.append(f"BYSETPOS={_INDEXES[index]}")
    if element.findtext(QT + "DayOfMonth"):
        parts.append(f"BYMONTHDAY={element.findtext(QT + 'DayOfMonth')}")
    if element.findtext(QT + "Month"):
        parts.append(f"BYMONTH={datetime.strptime(element.findtext(QT + 'Month'), '%B').month}")  # noqa: DTZ007
    return parts


def _utc(text: str) -> str:
    return f"{from_store(text).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _time(name: str, text: str | None, zone: Any, *, all_day: bool) -> str:
    if text is None:
        return f"X-{name}:"
    local = from_store(text).astimezone(zone)
    if all_day:
        return f"{name};VALUE=DATE:{local:%Y%m%d}"
    return f"{name}:{_utc(text)}" if zone is UTC else f"{name};TZID={zone}:{local:%Y%m%dT%H%M%S}"


def _escaped(text: str) -> str:
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n"), ("\r", "")):
        text = text.replace(plain, written)
    return text


def _folded(line: str) -> str:
    pieces = [line[start : start + 70] for start in range(0, len(line), 70)]
    return "\r\n ".join(pieces) + "\r\n"
