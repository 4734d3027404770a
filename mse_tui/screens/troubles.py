"""What needs a person: as lines, and what can be done about one with a key."""

from collections.abc import Collection, Iterable, Sequence

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.engine.log_lines import LogFilter
from mse_tui.reasons import Reason, explain
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.logs import LogsScreen
from mse_tui.screens.summary_log import ExecutionScreen
from mse_tui.screens.task_commands import TaskCommands, retry_words
from mse_tui.screens.task_information import TaskInformationScreen
from mse_tui.screens.task_lines import remedy
from mse_tui.store import queries
from mse_tui.store.queries import TaskRow, Trouble
from mse_tui.terms import TaskType
from mse_tui.widgets.commands import LIST_OPEN, LOG_OPEN, RUN_AGAIN, TASK_RESYNC, Command
from mse_tui.widgets.facts import Fact
from mse_tui.widgets.lines import Cell, Column, Line, Tone, light_cell, light_tone, line, note
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import SERVICE_HINT, count

TROUBLE_COLUMNS = (Column("Needs attention", 30), Column("", 9), Column("", 40, 2, grows=True))
OPEN = Command("list.open", "enter", "Open", LIST_OPEN.help)
TROUBLE_COMMANDS = (OPEN, RUN_AGAIN, LOG_OPEN)


def trouble_lines(troubles: Sequence[Trouble]) -> list[Line]:
    """Two lines each: what it is, and its reason with what to do. The key is its place."""
    lines = []
    for place, one in enumerate(troubles):
        subject, message = Cell(one.subject, Tone.STRONG), Cell(one.message, light_tone(one.light))
        lines.append(line(place, subject, light_cell(one.light), message))
        if one.reason:
            lines.append(note(place, f"[{one.reason}] {remedy(one.reason)}"))
    return lines


class TroubleCommands(TaskCommands):
    """A screen with troubles; it says which one is meant, if any is."""

    RETRIES_FIRST = True

    def chosen_trouble(self) -> Trouble | None:
        """The one under the cursor."""
        raise NotImplementedError

    def chosen_tasks(self) -> Sequence[TaskRow]:
        """The task that it is about."""
        trouble = self.chosen_trouble()
        found = queries.task(trouble.task_id) if trouble is not None and trouble.task_id is not None else None
        return [found] if found is not None else []

    def chosen_types(self) -> Collection[TaskType]:
        """The type of that task."""
        trouble = self.chosen_trouble()
        return {trouble.type} if trouble is not None and trouble.type is not None else set()

    def retries(self, tasks: Sequence[TaskRow]) -> list[tuple[str, Sequence[str]]]:
        """The mailboxes that it is about, else all of the task that failed."""
        trouble = self.chosen_trouble()
        if trouble is not None and trouble.addresses:
            return [(retry_words(trouble.addresses), trouble.addresses)]
        return super().retries(tasks)

    def action_log_open(self) -> None:
        """The engine's log of the task, and of the execution or the mailbox where there is one."""
        for task in self.chosen_tasks():
            trouble = self.chosen_trouble()
            alone = trouble.addresses[0] if trouble is not None and len(trouble.addresses) == 1 else ""
            execution = trouble.execution_id or 0 if trouble is not None else 0
            self.app.push_screen(LogsScreen(LogFilter(task=task.description, execution=execution, mailbox=alone)))

    def open_trouble(self, trouble: Trouble) -> None:
        """The execution, else the task, else all that is known of it."""
        if trouble.execution_id is not None:
            self.app.push_screen(ExecutionScreen(trouble.execution_id))
        elif trouble.task_id is not None:
            self.app.push_screen(TaskInformationScreen(trouble.task_id))
        else:
            self.tui.show_facts("Needs attention", _facts(trouble))


def _facts(trouble: Trouble) -> list[Fact]:
    known = trouble.reason in set(Reason)
    facts = [
        Fact("About", trouble.subject),
        Fact("What", trouble.message),
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
        " not, refused accounts, sites without an engine. Enter opens one, R runs what failed again, l shows the log."
    )

    def body(self) -> Iterable[Widget]:
        """A title and the list."""
        yield Static("", classes="title", id="title", markup=False)
        yield PagedList(TROUBLE_COLUMNS, id="troubles", empty=" Nothing needs attention.")

    def load(self) -> list[Trouble]:
        """All of them."""
        return queries.troubles(moment=self.now)

    def show(self, data: list[Trouble]) -> None:
        """Worst first."""
        self.query_one("#title", Static).update(f"Needs attention: {count(len(data), 'thing')}")
        self.query_one("#troubles", PagedList).set_lines(trouble_lines(data))

    def chosen_trouble(self) -> Trouble | None:
        """The one under the cursor."""
        current = self.query_one("#troubles", PagedList).current
        return self.shown[int(current.key)] if current is not None and self.shown else None

    @on(PagedList.Opened, "#troubles")
    def _open(self) -> None:
        if (trouble := self.chosen_trouble()) is not None:
            self.open_trouble(trouble)
