"""Replicated calendars: mailboxes -> agenda or month -> appointment; now or as of a date, in either's time zone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.calendar_reading import (
    CalendarReading,
    look_into_calendars,
    machine_zone,
    mailboxes_with_calendars,
    zone_of,
)
from mse_tui.archive.calendar_agenda import AgendaEntry, Period
from mse_tui.archive.calendar_export import CalendarExport
from mse_tui.archive.calendar_views import CalendarView
from mse_tui.archive.views import MailboxView, View
from mse_tui.screens.appointment import AppointmentScreen
from mse_tui.screens.dialogs import Choice, Question
from mse_tui.screens.live import LiveScreen
from mse_tui.text import printable
from mse_tui.widgets.calendar_wording import (
    MonthDay,
    by_day,
    day_heading,
    entry_signs,
    entry_time,
    month_period,
    month_title,
    month_weeks,
    other_month,
    zone_difference,
)
from mse_tui.widgets.commands import CALENDAR_AGENDA, CALENDAR_KEYS, CALENDAR_MONTH, FILTERING
from mse_tui.widgets.lines import GAP, Cell, Column, Line, Tone, fit, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, count, size, when

if TYPE_CHECKING:
    from mse_tui.app import MseTuiApp

Data = TypeVar("Data")

AGENDA_DAYS = 14
_MONTH_LINES = 5
"""Entries of a day that a month shows; the agenda has all."""
_HELP = (
    "Replicated calendars. a shows them day by day, m in months; left and right go earlier and later, z changes"
    " between this machine's time zone and the mailbox owner's. x cancelled, p private, ~ of a series, ! changed"
    " occurrence, m meeting. Every look into calendars is written to the audit."
)


class CalendarScreen(LiveScreen[list[MailboxView]]):
    """Which mailboxes have replicated calendars."""

    KEYS = FILTERING
    PLACE = "archive"
    HELP_TEXT = _HELP

    def body(self) -> Iterable[Widget]:
        """The title and the list."""
        yield Static("Calendars: mailboxes", classes="title", markup=False)
        yield PagedList(
            (
                Column("Mailbox", 34, grows=True),
                Column("Name", 28, 2),
                Column("Replicated", 16, 3),
                Column("", 12, 4),
            ),
            id="calendar-mailboxes",
            empty=" No calendars are replicated. Press 2 for the tasks, c there creates one of the type CAL.",
        )

    def load(self) -> list[MailboxView]:
        """All of them."""
        return mailboxes_with_calendars()

    def show(self, data: list[MailboxView]) -> None:
        """By address."""
        self.query_one("#calendar-mailboxes", PagedList).set_lines([self._line(row) for row in data])

    def _line(self, row: MailboxView) -> Line:
        ago = when(row.last_replicated, self.now).partition("(")
        return line(
            row.id,
            Cell(row.address, Tone.STRONG),
            row.display_name,
            absolute(row.last_replicated),
            Cell(ago[1] + ago[2], Tone.DIM),
        )

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        open_calendars(self.tui, int(event.line.key))


def open_calendars(tui: "MseTuiApp", mailbox_id: int) -> None:
    """Show a mailbox's agenda from today on; audited."""

    def opened(reading: CalendarReading) -> None:
        tui.push_screen(AgendaScreen(CalendarLook(reading, machine_zone(), tui.clock())))

    tui.act(lambda: look_into_calendars(mailbox_id, tui.packs()), opened)


@dataclass
class CalendarLook:
    """One person's look into one mailbox's calendars: what was chosen last."""

    reading: CalendarReading
    here: tzinfo
    """The viewer's zone."""
    now: datetime
    view: View = field(default_factory=View.live)
    day: date = field(init=False)
    """The first day shown."""
    chosen: str = ""
    """The name of the one calendar that is shown; '' for all."""
    chosen_id: int = 0
    in_owners_zone: bool = False

    def __post_init__(self) -> None:
        self.day = self.today

    @property
    def today(self) -> date:
        return self.now.astimezone(self.here).date()

    @property
    def zone(self) -> tzinfo:
        """The zone in which times are shown."""
        owners = self.reading.owners_zone
        return zone_of(owners) if self.in_owners_zone and owners else self.here

    def calendar_ids(self) -> list[int]:
        """The calendars that are shown."""
        found = [row.id for row in self.reading.calendars(self.view)]
        return [each for each in found if not self.chosen_id or each == self.chosen_id]

    def entries(self, period: Period) -> list[AgendaEntry]:
        """What takes place in a period."""
        return self.reading.agenda(self.view, period, self.calendar_ids())

    def described(self) -> str:
        """Which calendars are shown, as of when, and in which zone."""
        shown = self.chosen or "All calendars"
        at = f" as of {absolute(self.view.at)}" if self.view.at is not None else ""
        return f"{shown}{at}, times in {self._described_zone()}"

    def _described_zone(self) -> str:
        here, owners = str(getattr(self.here, "key", self.here)), self.reading.owners_zone
        if not owners or owners == here:
            return here
        if self.in_owners_zone:
            return f"{owners}, the owner's zone"
        ahead = zone_difference(self.now, self.here, zone_of(owners))
        return f"{here} (owner: {owners}{', ' if ahead else ''}{ahead})"


class _LookScreen(LiveScreen[Data]):
    """What agenda and month have in common."""

    PLACE = "archive"
    HELP_TEXT = _HELP

    def __init__(self, look: CalendarLook) -> None:
        super().__init__()
        self.look = look

    def step(self, number: int) -> None:
        """Go so many periods on."""
        raise NotImplementedError

    def entitle(self, period: str, note: str) -> None:
        """Say what is shown."""
        self.query_one("#title", Static).update(printable(f"{period}  {self.look.reading.mailbox.address}"))
        self.query_one("#note", Static).update(printable(note))

    def action_calendar_earlier(self) -> None:
        """The period before."""
        self.step(-1)
        self.reload()

    def action_calendar_later(self) -> None:
        """The period after."""
        self.step(1)
        self.reload()

    def action_calendar_today(self) -> None:
        """Back to today."""
        self.look.day = self.look.today
        self.reload()

    def action_calendar_zone(self) -> None:
        """The viewer's zone, or the owner's."""
        if not self.look.reading.owners_zone:
            self.notify("The owner's time zone is not known.", markup=False)
            return
        self.look.in_owners_zone = not self.look.in_owners_zone
        self.reload()

    @work(exclusive=True, group="ask")
    async def action_calendar_day(self) -> None:
        """Ask for a day or a month."""
        text = "YYYY-MM-DD for a day, or YYYY-MM for a month."
        answer = await self.app.push_screen_wait(Question("Which day?", text, f"{self.look.day:%Y-%m-%d}"))
        if answer is None:
            return
        try:
            self.look.day = date.fromisoformat(answer if answer.count("-") > 1 else f"{answer}-01")
        except ValueError:
            self.notify(f"{answer!r} is not a date.", severity="error", markup=False)
        else:
            self.reload()

    @work(exclusive=True, group="ask")
    async def action_calendar_choose(self) -> None:
        """One calendar or all."""
        rows = self.look.reading.calendars(self.look.view)
        choices: list[tuple[str, tuple[CalendarView | None]]] = [("All calendars", (None,))]
        choices += [(f"{row.name}: {count(row.appointments, 'appointment')}", (row,)) for row in rows]
        now = f"Now: {self.look.chosen or 'all calendars'}"
        picked = await self.app.push_screen_wait(Choice("Which calendar?", now, choices))
        if picked is not None:
            row = picked[0]
            self.look.chosen, self.look.chosen_id = (row.name, row.id) if row is not None else ("", 0)
            self.reload()

    @work(exclusive=True, group="ask")
    async def action_calendar_view(self) -> None:
        """As they are or as they were."""
        now = "as last replicated" if self.look.view.at is None else f"as of {absolute(self.look.view.at)}"
        choices = [("As last replicated", "live"), ("As of a date...", "as of")]
        chosen = await self.app.push_screen_wait(Choice("Which view?", f"Now: {now}", choices))
        if chosen == "live":
            self.look.view = View.live()
            self.reload()
        elif chosen == "as of":
            await self._ask_date()

    async def _ask_date(self) -> None:
        text = "YYYY-MM-DD (the end of that day) or YYYY-MM-DD HH:MM, in this machine's time zone."
        answer = await self.app.push_screen_wait(Question("As of when?", text, f"{self.look.today:%Y-%m-%d}"))
        if answer is None:
            return
        moment = moment_of(answer, self.look.here)
        if moment is None:
            self.notify(f"{answer!r} is not a date.", severity="error", markup=False)
        else:
            self.look.view = View.as_of(moment)
            self.reload()

    @work(exclusive=True, group="ask")
    async def action_calendar_export(self) -> None:
        """Ask where, then write the calendars shown, a file each."""
        text = "A file for each calendar that is shown, with attachments. Existing files are not overwritten."
        proposed = str(Path.cwd() / f"calendars of {self.look.reading.mailbox.address}")
        answer = await self.app.push_screen_wait(Question("Write into which directory?", text, proposed))
        if answer:
            directory = Path(answer).expanduser()
            self.tui.act(self._export(directory), lambda written: self.notify(_told(written), markup=False))

    def _export(self, directory: Path) -> Callable[[], list[tuple[Path, CalendarExport]]]:
        reading, view, only = self.look.reading, self.look.view, self.look.chosen_id
        return lambda: reading.export_all(view, directory, only=[only] if only else None)


def _told(written: Sequence[tuple[Path, CalendarExport]]) -> str:
    reports = [report for _, report in written]
    number = sum(report.appointments for report in reports)
    failed = sum(len(report.problems) for report in reports)
    text = (
        f"{count(number, 'appointment')} in {count(len(written), 'file')}, {size(sum(each.bytes for each in reports))}"
    )
    return f"{text}; {failed} could not be written" if failed else text


def moment_of(text: str, zone: tzinfo) -> datetime | None:
    """A date (its end) or a date and time in a zone; None where it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text.strip()) <= len("YYYY-MM-DD"):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


@dataclass(frozen=True, slots=True)
class ShownAgenda:
    """What is read of an agenda."""

    period: Period
    entries: list[AgendaEntry]
    note: str


class AgendaScreen(_LookScreen[ShownAgenda]):
    """Two weeks, day by day."""

    KEYS = (CALENDAR_MONTH, *CALENDAR_KEYS, *FILTERING)

    def body(self) -> Iterable[Widget]:
        """The title and the days."""
        yield Static("", classes="title", id="title", markup=False)
        yield Static("", classes="note", id="note", markup=False)
        yield PagedList(
            (
                Column("When", 14),
                Column("", 4),
                Column("Appointment", 30, grows=True),
                Column("Where", 24, 2),
                Column("Calendar", 16, 3),
            ),
            id="agenda",
            empty=" Nothing takes place in these days. Left and right go earlier and later, d goes to a day.",
        )

    def load(self) -> ShownAgenda:
        """The entries of the days shown."""
        period = Period(self.look.day, AGENDA_DAYS, self.look.zone)
        return ShownAgenda(period, self.look.entries(period), self.look.described())

    def show(self, data: ShownAgenda) -> None:
        """Under each day what it has."""
        last = data.period.after - timedelta(days=1)
        self.entitle(f"{data.period.first:%Y-%m-%d} to {last:%Y-%m-%d}", data.note)
        lines: list[Line] = []
        for day, entries in by_day(data.entries, data.period):
            lines.append(_day_line(day, self.look.today))
            lines += [_entry_line(entry, day, number) for number, entry in enumerate(entries)]
        self.query_one("#agenda", PagedList).set_lines(lines)

    def step(self, number: int) -> None:
        """Two weeks on."""
        self.look.day += timedelta(days=AGENDA_DAYS * number)

    def action_calendar_month(self) -> None:
        """The month of the first day shown."""
        self.app.switch_screen(MonthScreen(self.look))

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        kind, _, rest = event.line.key.partition(":")
        if kind == "entry":
            self.app.push_screen(AppointmentScreen(self.look.reading, int(rest.partition(":")[0]), self.look.zone))


def _day_line(day: date, today: date) -> Line:
    note = " today" if day == today else ""
    return line(f"day:{day}", Cell(day_heading(day), Tone.ACCENT), "", Cell(note.strip(), Tone.ACCENT))


def _entry_line(entry: AgendaEntry, day: date, number: int) -> Line:
    tone = Tone.DIM if entry.is_cancelled or entry.show_as == "Free" else Tone.PLAIN
    return line(
        f"entry:{entry.version_id}:{day}:{number}",
        Cell(f"  {entry_time(entry, day)}", tone),
        Cell(entry_signs(entry), Tone.WARN if entry.is_cancelled else Tone.DIM),
        Cell(entry.subject or "(no subject)", tone),
        Cell(entry.trouble or entry.location, Tone.BAD if entry.trouble else Tone.DIM),
        Cell(entry.calendar, Tone.DIM),
    )


@dataclass(frozen=True, slots=True)
class ShownMonth:
    """What is read of a month."""

    weeks: list[list[MonthDay]]
    note: str


class MonthScreen(_LookScreen[ShownMonth]):
    """A month in whole weeks, Monday to Sunday."""

    KEYS = (CALENDAR_AGENDA, *CALENDAR_KEYS, *FILTERING)

    def body(self) -> Iterable[Widget]:
        """The title and the weeks."""
        yield Static("", classes="title", id="title", markup=False)
        yield Static("", classes="note", id="note", markup=False)
        yield PagedList((), id="month")

    def load(self) -> ShownMonth:
        """The entries of the month's weeks."""
        period = month_period(self.look.day.year, self.look.day.month, self.look.zone)
        weeks = month_weeks(self.look.entries(period), period, self.look.day.month)
        return ShownMonth(weeks, self.look.described())

    def show(self, data: ShownMonth) -> None:
        """A line of day numbers a week, under it what the days have."""
        self.entitle(month_title(self.look.day.year, self.look.day.month), data.note)
        month = self.query_one("#month", PagedList)
        width = max(_NARROWEST, (month.scrollable_content_region.width - 1 - 6 * GAP) // 7)
        month.set_columns([Column(name, width) for name in _WEEKDAYS])
        month.set_lines([each for week in data.weeks for each in _week_lines(week, self.look.today, width)])

    def on_resize(self) -> None:
        """Days as wide as there is room."""
        if self.shown is not None:
            self.show(self.shown)

    def step(self, number: int) -> None:
        """Months on."""
        self.look.day = date(*other_month(self.look.day.year, self.look.day.month, number), 1)

    def action_calendar_agenda(self) -> None:
        """The agenda from the week under the cursor on."""
        current = self.query_one("#month", PagedList).current
        if current is not None:
            self._open_week(current.key)

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        self._open_week(event.line.key)

    def _open_week(self, key: str) -> None:
        self.look.day = date.fromisoformat(key.partition(":")[0])
        self.app.switch_screen(AgendaScreen(self.look))


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NARROWEST = 6


def _week_lines(week: list[MonthDay], today: date, width: int) -> list[Line]:
    """All days equally wide, whatever they have."""
    monday = week[0].day
    rows: list[list[Cell]] = [[_number_cell(day, today) for day in week]]
    depth = min(max(len(day.entries) for day in week), _MONTH_LINES)
    for row in range(depth):
        rows.append([_month_cell(day, row) for day in week])
    rows.append([Cell("") for _ in week])
    return [
        line(f"{monday}:{number}", *(Cell(fit(cell.text, width), cell.tone) for cell in cells))
        for number, cells in enumerate(rows)
    ]


def _number_cell(day: MonthDay, today: date) -> Cell:
    text = str(day.day.day) if day.in_month else f"{day.day.day} {day.day:%b}"
    if day.day == today:
        return Cell(f"{text} today", Tone.ACCENT)
    return Cell(text, Tone.STRONG if day.in_month else Tone.DIM)


def _month_cell(day: MonthDay, row: int) -> Cell:
    if row >= len(day.entries):
        return Cell("")
    if row == _MONTH_LINES - 1 and len(day.entries) > _MONTH_LINES:
        return Cell(f"+ {len(day.entries) - row} more", Tone.DIM)
    entry = day.entries[row]
    starts = "" if entry.is_all_day or entry.starts.date() != day.day else f"{entry.starts:%H:%M} "
    muted = entry.is_cancelled or not day.in_month
    return Cell(f"{starts}{entry.subject}", Tone.DIM if muted else Tone.ACCENT if entry.is_all_day else Tone.PLAIN)
