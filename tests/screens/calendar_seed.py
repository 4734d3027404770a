"""A believable calendar for the seeded site, with an earlier version of one appointment."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mse_tui.archive.calendar_ledger import CalendarLedger
from mse_tui.archive.calendar_passes import enter_calendars, finish_calendar_pass
from mse_tui.archive.calendar_reading import CalendarEntry, CalendarPart
from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs
from mse_tui.archive.passes import begin_pass
from mse_tui.archive.statements import execute
from mse_tui.exchange.calendars import (
    Appointment,
    Attachment,
    AttachmentContent,
    Attendee,
    CalendarRow,
    Event,
    Frequency,
    Recurrence,
    Response,
    Role,
)
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.home import Home
from mse_tui.store.models import Task, to_micros
from tests.screens.seed import HOSTILE, NOW, addresses

BERLIN = ZoneInfo("Europe/Berlin")
_CALENDARS = (CalendarRow("cal", "Kalender", True), CalendarRow("team", "Team Nord", False))


def seed_calendars(home: Home) -> None:
    """Two passes over the calendars of the first person, the second one a day before NOW."""
    address = addresses()[0]
    identity = MailboxIdentity("guid-ann.lindqvist", address, "Ann Lindqvist")
    _enter(home, identity, [[_review("Budget review"), *_own(address)], _team()], NOW - timedelta(days=8))
    _enter(home, identity, [[_review("Budget review, with figures")], []], NOW - timedelta(days=1))


def _enter(home: Home, identity: MailboxIdentity, contents: Sequence[Sequence[Appointment]], moment: datetime) -> None:
    record = begin_pass(Task.select().first().id, identity, NoFence(), of_folders=False)
    entered = enter_calendars(record.key, _CALENDARS, NoFence(), all_calendars=True)
    ledger = CalendarLedger(record.key, Packs(home.archive), NoFence(), wants_attachments=True)
    for calendar, appointments in zip(entered.readings, contents, strict=True):
        entries = [CalendarEntry(each.remote_id, each.event.subject, appointment=each) for each in appointments]
        ledger.commit(CalendarPart(calendar, entries, (), f"{moment}", last=True))
    finish_calendar_pass(record, [each.calendar_id for each in entered.readings], [], NoFence())
    stamp = to_micros(moment)
    for table, columns in (
        ("appointment_version", ("opened", "closed")),
        ("calendar", ("opened", "read")),
        ("appointment", ("entered",)),
        ("pass", ("stamp", "began")),
        ("archive_mailbox", ("last_stamp",)),
    ):
        for column in columns:
            execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (stamp, record.key.stamp))


def _own(address: str) -> list[Appointment]:
    ann = Attendee("Ann Lindqvist", address)
    return [
        _made("standup", "Stand-up", (2026, 1, 5, 9), minutes=15, where="Room 2",
              rule=Recurrence(Frequency.WEEKLY, days=("MO", "TU", "WE", "TH", "FR"), week_begins="MO"),
              deleted=((2026, 3, 4, 9),), moved=((2026, 3, 5, 9), (2026, 3, 5, 11), "Stand-up (later today)")),
        _made("trip", "Trondheim", (2026, 3, 10, 0), minutes=3 * 1440, all_day=True, show_as="OOF"),
        _made("dentist", "Dentist", (2026, 3, 3, 14), where="Storgata 7", sensitivity="Private"),
        _made("board", "Board", (2026, 3, 12, 13), minutes=120, where="Fjord", is_meeting=True, organizer=ann,
              attendees=(
                  Attendee("Bo Åkerman", addresses()[1], response=Response.ACCEPTED),
                  Attendee("Carla Moreau", addresses()[2], response=Response.TENTATIVE),
                  Attendee("Fjord", "fjord@fjordline.example", Role.RESOURCE, Response.ACCEPTED),
              )),
        _made("off", "Supplier visit", (2026, 3, 6, 10), cancelled=True),
        _made("hostile", HOSTILE, (2026, 3, 9, 15), where=HOSTILE),
    ]  # fmt: skip


def _team() -> list[Appointment]:
    return [_made("release", "Release 4.2", (2026, 3, 13, 0), minutes=1440, all_day=True, show_as="Free")]


def _review(subject: str) -> Appointment:
    paper = AttachmentContent(Attachment("a", "figures.pdf", "application/pdf", 8), b"%PDF-1.7")
    body = "Please read the figures before.\n\nAgenda: 1. last year  2. this year"
    return _made("review", subject, (2026, 3, 2, 13), minutes=90, where="Room 4", body=body, attached=(paper,))


def _made(
    key: str, subject: str, starts: tuple[int, ...], *, minutes: int = 60, where: str = "", all_day: bool = False,
    rule: Recurrence | None = None, deleted=(), moved=None, cancelled: bool = False, attached=(), **properties,
) -> Appointment:  # fmt: skip
    def event(begins: tuple[int, ...], named: str) -> Event:
        moment = datetime(*begins, tzinfo=BERLIN).astimezone(UTC)
        return Event(
            uid=key, starts=moment, ends=moment + timedelta(minutes=minutes), starts_zone="Europe/Berlin",
            ends_zone="Europe/Berlin", is_all_day=all_day, subject=named, location=where, is_cancelled=cancelled,
            attachments=tuple(each.attachment for each in attached), modified=NOW, **properties,
        )  # fmt: skip

    master = event(starts, subject)
    changed = () if moved is None else ((datetime(*moved[0], tzinfo=BERLIN).astimezone(UTC), event(*moved[1:])),)
    gone = tuple(datetime(*each, tzinfo=BERLIN).astimezone(UTC) for each in deleted)
    return Appointment(
        key, subject, master, rule, changed, gone, tuple(attached), b"<original/>", None if rule else master.ends
    )
