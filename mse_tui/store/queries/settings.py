"""Sites, definitions and schedules."""

import json
from typing import Any

from peewee import JOIN, fn

from mse_tui.maintenance import Maintenance
from mse_tui.store.database import now
from mse_tui.store.lease_keys import engine_key
from mse_tui.store.live_leases import live_holder, silent_holder
from mse_tui.store.maintenance import maintenance_of, rests_until, windows_of
from mse_tui.store.models import Definition, HaltedAccount, Schedule, Site, Task
from mse_tui.store.queries.rows import DefinitionRow, HaltRow, ScheduleRow, SiteRow
from mse_tui.terms import GroupKind, SiteBinding, TaskType


def engine_holder(site_code: str) -> str:
    """Who holds the site's engine lease now, for people; '' when no engine is alive."""
    return live_holder(engine_key(site_code))


def sites() -> list[SiteRow]:
    """All sites, by description."""
    tasks = fn.COUNT(Task.id)
    found = (
        Site.select(Site, tasks.alias("task_count"))
        .join(Task, JOIN.LEFT_OUTER)
        .group_by(Site.id)
        .order_by(fn.LOWER(Site.description), Site.id)
    )
    return [_site(row) for row in found]


def _site(row: Any) -> SiteRow:
    moment = now()
    rests = rests_until(row, moment)
    engine = engine_holder(row.code)
    began = row.maintenance_until is not None and moment < row.maintenance_until
    return SiteRow(
        id=row.id,
        code=row.code,
        description=row.description,
        binding=SiteBinding(row.binding),
        host_name=row.host_name,
        host_os=row.host_os,
        version=row.version,
        enabled=row.enabled,
        created=row.created,
        last_active=row.last_active,
        tasks=row.task_count,
        engine=engine,
        silent=silent_holder(engine_key(row.code)),
        maintenance_windows=windows_of(row),
        maintenance_until=rests,
        maintenance_by=row.maintenance_by if began else "",
        configuration_changed=row.configuration_changed if engine else None,
    )


def site_directories() -> dict[int, frozenset[GroupKind] | None]:
    """By each site's id, which directories can be asked about groups; None where nothing has said so yet."""
    return {
        row.id: None if row.directories is None else frozenset(GroupKind(kind) for kind in row.directories.split())
        for row in Site.select(Site.id, Site.directories)
    }


def site_maintenance() -> Maintenance:
    """When this database's own site rests."""
    site = Site.select().order_by(Site.id).first()
    return maintenance_of(site) if site is not None else Maintenance()


def definitions(task_type: TaskType | None = None) -> list[DefinitionRow]:
    """All definitions, or one type's, by name."""
    found = _definitions()
    if task_type is not None:
        found = found.where(Definition.type == task_type)
    return [_definition(row) for row in found]


def definition(definition_id: int) -> DefinitionRow | None:
    """One definition; None when it is gone."""
    return next((_definition(row) for row in _definitions().where(Definition.id == definition_id)), None)


def _definitions() -> Any:
    return (
        Definition.select(Definition, fn.COUNT(Task.id).alias("task_count"))
        .join(Task, JOIN.LEFT_OUTER)
        .group_by(Definition.id)
        .order_by(fn.LOWER(Definition.name), Definition.id)
    )


def _definition(row: Any) -> DefinitionRow:
    return DefinitionRow(
        id=row.id,
        type=TaskType(row.type),
        name=row.name,
        settings=json.loads(row.settings),
        revision=row.revision,
        created=row.created,
        created_by=row.created_by,
        modified=row.modified,
        modified_by=row.modified_by,
        tasks=row.task_count,
    )


def schedules() -> list[ScheduleRow]:
    """All schedules, by name."""
    return [_schedule(row) for row in _schedules()]


def schedule(schedule_id: int) -> ScheduleRow | None:
    """One schedule; None when it is gone."""
    return next((_schedule(row) for row in _schedules().where(Schedule.id == schedule_id)), None)


def _schedules() -> Any:
    return (
        Schedule.select(Schedule, fn.COUNT(Task.id).alias("task_count"))
        .join(Task, JOIN.LEFT_OUTER)
        .group_by(Schedule.id)
        .order_by(fn.LOWER(Schedule.name), Schedule.id)
    )


def _schedule(row: Any) -> ScheduleRow:
    return ScheduleRow(
        id=row.id,
        name=row.name,
        settings=json.loads(row.settings),
        created=row.created,
        created_by=row.created_by,
        modified=row.modified,
        modified_by=row.modified_by,
        tasks=row.task_count,
    )


def halted_accounts() -> list[HaltRow]:
    """Accounts whose password was refused, newest first; none in whose place another was accepted since."""
    found = HaltedAccount.select().where(HaltedAccount.ended.is_null()).order_by(HaltedAccount.since.desc())
    return [HaltRow(key=row.key, account=row.account, since=row.since, message=row.message) for row in found]
