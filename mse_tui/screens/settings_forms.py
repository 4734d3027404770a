"""The forms for definitions and schedules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from mse_tui.actions.checks import settings_model
from mse_tui.actions.definitions import create_definition, set_definition
from mse_tui.actions.going_live import GoingLive, going_live
from mse_tui.actions.schedules import create_schedule, set_schedule
from mse_tui.engine.schedules import ScheduleSettings, describe, next_executions
from mse_tui.machine_zone import machine_zone_name
from mse_tui.maintenance import Maintenance
from mse_tui.screens.form_screen import FormScreen
from mse_tui.store.queries import DefinitionRow, ScheduleRow
from mse_tui.terms import TaskType
from mse_tui.widgets.wording import clock, relative, utc_now

_NO_MAINTENANCE = Maintenance()


class DefinitionForm(FormScreen):
    """A form that asks before a definition takes more out of the mailboxes of tasks that use it."""

    row: DefinitionRow
    """The definition as it is."""

    def asks(self, settings: BaseModel) -> GoingLive | None:
        """Once it is no dry run."""
        return going_live(self.row, settings)


def new_definition(task_type: TaskType) -> FormScreen:
    """Create a definition; answers its id."""
    return FormScreen(
        f"New definition: {task_type.label}",
        settings_model(task_type),
        lambda name, settings: create_definition(task_type, name, settings),
    )


def changed_definition(row: DefinitionRow) -> FormScreen:
    """Change a definition; answers its id."""

    def save(name: str, settings: BaseModel) -> int:
        set_definition(row.id, settings, name=name)
        return row.id

    title = f"Definition: {row.type.label}"
    form = DefinitionForm(title, settings_model(row.type), save, row.name, row.settings)
    form.row = row
    return form


class ScheduleForm(FormScreen):
    """A form that says at once when it would execute."""

    def note(self, settings: BaseModel) -> str:
        """The next five executions."""
        return coming(settings, utc_now())


def new_schedule() -> FormScreen:
    """Create a schedule; answers its id."""
    start = {"timing": {"kind": "daily", "times": {"repeat": "once", "at": "22:00"}}, "zone": machine_zone_name()}
    return ScheduleForm("New schedule", ScheduleSettings, _create_schedule, values=start)


def _create_schedule(name: str, settings: BaseModel) -> int:
    assert isinstance(settings, ScheduleSettings)
    return create_schedule(name, settings)


def changed_schedule(row: ScheduleRow) -> FormScreen:
    """Change a schedule; answers its id."""

    def save(name: str, settings: BaseModel) -> int:
        assert isinstance(settings, ScheduleSettings)
        set_schedule(row.id, settings, name=name)
        return row.id

    return ScheduleForm("Schedule", ScheduleSettings, save, row.name, row.settings)


def coming(settings: BaseModel | Mapping[str, Any], now: datetime, maintenance: Maintenance = _NO_MAINTENANCE) -> str:
    """What a schedule means and its next five executions, in its own zone."""
    schedule = settings if isinstance(settings, ScheduleSettings) else ScheduleSettings.model_validate(settings)
    moments = next_executions(schedule, now, 5)
    zone = ZoneInfo(schedule.zone)
    lines = [
        f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M} ({relative(moment, now)})"
        + (f"; in maintenance until {clock(end, moment, zone)}" if end != moment else "")
        for moment in moments
        for end in [maintenance.free_from(moment)]
    ]
    return "\n".join([describe(schedule), *(f"  {line}" for line in lines or ["  never again"])])
