"""mse-tui schedule: named timing."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from mse_tui.actions.checks import valid_settings
from mse_tui.actions.schedules import create_schedule, remove_schedule, set_schedule
from mse_tui.cli.changing import YES, changes, changing, sure
from mse_tui.cli.completion import of_schedules
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.engine.schedules import MINUTES_OF_A_DAY, ScheduleSettings, Weekday, describe, next_executions
from mse_tui.machine_zone import machine_zone_name
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.queries import ScheduleRow
from mse_tui.widgets.wording import absolute, clock, count

SHOWN = 5
_CLOCK = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")
_Command = TypeVar("_Command", bound=Callable[..., object])


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
@click.argument("name", shell_complete=of_schedules)
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
            ("Used by", count(row.tasks, "task")),
            ("Last modified", f"{absolute(row.modified)} by {row.modified_by}"),
        ]
    )
    for line in _next_lines(row):
        click.echo(line)


@schedule.group("new")
def new_schedule() -> None:
    """Create a schedule: one-off, daily or weekly."""


@schedule.group("set")
def change_schedule() -> None:
    """Change a schedule: mse-tui schedule set daily NAME [options]. What is not given stays."""


_ON_MISSED = "What to do about starts missed while no engine ran."
_MISSED = click.Choice(["run_once", "skip"])
_ZONED = "IANA time zone, such as Europe/Berlin"


def _new_options(command: _Command) -> _Command:
    """A name, a zone and what to do about missed starts, with their defaults."""
    for option in (
        click.option("--on-missed", type=_MISSED, default="run_once", show_default=True, help=_ON_MISSED),
        click.option("--zone", help=f"{_ZONED}; by default this machine's."),
        click.argument("name"),
    ):
        command = option(command)
    return command


def _set_options(command: _Command) -> _Command:
    """The same, where what is not given stays."""
    for option in (
        click.option("--on-missed", type=_MISSED, help=_ON_MISSED),
        click.option("--zone", help=f"{_ZONED}."),
        click.option("--rename", "new_name", help="Another name."),
        click.argument("name", shell_complete=of_schedules),
    ):
        command = option(command)
    return command


def _time_of_day(_: click.Context, option: click.Parameter, text: str | None) -> str | None:
    if text is None or _CLOCK.fullmatch(text):
        return text
    raise click.UsageError(f"{option.opts[0]}: {text} is not a time of day, such as 22:00.")


def _time_options(command: _Command) -> _Command:
    """When on a day: once or many times."""
    for option in (
        click.option("--every", type=click.IntRange(1, MINUTES_OF_A_DAY), help="Minutes from one to the next."),
        click.option("--to", "last", callback=_time_of_day, help="Local time after which none begins, HH:MM."),
        click.option("--from", "first", callback=_time_of_day, help="Local time of the first, HH:MM: many."),
        click.option("--at", callback=_time_of_day, help="Local time, HH:MM: once."),
    ):
        command = option(command)
    return command


_DATE = 'Local date and time: "YYYY-MM-DD HH:MM".'
_DAYS = "Days, such as Mon,Wed,Fri."


@new_schedule.command("one-off")
@_new_options
@click.option("--at", required=True, help=_DATE)
@changing
@pass_session
def one_off(session: Session, /, name: str, at: str, **options: Any) -> None:
    """Once, on a date."""
    _create(session, name, {"kind": "one_off", "at": _date(at)}, **options)


@new_schedule.command("daily")
@_new_options
@_time_options
@changing
@pass_session
def daily(session: Session, /, name: str, **options: Any) -> None:
    """Every day: --at once, or --from --to --every many times."""
    _create(session, name, {"kind": "daily", "times": _times(options, {})}, **options)


@new_schedule.command("weekly")
@_new_options
@click.option("--days", required=True, help=_DAYS)
@_time_options
@changing
@pass_session
def weekly(session: Session, /, name: str, days: str, **options: Any) -> None:
    """On chosen days: --at once, or --from --to --every many times."""
    _create(session, name, {"kind": "weekly", "days": _days(days), "times": _times(options, {})}, **options)


@change_schedule.command("one-off")
@_set_options
@click.option("--at", help=_DATE)
@changing
@pass_session
def set_one_off(session: Session, /, name: str, at: str | None, **options: Any) -> None:
    """Once, on a date."""
    _change(session, name, lambda old: {"kind": "one_off", "at": _date(at or old.get("at") or "")}, **options)


@change_schedule.command("daily")
@_set_options
@_time_options
@changing
@pass_session
def set_daily(session: Session, /, name: str, **options: Any) -> None:
    """Every day: --at once, or --from --to --every many times."""
    _change(session, name, lambda old: {"kind": "daily", "times": _times(options, old.get("times") or {})}, **options)


@change_schedule.command("weekly")
@_set_options
@click.option("--days", help=_DAYS)
@_time_options
@changing
@pass_session
def set_weekly(session: Session, /, name: str, days: str | None, **options: Any) -> None:
    """On chosen days: --at once, or --from --to --every many times."""

    def timing(old: dict[str, Any]) -> dict[str, Any]:
        chosen = old.get("days") if days is None else _days(days)
        if not chosen:
            raise click.UsageError("It was not weekly before: give --days.")
        return {"kind": "weekly", "days": chosen, "times": _times(options, old.get("times") or {})}

    _change(session, name, timing, **options)


@schedule.command("remove")
@click.argument("name", shell_complete=of_schedules)
@YES
@changing
@pass_session
def remove(session: Session, name: str, yes: bool, what_if: bool, as_json: bool) -> None:
    """Delete a schedule that no task uses."""
    row = session.schedule(name)
    sure(f"Remove the schedule {row.name!r}?", yes=yes or what_if or row.tasks > 0)
    with changes(what_if=what_if, as_json=as_json) as telling:
        remove_schedule(row.id)
        telling.say(f"Removed schedule {row.name!r}.")


def _create(
    session: Session, name: str, timing: dict[str, Any], *, zone: str | None, on_missed: str, what_if: bool,
    as_json: bool, **_: Any,
) -> None:  # fmt: skip
    if not what_if:
        session.begin()
    session.site()
    settings = valid_settings(
        ScheduleSettings, {"timing": timing, "zone": zone or machine_zone_name(), "on_missed": on_missed}
    )
    with changes(what_if=what_if, as_json=as_json) as telling:
        schedule_id = create_schedule(name, settings)
        row = session.schedule(str(schedule_id))
        telling.say(
            f"Created schedule {name!r} (id {schedule_id}): {describe(settings)}", *_next_lines(row),
            id=schedule_id, next_executions=_next(row),
        )  # fmt: skip


def _change(
    session: Session, name: str, timing: Callable[[dict[str, Any]], dict[str, Any]], *, zone: str | None,
    on_missed: str | None, new_name: str | None, what_if: bool, as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """`timing` makes the new one from the old one, as JSON has it."""
    row = session.schedule(name)
    old = _settings(row).model_dump(mode="json", by_alias=True)
    wanted = {
        "timing": timing(old["timing"]), "zone": zone or old["zone"], "on_missed": on_missed or old["on_missed"],
    }  # fmt: skip
    with changes(what_if=what_if, as_json=as_json) as telling:
        set_schedule(row.id, valid_settings(ScheduleSettings, wanted), name=new_name)
        changed = session.schedule(str(row.id))
        telling.say_if_changed(
            f"Changed schedule {row.name!r}: {describe(_settings(changed))}", *_next_lines(changed),
            id=row.id, next_executions=_next(changed),
        )  # fmt: skip


def _date(text: str) -> str:
    if not text:
        raise click.UsageError("It was not one-off before: give --at.")
    try:
        return datetime.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise click.UsageError(f"--at: {text} is not a date and time, such as 2027-01-31 22:00.") from None


def _days(text: str) -> list[str]:
    days = [day.strip().capitalize()[:3] for day in text.split(",") if day.strip()]
    for day in days:
        if day not in list(Weekday):
            raise click.UsageError(f"--days: {day} is not a day of the week, such as Mon.")
    return days


def _times(options: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Once or many times a day, taken out of the options; what they leave out is as it was before."""
    at, first, last, every = (options.pop(name) for name in ("at", "first", "last", "every"))
    many = {"from": first, "to": last, "every_minutes": every}
    given = {name: value for name, value in many.items() if value is not None}
    if at is not None and not given:
        return {"repeat": "once", "at": at}
    if at is None and not given and old:
        return old
    wanted = {**(old if old.get("repeat") == "many" else {}), **given, "repeat": "many"}
    if at is None and many.keys() <= wanted.keys():
        return wanted
    raise click.UsageError("Give either --at, or all of --from, --to and --every.")


def _settings(row: ScheduleRow) -> ScheduleSettings:
    return ScheduleSettings.model_validate(dict(row.settings))


def _next(row: ScheduleRow) -> list[Any]:
    return list(next_executions(_settings(row), now(), SHOWN))


def _in_zone(row: ScheduleRow) -> list[str]:
    zone, maintenance = ZoneInfo(_settings(row).zone), queries.site_maintenance()
    return [
        f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"
        + (f"; in maintenance until {clock(end, moment, zone)}" if end != moment else "")
        for moment in _next(row)
        for end in [maintenance.free_from(moment)]
    ]


def _next_lines(row: ScheduleRow) -> list[str]:
    moments = _in_zone(row)
    return ["Next executions:" if moments else "Next executions: none", *(f"  {moment}" for moment in moments)]


def _plain(row: ScheduleRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
