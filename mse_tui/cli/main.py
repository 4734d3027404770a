"""The command line: its groups, loaded only when used, and how faults are told."""

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.exceptions import NoSuchCommand

from mse_tui import __version__
from mse_tui.cli.session import COMPLETING, Session
from mse_tui.terms import EXIT_INTERRUPTED, EXIT_LOCKED, EXIT_USAGE
from mse_tui.text import printable

EXIT_PIPE = 141

_COMMANDS = {
    "access": ("mse_tui.cli.access:access", "Who may open which archive: list, grant, revoke, explain."),
    "apply": ("mse_tui.cli.as_text:apply_command", "Make definitions, schedules, tasks as a text says."),
    "archive": ("mse_tui.cli.archive:archive", "List, read, search, export and verify what was archived."),
    "audit": ("mse_tui.cli.log:audit", "Who did what, newest first."),
    "calendar": ("mse_tui.cli.calendar:calendar", "List, read and export replicated calendars."),
    "check": ("mse_tui.cli.monitoring:check", "One line for a monitoring system such as Nagios or Icinga."),
    "completion": ("mse_tui.cli.shell:completion", "What makes bash, zsh or fish complete commands and names."),
    "definition": ("mse_tui.cli.definition:definition", "Named, reusable settings of a task type."),
    "demo": ("mse_tui.cli.demo:demo", "Try everything on a practice organisation; needs no Exchange."),
    "doctor": ("mse_tui.cli.doctor:doctor", "Check configuration, server, account and disk; say what to do."),
    "engine": ("mse_tui.cli.engine:engine", "Run the site's tasks without a screen, as a service does."),
    "export": ("mse_tui.cli.as_text:export_command", "Definitions, schedules, tasks and weekly maintenance as a text."),
    "group": ("mse_tui.cli.group:group", "Look groups up, see who is in one, ask the directory again."),
    "hold": ("mse_tui.cli.retention:hold_group", "Litigation holds: place, lift and list them."),
    "log": ("mse_tui.cli.log:log", "Task summary logs, and what one execution did."),
    "plan": ("mse_tui.cli.as_text:plan_command", "Show what applying a text would change."),
    "purge": ("mse_tui.cli.retention:purge_group", "What the archive lets go: approvals, quarantine, records."),
    "planning": ("mse_tui.cli.planning:planning", "How long tasks take, whether they keep up, what more would cost."),
    "report": ("mse_tui.cli.monitoring:report", "One execution as an HTML page or a CSV table."),
    "retention": ("mse_tui.cli.retention:retention_group", "How long the archive keeps."),
    "sandbox": ("mse_tui.cli.sandbox:sandbox", "Serve, fill and change a practice organisation."),
    "schedule": ("mse_tui.cli.schedule:schedule", "Named, reusable timing."),
    "site": ("mse_tui.cli.site:site", "Show, enable and disable the site; allow a refused account again."),
    "status": ("mse_tui.cli.status:status", "What needs attention, what runs, what comes next."),
    "stub": ("mse_tui.cli.stub:stub", "What storage management took out of mailboxes; put it back."),
    "task": ("mse_tui.cli.task:task", "Create tasks and tell them what to do."),
    "web": ("mse_tui.cli.web:web", "Serve what the links in stubs lead to."),
}


class LazyGroup(click.Group):
    """Knows its commands' names and help, and imports one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:  # click knows what is close among commands that are loaded, and none is
            raise NoSuchCommand(error.command_name, possibilities=_COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.command(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mse-tui", message="%(prog)s %(version)s")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data directory; else MSE_TUI_HOME, else this user's own.",
)
@click.option("--read-only", is_flag=True, help="Open the site to look at only, whatever one's roles are.")
@click.option("--web", is_flag=True, help="Serve the screens to browsers on this machine, to look at only.")
@click.option("--web-port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Where, with --web.")
@click.option("--web-url", default="", help="With --web: the address under which a proxy serves them, https://HOST.")
@click.option("-v", "--verbose", is_flag=True, help="Log more to standard error.")
@click.pass_context
def mse_tui(
    ctx: click.Context, home: Path | None, read_only: bool, web: bool, web_port: int, web_url: str, verbose: bool
) -> None:
    """Runs Exchange tasks: on a schedule, over a group's mailboxes, into an archive of your own.

    Without a command it opens the screens, with the site's engine inside (or watching the engine that runs already).
    """
    _tell_warnings_readably()
    ctx.obj = Session(home, verbose, read_only)
    for name in ("web_port", "web_url"):
        if not web and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --web.")
    if web and ctx.invoked_subcommand is not None:
        raise click.UsageError("--web takes no command.")
    if web:
        from mse_tui.cli.browser import serve_screens

        ctx.exit(serve_screens(ctx.obj, web_port, web_url))
    if ctx.invoked_subcommand is None:
        from mse_tui.cli.screens import open_screens

        ctx.exit(open_screens(ctx.obj))


class _Told(logging.Formatter):
    """A warning of a command that keeps no log, as its faults are told."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        """The line."""
        return printable(f"mse-tui: {record.levelname.lower()}: {record.message}")


def _tell_warnings_readably() -> None:
    """Of a command that logs nowhere, Python writes warnings to standard error all the same."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Told())


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Every fault that is expected is told in plain words."""
    if COMPLETING in os.environ:
        importlib.import_module("mse_tui.cli.shell")
    output = sys.stdout
    try:
        _refuse_what_is_no_text(arguments)
        code: Any = mse_tui.main(args=list(arguments), prog_name="mse-tui", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _show(error)
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Aborted.", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    except SystemExit:
        if sys.stdout is not output:  # click puts another one in its place when its reader has gone
            return _pipe_closed()
        raise
    except Exception as error:  # noqa: BLE001 (the last place where a fault can be told to the person)
        return _failed(error)
    return code if isinstance(code, int) else 0


def _refuse_what_is_no_text(arguments: Sequence[str]) -> None:
    """Bytes that are no UTF-8 could neither be looked for nor kept."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = argument.encode("utf-8", "backslashreplace").decode()
            raise click.UsageError(f"{shown!r} is not UTF-8 text.") from None


def _show(error: click.ClickException) -> None:
    """As click does it, with what was typed made safe to show."""
    import io

    said = io.StringIO()
    error.show(said)
    click.echo(printable(said.getvalue(), keep_newlines=True), err=True, nl=False)


def _failed(error: Exception) -> int:
    from mse_tui.cli.output import full_disk
    from mse_tui.reasons import Problem, Reason
    from mse_tui.store.database import as_problem

    problem = error if isinstance(error, Problem) else full_disk(error, Path("the output")) or as_problem(error)
    if problem is None and isinstance(error, OSError) and error.filename is not None:
        happened = f"{error.filename} can't be read or written: {error.strerror}."
        problem = Problem(Reason.INVALID, happened, "Name another file or directory, or correct this one.")
    if problem is None:
        import traceback

        traceback.print_exception(error)
        problem = Problem(Reason.INTERNAL, f"{type(error).__name__}: {error}")
    tell(problem)
    return exit_code(problem)


def tell(problem: Any) -> None:
    """A Problem on standard error: what happened, what to do, the reason code."""
    click.echo(f"mse-tui: {printable(problem.happened)}", err=True)
    click.echo(f"What to do: {printable(problem.remedy)}", err=True)
    click.echo(f"Reason: {problem.reason}", err=True)


def exit_code(problem: Any) -> int:
    """64 for what was typed wrongly, 75 where another holds the lock or it runs already, 2 for all that is red."""
    from mse_tui.reasons import Reason

    typed = (
        Reason.INVALID, Reason.NOT_FOUND, Reason.IN_USE, Reason.ADDRESS_INVALID, Reason.GROUP_EMPTY,
        Reason.GROUP_NOT_FOUND, Reason.GROUP_AMBIGUOUS, Reason.GROUP_REFUSED,
    )  # fmt: skip
    if problem.reason in typed:
        return EXIT_USAGE
    if problem.reason in (Reason.ENGINE_RUNNING_ELSEWHERE, Reason.MAILBOX_LOCKED, Reason.TASK_RUNNING):
        return EXIT_LOCKED
    return 2


def _pipe_closed() -> int:
    """The reader of our output has gone, which is its right; keep the interpreter from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_PIPE
