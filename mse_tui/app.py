"""The Textual app: places, global keys, the palette, and the thread that notices changes."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual import work
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen

from mse_tui.access.roles import Role, held, is_read_only, needed
from mse_tui.actions.sites import retry_accounts
from mse_tui.copying import keep_copy, shortened
from mse_tui.home import Home
from mse_tui.preferences import THEMES, Preferences, load_preferences, save_preferences
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import Choice, Picker, problem_notice
from mse_tui.screens.help import HelpScreen
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.places import PLACES, first_screen
from mse_tui.screens.roles import lacking_for, leads_to, needs_said, standing
from mse_tui.screens.tui import Begins, Reloads, Tui, explained
from mse_tui.store import queries
from mse_tui.store.watching import DataWatcher
from mse_tui.terms import TaskType
from mse_tui.widgets.commands import BACK, ENGINE, EVERYWHERE, LIST_KEYS, REFRESH, Command, bindings
from mse_tui.widgets.line_list import LineList
from mse_tui.widgets.lines import Tone
from mse_tui.widgets.themes import ANSI_DARK, ANSI_LIGHT, DARK, LIGHT
from mse_tui.widgets.wording import SERVICE_HINT, utc_now

if TYPE_CHECKING:
    from mse_tui.engine.log_lines import LogFilter

log = logging.getLogger(__name__)

_ENDED_TOLD_FOR = 60
"""Seconds for which it is said that the engine elsewhere has ended; header and dashboard say it from then on."""


class EngineHandle(Protocol):
    """The site's engine as the screens know it: this process may run it, or another one does."""

    def running(self) -> bool:
        """This process runs it."""
        ...

    def holder(self) -> str:
        """Who runs it, for people; '' when nobody does."""
        ...

    def start(self) -> None:
        """Run it here. Raises Problem engine-running-elsewhere."""
        ...

    def stop(self) -> None:
        """End it gracefully; returns when it has ended."""
        ...


def _to_start_the_engine(app: "MseTuiApp") -> frozenset[Role]:
    return needed(app.engine.start) if app.engine is not None else frozenset()


class MseTuiApp(Tui):
    """mse-tui in a terminal."""

    TITLE = "mse-tui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(one for one in EVERYWHERE if one not in (REFRESH, BACK))
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {name: first_screen(name) for name in PLACES}
    DEFAULT_MODE = "dashboard"
    NOTIFICATION_TIMEOUT = 4
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (78, "-normal"), (130, "-wide")]

    class DataChanged(Message):
        """Another connection has committed."""

    class EngineSeen(Message):
        """Who runs the engine now, and what the person at the keyboard may do."""

        def __init__(self, here: bool, holder: str, silent: bool, maintenance: bool, roles: frozenset[Role]) -> None:
            super().__init__()
            self.here = here
            self.holder = holder
            self.silent = silent
            """It lives elsewhere on this host, and writes nothing."""
            self.maintenance = maintenance
            self.roles = roles

    def __init__(
        self,
        home: Home,
        *,
        engine: EngineHandle | None = None,
        begin: Callable[[], None] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`begin` starts the engine; it is called in a thread once the first screen is there."""
        monochrome = "NO_COLOR" in os.environ
        super().__init__(home, clock, engine_begins=begin is not None, ansi=monochrome)
        self.engine = engine
        self._begin = begin
        self._engine_elsewhere = False
        self._told_that_it_ended = False
        self._watcher = DataWatcher(home.database, self._changed)
        self.animation_level = "none"
        for theme in (DARK, LIGHT, ANSI_DARK, ANSI_LIGHT):
            self.register_theme(theme)
        self.set_class(self.console.color_system == "standard", "-sixteen")
        self.theme = load_preferences(home.path).theme or ("ansi-dark" if monochrome else "dark")

    # --- life ----------------------------------------------------------------------------------------------------

    def on_load(self) -> None:
        """Before the first screen: what may be done on it."""
        self.roles = held()

    def on_mount(self) -> None:
        """Watch the database and listen for the signals that end a session."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self.exit)
        self._watcher.start()
        self._look_at_engine()
        if self._begin is not None:
            self.call_after_refresh(self._begin_engine, self._begin)

    def on_unmount(self) -> None:
        """Stop watching."""
        self._watcher.stop()

    def _changed(self) -> None:
        self.post_message(self.DataChanged())

    def on_mse_tui_app_data_changed(self) -> None:
        """Only what is seen is read again; the rest reads when it comes into view."""
        self._look_at_engine()
        if isinstance(front := self.front, Reloads):
            front.reload()

    @work(thread=True, exclusive=True, group="engine-state", exit_on_error=False)
    def _look_at_engine(self) -> None:
        try:
            seen = explained(self._engine_seen)
        except Problem as problem:
            log.warning("Who runs the engine could not be read: %s", problem)
        else:
            self.post_message(seen)

    def _engine_seen(self) -> EngineSeen:
        site = next(iter(queries.sites()), None)
        here = self.engine is not None and self.engine.running()
        holder = self.engine.holder() if self.engine is not None else site.engine if site else ""
        silent = site is not None and not holder and bool(site.silent)
        maintenance = site is not None and site.maintenance_until is not None
        return self.EngineSeen(here, holder, silent, maintenance, held())

    def on_mse_tui_app_engine_seen(self, seen: EngineSeen) -> None:
        """Show it; say so when the engine that ran elsewhere has ended."""
        self.roles = seen.roles
        if seen.maintenance and (seen.here or seen.holder):
            state, tone = "maintenance", Tone.WARN
        elif seen.here:
            state, tone = "engine here", Tone.GOOD
        elif seen.holder:
            state, tone = "watching", Tone.PLAIN
        elif self.engine_begins:
            state, tone = "engine starts", Tone.DIM
        elif seen.silent:
            state, tone = "engine silent", Tone.WARN
        else:
            state, tone = "no engine", Tone.WARN
        who = "read only" if is_read_only() else standing(self.roles)
        self.engine_state = (", ".join(filter(None, (who, state))), tone)
        self._engine_alive = seen.here or bool(seen.holder)
        runs = seen.here or bool(seen.holder) or seen.silent
        ended = self._engine_elsewhere and not runs
        self._engine_elsewhere = runs and not seen.here
        if isinstance(front := self.front, LiveScreen):
            front.show_header()
        if ended:
            self._tell_that_it_ended()
        elif runs and self._told_that_it_ended:
            self._told_that_it_ended = False
            self.clear_notifications()

    def _tell_that_it_ended(self) -> None:
        """In passing: a question would take the keys of whoever is at work on something else."""
        text = "The engine that ran this site elsewhere has ended: its schedules rest."
        if self.engine is not None and not lacking_for(ENGINE, self, self.roles):
            text += f" {ENGINE.first_key} runs it here."
        self._told_that_it_ended = True
        self.notify(text, title="No engine", severity="warning", timeout=_ENDED_TOLD_FOR, markup=False)

    # --- commands ------------------------------------------------------------------------------------------------

    def commands_here(self) -> list[Command]:
        """What can be done on this screen, its own commands first."""
        own = self.screen.KEYS if isinstance(self.screen, LiveScreen) else ()
        return [*own, *EVERYWHERE, *LIST_KEYS]

    def action_help(self) -> None:
        """Show the keys of this screen."""
        screen = self.screen
        own, text = (screen.KEYS, screen.HELP_TEXT) if isinstance(screen, LiveScreen) else ((), "")
        lists = any(not one.IS_TEXT for one in screen.query(LineList))
        self.push_screen(HelpScreen(text, own, self.refused(), lists=lists))

    def refused(self) -> dict[str, str]:
        """Why the person may not give a command here, by the command's id."""
        everywhere = {command.id: lacking_for(command, self, self.roles) for command in EVERYWHERE}
        here = self.screen.refused() if isinstance(self.screen, LiveScreen) else {}
        return {name: needs_said(roles) for name, roles in everywhere.items() if roles} | here

    @work(exclusive=True, group="palette")
    async def action_palette(self) -> None:
        """Find a command by typing a part of it."""
        focused = self.focused
        refused = self.refused()
        entries = [
            (one.label, f"{one.first_key}\t{refused.get(one.id, one.help)}", one) for one in self.commands_here()
        ]
        chosen: Command | None = await self.push_screen_wait(Picker("Commands", entries))
        if chosen is not None:
            await self.do(chosen, focused)

    async def go_to(self, place: str) -> None:
        """Switch to a place's first screen; to what was begun there, if anything was."""
        if self.current_mode != place:
            await self.switch_mode(place)
        while len(self.screen_stack) > 1 and isinstance(self.screen, LiveScreen) and not self.screen.HOLDS_WORK:
            self.pop_screen()

    async def action_mode(self, place: str) -> None:
        """Go to a place, and show everything that it lists."""
        await self.go_to(place)
        if isinstance(self.screen, LiveScreen):
            self.screen.show_all()

    def action_theme(self) -> None:
        """The next theme; it is remembered."""
        current = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(current + 1) % len(THEMES)]
        if not is_read_only():
            save_preferences(self.home.path, Preferences(theme=self.theme))
        self.notify(f"Theme: {self.theme}", timeout=2, markup=False)

    # --- copying -------------------------------------------------------------------------------------------------

    def on_line_list_copied(self, copied: LineList.Copied) -> None:
        """To the terminal's clipboard, and into a file for terminals that take no copies.

        Visitors in a browser are all one user: what one copies is not left where the others' copies go.
        """
        self.copy_to_clipboard(copied.text)
        self._keep_copy(copied.text)

    @work(thread=True, group="copy", exit_on_error=False)
    def _keep_copy(self, text: str) -> None:
        kept = None if self.is_web else keep_copy(text)
        where = f"; the file {shortened(kept)} has it too" if kept is not None else ""
        self.notify(f"Copied, if this terminal takes copies{where}.", markup=False)

    # --- from screen to screen -----------------------------------------------------------------------------------

    # A screen is imported when it is gone to: the first frame does not wait for the others.

    def new_task(self) -> None:
        """Create a task, step by step."""
        from mse_tui.screens.new_task import NewTaskScreen  # noqa: PLC0415

        self.push_screen(NewTaskScreen())

    def open_task(self, task_id: int) -> None:
        """All about a task."""
        from mse_tui.screens.task_information import TaskInformationScreen  # noqa: PLC0415

        self.push_screen(TaskInformationScreen(task_id))

    def open_execution(self, execution_id: int) -> None:
        """One entry of a task summary log, mailbox by mailbox."""
        from mse_tui.screens.summary_log import ExecutionScreen  # noqa: PLC0415

        self.push_screen(ExecutionScreen(execution_id))

    def open_logs(self, wanted: "LogFilter") -> None:
        """What the engine logged about something."""
        from mse_tui.screens.logs import LogsScreen  # noqa: PLC0415

        self.push_screen(LogsScreen(wanted))

    async def show_tasks(self, task_type: TaskType | None) -> None:
        """Go to the tasks of one type."""
        from mse_tui.screens.tasks import TasksScreen  # noqa: PLC0415

        await self.go_to("tasks")
        if isinstance(self.screen, TasksScreen):
            self.screen.show_type(task_type)

    # --- the engine ----------------------------------------------------------------------------------------------

    @leads_to(roles=_to_start_the_engine)
    def action_engine_start(self) -> None:
        """Run the engine in this process."""
        if self.engine is None:
            self.notify("This program was started only to look.", severity="warning", markup=False)
        elif not self.engine.running():
            self.act(self.engine.start, self._engine_started)

    @work(group="act")
    async def _begin_engine(self, begin: Callable[[], None]) -> None:
        """An engine that lives elsewhere is watched; any other reason why none starts here is shown."""
        try:
            await asyncio.to_thread(explained, begin)
            self._engine_alive = True
        except Problem as problem:
            log.warning("The engine did not start: %s", problem)
            if problem.reason not in (Reason.ENGINE_RUNNING_ELSEWHERE, Reason.ROLE_MISSING):
                self.push_screen(problem_notice(problem, "The engine did not start"))
        finally:
            self.engine_begins = False
        if not self.ending:
            self.on_mse_tui_app_data_changed()

    def _engine_started(self, _result: None) -> None:
        self._look_at_engine()

    @leads_to(retry_accounts)
    def action_account_retry(self) -> None:
        """Refused accounts are right now."""
        self.act(retry_accounts, lambda accounts: self.notify(_retried(accounts), markup=False))

    async def action_quit(self) -> None:
        """Leave; where work is lost or an engine ends by that, say so first."""
        if not (ends := list(self._what_ends())):
            self.exit()
        elif all(one.group != "quit" or one.is_finished for one in self.workers):
            self._ask_to_quit("\n\n".join(ends))

    def _what_ends(self) -> Iterator[str]:
        """What leaving ends beside the program."""
        for place in self.MODES:
            with contextlib.suppress(KeyError):  # places that nobody has been to have no screens
                for screen in self.get_screen_stack(place):
                    if isinstance(screen, Begins) and screen.begun:
                        yield f"{screen.begun} is lost."
        if self.engine is not None and self.engine.running():
            yield (
                "The site's engine runs inside this program and ends with it: running tasks stop at the next item and"
                f" schedules rest until an engine runs again.\n\n{SERVICE_HINT}"
            )

    @work(group="quit")
    async def _ask_to_quit(self, text: str) -> None:
        if await self.push_screen_wait(Choice("Quit mse-tui?", text, [("Stay", False), ("Quit", True)])):
            self.exit()


def _retried(accounts: list[str]) -> str:
    return f"Tried again: {', '.join(accounts)}" if accounts else "No account is halted."
