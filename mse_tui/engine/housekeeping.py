"""What is done now and then: old records pruned by age, the group cache cleaned, the archive's packs collected."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from peewee import fn

from mse_tui.access import audit_chain
from mse_tui.config.one_table import load_engine_settings
from mse_tui.config.site import EngineSettings
from mse_tui.engine.full_disk import FULL_DISK
from mse_tui.reasons import Problem
from mse_tui.store.database import keep_connection, writing
from mse_tui.store.groups import ExecutionGroup, GroupAnswer
from mse_tui.store.models import Command, EngineRequest, Execution, MailboxResult

log = logging.getLogger(__name__)

_AT_A_TIME = 500
"""Rows deleted in one transaction, so that no writer waits long."""
_KEEP_REQUESTS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ages:
    """How long records are kept."""

    executions: timedelta
    audit: timedelta

    @classmethod
    def of(cls, settings: EngineSettings) -> "Ages":
        """As configured."""
        return cls(timedelta(days=settings.keep_executions_days), timedelta(days=settings.keep_audit_days))


def ages_now(config: Path, at_start: EngineSettings) -> Ages:
    """As the file has them now, so that a change holds from the next pruning on.

    As they were at the start where the file is gone or can't be read: it never falls back to keeping less.
    """
    if not config.exists():
        return Ages.of(at_start)
    try:
        return Ages.of(load_engine_settings(config))
    except Problem as problem:
        log.warning("Pruning goes by the configuration of the start: %s", problem)
        return Ages.of(at_start)


def due(ages: Ages, now: datetime) -> tuple[int, int]:
    """How many executions and audit entries pruning would delete."""
    executions: int = Execution.select().where(_old_executions(ages, now)).count()
    return executions, audit_chain.prunable(now - ages.audit)


def prune(ages: Ages, now: datetime) -> int:
    """Delete executions (with their mailbox results), commands, requests and audit entries that are too old.

    Each task keeps its newest execution and its group's last good answer, however old; a removed one keeps none.
    Returns how many rows went.
    """
    return (
        _delete(Execution, _old_executions(ages, now))
        + _delete(Command, Command.finished < now - ages.executions)
        + _delete(EngineRequest, EngineRequest.asked < now - _KEEP_REQUESTS)
        + _delete(GroupAnswer, _unused_answer())
        + audit_chain.prune(now - ages.audit)
    )


def _old_executions(ages: Ages, now: datetime) -> Any:
    newest = Execution.select(fn.MAX(Execution.id)).where(Execution.task.is_null(False)).group_by(Execution.task)
    return (Execution.finished < now - ages.executions) & Execution.id.not_in(newest)


def _unused_answer() -> Any:
    """No execution that is kept went by it, and it is not its task's last good one."""
    other = GroupAnswer.alias()
    last_good = other.select(fn.MAX(other.accepted)).where(other.task == GroupAnswer.task)
    used = ExecutionGroup.select(ExecutionGroup.answer).where(ExecutionGroup.answer.is_null(False))
    return GroupAnswer.id.not_in(used) & (GroupAnswer.accepted.is_null() | (GroupAnswer.accepted < last_good))


def _delete(table: Any, condition: Any) -> int:
    deleted = 0
    while True:
        with writing():
            ids = [row.id for row in table.select(table.id).where(condition).limit(_AT_A_TIME)]
            if table is Execution:
                MailboxResult.delete().where(MailboxResult.execution.in_(ids)).execute()
            deleted += int(table.delete().where(table.id.in_(ids)).execute())
        if len(ids) < _AT_A_TIME:
            return deleted


class Housekeeping:
    """The jobs, each guarded from the others' errors."""

    def __init__(self, jobs: dict[str, Callable[[], object]]) -> None:
        self._jobs = jobs

    def run(self) -> None:
        """Do all of them, one after the other."""
        for name, job in self._jobs.items():
            try:
                with keep_connection():
                    done = job()
            except Exception as error:
                if not FULL_DISK.is_cause(error):
                    log.exception("Housekeeping: %s failed; it is tried again next time", name)
            else:
                log.debug("Housekeeping: %s: %s", name, done)
