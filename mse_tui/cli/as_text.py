"""mse-tui export, plan and apply: what people define, as one text to review and keep."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import click

from mse_tui.actions.as_text import apply, export_text, plan
from mse_tui.actions.group_preview import Doubt, Preview
from mse_tui.actions.steps import Change, Step
from mse_tui.cli.changing import YES, changing, model_of, sure
from mse_tui.cli.group_doubts import STRICT, look_at_groups, warn
from mse_tui.cli.output import as_json_text, emit_json, writing_to
from mse_tui.cli.session import Session, pass_session
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.text import printable
from mse_tui.widgets.settings_facts import settings_changes

_FILE = click.argument("file", type=click.File("rb"))
_PRUNE = click.option("--prune", is_flag=True, help="Remove what the text does not name.")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_NAMED = 10
_LONGEST = 64 << 20
"""Bytes of a text that is read."""
_SIGNS = {Change.CREATE: "+", Change.CHANGE: "~", Change.REMOVE: "-", Change.TELL_TO_GO: "-", Change.LATER: "..."}
_COLOURS = {Change.CREATE: "green", Change.CHANGE: "yellow", Change.LATER: "cyan"}
_GONE_WITHIN = 60.0
"""Seconds in which tasks that were told to go are waited for, so that what only they used goes as well."""


@click.command("export")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; else standard output.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON; `apply` takes TOML alone.")
@pass_session
def export_command(session: Session, output: Path | None, as_json: bool) -> None:
    """What people define of a site as TOML. `mse-tui apply` of it makes the same site again.

    Definitions, schedules, tasks and which of them are paused, weekly maintenance, whether the site is enabled, and how
    long the archive and its mailboxes keep. Not in it: the configuration and its secrets, and records about persons
    (holds, grants, approvals).
    """
    session.site()
    text = as_json_text(tomllib.loads(export_text())) if as_json else export_text()
    if output is None:
        click.echo(text, nl=False)
        return
    with writing_to(output):
        output.write_text(text, encoding="utf-8")
    click.echo(printable(f"Written to {output}."))


@click.command("plan")
@_FILE
@_PRUNE
@click.option("--check", is_flag=True, help="Exit with 1 if anything would change.")
@STRICT
@_JSON
@pass_session
@click.pass_context
def plan_command(
    ctx: click.Context, session: Session, file: Any, prune: bool, check: bool, strict: bool, as_json: bool
) -> None:
    """Show what applying FILE (- for standard input) would change. Changes nothing.

    The groups of new tasks are looked at; what is wrong about one is a warning.
    """
    session.site()
    steps = plan(_text(file), prune=prune)
    _show(steps, _looked_at(session, steps, strict=strict), as_json, "Would apply:")
    ctx.exit(1 if check and steps else 0)


@click.command("apply")
@_FILE
@_PRUNE
@STRICT
@YES
@changing
@pass_session
def apply_command(
    session: Session, file: Any, prune: bool, strict: bool, yes: bool, what_if: bool, as_json: bool
) -> None:
    """Make the site as FILE (- for standard input) says: all of it, or nothing if any of it is refused.

    What FILE does not name is left alone without --prune. With it, tasks are told to go, keeping their history, and
    definitions and schedules are removed, those that only such tasks use as soon as an engine has removed the tasks;
    maintenance, the site and retention are left alone all the same. What takes something away is asked about. Running
    executions keep what they began with. --what-if is what `mse-tui plan` does. The groups of new tasks are looked at;
    what is wrong about one is a warning.
    """
    if not what_if:
        session.begin()
    session.site()
    text = _text(file)
    steps = plan(text, prune=prune)
    found = _looked_at(session, steps, strict=strict)
    if not what_if:
        question = _question(steps)
        sure(question, yes=yes or not question)
        steps = apply(text, prune=prune, resolved={group: preview.resolved for group, preview in found.items()})
        if prune:
            steps = [*(step for step in steps if step.change is not Change.LATER), *_rest(session, text, steps)]
    _show(steps, found, as_json, "Would apply:" if what_if else "Applied:")


def _question(steps: list[Step]) -> str:
    """What of it takes something away; '' where nothing does."""
    asked = [step.question for step in steps if step.question]
    more = f"; and {len(asked) - _NAMED} more" if len(asked) > _NAMED else ""
    said = "; ".join(asked[:_NAMED]) + more
    return f"{said[:1].upper()}{said[1:]}?" if said else ""


def _rest(session: Session, text: str, steps: list[Step]) -> list[Step]:
    """What waited for tasks to go, done once an engine has removed them; as it stands where it still waits.

    Nothing else is done: what others have changed meanwhile was not asked about.
    """
    waiting = [step for step in steps if step.change is Change.LATER]
    asked = {step.question for step in waiting} - {""}
    going = {step.name for step in steps if step.change is Change.TELL_TO_GO}
    if not going or not asked or not queries.engine_holder(session.site().code):
        return waiting
    deadline = monotonic() + _GONE_WITHIN
    while going & {row.description for row in queries.tasks_of_type()} and monotonic() < deadline:
        Event().wait(0.2)
    left = {step.question for step in plan(text, prune=True)} - {""}
    return apply(text, prune=True) if left <= asked else waiting


def _looked_at(session: Session, steps: list[Step], *, strict: bool) -> dict[str, Preview]:
    groups = dict.fromkeys(step.new_group for step in steps if step.new_group is not None)
    return look_at_groups(session, groups, strict=strict)


def _text(file: Any) -> str:
    try:
        content: bytes = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise Problem(Reason.INVALID, "The text is too long to be one of a site.", "Name a TOML file.")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(Reason.INVALID, f"The text could not be read: {error}.", "Name a TOML file.") from error


def _show(steps: list[Step], found: Mapping[str, Preview], as_json: bool, heading: str) -> None:
    if as_json:
        emit_json([{**asdict(step), "warnings": _doubts(step, found)} for step in steps])
        return
    click.echo(heading if steps else "Nothing to change.")
    for step in steps:
        why = f": {_said(step)}" if _said(step) else ""
        sign, colour = _SIGNS[step.change], _COLOURS.get(step.change, "red")
        click.secho(printable(f"{sign} {step.kind} {step.name}{why}"), fg=colour)
        before, after = ({name: values[side] for name, values in step.settings.items()} for side in (0, 1))
        known = before if step.change is Change.CHANGE else {}
        for line in settings_changes(model_of(step.kind, step.name), known, after):
            click.echo(printable(f"    {line}"))
    for step in steps:
        warn(_doubts(step, found), step.name)
    if any(step.change is Change.LATER for step in steps):
        click.echo("What is marked ... is done when this text is applied again.", err=True)


def _said(step: Step) -> str:
    return f"told to go; {step.why}" if step.change is Change.TELL_TO_GO else step.why


def _doubts(step: Step, found: Mapping[str, Preview]) -> list[Doubt]:
    return found[step.new_group].doubts() if step.new_group is not None else []
