"""Tasks: a description, a site, a type, a definition, a schedule and a group."""

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, changes, who
from mse_tui.actions.checks import require_for, valid_name
from mse_tui.actions.schedules import refuse_passed
from mse_tui.directory.directory import GroupReference
from mse_tui.directory.references import check_group
from mse_tui.engine.schedules import next_execution, read_settings
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Definition, Schedule, Site, Task
from mse_tui.store.numbers import next_task_number
from mse_tui.terms import GroupKind, SiteBinding, TaskType


@needs(Role.OPERATOR)
def create_task(  # noqa: PLR0913 (these are what a task is made of)
    description: str,
    *,
    site_id: int,
    task_type: TaskType,
    definition_id: int,
    schedule_id: int,
    group: str,
    resolved: GroupReference | None = None,
    although_passed: bool = False,
) -> int:
    """A new task's id. Its first execution is planned, so that one is overdue where no engine ever runs.

    `resolved`: what the engine found behind the group's text in a preview; it stays this group from now on.
    `although_passed`: also by a schedule that has no execution to come.

    Raises Problem invalid, not-found; address-invalid, group-empty, group-refused, directory-missing (about the group).
    """
    description = valid_name(description, "description")
    require_for(task_type)
    group = group.strip()
    with writing():
        _refuse_taken(description)
        site = Site.get_or_none(Site.id == site_id)
        if site is None:
            raise Problem(Reason.NOT_FOUND, f"There is no site {site_id}.")
        _refuse_group(group, site)
        known = resolved or GroupReference(group)
        definition = _definition(definition_id, task_type)
        schedule = _schedule(schedule_id)
        settings = read_settings(schedule.settings)
        if not although_passed:
            refuse_passed(settings)
        moment, user = now(), who()
        row = Task.create(
            id=next_task_number(),
            description=description,
            site=site,
            type=task_type,
            definition=definition,
            schedule=schedule,
            group=group,
            group_kind=known.kind,
            group_key=known.key,
            group_name=known.name,
            next_execution=next_execution(settings, moment),
            created=moment,
            created_by=user,
            modified=moment,
            modified_by=user,
        )
        named = {"type": task_type, "definition": definition.name, "schedule": schedule.name, "group": group}
        audit("create task", description, after=named)
    return int(row.id)


@needs(Role.OPERATOR)
def set_task(
    task_id: int, *, definition_id: int | None = None, schedule_id: int | None = None, although_passed: bool = False
) -> None:
    """Give a task another definition or schedule, the only things of it that can be changed.

    A running execution keeps its snapshot. Raises Problem not-found, invalid (a definition of another type; a schedule
    that has no execution to come, unless `although_passed`).
    """
    with writing():
        task = Task.get_or_none(Task.id == task_id)
        if task is None:
            raise Problem(Reason.NOT_FOUND, f"There is no task {task_id}.")
        require_for(TaskType(task.type))
        old_definition, old_schedule = task.definition, task.schedule
        definition = old_definition if definition_id is None else _definition(definition_id, TaskType(task.type))
        schedule = old_schedule if schedule_id is None else _schedule(schedule_id)
        before, after = changes(
            {"definition": old_definition.name, "schedule": old_schedule.name},
            {"definition": definition.name, "schedule": schedule.name},
        )
        if not after:
            return
        moment, planned = now(), task.next_execution
        if schedule != old_schedule:
            settings = read_settings(schedule.settings)
            if not although_passed:
                refuse_passed(settings)
            planned = next_execution(settings, moment)
        Task.update(
            definition=definition, schedule=schedule, next_execution=planned, modified=moment, modified_by=who()
        ).where(Task.id == task_id).execute()
        audit("change task", task.description, before, after)


def _definition(definition_id: int, task_type: TaskType) -> Definition:
    row = Definition.get_or_none(Definition.id == definition_id)
    if row is None:
        raise Problem(Reason.NOT_FOUND, f"There is no definition {definition_id}.")
    if row.type != task_type:
        raise Problem(
            Reason.INVALID,
            f"The definition {row.name!r} is for {TaskType(row.type).label}, the task is {task_type.label}.",
            "Choose a definition of the task's type.",
        )
    return row


def _schedule(schedule_id: int) -> Schedule:
    row = Schedule.get_or_none(Schedule.id == schedule_id)
    if row is None:
        raise Problem(Reason.NOT_FOUND, f"There is no schedule {schedule_id}.")
    return row


def _refuse_group(group: str, site: Site) -> None:
    """What this site could never resolve is refused at once, not at the first execution."""
    known = None if site.directories is None else [GroupKind(kind) for kind in site.directories.split()]
    check_group(group, SiteBinding(site.binding), known)


def _refuse_taken(description: str) -> None:
    if description.casefold() in {row.description.casefold() for row in Task.select(Task.description)}:
        raise Problem(
            Reason.INVALID, f"There is a task described {description!r} already.", "Choose another description."
        )
