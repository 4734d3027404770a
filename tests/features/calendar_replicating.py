"""Running calendar passes over a mailbox of the practice organisation's server, and changing what lies in it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from icalendar import Calendar

from mse_tui.archive.fence import Fence, NoFence
from mse_tui.archive.packs import Packs
from mse_tui.archive.statements import select
from mse_tui.exchange.ews import connect
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.features.calendar_listing import CalendarLimits
from mse_tui.features.calendar_replication import CalendarReplication, CalendarReplicationDefinition
from mse_tui.features.feature import MailboxRun
from mse_tui.sandbox.records import DeleteType, ItemSpec, Person, stamp
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.models import Task
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, settings
from tests.features.replicating import RecordingJournal, make_task

BERLIN = "W. Europe Standard Time"

Told = tuple[str, str, str, tuple[tuple[str, str, str], ...], tuple[str, ...]]
"""Calendar, subject, start, changed occurrences (original start, subject, start), deleted ones."""


@contextmanager
def practice_server(path: Path) -> Iterator[SandboxServer]:
    """A practice server whose service account the tests' configurations know."""
    with SandboxServer(path, people=1, messages=1) as running:
        os.environ[PASSWORD_VARIABLE] = running.service_account[1]
        try:
            yield running
        finally:
            del os.environ[PASSWORD_VARIABLE]


@contextmanager
def opened(server: SandboxServer, address: str) -> Iterator[Mailbox]:
    """A mailbox of it, over EWS."""
    exchange = connect(settings(server.url, user=server.service_account[0]), Halts())
    try:
        with exchange.mailbox(address, threading.Event()) as mailbox:
            yield mailbox
    finally:
        exchange.close()


@dataclass
class CalendarRun:
    """One task over one mailbox's calendars."""

    mailbox: Mailbox
    packs: Packs
    task: Task = field(default_factory=make_task)
    definition: CalendarReplicationDefinition = field(default_factory=CalendarReplicationDefinition)
    limits: CalendarLimits = field(default_factory=CalendarLimits)

    def run(self, journal: RecordingJournal | None = None, fence: Fence | None = None) -> RecordingJournal:
        journal = journal or RecordingJournal()
        CalendarReplication(self.limits).process(self._begun(journal, fence))
        return journal

    def foresee(self) -> RecordingJournal:
        """What a run would do."""
        journal = RecordingJournal()
        CalendarReplication(self.limits).foresee(self._begun(journal, None))
        return journal

    def _begun(self, journal: RecordingJournal, fence: Fence | None) -> MailboxRun:
        return MailboxRun(
            task_id=self.task.id, mailbox=self.mailbox, identity=self.mailbox.identity(), definition=self.definition,
            packs=self.packs, fence=fence or NoFence(), journal=journal, cancel=threading.Event(),
        )  # fmt: skip

    @property
    def sequence(self) -> int:
        return int(Task.get_by_id(self.task.id).sequence)


class PracticeCalendars:
    """Changes the calendars of one new mailbox behind the back of those who read it."""

    def __init__(self, server: SandboxServer, name: str) -> None:
        self.store = server.store
        self.address = f"{name}@example.test"
        self._mailbox = self.store.add_mailbox(self.address, name).id
        self._root = self.store.distinguished_folder(self._mailbox, "msgfolderroot").id
        self.default = self.store.distinguished_folder(self._mailbox, "calendar").id

    def calendars(self) -> dict[int, str]:
        """Calendars that were not deleted, the default one first: folder -> name."""
        rows = {row.id: row for row in self.store.folders(self._mailbox) if row.area == "primary"}
        deleted = self.store.distinguished_folder(self._mailbox, "deleteditems").id
        found = [row for row in rows.values() if row.folder_class == "IPF.Appointment" and row.parent != deleted]
        return {row.id: row.name for row in sorted(found, key=lambda row: row.id != self.default)}

    def items(self, calendar: int) -> list[int]:
        return [row["id"] for row in self.store.items(calendar)]

    def truth(self, *, all_calendars: bool) -> list[Told]:
        """What a perfect replica says."""
        calendars = self.calendars()
        wanted = calendars if all_calendars else {self.default: calendars[self.default]}
        return sorted(self._told(row, name) for folder, name in wanted.items() for row in self.store.items(folder))

    def _told(self, row, calendar: str) -> Told:
        overrides = self.store.occurrences(row["id"])
        changed = {original: changes for original, changes in overrides.items() if changes}
        return (
            calendar, row["subject"], row["start_at"],
            tuple(sorted((original, _text(changes.get("item:Subject")) or row["subject"],
                          _text(changes.get("calendar:Start")) or original) for original, changes in changed.items())),
            tuple(sorted(original for original, changes in overrides.items() if changes is None)),
        )  # fmt: skip

    def add_calendar(self, name: str) -> int:
        return self.store.add_folder(self._mailbox, self._root, name, folder_class="IPF.Appointment").id

    def delete_calendar(self, calendar: int, how: DeleteType = DeleteType.MOVE) -> None:
        self.store.delete_folder(calendar, how)

    def add(
        self, subject: str, start: datetime, *, hours: float = 1, calendar: int | None = None, zone: str = BERLIN,
        recurrence: str = "", **spec,
    ) -> int:  # fmt: skip
        """A single appointment or, with a Recurrence element, a series; further properties by ItemSpec's names."""
        properties = {
            "calendar:UID": element("UID", f"{subject}-{start:%Y%m%dT%H%M}"),
            "calendar:StartTimeZone": f'<t:StartTimeZone Id="{escape(zone)}"/>',
            "calendar:EndTimeZone": f'<t:EndTimeZone Id="{escape(zone)}"/>',
        } | spec.pop("properties", {})
        if recurrence:
            properties["calendar:Recurrence"] = recurrence
        return self.store.add_item(
            calendar or self.default,
            ItemSpec(
                subject=subject, item_class="IPM.Appointment", start=start, end=start + timedelta(hours=hours),
                created=start - timedelta(days=30), properties=properties, **spec,
            ),
        )  # fmt: skip

    def change(self, item: int, **columns) -> None:
        self.store.update_item(item, columns)

    def change_occurrence(self, item: int, original_start: datetime, **properties: str) -> None:
        """Change one occurrence of a series; properties by their element's name, such as Subject or Start."""
        changes = {
            f"{'item' if name == 'Subject' else 'calendar'}:{name}": element(name, text)
            for name, text in properties.items()
        }
        self.store.set_occurrence(item, stamp(original_start), changes)

    def delete_occurrence(self, item: int, original_start: datetime) -> None:
        self.store.set_occurrence(item, stamp(original_start), None)

    def delete(self, item: int, how: DeleteType = DeleteType.HARD) -> None:
        self.store.delete_item(item, how)

    def move(self, item: int, calendar: int) -> int:
        return self.store.move_item(item, calendar)


def _text(xml: str | None) -> str:
    return xml.split(">", 1)[1].rsplit("<", 1)[0] if xml else ""


def replica(packs: Packs, address: str) -> list[Told]:
    """What the archive says of a mailbox's calendars now, read back from its iCalendar."""
    return sorted(_told(name, stored_calendar(packs, version)) for name, _, version in live_versions(address))


def _told(calendar: str, stored: Calendar) -> Told:
    [master] = [each for each in stored.events if "RECURRENCE-ID" not in each]
    exceptions = master.get("EXDATE", [])
    deleted = [
        each.dt for group in (exceptions if isinstance(exceptions, list) else [exceptions]) for each in group.dts
    ]
    changed = [each for each in stored.events if "RECURRENCE-ID" in each]
    return (
        calendar, str(master["SUMMARY"]), _utc(master["DTSTART"].dt),
        tuple(sorted((_utc(each["RECURRENCE-ID"].dt), str(each["SUMMARY"]), _utc(each["DTSTART"].dt))
                     for each in changed)),
        tuple(sorted(map(_utc, deleted))),
    )  # fmt: skip


def _utc(moment: datetime) -> str:
    return stamp(moment) or ""


def element(name: str, text: str) -> str:
    return f"<t:{name}>{escape(text)}</t:{name}>"


def attendees(kind: str, people: list[tuple[Person, str]]) -> str:
    """RequiredAttendees or OptionalAttendees, each with the response."""
    shown = "".join(
        f"<t:Attendee><t:Mailbox>{element('Name', person.name)}{element('EmailAddress', person.address)}"
        f"<t:RoutingType>SMTP</t:RoutingType></t:Mailbox>{element('ResponseType', response)}</t:Attendee>"
        for person, response in people
    )
    return f"<t:{kind}>{shown}</t:{kind}>"


WEEKLY = (
    "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>{day}</t:DaysOfWeek>"
    "<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence>"
)


def weekly(start: datetime, *, count: int = 0) -> str:
    """A Recurrence element: each week on the start's day, so often or without end."""
    begins = element("StartDate", f"{start:%Y-%m-%d}")
    pattern = WEEKLY.format(day=f"{start:%A}")
    if count:
        return recurring(pattern, f"<t:NumberedRecurrence>{begins}{element('NumberOfOccurrences', str(count))}"
                                  "</t:NumberedRecurrence>")  # fmt: skip
    return recurring(pattern, f"<t:NoEndRecurrence>{begins}</t:NoEndRecurrence>")


def recurring(pattern: str, limits: str) -> str:
    return f"<t:Recurrence>{pattern}{limits}</t:Recurrence>"


def live_versions(address: str) -> list[tuple[str, str, int]]:
    """(calendar, subject, version) of all that the replica shows of a mailbox."""
    return select(
        "SELECT c.name, v.subject, v.id FROM appointment_version v JOIN calendar c ON c.id = v.calendar_id"
        " JOIN archive_mailbox m ON m.id = c.mailbox_id WHERE m.address = ? AND v.closed IS NULL"
        " ORDER BY c.name, v.subject, v.id",
        (address,),
    )


def subjects(address: str) -> list[str]:
    return [subject for _, subject, _ in live_versions(address)]


def stored_calendar(packs: Packs, version_id: int) -> Calendar:
    """The iCalendar that the archive keeps of a version."""
    [(digest,)] = select("SELECT sha256 FROM appointment_content WHERE version_id = ? AND position = 0", (version_id,))
    return Calendar.from_ical(packs.read(bytes(digest)))
