"""After a crash: what an engine that died left as running is brought to its end, so that the next execution goes on."""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from mse_tui.engine import records
from mse_tui.engine.leases import Leases
from mse_tui.store.database import writing
from mse_tui.store.lease_keys import TASK_KEYS, task_key
from mse_tui.store.models import Command, EngineRequest, Execution, Task
from mse_tui.terms import Status, Verb

log = logging.getLogger(__name__)

_ENDS_WITH_EXECUTION = (Verb.RUN, Verb.STOP)


def recover(site_id: int, leases: Leases, running: Collection[int], now: datetime) -> int:
    """End the executions of the site's tasks that nobody runs; how many there were.

    `running` are the tasks that this engine runs itself. What is committed stays; nothing is run again here.
    """
    ended = 0
    with writing():
        live = leases.live_keys(TASK_KEYS)
        rows: Any = (
            Execution.select(Execution, Task)
            .join(Task)
            .where(Task.site == site_id, Execution.finished.is_null(), Execution.task.not_in(list(running)))
            .order_by(Execution.id)
        )
        for execution in list(rows):
            if task_key(execution.task_id) not in live:
                log.warning("The execution %s of %r was interrupted", execution.id, execution.task.description)
                records.end_interrupted(execution, now)
                ended += 1
        shown: Any = Task.select().where(
            Task.site == site_id, Task.status == Status.RUNNING, Task.id.not_in(list(running))
        )
        for task in list(shown):
            if task_key(task.id) not in live:
                Task.update(status=Status.SCHEDULED).where(Task.id == task.id).execute()
    return ended


def recover_commands(site_id: int, now: datetime) -> None:
    """At the engine's start: what an engine that died had taken is taken again, except what ended with it."""
    own = Task.select(Task.id).where(Task.site == site_id)
    taken = (Command.task.in_(own), Command.taken.is_null(False), Command.finished.is_null())
    with writing():
        Command.update(finished=now, outcome="The engine ended before the task did.").where(
            *taken, Command.verb.in_(_ENDS_WITH_EXECUTION)
        ).execute()
        Command.update(taken=None).where(*taken).execute()


def recover_requests(site_id: int, now: datetime) -> None:
    """At the engine's start: what an engine that ended had begun and must not be begun again is told as it stands."""
    EngineRequest.update(answered=now).where(
        EngineRequest.site == site_id, EngineRequest.answered.is_null(), EngineRequest.answer != ""
    ).execute()
