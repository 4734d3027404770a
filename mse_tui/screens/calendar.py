"""Replicated calendars: mailboxes -> agenda or month -> appointment; now or as of a date, in either's time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.calendar_reading import (
    CalendarReading,
    look_into_calendars,
    mailboxes_with_calendars,
)
from mse_tui.archive.calendar_agenda import AgendaEntry, Period
from mse_tui.archive.views import MailboxView
from mse_tui.machine_zone import machine_zone
from mse_tui.screens.appointment import AppointmentScreen
from mse_tui.screens.calendar_look import HELP, CalendarLook, LookScreen
from mse_tui.screens.mailboxes import MailboxesScreen
from mse_tui.screens.roles import leads_to
from mse_tui.screens.tui import Tui
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
)
from mse_tui.widgets.commands import CALENDAR_AGENDA, CALENDAR_KEYS, CALENDAR_MONTH, FILTERING, LIST_OPEN, OPEN_MAILBOX
from mse_tui.widgets.lines import GAP, Cell, Column, Line, Tone, fit, line
from mse_tui.widgets.paged_list import PagedList

AGENDA_DAYS = 14
_MONTH_LINES = 5
"""Entries of a day that a month shows; the agenda has all."""


class CalendarScreen(MailboxesScreen):
    """Which mailboxes have replicated calendars."""

    KEYS = (OPEN_MAILBOX, *FILTERING)
    FOR_A_LINE = (OPEN_MAILBOX,)
    PLACE = ""
    HELP_TEXT = HELP

    HEADING = "Calendars: mailboxes"
    EMPTY = " No calendars are replicated. Press 2 for the tasks, c there creates one of the type CAL."

    def load(self) -> list[MailboxView]:
        """All of them."""
        return mailboxes_with_calendars()

    @on(PagedList.Opened)
    @leads_to(look_into_calendars)
    def action_list_open(self) -> None:
        """Open the calendars of the mailbox under the cursor."""
        if (mailbox := self.current) is not None:
            open_calendars(self.tui, mailbox.id)


def open_calendars(tui: Tui, mailbox_id: int) -> None:
    """Show a mailbox's agenda from today on; audited."""

    def opened(reading: CalendarReading) -> None:
        tui.push_screen(AgendaScreen(CalendarLook(reading, machine_zone(), tui.clock())))

    tui.act(lambda: look_into_calendars(mailbox_id, tui.packs()), opened)


@dataclass(frozen=True, slots=True)
class ShownAgenda:
    """What is read of an agenda."""

    period: Period
    entries: list[AgendaEntry]
    note: str


class AgendaScreen(LookScreen[ShownAgenda]):
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
        agenda = self.query_one("#agenda", PagedList)
        agenda.set_lines(lines)
        first = next((one.key for one in lines if _is_entry(one)), "")
        self.place_cursor(agenda, data.period, first)

    def absent(self) -> frozenset[str]:
        """A day has nothing to open."""
        current = self.query_one("#agenda", PagedList).current
        on_a_day = current is not None and not _is_entry(current)
        return super().absent() | ({LIST_OPEN.id} if on_a_day else frozenset())

    def step(self, number: int) -> None:
        """Two weeks on."""
        self.look.go_to(self.look.day + timedelta(days=AGENDA_DAYS * number))

    def action_calendar_month(self) -> None:
        """The month of the first day shown."""
        self.app.switch_screen(MonthScreen(self.look))

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        rest = event.line.key.partition(":")[2]
        if not _is_entry(event.line):
            self.tui.hint("A day opens nothing; an appointment does.")
        else:
            self.app.push_screen(AppointmentScreen(self.look.reading, int(rest.partition(":")[0]), self.look.zone))


def _day_line(day: date, today: date) -> Line:
    note = " today" if day == today else ""
    return line(f"day:{day}", Cell(day_heading(day), Tone.ACCENT), "", Cell(note.strip(), Tone.ACCENT))


def _is_entry(shown: Line) -> bool:
    return shown.key.startswith("entry:")


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


class MonthScreen(LookScreen[ShownMonth]):
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
        self._begin_at_today(month, data)

    def _begin_at_today(self, month: PagedList, data: ShownMonth) -> None:
        """All of this week is seen, or of the first one where today is in none of them."""
        weeks = [(week[0].day, len(_week_lines(week, self.look.today, 1))) for week in data.weeks]
        monday, rows = next((one for one in weeks if 0 <= (self.look.today - one[0]).days < 7), weeks[0])
        period = (self.look.day.year, self.look.day.month)
        if period != self.placed:
            month.select_key(f"{monday}:{rows - 1}")
        self.place_cursor(month, period, f"{monday}:0")

    def on_resize(self) -> None:
        """Days as wide as there is room."""
        if self.shown is not None:
            self.show(self.shown)

    def step(self, number: int) -> None:
        """Months on."""
        self.look.go_to(date(*other_month(self.look.day.year, self.look.day.month, number), 1))

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
