"""mse-tui task: create tasks and tell them what to do."""

import sys
from collections.abc import Callable
from threading import Event
from time import monotonic

import click

from mse_tui.actions import commands
from mse_tui.actions.groups import confirm_group
from mse_tui.actions.tasks import create_task, set_task
from mse_tui.cli.group_fields import change_fields, group_fields
from mse_tui.cli.output import emit_json, fields, light, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.queries import TaskInformation, TaskRow
from mse_tui.terms import TaskType
from mse_tui.text import printable
from mse_tui.widgets.wording import absolute, count, number

_TYPE = click.Choice([kind.value for kind in TaskType], case_sensitive=False)
_TAKEN_WITHIN = 10.0


@click.group()
def task() -> None:
    """Create tasks and tell them what to do."""


@task.command("list")
@click.option("--type", "task_type", type=_TYPE, help="One type's only.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def list_tasks(session: Session, task_type: str | None, as_json: bool) -> None:
    """All tasks."""
    session.site()
    rows = queries.tasks_of_type(TaskType(task_type) if task_type else None)
    if as_json:
        emit_json(rows)
        return
    if not rows:
        click.echo("No tasks. Create one with: mse-tui task new")
        return
    cells = [(str(row.id), row.description, row.type, _state(row), light(row.light), absolute(row.next_execution),
              row.latest_detail) for row in rows]  # fmt: skip
    headings = ("id", "task", "type", "status", "result", "next execution", "latest detail")
    table(headings, cells, [row.light for row in rows])


@task.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def show_task(session: Session, name: str, as_json: bool) -> None:
    """All about one task: options, state, last execution."""
    information = queries.task_information(session.task(name).id)
    if information is None:
        raise Problem(Reason.NOT_FOUND, f"The task {name!r} was removed just now.")
    if as_json:
        emit_json(information)
        return
    row = information.task
    fields(
        [
            ("Task", f"{row.description} (id {row.id})"),
            ("Type", row.type.label),
            ("Site", row.site),
            ("Definition", row.definition),
            ("Schedule", row.schedule),
            ("Group", row.group),
            *_group_fields(information),
            ("Created", f"{absolute(row.created)} by {row.created_by}"),
            ("Last modified", f"{absolute(row.modified)} by {row.modified_by}"),
            ("Status", _state(row)),
            ("Result", light(row.light)),
            ("Command", row.command or "-"),
            ("Latest detail", row.latest_detail or "-"),
            ("Sequence", number(row.sequence)),
            ("Next execution", absolute(row.next_execution)),
            ("Last execution", information.last.message if information.last else "never executed"),
        ]
    )


@task.command("new")
@click.argument("description")
@click.option("--type", "task_type", type=_TYPE, default=TaskType.FOLDER_REPLICATION.value, show_default=True)
@click.option("--definition", required=True, help="Name of a definition of this type.")
@click.option("--schedule", required=True, help="Name of a schedule.")
@click.option(
    "--group",
    required=True,
    help="A group's address, distinguished name, GUID or name; or mailbox addresses separated by ; or ,",
)
@pass_session
def new_task(session: Session, description: str, task_type: str, definition: str, schedule: str, group: str) -> None:
    """Create a task; the engine starts it by its schedule."""
    site = session.site()
    task_id = create_task(
        description,
        site_id=site.id,
        task_type=TaskType(task_type),
        definition_id=session.definition(definition if "/" in definition else f"{task_type}/{definition}").id,
        schedule_id=session.schedule(schedule).id,
        group=group,
    )
    click.echo(f"Created task {description!r} (id {task_id}).")
    click.echo("Tip: try it on a few mailboxes first: mse-tui task run --first 3 " + repr(description))


@task.command("set")
@click.argument("name")
@click.option("--definition", help="Another definition of the task's type.")
@click.option("--schedule", help="Another schedule.")
@pass_session
def change_task(session: Session, name: str, definition: str | None, schedule: str | None) -> None:
    """Give a task another definition or schedule; nothing else of it can be changed."""
    if definition is None and schedule is None:
        raise click.UsageError("Give --definition, --schedule or both.")
    row = session.task(name)
    wanted = f"{row.type}/{definition}" if definition and "/" not in definition else definition
    set_task(
        row.id,
        definition_id=session.definition(wanted).id if wanted else None,
        schedule_id=session.schedule(schedule).id if schedule else None,
    )
    click.echo(f"Changed task {row.description!r}; a running execution keeps what it began with.")


@task.command("run")
@click.argument("name")
@click.option("--mailbox", "mailboxes", multiple=True, help="Only this mailbox; may be given several times.")
@click.option("--first", type=click.IntRange(min=1), help="Only the group's first n mailboxes.")
@click.option("--wait", is_flag=True, help="Wait for the end; the exit code is the result's.")
@pass_session
@click.pass_context
def run_task(
    ctx: click.Context, session: Session, name: str, mailboxes: tuple[str, ...], first: int | None, wait: bool
) -> None:
    """Start a task now."""
    row = session.task(name)
    before = queries.executions_count(row.id)
    command = commands.run_now(row.id, mailboxes=mailboxes, first=first)
    _told(session, row, "start")
    if wait:
        ctx.exit(_result(row, command, before))


@task.command("stop")
@click.argument("name")
@pass_session
def stop_task(session: Session, name: str) -> None:
    """End the running execution at the next item; what is committed stays."""
    _tell(session, name, commands.stop, "stop")


@task.command("pause")
@click.argument("name")
@pass_session
def pause_task(session: Session, name: str) -> None:
    """Let a task stand still until it is resumed; its schedule does not start it either."""
    _tell(session, name, commands.pause, "pause")


@task.command("resume")
@click.argument("name")
@pass_session
def resume_task(session: Session, name: str) -> None:
    """Go on with a paused task."""
    _tell(session, name, commands.resume, "go on")


@task.command("resync")
@click.argument("name")
@pass_session
def resync_task(session: Session, name: str) -> None:
    """Read everything again at the next execution and reconcile; history stays, nothing is stored twice."""
    _tell(session, name, commands.resync, "read everything again at its next execution")


@task.command("confirm-group")
@click.argument("name")
@click.option("--run", is_flag=True, help="Run the task now.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def confirm(session: Session, name: str, run: bool, yes: bool) -> None:
    """Say that a group is right though it has shrunk or is empty, so that the task goes on.

    Only the answer that is shown is confirmed: when the group has changed again by the next execution, it stops again.
    """
    row = session.task(name)
    doubted = queries.doubted_group(row.id)
    if doubted is None:
        raise Problem(Reason.INVALID, f"The group of {row.description!r} needs no confirmation.", "Nothing to do.")
    found = doubted.group
    fields(
        [
            ("Group", found.name or row.group),
            ("Answer of", absolute(found.resolved)),
            ("Mailboxes", number(found.mailboxes)),
            *change_fields(found),
        ]
    )
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("This asks for confirmation; without a terminal say --yes.")
        click.confirm(f"Is that right for the task {row.description!r}?", default=False, abort=True)
    confirm_group(row.id, doubted.answer_id)
    click.echo(f"Confirmed {count(found.mailboxes, 'mailbox', 'mailboxes')} for {row.description!r}.")
    if run:
        _tell(session, name, commands.run_now, "start")


@task.command("remove")
@click.argument("name")
@click.option("--keep-history", is_flag=True, help="Leave the Full view of its mailboxes as it is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, name: str, keep_history: bool, yes: bool) -> None:
    """Remove a task. Without --keep-history the Full view of all its mailboxes is reset."""
    row = session.task(name)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Removing asks for confirmation; without a terminal say --yes.")
        if not keep_history:
            click.echo(
                "The Full view of all mailboxes of this task is reset: it hides the folder history so far. No content\n"
                "is deleted. --keep-history leaves the Full view as it is."
            )
        click.confirm(f"Remove the task {row.description!r}?", default=False, abort=True)
    commands.remove_task(row.id, keep_history=keep_history)
    _told(session, row, "go")


def _group_fields(information: TaskInformation) -> list[tuple[str, object]]:
    if information.group is None:
        return []
    lines = [("Resolved to" if name == "Group" else name, value) for name, value in group_fields(information.group)]
    if information.doubted is not None:
        lines.append(("To confirm", f"mse-tui task confirm-group {information.task.description!r}"))
    return lines


def _tell(session: Session, name: str, verb: Callable[[int], int], what: str) -> None:
    row = session.task(name)
    verb(row.id)
    _told(session, row, what)


def _told(session: Session, row: TaskRow, what: str) -> None:
    click.echo(f"Told {row.description!r} to {what}.")
    if not queries.engine_holder(session.site().code):
        click.echo("No engine runs for this site: it is carried out when mse-tui or mse-tui engine starts.", err=True)


def _result(row: TaskRow, command: int, before: int) -> int:
    """Wait until the execution that the command started has ended; the exit code of its light."""
    deadline = monotonic() + _TAKEN_WITHIN
    while True:
        state = commands.command_state(command)
        newest = next(iter(queries.executions_of(row.id, 0, 1)), None)
        started = queries.executions_count(row.id) > before
        if started and newest is not None and newest.finished is not None:
            click.echo(f"{light(newest.light)}: {printable(newest.message)}")
            return newest.light.exit_code
        if state is None or (state.finished is not None and not started and monotonic() > deadline):
            raise Problem(Reason.INVALID, f"It was not started: {state.outcome if state else 'the task is gone'}.")
        if state.taken is None and monotonic() > deadline:
            raise Problem(
                Reason.NOT_FOUND,
                f"No engine took the command within {_TAKEN_WITHIN:.0f} seconds.",
                "Start one with mse-tui engine; the command stays and is carried out then.",
            )
        Event().wait(0.5)


def _state(row: TaskRow) -> str:
    if row.interrupted:
        return f"{row.status} (interrupted)"
    return f"{row.status} (paused)" if row.paused else str(row.status)
