"""One replicated appointment: what it says, its attachments, its earlier versions; and into an .ics file."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.calendar_reading import CalendarReading
from mse_tui.archive.calendar_views import AppointmentView
from mse_tui.archive.names import safe_name
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import Question
from mse_tui.screens.live import LiveScreen
from mse_tui.text import printable
from mse_tui.widgets.commands import FILTERING, ORIGINAL, SAVE_APPOINTMENT
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, size


@dataclass(frozen=True, slots=True)
class ShownAppointment:
    """What is read of one version."""

    subject: str
    facts: tuple[Fact, ...]
    versions: tuple[AppointmentView, ...]


class AppointmentScreen(LiveScreen[ShownAppointment]):
    """One version of an appointment, and the others to choose from."""

    KEYS = (SAVE_APPOINTMENT, ORIGINAL, *FILTERING)
    PLACE = ""
    HELP_TEXT = (
        "One appointment. Enter on a version (Tab goes to them) shows what it was then; w writes the version shown to"
        " an .ics file; o shows what the server gave."
    )

    def __init__(self, reading: CalendarReading, version_id: int, zone: tzinfo) -> None:
        super().__init__()
        self._look = reading
        self._version_id = version_id
        self._zone = zone
        self._as_given = False
        self._stale = True

    def body(self) -> Iterable[Widget]:
        """What it says, and under it the versions."""
        yield Static("", classes="title", id="title", markup=False)
        yield Facts(id="appointment", label_width=12)
        yield PagedList(
            (
                Column("Version", 7, right=True),
                Column("Since", 16),
                Column("Until", 16),
                Column("Starts", 16, 2),
                Column("Subject", 20, grows=True),
            ),
            id="versions",
            classes="half",
        )

    def on_mount(self) -> None:
        """The text has the cursor."""
        super().on_mount()
        self.query_one(Facts).focus()

    def load(self) -> ShownAppointment:
        """Once a version: it never changes, and each reading of it is audited."""
        if self.shown is not None and not self._stale:
            return self.shown
        self._stale = False
        return read_appointment(self._look, self._version_id, self._zone, as_given=self._as_given)

    def show(self, data: ShownAppointment) -> None:
        """The facts of the version shown; it is marked in the list."""
        self.query_one("#title", Static).update(printable(data.subject or "(no subject)"))
        self.query_one(Facts).set_facts(data.facts)
        self.query_one("#versions", PagedList).set_lines([self._version_line(row) for row in data.versions])

    def _version_line(self, row: AppointmentView) -> Line:
        shown = row.version_id == self._version_id
        starts = (
            f"{row.starts:%Y-%m-%d} all day"
            if row.is_all_day
            else f"{row.starts.astimezone(self._zone):%Y-%m-%d %H:%M}"
        )
        return line(
            row.version_id,
            Cell(f"{'>' if shown else ''}{row.version_id}", Tone.ACCENT if shown else Tone.DIM),
            absolute(row.opened),
            Cell(absolute(row.closed) if row.closed else "now", Tone.DIM if row.closed else Tone.GOOD),
            Cell(starts, Tone.DIM),
            Cell(row.subject or "(no subject)", Tone.STRONG if shown else Tone.PLAIN),
        )

    @on(PagedList.Opened, "#versions")
    def _open(self, event: PagedList.Opened) -> None:
        self._version_id = int(event.line.key)
        self._read_anew()

    def _read_anew(self) -> None:
        self._stale = True
        self.reload()

    def action_appointment_original(self) -> None:
        """What the server gave, or what it says."""
        self._as_given = not self._as_given
        self._read_anew()

    @work(exclusive=True, group="ask")
    async def action_appointment_save(self) -> None:
        """Ask where, then write."""
        if self.shown is None:
            return
        proposed = str(Path.cwd() / safe_name(self.shown.subject, ".ics", otherwise="appointment"))
        text = "This version as an iCalendar file, with its attachments. An existing file is not overwritten."
        answer = await self.app.push_screen_wait(Question("Write to which file?", text, proposed))
        if answer:
            path, version = Path(answer).expanduser(), self._version_id
            self.tui.act(
                lambda: self._look.write_appointment(version, path),
                lambda written: self.notify(f"{size(written)} written to {path}", markup=False),
            )


def read_appointment(
    reading: CalendarReading, version_id: int, zone: tzinfo, *, as_given: bool = False
) -> ShownAppointment:
    """Everything that the screen shows of a version; its content's absence or damage is told, not raised."""
    try:
        found = reading.appointment(version_id)
        facts = [
            Fact(label, value, Tone.STRONG if label == "Subject" else Tone.PLAIN)
            for label, value in found.described(zone)
        ]
        facts += [
            Fact("Attached", f"{each.name}  {each.content_type}  {size(each.size)}") for each in found.attachments
        ]
        if as_given:
            facts = [Fact("As given", reading.original(version_id).decode("utf-8", "replace"))]
    except Problem as problem:
        return ShownAppointment("", (Fact("Content", f"{problem.happened} {problem.remedy}", Tone.WARN),), ())
    return ShownAppointment(found.row.subject, tuple(facts), found.versions)
