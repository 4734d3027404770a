"""Planning for the tasks of this site: their measurements, reckoned with."""

from dataclasses import dataclass
from datetime import datetime

from mse_tui.engine.capacity import Capacity, ExecutionTime, MailboxTurn, capacity
from mse_tui.engine.schedules import ScheduleSettings
from mse_tui.store import queries
from mse_tui.store.database import reading
from mse_tui.store.queries import TaskRow

_WHOLE = 0.8
"""Of the largest execution's mailboxes: one with fewer was run on chosen mailboxes and says nothing of the whole."""


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task and what is known of its pace."""

    task: TaskRow
    mailboxes: int
    """In its newest whole execution; 0 before the first."""
    capacity: Capacity


def plans(now: datetime) -> list[TaskPlan]:
    """All tasks, by description; `now` is aware."""
    with reading():
        return [_plan(row, now) for row in queries.tasks_of_type()]


def plan_of(task_id: int, now: datetime) -> TaskPlan | None:
    """One task's; None when it is gone."""
    with reading():
        row = queries.task(task_id)
        return None if row is None else _plan(row, now)


def _plan(row: TaskRow, now: datetime) -> TaskPlan:
    schedule = queries.schedule(row.schedule_id)
    assert schedule is not None, "a schedule that a task uses can't be deleted"
    seen: set[str] = set()
    turns = []
    for turn in queries.turns_of(row.id):
        turns.append(MailboxTurn(turn.address, queries.is_first(turn, seen), turn.seconds, turn.items))
        seen.add(turn.address)
    durations = queries.durations_of(row.id)
    largest = max((one.mailboxes for one in durations), default=0)
    executions = [
        ExecutionTime(one.started, one.seconds, one.processed, one.processed >= max(one.mailboxes, largest * _WHOLE))
        for one in durations
    ]
    measured = capacity(turns, executions, ScheduleSettings.model_validate(schedule.settings), now)
    whole = measured.history
    return TaskPlan(row, whole[-1].mailboxes if whole else largest, measured)
