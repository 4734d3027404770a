"""mse-tui log --engine: the lines of the engine's log that are wanted, and those to come."""

import sys
from pathlib import Path
from threading import Event

import click

from mse_tui.cli.output import coloured
from mse_tui.cli.session import Session
from mse_tui.engine.log_lines import Level, LogFilter, LogLine
from mse_tui.engine.log_reading import LogReader
from mse_tui.engine.log_subjects import SUBJECTS
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import Light
from mse_tui.text import printable

LEVELS = tuple(level.word for level in Level)
_LOOK_SECONDS = 0.5
_LIGHTS = {Level.ERROR: Light.RED, Level.WARNING: Light.ORANGE}


def wanted_lines(
    session: Session, level: str | None, task: str | None, execution: int | None, mailbox: str | None, text: str | None
) -> LogFilter:
    """What the options ask for. A task may be gone that the log still tells of; one that is there may be a number."""
    from mse_tui.store import queries

    found = queries.task_named(task) if task else None
    if task and found is None and not queries.executions_of_removed(task, 1) and not _tells_of(session, task):
        raise Problem(
            Reason.NOT_FOUND,
            f"There is no task {task!r}, and the engine's log tells of none.",
            "mse-tui task list shows what there is.",
        )
    return LogFilter(
        Level[level.upper()] if level else Level.DEBUG,
        found.description if found is not None else task or "",
        execution or 0,
        mailbox or "",
        text or "",
    )


def _tells_of(session: Session, task: str) -> bool:
    reader = LogReader(session.home.logs, LogFilter(task=task))
    try:
        return bool(reader.look().count)
    finally:
        reader.close()


def show_engine_log(directory: Path, wanted: LogFilter, limit: int, follow: bool, as_json: bool) -> int:
    """Print the newest `limit` lines; with `follow` all that come, until a signal ends it. Gives the exit code."""
    reader = LogReader(directory, wanted)
    looked = reader.look()
    shown = max(0, looked.count - limit)
    if not looked.count and not follow:
        click.echo("The engine has logged nothing of the kind.", err=True)
    try:
        while True:
            for line in reader.lines(shown, looked.count - shown):
                _print(line, as_json)
            shown = looked.count
            if not follow:
                return 0
            sys.stdout.flush()
            Event().wait(_LOOK_SECONDS)
            looked = reader.look()
            shown = max(0, shown - looked.dropped)
    except KeyboardInterrupt:
        return 0
    finally:
        reader.close()


def as_text(line: LogLine) -> str:
    """A line for people; what came from outside is escaped, a traceback follows on lines of its own."""
    moment = f"{line.moment.astimezone():%Y-%m-%d %H:%M:%S}"
    about = [f"{name}={value}" for name in SUBJECTS if (value := getattr(line, name))]
    text = printable(f"{moment} {line.level.word:7} {line.message}" + (f" [{', '.join(about)}]" if about else ""))
    trace = "".join(f"\n    {one}" for one in printable(line.trace, keep_newlines=True).splitlines())
    return text + trace


def _print(line: LogLine, as_json: bool) -> None:
    if as_json:
        click.echo(line.to_json())
    else:
        click.echo(coloured(_LIGHTS.get(line.level, Light.NONE), as_text(line)))
