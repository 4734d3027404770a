"""An appointment for reading: what its iCalendar says, in words."""

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from typing import Any

from icalendar import Calendar

from mse_tui.archive.calendar_views import AppointmentView

_DAYS = {"MO": "Mon", "TU": "Tue", "WE": "Wed", "TH": "Thu", "FR": "Fri", "SA": "Sat", "SU": "Sun"}
_UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_POSITIONS = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_RESPONSES = {
    "ACCEPTED": "accepted", "TENTATIVE": "tentative", "DECLINED": "declined", "NEEDS-ACTION": "no answer",
}  # fmt: skip
_MOST_PEOPLE = 500


def described(row: AppointmentView, icalendar: bytes, zone: tzinfo) -> list[tuple[str, str]]:
    """Labels with what they say, in the order in which to show them; times in a zone and in the appointment's own."""
    master: Any = next(iter(Calendar.from_ical(icalendar).events))
    facts = [("Subject", row.subject or "(no subject)"), ("When", _when(master, zone))]
    own = getattr(getattr(master["DTSTART"].dt, "tzinfo", None), "key", "")
    if own and (there := _when(master, master["DTSTART"].dt.tzinfo)) != facts[-1][1]:
        facts.append(("Made in", f"{own}: {there}"))
    if "RRULE" in master:
        facts.append(("Series", _rule(master["RRULE"])))
    facts += [
        ("Where", row.location or "-"),
        ("Calendar", row.calendar),
        ("State", ", ".join(_states(row, master))),
    ]
    facts += _people(master)
    body = str(master.get("DESCRIPTION", "")).strip()
    return [*facts, *_changed(icalendar, zone), *([("Text", body)] if body else [])]


def texts_of(icalendar: bytes) -> tuple[str, str]:
    """Who is in an appointment, one a line, and its text with those of its changed occurrences. For searching."""
    calendar: Any = Calendar.from_ical(icalendar)
    people = [value for name, value in _people(next(iter(calendar.events))) if name in ("Organiser", "Attendee")]
    said = [str(event.get(name, "")).strip() for event in calendar.events for name in ("DESCRIPTION", "SUMMARY")]
    return "\n".join(people), "\n".join(dict.fromkeys(text for text in said if text))


def _when(event: Any, zone: tzinfo) -> str:
    starts, ends = event["DTSTART"].dt, event["DTEND"].dt
    if not isinstance(starts, datetime):
        last = date.fromordinal(ends.toordinal() - 1)
        return f"{starts:%a %Y-%m-%d}, all day" if last <= starts else f"{starts:%a %Y-%m-%d} to {last:%a %Y-%m-%d}"
    starts, ends = starts.astimezone(zone), ends.astimezone(zone)
    until = f"{ends:%H:%M}" if ends.date() == starts.date() else f"{ends:%a %Y-%m-%d %H:%M}"
    return f"{starts:%a %Y-%m-%d %H:%M}-{until}"


def _rule(rule: Any) -> str:
    interval = int(_first(rule, "INTERVAL", 1))
    unit = _UNITS.get(str(_first(rule, "FREQ", "")), "?")
    text = f"every {unit}" if interval == 1 else f"every {interval} {unit}s"
    days = [_day(str(each)) for each in rule.get("BYDAY", ())]
    position = _POSITIONS.get(int(_first(rule, "BYSETPOS", 0)))
    if days:
        text += f" on {position + ' of ' if position else ''}{', '.join(days)}"
    elif "BYMONTHDAY" in rule:
        of_month = rule["BYMONTHDAY"][-1]
        text += " on the last day" if of_month == -1 else f" on day {of_month}"
    if "COUNT" in rule:
        return f"{text}, {_first(rule, 'COUNT', 0)} times"
    if "UNTIL" in rule:
        return f"{text}, until {_first(rule, 'UNTIL', ''):%Y-%m-%d}"
    return f"{text}, without end"


def _day(text: str) -> str:
    position = text[:-2].lstrip("+")
    name = _DAYS.get(text[-2:], text)
    return f"{_POSITIONS.get(int(position), position)} {name}" if position else name


def _first(rule: Any, name: str, otherwise: Any) -> Any:
    values = rule.get(name)
    return (values[0] if isinstance(values, list) else values) if values else otherwise


def _states(row: AppointmentView, master: Any) -> Iterator[str]:
    if row.is_cancelled:
        yield "cancelled"
    yield f"shown as {row.show_as.lower()}"
    if row.is_private:
        yield row.sensitivity.lower()
    if row.is_meeting:
        yield "the organiser's copy" if str(master.get("X-MSE-TUI-COPY", "")) != "ATTENDEE" else "an attendee's copy"
    answer = str(master.get("X-MSE-TUI-MY-RESPONSE", ""))
    if answer:
        yield f"answered: {_RESPONSES.get(answer, answer.lower())}"
    if row.lacks_attachments:
        yield "its attachments are not replicated"


def _people(master: Any) -> list[tuple[str, str]]:
    facts = []
    if "ORGANIZER" in master:
        facts.append(("Organiser", _person(master["ORGANIZER"])))
    attendees = master.get("ATTENDEE", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    for each in attendees[:_MOST_PEOPLE]:
        answer = _RESPONSES.get(str(each.params.get("PARTSTAT", "")), "?")
        role = {"OPT-PARTICIPANT": ", optional", "NON-PARTICIPANT": ", resource"}.get(
            str(each.params.get("ROLE", "")), ""
        )
        facts.append(("Attendee", f"{_person(each)}: {answer}{role}"))
    if len(attendees) > _MOST_PEOPLE:
        facts.append(("Attendee", f"and {len(attendees) - _MOST_PEOPLE} more"))
    return facts


def _person(address: Any) -> str:
    name = str(address.params.get("CN", ""))
    mail = str(address).removeprefix("mailto:").removeprefix("invalid:nomail")
    return f"{name} <{mail}>" if name and mail and name != mail else name or mail or "?"


def _changed(icalendar: bytes, zone: tzinfo) -> list[tuple[str, str]]:
    """Occurrences that differ from their series, and those that were deleted."""
    facts = []
    calendar: Any = Calendar.from_ical(icalendar)
    for event in calendar.events:
        if "RECURRENCE-ID" in event:
            now = f"{_when(event, zone)} {event.get('SUMMARY', '')}"
            facts.append(("Changed", f"{_start(event['RECURRENCE-ID'].dt, zone)}: {now}"))
        exceptions: Any = event.get("EXDATE", [])
        for group in exceptions if isinstance(exceptions, list) else [exceptions]:
            facts += [("Deleted", _start(each.dt, zone)) for each in group.dts]
    return facts


def _start(moment: Any, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}" if isinstance(moment, datetime) else f"{moment:%a %Y-%m-%d}"
