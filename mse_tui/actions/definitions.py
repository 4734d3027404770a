"""Definitions: named, reusable settings of one task type."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, changes, who
from mse_tui.actions.checks import require_for, settings_model, valid_name, valid_settings
from mse_tui.archive.approvals import void_edited
from mse_tui.archive.verdicts import limits_of
from mse_tui.features.managed_definition import ManagedFoldersDefinition
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Definition, Task
from mse_tui.store.numbers import next_definition_number
from mse_tui.terms import TaskType


@needs(Role.OPERATOR)
def create_definition(task_type: TaskType, name: str, settings: BaseModel | Mapping[str, Any]) -> int:
    """A new definition's id. Raises Problem invalid, role-missing (a type that takes something away)."""
    require_for(task_type)
    name = valid_name(name, "name")
    values = _values(task_type, settings)
    with writing():
        _refuse_taken(task_type, name)
        moment, user = now(), who()
        row = Definition.create(
            id=next_definition_number(),
            type=task_type,
            name=name,
            settings=json.dumps(values),
            created=moment,
            created_by=user,
            modified=moment,
            modified_by=user,
        )
        audit("create definition", _subject(row), after=values)
    return int(row.id)


@needs(Role.OPERATOR)
def set_definition(
    definition_id: int, settings: BaseModel | Mapping[str, Any] | None = None, *, name: str | None = None
) -> None:
    """Change a definition; tasks that run now keep their snapshot. Raises Problem not-found, invalid, role-missing."""
    with writing():
        row = _found(definition_id)
        task_type = TaskType(row.type)
        require_for(task_type)
        old = {"name": row.name, **json.loads(row.settings)}
        new_name = row.name if name is None else valid_name(name, "name")
        if new_name.casefold() != row.name.casefold():
            _refuse_taken(task_type, new_name)
        values = json.loads(row.settings) if settings is None else _values(task_type, settings)
        before, after = changes(old, {"name": new_name, **values})
        if not before and not after:
            return
        Definition.update(
            name=new_name,
            settings=json.dumps(values),
            revision=Definition.revision + 1,
            modified=now(),
            modified_by=who(),
        ).where(Definition.id == definition_id).execute()
        void_edited()
        audit("change definition", _subject(row), before, after)


@needs(Role.OPERATOR)
def remove_definition(definition_id: int) -> None:
    """Delete a definition that no task uses. Raises Problem in-use (naming the tasks), not-found."""
    with writing():
        row = refuse_used(definition_id)
        Definition.delete().where(Definition.id == definition_id).execute()
        audit("remove definition", _subject(row), before=json.loads(row.settings))


def _values(task_type: TaskType, settings: BaseModel | Mapping[str, Any]) -> dict[str, Any]:
    wanted = valid_settings(settings_model(task_type), settings)
    if isinstance(wanted, ManagedFoldersDefinition) and (objection := wanted.objection(limits_of())):
        raise Problem(Reason.RETENTION_LIMITS, objection)
    return wanted.model_dump(mode="json", by_alias=True)


def refuse_used(definition_id: int) -> Definition:
    """The definition, if no task uses it. Raises Problem in-use (naming the tasks), not-found."""
    row = _found(definition_id)
    users = [task.description for task in Task.select().where(Task.definition == row).order_by(Task.description)]
    if users:
        raise Problem(Reason.IN_USE, f"The definition {row.name!r} is used by: {', '.join(users)}.")
    return row


def _found(definition_id: int) -> Definition:
    row = Definition.get_or_none(Definition.id == definition_id)
    if row is None:
        raise Problem(Reason.NOT_FOUND, f"There is no definition {definition_id}.")
    return row


def _refuse_taken(task_type: TaskType, name: str) -> None:
    taken = {row.name.casefold() for row in Definition.select(Definition.name).where(Definition.type == task_type)}
    if name.casefold() in taken:
        raise Problem(
            Reason.INVALID, f"There is a {task_type.label} definition named {name!r} already.", "Choose another name."
        )


def _subject(row: Definition) -> str:
    return f"{row.type} {row.name}"
