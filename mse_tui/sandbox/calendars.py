"""Appointments of the practice organisation: those of `data/calendars` and each person's own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from random import Random
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from mse_tui.sandbox.company import DATA, Employee, Language, company
from mse_tui.sandbox.records import ItemSpec, Person, stamp

_OWN_APPOINTMENTS = 40
_ZONE = ZoneInfo("Europe/Berlin")
_WINDOWS_ZONE = "W. Europe Standard Time"
_RESPONSES = ("Accept", "Accept", "Accept", "Tentative", "Decline", "NoResponseReceived")
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday"}
_DAYS |= {"FR": "Friday", "SA": "Saturday", "SU": "Sunday"}
_INDEXES = {"1": "First", "2": "Second", "3": "Third", "4": "Fourth", "-1": "Last"}
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


@dataclass(slots=True)
class Event:
    """One VEVENT: its properties, unfolded and unescaped, by name; parameters are left out except VALUE=DATE.

    Days, and times without a zone, are those of the organisation's own zone.
    """

    values: dict[str, str] = field(default_factory=dict)
    all_day: bool = False
    exceptions: list["Event"] = field(default_factory=list)
    """Changed occurrences of a series."""

    @property
    def start(self) -> datetime:
        return moment(self.values["DTSTART"])

    @property
    def end(self) -> datetime:
        return moment(self.values["DTEND"])


def appointments(employee: Employee, language: Language, seed: int) -> Iterator[ItemSpec]:
    """A person's calendar: the company's days and series, and appointments of their own."""
    for event in company_events():
        yield event_spec(event)
    dice = Random(f"{seed} {employee.index} calendar")  # noqa: S311 (the same calendar each time)
    until = company().until
    for _ in range(_OWN_APPOINTMENTS):
        day = until - timedelta(days=dice.randrange(-60, 700))
        start = day.replace(hour=dice.randrange(8, 17), minute=dice.choice((0, 15, 30)), second=0, tzinfo=_ZONE)
        project = dice.choice(language.projects)
        private = dice.random() < 0.1
        others = [] if private else dice.sample(company().listed, dice.randrange(3))
        yield _own(
            subject=dice.choice(language.meetings).format(project=project),
            start=start,
            end=start + timedelta(minutes=dice.choice((30, 45, 60, 120))),
            place=dice.choice(language.places),
            private=private,
            organiser=employee.person,
            attendees=[(other.person, dice.choice(_RESPONSES)) for other in others if other != employee],
            cancelled=dice.random() < 0.04,
            paper=project if dice.random() < 0.1 else "",
            uid=str(uuid5(NAMESPACE_URL, f"{seed}/{employee.address}/{start}")),
        )


def side_projects(employee: Employee, language: Language, seed: int) -> Iterator[ItemSpec]:
    """A second calendar of a person's own."""
    dice = Random(f"{seed} {employee.index} second calendar")  # noqa: S311 (the same calendar each time)
    until = company().until
    for number in range(6):
        first = (until - timedelta(days=dice.randrange(-30, 200))).replace(hour=0, minute=0, second=0, tzinfo=_ZONE)
        yield _own(
            subject=dice.choice(language.projects),
            start=first,
            end=first + timedelta(days=dice.randrange(1, 5)),
            place="",
            private=False,
            organiser=employee.person,
            attendees=[],
            uid=str(uuid5(NAMESPACE_URL, f"{seed}/{employee.address}/side {number}")),
            all_day=True,
        )


@cache
def company_events() -> tuple[Event, ...]:
    """The events of `data/calendars`, series with their exceptions."""
    folder = DATA / "calendars"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".ics")), key=lambda file: file.name)
    return tuple(event for file in files for event in parse_events(file.read_bytes().decode()))


def parse_events(text: str) -> list[Event]:
    """The events of an iCalendar text whose times are dates or in UTC."""
    events: list[Event] = []
    current: Event | None = None
    for line in text.replace("\r\n ", "").replace("\r\n\t", "").splitlines():
        name, _, value = line.partition(":")
        key, *parameters = name.upper().split(";")
        if line == "BEGIN:VEVENT":
            current = Event()
        elif line == "END:VEVENT" and current is not None:
            events.append(current)
            current = None
        elif current is not None:
            current.values[key] = value.replace("\\,", ",").replace("\\;", ";").replace("\\n", "\n")
            current.all_day |= key == "DTSTART" and "VALUE=DATE" in parameters
    series = {event.values["UID"]: event for event in events if "RECURRENCE-ID" not in event.values}
    for event in events:
        if "RECURRENCE-ID" in event.values:
            series[event.values["UID"]].exceptions.append(event)
    return list(series.values())


def moment(text: str) -> datetime:
    """A date (its midnight), a time in UTC or one without a zone, as iCalendar writes it."""
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return datetime.strptime(text, "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d").replace(tzinfo=_ZONE)


def event_spec(event: Event) -> ItemSpec:
    """A calendar item for an event, a series with its exceptions."""
    properties = _properties(event)
    properties |= {"calendar:UID": f"<t:UID>{escape(event.values['UID'])}</t:UID>"} | _zones()
    if "RRULE" in event.values:
        properties["calendar:Recurrence"] = recurrence(event.values["RRULE"], event.start)
    overrides: dict[str, Mapping[str, str] | None] = {}
    for text in filter(None, event.values.get("EXDATE", "").split(",")):
        overrides[stamp(moment(text)) or ""] = None
    for exception in event.exceptions:
        overrides[stamp(moment(exception.values["RECURRENCE-ID"])) or ""] = _times(exception) | _properties(exception)
    return ItemSpec(
        subject=event.values["SUMMARY"],
        item_class="IPM.Appointment",
        start=event.start,
        end=event.end,
        created=event.start - timedelta(days=30),
        size=2_000,
        is_read=True,
        sensitivity="Private" if event.values.get("CLASS") == "PRIVATE" else "Normal",
        categories=tuple(filter(None, [event.values.get("CATEGORIES")])),
        properties=properties,
        overrides=overrides,
    )


def _properties(event: Event) -> dict[str, str]:
    free = event.values.get("TRANSP") == "TRANSPARENT"
    found = {
        "calendar:LegacyFreeBusyStatus": _element("LegacyFreeBusyStatus", "Free" if free else "Busy"),
        "calendar:IsAllDayEvent": _element("IsAllDayEvent", "true" if event.all_day else "false"),
    }
    if "RECURRENCE-ID" in event.values:
        found = {"item:Subject": _element("Subject", event.values["SUMMARY"])}
    if "LOCATION" in event.values:
        found["calendar:Location"] = _element("Location", event.values["LOCATION"])
    return found


def _times(event: Event) -> dict[str, str]:
    return {
        "calendar:Start": _element("Start", stamp(event.start) or ""),
        "calendar:End": _element("End", stamp(event.end) or ""),
    }


def _zones() -> dict[str, str]:
    return {f"calendar:{name}": f'<t:{name} Id="{_WINDOWS_ZONE}"/>' for name in ("StartTimeZone", "EndTimeZone")}


def _element(name: str, text: str) -> str:
    return f"<t:{name}>{escape(text)}</t:{name}>"


def recurrence(rule: str, start: datetime) -> str:
    """An RRULE (daily, weekly, monthly, yearly) as the EWS element Recurrence."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    begins = _element("StartDate", f"{start:%Y-%m-%d}")
    if "COUNT" in parts:
        count = _element("NumberOfOccurrences", parts["COUNT"])
        limits = f"<t:NumberedRecurrence>{begins}{count}</t:NumberedRecurrence>"
    elif "UNTIL" in parts:
        ends = _element("EndDate", f"{moment(parts['UNTIL']):%Y-%m-%d}")
        limits = f"<t:EndDateRecurrence>{begins}{ends}</t:EndDateRecurrence>"
    else:
        limits = f"<t:NoEndRecurrence>{begins}</t:NoEndRecurrence>"
    return f"<t:Recurrence>{_pattern(parts)}{limits}</t:Recurrence>"


def _pattern(parts: Mapping[str, str]) -> str:
    interval = _element("Interval", parts.get("INTERVAL", "1"))
    frequency = parts["FREQ"]
    days = parts.get("BYDAY", "")
    if frequency == "DAILY":
        return f"<t:DailyRecurrence>{interval}</t:DailyRecurrence>"
    if frequency == "WEEKLY":
        names = _element("DaysOfWeek", " ".join(_DAYS[day] for day in days.split(",")))
        first = _element("FirstDayOfWeek", "Monday")
        return f"<t:WeeklyRecurrence>{interval}{names}{first}</t:WeeklyRecurrence>"
    if frequency == "MONTHLY" and days:
        day, index = _element("DaysOfWeek", _DAYS[days[-2:]]), _element("DayOfWeekIndex", _INDEXES[days[:-2]])
        return f"<t:RelativeMonthlyRecurrence>{interval}{day}{index}</t:RelativeMonthlyRecurrence>"
    of_month = _element("DayOfMonth", parts["BYMONTHDAY"])
    if frequency == "MONTHLY":
        return f"<t:AbsoluteMonthlyRecurrence>{interval}{of_month}</t:AbsoluteMonthlyRecurrence>"
    month = _element("Month", _MONTHS[int(parts["BYMONTH"]) - 1])
    return f"<t:AbsoluteYearlyRecurrence>{of_month}{month}</t:AbsoluteYearlyRecurrence>"


def _own(  # noqa: PLR0913 (each is a property of an appointment)
    *,
    subject: str,
    start: datetime,
    end: datetime,
    place: str,
    private: bool,
    organiser: Person,
    attendees: list[tuple[Person, str]],
    uid: str,
    cancelled: bool = False,
    all_day: bool = False,
    paper: str = "",
) -> ItemSpec:
    """`attendees` come with what they answered; `paper` names what is attached, '' for nothing."""
    properties = {
        "calendar:UID": _element("UID", uid),
        "calendar:LegacyFreeBusyStatus": _element("LegacyFreeBusyStatus", "Free" if all_day else "Busy"),
        "calendar:IsAllDayEvent": _element("IsAllDayEvent", "true" if all_day else "false"),
    } | _zones()
    if place:
        properties["calendar:Location"] = _element("Location", place)
    if cancelled:
        properties["calendar:IsCancelled"] = _element("IsCancelled", "true")
    if attendees:
        people = "".join(
            f"<t:Attendee>{_person(one)}{_element('ResponseType', response)}</t:Attendee>"
            for one, response in attendees
        )
        properties["calendar:RequiredAttendees"] = f"<t:RequiredAttendees>{people}</t:RequiredAttendees>"
        properties["calendar:Organizer"] = f"<t:Organizer>{_person(organiser)}</t:Organizer>"
        properties["calendar:IsMeeting"] = _element("IsMeeting", "true")
    return ItemSpec(
        subject=subject,
        item_class="IPM.Appointment",
        sender=organiser,
        start=start,
        end=end,
        created=start - timedelta(days=14),
        size=2_500,
        is_read=True,
        mime=_paper(subject, paper) if paper else None,
        has_attachments=bool(paper),
        sensitivity="Private" if private else "Normal",
        properties=properties,
    )


def _paper(subject: str, name: str) -> bytes:
    """The content of an appointment to which a paper is attached."""
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(f"{subject}\n{name}\n")
    message.add_attachment(f"{name}\n{'-' * len(name)}\n1.\n2.\n3.\n", filename=f"{name}.txt")
    return message.as_bytes()


def _person(person: Person) -> str:
    address = _element("Name", person.name) + _element("EmailAddress", person.address)
    return f"<t:Mailbox>{address}<t:RoutingType>SMTP</t:RoutingType></t:Mailbox>"
