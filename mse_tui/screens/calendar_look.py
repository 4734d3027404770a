"""What agenda and month of replicated calendars share: one person's look, and how it is changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TypeVar

from textual import work
from textual.widgets import Static

from mse_tui.actions.calendar_reading import CalendarReading, zone_of
from mse_tui.archive.calendar_agenda import EARLIEST, LATEST, AgendaEntry, Period
from mse_tui.archive.calendar_export import CalendarExport
from mse_tui.archive.calendar_views import CalendarView
from mse_tui.archive.views import View
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import Choice, Question, refusal
from mse_tui.screens.live import LiveScreen
from mse_tui.text import printable
from mse_tui.wall_clock import moment_of
from mse_tui.widgets.calendar_wording import zone_difference
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, count, size

Data = TypeVar("Data")

HELP = (
    "Replicated calendars. a shows them day by day, m in months; left and right go earlier and later, z changes"
    " between this machine's time zone and the mailbox owner's. x cancelled, p private, ~ of a series, ! changed"
    " occurrence, m meeting. Every look into calendars is written to the audit."
)


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
    owners_zone: str = ""
    """The name of the owner's zone as it was read last; '' where it is not known."""
    _known: tuple[object, list[AgendaEntry]] | None = field(default=None, init=False)
    """What was asked last, and the answer."""

    def __post_init__(self) -> None:
        self.day = self.today

    @property
    def today(self) -> date:
        return self.now.astimezone(self.here).date()

    def go_to(self, day: date) -> None:
        """Show this day first, or the nearest that a calendar has."""
        self.day = min(max(day, EARLIEST), LATEST)

    @property
    def zone(self) -> tzinfo:
        """The zone in which times are shown."""
        return zone_of(self.owners_zone) if self.in_owners_zone and self.owners_zone else self.here

    def entries(self, period: Period) -> list[AgendaEntry]:
        """What takes place in a period; worked out anew only when the calendars have changed."""
        self.owners_zone = self.reading.owners_zone
        rows = [row for row in self.reading.calendars(self.view) if self.chosen_id in (0, row.id)]
        asked = (period, self.view, tuple(rows))
        if self._known is None or self._known[0] != asked:
            self._known = (asked, self.reading.agenda(self.view, period, [row.id for row in rows]))
        return self._known[1]

    def described(self) -> str:
        """Which calendars are shown, as of when, and in which zone."""
        shown = self.chosen or "All calendars"
        at = f" as of {absolute(self.view.at)}" if self.view.at is not None else ""
        return f"{shown}{at}, times in {self._described_zone()}"

    def _described_zone(self) -> str:
        here, owners = str(getattr(self.here, "key", self.here)), self.owners_zone
        if not owners or owners == here:
            return here
        if self.in_owners_zone:
            return f"{owners}, the owner's zone"
        ahead = zone_difference(self.now, self.here, zone_of(owners))
        return f"{here} (owner: {owners}{', ' if ahead else ''}{ahead})"


class LookScreen(LiveScreen[Data]):
    """What agenda and month have in common."""

    PLACE = ""
    HELP_TEXT = HELP

    def __init__(self, look: CalendarLook) -> None:
        super().__init__()
        self.look = look
        self.placed: object = None
        """What the cursor was placed in."""

    def step(self, number: int) -> None:
        """Go so many periods on."""
        raise NotImplementedError

    def place_cursor(self, listed: PagedList, period: object, key: str) -> None:
        """Begin at the line with this key, once a period; then the cursor is the person's."""
        if period != self.placed:
            self.placed = period
            listed.select_key(key)

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
        if not self.look.owners_zone:
            self.notify("The owner's time zone is not known.", markup=False)
            return
        self.look.in_owners_zone = not self.look.in_owners_zone
        self.reload()

    @work(exclusive=True, group="ask")
    async def action_calendar_day(self) -> None:
        """Ask for a day or a month."""
        text = "YYYY-MM-DD for a day, or YYYY-MM for a month."
        question = Question("Which day?", text, f"{self.look.day:%Y-%m-%d}", check=refusal(_day_of))
        if (answer := await self.app.push_screen_wait(question)) is not None:
            self.look.go_to(_day_of(answer))
            self.reload()

    @work(exclusive=True, group="ask")
    async def action_calendar_choose(self) -> None:
        """One calendar or all."""
        rows = await self.tui.asked(partial(self.look.reading.calendars, self.look.view))
        if rows is None:
            return
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
        read = partial(moment_of, zone=self.look.here)
        question = Question("As of when?", text, f"{self.look.today:%Y-%m-%d}", check=refusal(read))
        if (answer := await self.app.push_screen_wait(question)) is not None:
            self.look.view = View.as_of(read(answer))
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


def _day_of(text: str) -> date:
    """A day, or a month's first one. Raises Problem invalid."""
    try:
        return date.fromisoformat(text if text.count("-") > 1 else f"{text}-01")
    except ValueError as error:
        raise Problem(Reason.INVALID, f"{text!r} is not a date.", "Write it as 2026-03-01, or 2026-03.") from error


def _told(written: Sequence[tuple[Path, CalendarExport]]) -> str:
    reports = [report for _, report in written]
    number = sum(report.appointments for report in reports)
    failed = sum(len(report.problems) for report in reports)
    text = (
        f"{count(number, 'appointment')} in {count(len(written), 'file')}, {size(sum(each.bytes for each in reports))}"
    )
    return f"{text}; {failed} could not be written" if failed else text
