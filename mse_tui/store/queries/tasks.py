"""Tasks: lists, one task's information, what runs and what comes next."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mse_tui.store.database import reading
from mse_tui.store.live_leases import running_tasks
from mse_tui.store.maintenance import rests_until
from mse_tui.store.models import Command, Definition, Execution, Schedule, Site, Task
from mse_tui.store.queries.executions import execution_row, executions_count
from mse_tui.store.queries.groups import doubted_group, newest_group
from mse_tui.store.queries.health import worst_turns
from mse_tui.store.queries.progress import progress_of_running
from mse_tui.store.queries.rows import TaskInformation, TaskRow, UpcomingRow
from mse_tui.store.queries.settings import definition, schedule
from mse_tui.terms import GroupKind, Light, Status, TaskType, Verb


def tasks_of_type(task_type: TaskType | None = None) -> list[TaskRow]:
    """All tasks, or one type's, by description."""
    with reading():
        query = _tasks().order_by(Task.description.collate("NOCASE"), Task.id)
        if task_type is not None:
            query = query.where(Task.type == task_type)
        return _rows(query)


def tasks_in_trouble() -> list[TaskRow]:
    """Those that ended red or orange or say that they run: of which something may have to be said, by description."""
    with reading():
        of_interest = Task.light.in_((Light.ORANGE, Light.RED)) | (Task.status == Status.RUNNING)
        return _rows(_tasks().where(of_interest).order_by(Task.description.collate("NOCASE"), Task.id))


def task_types(ids: Iterable[int]) -> dict[int, TaskType]:
    """Task id -> type, of these tasks."""
    rows: Any = Task.select(Task.id, Task.type).where(Task.id.in_(set(ids))).tuples()
    return {task_id: TaskType(kind) for task_id, kind in rows}


def task(task_id: int) -> TaskRow | None:
    """One task; None when it is gone."""
    with reading():
        return next(iter(_rows(_tasks().where(Task.id == task_id))), None)


def tasks_with(ids: Iterable[int]) -> list[TaskRow]:
    """These tasks in this order, without those that are gone."""
    wanted = list(dict.fromkeys(ids))
    with reading():
        found = {row.id: row for row in _rows(_tasks().where(Task.id.in_(wanted)))}
    return [found[task_id] for task_id in wanted if task_id in found]


def task_named(text: str) -> TaskRow | None:
    """The task with this description (exact, else the only one without regard to case), or this number."""
    with reading():
        exact = _rows(_tasks().where(Task.description == text))
        if exact:
            return exact[0]
        if text.isdecimal():
            return next(iter(_rows(_tasks().where(Task.id == int(text)))), None)
        alike = [row for row in _rows(_tasks()) if row.description.casefold() == text.casefold()]
        return alike[0] if len(alike) == 1 else None


def task_information(task_id: int) -> TaskInformation | None:
    """Everything about one task, from one moment; None when it is gone."""
    with reading():
        row = next(iter(_rows(_tasks().where(Task.id == task_id))), None)
        if row is None:
            return None
        newest = (
            Execution.select(Execution, Task)
            .join(Task)
            .where(Execution.task == task_id)
            .order_by(Execution.started.desc(), Execution.id.desc())
            .first()
        )
        used_definition = definition(row.definition_id)
        used_schedule = schedule(row.schedule_id)
        assert used_definition is not None
        assert used_schedule is not None
        running = progress_of_running(task_id)
        return TaskInformation(
            task=row,
            definition=used_definition,
            schedule=used_schedule,
            progress=running[0] if running else None,
            last=execution_row(newest) if newest is not None else None,
            executions=executions_count(task_id),
            group=newest_group(task_id),
            doubted=doubted_group(task_id),
        )


def next_executions(limit: int = 10) -> list[UpcomingRow]:
    """The executions to come, soonest first: one a task, none of paused tasks or disabled sites."""
    found = (
        Task.select(Task, Site)
        .join(Site)
        .where(Task.next_execution.is_null(False), ~Task.paused, Site.enabled)
        .order_by(Task.next_execution, Task.id)
        .limit(limit)
    )
    return [
        UpcomingRow(
            task_id=row.id,
            task=row.description,
            type=TaskType(row.type),
            at=row.next_execution,
            maintenance_until=rests_until(row.site, row.next_execution),
        )
        for row in found
    ]


def _tasks() -> Any:
    return (
        Task.select(Task, Site, Definition, Schedule)
        .join(Site)
        .switch(Task)
        .join(Definition)
        .switch(Task)
        .join(Schedule)
    )


def _rows(query: Any) -> list[TaskRow]:
    live = running_tasks()
    commands, resyncs, turns = _open_commands(), _resyncs_to_come(), worst_turns()
    return [_task(row, live, commands, resyncs, turns.get(row.id, Light.GREEN)) for row in query]


def _task(row: Any, live: set[int], commands: dict[int, str], resyncs: set[int], turns: Light) -> TaskRow:
    status, result = Status(row.status), Light(row.light)
    interrupted = status is Status.RUNNING and row.id not in live
    runs = status is Status.RUNNING and not interrupted
    return TaskRow(
        id=row.id,
        description=row.description,
        type=TaskType(row.type),
        site_id=row.site.id,
        site=row.site.description,
        definition_id=row.definition.id,
        definition=row.definition.name,
        schedule_id=row.schedule.id,
        schedule=row.schedule.name,
        group=row.group,
        group_kind=GroupKind(row.group_kind),
        group_name=row.group_name,
        status=Status.SCHEDULED if interrupted else status,
        interrupted=interrupted,
        light=Light.worst([result, turns]),
        result=result,
        paused=row.paused,
        runs_though_paused=runs and row.paused and _started_since(row, row.paused_since),
        command=commands.get(row.id, ""),
        resyncs_next=row.id in resyncs,
        latest_detail=row.latest_detail,
        sequence=row.sequence,
        next_execution=row.next_execution,
        maintenance_until=rests_until(row.site, row.next_execution) if row.next_execution else None,
        last_started=row.last_started,
        last_finished=row.last_finished,
        created=row.created,
        created_by=row.created_by,
        modified=row.modified,
        modified_by=row.modified_by,
    )


def _started_since(row: Any, moment: datetime | None) -> bool:
    return moment is not None and row.last_started is not None and row.last_started >= moment


def _resyncs_to_come() -> set[int]:
    """Tasks that have not been executed since they were told to read everything again."""
    found: Any = (
        Command.select(Command.task)
        .join(Task)
        .where(Command.verb == Verb.RESYNC, Command.finished >= Task.last_started)
        .tuples()
    )
    return {task_id for (task_id,) in found}


def _open_commands() -> dict[int, str]:
    """Task id -> the newest command that has not been carried out."""
    found: Any = (
        Command.select(Command.task, Command.verb).where(Command.finished.is_null()).order_by(Command.id).tuples()
    )
    return dict(found)
