"""mse-tui status: what needs attention, what runs, what comes next; the exit code is the worst light."""

from dataclasses import replace

import click

from mse_tui.actions.contents import shown_progress
from mse_tui.cli.output import emit_json, light, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.reasons import remedy
from mse_tui.store import queries
from mse_tui.store.queries import Overview, ProgressRow, TaskRow, Trouble
from mse_tui.terms import Light
from mse_tui.text import printable
from mse_tui.widgets.progress_words import progress_words
from mse_tui.widgets.site_wording import engine_now, maintenance_now
from mse_tui.widgets.wording import LEFT_OUT, SERVICE_HINT, absolute, in_local_time, number, size, utc_now, when


@click.command()
@click.option("--plain", is_flag=True, help="Sentences, one a line, without tables: for screen readers and scripts.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
@click.pass_context
def status(ctx: click.Context, session: Session, plain: bool, as_json: bool) -> None:
    """What needs attention, what runs, what comes next.

    Exit code: 0 all green, 1 warnings, 2 errors, 3 nothing has run yet.
    """
    site = session.site()
    overview, tasks = queries.dashboard(), queries.tasks_of_type()
    overview = replace(overview, running=shown_progress(overview.running))
    verdict = worst(overview, tasks)
    if as_json:
        emit_json({"light": verdict, "site": site, "tasks": tasks, "overview": overview})
    elif plain:
        _sentences(overview, tasks, verdict)
    else:
        _tables(overview, tasks, verdict)
    ctx.exit(verdict.exit_code)


def worst(overview: Overview, tasks: list[TaskRow]) -> Light:
    """One light for the whole site: its troubles', and its tasks' that have run; NONE where none has yet."""
    lights = [*(trouble.light for trouble in overview.troubles), *(task.light for task in tasks)]
    lights = [light for light in lights if light is not Light.NONE]
    has_run = any(task.light is not Light.NONE for task in tasks)
    return Light.worst(lights if has_run else [Light.NONE, *lights])


def _sentences(overview: Overview, tasks: list[TaskRow], verdict: Light) -> None:
    click.echo(f"Overall: {_word(verdict)}.")
    for site in overview.sites:
        engine = f"engine: {found}" if (found := engine_now(site)) else "no engine runs"
        rests = f" In maintenance {maintenance_now(site)}: no task runs." if site.maintenance_until else ""
        click.echo(printable(f"Site {site.description}: {'enabled' if site.enabled else 'disabled'}, {engine}.{rests}"))
    for trouble in overview.troubles:
        reason = f" Reason: {trouble.reason}." if trouble.reason else ""
        said = f"{trouble.subject}: {in_local_time(trouble.message)}{reason}"
        if todo := _what_to_do(trouble):
            said += f" What to do: {todo.removesuffix('.')}."
        heading = "Note" if trouble.light is Light.NONE else f"Attention, {_word(trouble.light)}"
        click.echo(printable(f"{heading}: {said}"))
    for progress in overview.running:
        click.echo(printable(f"Running: {progress.task}: {progress_text(progress)}."))
    for task in tasks:
        click.echo(
            printable(f"Task {task.description}: {state_of(task)}, result {_result(task)}, {_following(task)}."
                      f" {in_local_time(task.latest_detail)}".rstrip())
        )  # fmt: skip
    if not tasks:
        click.echo("There are no tasks yet.")


def _tables(overview: Overview, tasks: list[TaskRow], verdict: Light) -> None:
    click.echo(f"{light(verdict)} overall")
    now = utc_now()
    for site in overview.sites:
        if site.maintenance_until:
            click.echo(printable(f"{site.description}: in maintenance {maintenance_now(site)}: no task runs."))
    for trouble in overview.troubles:
        reason = f" [{trouble.reason}]" if trouble.reason else ""
        said = f"{trouble.subject}: {in_local_time(trouble.message)}{reason}"
        click.echo(f"{'- note' if trouble.light is Light.NONE else light(trouble.light)}: {printable(said)}")
        if todo := _what_to_do(trouble):
            click.echo(printable(f"  What to do: {todo}"))
    if overview.running:
        click.echo("\nRunning now")
        table(("task", "progress"), [(one.task, progress_text(one)) for one in overview.running])
    click.echo("\nTasks")
    if not tasks:
        click.echo("None yet. Create one with: mse-tui task new, or try: mse-tui demo")
        return
    cells = [(one.description, one.type, state_of(one), light(one.light), next_of(one, when(one.next_execution, now)),
              in_local_time(one.latest_detail)) for one in tasks]  # fmt: skip
    headings = ("task", "type", "status", "light", "next execution", "latest detail")
    table(headings, cells, [one.light for one in tasks])


def _what_to_do(trouble: Trouble) -> str:
    """As the dashboard says it; a site in trouble for no reason has no engine. '' where nothing is known."""
    return remedy(trouble.reason) or (SERVICE_HINT if trouble.task_id is None else "")


def state_of(task: TaskRow) -> str:
    """Its status, and what keeps it from going on."""
    if task.interrupted:
        return f"{task.status} (interrupted)"
    return f"{task.status} (paused)" if task.paused and not task.runs_though_paused else str(task.status)


def next_of(task: TaskRow, planned: str) -> str:
    """When it starts next, as `planned` says it; a paused task does not."""
    return "none while paused" if task.paused else planned


def _following(task: TaskRow) -> str:
    if task.paused:
        return "no next execution while it is paused"
    held = f" (in maintenance until {absolute(task.maintenance_until)})" if task.maintenance_until else ""
    return f"next execution {absolute(task.next_execution)}{held}" if task.next_execution else "no next execution"


def progress_text(row: ProgressRow) -> str:
    """What a running task does now, in one line."""
    parts = [
        f"mailbox {row.position} of {row.total}" if row.total else row.phase or "starting",
        row.address,
        row.folder,
    ]
    if row.items:
        of = f" of {number(row.expected)}" if row.expected else ""
        parts.append(f"{number(row.items)}{of} items, {size(row.bytes)}")
    if row.items_per_second is not None:
        parts.append(f"{row.items_per_second:,.0f} items/s")
    parts += progress_words(row, utc_now())
    return ", ".join(part for part in parts if part)


def _result(task: TaskRow) -> str:
    more = f" ({task.light.word}: {LEFT_OUT})" if task.light is not task.result else ""
    return f"{_word(task.result)}{more}"


def _word(value: Light) -> str:
    return "never run" if value is Light.NONE else value.word
