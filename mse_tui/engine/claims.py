"""Which tasks start now, and how a start is claimed: decided by a pure function, carried out by one transaction.

A clock set back by up to `REPEATS_NONE_WITHIN` repeats no start; set back further, schedules begin anew from the new
time. A clock set forth makes missed starts, which coalesce like those of an engine that was down.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mse_tui.directory.directory import GroupReference
from mse_tui.engine.clock import Clock
from mse_tui.engine.leases import HeldLease, Leases, process_label
from mse_tui.engine.schedules import OnMissed, ScheduleSettings, next_execution, read_settings
from mse_tui.store.database import data_version, reading, writing
from mse_tui.store.lease_keys import task_key
from mse_tui.store.models import Definition, Execution, Schedule, Task
from mse_tui.terms import GroupKind, Status, TaskType, Trigger

log = logging.getLogger(__name__)

LATE = timedelta(seconds=60)
"""A start later than this counts as missed."""
REPEATS_NONE_WITHIN = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Plan:
    """A task as the planner sees it."""

    task_id: int
    schedule: ScheduleSettings
    next_execution: datetime | None
    """As planned so far."""
    last_started: datetime | None
    defined: datetime
    """When the task or its schedule was last changed by a person."""
    resting: bool
    """Running, or paused: starts pass by."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one task now."""

    task_id: int
    trigger: Trigger | None
    """Start it for this reason; None = only the plan changes."""
    next_execution: datetime | None


def due(tasks: Iterable[Plan], now: datetime, *, maintenance: bool = False) -> list[Decision]:
    """What to do now, the longest due first; tasks about which there is nothing to do are left out.

    In `maintenance` none starts: what is due waits for its end, when it is late and so counts as missed.
    """
    planned = {task.task_id: task.next_execution or now for task in tasks}
    decisions = [decision for task in tasks if (decision := _decide(task, now)) is not None]
    if maintenance:
        decisions = [decision for decision in decisions if decision.trigger is None]
    return sorted(decisions, key=lambda decision: (planned[decision.task_id], decision.task_id))


def plan_after(schedule: ScheduleSettings, now: datetime, last_started: datetime | None) -> datetime | None:
    """The next execution after now, and not one that began before the clock was set back a little."""
    if last_started is not None and now < last_started <= now + REPEATS_NONE_WITHIN:
        return next_execution(schedule, last_started)
    return next_execution(schedule, now)


def _decide(task: Plan, now: datetime) -> Decision | None:
    planned = task.next_execution
    if planned is None and task.last_started is None:
        following = _first_start(task, now)
    elif planned is None or planned > now or not _is_start(task.schedule, planned):
        following = plan_after(task.schedule, now, task.last_started)
    else:
        return _decide_due(task, planned, now)
    return None if following == planned else Decision(task.task_id, None, following)


def _first_start(task: Plan, now: datetime) -> datetime | None:
    """Of a task never planned: starts since it was defined count, so that none is lost while no engine ran."""
    first = next_execution(task.schedule, min(task.defined, now))
    if first is not None and first <= now and _passes_by(task, first, now):
        return next_execution(task.schedule, now)
    return first


def _decide_due(task: Plan, planned: datetime, now: datetime) -> Decision:
    following = next_execution(task.schedule, now)
    if _passes_by(task, planned, now):
        return Decision(task.task_id, None, following)
    return Decision(task.task_id, Trigger.MISSED if now - planned > LATE else Trigger.SCHEDULE, following)


def _passes_by(task: Plan, planned: datetime, now: datetime) -> bool:
    return task.resting or (now - planned > LATE and task.schedule.on_missed is OnMissed.SKIP)


def _is_start(schedule: ScheduleSettings, moment: datetime) -> bool:
    """Whether the schedule (perhaps changed since) means this moment."""
    return next_execution(schedule, moment - timedelta(microseconds=1)) == moment


@dataclass(frozen=True, slots=True)
class Claim:
    """A start that this engine has claimed."""

    task_id: int
    description: str
    task_type: TaskType
    group: GroupReference
    execution_id: int
    settings: str
    """The definition's settings (JSON) as they were at the start."""
    lease: HeldLease


class Claims:
    """The plans and starts of one site's tasks. Used by one thread."""

    def __init__(self, site_id: int, leases: Leases, clock: Clock) -> None:
        self._site_id = site_id
        self._leases = leases
        self._clock = clock
        self._version: int | None = None
        self._looked: datetime | None = None
        self._earliest: datetime | None = None
        self._maintenance = False
        self._unreadable: set[tuple[int, str]] = set()
        """Schedules, with their settings, of which it has been told that they can't be read."""

    def due(self, *, maintenance: bool = False) -> list[Decision]:
        """What is due now. Costs next to nothing while no row has changed and no time has come."""
        now = self._clock.now()
        version = data_version()
        looked = self._looked is not None and self._looked <= now and maintenance == self._maintenance
        unchanged = looked and version == self._version
        if unchanged and (self._earliest is None or now < self._earliest):
            self._looked = now
            return []
        plans = self._plans()
        decisions = due(plans, now, maintenance=maintenance)
        self._looked, self._maintenance = now, maintenance
        self._version = None if decisions else version
        planned = [plan.next_execution for plan in plans if plan.next_execution]
        self._earliest = min((one for one in planned if one > now or not maintenance), default=None)
        return decisions

    def _plans(self) -> list[Plan]:
        plans = []
        with reading():
            rows: Any = Task.select(Task, Schedule).join(Schedule).where(Task.site == self._site_id).order_by(Task.id)
            for row in rows:
                try:
                    plans.append(_plan(row))
                except ValueError:
                    self._tell_unreadable(row.schedule)
        return plans

    def _tell_unreadable(self, schedule: Any) -> None:
        """Once, however often it is looked at; again where its settings were changed."""
        if (schedule.id, schedule.settings) not in self._unreadable:
            self._unreadable.add((schedule.id, schedule.settings))
            log.exception("The schedule %r can't be read; its tasks do not start", schedule.name)

    def replan(self, decision: Decision) -> None:
        """Write a task's next execution; and of a paused one the start that passes by."""
        passes = (Task.id == decision.task_id) & Task.paused & (Task.next_execution <= self._clock.now())
        Task.update(passed_by=Task.next_execution).where(passes).execute()
        Task.update(next_execution=decision.next_execution).where(Task.id == decision.task_id).execute()

    def start(
        self, task_id: int, trigger: Trigger, asked_by: str = "", decision: Decision | None = None
    ) -> Claim | None:
        """Claim a start: lease, execution and status in one transaction. None when it runs already or is gone."""
        lease: HeldLease | None = None
        try:
            with writing():
                task = _task(task_id)
                if task is None:
                    return None
                lease = self._leases.take(task_key(task_id), process_label(f"'{task.description}'"))
                if lease is None:
                    return None
                return self._begin(task, trigger, asked_by, decision, lease)
        except BaseException:
            if lease is not None:
                self._leases.forget(lease)
            raise

    def _begin(self, task: Any, trigger: Trigger, asked_by: str, decision: Decision | None, lease: HeldLease) -> Claim:
        now = self._clock.now()
        execution = Execution.create(
            task=task.id,
            task_name=task.description,
            task_type=task.type,
            trigger=trigger,
            asked_by=asked_by,
            started=now,
            definition=task.definition.settings,
        )
        values: dict[str, Any] = {"status": Status.RUNNING, "last_started": now, "latest_detail": "Starting"}
        if decision is not None:
            values["next_execution"] = decision.next_execution
        Task.update(**values).where(Task.id == task.id).execute()
        return Claim(
            task.id,
            task.description,
            TaskType(task.type),
            group_of(task),
            execution.id,
            task.definition.settings,
            lease,
        )


def group_of(task: Any) -> GroupReference:
    """The group of a task's row."""
    return GroupReference(task.group, GroupKind(task.group_kind), task.group_key, task.group_name)


def _task(task_id: int) -> Any:
    return Task.select(Task, Definition).join(Definition).where(Task.id == task_id).first()


def _plan(row: Any) -> Plan:
    """Raises ValueError where its schedule can't be read."""
    return Plan(
        row.id,
        read_settings(row.schedule.settings),
        row.next_execution,
        row.last_started,
        max(row.modified, row.schedule.modified),
        row.paused or row.status == Status.RUNNING,
    )
