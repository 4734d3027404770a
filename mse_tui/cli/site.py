"""mse-tui site: what this site is, and what a person says about it."""

from importlib.resources import files

import click

from mse_tui.actions import sites
from mse_tui.cli.changing import changes, changing
from mse_tui.cli.maintenance import maintenance
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.pruning import pruning_group
from mse_tui.cli.session import Session, pass_session
from mse_tui.store import queries
from mse_tui.widgets.site_wording import maintenance_now
from mse_tui.widgets.wording import absolute


@click.group()
def site() -> None:
    """Show, enable and disable the site; allow a refused account again."""


@site.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def list_sites(session: Session, as_json: bool) -> None:
    """The sites that this database knows: one where the engine runs here alone."""
    session.site()
    rows = queries.sites()
    if as_json:
        emit_json(rows)
        return
    headings = ("code", "site", "bound to", "enabled", "engine", "last active", "tasks")
    table(
        headings,
        [
            (row.code, row.description, row.binding.replace("_", " "), "yes" if row.enabled else "no",
             row.engine or "none runs", absolute(row.last_active), str(row.tasks))
            for row in rows
        ],
    )  # fmt: skip


@site.command("show")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def show_site(session: Session, as_json: bool) -> None:
    """What the site is, who runs its engine, and which accounts are halted."""
    row = session.site()
    halted = queries.halted_accounts()
    if as_json:
        emit_json({"site": row, "halted_accounts": halted})
        return
    fields(
        [
            ("Site", row.description),
            ("Code", row.code),
            ("Bound to", row.binding.replace("_", " ")),
            ("Enabled", "yes" if row.enabled else "no"),
            ("Maintenance", maintenance_now(row) or "not now"),
            *(("  each week", window) for window in row.maintenance_windows),
            ("Engine", row.engine or "none runs"),
            ("Last active", absolute(row.last_active)),
            ("Host", f"{row.host_name} ({row.host_os})"),
            ("Version", row.version),
            ("Tasks", row.tasks),
            ("Data directory", session.home.path),
            *(("Halted account", f"{one.account} since {absolute(one.since)}: {one.message}") for one in halted),
        ]
    )


site.add_command(maintenance)
site.add_command(pruning_group)


@site.command("example")
def example() -> None:
    """Print an example of the configuration file, every setting explained."""
    click.echo(files("mse_tui").joinpath("config.example.toml").read_text(encoding="utf-8"), nl=False)


@site.command("enable")
@changing
@pass_session
def enable(session: Session, what_if: bool, as_json: bool) -> None:
    """Let its tasks start."""
    row = session.site()
    with changes(what_if=what_if, as_json=as_json) as telling:
        sites.enable_site(row.id)
        telling.say("Enabled: tasks start by their schedules.")


@site.command("disable")
@changing
@pass_session
def disable(session: Session, what_if: bool, as_json: bool) -> None:
    """Let none of its tasks start; what runs, runs on to its end."""
    row = session.site()
    with changes(what_if=what_if, as_json=as_json) as telling:
        sites.disable_site(row.id)
        telling.say("Disabled: no task starts until mse-tui site enable.")


@site.command("retry")
@changing
@pass_session
def retry(session: Session, what_if: bool, as_json: bool) -> None:
    """Say that a refused account's password is right now, so that it is tried again."""
    session.site()
    with changes(what_if=what_if, as_json=as_json) as telling:
        accounts = sites.retry_accounts()
        telling.say(*(f"{account} is tried again at the next execution." for account in accounts), accounts=accounts)
        if not accounts:
            telling.say("No account is halted.")
