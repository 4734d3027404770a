"""What runs now: how far it is, how fast it goes, why it waits, and what this mailbox's turn usually takes."""

import json
from statistics import median
from typing import Any

from mse_tui.reasons import Reason
from mse_tui.store.live_leases import running_tasks
from mse_tui.store.models import Execution, MailboxResult, Progress, Task
from mse_tui.store.queries.rows import ProgressRow, UsualTurn
from mse_tui.terms import Light, Status, TaskType

_TURNS = 5
"""The newest ones of the same kind say what is usual."""
_LOOKED_AT = 25
"""Turns among which they are looked for."""
_CUT_SHORT = (Reason.PAUSED, Reason.STOPPED, Reason.INTERRUPTED, Reason.LEASE_LOST, Reason.OUTSIDE_WINDOW)


def progress_of_running(task_id: int | None = None) -> list[ProgressRow]:
    """What the running tasks (or one) do now, by task description. What nobody runs any more is not running."""
    found: Any = (
        Progress.select(Progress, Task, Execution.started.alias("execution_started"))
        .join(Task)
        .switch(Progress)
        .join(Execution, on=(Execution.id == Progress.execution))
        .where(Task.status == Status.RUNNING, Execution.finished.is_null())
        .order_by(Task.description.collate("NOCASE"))
        .objects()
    )
    if task_id is not None:
        found = found.where(Task.id == task_id)
    live = running_tasks()
    return [_progress(row) for row in found if row.task_id in live]


def usual_turn(task_id: int, address: str, mode: str) -> UsualTurn | None:
    """What a mailbox's turn takes in a task, by its last turns of this mode; None where it has none to go by.

    Types that know no modes have a first turn all the same, which is no measure for later ones.
    """
    turns = _ended_turns(task_id, address)
    if not mode and len(turns) < _LOOKED_AT:
        turns = turns[:-1]
    alike = [seconds for found, seconds in turns if found == mode][:_TURNS]
    return UsualTurn(median(alike), len(alike)) if alike else None


def _ended_turns(task_id: int, address: str) -> list[tuple[str, float]]:
    """(mode, seconds) of the mailbox's turns that came to their end, newest first."""
    found: Any = (
        MailboxResult.select(MailboxResult.mode, MailboxResult.started, MailboxResult.finished, MailboxResult.counters)
        .join(Execution)
        .where(
            MailboxResult.address == address,
            Execution.task == task_id,
            MailboxResult.finished.is_null(False),
            MailboxResult.light.in_((Light.GREEN, Light.ORANGE)),
            MailboxResult.reason.not_in(_CUT_SHORT),
        )
        .order_by(MailboxResult.id.desc())
        .limit(_LOOKED_AT)
        .tuples()
    )
    return [
        (mode, max(0.0, (finished - started).total_seconds() - json.loads(counters).get("lock_wait_seconds", 0)))
        for mode, started, finished, counters in found
    ]


def _progress(row: Any) -> ProgressRow:
    turn = (
        MailboxResult.select(MailboxResult.mode, MailboxResult.counters)
        .where(MailboxResult.execution == row.execution, MailboxResult.finished.is_null())
        .order_by(MailboxResult.id.desc())
        .first()
    )
    mode = turn.mode if turn is not None else ""
    return ProgressRow(
        task_id=row.task_id,
        task=row.description,
        type=TaskType(row.type),
        execution_id=row.execution,
        started=row.execution_started,
        address=row.address,
        position=row.position,
        total=row.total,
        phase=row.phase,
        folder=row.folder,
        items=row.items,
        expected=row.expected,
        bytes=row.bytes,
        mailbox_started=row.mailbox_started,
        waiting=row.waiting,
        waiting_since=row.waiting_since,
        waiting_until=row.waiting_until,
        updated=row.updated,
        paces=tuple(json.loads(row.paces)),
        mode=mode,
        throttled_seconds=json.loads(turn.counters).get("throttled_seconds", 0) if turn is not None else 0,
        usual=usual_turn(row.task_id, row.address, mode) if row.address else None,
    )
