"""mse-tui site pruning: how long the records of what was done are kept."""

import click

from mse_tui.actions.pruning import Pruning, pruning, set_pruning, would_go
from mse_tui.cli.changing import YES, changes, changing, sure
from mse_tui.cli.output import emit_json, fields
from mse_tui.cli.session import Session, pass_session
from mse_tui.widgets.site_wording import kept_said, would_go_said


@click.group("pruning")
def pruning_group() -> None:
    """How long executions with their logs, and audit entries, are kept.

    What was archived is not meant: that is retention's.
    """


@pruning_group.command("show")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def show(session: Session, as_json: bool) -> None:
    """For how long, and what there is."""
    session.site()
    found = pruning(session.home.config)
    if as_json:
        emit_json(found)
    else:
        _tell(found)


@pruning_group.command("set")
@click.option("--executions-days", type=int, metavar="DAYS", help="Keep executions and their logs so long.")
@click.option("--audit-days", type=int, metavar="DAYS", help="Keep audit entries so long.")
@YES
@changing
@pass_session
def set_days(
    session: Session, executions_days: int | None, audit_days: int | None, yes: bool, what_if: bool, as_json: bool
) -> None:
    """Change it, in the configuration file; it holds from the engine's next pruning on."""
    if executions_days is None and audit_days is None:
        raise click.UsageError("Give --executions-days, --audit-days or both.")
    session.site()
    config = session.home.config
    going = would_go_said(*would_go(config, executions_days=executions_days, audit_days=audit_days))
    sure("Keep them no longer?", yes=yes or what_if or not going, about=going)
    with changes(what_if=what_if, as_json=as_json) as telling:
        set_pruning(config, executions_days=executions_days, audit_days=audit_days, write=not what_if)
        telling.say(*(f"{name}: {text}" for name, text in kept_said(pruning(config))))


def _tell(found: Pruning) -> None:
    fields(list(kept_said(found)))
