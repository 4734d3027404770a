"""Looking into a person's replicated calendars: every look and every export leaves an audit entry.

`look_into_calendars` gives a reading of one mailbox's calendars, and only through it is anything of them shown. Where
a person is named (an address), only the calendars that they may read are there, without what is private in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mse_tui.access.grants import FolderKey
from mse_tui.access.rights import Right
from mse_tui.access.roles import Role, needs
from mse_tui.access.sight import ADMINISTRATOR, Sight, sight_of
from mse_tui.actions.archive_reading import mailboxes, refused
from mse_tui.actions.audit import audit
from mse_tui.archive import calendar_views, views
from mse_tui.archive.calendar_agenda import AgendaEntry, Period, agenda
from mse_tui.archive.calendar_export import CalendarExport, export_calendar, one_appointment
from mse_tui.archive.calendar_rendering import described
from mse_tui.archive.calendar_views import AppointmentView, CalendarView, ContentView
from mse_tui.archive.export import new_file
from mse_tui.archive.names import safe_name
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import MailboxView, View
from mse_tui.exchange.rows import Area
from mse_tui.reasons import Problem, Reason
from mse_tui.store.calendars import ICALENDAR, ORIGINAL


@needs(Role.AUDITOR)
def look_into_calendars(mailbox_id: int, packs: Packs, person: str | None = None) -> "CalendarReading":
    """Open one mailbox's calendars for looking; audited. Raises Problem not-found: none was ever replicated, too."""
    sight = ADMINISTRATOR if person is None else sight_of(person, mailbox_id)
    mailbox = views.mailbox(str(mailbox_id))
    if mailbox.id not in calendar_views.mailboxes_with_calendars():
        raise Problem(
            Reason.NOT_FOUND,
            f"No calendar of {mailbox.address} has been replicated.",
            "A task of Calendar Replication replicates them.",
        )
    return CalendarReading(mailbox, packs, sight)


def mailboxes_with_calendars(person: str | None = None) -> list[MailboxView]:
    """Which mailboxes have calendars in the archive, or of those the ones that a person may open. A list is no look."""
    wanted = calendar_views.mailboxes_with_calendars()
    return [row for row in mailboxes(person) if row.id in wanted]


def mailbox_of(version_id: int) -> int:
    """The mailbox that a version belongs to. Raises Problem not-found."""
    return calendar_views.mailbox_of(version_id)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises Problem invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Problem(
            Reason.INVALID, f"There is no time zone {name!r}.", "Give an IANA name, such as Europe/Berlin."
        ) from error


@dataclass(frozen=True, slots=True)
class ReadAppointment:
    """One version with everything that is kept of it."""

    row: AppointmentView
    icalendar: bytes
    attachments: tuple[ContentView, ...]
    versions: tuple[AppointmentView, ...]
    """All of the appointment's, the latest first."""

    def described(self, zone: tzinfo) -> list[tuple[str, str]]:
        """Labels with what they say, times in a zone."""
        return described(self.row, self.icalendar, zone)


class CalendarReading:
    """One person's look into the calendars of one archived mailbox, in any view."""

    def __init__(self, mailbox: MailboxView, packs: Packs, sight: Sight = ADMINISTRATOR) -> None:
        """Raises Problem not-found where the person may read none of the mailbox's calendars."""
        self.mailbox = mailbox
        self.sight = sight
        self._packs = packs
        every = calendar_views.calendars(mailbox.id, View.full())
        self._own = {row.id for row in every if self._may_read(row)}
        if not self._own and not sight.sees_everything:
            raise refused(mailbox.address, sight.person)
        self._audit("look into calendars")

    @property
    def private(self) -> bool:
        """Whether private appointments are shown."""
        return self.sight.sees_private

    def _may_read(self, row: CalendarView) -> bool:
        return self.sight.right_in(FolderKey(Area.PRIMARY, row.remote_id)) is Right.READ

    def _audit(self, action: str, after: Mapping[str, object] = MappingProxyType({})) -> None:
        looker = {"as": self.sight.person} if self.sight.person else {}
        audit(action, self.mailbox.address, after={**looker, **after} or "")

    @property
    def owners_zone(self) -> str:
        """The IANA name of the zone in which most of the appointments were made; '' where none is known."""
        return calendar_views.owners_zone(self.mailbox.id)

    def calendars(self, view: View) -> list[CalendarView]:
        """The calendars in a view, the default one first."""
        shown = calendar_views.calendars(self.mailbox.id, view, private=self.private)
        return [row for row in shown if row.id in self._own]

    def calendar(self, wanted: str, view: View) -> CalendarView:
        """The calendar with this name or number. Raises Problem not-found, invalid (several)."""
        return calendar_views.named(self.calendars(view), wanted)

    def default_calendar(self, view: View) -> CalendarView:
        """The mailbox's default calendar. Raises Problem not-found."""
        found = self.calendars(view)
        if not found:
            raise Problem(
                Reason.NOT_FOUND, f"{self.mailbox.address} has no calendar in this view.", "Run a Calendar task on it."
            )
        return found[0]

    def agenda(self, view: View, period: Period, calendar_ids: Sequence[int]) -> list[AgendaEntry]:
        """What takes place in a period in these calendars. Raises Problem content-missing, content-damaged."""
        self._refuse_foreign(calendar_ids)
        margin = timedelta(days=1)
        between = (period.begins - margin, period.ends + margin)
        rows = calendar_views.appointments(calendar_ids, view, between=between, private=self.private)
        return agenda(rows, period, self._icalendar)

    def appointments(self, view: View, calendar_ids: Sequence[int]) -> list[AppointmentView]:
        """All single appointments and series of these calendars, by start."""
        self._refuse_foreign(calendar_ids)
        return calendar_views.appointments(calendar_ids, view, private=self.private)

    def appointment(self, version_id: int) -> ReadAppointment:
        """One version with what is kept of it; audited. Raises Problem not-found, content-missing, content-damaged."""
        row = self._version(version_id)
        self._audit("read appointment", _named(row))
        return ReadAppointment(
            row,
            self._icalendar(row),
            tuple(calendar_views.attachments(version_id)),
            tuple(calendar_views.versions(row.appointment_id, private=self.private)),
        )

    def original(self, version_id: int) -> bytes:
        """What the server gave of a version; audited."""
        row = self._version(version_id)
        self._audit("read appointment", {**_named(row), "form": "as the server gave it"})
        return self._packs.read(calendar_views.contents(version_id)[ORIGINAL].sha256)

    def write_appointment(self, version_id: int, path: Path) -> int:
        """Write a version to a new .ics file with its attachments; audited as an export; the bytes written."""
        row = self._version(version_id)
        content = one_appointment(row, self._packs)
        with new_file(path) as file:
            self._audit("export calendar", {**_named(row), "to": str(path)})
            file.write(content)
        return len(content)

    def export_calendar(
        self, calendar: CalendarView, view: View, path: Path, *, attachments: bool = True
    ) -> CalendarExport:
        """Write one calendar to a new .ics file; audited. Raises Problem invalid where it can't be written."""
        self._refuse_foreign([calendar.id])
        rows = calendar_views.appointments([calendar.id], view, private=self.private)
        with new_file(path) as file:
            self._audit("export calendar", {"calendar": calendar.name, "view": str(view), "to": str(path)})
            return export_calendar(calendar.name, rows, self._packs, file, with_attachments=attachments)

    def export_all(
        self,
        view: View,
        directory: Path,
        *,
        attachments: bool = True,
        only: Sequence[int] | None = None,
    ) -> list[tuple[Path, CalendarExport]]:
        """Write every calendar, or those of `only`, to a new .ics file of its own in a directory.

        Raises Problem invalid where it can't be written.
        """
        _make_directory(directory)
        written: list[tuple[Path, CalendarExport]] = []
        taken: set[str] = set()
        for calendar in self.calendars(view):
            if only is not None and calendar.id not in only:
                continue
            name, number = safe_name(calendar.name, ".ics", otherwise="calendar"), 1
            while name.casefold() in taken:
                number += 1
                name = safe_name(calendar.name, f" ({number}).ics", otherwise="calendar")
            taken.add(name.casefold())
            path = directory / name
            report = self.export_calendar(calendar, view, path, attachments=attachments)
            written.append((path, report))
        return written

    def _version(self, version_id: int) -> AppointmentView:
        row = calendar_views.appointment(version_id)
        self._refuse_foreign([row.calendar_id])
        if row.is_private and not self.private:
            raise refused(f"appointment {version_id}", self.sight.person)
        return row

    def _icalendar(self, row: AppointmentView) -> bytes:
        return self._packs.read(calendar_views.contents(row.version_id)[ICALENDAR].sha256)

    def _refuse_foreign(self, calendar_ids: Sequence[int]) -> None:
        foreign = set(calendar_ids) - self._own
        if foreign:
            raise Problem(
                Reason.NOT_FOUND,
                f"{self.mailbox.address} has no calendar {min(foreign)}.",
                "Choose one of its calendars.",
            )


def _named(row: AppointmentView) -> dict[str, object]:
    return {"appointment": row.version_id, "subject": row.subject, "calendar": row.calendar}


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            Reason.INVALID, f"{path} can't be a directory: {error.strerror}.", "Choose another directory."
        ) from error
