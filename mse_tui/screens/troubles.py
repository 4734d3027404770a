"""What needs a person: as lines, and what can be done about one with a key."""

from collections.abc import Callable, Collection, Iterable, Sequence

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.access.roles import is_read_only
from mse_tui.engine.log_lines import LogFilter
from mse_tui.reasons import Reason, explain, remedy
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.task_commands import Retry, TaskCommands
from mse_tui.screens.task_lines import advice
from mse_tui.store import queries
from mse_tui.store.queries import TaskRow, Trouble
from mse_tui.terms import Light, TaskType
from mse_tui.widgets.advice import Advice
from mse_tui.widgets.commands import LIST_OPEN, LOG_OPEN, RUN_AGAIN, TASK_RESYNC, Command
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, light_cell, light_tone, line, note
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import SERVICE_HINT, count, in_local_time
from mse_tui.widgets.wrapping import wrapped

TROUBLE_COLUMNS = (Column("Needs attention", 30), Column("", 9), Column("", 20, 2, grows=True))
OPEN = Command("list.open", "enter", "Open", LIST_OPEN.help)
TROUBLE_COMMANDS = (OPEN, RUN_AGAIN, LOG_OPEN)


def by_key(troubles: Sequence[Trouble]) -> dict[str, Trouble]:
    """Each by what it is about, so that the cursor and marks stay on it when others come and go."""
    found: dict[str, Trouble] = {}
    for one in troubles:
        key = repr((one.subject, one.reason, one.task_id, one.execution_id, one.addresses))
        found[key if key not in found else f"{key} {len(found)}"] = one
    return found


_NO_ENGINE = "E runs the engine here; as a service it is: mse-tui engine"
_NO_ENGINE_TO_READ = "These screens only read; an engine is begun with: mse-tui engine"


def trouble_lines(troubles: Sequence[Trouble], width: int = 0) -> list[Line]:
    """Two lines each: what it is, and its reason with what to do; keys as `by_key` has them.

    With a width the second is wrapped to it, as far as a third line goes.
    """
    lines = []
    for key, one in by_key(troubles).items():
        subject, message = Cell(one.subject, Tone.STRONG), Cell(in_local_time(one.message), light_tone(one.light))
        said = advice(one.message, one.reason)
        light = Cell("note", Tone.DIM) if one.light is Light.NONE else light_cell(one.light)
        lines.append(line(key, subject, light, message, advice=said, copies=_copied(one)))
        if one.reason:
            lines += _notes(key, f"[{one.reason}] {remedy(one.reason)}", width)
        elif one.task_id is None:
            lines += _notes(key, _NO_ENGINE_TO_READ if is_read_only() else _NO_ENGINE, width)
    return lines


def _notes(key: str, text: str, width: int) -> list[Line]:
    first, *rest = wrapped(text, width) if width else (text,)
    return [note(key, each) for each in ((first, " ".join(rest)) if rest else (first,))]


def _copied(trouble: Trouble) -> str:
    """What it is, its reason and what to do, to be sent to somebody."""
    text = f"{trouble.subject}: {in_local_time(trouble.message)}"
    return f"{text} [{trouble.reason}]\n{remedy(trouble.reason)}".rstrip() if trouble.reason else text


class TroubleCommands(TaskCommands):
    """A screen with troubles; it says which ones are meant, if any are."""

    def chosen_trouble(self) -> Trouble | None:
        """The one under the cursor."""
        raise NotImplementedError

    def chosen_troubles(self) -> Sequence[Trouble]:
        """The marked ones, else the one under the cursor."""
        raise NotImplementedError

    def chosen_ids(self) -> Sequence[int]:
        """The tasks that these are about."""
        return [one.task_id for one in self.chosen_troubles() if one.task_id is not None]

    def chosen_types(self) -> Collection[TaskType]:
        """The types of those tasks."""
        return {one.type for one in self.chosen_troubles() if one.type is not None}

    def retries(self, tasks: Sequence[TaskRow]) -> Callable[[], list[Retry]]:
        """The mailboxes that these are about; of a task that none of them names one of, all that failed."""
        named: dict[int, dict[str, None]] = {}
        for one in self.chosen_troubles():
            if one.task_id is not None and one.addresses:
                named.setdefault(one.task_id, {}).update(dict.fromkeys(one.addresses))
        unnamed = [task.id for task in tasks if task.id not in named]

        def found() -> list[Retry]:
            failing = queries.failing_mailboxes(unnamed) | {task_id: list(said) for task_id, said in named.items()}
            meant = {task.id: failing[task.id] for task in tasks if task.id in failing}
            return [Retry(meant)] if meant else []

        return found

    @work(exclusive=True, group="ask")
    async def action_log_open(self) -> None:
        """The engine's log of the task, and of the execution or the mailbox where there is one."""
        trouble = self.chosen_trouble()
        for task in (await self.chosen_tasks())[:1]:
            alone = trouble.addresses[0] if trouble is not None and len(trouble.addresses) == 1 else ""
            execution = trouble.execution_id or 0 if trouble is not None else 0
            self.tui.open_logs(LogFilter(task=task.description, execution=execution, mailbox=alone))

    def open_trouble(self, trouble: Trouble) -> None:
        """The execution, else the task, else all that is known of it."""
        if trouble.execution_id is not None:
            self.tui.open_execution(trouble.execution_id)
        elif trouble.task_id is not None:
            self.tui.open_task(trouble.task_id)
        else:
            self.tui.show_facts("Needs attention", _facts(trouble))


def _facts(trouble: Trouble) -> list[Fact]:
    known = trouble.reason in set(Reason)
    facts = [
        Fact("About", trouble.subject),
        Fact("What", in_local_time(trouble.message)),
        Fact("Reason", trouble.reason or "-"),
        Fact("What to do", explain(Reason(trouble.reason)).remedy if known else SERVICE_HINT),
    ]
    if trouble.reason == Reason.ACCOUNT_HALTED:
        facts.append(Fact("", "Ctrl+T says that the password is right now."))
    return facts


class TroublesScreen(TroubleCommands, LiveScreen[list[Trouble]]):
    """All that needs attention, worst first."""

    KEYS = (*TROUBLE_COMMANDS, TASK_RESYNC)
    PLACE = "dashboard"
    HELP_TEXT = (
        "All that needs attention, worst first: failed executions and mailboxes, tasks that should have run and did"
        " not, refused accounts, sites without an engine. Enter opens one, R runs what failed again, o shows the log."
    )

    def body(self) -> Iterable[Widget]:
        """A title and the list."""
        yield Static("", classes="title", id="title", markup=False)
        yield PagedList(TROUBLE_COLUMNS, id="troubles", empty=" Nothing needs attention.")
        yield Advice()

    def load(self) -> list[Trouble]:
        """All of them."""
        return queries.troubles(moment=self.now)

    def show(self, data: list[Trouble]) -> None:
        """Worst first."""
        title, text = self.query_one("#title", Static), f"Needs attention: {count(len(data), 'thing')}"
        if str(title.content) != text:
            title.update(text)
        self.query_one("#troubles", PagedList).set_lines(trouble_lines(data))

    def chosen_trouble(self) -> Trouble | None:
        """The one under the cursor."""
        current = self.query_one("#troubles", PagedList).current
        return by_key(self.shown or ()).get(current.key) if current is not None else None

    def chosen_troubles(self) -> Sequence[Trouble]:
        """The marked ones, else the one under the cursor."""
        troubles = by_key(self.shown or ())
        return [troubles[one.key] for one in self.query_one("#troubles", PagedList).chosen if one.key in troubles]

    def tasks_told(self, tasks: Sequence[TaskRow]) -> None:
        """Marks have done their work."""
        self.query_one("#troubles", PagedList).unmark()

    @on(PagedList.Moved, "#troubles")
    def _moved(self, event: PagedList.Moved) -> None:
        self.query_one(Advice).show(event.line)

    @on(PagedList.Opened, "#troubles")
    def _open(self) -> None:
        if (trouble := self.chosen_trouble()) is not None:
            self.open_trouble(trouble)
