"""Definitions: named settings of a task type."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel
from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.access.roles import Role, missing
from mse_tui.actions.checks import needed_for, settings_model
from mse_tui.actions.definitions import create_definition, refuse_used, remove_definition, set_definition
from mse_tui.features import FEATURES
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import Choice
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to, needs_said
from mse_tui.screens.settings_forms import changed_definition, new_definition
from mse_tui.screens.several import Outcome, are_used, ask_to_delete, each, show_refused, tell_users
from mse_tui.store import queries
from mse_tui.store.queries import DefinitionRow
from mse_tui.terms import TaskType
from mse_tui.widgets.commands import CREATE, DELETE, EDIT, FILTERING
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.settings_facts import settings_facts
from mse_tui.widgets.wording import absolute, number


@dataclass(frozen=True, slots=True)
class Shown:
    """A definition and its settings in words."""

    row: DefinitionRow
    facts: tuple[Fact, ...]


def _for_its_type(screen: "DefinitionsScreen") -> frozenset[Role]:
    return needed_for(screen.current.row.type) if screen.current is not None else frozenset()


class DefinitionsScreen(LiveScreen[list[Shown]]):
    """All definitions; the settings of the one under the cursor below."""

    KEYS = (CREATE, EDIT, DELETE, *FILTERING)
    FOR_A_LINE = (EDIT, DELETE)
    MARKS = True
    PLACE = "definitions"
    HELP_TEXT = "Definitions: named settings that tasks use. One definition may serve many tasks."

    def body(self) -> Iterable[Widget]:
        """The list above, the settings below."""
        yield Static("Definitions", classes="title", markup=False)
        yield PagedList(
            (
                Column("Name", 40, grows=True),
                Column("Type", 4),
                Column("Tasks", 5, right=True),
                Column("Revision", 8, 4, right=True),
                Column("Modified", 16, 3),
                Column("By", 16, 5),
            ),
            id="definitions",
            empty=" No definitions. Press c to create one.",
        )
        yield Facts(id="settings", classes="half")

    def load(self) -> list[Shown]:
        """All of them."""
        return [Shown(row, tuple(settings_facts(_model(row.type), row.settings))) for row in queries.definitions()]

    def show(self, data: list[Shown]) -> None:
        """By name."""
        self.query_one("#definitions", PagedList).set_lines([_line(one.row) for one in data])
        self._show_settings()

    @property
    def current(self) -> Shown | None:
        """The one under the cursor."""
        current = self.query_one("#definitions", PagedList).current
        return next((one for one in self.shown or () if current and str(one.row.id) == current.key), None)

    @on(PagedList.Moved, "#definitions")
    def _show_settings(self) -> None:
        current = self.current
        self.query_one("#settings", Facts).set_facts(current.facts if current else ())

    @on(PagedList.Opened, "#definitions")
    @leads_to(set_definition, roles=_for_its_type)
    def action_edit(self) -> None:
        """Change the one under the cursor."""
        if (current := self.current) is not None:
            self.app.push_screen(changed_definition(current.row))

    @leads_to(create_definition)
    @work(exclusive=True, group="ask")
    async def action_create(self) -> None:
        """Choose a type, then fill in the form."""
        lacking = {one: missing(needed_for(one), self.tui.roles) for one in FEATURES}
        text = "\n".join(f"{one.label} {needs_said(roles)}." for one, roles in lacking.items() if roles)
        choices = [(one.label, one) for one, roles in lacking.items() if not roles]
        chosen: TaskType | None = await self.app.push_screen_wait(Choice("Which type?", text, choices))
        if chosen is not None:
            created = await self.app.push_screen_wait(new_definition(chosen))
            if created is not None:
                self.reload()

    @leads_to(remove_definition)
    @work(exclusive=True, group="ask")
    async def action_delete(self) -> None:
        """Ask, then delete those that no task uses; of the others say which tasks do."""
        rows = {str(one.row.id): one.row for one in self.shown or ()}
        chosen = [rows[one.key] for one in self.query_one("#definitions", PagedList).chosen if one.key in rows]
        if are_used(chosen):
            tell_users(self.tui, chosen, lambda row: refuse_used(row.id))
        elif await ask_to_delete(self, "definition", chosen):
            self.tui.act(lambda: each(chosen, lambda row: remove_definition(row.id)), self._deleted)

    def _deleted(self, outcome: Outcome[DefinitionRow]) -> None:
        self.query_one("#definitions", PagedList).unmark({str(row.id) for row in outcome.done})
        show_refused(self.tui, outcome, lambda row: row.name)


def _model(task_type: TaskType) -> type[BaseModel] | None:
    try:
        return settings_model(task_type)
    except Problem:
        return None


def _line(row: DefinitionRow) -> Line:
    return line(
        row.id,
        Cell(row.name, Tone.STRONG),
        Cell(row.type.value, Tone.DIM),
        number(row.tasks),
        Cell(number(row.revision), Tone.DIM),
        Cell(absolute(row.modified), Tone.DIM),
        Cell(row.modified_by, Tone.DIM),
        copies=row.name,
    )
