"""Looking at a group before a task takes it, within seconds; what is wrong about it is a warning, or a refusal."""

import shlex
from collections.abc import Iterable
from time import monotonic

import click

from mse_tui.actions.group_preview import Doubt, Preview
from mse_tui.cli.questions import ask
from mse_tui.cli.session import Session
from mse_tui.reasons import Problem, Reason
from mse_tui.text import printable

ANSWERED_WITHIN = 5.0
"""Longer nobody waits for one group."""
ALL_ANSWERED_WITHIN = 20.0
"""Nor for all of them together."""

STRICT = click.option(
    "--strict", is_flag=True, help="Change nothing if a group can't be resolved, is empty or has members that fail."
)


def look_at_groups(session: Session, groups: Iterable[str], *, strict: bool) -> dict[str, Preview]:
    """What is behind each group now. With `strict` raises the first doubt that is not expected as its Problem."""
    until = monotonic() + ALL_ANSWERED_WITHIN
    found = {group: _look(session, group, min(ANSWERED_WITHIN, until - monotonic())) for group in groups}
    unexpected = (doubt for preview in found.values() for doubt in preview.doubts() if not doubt.expected)
    if strict and (first := next(unexpected, None)) is not None:
        raise first.as_problem()
    return found


def warn(doubts: Iterable[Doubt], task: str) -> None:
    """Say it on standard error, as faults are said."""
    for doubt in doubts:
        click.echo(f"mse-tui: warning: {printable(f'task {task!r}: {doubt.message}')}", err=True)
        click.echo(f"What to do: {printable(doubt.remedy)}", err=True)
        click.echo(f"Reason: {doubt.reason}", err=True)


def _look(session: Session, group: str, within: float) -> Preview:
    if within <= 0:
        return _unanswered(group, "the groups before it took all the time that there is.")
    try:
        return Preview(group, ask(session, "look_at_group", {"group": group}, within=within))
    except Problem as problem:
        if problem.reason is Reason.TIMEOUT:
            return _unanswered(group, f"there was no answer within {within:.0f} seconds.")
        return Preview(group, problem=problem)


def _unanswered(group: str, why: str) -> Preview:
    remedy = f"See who is in it: mse-tui group resolve {shlex.quote(group)}"
    return Preview(group, problem=Problem(Reason.TIMEOUT, why, remedy))
