"""mse-tui calendar: list, read and export replicated calendars."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TypeVar

import click

from mse_tui.actions import calendar_reading
from mse_tui.actions.calendar_reading import CalendarReading, ReadAppointment
from mse_tui.archive.calendar_agenda import AgendaEntry, Period
from mse_tui.archive.calendar_export import CalendarExport
from mse_tui.archive.calendar_views import AppointmentView
from mse_tui.archive.views import View
from mse_tui.cli.completion import of_mailboxes
from mse_tui.cli.naming import archived_mailbox, who_looks
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.machine_zone import machine_zone
from mse_tui.text import printable
from mse_tui.wall_clock import moment_of
from mse_tui.widgets.calendar_wording import (
    MonthDay,
    by_day,
    day_heading,
    entry_signs,
    entry_time,
    month_period,
    month_title,
    month_weeks,
)
from mse_tui.widgets.wording import absolute, count, number, size

_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_MAILBOX = click.argument("mailbox_name", metavar="MAILBOX", shell_complete=of_mailboxes)
_AS_OF = click.option(
    "--as-of",
    metavar="DATE",
    help="As they were at this date's end, or at this time (ISO 8601, local without a zone).",
)
_AS = click.option(
    "--as", "person", metavar="PERSON", help="Show what this person may see; else what an administrator sees.",
    shell_complete=of_mailboxes,
)  # fmt: skip
_OWNER = "owner"
_CELL = 18
_CELL_LINES = 4
_Command = TypeVar("_Command", bound=Callable[..., object])


def _look_options(command: _Command) -> _Command:
    for option in (
        _JSON,
        _AS_OF,
        click.option(
            "--zone",
            metavar="ZONE",
            help="Times in this zone (IANA name), or 'owner': the mailbox's; else this machine's.",
        ),
        _AS,
        click.option("--calendar", "names", metavar="NAME", multiple=True, help="Only this calendar (name or number)."),
    ):
        command = option(command)
    return command


@click.group()
def calendar() -> None:
    """List, read and export replicated calendars. Looks into them are audited."""


@calendar.command()
@click.argument("mailbox_name", metavar="[MAILBOX]", required=False, shell_complete=of_mailboxes)
@_AS_OF
@_AS
@_JSON
@pass_session
def ls(session: Session, mailbox_name: str | None, as_of: str | None, person: str | None, as_json: bool) -> None:
    """List the mailboxes that have calendars; with MAILBOX (address or number) its calendars."""
    session.site()
    if mailbox_name is None:
        _list_mailboxes(who_looks(session, person), as_json)
        return
    rows = _look(session, mailbox_name, person).calendars(_view(as_of))
    if as_json:
        emit_json([replace(row, remote_id="") for row in rows])
        return
    table(
        ("no.", "appointments", "last replicated", "gone since", "calendar"),
        [
            (
                str(row.id), number(row.appointments), absolute(row.replicated), absolute(row.closed),
                f"{row.name} (default)" if row.is_default else row.name,
            )
            for row in rows
        ],
    )  # fmt: skip


@calendar.command()
@_MAILBOX
@click.option("--from", "begins", metavar="DATE", help="The first day; today if not given.")
@click.option("--days", type=click.IntRange(1, 750), default=7, show_default=True, help="So many days.")
@_look_options
@pass_session
def agenda(
    session: Session, mailbox_name: str, begins: str | None, days: int, names: tuple[str, ...], person: str | None,
    zone: str | None, as_of: str | None, as_json: bool,
) -> None:  # fmt: skip
    """What takes place day by day, series expanded. MAILBOX is a name or a number of calendar ls."""
    reading, view = _look(session, mailbox_name, person), _view(as_of)
    where = _zone(zone, reading)
    period = Period(_day(begins) or datetime.now(where).date(), days, where)
    entries = reading.agenda(view, period, _chosen(reading, names, view))
    if as_json:
        emit_json(entries)
        return
    for day, of_day in by_day(entries, period):
        click.echo(click.style(day_heading(day), bold=True))
        for entry in of_day:
            click.echo("  " + _entry_line(entry, day))
    click.echo(f"{count(len(entries), 'entry', 'entries')}, times in {_zone_name(where)}. {_SIGNS}")


@calendar.command()
@_MAILBOX
@click.argument("month_name", metavar="[YYYY-MM]", required=False)
@_look_options
@pass_session
def month(
    session: Session, mailbox_name: str, month_name: str | None, names: tuple[str, ...], person: str | None,
    zone: str | None, as_of: str | None, as_json: bool,
) -> None:  # fmt: skip
    """One month as a grid, Monday to Sunday; this month if none is given."""
    reading, view = _look(session, mailbox_name, person), _view(as_of)
    where = _zone(zone, reading)
    first = _month(month_name) if month_name else datetime.now(where).date()
    period = month_period(first.year, first.month, where)
    entries = reading.agenda(view, period, _chosen(reading, names, view))
    if as_json:
        emit_json(entries)
        return
    click.echo(f"{month_title(first.year, first.month)}, times in {_zone_name(where)}")
    click.echo(" ".join(name.ljust(_CELL) for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")).rstrip())
    for week in month_weeks(entries, period, first.month):
        cells = [_cell(day) for day in week]
        for row in range(max(len(cell) for cell in cells)):
            click.echo(" ".join((cell[row] if row < len(cell) else "").ljust(_CELL) for cell in cells).rstrip())


@calendar.command()
@click.argument("appointment", type=int)
@click.option("--ics", is_flag=True, help="The iCalendar that the archive keeps, without attachments.")
@click.option("--original", is_flag=True, help="What the server gave.")
@_AS
@_JSON
@pass_session
def show(session: Session, appointment: int, ics: bool, original: bool, person: str | None, as_json: bool) -> None:
    """One appointment (its number in agenda --json, or in the list of versions) and its earlier versions."""
    packs, person = session.packs(), who_looks(session, person)
    reading = calendar_reading.look_into_calendars(calendar_reading.mailbox_of(appointment), packs, person)
    if original:
        sys.stdout.buffer.write(reading.original(appointment))
        return
    found = reading.appointment(appointment)
    if ics:
        sys.stdout.buffer.write(found.icalendar)
    elif as_json:
        emit_json(_as_json(found))
    else:
        _show(found)


@calendar.command()
@_MAILBOX
@click.argument("calendar_name", metavar="[CALENDAR]", required=False)
@click.option("--ics", type=click.Path(path_type=Path, dir_okay=False), help="CALENDAR into this new file.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), help="All calendars, a file each.")
@click.option("--no-attachments", is_flag=True, help="Without what is attached to appointments.")
@_AS
@_AS_OF
@_JSON
@pass_session
@click.pass_context
def export(
    ctx: click.Context, session: Session, mailbox_name: str, calendar_name: str | None, ics: Path | None,
    directory: Path | None, no_attachments: bool, person: str | None, as_of: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Write one calendar to an .ics file (the default one if CALENDAR is not given), or all into a directory."""
    if (ics is None) == (directory is None):
        raise click.UsageError("Give either --ics FILE or --directory DIRECTORY.")
    if directory is not None and calendar_name is not None:
        raise click.UsageError("--directory takes all calendars; give --ics FILE for one.")
    reading, view = _look(session, mailbox_name, person), _view(as_of)
    if directory is not None:
        written = reading.export_all(view, directory, attachments=not no_attachments)
    elif ics is not None:
        chosen = reading.calendar(calendar_name, view) if calendar_name else reading.default_calendar(view)
        written = [(ics, reading.export_calendar(chosen, view, ics, attachments=not no_attachments))]
    _tell_export(written, as_json)
    ctx.exit(2 if any(report.problems for _, report in written) else 0)


# --- what was asked for


def _look(session: Session, mailbox_name: str, person: str | None) -> CalendarReading:
    packs, person = session.packs(), who_looks(session, person)
    return calendar_reading.look_into_calendars(archived_mailbox(session, mailbox_name, person).id, packs, person)


def _view(as_of: str | None) -> View:
    return View.live() if as_of is None else View.as_of(moment_of(as_of))


def _day(text: str | None) -> date | None:
    return None if text is None else moment_of(text).date()


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 (a month has no zone)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no month such as 2026-03.") from error


def _zone(name: str | None, reading: CalendarReading) -> tzinfo:
    if name == _OWNER:
        name = reading.owners_zone or "UTC"
    if name is not None:
        return calendar_reading.zone_of(name)
    return machine_zone()


def _zone_name(zone: tzinfo) -> str:
    return str(getattr(zone, "key", "") or zone)


def _chosen(reading: CalendarReading, names: tuple[str, ...], view: View) -> list[int]:
    if names:
        return [reading.calendar(name, view).id for name in names]
    return [row.id for row in reading.calendars(view)]


# --- how it is told

_SIGNS = "x cancelled, p private, ~ of a series, ! changed occurrence, m meeting"


def _entry_line(entry: AgendaEntry, day: date) -> str:
    place = f" ({entry.trouble or entry.location})" if entry.trouble or entry.location else ""
    return printable(
        f"{entry_time(entry, day):<11}  {entry_signs(entry)}  {entry.subject}{place}  [{entry.version_id}]"
    )


def _cell(day: MonthDay) -> list[str]:
    lines = [f"{day.day.day:>2}" if day.in_month else f"({day.day.day})"]
    for entry in day.entries[:_CELL_LINES]:
        starts = "" if entry.is_all_day else f"{entry.starts:%H:%M} "
        lines.append(printable(f"{starts}{entry.subject}")[:_CELL])
    if len(day.entries) > _CELL_LINES:
        lines.append(f"+ {len(day.entries) - _CELL_LINES} more")
    return [*lines, ""]


def _list_mailboxes(person: str | None, as_json: bool) -> None:
    rows = calendar_reading.mailboxes_with_calendars(person)
    if as_json:
        emit_json(rows)
    elif not rows:
        click.echo("No calendars are replicated yet.")
    else:
        table(
            ("no.", "address", "name", "last replicated"),
            [(str(row.id), row.address, row.display_name, absolute(row.last_replicated)) for row in rows],
        )


def _show(found: ReadAppointment) -> None:
    fields(found.described(machine_zone()))
    if found.attachments:
        click.echo()
        table(
            ("attachment", "type", "size"),
            [(each.name, each.content_type, size(each.size)) for each in found.attachments],
        )
    click.echo()
    table(
        ("version", "since", "until", "starts", "subject"),
        [
            (str(row.version_id), absolute(row.opened), absolute(row.closed), _starts(row), row.subject)
            for row in found.versions
        ],
    )


def _starts(row: AppointmentView) -> str:
    return f"{row.starts:%Y-%m-%d} all day" if row.is_all_day else absolute(row.starts)


def _as_json(found: ReadAppointment) -> dict[str, object]:
    return {
        "appointment": found.row,
        "icalendar": found.icalendar.decode(),
        "attachments": [
            {"name": each.name, "content_type": each.content_type, "size": each.size, "sha256": each.sha256.hex()}
            for each in found.attachments
        ],
        "versions": found.versions,
    }


def _tell_export(written: list[tuple[Path, CalendarExport]], as_json: bool) -> None:
    if as_json:
        emit_json(
            [
                {
                    "file": str(path), "appointments": report.appointments, "attachments": report.attachments,
                    "bytes": report.bytes,
                    "problems": [{"subject": row.subject, "problem": str(problem)} for row, problem in report.problems],
                }
                for path, report in written
            ]
        )  # fmt: skip
        return
    for path, report in written:
        click.echo(printable(f"{path}: {count(report.appointments, 'appointment')}, {size(report.bytes)}"))
        for row, problem in report.problems:
            click.echo(printable(f"not written: {row.subject}: {problem}"), err=True)
