"""mse-tui schedule: named timing."""

import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from mse_tui.actions.checks import valid_settings
from mse_tui.actions.schedules import create_schedule, remove_schedule
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.engine.schedules import ScheduleSettings, describe, next_executions
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.queries import ScheduleRow
from mse_tui.widgets.wording import absolute

SHOWN = 5


@click.group()
def schedule() -> None:
    """Named, reusable timing."""


@schedule.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def list_schedules(session: Session, as_json: bool) -> None:
    """All schedules and when each comes next."""
    session.site()
    rows = queries.schedules()
    if as_json:
        emit_json([{**_plain(row), "next_executions": _next(row)} for row in rows])
        return
    if not rows:
        click.echo("No schedules. Create one with: mse-tui schedule new daily NAME --at 22:00")
        return
    cells = [(str(row.id), row.name, describe(_settings(row)), str(row.tasks), next(iter(_in_zone(row)), "none"))
             for row in rows]  # fmt: skip
    table(("id", "name", "when", "tasks", "next"), cells)


@schedule.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def show_schedule(session: Session, name: str, as_json: bool) -> None:
    """One schedule and its next five executions, in its own zone."""
    row = session.schedule(name)
    if as_json:
        emit_json({**_plain(row), "next_executions": _next(row)})
        return
    fields(
        [
            ("Schedule", f"{row.name} (id {row.id})"),
            ("When", describe(_settings(row))),
            ("Missed starts", _settings(row).on_missed.replace("_", " ")),
            ("Used by", f"{row.tasks} task(s)"),
            ("Last modified", f"{absolute(row.modified)} by {row.modified_by}"),
        ]
    )
    _echo_next(row)


@schedule.group("new")
def new_schedule() -> None:
    """Create a schedule: one-off, daily or weekly."""


_ZONE = click.option("--zone", help="IANA time zone, such as Europe/Berlin; by default this machine's.")
_MISSED = click.option(
    "--on-missed",
    type=click.Choice(["run_once", "skip"]),
    default="run_once",
    show_default=True,
    help="What to do about starts missed while no engine ran.",
)
_AT = click.option("--at", help="Local time, HH:MM: once.")
_FROM = click.option("--from", "first", help="Local time of the first, HH:MM: many.")
_TO = click.option("--to", "last", help="Local time after which none begins, HH:MM.")
_EVERY = click.option("--every", type=int, help="Minutes from one to the next.")


@new_schedule.command("one-off")
@click.argument("name")
@click.option("--at", required=True, help='Local date and time: "YYYY-MM-DD HH:MM".')
@_ZONE
@_MISSED
@pass_session
def one_off(session: Session, name: str, at: str, zone: str | None, on_missed: str) -> None:
    """Once, on a date."""
    _create(session, name, {"kind": "one_off", "at": at.strip().replace(" ", "T")}, zone, on_missed)


@new_schedule.command("daily")
@click.argument("name")
@_AT
@_FROM
@_TO
@_EVERY
@_ZONE
@_MISSED
@pass_session
def daily(session: Session, /, name: str, zone: str | None, on_missed: str, **times: Any) -> None:
    """Every day: --at once, or --from --to --every many times."""
    _create(session, name, {"kind": "daily", "times": _times(**times)}, zone, on_missed)


@new_schedule.command("weekly")
@click.argument("name")
@click.option("--days", required=True, help="Days, such as Mon,Wed,Fri.")
@_AT
@_FROM
@_TO
@_EVERY
@_ZONE
@_MISSED
@pass_session
def weekly(session: Session, /, name: str, days: str, zone: str | None, on_missed: str, **times: Any) -> None:
    """On chosen days: --at once, or --from --to --every many times."""
    chosen = [day.strip().capitalize()[:3] for day in days.split(",") if day.strip()]
    _create(session, name, {"kind": "weekly", "days": chosen, "times": _times(**times)}, zone, on_missed)


@schedule.command("remove")
@click.argument("name")
@pass_session
def remove(session: Session, name: str) -> None:
    """Delete a schedule that no task uses."""
    row = session.schedule(name)
    remove_schedule(row.id)
    click.echo(f"Removed schedule {row.name!r}.")


def local_zone() -> str:
    """This machine's IANA zone; UTC where it does not say."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and _is_zone(named):
        return named
    parts = Path("/etc/localtime").resolve().parts
    if "zoneinfo" in parts:
        candidate = "/".join(parts[parts.index("zoneinfo") + 1 :])
        if _is_zone(candidate):
            return candidate
    return "UTC"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError):
        return False
    return True


def _create(session: Session, name: str, timing: dict[str, Any], zone: str | None, on_missed: str) -> None:
    session.site()
    settings = valid_settings(
        ScheduleSettings, {"timing": timing, "zone": zone or local_zone(), "on_missed": on_missed}
    )
    schedule_id = create_schedule(name, settings)
    click.echo(f"Created schedule {name!r} (id {schedule_id}): {describe(settings)}")
    _echo_next(session.schedule(str(schedule_id)))


def _times(at: str | None, first: str | None, last: str | None, every: int | None) -> dict[str, Any]:
    many = (first, last, every)
    if at is not None and many == (None, None, None):
        return {"repeat": "once", "at": at}
    if at is None and None not in many:
        return {"repeat": "many", "from": first, "to": last, "every_minutes": every}
    raise click.UsageError("Give either --at, or all of --from, --to and --every.")


def _settings(row: ScheduleRow) -> ScheduleSettings:
    return ScheduleSettings.model_validate(dict(row.settings))


def _next(row: ScheduleRow) -> list[Any]:
    return list(next_executions(_settings(row), now(), SHOWN))


def _in_zone(row: ScheduleRow) -> list[str]:
    zone = ZoneInfo(_settings(row).zone)
    return [f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z}" for moment in _next(row)]


def _echo_next(row: ScheduleRow) -> None:
    moments = _in_zone(row)
    click.echo("Next executions:" if moments else "Next executions: none")
    for moment in moments:
        click.echo(f"  {moment}")


def _plain(row: ScheduleRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
