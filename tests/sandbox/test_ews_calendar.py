"""Appointments, series and their exceptions, as an EWS client sees the practice organisation."""

from datetime import UTC, date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from mse_tui.sandbox.ews.recurrence import starts
from mse_tui.sandbox.ews.values import parse_fragment
from mse_tui.sandbox.records import ItemSpec
from tests.sandbox.ews_rig import NS, Rig, distinguished, get_item, ids_of, item_ids, mime_of, shape, sync_items, text
from tests.sandbox.test_ews_items import created, set_field, update

BERLIN = '<t:{} Id="W. Europe Standard Time"/>'
ZONES = BERLIN.format("StartTimeZone") + BERLIN.format("EndTimeZone")


def pattern(inner: str, limits: str = "<t:NoEndRecurrence><t:StartDate>{}</t:StartDate></t:NoEndRecurrence>") -> str:
    return f"<t:Recurrence>{inner}{limits.format('2024-03-25')}</t:Recurrence>"


def numbered(count: int) -> str:
    return (
        "<t:NumberedRecurrence><t:StartDate>{}</t:StartDate>"
        f"<t:NumberOfOccurrences>{count}</t:NumberOfOccurrences></t:NumberedRecurrence>"
    )


WEEKLY = pattern(
    "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence>",
    numbered(4),
)


def series(rig: Rig) -> tuple[str, str]:
    return created(
        rig,
        "<t:Subject>Jour fixe</t:Subject><t:Start>2024-03-25T09:00:00+01:00</t:Start>"
        "<t:End>2024-03-25T10:30:00+01:00</t:End><t:Location>Room 4</t:Location>"
        "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:Name>Anna</t:Name>"
        "<t:EmailAddress>anna@example.com</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>"
        f"{WEEKLY}{ZONES}",
        "calendar",
        "CalendarItem",
    )


def view(start: str, end: str, most: int = 100, base: str = "Default") -> str:
    return (
        f'<m:FindItem Traversal="Shallow">{shape(base, "calendar:OriginalStart")}'
        f'<m:CalendarView MaxEntriesReturned="{most}" StartDate="{start}" EndDate="{end}"/>'
        f"<m:ParentFolderIds>{distinguished('calendar')}</m:ParentFolderIds></m:FindItem>"
    )


def in_view(rig: Rig, start: str, end: str) -> list[tuple[str, str]]:
    found = rig.ok(view(start, end))[0]
    return [
        (each.findtext("t:Start", namespaces=NS), each.findtext("t:CalendarItemType", namespaces=NS))
        for each in found.iterfind(".//t:CalendarItem", NS)
    ]


ALL = ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("inner", "first", "expected"),
    [
        (
            "<t:DailyRecurrence><t:Interval>2</t:Interval></t:DailyRecurrence>",
            "2024-03-25",
            ["03-25", "03-27", "03-29"],
        ),
        (
            "<t:WeeklyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>Tuesday Friday</t:DaysOfWeek>"
            "<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence>",
            "2024-03-25",
            ["03-26", "03-29", "04-09"],
        ),
        (
            "<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>31</t:DayOfMonth>"
            "</t:AbsoluteMonthlyRecurrence>",
            "2024-03-25",
            ["03-31", "04-30", "05-31"],
        ),
        (
            "<t:RelativeMonthlyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Weekday</t:DaysOfWeek>"
            "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>",
            "2024-03-25",
            ["03-29", "04-30", "05-31"],
        ),
        (
            "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>29</t:DayOfMonth><t:Month>February</t:Month>"
            "</t:AbsoluteYearlyRecurrence>",
            "2024-03-25",
            ["02-28", "02-28", "02-28"],
        ),
        (
            "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Thursday</t:DaysOfWeek>"
            "<t:DayOfWeekIndex>Fourth</t:DayOfWeekIndex><t:Month>November</t:Month></t:RelativeYearlyRecurrence>",
            "2024-03-25",
            ["11-28", "11-27", "11-26"],
        ),
    ],
)
def test_patterns(inner: str, first: str, expected: list[str]) -> None:
    begin = datetime.combine(date.fromisoformat(first), datetime.min.time(), UTC)
    found = islice(starts(parse_fragment(pattern(inner)), begin, UTC), 3)
    assert [f"{each:%m-%d}" for each in found] == expected


def test_a_series_keeps_its_time_of_day_over_the_change_of_the_clocks() -> None:
    found = list(starts(parse_fragment(WEEKLY), datetime(2024, 3, 25, 8, tzinfo=UTC), ZoneInfo("Europe/Berlin")))
    assert [f"{each:%m-%d %H}" for each in found] == ["03-25 08", "04-01 07", "04-08 07", "04-15 07"]


def test_a_series_and_its_exceptions(rig: Rig) -> None:
    item, key = series(rig)
    (master,) = rig.ok(get_item(item))
    assert text(master, ".//t:CalendarItemType") == "RecurringMaster"
    assert text(master, ".//t:Recurrence//t:NumberOfOccurrences") == "4"
    assert text(master, ".//t:LastOccurrence/t:Start") == "2024-04-15T07:00:00Z"
    second = f'<t:OccurrenceItemId RecurringMasterId="{item}" InstanceIndex="2"/>'
    rig.ok(
        update(item, set_field("calendar:Start", "<t:Start>2024-04-02T14:00:00Z</t:Start>", "CalendarItem")
               + set_field("calendar:End", "<t:End>2024-04-02T15:00:00Z</t:End>", "CalendarItem")
               + set_field("item:Subject", "<t:Subject>Moved</t:Subject>", "CalendarItem"))
        .replace(f'<t:ItemId Id="{item}"/>', second)
    )  # fmt: skip
    rig.ok(
        '<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds>'
        f'<t:OccurrenceItemId RecurringMasterId="{item}" InstanceIndex="3"/></m:ItemIds></m:DeleteItem>'
    )
    assert in_view(rig, *ALL) == [
        ("2024-03-25T08:00:00Z", "Occurrence"),
        ("2024-04-02T14:00:00Z", "Exception"),
        ("2024-04-15T07:00:00Z", "Occurrence"),
    ]
    (master,) = rig.ok(get_item(item))
    assert text(master, ".//t:ModifiedOccurrences/t:Occurrence/t:OriginalStart") == "2024-04-01T07:00:00Z"
    assert text(master, ".//t:DeletedOccurrences/t:DeletedOccurrence/t:Start") == "2024-04-08T07:00:00Z"
    assert master.find(".//t:ItemId", NS).get("ChangeKey") != key
    exception = master.find(".//t:ModifiedOccurrences//t:ItemId", NS).get("Id")
    (got,) = rig.ok(get_item(exception))
    assert (text(got, ".//t:Subject"), text(got, ".//t:Location")) == ("Moved", "Room 4")
    assert text(got, ".//t:IsRecurring") == "true"
    again = rig.ok(
        f"<m:GetItem>{shape('Default')}<m:ItemIds>"
        f'<t:RecurringMasterItemId OccurrenceId="{exception}"/></m:ItemIds></m:GetItem>'
    )[0]
    assert ids_of(again)[0] == item
    beyond = f'<t:OccurrenceItemId RecurringMasterId="{item}" InstanceIndex="5"/>'
    missing = f"<m:GetItem>{shape()}<m:ItemIds>{beyond}</m:ItemIds></m:GetItem>"
    assert rig.error(missing) == "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"
    gone = missing.replace('"5"', '"3"')
    assert rig.error(gone) == "ErrorCalendarOccurrenceIsDeletedFromRecurrence"


def test_synchronisation_finds_masters_and_singles(rig: Rig) -> None:
    item, _ = series(rig)
    single, _ = created(
        rig,
        "<t:Subject>Once</t:Subject><t:Start>2024-05-01T09:00:00Z</t:Start><t:End>2024-05-01T10:00:00Z</t:End>"
        "<t:IsAllDayEvent>false</t:IsAllDayEvent>",
        "calendar",
        "CalendarItem",
    )
    page = rig.ok(sync_items(distinguished("calendar"), shape_xml=shape("IdOnly", "calendar:CalendarItemType")))[0]
    kinds = {
        each.find("t:ItemId", NS).get("Id"): each.findtext("t:CalendarItemType", namespaces=NS)
        for each in page.iterfind(".//t:CalendarItem", NS)
    }
    assert kinds == {item: "RecurringMaster", single: "Single"}
    moved = ids_of(rig.ok(
        f"<m:MoveItem><m:ToFolderId>{distinguished('deleteditems')}</m:ToFolderId>{item_ids(item)}</m:MoveItem>"
    )[0])[0]  # fmt: skip
    assert text(rig.ok(get_item(moved))[0], ".//t:CalendarItemType") == "RecurringMaster"
    assert [start for start, _ in in_view(rig, *ALL)] == ["2024-05-01T09:00:00Z"]


@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_calendar_views_are_valid_in_every_shape(rig: Rig, base: str) -> None:
    series(rig)
    found = rig.ok(view(*ALL, most=2, base=base))[0].find("m:RootFolder", NS)
    assert (found.get("TotalItemsInView"), found.get("IncludesLastItemInRange")) == ("4", "false")
    assert len(found.findall(".//t:CalendarItem", NS)) == 2


def test_mime_content_is_icalendar(rig: Rig) -> None:
    item, _ = series(rig)
    (got,) = rig.ok(get_item(item, shape_xml=shape("IdOnly", mime=True)))
    lines = mime_of(got).decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert {"SUMMARY:Jour fixe", "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;COUNT=4", "LOCATION:Room 4"} <= set(lines)
    assert "DTSTART;TZID=Europe/Berlin:20240325T090000" in lines


def test_exceptions_of_a_generated_series(rig: Rig) -> None:
    calendar = rig.store.distinguished_folder(1, "calendar")
    rig.store.add_item(
        calendar.id,
        ItemSpec(
            subject="Generated",
            item_class="IPM.Appointment",
            start=datetime(2024, 3, 25, 8, tzinfo=UTC),
            end=datetime(2024, 3, 25, 9, tzinfo=UTC),
            properties={"calendar:Recurrence": WEEKLY},
            overrides={
                "2024-04-01T08:00:00Z": {"calendar:Location": "<t:Location>Elsewhere</t:Location>"},
                "2024-04-08T08:00:00Z": None,
            },
        ),
    )
    assert [kind for _, kind in in_view(rig, *ALL)] == ["Occurrence", "Exception", "Occurrence"]
    master = rig.ok(sync_items(distinguished("calendar"), shape_xml=shape("AllProperties")))[0]
    assert text(master, ".//t:DeletedOccurrence/t:Start") == "2024-04-08T08:00:00Z"
    assert b"<t:ModifiedOccurrences" in etree.tostring(master)
