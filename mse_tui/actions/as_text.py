"""What people define of a site as one text (TOML): to keep in version control, review and apply.

Things are known by their names. Settings that are not written have their defaults. What a text does not name is left
alone; definitions, schedules and tasks go where that is wanted. Secrets are not in it, nor what is a record about
persons: holds, grants, approvals.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mse_tui.access.roles import Role, needs
from mse_tui.actions.checks import settings_model
from mse_tui.actions.commands import grants_left, pause, remove_task, resume, told_to_pause
from mse_tui.actions.definitions import create_definition, remove_definition, set_definition
from mse_tui.actions.going_live import going_live, task_going_live
from mse_tui.actions.schedules import create_schedule, remove_schedule, set_schedule
from mse_tui.actions.site_text import (
    MaintenanceText,
    OwnText,
    RetentionText,
    maintenance_steps,
    own_values,
    retention_steps,
    site_steps,
)
from mse_tui.actions.steps import Change, Doing, Step, differences
from mse_tui.actions.tasks import create_task, set_task
from mse_tui.directory.directory import GroupReference
from mse_tui.engine.schedules import ScheduleSettings, write_settings
from mse_tui.reasons import Problem, Reason
from mse_tui.setting_faults import in_words
from mse_tui.store import queries
from mse_tui.store.database import reading, writing
from mse_tui.store.queries import DefinitionRow, ScheduleRow, TaskRow
from mse_tui.terms import TaskType

M = TypeVar("M", bound=BaseModel)

_HEADING = "# Definitions, schedules, tasks, the site, retention. Show what it would change: mse-tui plan FILE\n\n"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DefinitionText(_Part):
    """[[definition]]"""

    type: TaskType
    name: str
    settings: dict[str, Any] = Field(default_factory=dict)


class ScheduleText(_Part):
    """[[schedule]]"""

    name: str
    settings: dict[str, Any]


class TaskText(_Part):
    """[[task]]"""

    description: str
    type: TaskType
    definition: str
    schedule: str
    group: str
    paused: bool | None = None
    """None: left as it is."""


class SiteText(_Part):
    """The whole text."""

    definition: tuple[DefinitionText, ...] = ()
    schedule: tuple[ScheduleText, ...] = ()
    task: tuple[TaskText, ...] = ()
    maintenance: MaintenanceText | None = None
    site: OwnText | None = None
    retention: tuple[RetentionText, ...] = ()


def export_text() -> str:
    """The site as text. Applying it to the same site changes nothing; to an empty one, it makes the same."""
    with reading():
        values: dict[str, Any] = {
            "definition": [
                {"type": row.type.value, "name": row.name, "settings": _plain(row.settings)}
                for row in queries.definitions()
            ],
            "schedule": [{"name": row.name, "settings": _plain(row.settings)} for row in queries.schedules()],
            "task": [
                {
                    "description": row.description,
                    "type": row.type.value,
                    "definition": row.definition,
                    "schedule": row.schedule,
                    "group": row.group,
                    "paused": told_to_pause(row),
                }
                for row in queries.tasks_of_type()
            ],
            **own_values(),
        }
    return _HEADING + tomli_w.dumps({kind: rows for kind, rows in values.items() if rows}, multiline_strings=False)


def plan(text: str, *, prune: bool = False) -> list[Step]:
    """What applying a text would do, in the order in which it is done; changes nothing.

    With `prune` definitions, schedules and tasks that the text does not name are to be removed. Raises Problem invalid:
    every fault of the text's form, or what can't be done.
    """
    with reading():
        return [doing.step for doing in _doings(_read(text), prune)]


@needs(Role.OPERATOR)
def apply(text: str, *, prune: bool = False, resolved: Mapping[str, GroupReference | None] | None = None) -> list[Step]:
    """Do it, all of it or nothing; gives what was done. `resolved`: what was found behind the groups of new tasks.

    Tasks that are removed are told so and keep their history; their engine removes them. Raises Problem: what `plan`
    raises, and what the single actions raise (each is checked and audited as if done by hand).
    """
    wanted = _read(text)
    with writing():
        done = []
        for doing in _doings(wanted, prune, resolved or {}):
            doing.do()
            done.append(doing.step)
    return done


def _doings(
    wanted: SiteText, prune: bool, resolved: Mapping[str, GroupReference | None] = MappingProxyType({})
) -> Iterator[Doing]:
    """Each is decided when its turn comes: a task finds the definition that was created before it."""
    definitions = {(row.type, row.name.casefold()): row for row in queries.definitions()}
    schedules = {row.name.casefold(): row for row in queries.schedules()}
    tasks = {row.description.casefold(): row for row in queries.tasks_of_type()}
    _refuse_unknown(wanted, set(definitions), set(schedules))
    settings: dict[tuple[TaskType, str], Mapping[str, Any]] = {key: row.settings for key, row in definitions.items()}
    settings |= {(one.type, one.name.casefold()): one.settings for one in wanted.definition}
    for definition in wanted.definition:
        yield from _definition(definition, definitions.pop((definition.type, definition.name.casefold()), None))
    for schedule in wanted.schedule:
        yield from _schedule(schedule, schedules.pop(schedule.name.casefold(), None))
    for task in wanted.task:
        present = tasks.pop(task.description.casefold(), None)
        yield from _task(task, present, resolved.get(task.group), settings[task.type, task.definition.casefold()])
        yield from _paused(task, present)
    if wanted.maintenance is not None:
        yield from maintenance_steps(wanted.maintenance)
    if wanted.site is not None:
        yield from site_steps(wanted.site)
    yield from retention_steps(wanted.retention)
    if prune:
        yield from _removals(wanted, tasks.values(), definitions.values(), schedules.values())


def _refuse_unknown(wanted: SiteText, definitions: set[tuple[TaskType, str]], schedules: set[str]) -> None:
    definitions |= {(one.type, one.name.casefold()) for one in wanted.definition}
    schedules |= {one.name.casefold() for one in wanted.schedule}
    for task in wanted.task:
        if (task.type, task.definition.casefold()) not in definitions:
            raise _nothing_named(task, f"{task.type} definition", task.definition)
        if task.schedule.casefold() not in schedules:
            raise _nothing_named(task, "schedule", task.schedule)


def _definition(wanted: DefinitionText, present: DefinitionRow | None) -> Iterator[Doing]:
    name = f"{wanted.type} {wanted.name}"
    settings = _valid(settings_model(wanted.type), wanted.settings, f"definition {name}")
    values = settings.model_dump(mode="json", by_alias=True)
    if present is None:
        step = Step(Change.CREATE, "definition", name, differences({}, values))
        yield Doing(step, lambda: create_definition(wanted.type, wanted.name, settings))
    elif changed := differences(present.settings, values):
        live = going_live(present, settings)
        step = Step(Change.CHANGE, "definition", name, changed, question=live.said if live else "")
        yield Doing(step, lambda: set_definition(present.id, settings))


def _schedule(wanted: ScheduleText, present: ScheduleRow | None) -> Iterator[Doing]:
    settings = _valid(ScheduleSettings, wanted.settings, f"schedule {wanted.name}")
    values = json.loads(write_settings(settings))
    if present is None:
        step = Step(Change.CREATE, "schedule", wanted.name, differences({}, values))
        yield Doing(step, lambda: create_schedule(wanted.name, settings, although_passed=True))
    elif changed := differences(present.settings, values):
        step = Step(Change.CHANGE, "schedule", wanted.name, changed)
        yield Doing(step, lambda: set_schedule(present.id, settings, although_passed=True))


def _task(
    wanted: TaskText, present: TaskRow | None, resolved: GroupReference | None, settings: Mapping[str, Any]
) -> Iterator[Doing]:
    """`settings`: of the definition that it is to have."""
    values = wanted.model_dump(mode="json", exclude={"description", "paused"})
    if present is None:
        step = Step(Change.CREATE, "task", wanted.description, differences({}, values))
        yield Doing(step, lambda: _create_task(wanted, resolved))
        return
    old = {
        "type": present.type.value,
        "definition": present.definition,
        "schedule": present.schedule,
        "group": present.group,
    }
    changed = differences(old, values)
    if fixed := {"type", "group"} & changed.keys():
        raise Problem(
            Reason.INVALID,
            f"The {' and the '.join(sorted(fixed))} of the task {wanted.description!r} can't be changed.",
            "Remove the task and create it anew under this description, or describe the new one differently.",
        )
    if changed:
        live = None
        if "definition" in changed and wanted.definition.casefold() != present.definition.casefold():
            live = task_going_live(wanted.description, wanted.type, wanted.definition, settings)
        step = Step(Change.CHANGE, "task", wanted.description, changed, question=live.said if live else "")
        yield Doing(step, lambda: _set_task(wanted, present))


def _paused(wanted: TaskText, present: TaskRow | None) -> Iterator[Doing]:
    """A task that is created is not paused; the engine carries out what it is told."""
    is_paused = present is not None and told_to_pause(present)
    if wanted.paused is None or wanted.paused == is_paused:
        return
    step = Step(Change.CHANGE, "task", wanted.description, {"paused": (is_paused, wanted.paused)})
    yield Doing(step, lambda: (pause if wanted.paused else resume)(_task_id(wanted)))


def _removals(
    wanted: SiteText,
    tasks: Collection[TaskRow],
    definitions: Collection[DefinitionRow],
    schedules: Collection[ScheduleRow],
) -> Iterator[Doing]:
    """What the text does not name. A task's engine removes it, so what only such tasks use goes after them."""
    for task in tasks:
        yield Doing(_going(task), _bound(remove_task, task.id, keep_history=True))
    used = {(one.type, one.definition.casefold()) for one in wanted.task}
    timed = {one.schedule.casefold() for one in wanted.task}
    for definition in definitions:
        if (definition.type, definition.name.casefold()) not in used:
            users = {task.description for task in tasks if task.definition_id == definition.id}
            name = f"{definition.type} {definition.name}"
            yield _removal("definition", name, users, _bound(remove_definition, definition.id))
    for schedule in schedules:
        if schedule.name.casefold() not in timed:
            users = {task.description for task in tasks if task.schedule_id == schedule.id}
            yield _removal("schedule", schedule.name, users, _bound(remove_schedule, schedule.id))


def _going(task: TaskRow) -> Step:
    left = grants_left([task.id])
    back = f" and takes back what it granted, {left} in all" if left else ""
    why = f"an engine removes it{back}; its history stays"
    return Step(Change.TELL_TO_GO, "task", task.description, why=why, question=f"remove the task {task.description!r}")


def _removal(kind: str, name: str, users: Collection[str], remove: Callable[[], object]) -> Doing:
    question = f"remove the {kind} {name!r}"
    if not users:
        return Doing(Step(Change.REMOVE, kind, name, question=question), remove)
    tasks = "its task is" if len(users) == 1 else "its tasks are"
    return Doing(Step(Change.LATER, kind, name, why=f"removed when {tasks} gone", question=question), lambda: None)


def _create_task(wanted: TaskText, resolved: GroupReference | None) -> None:
    create_task(
        wanted.description,
        site_id=queries.sites()[0].id,
        task_type=wanted.type,
        definition_id=_definition_id(wanted),
        schedule_id=_schedule_id(wanted),
        group=wanted.group,
        resolved=resolved,
        although_passed=True,
    )


def _set_task(wanted: TaskText, present: TaskRow) -> None:
    set_task(
        present.id,
        definition_id=_definition_id(wanted),
        schedule_id=_schedule_id(wanted),
        although_passed=True,
    )


def _task_id(wanted: TaskText) -> int:
    found = queries.task_named(wanted.description)
    assert found is not None
    return found.id


def _definition_id(wanted: TaskText) -> int:
    key = (wanted.type, wanted.definition.casefold())
    return next(row.id for row in queries.definitions() if (row.type, row.name.casefold()) == key)


def _schedule_id(wanted: TaskText) -> int:
    return next(row.id for row in queries.schedules() if row.name.casefold() == wanted.schedule.casefold())


def _nothing_named(wanted: TaskText, kind: str, name: str) -> Problem:
    return Problem(
        Reason.NOT_FOUND,
        f"The task {wanted.description!r} wants the {kind} {name!r}, which there is not.",
        f"Write the {kind} into the text, or create it first.",
    )


def _read(text: str) -> SiteText:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Problem(Reason.INVALID, f"The text is not valid TOML: {error}.") from error
    wanted = _valid(SiteText, values, "text")
    _refuse_doubles("definition", [f"{one.type} {one.name}" for one in wanted.definition])
    _refuse_doubles("schedule", [one.name for one in wanted.schedule])
    _refuse_doubles("task", [one.description for one in wanted.task])
    _refuse_doubles("retention", [one.mailbox or "the archive" for one in wanted.retention])
    return wanted


def _refuse_doubles(kind: str, names: list[str]) -> None:
    times = Counter(name.casefold() for name in names)
    doubles = sorted({name for name in names if times[name.casefold()] > 1})
    if doubles:
        raise Problem(Reason.INVALID, f"The text has more than one {kind} named {', '.join(doubles)}.")


def _valid(model: type[M], values: Mapping[str, Any], what: str) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Problem(Reason.INVALID, f"The {what} is not valid: {in_words(model, error)}.") from None


def _plain(value: Any) -> Any:
    """Without what is nothing: TOML has no word for it, and it is the default."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _bound(action: Callable[..., object], *values: object, **options: object) -> Callable[[], object]:
    return lambda: action(*values, **options)
