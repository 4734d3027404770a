"""Calendars over EWS: what the server says in its own terms becomes appointments; what it says badly is never used."""

import threading
from datetime import UTC, date, datetime

import pytest
from lxml import etree

from mse_tui.exchange import ews_calendars
from mse_tui.exchange.calendars import Appointment, Frequency, Recurrence, Response
from mse_tui.exchange.ews import connect
from mse_tui.exchange.ews_appointments import master
from mse_tui.exchange.retry import Transient
from mse_tui.exchange.rows import ItemFailure
from mse_tui.exchange.time_zones import iana_zone
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.faults import FaultKind
from mse_tui.sandbox.records import DeleteType
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, settings
from tests.features.calendar_replicating import PracticeCalendars, practice_server, weekly

MONDAY = datetime(2026, 3, 23, 8, tzinfo=UTC)
T = "http://schemas.microsoft.com/exchange/services/2006/types"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with practice_server(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def box(server, request):
    yield PracticeCalendars(server, request.node.name[:60])
    server.faults.clear()


@pytest.fixture
def calendars(server, box, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, server.service_account[1])
    exchange = connect(settings(server.url, user=server.service_account[0], retry_seconds=20), Halts())
    with exchange.mailbox(box.address, threading.Event()) as mailbox:
        yield mailbox.calendars
    exchange.close()


def everything(calendars, *, attachments: bool = True) -> list[Appointment | ItemFailure]:
    [default] = calendars.folders(all_calendars=False)
    page = calendars.changes(default.remote_id, None)
    return list(calendars.fetch([row.remote_id for row in page.changed], attachments=attachments))


def test_calendars_in_deleted_items_are_none(calendars, box):
    kept = box.add_calendar("Kept")
    box.delete_calendar(box.add_calendar("Deleted"))
    box.store.add_folder(box.store.folder(kept).mailbox, kept, "Below", folder_class="IPF.Appointment.Birthday")
    found = calendars.folders(all_calendars=True)
    assert [(row.name, row.is_default) for row in found] == [("Calendar", True), ("Below", False), ("Kept", False)]


@pytest.mark.parametrize("fault", [FaultKind.HALF_RESPONSE, FaultKind.HALF_WITHOUT_LENGTH, FaultKind.RESET])
def test_a_broken_answer_is_asked_for_again(calendars, box, server, fault):
    for number in range(120):
        box.add(f"Appointment {number:03}", MONDAY)
    server.faults.inject(fault.value, operation="GetItem", mailbox=box.address, count=2)
    assert [each.event.subject for each in everything(calendars)] == [f"Appointment {n:03}" for n in range(120)]


def test_one_appointment_that_cant_be_had_costs_no_other(calendars, box, server):
    for name in ("Good", "Bad", "Better"):
        box.add(name, MONDAY)
    [default] = calendars.folders(all_calendars=False)
    rows = calendars.changes(default.remote_id, None).changed
    bad = next(row for row in rows if row.subject == "Bad")
    server.faults.inject("poison", item=bad.remote_id, code="ErrorItemCorrupt", mailbox=box.address)
    answers = list(calendars.fetch([row.remote_id for row in rows], attachments=True))
    assert [isinstance(each, ItemFailure) for each in answers] == [False, True, False]
    assert answers[1].reason is Reason.ITEM_CORRUPT


def test_a_series_comes_whole(calendars, box):
    item = box.add("Round", MONDAY, recurrence=weekly(MONDAY, count=5))
    box.change_occurrence(item, MONDAY, Subject="First round")
    [series] = everything(calendars)
    assert series.recurrence == Recurrence(Frequency.WEEKLY, days=("MO",), week_begins="MO", count=5)
    assert [(start, event.subject) for start, event in series.changed] == [(MONDAY, "First round")]
    assert series.over == datetime(2026, 4, 20, 8, tzinfo=UTC), "clocks have changed"
    assert series.original.count(b"<t:CalendarItem>") == 2
    etree.fromstring(series.original)


def test_an_attached_message_comes_as_mime(calendars, box):
    box.add(
        "With mail", MONDAY, has_attachments=True,
        mime=b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
             b"Content-Type: text/plain\r\n\r\nbody\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
             b"Subject: Inner\r\n\r\nhello\r\n--b--\r\n",
    )  # fmt: skip
    [found] = everything(calendars)
    [attached] = found.attachments
    assert (attached.attachment.name, attached.attachment.content_type) == ("Inner.eml", "message/rfc822")
    assert b"Subject: Inner" in attached.content


def test_an_attachment_that_is_too_large_fails_its_appointment_alone(server, box, monkeypatch):
    big = b"x" * 40_000
    box.add("Small", MONDAY)
    box.add(
        "Large", MONDAY, has_attachments=True,
        mime=b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
             b"Content-Type: application/octet-stream; name=big\r\nContent-Disposition: attachment; filename=big\r\n"
             b"\r\n" + big + b"\r\n--b--\r\n",
    )  # fmt: skip
    monkeypatch.setenv(PASSWORD_VARIABLE, server.service_account[1])
    exchange = connect(settings(server.url, user=server.service_account[0], max_item_bytes=20_000), Halts())
    with exchange.mailbox(box.address, threading.Event()) as mailbox:
        small, large = everything(mailbox.calendars)
        assert small.event.subject == "Small"
        assert (large.reason, "'big'" in large.message) == (Reason.ITEM_TOO_LARGE, True)
        assert all(isinstance(each, Appointment) for each in everything(mailbox.calendars, attachments=False))
    exchange.close()


def test_attachments_come_with_their_appointment_a_few_megabytes_at_a_time(calendars, box, server, monkeypatch):
    monkeypatch.setattr(ews_calendars, "BATCH_BYTES", 5_000)
    for number in range(7):
        content = f"{number}".encode() * 3_000
        box.add(
            f"Appointment {number}", MONDAY, has_attachments=number != 3,
            mime=None if number == 3 else
                 b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                 b"Content-Type: application/octet-stream; name=big\r\nContent-Disposition: attachment; filename=big"
                 b"\r\n\r\n" + content + b"\r\n--b--\r\n",
        )  # fmt: skip
    found = [(each.event.subject, [one.content[:1] for one in each.attachments]) for each in everything(calendars)]
    assert found == [(f"Appointment {n}", [] if n == 3 else [f"{n}".encode()]) for n in range(7)]


def test_a_calendar_that_is_gone_is_said_to_be(calendars, box):
    team = box.add_calendar("Team")
    row = next(row for row in calendars.folders(all_calendars=True) if row.name == "Team")
    box.store.delete_folder(team, DeleteType.HARD)
    with pytest.raises(Problem) as met:
        calendars.changes(row.remote_id, None)
    assert met.value.reason is Reason.FOLDER_NOT_FOUND


ITEM = f"""<t:CalendarItem xmlns:t="{T}"><t:ItemId Id="A" ChangeKey="C"/><t:Subject>Yearly</t:Subject>
<t:Start>2026-03-23T08:00:00Z</t:Start><t:End>2026-03-23T09:00:00Z</t:End><t:IsMeeting>true</t:IsMeeting>
<t:MyResponseType>Accept</t:MyResponseType><t:AppointmentState>7</t:AppointmentState>
<t:Recurrence>{{pattern}}<t:EndDateRecurrence><t:StartDate>2026-03-23+01:00</t:StartDate>
<t:EndDate>2030-03-23+01:00</t:EndDate></t:EndDateRecurrence></t:Recurrence>
<t:StartTimeZone Id="tzone://Microsoft/Custom" Name="Own"/></t:CalendarItem>"""


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (
            "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Weekday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex>"
            "<t:Month>March</t:Month></t:RelativeYearlyRecurrence>",
            {"frequency": Frequency.YEARLY, "days": ("MO", "TU", "WE", "TH", "FR"), "position": -1, "month": 3},
        ),
        (
            "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>29</t:DayOfMonth><t:Month>February</t:Month>"
            "</t:AbsoluteYearlyRecurrence>",
            {"frequency": Frequency.YEARLY, "day_of_month": 29, "month": 2},
        ),
        (
            "<t:RelativeMonthlyRecurrence><t:Interval>3</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek>"
            "<t:DayOfWeekIndex>Second</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>",
            {"frequency": Frequency.MONTHLY, "interval": 3, "days": ("TU",), "position": 2},
        ),
    ],
)
def test_patterns_as_exchange_writes_them(pattern, expected):
    found = master(etree.fromstring(ITEM.format(pattern=pattern)))
    assert found.recurrence == Recurrence(until=date(2030, 3, 23), **expected)


def test_an_attendees_copy_of_a_cancelled_meeting():
    found = master(
        etree.fromstring(ITEM.format(pattern="<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"))
    )
    event = found.event
    assert (event.is_organizer, event.is_cancelled, event.my_response) == (False, True, Response.ACCEPTED)
    assert event.starts_zone == "", "a zone of one's own has no name"


DAILY = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"


@pytest.mark.parametrize(
    ("told", "instead"),
    [("2030-03-23+01:00", "at some time"), (">7<", ">many<"), ("<t:Interval>1<", "<t:Interval>one<")],
)
def test_an_appointment_with_values_that_are_none_is_a_broken_answer(told, instead):
    text = ITEM.format(pattern=DAILY)
    assert told in text
    with pytest.raises(Transient):
        master(etree.fromstring(text.replace(told, instead)))


@pytest.mark.parametrize(
    "ends",
    [
        "<t:EndDateRecurrence><t:StartDate>2026-03-23</t:StartDate><t:EndDate>9999-12-31</t:EndDate>"
        "</t:EndDateRecurrence>",
        "<t:NumberedRecurrence><t:StartDate>2026-03-23</t:StartDate><t:NumberOfOccurrences>9</t:NumberOfOccurrences>"
        "</t:NumberedRecurrence>",
    ],
)
def test_a_series_whose_last_occurrence_is_not_told_is_not_taken_for_over(ends):
    text = ITEM.format(pattern=DAILY)
    series = text.replace(text[text.index("<t:EndDateR") : text.index("</t:Recurrence>")], ends)
    assert master(etree.fromstring(series)).over is None


def test_a_series_without_a_pattern_is_never_taken_for_a_single_appointment():
    with pytest.raises(Transient):
        master(etree.fromstring(ITEM.format(pattern="<t:HourlyRecurrence/>")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Europe/Oslo", "Europe/Oslo"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/Custom", ""),
        ("../../etc/passwd", ""),
        ("", ""),
    ],
)
def test_windows_zones_get_their_iana_names(name, expected):
    assert iana_zone(name) == expected
