"""A name and a form: how definitions and schedules are created and changed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mse_tui.actions.going_live import GoingLive
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import Choice
from mse_tui.text import printable
from mse_tui.widgets.commands import CANCEL, SUBMIT, bindings
from mse_tui.widgets.faults import every_fault_explained
from mse_tui.widgets.form import Form, align_controls
from mse_tui.widgets.inputs import Button, QuietInput

Save = Callable[[str, BaseModel], Any]
"""(name, settings) -> what the screen answers with; called in a thread, may raise Problem."""


class FormScreen(ModalScreen[Any]):
    """Asks for a name and settings and saves them; answers what saving gave, None where it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((SUBMIT, CANCEL))
    NAME_TITLE: ClassVar[str] = "Name"
    """What the line above the settings asks for."""

    def __init__(
        self, title: str, model: type[BaseModel], save: Save, name: str = "", values: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self._title = title
        self._model = model
        self._save = save
        self._name_given = name
        self._values = values
        self._first_entered: tuple[str, Mapping[str, Any]] | None = None

    def note(self, settings: BaseModel) -> str:
        """What the settings come to, in words; for subclasses."""
        return ""

    def asks(self, settings: BaseModel) -> GoingLive | None:
        """What is asked before the settings are saved; in a thread, for subclasses."""
        return None

    def compose(self) -> ComposeResult:
        """Title, name, fields, what they come to, buttons."""
        with Vertical(classes="dialog -wide -tall"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            yield Static("", classes="form-error", markup=False)
            with Horizontal(classes="entry-line"):
                yield Static(self.NAME_TITLE, classes="entry-title", markup=False)
                yield QuietInput(self._name_given, id="name")
            yield Static("")
            yield Form(self._model, self._values)
            yield Static("", classes="form-note", markup=False)
            with Horizontal(classes="form-buttons"):
                yield Button("Save", id="save")
                yield Button("Cancel", id="cancel")
                yield Static("Tab next, Ctrl+S saves, Esc cancels", classes="dialog-hint -inline", markup=False)

    @property
    def begun(self) -> str:
        """What was entered."""
        changed = self._first_entered is not None and self._entered() != self._first_entered
        return "What was entered into the form" if changed else ""

    def _entered(self) -> tuple[str, Mapping[str, Any]]:
        return self.query_one("#name", Input).value, self.query_one(Form).values()

    def on_mount(self) -> None:
        """The name first."""
        align_controls(self)
        self._first_entered = self._entered()
        self.query_one("#name", Input).focus()
        self._show_note()

    @on(Form.Changed)
    def _align(self) -> None:
        self.call_after_refresh(align_controls, self)

    @on(Form.Changed)
    def _show_note(self) -> None:
        settings = self.query_one(Form).settings()
        text = self.note(settings) if settings is not None else ""
        line = self.query_one(".form-note", Static)
        line.update(printable(text, keep_newlines=True))
        line.display = bool(text)

    @on(Button.Pressed, "#save")
    def action_submit(self) -> None:
        """Check, then save."""
        settings = self.query_one(Form).checked()
        name = self.query_one("#name", Input).value.strip()
        if settings is not None:
            self._try(name, settings)

    @work(exclusive=True, group="save")
    async def _try(self, name: str, settings: BaseModel) -> None:
        try:
            if not await self._is_meant(settings):
                return
            saved = await asyncio.to_thread(self._saved, name, settings)
        except Problem as problem:
            line = self.query_one(".form-error", Static)
            line.update(printable(f"{problem.happened} {problem.remedy}"))
            line.display = True
            self.query_one("#name", Input).focus()
            return
        self.dismiss(saved)

    async def _is_meant(self, settings: BaseModel) -> bool:
        asked = await asyncio.to_thread(self.asks, settings)
        if asked is None:
            return True
        choices = [("No, keep editing", False), ("Yes, save it", True)]
        title, text = f"{asked.what[:1].upper()}{asked.what[1:]}?", "These tasks do so from their next execution on."
        return bool(await self.app.push_screen_wait(Choice(title, text, choices, names=asked.tasks, warning=True)))

    def _saved(self, name: str, settings: BaseModel) -> Any:
        with every_fault_explained():
            return self._save(name, settings)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave everything as it was; ask before what was entered is lost."""
        if self.begun:
            self._ask_to_leave()
        else:
            self.dismiss(None)

    @work(exclusive=True, group="leave")
    async def _ask_to_leave(self) -> None:
        choices = [("Keep editing", False), ("Leave without saving", True)]
        if await self.app.push_screen_wait(Choice("Leave this form?", f"{self.begun} is lost.", choices)):
            self.dismiss(None)
