"""Executions (the task summary log) and their mailboxes."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from peewee import JOIN, Case, fn

from mse_tui.reasons import Reason
from mse_tui.store.database import reading
from mse_tui.store.live_leases import running_tasks
from mse_tui.store.models import Execution, MailboxResult, Task
from mse_tui.store.queries.groups import execution_group
from mse_tui.store.queries.rows import (
    ActivityRow,
    ExecutionDetail,
    ExecutionRow,
    Failure,
    MailboxResultRow,
)
from mse_tui.terms import Light, Status, TaskType


def _executions() -> Any:
    return Execution.select(Execution, Task).join(Task, JOIN.LEFT_OUTER)


def execution_row(row: Any) -> ExecutionRow:
    """The frozen row of an execution that was selected with its task, if that is still there.

    One that nobody runs any more is told as the next engine to start will end it.
    """
    task = row.task
    left = _left_behind(row)
    light, reason, message = (row.light, row.reason, row.message) if left is None else left
    return ExecutionRow(
        id=row.id,
        task_id=None if task is None else task.id,
        task=row.task_name if task is None else task.description,
        type=TaskType(row.task_type if task is None else task.type),
        trigger=row.trigger,
        asked_by=row.asked_by,
        started=row.started,
        finished=row.finished,
        mailboxes=row.mailboxes,
        processed=row.processed,
        light=Light(light),
        reason=reason,
        message=message,
    )


def _left_behind(execution: Any) -> tuple[str, str, str] | None:
    """Light, reason and message of an execution whose engine is gone; None of one that runs or has ended.

    In the transaction in which it was read: else one that ends meanwhile would be taken for left behind.
    """
    if execution.finished is not None or execution.task_id in running_tasks():
        return None
    return Light.ORANGE, Reason.INTERRUPTED, interrupted_message(execution.processed, execution.mailboxes)


def interrupted_message(processed: int, mailboxes: int) -> str:
    """What is said of an execution whose engine is gone."""
    return f"Interrupted after {processed} of {mailboxes} mailboxes."


def recent_activity(limit: int) -> list[ActivityRow]:
    """The newest executions of all tasks, removed ones too, each beside what its task does now."""
    found = _executions().order_by(Execution.started.desc(), Execution.id.desc()).limit(limit)
    with reading():
        return [_activity(row) for row in found]


def _activity(row: Any) -> ActivityRow:
    if row.task is None:
        return ActivityRow(execution_row(row), None, "")
    return ActivityRow(execution_row(row), Status(row.task.status), row.task.latest_detail)


def executions_count(task_id: int | None = None, *, problems: bool = False) -> int:
    """How many executions are kept, of one task or of all; or of those that ended orange or red."""
    return int(_narrowed(Execution.select(), task_id, problems).count())


def executions_of(
    task_id: int | None, offset: int = 0, limit: int = 100, *, problems: bool = False
) -> list[ExecutionRow]:
    """One task's executions (None: all tasks'), newest first; or those that ended orange or red."""
    query = _executions().order_by(Execution.started.desc(), Execution.id.desc()).offset(offset).limit(limit)
    with reading():
        return [execution_row(row) for row in _narrowed(query, task_id, problems)]


def _narrowed(query: Any, task_id: int | None, problems: bool) -> Any:
    if task_id is not None:
        query = query.where(Execution.task == task_id)
    return query.where(Execution.light.in_((Light.ORANGE, Light.RED))) if problems else query


def executions_of_removed(name: str, limit: int = 100) -> list[ExecutionRow]:
    """The executions of removed tasks of this name, newest first."""
    removed = _executions().where(Execution.task.is_null(), Execution.task_name == name)
    return [execution_row(row) for row in removed.order_by(Execution.started.desc(), Execution.id.desc()).limit(limit)]


def execution_detail(execution_id: int) -> ExecutionDetail | None:
    """One execution; None when it has been pruned."""
    with reading():
        row = _executions().where(Execution.id == execution_id).first()
        if row is None:
            return None
        paused = MailboxResult.reason == Reason.PAUSED
        no_turn = paused | (MailboxResult.position > row.mailboxes)
        ended = fn.COUNT(Case(None, [(no_turn, None)], MailboxResult.finished))
        counted: Any = (
            MailboxResult.select(MailboxResult.light, ended, fn.COUNT(MailboxResult.id))
            .where(MailboxResult.execution == execution_id)
            .group_by(MailboxResult.light)
            .tuples()
        )
        by_light = list(counted)
        return ExecutionDetail(
            execution=execution_row(row),
            definition=json.loads(row.definition),
            results=sum(results for _, _, results in by_light),
            lights={Light(light): ended for light, ended, _ in by_light if ended},
            group=execution_group(execution_id),
        )


def mailbox_results(execution_id: int, offset: int = 0, limit: int = 200) -> list[MailboxResultRow]:
    """The mailboxes of an execution, in the order in which they were processed."""
    found = (
        MailboxResult.select()
        .where(MailboxResult.execution == execution_id)
        .order_by(MailboxResult.position, MailboxResult.id)
        .offset(offset)
        .limit(limit)
    )
    with reading():
        return [_result(row) for row in found]


def mailbox_result(result_id: int) -> MailboxResultRow | None:
    """One mailbox in one execution; None when it is gone."""
    with reading():
        row = MailboxResult.get_or_none(MailboxResult.id == result_id)
        return _result(row) if row is not None else None


def mailboxes_of(result_ids: Iterable[int]) -> list[tuple[str, Light]]:
    """Address and light of these results, in their order, without entries of the group that are no mailboxes."""
    rows: Any = (
        MailboxResult.select(MailboxResult.address, MailboxResult.light)
        .join(Execution)
        .where(MailboxResult.id.in_(set(result_ids)), MailboxResult.position <= Execution.mailboxes)
        .order_by(MailboxResult.position, MailboxResult.id)
        .tuples()
    )
    return [(address, Light(light)) for address, light in rows]


def _result(row: Any) -> MailboxResultRow:
    left = row.finished is None and _left_behind(row.execution) is not None
    listed = [
        Failure(item=one.get("item", ""), reason=one.get("reason", ""), message=one.get("message", ""))
        for one in json.loads(row.failures)
    ]
    return MailboxResultRow(
        id=row.id,
        execution_id=row.execution_id,
        position=row.position,
        address=row.address,
        started=row.started,
        finished=row.finished,
        light=Light.ORANGE if left else Light(row.light),
        reason=Reason.INTERRUPTED if left else row.reason,
        message=row.message,
        mode=row.mode,
        counters=json.loads(row.counters),
        skipped=json.loads(row.skipped),
        failures=tuple(one for one in listed if one.reason != Reason.DRY_RUN),
        would_change=tuple(one for one in listed if one.reason == Reason.DRY_RUN),
    )


def last_ended(task_id: int) -> ExecutionRow | None:
    """A task's newest execution that has ended."""
    newest = (
        Execution.select(Execution, Task)
        .join(Task)
        .where(Execution.task == task_id, Execution.finished.is_null(False))
        .order_by(Execution.started.desc(), Execution.id.desc())
        .first()
    )
    return None if newest is None else execution_row(newest)


def last_ended_by_task() -> dict[int, ExecutionRow]:
    """Task id -> its newest execution that has ended, of the tasks whose light is red or orange."""
    alike = Execution.alias()
    newest = (
        alike.select(alike.id)
        .where(alike.task == Task.id, alike.finished.is_null(False))
        .order_by(alike.id.desc())
        .limit(1)
    )
    found = _executions().where(Task.light.in_((Light.ORANGE, Light.RED)), Execution.id == newest)
    return {row.task_id: execution_row(row) for row in found}


def totals(execution_id: int) -> tuple[dict[str, int], dict[str, int]]:
    """The counters and the skips (by reason) of all mailboxes of an execution, added up."""
    counters: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    found: Any = (
        MailboxResult.select(MailboxResult.counters, MailboxResult.skipped)
        .where(MailboxResult.execution == execution_id)
        .tuples()
    )
    for counted, left_out in found.iterator():
        counters.update(json.loads(counted))
        skipped.update(json.loads(left_out))
    return dict(counters), dict(skipped)
