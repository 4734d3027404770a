"""mse-tui site maintenance: times in which none of the site's tasks runs."""

from collections.abc import Iterator

import click

from mse_tui.actions.maintenance import (
    begin_maintenance,
    end_maintenance,
    set_maintenance_windows,
    time_to_come,
)
from mse_tui.cli.changing import changes, changing
from mse_tui.cli.output import emit_json
from mse_tui.cli.session import Session, pass_session
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.queries import SiteRow
from mse_tui.widgets.site_wording import maintenance_now


@click.group()
def maintenance() -> None:
    """Times in which none of the site's tasks runs.

    What is due meanwhile starts at the end, once, or not at all: as the schedule says about missed starts. What runs is
    paused at its next item and goes on at the end.
    """


@maintenance.command("show")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def show(session: Session, as_json: bool) -> None:
    """Whether the site is in maintenance, and when it will be."""
    row = session.site()
    if as_json:
        emit_json({"until": row.maintenance_until, "by": row.maintenance_by, "windows": row.maintenance_windows})
        return
    for line in _said(row):
        click.echo(line)


@maintenance.command("windows")
@click.argument("windows", nargs=-1)
@click.option("--none", "none_at_all", is_flag=True, help="No time of the week.")
@changing
@pass_session
def set_windows(session: Session, windows: tuple[str, ...], none_at_all: bool, what_if: bool, as_json: bool) -> None:
    """Set the times of each week, such as 'Sun 02:00-06:00' 'Mon-Fri 22:00-23:30 Europe/Berlin'.

    They replace those before. A time zone that is not written is this machine's.
    """
    if bool(windows) == none_at_all:
        raise click.UsageError("Give windows, or --none.")
    site_id = session.site().id
    with changes(what_if=what_if, as_json=as_json) as telling:
        set_maintenance_windows(site_id, windows)
        telling.say(*_said(queries.sites()[0]))


@maintenance.command("begin")
@click.option("--until", required=True, metavar="TIME", help="HH:MM or 'YYYY-MM-DD HH:MM', by this machine's clock.")
@changing
@pass_session
def begin(session: Session, until: str, what_if: bool, as_json: bool) -> None:
    """From now until then none of its tasks runs."""
    site_id = session.site().id
    with changes(what_if=what_if, as_json=as_json) as telling:
        begin_maintenance(site_id, time_to_come(until, now()))
        telling.say(*_said(queries.sites()[0]))


@maintenance.command("end")
@changing
@pass_session
def end(session: Session, what_if: bool, as_json: bool) -> None:
    """End it now, also in one of the week's windows; tasks start again."""
    site_id = session.site().id
    with changes(what_if=what_if, as_json=as_json) as telling:
        end_maintenance(site_id)
        telling.say("Ended: tasks start by their schedules.")


def _said(row: SiteRow) -> Iterator[str]:
    yield f"In maintenance {maintenance_now(row)}." if row.maintenance_until else "Not in maintenance now."
    for window in row.maintenance_windows:
        yield f"Each week: {window}"
