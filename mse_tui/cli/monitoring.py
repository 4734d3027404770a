"""mse-tui check and report: one line for a monitoring system, one execution to hand on."""

import sys
from pathlib import Path

import click
from peewee import DatabaseError

from mse_tui.cli.changing import AS_JSON
from mse_tui.cli.completion import of_tasks
from mse_tui.cli.output import emit_json, writing_to
from mse_tui.cli.session import Session, pass_session
from mse_tui.cli.status import worst
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import faults_explained
from mse_tui.store.queries import Overview, TaskRow, Trouble
from mse_tui.terms import Light, Status
from mse_tui.text import printable
from mse_tui.widgets.site_wording import maintenance_now
from mse_tui.widgets.wording import count

_WORDS = {Light.GREEN: "OK", Light.ORANGE: "WARNING", Light.RED: "CRITICAL", Light.NONE: "UNKNOWN"}


@click.command()
@click.argument("task", required=False, shell_complete=of_tasks)
@AS_JSON
@pass_session
@click.pass_context
def check(ctx: click.Context, session: Session, task: str | None, as_json: bool) -> None:
    """One line for a monitoring system such as Nagios or Icinga: the whole site's, or one task's.

    Exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (nothing has run yet, or the site can't be opened). Beside tasks
    that have run, one that is not due yet is no problem; one that is overdue is. A site whose engine does not run is
    critical, since nothing of it does.
    """
    try:
        with faults_explained():
            session.site()
            line, light = _task(session, task) if task else _site()
    except Problem as problem:
        line, light = f"{problem.happened} [{problem.reason}]", Light.NONE
    except (DatabaseError, OSError) as error:
        line, light = _one_line(f"The site can't be read: {error}"), Light.NONE
    told = f"MSE-TUI {_WORDS[light]} - {printable(line)}"
    if as_json:
        emit_json({"light": light, "status": _WORDS[light], "line": told})
    else:
        click.echo(told)
    ctx.exit(light.exit_code)


def _site() -> tuple[str, Light]:
    overview, tasks = queries.dashboard(), queries.tasks_of_type()
    rests = any(one.tasks and one.enabled and not one.engine for one in overview.sites)
    light = Light.worst([worst(overview, tasks), *([Light.RED] if rests else [])])
    numbers = {one: sum(task.light is one for task in tasks) for one in Light}
    running = sum(task.status is Status.RUNNING for task in tasks)
    resting = [f"in maintenance {until}" for one in overview.sites if (until := maintenance_now(one))]
    concerns = _concerns(overview, tasks, light)
    said = "; ".join([*(concerns or [f"{count(len(tasks), 'task')}, {running} running"]), *resting])
    data = f"green={numbers[Light.GREEN]} orange={numbers[Light.ORANGE]} red={numbers[Light.RED]}"
    troubles = sum(one.light is not Light.NONE for one in overview.troubles)
    return f"{_one_line(said)} | tasks={len(tasks)} running={running} {data} troubles={troubles}", light


def _concerns(overview: Overview, tasks: list[TaskRow], light: Light) -> list[str]:
    """What needs attention; and where nothing of it is as bad as the light, the tasks that are: they were stopped."""
    said = [f"{one.subject}: {_told(one)}" for one in overview.troubles]
    if light in (Light.ORANGE, Light.RED) and all(one.light is not light for one in overview.troubles):
        said += [f"{one.description}: {one.latest_detail}" for one in tasks if one.light is light]
    return said


def _task(session: Session, text: str) -> tuple[str, Light]:
    row = session.task(text)
    concerns = [one for one in queries.troubles() if one.task_id == row.id]
    light = Light.worst([row.light, *(one.light for one in concerns if one.light is not Light.NONE)])
    said = "; ".join(_told(one) for one in concerns) or row.latest_detail or "never run"
    last = queries.last_ended(row.id)
    data = f"duration={last.duration.total_seconds():.0f}s" if last and last.duration else "duration=U"
    return f"{_one_line(f'{row.description}: {said}')} | {data} sequence={row.sequence}c", light


def _told(one: Trouble) -> str:
    return f"{one.message} [{one.reason}]" if one.reason else one.message


def _one_line(text: str) -> str:
    """A bar would begin the figures."""
    return text.replace("|", "/").replace("\n", " ")


@click.command()
@click.argument("execution", type=int)
@click.option("--csv", "as_csv", is_flag=True, help="A table, a row a mailbox; otherwise a page of HTML.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; otherwise standard output.")
@pass_session
def report(session: Session, execution: int, as_csv: bool, output: Path | None) -> None:
    """One execution's result as an HTML page or a CSV table, to hand on. `mse-tui log` has its number, and JSON."""
    from mse_tui.monitoring.report import write_csv, write_html

    session.site()
    detail = queries.execution_detail(execution)
    if detail is None:
        raise Problem(Reason.NOT_FOUND, f"There is no execution {execution}.", "mse-tui log shows what there is.")
    write = write_csv if as_csv else write_html
    if output is None:
        write(detail, sys.stdout)
        return
    with writing_to(output), output.open("w", encoding="utf-8", newline="" if as_csv else None) as target:
        write(detail, target)
    click.echo(printable(f"Written to {output}."))
