"""The task summary log: one entry an execution; its detail, a row a mailbox; one mailbox's result."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions import contents
from mse_tui.actions.checks import settings_model
from mse_tui.engine.journal import LISTED
from mse_tui.engine.log_lines import LogFilter
from mse_tui.reasons import Problem, Reason, remedy
from mse_tui.screens.group_lines import group_facts
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.result_lines import result_cell, result_columns, result_line, totals_said
from mse_tui.screens.task_commands import Retry, TaskCommands, all_that_failed
from mse_tui.screens.task_lines import (
    EXECUTION_COLUMNS,
    execution_advice,
    execution_cells,
    happened,
)
from mse_tui.store import queries
from mse_tui.store.queries import ExecutionDetail, ExecutionRow, MailboxResultRow, TaskRow
from mse_tui.terms import Light, TaskType, Trigger
from mse_tui.text import printable
from mse_tui.widgets.advice import Advice
from mse_tui.widgets.commands import (
    FINDING,
    LOG_DEFINITION,
    LOG_OPEN,
    LOG_PROBLEMS,
    RUN_AGAIN,
    TASK_RESYNC,
    TASK_STOP,
)
from mse_tui.widgets.counters import counters_said
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, light_cell, light_tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.settings_facts import settings_facts
from mse_tui.widgets.wording import absolute, count, in_local_time, item_said, lasted, number, when

_NO_EXECUTIONS = " Nothing has been executed. Press 2 for the tasks."
_NO_PROBLEMS = " No execution ended with a warning or an error. Press t for all of them."
_REMOVED = "The task was removed; it can't be told anything."


class SummaryLogScreen(LiveScreen[int]):
    """All executions, newest first."""

    KEYS = (LOG_PROBLEMS, *FINDING)
    PLACE = "log"
    HELP_TEXT = (
        "The task summary log of all tasks: one entry an execution, newest first. Below the list: what to do about the"
        " one under the cursor. Enter opens it; t leaves out what ended well, and shows it again."
    )

    def __init__(self) -> None:
        super().__init__()
        self._problems = False

    def body(self) -> Iterable[Widget]:
        """The title and the list."""
        yield Static("Task summary log", classes="title", id="title", markup=False)
        started, ago, *others = EXECUTION_COLUMNS
        columns = (started, ago, Column("Task", 24, grows=True), *others)
        yield PagedList(columns, id="executions", empty=_NO_EXECUTIONS)
        yield Advice()

    def load(self) -> int:
        """How many there are."""
        return queries.executions_count(problems=self._problems)

    def show(self, data: int) -> None:
        """The list fetches what is seen of them."""
        what = f": {count(data, 'execution')} with warnings or errors" if self._problems else ""
        self.query_one("#title", Static).update(f"Task summary log{what}")
        executions = self.query_one("#executions", PagedList)
        executions.set_empty(_NO_PROBLEMS if self._problems else _NO_EXECUTIONS)
        executions.set_pages(data, self._page)

    def _page(self, offset: int, limit: int) -> Sequence[Line]:
        now = self.now
        rows = queries.executions_of(None, offset, limit, problems=self._problems)
        return [_with_task(row, execution_cells(row, now)) for row in rows]

    def action_log_problems(self) -> None:
        """Only what needs somebody; again: everything."""
        self._problems = not self._problems
        self.query_one("#executions", PagedList).forget_pages()
        self.reload()

    def show_all(self) -> None:
        """Those that ended well too."""
        if self._problems:
            self.action_log_problems()

    @on(PagedList.Moved)
    def _moved(self, event: PagedList.Moved) -> None:
        self.query_one(Advice).show(event.line)

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        self.tui.open_execution(int(event.line.key))


def _with_task(row: ExecutionRow, cells: tuple[Cell, ...]) -> Line:
    return line(row.id, *cells[:2], Cell(row.shown_task, Tone.STRONG), *cells[2:], advice=execution_advice(row))


@dataclass(frozen=True, slots=True)
class ShownExecution:
    """What is read for the detail."""

    detail: ExecutionDetail
    counters: dict[str, int]
    skipped: dict[str, int]


class ExecutionScreen(TaskCommands, LiveScreen[ShownExecution]):
    """One execution: what it came to, and a row a mailbox."""

    MARKS = True
    KEYS = (RUN_AGAIN, TASK_STOP, LOG_OPEN, FINDING[0], TASK_RESYNC, LOG_DEFINITION, *FINDING[1:])
    PLACE = "log"
    NO_TASK = _REMOVED
    HELP_TEXT = (
        "One execution. The rows are its mailboxes in the order in which they were processed; Enter opens one, with"
        " its counters, what was skipped and why, what failed, and what to do about it. R runs the mailbox under the"
        " cursor or the marked ones again, or all that failed."
    )

    def __init__(self, execution_id: int) -> None:
        super().__init__()
        self._execution_id = execution_id

    def body(self) -> Iterable[Widget]:
        """Facts above, mailboxes below."""
        yield Static("", classes="title", id="title", markup=False)
        yield Facts(id="facts", classes="summary -chained")
        yield PagedList((), id="results", empty=" No mailbox has been processed.", classes="-chained")
        yield Advice()

    def on_mount(self) -> None:
        """The mailboxes have the cursor."""
        super().on_mount()
        self.query_one("#results").focus()

    def load(self) -> ShownExecution:
        """The execution and its totals."""
        found = queries.execution_detail(self._execution_id)
        if found is None:
            raise Problem(Reason.NOT_FOUND, "This execution is no longer kept.", "Esc goes back.")
        return ShownExecution(found, *queries.totals(self._execution_id))

    def show(self, data: ShownExecution) -> None:
        """The summary is complete at once; the mailboxes come as they are seen."""
        execution = data.detail.execution
        title = printable(f"{execution.shown_task}  {when(execution.started, self.now)}")
        widget = self.query_one("#title", Static)
        if str(widget.content) != title:
            widget.update(title)
        self.query_one("#facts", Facts).set_facts(self._facts(data))
        results = self.query_one("#results", PagedList)
        results.set_columns(result_columns(execution.type, dry=bool(data.counters.get("dry_run"))))
        results.set_pages(data.detail.results, self._page)

    def _page(self, offset: int, limit: int) -> Sequence[Line]:
        assert self.shown is not None
        of_type = self.shown.detail.execution.type
        return [result_line(row, of_type) for row in queries.mailbox_results(self._execution_id, offset, limit)]

    def _facts(self, data: ShownExecution) -> list[Fact]:
        execution = data.detail.execution
        running = execution.runs
        light = Cell("running", Tone.ACCENT) if running else light_cell(execution.light)
        took = f"took {lasted(execution.duration)}" if execution.duration else f"since {absolute(execution.started)}"
        facts = [
            Fact("Result", f"{light.text}, {_mailboxes(data.detail)}; {took}; {_begun_by(execution)}", light.tone),
            Fact("Message", in_local_time(execution.message) or "-"),
            *(group_facts(data.detail.group, self.now) if data.detail.group is not None else ()),
            Fact("Totals", totals_said(execution.type, data.counters)),
        ]
        if data.skipped:
            facts.append(Fact("Skipped", _by_reason(data.skipped)))
        if not running and execution.reason and (todo := remedy(execution.reason)):
            facts.append(Fact("What to do", f"{todo} [{execution.reason}]", light.tone))
        return facts

    @on(PagedList.Moved, "#results")
    def _moved(self, event: PagedList.Moved) -> None:
        self.query_one(Advice).show(event.line)

    def chosen_ids(self) -> Sequence[int]:
        """The task that was executed, unless it was removed."""
        return _task_of(self.shown.detail.execution) if self.shown is not None else []

    def chosen_types(self) -> Collection[TaskType]:
        """The type of that task."""
        return {self.shown.detail.execution.type} if self.shown is not None else set()

    def absent(self) -> frozenset[str]:
        """What runs can be stopped, what has ended run again."""
        return super().absent() | _absent_while(self.shown is not None and self.shown.detail.execution.runs)

    def retries(self, tasks: Sequence[TaskRow]) -> Callable[[], list[Retry]]:
        """The marked mailboxes, else the one under the cursor where it failed; and all that failed."""
        listed = self.query_one("#results", PagedList)
        results, are_marked = [int(one.key) for one in listed.chosen], bool(listed.marked)
        ids = [task.id for task in tasks]

        def found() -> list[Retry]:
            rows = queries.mailboxes_of(results)
            meant = list(
                dict.fromkeys(address for address, light in rows if are_marked or light in (Light.ORANGE, Light.RED))
            )
            chosen = [Retry({task_id: meant}, "that are marked") for task_id in ids] if meant else []
            return [*chosen, *all_that_failed(ids)]

        return found

    def tasks_told(self, tasks: Sequence[TaskRow]) -> None:
        """Marks have done their work."""
        self.query_one("#results", PagedList).unmark()

    def action_log_open(self) -> None:
        """The engine's log of this execution."""
        self.tui.open_logs(LogFilter(execution=self._execution_id))

    @on(PagedList.Opened, "#results")
    def _open(self, event: PagedList.Opened) -> None:
        assert self.shown is not None
        self.app.push_screen(ResultScreen(int(event.line.key), self.shown.detail.execution))

    def action_log_definition(self) -> None:
        """As it was when the execution began."""
        if self.shown is not None:
            self.tui.show_facts("Definition as this execution used it", _definition_facts(self.shown.detail))


def _absent_while(runs: bool) -> frozenset[str]:
    return frozenset({RUN_AGAIN.id if runs else TASK_STOP.id})


def _task_of(execution: ExecutionRow) -> Sequence[int]:
    return [] if execution.task_id is None else [execution.task_id]


def _begun_by(execution: ExecutionRow) -> str:
    if execution.trigger == Trigger.PERSON:
        return f"told to run by {execution.asked_by}" if execution.asked_by else "told to run"
    return "begun for a start that was missed" if execution.trigger == Trigger.MISSED else "begun by its schedule"


def _mailboxes(detail: ExecutionDetail) -> str:
    execution = detail.execution
    text = f"{execution.processed} of {count(execution.mailboxes, 'mailbox', 'mailboxes')}"
    by_light = [
        f"{number(detail.lights[light])} {light.word if light is not Light.NONE else 'skipped'}"
        for light in (Light.RED, Light.ORANGE, Light.GREEN, Light.NONE)
        if detail.lights.get(light)
    ]
    return f"{text} ({', '.join(by_light)})" if by_light else text


def _by_reason(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number(amount)} {reason}" for reason, amount in sorted(numbers.items()))


def _definition_facts(detail: ExecutionDetail) -> list[Fact]:
    try:
        model = settings_model(detail.execution.type)
    except Problem:
        model = None
    return settings_facts(model, detail.definition)


class ResultScreen(TaskCommands, LiveScreen[MailboxResultRow]):
    """One mailbox in one execution: counters, skips, failures, and what to do about each."""

    KEYS = (RUN_AGAIN, TASK_STOP, LOG_OPEN, TASK_RESYNC)
    PLACE = "log"
    NO_TASK = _REMOVED
    HELP_TEXT = (
        "What the task did to one mailbox. R runs the task on this mailbox again. y copies a line; mse-tui log writes"
        " all of it to a file."
    )

    def __init__(self, result_id: int, execution: ExecutionRow) -> None:
        super().__init__()
        self._result_id = result_id
        self._is_audited = False
        """This look at the failed items has its entry."""
        self._execution = execution

    def body(self) -> Iterable[Widget]:
        """All as facts."""
        yield Static("", classes="title", id="title", markup=False)
        yield Facts(id="facts")

    def on_mount(self) -> None:
        """The facts have the cursor."""
        super().on_mount()
        self.query_one(Facts).focus()

    def chosen_ids(self) -> Sequence[int]:
        """The task that was executed, unless it was removed."""
        return _task_of(self._execution)

    def chosen_types(self) -> Collection[TaskType]:
        """The type of that task."""
        return {self._execution.type}

    def absent(self) -> frozenset[str]:
        """A turn under way can be stopped, one that has ended run again."""
        return super().absent() | _absent_while(self.shown is not None and self.shown.runs)

    def retries(self, tasks: Sequence[TaskRow]) -> Callable[[], list[Retry]]:
        """This mailbox, if it is one."""
        ids = [task.id for task in tasks]

        def found() -> list[Retry]:
            rows = queries.mailboxes_of([self._result_id])
            return [Retry({task_id: [address]}) for task_id in ids for address, _ in rows]

        return found

    def action_log_open(self) -> None:
        """The engine's log of this mailbox in this execution."""
        if self.shown is not None:
            wanted = LogFilter(execution=self._execution.id, mailbox=self.shown.address)
            self.tui.open_logs(wanted)

    def load(self) -> MailboxResultRow:
        """The newest state of the row."""
        found = contents.mailbox_result(self._result_id, is_audited=self._is_audited)
        if found is None:
            raise Problem(Reason.NOT_FOUND, "This result is no longer kept.", "Esc goes back.")
        self._is_audited = self._is_audited or any(
            one.item is not None for one in (*found.failures, *found.would_change)
        )
        return found

    def show(self, data: MailboxResultRow) -> None:
        """Everything that is known of it."""
        self.query_one("#title", Static).update(printable(f"{data.address}  in  {self._execution.shown_task}"))
        self.query_one(Facts).set_facts(result_facts(data, self._execution, when(data.started, self.now)))


def result_facts(data: MailboxResultRow, execution: ExecutionRow, started: str) -> list[Fact]:
    """One mailbox's result in words."""
    light = result_cell(data)
    facts = [
        Fact("Mailbox", f"{data.address} ({data.position} of {execution.mailboxes})"),
        Fact("Result", light.text, light.tone),
        Fact("Message", in_local_time(data.message) or "-"),
    ]
    if data.reason:
        text = f"{happened(data.reason)} [{data.reason}]"
        facts.append(Fact("Reason", text, light_tone(data.light), f"{text} {remedy(data.reason)}"))
        facts.append(Fact("What to do", remedy(data.reason) or "-"))
    facts += [
        Fact("Started", started),
        Fact("Took", lasted(data.duration) or "not finished"),
        Fact("Mode", data.mode or "-"),
        Fact(""),
        Fact("Counters"),
        *_counter_facts(data, execution.type),
    ]
    if data.skipped:
        facts += [Fact(""), Fact("Skipped")]
        for reason, amount in sorted(data.skipped.items()):
            facts.append(Fact(f"  {reason}", f"{number(amount)}: {happened(reason)} {remedy(reason)}"))
    if data.would_change:
        facts += [Fact(""), Fact(f"Would be changed, the first {LISTED} at most")]
        facts += [Fact("  item", f"{item_said(one.item)}: {one.message}") for one in data.would_change]
    if data.failures:
        facts += [Fact(""), Fact("Failed items")]
        for failure in data.failures:
            facts.append(Fact("  item", item_said(failure.item), Tone.WARN))
            why = f"{failure.message} [{failure.reason}]"
            facts.append(Fact("    why", why, copies=f"{item_said(failure.item)}: {why} {remedy(failure.reason)}"))
            facts.append(Fact("    what to do", remedy(failure.reason) or "-"))
    return facts


def _counter_facts(data: MailboxResultRow, task_type: TaskType) -> list[Fact]:
    return [Fact(f"  {said}", amount) for said, amount in counters_said(task_type, data.counters)]
