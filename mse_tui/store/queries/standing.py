"""What changes by the passing of time alone: engines that die and starts that are missed write nothing."""

from dataclasses import dataclass
from datetime import datetime

from mse_tui.store.database import now, reading
from mse_tui.store.lease_keys import ENGINE_KEYS, TASK_KEYS
from mse_tui.store.live_leases import live_keys
from mse_tui.store.maintenance import rests_until
from mse_tui.store.models import Site
from mse_tui.store.queries.health import overdue_tasks


@dataclass(frozen=True, slots=True)
class Standing:
    """Who lives, and what is late."""

    engines: frozenset[str]
    """The lease keys of live engines."""
    running: frozenset[str]
    """The lease keys of tasks that somebody runs."""
    overdue: frozenset[int]
    """Tasks that should have started and did not."""
    resting: frozenset[int]
    """Sites in maintenance."""


def standing(moment: datetime | None = None) -> Standing:
    """How it stands at a moment (now)."""
    with reading():
        at = moment or now()
        overdue = frozenset(row.task_id for row in overdue_tasks(at))
        resting = frozenset(site.id for site in Site.select() if rests_until(site, at))
        engines, running = frozenset(live_keys(ENGINE_KEYS, at)), frozenset(live_keys(TASK_KEYS, at))
        return Standing(engines, running, overdue, resting)
