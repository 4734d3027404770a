"""Which leases keep others out at a moment: they have not run out, and their process is not known to be gone."""

from datetime import datetime
from typing import Any

from mse_tui.store.database import now
from mse_tui.store.lease_keys import TASK_KEYS, task_of
from mse_tui.store.models import Lease
from mse_tui.store.processes import Process


def is_live(row: Lease, moment: datetime) -> bool:
    """Whether a lease row keeps others out at this moment. That a process has died is known on its own host at once."""
    if not row.owner or row.until <= moment:
        return False
    return not Process(row.host, row.pid, row.pid_started).is_known_dead()


def live_holder(key: str) -> str:
    """Who holds a lease now, for people; '' when it is free."""
    row = Lease.get_or_none(Lease.key == key)
    return str(row.holder or row.owner) if row is not None and is_live(row, now()) else ""


def silent_holder(key: str) -> str:
    """Who took a lease and no longer renews it, though its process on this host lives, for people; '' when nobody.

    A process that can't write, since the disk is full, renews none.
    """
    row = Lease.get_or_none(Lease.key == key)
    if row is None or not row.owner or row.until > now():
        return ""
    return str(row.holder or row.owner) if Process(row.host, row.pid, row.pid_started).is_known_alive() else ""


def live_keys(prefix: str, moment: datetime | None = None) -> set[str]:
    """The keys under a prefix that someone holds at a moment (now)."""
    at = moment or now()
    rows: Any = Lease.select().where(Lease.key.startswith(prefix), Lease.owner != "")
    return {row.key for row in rows if is_live(row, at)}


def running_tasks() -> set[int]:
    """Ids of the tasks that somebody runs now."""
    return set(map(task_of, live_keys(TASK_KEYS)))
