"""Schedules: named timing, with the next five executions in the schedule's own zone."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.schedules import create_schedule, refuse_used, remove_schedule, set_schedule
from mse_tui.engine.schedules import ScheduleSettings, describe
from mse_tui.maintenance import Maintenance
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.screens.settings_forms import changed_schedule, coming, new_schedule
from mse_tui.screens.several import Outcome, are_used, ask_to_delete, each, show_refused, tell_users
from mse_tui.store import queries
from mse_tui.store.queries import ScheduleRow
from mse_tui.widgets.commands import CREATE, DELETE, EDIT, FILTERING
from mse_tui.widgets.facts import Prose
from mse_tui.widgets.lines import Cell, Column, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, number


@dataclass(frozen=True, slots=True)
class Shown:
    """What is read."""

    schedules: tuple[ScheduleRow, ...]
    maintenance: Maintenance


class SchedulesScreen(LiveScreen[Shown]):
    """All schedules; what the one under the cursor means below."""

    KEYS = (CREATE, EDIT, DELETE, *FILTERING)
    FOR_A_LINE = (EDIT, DELETE)
    MARKS = True
    PLACE = "schedules"
    HELP_TEXT = "Schedules: named timing that tasks use. Below: the next five executions, in the schedule's zone."

    def body(self) -> Iterable[Widget]:
        """The list above, the next executions below."""
        yield Static("Schedules", classes="title", markup=False)
        yield PagedList(
            (
                Column("Name", 28, grows=True),
                Column("When", 44, 2, grows=True),
                Column("Tasks", 5, right=True),
                Column("Modified", 16, 4),
                Column("By", 16, 5),
            ),
            id="schedules",
            empty=" No schedules. Press c to create one.",
        )
        yield Prose(id="coming", classes="half")

    def load(self) -> Shown:
        """All of them, and when the site rests."""
        return Shown(tuple(queries.schedules()), queries.site_maintenance())

    def show(self, data: Shown) -> None:
        """By name."""
        self.query_one("#schedules", PagedList).set_lines([_line(row) for row in data.schedules])
        self._show_coming()

    @property
    def _current(self) -> ScheduleRow | None:
        current = self.query_one("#schedules", PagedList).current
        found = self.shown.schedules if self.shown else ()
        return next((row for row in found if current and str(row.id) == current.key), None)

    @on(PagedList.Moved, "#schedules")
    def _show_coming(self) -> None:
        current = self._current
        assert self.shown is not None
        text = coming(current.settings, self.now, maintenance=self.shown.maintenance) if current else ""
        self.query_one("#coming", Prose).set_text(text)

    @on(PagedList.Opened, "#schedules")
    @leads_to(set_schedule)
    def action_edit(self) -> None:
        """Change the one under the cursor."""
        if (current := self._current) is not None:
            self.app.push_screen(changed_schedule(current))

    @leads_to(create_schedule)
    def action_create(self) -> None:
        """Fill in the form."""
        self.app.push_screen(new_schedule())

    @leads_to(remove_schedule)
    @work(exclusive=True, group="ask")
    async def action_delete(self) -> None:
        """Ask, then delete those that no task uses; of the others say which tasks do."""
        rows = {str(row.id): row for row in (self.shown.schedules if self.shown else ())}
        chosen = [rows[one.key] for one in self.query_one("#schedules", PagedList).chosen if one.key in rows]
        if are_used(chosen):
            tell_users(self.tui, chosen, lambda row: refuse_used(row.id))
        elif await ask_to_delete(self, "schedule", chosen):
            self.tui.act(lambda: each(chosen, lambda row: remove_schedule(row.id)), self._deleted)

    def _deleted(self, outcome: Outcome[ScheduleRow]) -> None:
        self.query_one("#schedules", PagedList).unmark({str(row.id) for row in outcome.done})
        show_refused(self.tui, outcome, lambda row: row.name)


def _line(row: ScheduleRow) -> Line:
    return line(
        row.id,
        Cell(row.name, Tone.STRONG),
        describe(ScheduleSettings.model_validate(row.settings)),
        number(row.tasks),
        Cell(absolute(row.modified), Tone.DIM),
        Cell(row.modified_by, Tone.DIM),
        copies=row.name,
    )
