"""Schedules: named, reusable timing."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, changes, who
from mse_tui.actions.checks import valid_name, valid_settings
from mse_tui.engine.schedules import ScheduleSettings, describe, next_execution, read_settings, write_settings
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Schedule, Task


@needs(Role.OPERATOR)
def create_schedule(name: str, settings: ScheduleSettings | Mapping[str, Any], *, although_passed: bool = False) -> int:
    """A new schedule's id. Raises Problem invalid; for one whose only time has passed unless `although_passed`."""
    name = valid_name(name, "name")
    valid = valid_settings(ScheduleSettings, settings)
    if not although_passed:
        refuse_passed(valid)
    written = write_settings(valid)
    with writing():
        _refuse_taken(name)
        moment, user = now(), who()
        row = Schedule.create(
            name=name, settings=written, created=moment, created_by=user, modified=moment, modified_by=user
        )
        audit("create schedule", name, after=json.loads(written))
    return int(row.id)


@needs(Role.OPERATOR)
def set_schedule(
    schedule_id: int,
    settings: ScheduleSettings | Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    although_passed: bool = False,
) -> None:
    """Change a schedule; idle tasks follow it within seconds. Raises Problem not-found, and as `create_schedule`."""
    with writing():
        row = _found(schedule_id)
        new_name = row.name if name is None else valid_name(name, "name")
        if new_name.casefold() != row.name.casefold():
            _refuse_taken(new_name)
        written = row.settings if settings is None else write_settings(valid_settings(ScheduleSettings, settings))
        if written != row.settings and not although_passed:
            refuse_passed(read_settings(written))
        before, after = changes(
            {"name": row.name, **json.loads(row.settings)}, {"name": new_name, **json.loads(written)}
        )
        if not before and not after:
            return
        Schedule.update(name=new_name, settings=written, modified=now(), modified_by=who()).where(
            Schedule.id == schedule_id
        ).execute()
        audit("change schedule", row.name, before, after)


@needs(Role.OPERATOR)
def remove_schedule(schedule_id: int) -> None:
    """Delete a schedule that no task uses. Raises Problem in-use (naming the tasks), not-found."""
    with writing():
        row = refuse_used(schedule_id)
        Schedule.delete().where(Schedule.id == schedule_id).execute()
        audit("remove schedule", row.name, before=json.loads(row.settings))


def refuse_passed(settings: ScheduleSettings, moment: datetime | None = None) -> None:
    """Raises Problem invalid where no execution is to come after `moment` (now): a one-off whose time has passed."""
    if next_execution(settings, moment or now()) is None:
        raise Problem(
            Reason.INVALID,
            f"There is no execution to come: {describe(settings)} has passed.",
            "Give a time to come; to execute a task now, run it by hand.",
        )


def refuse_used(schedule_id: int) -> Schedule:
    """The schedule, if no task uses it. Raises Problem in-use (naming the tasks), not-found."""
    row = _found(schedule_id)
    users = [task.description for task in Task.select().where(Task.schedule == row).order_by(Task.description)]
    if users:
        raise Problem(Reason.IN_USE, f"The schedule {row.name!r} is used by: {', '.join(users)}.")
    return row


def _found(schedule_id: int) -> Schedule:
    row = Schedule.get_or_none(Schedule.id == schedule_id)
    if row is None:
        raise Problem(Reason.NOT_FOUND, f"There is no schedule {schedule_id}.")
    return row


def _refuse_taken(name: str) -> None:
    if name.casefold() in {row.name.casefold() for row in Schedule.select(Schedule.name)}:
        raise Problem(Reason.INVALID, f"There is a schedule named {name!r} already.", "Choose another name.")
