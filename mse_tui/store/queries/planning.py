"""What executions took: the measurements that planning reckons with."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from mse_tui.store.models import Execution, MailboxResult
from mse_tui.terms import Light, Mode

_LOOKED_AT = ("items_seen", "scanned")
"""Counters that say how many items a turn looked at; each type has one of them."""


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One mailbox's turn that ended without failure, oldest first."""

    address: str
    started: datetime
    seconds: float
    mode: str
    """full, differential, or '' for types that know no such difference."""
    items: int


@dataclass(frozen=True, slots=True)
class DurationRow:
    """One execution that has ended."""

    started: datetime
    seconds: float
    mailboxes: int
    processed: int


def turns_of(task_id: int, most: int = 5_000) -> list[TurnRow]:
    """The newest turns of a task's mailboxes, oldest first."""
    found: Any = (
        MailboxResult.select(
            MailboxResult.address,
            MailboxResult.started,
            MailboxResult.finished,
            MailboxResult.mode,
            MailboxResult.counters,
        )
        .join(Execution)
        .where(
            Execution.task == task_id,
            MailboxResult.finished.is_null(False),
            MailboxResult.light.in_((Light.GREEN, Light.ORANGE)),
            MailboxResult.position <= Execution.mailboxes,
        )
        .order_by(MailboxResult.id.desc())
        .limit(most)
        .tuples()
    )
    rows = [
        TurnRow(address, started, (finished - started).total_seconds(), mode, _items(json.loads(counters)))
        for address, started, finished, mode, counters in found
    ]
    return rows[::-1]


def durations_of(task_id: int, most: int = 500) -> list[DurationRow]:
    """The newest executions of a task that have ended, oldest first.

    One in which more than half of the mailboxes failed tells how long a fault took, and is left out.
    """
    twice_failed: Any = MailboxResult.select(fn.COUNT(MailboxResult.id) * 2).where(
        MailboxResult.execution == Execution.id,
        MailboxResult.light == Light.RED,
        MailboxResult.position <= Execution.mailboxes,
    )
    found: Any = (
        Execution.select(Execution.started, Execution.finished, Execution.mailboxes, Execution.processed)
        .where(Execution.task == task_id, Execution.finished.is_null(False), Execution.mailboxes > 0)
        .where(Execution.mailboxes >= twice_failed)
        .order_by(Execution.id.desc())
        .limit(most)
        .tuples()
    )
    rows = [
        DurationRow(started, (finished - started).total_seconds(), mailboxes, processed)
        for started, finished, mailboxes, processed in found
    ]
    return rows[::-1]


def is_first(row: TurnRow, seen: set[str]) -> bool:
    """Whether a turn enumerated everything; `seen` has the addresses that came before it."""
    return row.mode == Mode.FULL or (not row.mode and row.address not in seen)


def _items(counters: dict[str, int]) -> int:
    return max((int(counters.get(name, 0)) for name in _LOOKED_AT), default=0)
