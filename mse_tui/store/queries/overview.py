"""The dashboard: problems first, what runs, what comes, how much there is, what happened."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from peewee import fn

from mse_tui.reasons import Reason
from mse_tui.store.database import now, reading
from mse_tui.store.models import Definition, Task
from mse_tui.store.queries.executions import last_ended_by_task, recent_activity
from mse_tui.store.queries.health import (
    FailedBeforeRow,
    HealthRow,
    NeverDueRow,
    OverdueRow,
    PausedRow,
    UnansweredRow,
    failed_before,
    never_due_tasks,
    overdue_tasks,
    paused_tasks,
    stale_mailboxes,
    unanswered_tasks,
)
from mse_tui.store.queries.progress import progress_of_running
from mse_tui.store.queries.rows import ExecutionRow, HaltRow, Overview, SiteRow, TaskRow, Trouble, TypeCount
from mse_tui.store.queries.settings import halted_accounts, sites
from mse_tui.store.queries.tasks import next_executions, task_types, tasks_in_trouble
from mse_tui.terms import Light, TaskType

_WORST_FIRST = (Light.RED, Light.ORANGE, Light.GREEN, Light.NONE)


def dashboard(recent: int = 20, upcoming: int = 10, *, moment: datetime | None = None) -> Overview:
    """Everything the dashboard shows, from one state of the database; what is late is so at `moment` (now)."""
    with reading():
        all_sites = sites()
        return Overview(
            troubles=tuple(troubles(all_sites, moment=moment)),
            running=tuple(progress_of_running()),
            upcoming=tuple(next_executions(upcoming)),
            types=tuple(type_counts()),
            sites=tuple(all_sites),
            recent=tuple(recent_activity(recent)),
        )


def type_counts() -> list[TypeCount]:
    """How many definitions and tasks each type has."""
    defined: dict[str, int] = _pairs(
        Definition.select(Definition.type, fn.COUNT(Definition.id)).group_by(Definition.type).tuples()
    )
    used: dict[str, int] = _pairs(Task.select(Task.type, fn.COUNT(Task.id)).group_by(Task.type).tuples())
    return [TypeCount(kind, defined.get(kind, 0), used.get(kind, 0)) for kind in TaskType]


def _pairs(query: Any) -> dict[str, int]:
    return dict(query)


def troubles(all_sites: list[SiteRow] | None = None, *, moment: datetime | None = None) -> list[Trouble]:
    """What a person should look at, worst first; what is late is so at `moment` (now)."""
    found = [_halt(row) for row in halted_accounts()]
    known = all_sites if all_sites is not None else sites()
    found += [_site(row) for row in known if _resting(row)]
    found += [_unanswered(row) for row in unanswered_tasks(moment or now())]
    found += [_changed(row) for row in known if row.configuration_changed]
    ended, tasks = last_ended_by_task(), tasks_in_trouble()
    found += [trouble for row in tasks if (trouble := _task(row, ended.get(row.id))) is not None]
    found += [_overdue(row) for row in overdue_tasks(moment or now())]
    found += [_never_due(row) for row in never_due_tasks()]
    found += [_stale(row) for row in stale_mailboxes()]
    found += [_failed_before(row) for row in failed_before()]
    found += [_paused(row) for row in paused_tasks()]
    types = task_types(one.task_id for one in found if one.task_id is not None)
    typed = [replace(one, type=types.get(one.task_id or 0)) for one in found]
    return sorted(typed, key=lambda one: _WORST_FIRST.index(one.light))


def _halt(row: HaltRow) -> Trouble:
    return Trouble(Light.RED, row.account, "account-halted", row.message, moment=row.since)


def _unanswered(row: UnansweredRow) -> Trouble:
    message = f"No answer since {row.since:%Y-%m-%d %H:%M} UTC" + (f": {row.why}" if row.why else ", asked again now.")
    reason = str(Reason.NO_ANSWER)
    return Trouble(Light.ORANGE, row.task, reason, message, row.task_id, row.execution_id, row.since)


def _overdue(row: OverdueRow) -> Trouble:
    message = f"Should have started at {row.due:%Y-%m-%d %H:%M} UTC and did not."
    return Trouble(Light.ORANGE, row.task, "overdue", message, row.task_id, moment=row.due)


def _never_due(row: NeverDueRow) -> Trouble:
    message = "Has never run, and its schedule has no execution to come."
    return Trouble(Light.ORANGE, row.task, str(Reason.NEVER_DUE), message, row.task_id)


def _paused(row: PausedRow) -> Trouble:
    since = f" since {row.since:%Y-%m-%d %H:%M} UTC by {row.by}" if row.since else ""
    message = f"Paused{since}: starts pass by, the last one at {row.passed_by:%Y-%m-%d %H:%M} UTC."
    return Trouble(Light.NONE, row.task, str(Reason.TASK_PAUSED), message, row.task_id, moment=row.since)


def _stale(row: HealthRow) -> Trouble:
    since = f"since {row.last_success:%Y-%m-%d %H:%M} UTC" if row.last_success else "yet"
    message = f"{row.address}: no success {since}, in the last {row.since_success} executions."
    addresses = (row.address,)
    return Trouble(
        Light.ORANGE, row.task, "mailbox-stale", message, row.task_id, moment=row.finished, addresses=addresses
    )


def _failed_before(row: FailedBeforeRow) -> Trouble:
    if len(row.addresses) == 1:
        message = f"{row.addresses[0]} failed and has had no turn since: {row.message}"
    else:
        message = (
            f"{len(row.addresses)} mailboxes failed and have had no turn since."
            f" The first, {row.addresses[0]}: {row.message}"
        )
    return Trouble(row.light, row.task, row.reason, message, row.task_id, row.execution_id, row.finished, row.addresses)


def _resting(row: SiteRow) -> bool:
    return bool(row.tasks) and (not row.enabled or not row.engine)


def _site(row: SiteRow) -> Trouble:
    if not row.enabled:
        return Trouble(Light.ORANGE, row.description, "site-disabled", "Disabled: none of its tasks starts.")
    if row.silent:
        message = f"The engine lives but can't write: {row.silent}"
        return Trouble(Light.ORANGE, row.description, Reason.ENGINE_SILENT, message)
    return Trouble(Light.ORANGE, row.description, "", "No engine runs for this site: its schedules rest.")


def _changed(row: SiteRow) -> Trouble:
    message = "The configuration has changed; the engine works with what it read when it started."
    return Trouble(
        Light.ORANGE, row.description, Reason.CONFIGURATION_CHANGED, message, moment=row.configuration_changed
    )


def _task(row: TaskRow, last: ExecutionRow | None) -> Trouble | None:
    if row.interrupted:
        message = "Interrupted: the engine that ran it is gone."
        return Trouble(Light.ORANGE, row.description, "interrupted", message, row.id, moment=row.last_started)
    if row.result not in (Light.ORANGE, Light.RED):
        return None
    if last is None:
        return Trouble(row.result, row.description, "", row.latest_detail, row.id)
    if last.reason == Reason.STOPPED:
        return None  # who stopped it knows; mailboxes that failed before are told of by themselves
    return Trouble(row.result, row.description, last.reason, last.message, row.id, last.id, last.finished)
