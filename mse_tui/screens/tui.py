"""The app as its screens know it: what they may ask of it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from textual import events, work
from textual.app import App, ScreenStackError
from textual.notifications import Notify
from textual.screen import Screen

from mse_tui.access.roles import Role
from mse_tui.home import Home
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import FactsDialog, problem_notice
from mse_tui.terms import TaskType
from mse_tui.widgets.commands import Command
from mse_tui.widgets.faults import every_fault_explained
from mse_tui.widgets.lines import Fact, Tone

if TYPE_CHECKING:
    from mse_tui.archive.packs import Packs
    from mse_tui.engine.log_lines import LogFilter

Answer = TypeVar("Answer")

_HINTED_FOR = 2
"""Seconds."""


@runtime_checkable
class Reloads(Protocol):
    """A screen that shows what is in the database."""

    def reload(self) -> None:
        """Read it again."""
        ...


@runtime_checkable
class Begins(Protocol):
    """A screen on which something is begun that leaving loses."""

    @property
    def begun(self) -> str:
        """What; '' for nothing."""
        ...


class Tui(App[None]):
    """What every screen finds in its app."""

    def __init__(self, home: Home, clock: Callable[[], datetime], *, engine_begins: bool, ansi: bool) -> None:
        super().__init__(ansi_color=True if ansi else None)
        self.home = home
        self.clock = clock
        """What relative times are said by."""
        self.engine_state: tuple[str, Tone] = ("", Tone.DIM)
        self.engine_begins = engine_begins
        """It is being started; that none runs is no problem yet."""
        self._engine_alive = True
        self.roles: frozenset[Role] = frozenset()
        """Those of the person at the keyboard."""
        self.left = Event()
        """Set when the app is on its way out: nothing is shown any more, and nothing waited for."""
        self._hinted = False

    # --- what is said in passing ---------------------------------------------------------------------------------

    def hint(self, text: str) -> None:
        """Say what a key can't do here; the next key or click takes it away."""
        self._hinted = True
        self.notify(text, timeout=_HINTED_FOR, markup=False)

    def on_notify(self, _event: Notify) -> None:
        """One thing at a time: what was said before gives way."""
        self._notifications.clear()

    async def on_event(self, event: events.Event) -> None:
        """A hint is about the key before."""
        if self._hinted and isinstance(event, events.Key | events.MouseDown) and not event.is_forwarded:
            self._hinted = False
            self.clear_notifications()
        await super().on_event(event)

    def exit(self, *arguments: Any, **options: Any) -> None:
        """Leave."""
        self.left.set()
        super().exit(*arguments, **options)

    @property
    def ending(self) -> bool:
        """The app is on its way out."""
        return self.left.is_set()

    @property
    def front(self) -> Screen[Any] | None:
        """The screen that is seen; None while the app ends."""
        try:
            return None if self.ending else self.screen
        except ScreenStackError:
            return None

    @property
    def nobody_runs_tasks(self) -> bool:
        """No engine runs this site, here or elsewhere."""
        return not (self._engine_alive or self.engine_begins)

    def packs(self) -> "Packs":
        """The site's archived content. Raises Problem configuration-invalid."""
        # What reads content is a fifth of a second to import, and the first frame does without.
        from mse_tui.actions.archive_reading import packs_of  # noqa: PLC0415
        from mse_tui.config.loading import load_configuration  # noqa: PLC0415

        return packs_of(self.home, load_configuration(self.home.config) if self.home.config.exists() else None)

    def act(self, function: Callable[[], Any], then: Callable[[Any], None] | None = None) -> None:
        """Run an action in a thread; its Problem is shown in full, its result goes to `then`."""
        self._act(function, then)

    @work(group="act")
    async def _act(self, function: Callable[[], Any], then: Callable[[Any], None] | None) -> None:
        try:
            result = await asyncio.to_thread(explained, function)
        except Problem as problem:
            self.push_screen(problem_notice(problem))
            return
        if isinstance(front := self.front, Reloads):
            front.reload()
        if then is not None:
            then(result)

    async def asked(self, question: Callable[[], Answer]) -> Answer | None:
        """What a screen asks of the store before it goes on, in a thread, so that no key waits for the answer.

        None where a Problem came instead, which is shown.
        """
        try:
            return await asyncio.to_thread(explained, question)
        except Problem as problem:
            self.push_screen(problem_notice(problem))
            return None

    def show_facts(self, title: str, facts: Sequence[Fact], commands: Sequence[Command] = ()) -> None:
        """Facts over the present screen; `commands` of the screen can be given from there."""

        def closed(chosen: Command | None) -> None:
            if chosen is not None:
                self.call_later(self.do, chosen, None)

        self.push_screen(FactsDialog(title, facts, commands), closed)

    async def do(self, command: Command, focused: Any) -> None:
        """Give a command: to what has the focus, the screen or the app, whichever knows it first."""
        owner = next((one for one in (focused, self.screen) if hasattr(one, command.method)), self)
        await self.run_action(command.action, owner)

    # --- where to go ---------------------------------------------------------------------------------------------

    async def go_to(self, place: str) -> None:
        """Switch to a place's first screen; to what was begun there, if anything was."""
        raise NotImplementedError

    async def show_tasks(self, task_type: TaskType | None) -> None:
        """Go to the tasks of one type."""
        raise NotImplementedError

    def new_task(self) -> None:
        """Create a task, step by step."""
        raise NotImplementedError

    def open_task(self, task_id: int) -> None:
        """All about a task."""
        raise NotImplementedError

    def open_execution(self, execution_id: int) -> None:
        """One entry of a task summary log, mailbox by mailbox."""
        raise NotImplementedError

    def open_logs(self, wanted: "LogFilter") -> None:
        """What the engine logged about something."""
        raise NotImplementedError


def explained(function: Callable[[], Answer]) -> Answer:
    """What a function gives; whatever it raises, as a Problem."""
    with every_fault_explained():
        return function()
