"""What every place of the program shares: it reads in a thread, shows the newest, and rests while it is not seen."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from mse_tui.reasons import Problem
from mse_tui.screens.roles import lacking_for, needs_said
from mse_tui.screens.tui import Tui
from mse_tui.text import printable
from mse_tui.widgets.bars import Bar, HeaderBar, KeyBar
from mse_tui.widgets.commands import (
    BACK,
    FILTER,
    HELP,
    LIST_COPY,
    LIST_MARK,
    LIST_OPEN,
    NEXT_MATCH,
    PREVIOUS_MATCH,
    QUIT,
    REFRESH,
    Command,
    bindings,
    steps_beside,
)
from mse_tui.widgets.faults import every_fault_explained
from mse_tui.widgets.inputs import QuietInput
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import number, zone_said

Data = TypeVar("Data")
HOME_PLACE = "dashboard"


class LiveScreen(Screen[None], Generic[Data]):
    """A screen over the database.

    A subclass says what to read (`load`, in a thread) and how to show it (`show`), and composes its `body`.
    It is read again when it comes into view and when the database has changed, one reading at a time.
    """

    KEYS: ClassVar[tuple[Command, ...]] = ()
    """The screen's own commands, in the order of the key line."""
    FOR_A_LINE: ClassVar[tuple[Command, ...]] = ()
    """Those of them that are for the line under the cursor: where there is none, they do nothing."""
    OPENS: ClassVar[bool] = True
    """Enter opens a line of its list."""
    MARKS: ClassVar[bool] = False
    """A command of its own is for marked lines."""
    PLACE: ClassVar[str] = ""
    """Which of the modes is lit in the header."""
    HOLDS_WORK: ClassVar[bool] = False
    """Something was begun on it that would be lost if its place were left for the place's first screen."""
    HELP_TEXT: ClassVar[str] = ""
    """A sentence or two for the help."""

    @dataclass
    class Loaded(Message, bubble=False):
        """The reading ended."""

        data: Any

    @dataclass
    class LoadFailed(Message, bubble=False):
        """The reading failed."""

        problem: Problem

    def __init_subclass__(cls, **options: Any) -> None:
        if "KEYS" in cls.__dict__:
            own = {command.id for command in cls.KEYS}
            others = [command for command in (REFRESH, BACK, *steps_beside(cls.KEYS)) if command.id not in own]
            cls.BINDINGS = bindings((*cls.KEYS, *others))
        super().__init_subclass__(**options)

    def __init__(self) -> None:
        super().__init__()
        self._reading = False
        self._read_again = False
        self.shown: Data | None = None
        """The newest data shown; None before the first."""

    @property
    def begun(self) -> str:
        """What was begun on it and is lost when the program is left; '' for nothing."""
        return ""

    # --- for subclasses ------------------------------------------------------------------------------------------

    def load(self) -> Data:
        """Read what the screen shows. Called in a thread: touches no widget."""
        raise NotImplementedError

    def show(self, data: Data) -> None:
        """Bring the widgets up to date."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """The widgets between the header and the key line."""
        raise NotImplementedError

    @property
    def tui(self) -> Tui:
        """The app, as what it is."""
        return cast("Tui", self.app)

    @property
    def now(self) -> datetime:
        """The time by which relative times are said."""
        return self.tui.clock()

    @property
    def main_list(self) -> PagedList | None:
        """The list that has the focus, else the first one: what filter and find work on."""
        if isinstance(self.focused, PagedList):
            return self.focused
        return next(iter(self.query(PagedList)), None)

    def refused(self) -> dict[str, str]:
        """Why the person may not give a command of this screen now, by the command's id."""
        lacking = {command.id: lacking_for(command, self, self.tui.roles) for command in self.KEYS}
        return {name: needs_said(roles) for name, roles in lacking.items() if roles}

    def absent(self) -> frozenset[str]:
        """The ids of the commands that would do nothing now: the key line is without them."""
        found = self.main_list
        line = found.current if found is not None else None
        narrowed = found is not None and bool(found.filter_text)
        nothing = set[Command]()
        if line is None:
            nothing |= {*self.FOR_A_LINE, LIST_COPY}
        if line is None or not self.OPENS or (found is not None and found.IS_TEXT):
            nothing |= {LIST_OPEN}
        if line is None or not self.MARKS or (found is not None and found.IS_TEXT):
            nothing |= {LIST_MARK}
        if not narrowed:
            nothing |= {NEXT_MATCH, PREVIOUS_MATCH}
        if line is None and not narrowed:
            nothing |= {FILTER}
        if not narrowed and len(self.app.screen_stack) < 2:
            nothing |= {BACK}
        return frozenset(one.id for one in nothing)

    # --- life ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Header, banner, body, filter, keys."""
        yield HeaderBar()
        yield Static("", id="banner", markup=False)
        with Vertical(id="body"):
            yield from self.body()
        yield QuietInput(id="filter", placeholder="text to look for; Enter keeps it, Esc drops it")
        yield KeyBar((HELP, QUIT, *self.KEYS), (LIST_OPEN, BACK, LIST_MARK, LIST_COPY))

    def on_mount(self) -> None:
        """The header is right from the first frame on."""
        self.show_header()

    def on_screen_resume(self) -> None:
        """It is seen again: read."""
        self.show_header()
        self.reload()

    def show_header(self) -> None:
        """Where one is, who runs the engine, and what one may do."""
        for header in self.query(HeaderBar):
            zones = zone_said(self.now)
            header.show(self.PLACE or str(self.tui.current_mode), *self.tui.engine_state, zones)
        self.show_keys()

    def show_keys(self) -> None:
        """Which commands are to be had now: that may change with the line under the cursor."""
        for keys in self.query(KeyBar):
            matching = self.main_list.matching if self.main_list is not None else ""
            keys.show(self.refused(), self._marked_said(), self.absent(), matching)

    def _marked_said(self) -> str:
        if (found := self.main_list) is None or not found.marked:
            return ""
        hidden = f" ({number(found.marked_out_of_sight)} hidden)" if found.marked_out_of_sight else ""
        return f"{number(len(found.marked))} marked{hidden}"

    def reload(self) -> None:
        """Read again; while a reading is under way, once more after it."""
        if self._reading:
            self._read_again = True
            return
        self._reading = True
        self._read()

    @work(thread=True, group="load", exit_on_error=False)
    def _read(self) -> None:
        try:
            with every_fault_explained():
                data = self.load()
        except Problem as problem:
            self.post_message(self.LoadFailed(problem))
        else:
            self.post_message(self.Loaded(data))

    @on(Loaded)
    def _loaded(self, message: Loaded) -> None:
        if self._is_seen:
            self.shown = message.data
            self._banner("")
            with self.app.batch_update():
                self.show(message.data)
                self.show_keys()
        self._reading_ended()

    @on(LoadFailed)
    def _load_failed(self, message: LoadFailed) -> None:
        if self._is_seen:
            self._banner(f"{message.problem.happened} {message.problem.remedy}")
        self._reading_ended()

    @on(Bar.Clicked)
    async def _command_clicked(self, event: Bar.Clicked) -> None:
        await self.tui.do(event.command, self.focused)

    @on(PagedList.Moved)
    @on(PagedList.Counted)
    @on(PagedList.Marked)
    @on(events.DescendantFocus)
    def _keys_may_differ(self) -> None:
        self.show_keys()

    @on(PagedList.Failed)
    def _page_failed(self, message: PagedList.Failed) -> None:
        self._banner(f"{message.problem.happened} {message.problem.remedy}")

    @property
    def _is_seen(self) -> bool:
        """Not left, hidden or on its way out: its widgets are there. (Coming back reads again.)"""
        return not self.tui.ending and self.is_mounted and self in self.app.screen_stack

    def _reading_ended(self) -> None:
        self._reading = False
        if self._read_again:
            self._read_again = False
            self.reload()

    def _banner(self, text: str) -> None:
        banner = self.query_one("#banner", Static)
        if banner.display != bool(text):
            banner.display = bool(text)
        if text:
            banner.update(printable(text))

    def show_all(self) -> None:
        """The place's own key was pressed: show everything that it lists."""
        if (found := self.main_list) is not None and found.filter_text:
            self._filter("")

    # --- commands that every place has ---------------------------------------------------------------------------

    def action_refresh(self) -> None:
        """Read everything again."""
        self.reload()

    def action_back(self) -> None:
        """Drop the filter, else the marks, else leave."""
        found = self.main_list
        if found is not None and found.filter_text:
            self._filter("")
        elif found is not None and found.marked:
            found.unmark()
        else:
            self.leave()

    def leave(self) -> None:
        """Back to the screen before; from a place's first screen to the dashboard."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        elif self.tui.current_mode != HOME_PLACE:
            self.app.call_later(self.tui.go_to, HOME_PLACE)
        else:
            self.notify("This is where it begins. q quits.", timeout=2, markup=False)

    def action_step_in(self) -> None:
        """Open the line under the cursor."""
        if isinstance(self.focused, PagedList):
            self.focused.action_list_open()

    def action_step_out(self) -> None:
        """Out of a list as Esc leads; fields have their own left."""
        if isinstance(self.focused, PagedList):
            self.action_back()

    def action_filter(self) -> None:
        """Ask for the text."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        found = self.main_list
        if found is not None and not found.is_paged and event.input.has_focus:
            found.filter(event.value)

    @on(Input.Submitted, "#filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        line = self.query_one("#filter", Input)
        found = self.main_list
        if found is None:
            return
        if found.is_paged:
            found.find(text)
        else:
            found.filter(text)
        with line.prevent(Input.Changed):
            line.value = text
        line.display = bool(text) and not found.is_paged
        found.focus()
        self.show_keys()

    def on_key(self, event: events.Key) -> None:
        """A letter that is no command here says so, so that nobody waits for what it would do."""
        if event.is_printable and event.key not in self.active_bindings:
            self.tui.hint(f"{event.character} does nothing here. ? for help.")

    def key_escape(self, event: events.Key) -> None:
        """Out of the filter line, and no further."""
        if self.query_one("#filter", Input).has_focus:
            event.stop()
            self._filter("")

    def action_match_next(self) -> None:
        """The next line with the text."""
        if (found := self.main_list) is not None:
            found.find(found.filter_text)

    def action_match_previous(self) -> None:
        """The line before with the text."""
        if (found := self.main_list) is not None:
            found.find(found.filter_text, forward=False)
