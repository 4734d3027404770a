"""How tasks and their mailboxes have fared: last successes, what is overdue, what has not succeeded for long."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import Case, fn

from mse_tui.reasons import Reason
from mse_tui.store.live_leases import running_tasks
from mse_tui.store.maintenance import maintenance_of
from mse_tui.store.models import Execution, MailboxHealth, MailboxResult, Progress, Schedule, Site, Task
from mse_tui.terms import RESOLVING, Light, Status

OVERDUE = timedelta(minutes=10)
"""How late a task may start before it counts as one that should have run and did not."""
UNANSWERED = timedelta(minutes=2)
"""How long a task may get nothing from a server before that needs somebody; most that are busy are back by then."""
_PLANNED_WITHIN = int(timedelta(minutes=1) / timedelta(microseconds=1))
"""Microseconds after which a living engine has planned what was defined."""
STALE_EXECUTIONS = 3
"""Executions in a row without success, after which a mailbox is an alarm of its own."""


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One mailbox of one task."""

    task_id: int
    task: str
    address: str
    finished: datetime
    light: Light
    last_success: datetime | None
    since_success: int


@dataclass(frozen=True, slots=True)
class OverdueRow:
    """A task that should have run and did not."""

    task_id: int
    task: str
    due: datetime


@dataclass(frozen=True, slots=True)
class NeverDueRow:
    """A task that never ran and never will, as it is."""

    task_id: int
    task: str


@dataclass(frozen=True, slots=True)
class UnansweredRow:
    """A running task that stands still for want of an answer."""

    task_id: int
    task: str
    execution_id: int
    since: datetime
    why: str
    """'' while it is being asked again."""


@dataclass(frozen=True, slots=True)
class PausedRow:
    """A paused task whose starts pass by."""

    task_id: int
    task: str
    by: str
    """'' where that is not known."""
    since: datetime | None
    passed_by: datetime
    """The last start that it missed."""


@dataclass(frozen=True, slots=True)
class FailedBeforeRow:
    """Mailboxes of a task that failed in one execution and had no turn in a later one."""

    task_id: int
    task: str
    execution_id: int
    addresses: tuple[str, ...]
    light: Light
    finished: datetime
    """When the first one's turn ended."""
    reason: str
    """Of the first one, as is the message."""
    message: str


def mailbox_health() -> list[HealthRow]:
    """Every mailbox of every task, as its newest turn left it."""
    return [_row(one) for one in _health().order_by(Task.id, MailboxHealth.address)]


def stale_mailboxes() -> list[HealthRow]:
    """Mailboxes that have not succeeded in their last executions, longest first."""
    wanted = _health().where(MailboxHealth.since_success >= STALE_EXECUTIONS)
    return [_row(one) for one in wanted.order_by(MailboxHealth.since_success.desc(), MailboxHealth.address)]


def failing_mailboxes(task_ids: Iterable[int]) -> dict[int, list[str]]:
    """Task id -> addresses of the mailboxes whose newest turn was no success, of those tasks that have some."""
    rows: Any = (
        MailboxHealth.select(MailboxHealth.task, MailboxHealth.address)
        .where(MailboxHealth.task.in_(set(task_ids)), _failing())
        .order_by(MailboxHealth.address)
        .tuples()
    )
    found: dict[int, list[str]] = {}
    for task_id, address in rows:
        found.setdefault(task_id, []).append(address)
    return found


def worst_turns() -> dict[int, Light]:
    """Task id -> the worst of its mailboxes' newest turns, of those tasks that have some that were no success."""
    rows: Any = MailboxHealth.select(MailboxHealth.task, MailboxHealth.light).where(_failing()).distinct().tuples()
    found: dict[int, Light] = {}
    for task_id, light in rows:
        found[task_id] = Light.worst([found.get(task_id, Light.GREEN), Light(light)])
    return found


def failed_before() -> list[FailedBeforeRow]:
    """Mailboxes that failed, and that every later execution of their task left out: it ran on others, or was stopped.

    The result of the newest execution says nothing of them, nor of those that failed in it where a person stopped it.
    Those that are stale are an alarm of their own already.
    """
    is_stopped = Case(None, [(Execution.reason == Reason.STOPPED, 1)], 0)
    newest = (
        Execution.select(Execution.id + is_stopped)
        .where(Execution.task == MailboxHealth.task, Execution.finished.is_null(False))
        .order_by(Execution.id.desc())
        .limit(1)
    )
    left = _health().where(_failing(), MailboxHealth.since_success < STALE_EXECUTIONS, MailboxHealth.execution < newest)
    by_execution: dict[tuple[int, int], list[HealthRow]] = {}
    for one in left.order_by(MailboxHealth.execution.desc(), MailboxHealth.address):
        by_execution.setdefault((one.task_id, one.execution), []).append(_row(one))
    return [_failed_before(execution, rows) for (_, execution), rows in by_execution.items()]


def _failed_before(execution_id: int, rows: list[HealthRow]) -> FailedBeforeRow:
    first = (
        MailboxResult.select(MailboxResult.reason, MailboxResult.message)
        .where(MailboxResult.execution == execution_id, MailboxResult.address == rows[0].address)
        .order_by(MailboxResult.id.desc())
        .first()
    )
    return FailedBeforeRow(
        rows[0].task_id,
        rows[0].task,
        execution_id,
        tuple(row.address for row in rows),
        Light.worst([row.light for row in rows]),
        rows[0].finished,
        first.reason if first is not None else "",
        first.message if first is not None else "",
    )


def last_successes() -> dict[int, datetime]:
    """Task id -> when its latest green execution ended."""
    found: Any = (
        Execution.select(Execution.task, fn.MAX(Execution.finished).alias("last"))
        .where(Execution.light == Light.GREEN, Execution.task.is_null(False))
        .group_by(Execution.task)
    )
    return {row.task_id: row.last for row in found}


def overdue_tasks(moment: datetime) -> list[OverdueRow]:
    """Tasks that should have started before `moment` (aware) and neither did nor run, earliest first.

    Paused tasks and those of a disabled site are not meant to start; what falls into maintenance is due at its end.
    """
    found = (
        Task.select(Task, Site)
        .join(Site)
        .where(Task.next_execution < moment - OVERDUE, Task.status != Status.RUNNING, ~Task.paused, Site.enabled)
        .order_by(Task.next_execution)
    )
    rows = []
    for row in found:
        maintenance = maintenance_of(row.site)
        due = maintenance.free_from(row.next_execution)
        if due < moment - OVERDUE and not maintenance.covers(moment):
            rows.append(OverdueRow(row.id, row.description, row.next_execution))
    return rows


def never_due_tasks() -> list[NeverDueRow]:
    """Tasks that never ran and that the engine, which has looked at them, finds no start for."""
    planned = Site.last_active - _PLANNED_WITHIN
    found = (
        Task.select(Task, Site, Schedule)
        .join(Site)
        .switch(Task)
        .join(Schedule)
        .where(Task.next_execution.is_null(), Task.last_started.is_null(), ~Task.paused, Site.enabled)
        .where(Task.modified < planned, Schedule.modified < planned)
        .order_by(Task.description)
    )
    return [NeverDueRow(row.id, row.description) for row in found]


def unanswered_tasks(moment: datetime) -> list[UnansweredRow]:
    """Running tasks that have had no answer for long, longest first; what waits for a lock or a person is none."""
    asks = Progress.waiting_until.is_null(False) | (Progress.waiting == "") | (Progress.phase == RESOLVING)
    found: Any = (
        Progress.select(Progress, Task)
        .join(Task)
        .where(Progress.waiting_since <= moment - UNANSWERED, asks, Task.status == Status.RUNNING)
        .order_by(Progress.waiting_since)
    )
    live = running_tasks()
    return [
        UnansweredRow(row.task_id, row.task.description, row.execution, row.waiting_since, row.waiting)
        for row in found
        if row.task_id in live
    ]


def paused_tasks() -> list[PausedRow]:
    """Paused tasks that have missed a start of their schedule, longest first."""
    found = (
        Task.select(Task, Site)
        .join(Site)
        .where(Task.paused, Task.passed_by.is_null(False), Site.enabled)
        .order_by(Task.paused_since, Task.id)
    )
    return [PausedRow(row.id, row.description, row.paused_by, row.paused_since, row.passed_by) for row in found]


def _failing() -> Any:
    return MailboxHealth.light.in_((Light.ORANGE, Light.RED))


def _health() -> Any:
    return MailboxHealth.select(MailboxHealth, Task).join(Task)


def _row(one: Any) -> HealthRow:
    return HealthRow(
        one.task_id,
        one.task.description,
        one.address,
        one.finished,
        Light(one.light),
        one.last_success,
        one.since_success,
    )
