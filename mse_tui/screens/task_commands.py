"""What a person tells tasks, from any screen that shows some: run, stop, pause, resync, remove."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import App

from mse_tui.access.roles import Role
from mse_tui.actions import commands
from mse_tui.actions.checks import needed_for
from mse_tui.features import takes_away
from mse_tui.screens.dialogs import Choice, Question
from mse_tui.screens.roles import leads_to
from mse_tui.store import queries
from mse_tui.store.queries import TaskRow
from mse_tui.terms import Status, TaskType
from mse_tui.widgets.wording import count

if TYPE_CHECKING:
    from mse_tui.app import MseTuiApp


def _for_their_types(screen: "TaskCommands") -> frozenset[Role]:
    return frozenset().union(*(needed_for(kind) for kind in screen.chosen_types()))


def _for_resuming(screen: "TaskCommands") -> frozenset[Role]:
    return frozenset().union(*(needed_for(task.type) for task in screen.chosen_tasks() if task.paused))


_ASK = {"ask": True}
"""The number of mailboxes is asked for."""


class TaskCommands:
    """A screen with tasks; it says which are meant."""

    app: App[Any]
    tui: "MseTuiApp"
    RETRIES_FIRST = False
    """The screen is about what failed: running that again is the first choice."""

    def chosen_tasks(self) -> Sequence[TaskRow]:
        """The marked tasks, else the one under the cursor."""
        raise NotImplementedError

    def retries(self, tasks: Sequence[TaskRow]) -> list[tuple[str, Sequence[str]]]:
        """Which mailboxes may be meant to be run again, in words and as addresses."""
        failing = queries.failing_mailboxes(tasks[0].id) if len(tasks) == 1 else []
        return [(retry_words(failing), failing)] if failing else []

    def chosen_types(self) -> Collection[TaskType]:
        """Their types; asked at each move of the cursor."""
        return {task.type for task in self.chosen_tasks()}

    def tasks_told(self) -> None:
        """Called when a command was given: takes the marks away."""

    @leads_to(commands.run_now, roles=_for_their_types)
    @work(exclusive=True, group="ask")
    async def action_task_run(self) -> None:
        """Ask on which mailboxes, then run."""
        if not (tasks := self.chosen_tasks()):
            return
        dialog = Choice(f"Run now: {named(tasks)}", _run_text(tasks), self._run_choices(tasks))
        chosen: dict[str, Any] | None = await self.app.push_screen_wait(dialog)
        if chosen is _ASK:
            first = await self._ask_number()
            chosen = {"first": first} if first else None
        if chosen is not None:
            self._tell(tasks, partial(commands.run_now, **chosen), "told to run")

    def _run_choices(self, tasks: Sequence[TaskRow]) -> list[tuple[str, dict[str, Any] | None]]:
        """What can be run, the likeliest first; nothing, where something is taken away."""
        again: list[tuple[str, dict[str, Any] | None]] = [
            (f"Again: {text}", {"mailboxes": tuple(addresses)}) for text, addresses in self.retries(tasks)
        ]
        first: list[tuple[str, dict[str, Any] | None]] = [
            ("The first mailbox only", {"first": 1}), ("The first 5 mailboxes only", {"first": 5}),
            ("The first n mailboxes...", _ASK),
        ]  # fmt: skip
        everything: list[tuple[str, dict[str, Any] | None]] = [("All mailboxes", {})]
        choices = [*again, *everything, *first] if self.RETRIES_FIRST else [*everything, *first, *again]
        return [("Cancel", None), *choices] if _takes_away(tasks) else choices

    async def _ask_number(self) -> int | None:
        answer = await self.app.push_screen_wait(Question("Run now", "How many mailboxes?", "10"))
        if answer is None:
            return None
        if not answer.isdecimal() or int(answer) < 1:
            self.app.notify(f"{answer!r} is not a number of mailboxes.", severity="error", markup=False)
            return None
        return int(answer)

    @leads_to(commands.stop)
    @work(exclusive=True, group="ask")
    async def action_task_stop(self) -> None:
        """Ask, then stop."""
        if not (tasks := self.chosen_tasks()):
            return
        text = (
            "It ends at the next item; what is committed stays, and the next execution goes on from there.\n"
            "The result will be orange."
        )
        choices = [("Let it run", False), ("Stop", True)]
        if await self.app.push_screen_wait(Choice(f"Stop: {named(tasks)}?", text, choices)):
            self._tell(tasks, commands.stop, "told to stop")

    @leads_to(commands.pause, commands.resume, roles=_for_resuming)
    def action_task_pause(self) -> None:
        """Pause those that are not paused, else resume."""
        if tasks := self.chosen_tasks():
            if all(task.paused for task in tasks):
                self._tell(tasks, commands.resume, "told to go on")
            else:
                self._tell([task for task in tasks if not task.paused], commands.pause, "told to pause")

    @leads_to(commands.resync)
    @work(exclusive=True, group="ask")
    async def action_task_resync(self) -> None:
        """Ask, then resync."""
        if not (tasks := self.chosen_tasks()):
            return
        text = (
            "The next execution reads its mailboxes in full and reconciles them with the archive. That may take as"
            " long as the first one did. History stays, and nothing is stored twice."
        )
        choices = [("Cancel", False), ("Full resync", True)]
        if await self.app.push_screen_wait(Choice(f"Full resync: {named(tasks)}?", text, choices, warning=True)):
            self._tell(tasks, commands.resync, "told to resync")

    @leads_to(commands.remove_task)
    @work(exclusive=True, group="ask")
    async def action_task_remove(self) -> None:
        """Ask what becomes of the Full view, then remove."""
        if not (tasks := self.chosen_tasks()):
            return
        text = (
            f"Removing {named(tasks)} resets the Full view of all its mailboxes: the folder history so far is hidden,"
            " and the next task on them begins with a full execution.\n\n"
            "No content is deleted, nor the history that another task on those mailboxes maintains."
            " The history can also be kept."
        )
        choices = [
            ("Cancel", ""),
            ("Remove, and keep the folder history", "keep"),
            ("Remove, and reset the Full view", "reset"),
        ]
        title = f"Remove {named(tasks)}?"
        answer = await self.app.push_screen_wait(Choice(title, text, choices, warning=True))
        if answer:
            remove = partial(commands.remove_task, keep_history=answer == "keep")
            self._tell(tasks, remove, "told to be removed")

    def _tell(self, tasks: Sequence[TaskRow], command: Callable[[int], Any], outcome: str) -> None:
        def tell() -> None:
            for task in tasks:
                command(task.id)

        def told(_result: Any) -> None:
            self.tasks_told()
            text = f"{named(tasks)}: {outcome}."
            if self.tui.nobody_runs_tasks:
                text += " No engine runs, so nothing happens until one does."
            self.app.notify(text, markup=False)

        self.tui.act(tell, told)


def retry_words(addresses: Sequence[str]) -> str:
    """Which mailboxes these are, for a choice."""
    return f"only {addresses[0]}" if len(addresses) == 1 else f"only the {len(addresses)} mailboxes that failed"


def _takes_away(tasks: Sequence[TaskRow]) -> bool:
    return any(takes_away(task.type) for task in tasks)


def _run_text(tasks: Sequence[TaskRow]) -> str:
    if _takes_away(tasks):
        return "It changes what is in mailboxes, as far as its definition and the limits in it allow."
    if any(task.status is Status.UNKNOWN for task in tasks):
        return "The first execution is a full one: starting small shows soon whether all is well."
    return ""


def named(tasks: Sequence[TaskRow]) -> str:
    """One task by name, several by number."""
    return repr(tasks[0].description) if len(tasks) == 1 else count(len(tasks), "task")
