"""What a person tells tasks, from any screen that shows some: run, stop, pause, resync, remove."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from textual import work
from textual.app import App

from mse_tui.access.roles import Role
from mse_tui.actions import commands
from mse_tui.actions.checks import needed_for
from mse_tui.features import takes_away
from mse_tui.screens.dialogs import Choice, Question
from mse_tui.screens.roles import leads_to
from mse_tui.screens.several import Outcome, each, show_refused
from mse_tui.screens.tui import Tui
from mse_tui.store import queries
from mse_tui.store.queries import TaskRow
from mse_tui.terms import Status, TaskType
from mse_tui.widgets.removal_wording import WITH_HISTORY, what_removing_does
from mse_tui.widgets.wording import count

_KEEP, _RESET, _LEAVE = "keep", "reset", "leave"
"""Ways to remove a task: its history kept, the Full view reset, the grants that it leaves left in force."""
_PAUSED = "A paused task isn't started until it is resumed; what runs waits at the next item."


def _for_their_types(screen: "TaskCommands") -> frozenset[Role]:
    return frozenset().union(*(needed_for(kind) for kind in screen.chosen_types()))


def _for_resuming(screen: "TaskCommands") -> frozenset[Role]:
    return frozenset().union(*(needed_for(kind) for kind in screen.paused_types()))


@dataclass(frozen=True, slots=True)
class Retry:
    """Mailboxes that may be meant to be run again."""

    mailboxes: Mapping[int, Sequence[str]]
    """Addresses by the task's id."""
    which: str = "that need attention"

    @property
    def words(self) -> str:
        """Which these are, for a choice."""
        addresses = [address for found in self.mailboxes.values() for address in found]
        return f"only {addresses[0]}" if len(addresses) == 1 else f"only the {len(addresses)} mailboxes {self.which}"


@dataclass(frozen=True, slots=True)
class Run:
    """How a task is told to run: on chosen mailboxes, on its first ones, or on all."""

    mailboxes: Mapping[int, Sequence[str]] | None = None
    """Addresses by the task's id: a task without any is not meant."""
    first: int | None = None

    def __call__(self, task_id: int) -> int:
        """Tell it; gives the command's id."""
        chosen = self.mailboxes[task_id] if self.mailboxes is not None else ()
        return commands.run_now(task_id, mailboxes=chosen, first=self.first, again=bool(chosen))


_ASK = Run(first=0)
"""The number of mailboxes is asked for."""


class TaskCommands:
    """A screen with tasks; it says which are meant."""

    app: App[Any]
    tui: Tui
    NO_TASK: ClassVar[str] = "No task under the cursor."
    """Said where nobody can be told anything."""

    def chosen_ids(self) -> Sequence[int]:
        """The marked tasks, else the one under the cursor."""
        raise NotImplementedError

    async def chosen_tasks(self) -> Sequence[TaskRow]:
        """These as they are now, without those that are gone; says so where none is left."""
        ids = self.chosen_ids()
        found = await self.tui.asked(partial(queries.tasks_with, ids)) if ids else ()
        if found is not None and not found:
            self.app.notify(self.NO_TASK, timeout=2, markup=False)
        return found or ()

    def retries(self, tasks: Sequence[TaskRow]) -> Callable[[], list[Retry]]:
        """Which mailboxes may be meant to be run again: what is to be asked of the database, in a thread."""
        return partial(all_that_failed, [task.id for task in tasks])

    def chosen_types(self) -> Collection[TaskType]:
        """Their types, as the screen shows them; asked at each move of the cursor."""
        raise NotImplementedError

    def paused_types(self) -> Collection[TaskType]:
        """The types of those that are paused, on screens where they can be resumed; asked as well at each move."""
        return ()

    def tasks_told(self, tasks: Sequence[TaskRow]) -> None:
        """Called when a command was given to these: takes their marks away."""

    @leads_to(commands.run_now, roles=_for_their_types)
    @work(exclusive=True, group="ask")
    async def action_task_run(self) -> None:
        """Ask on which mailboxes, then run."""
        if not (tasks := await self.chosen_tasks()):
            return
        if (retries := await self.tui.asked(self.retries(tasks))) is None:
            return
        title, choices = f"Run now: {named(tasks)}", _run_choices(retries)
        dialog = Choice(title, _run_text(tasks), choices, warning=_takes_away(tasks), names=names_of(tasks))
        chosen: Run | None = await self.app.push_screen_wait(dialog)
        if chosen is _ASK:
            first = await self._ask_number()
            chosen = Run(first=first) if first else None
        if chosen is not None:
            meant = [task for task in tasks if chosen.mailboxes is None or task.id in chosen.mailboxes]
            self._tell(meant, chosen, "told to run")

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
        if not (tasks := await self.chosen_tasks()):
            return
        idle = await self.tui.asked(partial(each, tasks, lambda task: commands.refuse_idle(task.id)))
        if idle is None or not idle.done:
            if idle is not None:
                text = idle.refused[0][1].happened if len(tasks) == 1 else f"None of the {len(tasks)} tasks is running."
                self.app.notify(text, timeout=3, markup=False)
            return
        text = (
            "It ends at the next item; what is committed stays, and the next execution goes on from there.\n"
            "The result will be a warning."
        )
        choices = [("Let it run" if len(tasks) == 1 else "Let them run", False), ("Stop", True)]
        if await self.app.push_screen_wait(Choice(f"Stop: {named(tasks)}?", text, choices, names=names_of(tasks))):
            self._tell(tasks, commands.stop, "told to stop")

    @leads_to(commands.pause, commands.resume, roles=_for_resuming)
    @work(exclusive=True, group="ask")
    async def action_task_pause(self) -> None:
        """One is paused or resumed at once; for several, ask."""
        tasks = await self.chosen_tasks()
        paused = [task for task in tasks if task.paused]
        active = [task for task in tasks if not task.paused]
        wanted: str | None = "pause" if active else "resume"
        if len(tasks) > 1:
            choices = [("Cancel", "")]
            choices += [(f"Pause {_those(active, tasks, 'not paused')}", "pause")] if active else []
            choices += [(f"Resume {_those(paused, tasks, 'paused')}", "resume")] if paused else []
            title = f"Pause or resume {named(tasks)}?"
            wanted = await self.app.push_screen_wait(Choice(title, _PAUSED, choices, names=names_of(tasks)))
        if wanted == "pause":
            self._tell(active, commands.pause, "told to pause")
        elif wanted == "resume" and paused:
            self._tell(paused, commands.resume, "told to go on")

    @leads_to(commands.resync)
    @work(exclusive=True, group="ask")
    async def action_task_resync(self) -> None:
        """Ask, then resync."""
        if not (tasks := await self.chosen_tasks()):
            return
        text = (
            "The next execution reads its mailboxes in full and reconciles them with the archive. That may take as"
            " long as the first one did. History stays, and nothing is stored twice."
        )
        choices = [("Cancel", False), ("Full resync", True)]
        title = f"Full resync: {named(tasks)}?"
        if await self.app.push_screen_wait(Choice(title, text, choices, names=names_of(tasks), warning=True)):
            self._tell(tasks, commands.resync, "told to resync")

    @leads_to(commands.remove_task)
    @work(exclusive=True, group="ask")
    async def action_task_remove(self) -> None:
        """Ask what becomes of the Full view, then remove."""
        if not (tasks := await self.chosen_tasks()):
            return
        left = await self.tui.asked(lambda: commands.grants_left([task.id for task in tasks]))
        if left is None:
            return
        types = {task.type for task in tasks}
        ran = any(task.last_started is not None for task in tasks)
        text = what_removing_does(types, left, tasks=len(tasks), ran=ran).replace("\n", "\n\n")
        title = f"Remove {named(tasks)}?"
        choices = [("Cancel", ""), *_ways_to_remove(types, left, ran=ran)]
        answer = await self.app.push_screen_wait(Choice(title, text, choices, names=names_of(tasks), warning=True))
        if answer:
            remove = partial(commands.remove_task, keep_history=answer != _RESET, keep_grants=answer == _LEAVE)
            self._tell(tasks, remove, "told to be removed")

    def _tell(self, tasks: Sequence[TaskRow], command: Callable[[int], Any], outcome: str) -> None:
        def told(result: Outcome[TaskRow]) -> None:
            self.tasks_told(result.done)
            if result.done:
                text = f"{named(result.done)}: {outcome}."
                if self.tui.nobody_runs_tasks:
                    text += " No engine runs, so nothing happens until one does."
                self.app.notify(text, markup=False)
            show_refused(self.tui, result, lambda task: task.description)

        self.tui.act(lambda: each(tasks, lambda task: command(task.id)), told)


def all_that_failed(task_ids: Sequence[int]) -> list[Retry]:
    """The mailboxes of these tasks whose newest turn was no success."""
    failing = queries.failing_mailboxes(task_ids)
    return [Retry(failing)] if failing else []


def _run_choices(retries: Sequence[Retry]) -> list[tuple[str, Run | None]]:
    """What can be run, in the same order everywhere; the first choice runs nothing."""
    again: list[tuple[str, Run | None]] = [
        (f"Again: {retry.words}", Run(mailboxes=retry.mailboxes))
        for number, retry in enumerate(retries)
        if retry.mailboxes not in [other.mailboxes for other in retries[:number]]
    ]
    first: list[tuple[str, Run | None]] = [
        ("The first mailbox only", Run(first=1)), ("The first 5 mailboxes only", Run(first=5)),
        ("The first n mailboxes...", _ASK),
    ]  # fmt: skip
    everything: list[tuple[str, Run | None]] = [("All mailboxes", Run())]
    return [("Cancel", None), *everything, *first, *again]


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


def names_of(tasks: Sequence[TaskRow]) -> list[str]:
    """Several tasks by name, for the list that a question shows; one is named in its title."""
    return [f"{task.description}  ({task.type})" for task in tasks] if len(tasks) > 1 else []


def _ways_to_remove(types: Collection[TaskType], left: int, *, ran: bool) -> list[tuple[str, str]]:
    """Choices, the safe one first."""
    if ran and any(each in WITH_HISTORY for each in types):
        ways = [
            ("Remove, and keep the folder history", _KEEP),
            ("Remove, and reset the Full view", _RESET),
        ]
        leave = "Remove, keep the folder history and leave the grants in force"
    else:
        ways = [("Remove, and take the grants back" if left else "Remove", _KEEP)]
        leave = "Remove, and leave the grants in force"
    return [*ways, (leave, _LEAVE)] if left else ways


def _those(some: Sequence[TaskRow], tasks: Sequence[TaskRow], which: str) -> str:
    return "them" if len(some) == len(tasks) else f"the {len(some)} that {'is' if len(some) == 1 else 'are'} {which}"
