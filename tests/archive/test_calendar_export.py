"""Exported calendars are what other calendar programs accept, and say what the archive has."""

import base64
import io
import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from zoneinfo import ZoneInfo

import pytest
import radicale
import radicale.config
import requests
from icalendar import Calendar

from mse_tui.archive.calendar_agenda import MOST_OCCURRENCES, AgendaEntry, Period, agenda
from mse_tui.archive.calendar_export import CalendarExport, _timezone, _zones, export_calendar, one_appointment
from mse_tui.archive.calendar_views import appointments, attachments, calendars, contents
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import View
from mse_tui.exchange.calendars import (
    Appointment,
    Attachment,
    AttachmentContent,
    Attendee,
    Event,
    Frequency,
    Recurrence,
    Response,
    Role,
)
from mse_tui.reasons import Problem
from tests.archive.archived_calendar import ArchivedCalendar

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 23, 9, tzinfo=BERLIN)
"""The week after, clocks change."""
NASTY = 'Größe; "quoted", back\\slash\r\nnext line\x00\x1b[31m 会議 ' + "long " * 40


def single(subject: str = "Talk", starts: datetime = MONDAY, **properties) -> Appointment:
    return series(None, subject, starts, **properties)


def series(
    rule: Recurrence | None, subject: str = "Round", starts: datetime = MONDAY, *, changed=(), deleted=(),
    attached=(), over: datetime | None = None, **properties,
) -> Appointment:  # fmt: skip
    number = next(_numbers)
    event = Event(
        uid=properties.pop("uid", f"uid-{number}"), starts=starts.astimezone(UTC),
        ends=(starts + timedelta(hours=1)).astimezone(UTC), starts_zone="Europe/Berlin", ends_zone="Europe/Berlin",
        subject=subject, attachments=tuple(each.attachment for each in attached), modified=MONDAY.astimezone(UTC),
        **properties,
    )  # fmt: skip
    return Appointment(
        f"id-{number}", "ck", event, rule, tuple(changed), tuple(deleted), tuple(attached), b"<original/>",
        event.ends if rule is None else over,
    )  # fmt: skip


_numbers = itertools.count(1)


def exported(box: ArchivedCalendar, packs: Packs) -> tuple[bytes, CalendarExport]:
    file = io.BytesIO()
    report = export_calendar("Calendar", appointments([box.calendar_id], View.live()), packs, file)
    return file.getvalue(), report


def events_of(content: bytes) -> list:
    return list(Calendar.from_ical(content).events)


@pytest.fixture
def box(packs: Packs) -> ArchivedCalendar:
    return ArchivedCalendar(packs)


def test_every_kind_of_appointment_survives_export(box, packs):
    paper = AttachmentContent(Attachment("a", 'plan "A"; 1.pdf', "application/pdf", 4), b"%PDF")
    box.enter(
        single(NASTY, location=NASTY, body=NASTY, categories=("A, B", "C;D")),
        single("Paper", attached=(paper,)),
        single("All day", datetime(2026, 3, 29, tzinfo=BERLIN), is_all_day=True),
        series(Recurrence(Frequency.DAILY, interval=2, count=5)),
        series(Recurrence(Frequency.WEEKLY, days=("MO", "WE"), until=date(2026, 6, 1), week_begins="MO")),
        series(Recurrence(Frequency.MONTHLY, days=("TU",), position=-1)),
        series(Recurrence(Frequency.MONTHLY, day_of_month=31)),
        series(Recurrence(Frequency.YEARLY, day_of_month=29, month=2)),
        single(
            "Meeting", is_meeting=True, organizer=Attendee("Boss, The", "boss@example.test"),
            attendees=(
                Attendee('Ann "A" O\'Neil', "ann@example.test", Role.OPTIONAL, Response.DECLINED),
                Attendee("Nobody", ""),
            ),
            reminder_minutes=15, is_cancelled=True, sensitivity="Confidential",
        ),
    )  # fmt: skip
    content, report = exported(box, packs)
    assert report.problems == []
    assert (report.appointments, report.attachments, report.bytes) == (9, 1, len(content))
    events = {str(each["UID"]): each for each in events_of(content)}
    assert len(events) == 9
    nasty = next(each for each in events.values() if str(each["SUMMARY"]).startswith("Größe"))
    assert str(nasty["SUMMARY"]) == NASTY.replace("\r\n", "\n").replace("\x00", "").replace("\x1b", "")
    assert str(nasty["DESCRIPTION"]) == str(nasty["LOCATION"]) == str(nasty["SUMMARY"])
    [paper_event] = [each for each in events.values() if "ATTACH" in each]
    assert base64.b64decode(str(paper_event["ATTACH"].to_ical(), "ascii")) == b"%PDF"
    assert paper_event["ATTACH"].params["FILENAME"] == "plan 'A'; 1.pdf"
    assert b"BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin" in content


def test_a_zone_that_a_text_speaks_of_is_none(box, packs):
    quoted = "DTSTART;TZID=Nonsense:20260101T090000\r\nDTSTART;TZID=Asia/Tokyo:20260101T090000"
    argentina = "America/Argentina/ComodRivadavia"
    box.enter(
        single("Quotes", body=quoted, location=f"{'x' * 60}DTSTART;TZID=Nonsense:2026"),
        replace(single("Far"), event=replace(single().event, starts_zone=argentina, ends_zone=argentina)),
    )
    content, report = exported(box, packs)
    assert report.appointments == 2
    zones = sorted(str(each["TZID"]) for each in Calendar.from_ical(content).walk("VTIMEZONE"))
    assert zones == [argentina, "Europe/Berlin"]
    for row in appointments([box.calendar_id], View.live()):
        assert len(Calendar.from_ical(one_appointment(row, packs)).walk("VTIMEZONE")) == 1


def test_a_zone_that_nobody_knows_costs_no_export():
    zoned = b"EXDATE;X=1;TZID=%s:20260101T090000\r\n"
    folded = zoned.replace(b"TZID=%s", b"TZ\r\n ID=Asia/Tok\r\n yo")
    assert _zones(zoned % b"Nonsense" + zoned % b'"Asia/Tokyo"' + folded) == {"Nonsense", "Asia/Tokyo"}
    assert _timezone("Nonsense") == _timezone("Europe") == b""


def test_a_uid_that_two_copies_share_is_told_apart(box, packs):
    box.enter(single("Original", uid="same"), single("Copy", uid="same"))
    content, _ = exported(box, packs)
    assert sorted(str(each["UID"]) for each in events_of(content)) == ["same", "same-2"]


def test_a_damaged_appointment_does_not_cost_the_others(box, packs):
    box.enter(single("Whole"), single("Broken"))
    broken = next(row for row in appointments([box.calendar_id], View.live()) if row.subject == "Broken")
    digest = contents(broken.version_id)[0].sha256
    box.lose(digest)
    content, report = exported(box, packs)
    assert [row.subject for row, _ in report.problems] == ["Broken"]
    assert [str(each["SUMMARY"]) for each in events_of(content)] == ["Whole"]


def test_one_version_is_a_whole_file(box, packs):
    box.enter(single("Talk"))
    [row] = appointments([box.calendar_id], View.live())
    assert [str(each["SUMMARY"]) for each in events_of(one_appointment(row, packs))] == ["Talk"]


def agenda_of(box: ArchivedCalendar, packs: Packs, period: Period, **options) -> list[AgendaEntry]:
    rows = appointments([box.calendar_id], View.live(), between=(period.begins, period.ends), **options)
    return agenda(rows, period, lambda row: packs.read(contents(row.version_id)[0].sha256))


def test_the_agenda_expands_series_in_their_own_time_of_day(box, packs):
    moved = Event(
        "uid-x", datetime(2026, 4, 7, 12, tzinfo=UTC), datetime(2026, 4, 7, 13, tzinfo=UTC), "Europe/Berlin",
        "Europe/Berlin", subject="Round, on Tuesday",
    )  # fmt: skip
    box.enter(
        series(
            Recurrence(Frequency.WEEKLY, days=("MO",), count=4), uid="uid-x",
            changed=((datetime(2026, 4, 6, 7, tzinfo=UTC), moved),), deleted=(datetime(2026, 4, 13, 7, tzinfo=UTC),),
            over=datetime(2026, 4, 13, 8, tzinfo=UTC),
        )
    )  # fmt: skip
    found = agenda_of(box, packs, Period(date(2026, 3, 1), 60, BERLIN))
    assert [(f"{each.starts:%m-%d %H:%M}", each.subject, each.is_changed) for each in found] == [
        ("03-23 09:00", "Round", False),
        ("03-30 09:00", "Round", False),
        ("04-07 14:00", "Round, on Tuesday", True),
    ]
    in_tokyo = agenda_of(box, packs, Period(date(2026, 3, 1), 60, ZoneInfo("Asia/Tokyo")))
    assert [f"{each.starts:%m-%d %H:%M}" for each in in_tokyo] == ["03-23 17:00", "03-30 16:00", "04-07 21:00"]


def test_all_day_entries_stay_on_their_days_in_every_zone(box, packs):
    box.enter(single("Trip", datetime(2026, 3, 29, tzinfo=BERLIN), is_all_day=True))
    for zone in (BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Auckland")):
        assert [each.subject for each in agenda_of(box, packs, Period(date(2026, 3, 29), 1, zone))] == ["Trip"]
        assert agenda_of(box, packs, Period(date(2026, 3, 28), 1, zone)) == []
        assert agenda_of(box, packs, Period(date(2026, 3, 30), 1, zone)) == []


@pytest.mark.parametrize(
    ("rule", "starts", "expected"),
    [
        (Recurrence(Frequency.MONTHLY, day_of_month=31), (2026, 1, 31), ["01-31", "02-28", "03-31", "04-30"]),
        (Recurrence(Frequency.MONTHLY, day_of_month=30), (2026, 1, 30), ["01-30", "02-28", "03-30", "04-30"]),
        (Recurrence(Frequency.MONTHLY, interval=2, day_of_month=5), (2026, 1, 5), ["01-05", "03-05"]),
        (Recurrence(Frequency.MONTHLY, days=("MO",), position=-1), (2026, 1, 26),
         ["01-26", "02-23", "03-30", "04-27"]),
        (Recurrence(Frequency.MONTHLY, days=("MO", "TU", "WE", "TH", "FR"), position=-1), (2026, 1, 30),
         ["01-30", "02-27", "03-31", "04-30"]),
        (Recurrence(Frequency.YEARLY, day_of_month=29, month=2), (2024, 2, 29), ["02-28"]),
        (Recurrence(Frequency.DAILY, interval=40, until=date(2026, 3, 22)), (2026, 1, 1), ["01-01", "02-10", "03-22"]),
    ],
)  # fmt: skip
def test_rules_mean_what_exchange_means_by_them(box, packs, rule, starts, expected):
    begins = datetime(*starts, 9, tzinfo=BERLIN)
    over = datetime(2026, 3, 22, 9, tzinfo=UTC) if rule.until else None
    box.enter(series(rule, starts=begins, over=over))
    found = agenda_of(box, packs, Period(date(2026, 1, 1), 120, BERLIN))
    assert [f"{each.starts:%m-%d}" for each in found] == expected


def test_private_appointments_are_not_there_for_delegates(box, packs):
    box.enter(single("Open"), single("Secret", sensitivity="Private"), single("Diary", sensitivity="Personal"))
    period = Period(MONDAY.date(), 1, BERLIN)
    assert [each.subject for each in agenda_of(box, packs, period, private=False)] == ["Open"]
    assert [each.is_private for each in agenda_of(box, packs, period)] == [True, False, True]
    [shown] = calendars(box.mailbox_id, View.live(), private=False)
    assert shown.appointments == 1


def test_an_endless_daily_series_is_read_at_once(box, packs):
    box.enter(series(Recurrence(Frequency.DAILY), starts=datetime(1990, 1, 1, 9, tzinfo=BERLIN)))
    assert len(agenda_of(box, packs, Period(date(2026, 1, 1), 365, BERLIN))) == 365


def test_a_series_that_cant_be_read_says_so_and_hides_no_other(box, packs):
    box.enter(series(Recurrence(Frequency.WEEKLY, days=("MO",)), "Broken"), single("Talk"))
    broken = next(row for row in appointments([box.calendar_id], View.live()) if row.subject == "Broken")
    box.lose(contents(broken.version_id)[0].sha256)
    found = agenda_of(box, packs, Period(MONDAY.date(), 7, BERLIN))
    assert [(each.subject, bool(each.trouble)) for each in found] == [("Broken", True), ("Talk", False)]


def test_no_calendar_of_others_keeps_a_reader_busy(box, packs, shared):
    """Rules by the minute, without end, from long ago, or broken: each is expanded within limits, or refused."""
    box.enter(series(Recurrence(Frequency.DAILY)))
    [row] = appointments([box.calendar_id], View.live())
    period = Period(date(2026, 1, 1), 60, BERLIN)
    samples = sorted((shared / "mail" / "ics").rglob("*.ics"))
    assert samples
    expanded = 0
    for sample in samples:
        content = sample.read_bytes()
        found = agenda([row], period, lambda _, content=content: content)
        assert len(found) <= MOST_OCCURRENCES
        expanded += any(not each.trouble for each in found)
    assert expanded > 10


def test_a_period_has_a_limit():
    with pytest.raises(Problem, match="1 to 750 days"):
        Period(date(2026, 1, 1), 751)


def test_attachments_are_listed(box, packs):
    paper = AttachmentContent(Attachment("a", "plan.pdf", "application/pdf", 4), b"%PDF")
    box.enter(single("Paper", attached=(paper,)))
    [row] = appointments([box.calendar_id], View.live())
    [kept] = attachments(row.version_id)
    assert (kept.name, kept.size, packs.read(kept.sha256)) == ("plan.pdf", 4, b"%PDF")


# --- an independent calendar server


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def calendar_server(tmp_path) -> Iterator[str]:
    """Radicale, a CalDAV server; the address of an empty user's home."""
    configuration = radicale.config.load()
    configuration.update(
        {
            "auth": {"type": "none"},
            "rights": {"type": "authenticated"},
            "storage": {"filesystem_folder": str(tmp_path / "radicale")},
        },
        "test",
        privileged=True,
    )
    server: WSGIServer = make_server(
        "127.0.0.1", 0, radicale.Application(configuration), WSGIServer, handler_class=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/ann/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_independent_server_takes_the_calendar_and_gives_it_back(box, packs, calendar_server):
    moved = Event(
        "uid-x", datetime(2026, 4, 7, 12, tzinfo=UTC), datetime(2026, 4, 7, 13, tzinfo=UTC), "Europe/Berlin",
        "Europe/Berlin", subject="Round, on Tuesday",
    )  # fmt: skip
    paper = AttachmentContent(Attachment("a", "plan.pdf", "application/pdf", 4), b"%PDF")
    people = tuple(Attendee(f"Guest {number}", f"guest{number}@example.test") for number in range(500))
    box.enter(
        single(NASTY, body=NASTY),
        single("Paper", attached=(paper,)),
        single("All day", datetime(2026, 3, 29, tzinfo=BERLIN), is_all_day=True),
        single("Town hall", is_meeting=True, organizer=Attendee("Boss", "boss@example.test"), attendees=people),
        series(
            Recurrence(Frequency.WEEKLY, days=("MO",), count=4), uid="uid-x",
            changed=((datetime(2026, 4, 6, 7, tzinfo=UTC), moved),), deleted=(datetime(2026, 4, 13, 7, tzinfo=UTC),),
            over=datetime(2026, 4, 13, 8, tzinfo=UTC),
        ),
        series(Recurrence(Frequency.MONTHLY, day_of_month=31)),
    )  # fmt: skip
    content, _ = exported(box, packs)
    # A collection is made whole by one PUT of its calendar.
    put = requests.put(
        calendar_server + "calendar/", data=content, headers={"Content-Type": "text/calendar"}, auth=("ann", ""),
        timeout=10,
    )  # fmt: skip
    assert put.status_code == 201, put.text
    given = requests.get(calendar_server + "calendar/", auth=("ann", ""), timeout=10)
    assert given.status_code == 200
    assert _told(given.content) == _told(content)


def _told(content: bytes) -> list[tuple]:
    """What a calendar says, whatever its order and folding."""
    return sorted(
        (
            str(each["UID"]), str(each.get("RECURRENCE-ID") and each["RECURRENCE-ID"].dt), str(each["SUMMARY"]),
            str(each["DTSTART"].dt), str(each["DTEND"].dt), str(each.get("RRULE")), len(each.get("ATTENDEE", [])),
            str(each.get("DESCRIPTION", "")), "ATTACH" in each,
        )
        for each in events_of(content)
    )  # fmt: skip
