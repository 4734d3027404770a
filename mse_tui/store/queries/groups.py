"""What tasks' groups were found to be: at one execution, last of all, and what waits for a person's word."""

import json
from typing import Any

from peewee import JOIN

from mse_tui.reasons import Reason
from mse_tui.store.database import reading
from mse_tui.store.groups import ExecutionGroup, GroupAnswer
from mse_tui.store.models import Execution
from mse_tui.store.queries.rows import DoubtedGroup, ExecutionGroupRow, GroupMember, GroupMembers, SkippedMember
from mse_tui.terms import GroupKind

_DOUBTS = (Reason.GROUP_EMPTY, Reason.GROUP_SHRUNK)


def execution_group(execution_id: int) -> ExecutionGroupRow | None:
    """The group of one execution; None where it was not resolved."""
    return _group(ExecutionGroup.get_or_none(ExecutionGroup.execution == execution_id))


def newest_group(task_id: int) -> ExecutionGroupRow | None:
    """The group of the task's newest execution that resolved it; None before there is one."""
    return _group(_newest(task_id))


def group_members(task_id: int) -> GroupMembers | None:
    """Who was in the group at the newest execution that resolved it, and who was skipped; None before there is one."""
    with reading():
        row = _newest(task_id)
        if row is None or row.answer_id is None:
            return None
        answer = json.loads(row.answer.answer)
        found = _group(row)
        assert found is not None
    return GroupMembers(
        group=found,
        included=tuple(GroupMember(*values) for values in answer["included"]),
        skipped=tuple(SkippedMember(*values) for values in answer["skipped"]),
    )


def doubted_group(task_id: int) -> DoubtedGroup | None:
    """The answer at which the task's newest execution stopped, while nobody has confirmed it; else None."""
    with reading():
        newest = Execution.select().where(Execution.task == task_id).order_by(Execution.id.desc()).first()
        if newest is None or newest.reason not in _DOUBTS:
            return None
        row: Any = (
            ExecutionGroup.select(ExecutionGroup, GroupAnswer)
            .join(GroupAnswer)
            .where(ExecutionGroup.execution == newest.id, GroupAnswer.confirmed.is_null())
            .first()
        )
        found = _group(row)
    return None if found is None else DoubtedGroup(row.answer_id, newest.id, found)


def _newest(task_id: int) -> Any:
    return (
        ExecutionGroup.select(ExecutionGroup, GroupAnswer)
        .join(Execution)
        .switch(ExecutionGroup)
        .join(GroupAnswer, JOIN.LEFT_OUTER)
        .where(Execution.task == task_id)
        .order_by(Execution.id.desc())
        .first()
    )


def _group(row: Any) -> ExecutionGroupRow | None:
    if row is None:
        return None
    return ExecutionGroupRow(
        execution_id=row.execution_id,
        kind=GroupKind(row.kind),
        name=row.name,
        resolved_by=row.resolved_by,
        resolved=row.resolved,
        mailboxes=row.mailboxes,
        before=row.before,
        joined=tuple(json.loads(row.joined)),
        departed=tuple(json.loads(row.departed)),
        stale=row.stale,
        confirmed_by=row.confirmed_by,
    )
