"""mse-tui export, plan and apply: what people define, as one text to review and keep."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mse_tui.actions.as_text import Change, Step, apply, export_text, plan
from mse_tui.actions.group_preview import Doubt, Preview
from mse_tui.cli.changing import YES, changing, model_of, sure
from mse_tui.cli.group_doubts import STRICT, look_at_groups, warn
from mse_tui.cli.output import as_json_text, emit_json, writing_to
from mse_tui.cli.session import Session, pass_session
from mse_tui.reasons import Problem, Reason
from mse_tui.text import printable
from mse_tui.widgets.settings_facts import settings_changes

_FILE = click.argument("file", type=click.File("rb"))
_PRUNE = click.option("--prune", is_flag=True, help="Remove what the text does not name.")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_NAMED = 10
_LONGEST = 64 << 20
"""Bytes of a text that is read."""
_SIGNS = {Change.CREATE: "+", Change.CHANGE: "~", Change.REMOVE: "-"}
_COLOURS = {Change.CREATE: "green", Change.CHANGE: "yellow", Change.REMOVE: "red"}


@click.command("export")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; else standard output.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON; `apply` takes TOML alone.")
@pass_session
def export_command(session: Session, output: Path | None, as_json: bool) -> None:
    """Definitions, schedules, tasks and weekly maintenance as TOML. `mse-tui apply` of it makes the same site again."""
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

    What FILE does not name is left alone without --prune. With it, tasks are removed keeping their history, and
    definitions and schedules that no task uses. Running executions keep what they began with. --what-if is what
    `mse-tui plan` does. The groups of new tasks are looked at; what is wrong about one is a warning.
    """
    if not what_if:
        session.begin()
    session.site()
    text = _text(file)
    steps = plan(text, prune=prune)
    found = _looked_at(session, steps, strict=strict)
    if not what_if:
        sure(_removing(steps), yes=yes or not any(step.change is Change.REMOVE for step in steps))
        steps = apply(text, prune=prune, resolved={group: preview.resolved for group, preview in found.items()})
    _show(steps, found, as_json, "Would apply:" if what_if else "Applied:")


def _removing(steps: list[Step]) -> str:
    named = [f"the {step.kind} {step.name!r}" for step in steps if step.change is Change.REMOVE]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"Remove {', '.join(named[:_NAMED])}{more}?"


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
        click.secho(printable(f"{_SIGNS[step.change]} {step.kind} {step.name}"), fg=_COLOURS[step.change])
        before, after = ({name: values[side] for name, values in step.settings.items()} for side in (0, 1))
        known = before if step.change is Change.CHANGE else {}
        for line in settings_changes(model_of(step.kind, step.name), known, after):
            click.echo(printable(f"    {line}"))
    for step in steps:
        warn(_doubts(step, found), step.name)


def _doubts(step: Step, found: Mapping[str, Preview]) -> list[Doubt]:
    return found[step.new_group].doubts() if step.new_group is not None else []
