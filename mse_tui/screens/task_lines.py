"""How tasks, executions and progress read as lines; shared by the screens that list them."""

from datetime import datetime

from mse_tui.reasons import Reason, explain, remedy
from mse_tui.store.queries import ExecutionRow, ProgressRow, TaskRow
from mse_tui.terms import Light, Status, Verb
from mse_tui.widgets.lines import Cell, Column, Line, Tone, bar, light_cell, line, note
from mse_tui.widgets.progress_words import pace, progress_words
from mse_tui.widgets.wording import absolute, in_local_time, lasted, number, relative

TASK_COLUMNS = (
    Column("Task", 34, grows=True),
    Column("Type", 4, 5),
    Column("Status", 11),
    Column("Light", 9),
    Column("Next execution", 16, 2),
    Column("", 13, 4),
    Column("Mailboxes", 30, 6),
    Column("Schedule", 22, 7),
    Column("Site", 20, 8),
)
EXECUTION_COLUMNS = (
    Column("Started", 16),
    Column("", 13, 5),
    Column("Result", 9),
    Column("Took", 11, 3, right=True),
    Column("Mailboxes", 9, 4, right=True),
    Column("Message", 30, 2, grows=True),
)
_PACE_WIDTH = 12
RUNNING_COLUMNS = (
    Column("Running", 18, grows=True),
    Column("Mailbox", 9, 2, right=True),
    Column("Done", 16, 3),
    Column("Items", 9, 1, right=True),
    Column("Items/s", 7, 3, right=True),
    Column("", _PACE_WIDTH, 4),
)


def status_cell(task: TaskRow) -> Cell:
    """The status in a word; what it has been told takes precedence while it is not carried out."""
    if task.interrupted:
        return Cell("Interrupted", Tone.WARN)
    verb = Verb(task.command) if task.command else None
    is_of_this_execution = verb not in (Verb.RUN, Verb.RESYNC)
    if verb is not None and (is_of_this_execution or task.status is not Status.RUNNING):
        return Cell(verb.doing, Tone.ACCENT)
    if task.paused and not task.runs_though_paused:
        return Cell("Paused", Tone.WARN)
    return Cell(task.status.value, Tone.ACCENT if task.status is Status.RUNNING else Tone.PLAIN)


def task_line(task: TaskRow, now: datetime) -> Line:
    """One task for TASK_COLUMNS."""
    return line(
        task.id,
        Cell(task.description, Tone.STRONG),
        Cell(task.type.value, Tone.DIM),
        status_cell(task),
        light_cell(task.light),
        "-" if task.paused else absolute(task.next_execution),
        _how_far(task, now),
        Cell(task.group_name or task.group, Tone.DIM),
        Cell(task.schedule, Tone.DIM),
        Cell(task.site, Tone.DIM),
        copies=task.description,
    )


HELD_BACK = "(maintenance)"
"""Instead of how far away a start is that falls into the site's maintenance."""


def _how_far(task: TaskRow, now: datetime) -> Cell:
    if task.paused:
        return Cell("(paused)", Tone.WARN)
    if task.maintenance_until:
        return Cell(HELD_BACK, Tone.WARN)
    return Cell(f"({relative(task.next_execution, now)})" if task.next_execution else "", Tone.DIM)


def execution_line(execution: ExecutionRow, now: datetime) -> Line:
    """One entry of the task summary log for EXECUTION_COLUMNS."""
    return line(execution.id, *execution_cells(execution, now), advice=execution_advice(execution))


def execution_advice(execution: ExecutionRow) -> str:
    """What to do about an execution that needs somebody; '' for one that does not."""
    needs = execution.light in (Light.ORANGE, Light.RED)
    return advice(execution.message, execution.reason) if needs else ""


def execution_cells(execution: ExecutionRow, now: datetime) -> tuple[Cell, ...]:
    """The cells of EXECUTION_COLUMNS."""
    running = execution.runs
    took = lasted(now - execution.started if running else execution.duration)
    return (
        Cell(absolute(execution.started)),
        Cell(f"({relative(execution.started, now)})", Tone.DIM),
        Cell("running", Tone.ACCENT) if running else light_cell(execution.light),
        Cell(took),
        Cell(f"{execution.processed}/{execution.mailboxes}"),
        Cell(in_local_time(execution.message)),
    )


def running_lines(progress: ProgressRow, now: datetime) -> tuple[Line, Line]:
    """One running task for RUNNING_COLUMNS, and below it the mailbox: what it waits for, how long it will take."""
    rate = progress.items_per_second
    first = line(
        progress.task_id,
        Cell(progress.task, Tone.STRONG),
        f"{progress.position}/{progress.total}" if progress.total else "",
        Cell(share_shown(progress.share_of_all, 10), Tone.ACCENT),
        number(progress.items) if progress.items else "",
        f"{rate:,.0f}" if rate is not None else "",
        Cell(pace(progress, now, _PACE_WIDTH), Tone.ACCENT),
        copies=progress.task,
    )
    text = ", ".join(filter(None, [*progress_words(progress, now), now_shown(progress)]))
    # What stands in the way is what one wants to know: on a narrow terminal the address gives way to it.
    parts = (text, progress.address) if progress.waiting else (progress.address, text)
    return first, note(progress.task_id, ": ".join(filter(None, parts)), Tone.WARN if progress.waiting else Tone.DIM)


def share_shown(share: float | None, width: int) -> str:
    """A bar and a percentage; a bar alone while the whole is unknown."""
    return bar(share, width) + (f" {share:4.0%}" if share is not None else "")


def now_shown(progress: ProgressRow) -> str:
    """Phase and folder."""
    return f"{progress.phase}: {progress.folder}" if progress.folder else progress.phase


def advice(message: str, reason: str) -> str:
    """What happened and, where there is a reason, what to do about it."""
    message = in_local_time(message)
    if not reason:
        return message
    todo = remedy(reason)
    return f"{message or happened(reason)} [{reason}]" + (f"\nWhat to do: {todo}" if todo else "")


def happened(reason: str) -> str:
    """What a reason code means in general; '' for none or for one that this version does not know."""
    try:
        return explain(Reason(reason)).happened
    except ValueError:
        return ""
