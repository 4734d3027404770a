"""What a person tells tasks, from any screen that shows some: run, stop, pause, resync, remove."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import App

from mse_tui.access.roles import Role
from mse_tui.actions import commands
from mse_tui.actions.checks import needed_for
from mse_tui.screens.dialogs import Choice, Question
from mse_tui.screens.roles import leads_to
from mse_tui.store.queries import TaskRow
from mse_tui.terms import Status
from mse_tui.widgets.wording import count

if TYPE_CHECKING:
    from mse_tui.app import MseTuiApp


def _for_their_types(screen: "TaskCommands") -> frozenset[Role]:
    return frozenset().union(*(needed_for(task.type) for task in screen.chosen_tasks()))


def _for_resuming(screen: "TaskCommands") -> frozenset[Role]:
    return frozenset().union(*(needed_for(task.type) for task in screen.chosen_tasks() if task.paused))


class TaskCommands:
    """A screen with tasks; it says which are meant."""

    app: App[Any]
    tui: "MseTuiApp"

    def chosen_tasks(self) -> Sequence[TaskRow]:
        """The marked tasks, else the one under the cursor."""
        raise NotImplementedError

    def tasks_told(self) -> None:
        """Called when a command was given: takes the marks away."""

    @leads_to(commands.run_now, roles=_for_their_types)
    @work(exclusive=True, group="ask")
    async def action_task_run(self) -> None:
        """Ask how many mailboxes, then run."""
        if not (tasks := self.chosen_tasks()):
            return
        fresh = any(task.status is Status.UNKNOWN for task in tasks)
        choices: list[tuple[str, int]] = [
            ("All mailboxes", 0), ("The first mailbox only", 1), ("The first 5 mailboxes only", 5),
            ("The first n mailboxes...", -1),
        ]  # fmt: skip
        text = "The first execution is a full one: starting small shows soon whether all is well." if fresh else ""
        first = await self.app.push_screen_wait(Choice(f"Run now: {named(tasks)}", text, choices))
        if first == -1:
            first = await self._ask_number()
        if first is not None:
            self._tell(tasks, partial(commands.run_now, first=first or None), "told to run")

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


def named(tasks: Sequence[TaskRow]) -> str:
    """One task by name, several by number."""
    return repr(tasks[0].description) if len(tasks) == 1 else count(len(tasks), "task")
