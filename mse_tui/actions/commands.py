"""What a task is told: run now, stop, pause, resume, full resync, remove. The engine carries it out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, who
from mse_tui.actions.checks import require_for
from mse_tui.directory.addresses import valid_addresses
from mse_tui.engine.left_grants import left_by
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import now, reading, writing
from mse_tui.store.maintenance import rests_until
from mse_tui.store.models import Command, Task
from mse_tui.store.queries import TaskRow
from mse_tui.terms import Status, TaskType, Verb

_OPPOSITES = (Verb.PAUSE, Verb.RESUME)
"""Of these the newest holds."""


@dataclass(frozen=True, slots=True)
class CommandState:
    """How far the engine has come with a command."""

    id: int
    verb: Verb
    asked: datetime
    taken: datetime | None
    finished: datetime | None
    outcome: str


@needs(Role.OPERATOR)
def run_now(task_id: int, *, mailboxes: Sequence[str] = (), first: int | None = None, again: bool = False) -> int:
    """Start the task now; on chosen mailboxes, or on the first n, only. Gives the command's id.

    `again`: the mailboxes had a turn before; those that have left the group since are skipped and told, while
    otherwise one that is not in the group is refused.

    Raises Problem not-found, invalid (it runs already, or it or its site may not start).
    """
    if first is not None and first < 1:
        raise Problem(Reason.INVALID, f"{first} is not a number of mailboxes.", "Give 1 or more.")
    arguments: dict[str, Any] = {}
    if mailboxes:
        arguments["mailboxes"] = list(valid_addresses("; ".join(mailboxes)))
        if again:
            arguments["again"] = True
    if first is not None:
        arguments["first"] = first
    return _tell(task_id, Verb.RUN, arguments)


@needs(Role.OPERATOR)
def stop(task_id: int) -> int:
    """End the running execution at the next item; what is committed stays. Raises Problem not-found, invalid."""
    return _tell(task_id, Verb.STOP)


@needs(Role.OPERATOR)
def pause(task_id: int) -> int:
    """Let the running execution wait at the next item, and start none until the task is resumed."""
    return _tell(task_id, Verb.PAUSE)


@needs(Role.OPERATOR)
def resume(task_id: int) -> int:
    """Go on with a paused task."""
    return _tell(task_id, Verb.RESUME)


@needs(Role.OPERATOR)
def resync(task_id: int) -> int:
    """Let the next execution enumerate everything again and reconcile; history stays, nothing is stored twice."""
    return _tell(task_id, Verb.RESYNC)


@needs(Role.DESTRUCTIVE)
def remove_task(task_id: int, *, keep_history: bool, keep_grants: bool = False) -> int:
    """Remove the task. Without `keep_history` the Full view of its mailboxes is reset: it then starts anew.

    What a task granted from Exchange and no other follows is taken back, without `keep_grants`.
    """
    with reading():
        left = len(left_by(task_id))
    told = {"grants left in force" if keep_grants else "grants taken back": left} if left else {}
    return _tell(
        task_id, Verb.REMOVE, {"keep_history": keep_history, **({"keep_grants": True} if keep_grants else {})}, told
    )


@needs(Role.VIEWER)
def grants_left(task_ids: Sequence[int]) -> int:
    """How many grants from Exchange no task would follow if these were removed."""
    with reading():
        return len({each.id for task_id in task_ids for each in left_by(task_id, going=task_ids)})


def told_to_pause(task: TaskRow) -> bool:
    """Whether a task is paused, or will be once its engine has carried out what it was told."""
    newest = _newest_of(task.id, *_OPPOSITES)
    return task.paused if newest is None else newest is Verb.PAUSE


def _newest_of(task_id: int, *verbs: Verb) -> Verb | None:
    """The last of these that a task was told and that is not carried out yet."""
    told = Command.select().where(Command.task == task_id, Command.verb.in_(verbs), Command.finished.is_null())
    newest = told.order_by(Command.id.desc()).first()
    return None if newest is None else Verb(newest.verb)


def command_state(command_id: int) -> CommandState | None:
    """How far a command is; None when it is gone (with its task)."""
    row = Command.get_or_none(Command.id == command_id)
    if row is None:
        return None
    return CommandState(row.id, Verb(row.verb), row.asked, row.taken, row.finished, row.outcome)


def refuse_idle(task_id: int) -> None:
    """Raises Problem invalid where the task does nothing that could be stopped, as `stop` would."""
    if (task := Task.get_or_none(Task.id == task_id)) is not None:
        _refuse_senseless(task, Verb.STOP)


def _tell(
    task_id: int, verb: Verb, arguments: dict[str, Any] | None = None, told: Mapping[str, int] = MappingProxyType({})
) -> int:
    with writing():
        task = Task.get_or_none(Task.id == task_id)
        if task is None:
            raise Problem(Reason.NOT_FOUND, f"There is no task {task_id}.")
        if verb in (Verb.RUN, Verb.RESUME):
            require_for(TaskType(task.type))
        _refuse_senseless(task, verb)
        if (waiting := _waiting(task, verb, arguments or {})) is not None:
            return waiting
        row = Command.create(task=task, verb=verb, arguments=json.dumps(arguments or {}), asked_by=who(), asked=now())
        audit(str(verb), task.description, after={**(arguments or {}), **told} or "")
    return int(row.id)


def _waiting(task: Task, verb: Verb, arguments: dict[str, Any]) -> int | None:
    """The same command, if it has been told and nothing since that makes it another one."""
    if verb in _OPPOSITES and _newest_of(task.id, *_OPPOSITES) is not verb:
        return None
    told = Command.select().where(
        Command.task == task, Command.verb == verb, Command.taken.is_null(), Command.finished.is_null()
    )
    return next((int(row.id) for row in told if json.loads(row.arguments) == arguments), None)


def _refuse_senseless(task: Task, verb: Verb) -> None:
    running = is_running(task.id)
    name = repr(task.description)
    if verb is Verb.RUN and running:
        raise Problem(Reason.TASK_RUNNING, f"The task {name} is running already.")
    if verb is Verb.RUN and not task.site.enabled:
        raise Problem(Reason.SITE_DISABLED, f"The site of the task {name} is disabled.")
    if verb is Verb.RUN and (until := rests_until(task.site, now())) is not None:
        raise Problem(
            Reason.SITE_IN_MAINTENANCE,
            f"The site of the task {name} is in maintenance until {until:%Y-%m-%d %H:%M} UTC.",
        )
    if verb is Verb.STOP and not running and not _is_starting(task):
        raise Problem(Reason.INVALID, f"The task {name} is not running.", "There is nothing to stop.")
    told = _newest_of(task.id, *_OPPOSITES)
    if verb is Verb.PAUSE and task.paused and told is not Verb.RESUME:
        raise Problem(Reason.INVALID, f"The task {name} is paused already.", "Resume it to let it go on.")
    if verb is Verb.RESUME and not task.paused and told is not Verb.PAUSE:
        raise Problem(Reason.INVALID, f"The task {name} is not paused.", "There is nothing to resume.")


def is_running(task_id: int) -> bool:
    """Whether an execution is under way; one whose engine is gone is not."""
    row = queries.task(task_id)
    return row is not None and row.status is Status.RUNNING and not row.interrupted


def _is_starting(task: Task) -> bool:
    """Told to run a moment ago, and the engine has not shown it running yet."""
    return bool(
        Command.select().where(Command.task == task, Command.verb == Verb.RUN, Command.finished.is_null()).exists()
    )
