"""What the newest ended execution of every task came to: a few queries, however many tasks there are."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from peewee import fn

from mse_tui.store.database import reading
from mse_tui.store.models import Execution, MailboxResult, Task
from mse_tui.store.queries.executions import execution_row
from mse_tui.store.queries.rows import ExecutionRow
from mse_tui.terms import Light


@dataclass(frozen=True, slots=True)
class Outcome:
    """An execution that has ended, and what its mailboxes came to in all."""

    execution: ExecutionRow
    lights: Counter[Light] = field(default_factory=Counter)
    counters: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason."""


def newest_outcomes() -> dict[int, Outcome]:
    """Task id -> its newest execution that has ended, of the tasks that have one."""
    with reading():
        found = Execution.select(Execution, Task).join(Task).where(Execution.id.in_(_newest()))
        by_execution = {row.id: Outcome(execution_row(row)) for row in found}
        results: Any = (
            MailboxResult.select(
                MailboxResult.execution, MailboxResult.light, MailboxResult.counters, MailboxResult.skipped
            )
            .where(MailboxResult.execution.in_(_newest()))
            .tuples()
        )
        for execution_id, light, counters, skipped in results.iterator():
            outcome = by_execution[execution_id]
            outcome.lights[Light(light)] += 1
            outcome.counters.update(json.loads(counters))
            outcome.skipped.update(json.loads(skipped))
    found_by_task = {outcome.execution.task_id: outcome for outcome in by_execution.values()}
    return {task_id: outcome for task_id, outcome in found_by_task.items() if task_id is not None}


def _newest() -> Any:
    """The ids of every task's newest execution that has ended."""
    newest_first = [Execution.started.desc(), Execution.id.desc()]
    place = fn.ROW_NUMBER().over(partition_by=[Execution.task], order_by=newest_first)
    ended = Execution.finished.is_null(False) & Execution.task.is_null(False)
    ranked = Execution.select(Execution.id, place.alias("place")).where(ended)
    return ranked.select_from(ranked.c.id).where(ranked.c.place == 1)
