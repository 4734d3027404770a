"""mse-tui task: create tasks and tell them what to do."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Event
from time import monotonic

import click

from mse_tui.actions import commands
from mse_tui.actions.contents import shown_progress
from mse_tui.actions.going_live import task_going_live
from mse_tui.actions.group_preview import Preview
from mse_tui.actions.groups import confirm_group
from mse_tui.actions.tasks import create_task, set_task
from mse_tui.actions.what_if import changes_within
from mse_tui.cli.changing import AS_JSON, YES, Telling, changes, changing, sure, sure_about
from mse_tui.cli.completion import of_definitions, of_schedules, of_tasks
from mse_tui.cli.group_doubts import STRICT, look_at_groups, warn
from mse_tui.cli.group_fields import change_fields, group_fields
from mse_tui.cli.naming import GROUP_NAMED, MAILBOX_NAMED, member_address
from mse_tui.cli.output import emit_json, fields, light, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.cli.status import next_of, progress_text, state_of
from mse_tui.reasons import Problem, Reason, explain, remedy
from mse_tui.store import queries
from mse_tui.store.queries import ExecutionRow, TaskInformation, TaskRow
from mse_tui.terms import EXIT_INTERRUPTED, TaskType
from mse_tui.text import printable
from mse_tui.widgets.progress_words import wait_words
from mse_tui.widgets.removal_wording import what_removing_does
from mse_tui.widgets.wording import LEFT_OUT, absolute, count, in_local_time, next_start, number, utc_now

_TYPE = click.Choice([kind.value for kind in TaskType], case_sensitive=False)
_FEW = 3
"""Mailboxes to try a new task on."""
_TAKEN_WITHIN = 10.0
_LINE_SECONDS = 5.0
"""How often, at most, who waits is told where the execution is."""


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
    cells = [
        (
            str(row.id),
            row.description,
            row.type,
            state_of(row),
            light(row.light),
            next_of(row, absolute(row.next_execution)),
            in_local_time(row.latest_detail),
        )
        for row in rows
    ]
    headings = ("id", "task", "type", "status", "light", "next execution", "latest detail")
    table(headings, cells, [row.light for row in rows])


@task.command("show")
@click.argument("name", shell_complete=of_tasks)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def show_task(session: Session, name: str, as_json: bool) -> None:
    """All about one task: options, state, last execution."""
    information = queries.task_information(session.task(name).id)
    if information is None:
        raise Problem(Reason.NOT_FOUND, f"The task {name!r} was removed just now.")
    if information.progress is not None:
        (progress,) = shown_progress([information.progress])
        information = replace(information, progress=progress)
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
            ("Status", state_of(row)),
            ("Result", light(row.result)),
            *((("Light", f"{light(row.light)}: {LEFT_OUT}"),) if row.light is not row.result else ()),
            ("Command", row.told or "-"),
            ("Latest detail", in_local_time(row.latest_detail) or "-"),
            *((("Progress", progress_text(information.progress)),) if information.progress is not None else ()),
            ("Sequence", number(row.sequence)),
            ("Next execution", next_of(row, next_start(row.next_execution, utc_now(), row.maintenance_until))),
            ("Last execution", information.last.message if information.last else "never executed"),
        ]
    )


@task.command("new")
@click.argument("description")
@click.option("--type", "task_type", type=_TYPE, help="Where definitions of several types have the name.")
@click.option(
    "--definition", required=True, help="A definition's name: its type is the task's.", shell_complete=of_definitions
)
@click.option("--schedule", required=True, help="Name of a schedule.", shell_complete=of_schedules)
@click.option("--group", required=True, help=f"{GROUP_NAMED}; or mailbox addresses separated by ; or ,")
@STRICT
@changing
@pass_session
def new_task(
    session: Session, description: str, task_type: str | None, definition: str, schedule: str, group: str, strict: bool,
    what_if: bool, as_json: bool,
) -> None:  # fmt: skip
    """Create a task; the engine starts it by its schedule.

    The group is looked at first, for some seconds: what is wrong about it is a warning, or with --strict a refusal.
    """
    site = session.site()
    named = definition if task_type is None or "/" in definition else f"{task_type}/{definition}"
    chosen = session.definition(named)
    found = look_at_groups(session, [group], strict=strict)[group]
    with changes(what_if=what_if, as_json=as_json) as telling:
        task_id = create_task(
            description,
            site_id=site.id,
            task_type=TaskType(task_type) if task_type else chosen.type,
            definition_id=chosen.id,
            schedule_id=session.schedule(schedule).id,
            group=group,
            resolved=found.resolved,
        )
        telling.say(
            f"Created task {description!r} (id {task_id}).",
            f"Tip: {_first_steps(found)} {description!r}",
            id=task_id,
            warnings=found.doubts(),
        )
    if not as_json:
        warn(found.doubts(), description)


def _first_steps(group: Preview) -> str:
    """How to begin with a task; of a group that has no more than a few mailboxes there is no part to try first."""
    if group.answer is not None and 0 < len(group.answer["included"]) <= _FEW:
        return "see first what it would do: mse-tui task run --what-if"
    return f"try it on a few mailboxes first: mse-tui task run --first {_FEW}"


@task.command("set")
@click.argument("name", shell_complete=of_tasks)
@click.option("--definition", help="Another definition of the task's type.", shell_complete=of_definitions)
@click.option("--schedule", help="Another schedule.", shell_complete=of_schedules)
@YES
@changing
@pass_session
def change_task(
    session: Session, name: str, definition: str | None, schedule: str | None, yes: bool, what_if: bool, as_json: bool
) -> None:
    """Give a task another definition or schedule; nothing else of it can be changed."""
    if definition is None and schedule is None:
        raise click.UsageError("Give --definition, --schedule or both.")
    row = session.task(name)
    wanted = f"{row.type}/{definition}" if definition and "/" not in definition else definition
    chosen = session.definition(wanted) if wanted else None
    change = partial(
        set_task,
        row.id,
        definition_id=chosen.id if chosen else None,
        schedule_id=session.schedule(schedule).id if schedule else None,
    )
    if chosen is not None and chosen.type is row.type and chosen.id != row.definition_id:
        live = task_going_live(row.description, row.type, chosen.name, chosen.settings)
        sure_about(change, lambda _: live.question if live else "", yes=yes or what_if or live is None)
    with changes(what_if=what_if, as_json=as_json) as telling:
        change()
        telling.say_if_changed(
            f"Changed task {row.description!r}; a running execution keeps what it began with.", id=row.id
        )


@task.command("run")
@click.argument("name", shell_complete=of_tasks)
@click.option(
    "--mailbox", "mailboxes", multiple=True, help=f"Only this mailbox ({MAILBOX_NAMED}); may be given several times."
)
@click.option("--first", type=click.IntRange(min=1), help="Only the group's first n mailboxes.")
@click.option("--wait", is_flag=True, help="Wait for the end; the exit code is the result's.")
@click.option(
    "--what-if", is_flag=True, help="Only look and report what the execution would do; change nothing, start nothing."
)
@AS_JSON
@pass_session
@click.pass_context
def run_task(
    ctx: click.Context, session: Session, name: str, mailboxes: tuple[str, ...], first: int | None, wait: bool,
    what_if: bool, as_json: bool,
) -> None:  # fmt: skip
    """Start a task now.

    With --what-if nothing is started: this command itself looks into the mailboxes and says what an execution would do
    to each. The exit code is the light's that such an execution would have.
    """
    row = session.task(name)
    chosen = [member_address(session, each, row.id) for each in mailboxes]
    if what_if:
        from mse_tui.cli.task_what_if import report_what_if

        ctx.exit(report_what_if(session, row, chosen, first, as_json=as_json))
    before = queries.executions_count(row.id)
    telling = Telling()
    with changes_within(what_if=False) as found:
        command = commands.run_now(row.id, mailboxes=chosen, first=first)
        telling.say(_told(row, "start"), command=command)
    _warn_without_engine(session)
    if not wait:
        telling.tell(found, what_if=False, as_json=as_json)
        return
    if not as_json:
        telling.tell(found, what_if=False, as_json=False)
    try:
        ended = _ended(row, command, before)
    except KeyboardInterrupt:
        click.echo(f"The task runs on; stop it with: mse-tui task stop {shlex.quote(row.description)}", err=True)
        ctx.exit(EXIT_INTERRUPTED)
    if as_json:
        telling.say(execution=ended)
        telling.tell(found, what_if=False, as_json=True)
    else:
        click.echo(f"{light(ended.light)}: {printable(ended.message)}")
        if ended.reason:
            click.echo(f"What to do: {printable(remedy(ended.reason))}\nReason: {ended.reason}")
    ctx.exit(ended.light.exit_code)


@task.command("stop")
@click.argument("name", shell_complete=of_tasks)
@changing
@pass_session
def stop_task(session: Session, name: str, what_if: bool, as_json: bool) -> None:
    """End the running execution at the next item; what is committed stays."""
    _tell(session, name, commands.stop, "stop", what_if=what_if, as_json=as_json)


@task.command("pause")
@click.argument("name", shell_complete=of_tasks)
@changing
@pass_session
def pause_task(session: Session, name: str, what_if: bool, as_json: bool) -> None:
    """Let a task stand still until it is resumed; its schedule does not start it either."""
    _tell(session, name, commands.pause, "pause", what_if=what_if, as_json=as_json)


@task.command("resume")
@click.argument("name", shell_complete=of_tasks)
@changing
@pass_session
def resume_task(session: Session, name: str, what_if: bool, as_json: bool) -> None:
    """Go on with a paused task."""
    _tell(session, name, commands.resume, "go on", what_if=what_if, as_json=as_json)


@task.command("resync")
@click.argument("name", shell_complete=of_tasks)
@changing
@pass_session
def resync_task(session: Session, name: str, what_if: bool, as_json: bool) -> None:
    """Read everything again at the next execution and reconcile; history stays, nothing is stored twice."""
    verb = "read everything again at its next execution"
    _tell(session, name, commands.resync, verb, what_if=what_if, as_json=as_json)


@task.command("confirm-group")
@click.argument("name", shell_complete=of_tasks)
@click.option("--run", is_flag=True, help="Run the task now.")
@YES
@changing
@pass_session
def confirm(session: Session, name: str, run: bool, yes: bool, what_if: bool, as_json: bool) -> None:
    """Say that a group is right though it has shrunk or is empty, so that the task goes on.

    Only the answer that is shown is confirmed: when the group has changed again by the next execution, it stops again.
    """
    row = session.task(name)
    doubted = queries.doubted_group(row.id)
    if doubted is None:
        raise Problem(Reason.INVALID, f"The group of {row.description!r} needs no confirmation.", "Nothing to do.")
    found = doubted.group
    if not as_json:
        fields(
            [
                ("Group", found.name or row.group),
                ("Answer of", absolute(found.resolved)),
                ("Mailboxes", number(found.mailboxes)),
                *change_fields(found),
            ]
        )
    sure(f"Is that right for the task {row.description!r}?", yes=yes or what_if)
    with changes(what_if=what_if, as_json=as_json) as telling:
        confirm_group(row.id, doubted.answer_id)
        mailboxes = count(found.mailboxes, "mailbox", "mailboxes")
        telling.say(f"Confirmed {mailboxes} for {row.description!r}.", group=found)
        if run:
            telling.say(_told(row, "start"), command=commands.run_now(row.id))
    if run and not what_if:
        _warn_without_engine(session)


@task.command("remove")
@click.argument("name", shell_complete=of_tasks)
@click.option("--keep-history", is_flag=True, help="Leave the Full view of its mailboxes as it is.")
@click.option("--keep-grants", is_flag=True, help="Leave what it granted from Exchange in force.")
@YES
@changing
@pass_session
def remove(
    session: Session, name: str, keep_history: bool, keep_grants: bool, yes: bool, what_if: bool, as_json: bool
) -> None:
    """Remove a task. Without --keep-history the Full view of all its mailboxes is reset.

    What a Mailbox Permissions Sync task granted and no other task follows is taken back, without --keep-grants.
    """
    row = session.task(name)
    left = commands.grants_left([row.id])
    does = what_removing_does({row.type}, left, ran=row.last_started is not None)
    about = f"{does}\nOptions: --keep-history, --keep-grants."
    sure(f"Remove the task {row.description!r}?", yes=yes or what_if, about=about)
    with changes(what_if=what_if, as_json=as_json) as telling:
        command = commands.remove_task(row.id, keep_history=keep_history, keep_grants=keep_grants)
        telling.say(f"Told the engine to remove {row.description!r}.", *_of_grants(left, keep_grants), command=command)
    if not what_if:
        _warn_without_engine(session)


def _of_grants(left: int, keep_grants: bool) -> list[str]:
    if not left:
        return []
    stay = "stay in force, and no task follows them" if keep_grants else "are taken back with it"
    return [f"{count(left, 'grant')} that it has from Exchange {stay}."]


def _group_fields(information: TaskInformation) -> list[tuple[str, object]]:
    if information.group is None:
        return []
    lines = [("Resolved to" if name == "Group" else name, value) for name, value in group_fields(information.group)]
    if information.doubted is not None:
        lines.append(("To confirm", f"mse-tui task confirm-group {information.task.description!r}"))
    return lines


def _tell(session: Session, name: str, verb: Callable[[int], int], what: str, *, what_if: bool, as_json: bool) -> None:
    row = session.task(name)
    with changes(what_if=what_if, as_json=as_json) as telling:
        telling.say(_told(row, what), command=verb(row.id))
    if not what_if:
        _warn_without_engine(session)


def _told(row: TaskRow, what: str) -> str:
    return f"Told {row.description!r} to {what}."


def _warn_without_engine(session: Session) -> None:
    if not queries.engine_holder(session.site().code):
        click.echo("No engine runs for this site: it is carried out when mse-tui or mse-tui engine starts.", err=True)


def _ended(row: TaskRow, command: int, before: int) -> ExecutionRow:
    """The execution that the command started, once it has ended."""
    deadline = monotonic() + _TAKEN_WITHIN
    next_line, told = monotonic() + _LINE_SECONDS, ""
    while True:
        state = commands.command_state(command)
        newest = next(iter(queries.executions_of(row.id, 0, 1)), None)
        started = queries.executions_count(row.id) > before
        if started and newest is not None and newest.finished is not None:
            return newest
        if state is None or (state.finished is not None and not started and monotonic() > deadline):
            if state is not None and state.outcome == explain(Reason.TASK_RUNNING).happened:
                raise Problem(Reason.TASK_RUNNING, f"The task {row.description!r} is running already.")
            raise Problem(Reason.INVALID, f"It was not started: {state.outcome if state else 'the task is gone'}.")
        if state.taken is None and monotonic() > deadline:
            raise Problem(
                Reason.ENGINE_MISSING,
                f"No engine took the command within {_TAKEN_WITHIN:.0f} seconds. It is kept.",
            )
        if monotonic() >= next_line and (line := _under_way(row.id)) not in ("", told):
            click.echo(printable(line), err=True)
            next_line, told = monotonic() + _LINE_SECONDS, line
        Event().wait(0.5)


def _under_way(task_id: int) -> str:
    """Where its execution is, and what it waits for; '' where that can't be told."""
    information = queries.task_information(task_id)
    if information is None or information.progress is None:
        return ""
    progress = information.progress
    where = information.task.latest_detail if progress.total else progress.phase.capitalize()
    return ": ".join(filter(None, (where, wait_words(progress, utc_now()))))
