"""Calendar Replication against the practice organisation's server, over EWS."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mse_tui.archive.coverage import compare
from mse_tui.archive.packs import Packs
from mse_tui.archive.passes import start_over
from mse_tui.archive.statements import select
from mse_tui.features.calendar_listing import CalendarLimits
from mse_tui.features.calendar_replication import CalendarReplicationDefinition
from mse_tui.features.feature import Stopped
from mse_tui.reasons import Reason
from mse_tui.sandbox.records import DeleteType, Person
from mse_tui.terms import Mode
from tests.features.calendar_replicating import (
    CalendarRun,
    PracticeCalendars,
    attendees,
    element,
    live_versions,
    opened,
    practice_server,
    stored_calendar,
    subjects,
    weekly,
)
from tests.features.replicating import RecordingJournal

MONDAY = datetime(2026, 3, 23, 8, tzinfo=UTC)
"""9:00 in Berlin; a week later clocks change and 9:00 is 7:00 UTC."""
BERLIN_ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with practice_server(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def box(server, request):
    return PracticeCalendars(server, request.node.name[:60].replace("[", "-").replace("]", ""))


@pytest.fixture
def task(store, server, box):
    with opened(server, box.address) as mailbox:
        yield CalendarRun(mailbox, Packs(store.archive))


def only_event(task, box):
    [(_, _, version)] = live_versions(box.address)
    return stored_calendar(task.packs, version).events


def test_a_calendar_that_a_task_replicates_is_not_told_as_left_out(task, box):
    before = compare(task.mailbox).not_covered
    task.run()
    assert set(before) - set(compare(task.mailbox).not_covered) == {"Calendar"}


def test_first_pass_takes_everything_and_the_next_one_nothing(task, box):
    for number in range(5):
        box.add(f"Appointment {number}", MONDAY + timedelta(days=number))
    first = task.run()
    assert first.modes == [Mode.FULL]
    assert first.counts["items_added"] == first.counts["items_seen"] == 5
    assert subjects(box.address) == [f"Appointment {number}" for number in range(5)]
    sequence = task.sequence
    second = task.run()
    assert second.modes == [Mode.DIFFERENTIAL]
    assert second.counts["items_seen"] == 0
    assert task.sequence == sequence


def test_changes_and_deletions_reach_the_replica_and_earlier_versions_stay(task, box):
    kept, changed, deleted = (box.add(name, MONDAY) for name in ("Kept", "Draft", "Cancelled trip"))
    task.run()
    box.change(changed, subject="Final")
    box.delete(deleted, DeleteType.MOVE)
    counts = task.run().counts
    assert (counts["items_changed"], counts["items_removed"]) == (1, 1)
    assert subjects(box.address) == ["Final", "Kept"]
    history = select("SELECT subject FROM appointment_version WHERE closed IS NOT NULL ORDER BY subject")
    assert [row[0] for row in history] == ["Cancelled trip", "Draft"]
    assert kept


def test_saving_without_changing_anything_makes_no_new_version(task, box):
    item = box.add("Same", MONDAY)
    task.run()
    box.change(item, is_read=0, flag="NotFlagged")
    counts = task.run().counts
    assert (counts["items_known"], counts["items_changed"]) == (1, 0)
    assert select("SELECT COUNT(*) FROM appointment_version")[0][0] == 1


def test_series_keeps_its_time_of_day_across_the_change_of_clocks(task, box):
    item = box.add("Round", MONDAY, recurrence=weekly(MONDAY, count=4))
    box.delete_occurrence(item, MONDAY + timedelta(weeks=2, hours=-1))
    box.change_occurrence(
        item, MONDAY + timedelta(weeks=1, hours=-1), Start="2026-03-31T12:00:00Z", End="2026-03-31T13:00:00Z",
        Subject="Round (moved to Tuesday)",
    )  # fmt: skip
    task.run()
    master, moved = sorted(only_event(task, box), key=lambda each: "RECURRENCE-ID" in each)
    assert datetime(2026, 3, 23, 9, tzinfo=BERLIN_ZONE) == master.DTSTART
    assert dict(master["RRULE"])["COUNT"] == [4]
    assert [each.dt for each in master["EXDATE"].dts] == [datetime(2026, 4, 6, 9, tzinfo=BERLIN_ZONE)]
    assert moved["RECURRENCE-ID"].dt == datetime(2026, 3, 30, 9, tzinfo=BERLIN_ZONE)
    assert datetime(2026, 3, 31, 14, tzinfo=BERLIN_ZONE) == moved.DTSTART
    assert str(moved["SUMMARY"]) == "Round (moved to Tuesday)"


def test_changing_one_occurrence_makes_a_new_version_of_the_series(task, box):
    item = box.add("Round", MONDAY, recurrence=weekly(MONDAY))
    task.run()
    box.change_occurrence(item, MONDAY, Location="Elsewhere")
    assert task.run().counts["items_changed"] == 1
    box.delete_occurrence(item, MONDAY + timedelta(weeks=1, hours=-1))
    assert task.run().counts["items_changed"] == 1
    [(versions,)] = select("SELECT COUNT(*) FROM appointment_version")
    assert versions == 3


def test_all_day_appointments_keep_their_days_whatever_the_zone(task, box):
    first = datetime(2026, 3, 28, 23, tzinfo=UTC)  # the 29th in Berlin, when clocks change
    box.add("Trip", first, hours=47, properties={"calendar:IsAllDayEvent": element("IsAllDayEvent", "true")})
    task.run()
    [event] = only_event(task, box)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2026, 3, 29), date(2026, 3, 31))


def test_people_of_a_meeting_keep_their_responses(task, box):
    answers = ["Accept", "Tentative", "Decline", "NoResponseReceived"]
    people = [(Person(f"Guest {number}", f"guest{number}@example.test"), answers[number % 4]) for number in range(500)]
    organizer = "<t:Organizer><t:Mailbox><t:Name>Boss</t:Name><t:EmailAddress>boss@example.test</t:EmailAddress>"
    box.add(
        "Town hall", MONDAY,
        properties={
            "calendar:RequiredAttendees": attendees("RequiredAttendees", people[:250]),
            "calendar:OptionalAttendees": attendees("OptionalAttendees", people[250:]),
            "calendar:Organizer": organizer + "</t:Mailbox></t:Organizer>",
            "calendar:MyResponseType": element("MyResponseType", "Tentative"),
        },
    )  # fmt: skip
    task.run()
    [event] = only_event(task, box)
    assert len(event["ATTENDEE"]) == 500
    assert [each.params["PARTSTAT"] for each in event["ATTENDEE"][:4]] == [
        "ACCEPTED", "TENTATIVE", "DECLINED", "NEEDS-ACTION",
    ]  # fmt: skip
    assert event["ATTENDEE"][499].params["ROLE"] == "OPT-PARTICIPANT"
    assert str(event["ORGANIZER"]) == "mailto:boss@example.test"
    assert (str(event["X-MSE-TUI-COPY"]), str(event["X-MSE-TUI-MY-RESPONSE"])) == ("ATTENDEE", "TENTATIVE")


def test_cancelled_and_private_are_marked(task, box):
    box.add("Off", MONDAY, properties={"calendar:IsCancelled": element("IsCancelled", "true")})
    box.add("Doctor", MONDAY, sensitivity="Private")
    task.run()
    rows = select("SELECT subject, is_cancelled, sensitivity FROM appointment_version ORDER BY subject")
    assert [tuple(row) for row in rows] == [("Doctor", 0, "Private"), ("Off", 1, "Normal")]
    for _, subject, version in live_versions(box.address):
        [event] = stored_calendar(task.packs, version).events
        assert str(event["STATUS"]) == ("CANCELLED" if subject == "Off" else "CONFIRMED")
        assert str(event["CLASS"]) == ("PRIVATE" if subject == "Doctor" else "PUBLIC")


def test_dragging_to_another_calendar_leaves_no_moment_without_it(task, box):
    task.definition = CalendarReplicationDefinition(calendars="all calendars")
    team = box.add_calendar("Team")
    item = box.add("Dragged", MONDAY)
    task.run()
    box.move(item, team)
    counts = task.run().counts
    assert (counts["items_added"], counts["items_removed"]) == (1, 1)
    assert [row[:2] for row in live_versions(box.address)] == [("Team", "Dragged")]
    [(closed,)] = select("SELECT closed FROM appointment_version WHERE closed IS NOT NULL")
    [(opened_at,)] = select("SELECT opened FROM appointment_version WHERE closed IS NULL")
    assert opened_at <= closed


def test_only_the_default_calendar_unless_told_otherwise(task, box):
    team = box.add_calendar("Team")
    box.add("Mine", MONDAY)
    box.add("Ours", MONDAY, calendar=team)
    task.run()
    assert subjects(box.address) == ["Mine"]
    task.definition = CalendarReplicationDefinition(calendars="all calendars")
    assert task.run().counts["calendars_added"] == 1
    assert subjects(box.address) == ["Mine", "Ours"]
    box.delete_calendar(team)
    counts = task.run().counts
    assert (counts["calendars_removed"], counts["items_removed"]) == (1, 1)
    assert subjects(box.address) == ["Mine"]


def test_window_leaves_out_what_lies_outside_and_widening_fills_it_in(task, box):
    now = datetime.now(UTC).replace(microsecond=0)
    box.add("Old", now - timedelta(days=400))
    box.add("Recent", now - timedelta(days=3))
    box.add("Soon", now + timedelta(days=3))
    box.add("Far", now + timedelta(days=400))
    begun = now - timedelta(days=800)
    box.add("Endless", begun, recurrence=weekly(begun))
    box.add("Ended", begun, recurrence=weekly(begun, count=3))
    task.definition = CalendarReplicationDefinition(days_back=30, days_ahead=30)
    journal = task.run()
    assert subjects(box.address) == ["Endless", "Recent", "Soon"]
    assert journal.skipped[Reason.OUTSIDE_PERIOD] == 3
    sequence = task.sequence
    assert task.run().skipped[Reason.OUTSIDE_PERIOD] == 3
    assert task.sequence == sequence, "nothing was submitted"
    task.definition = CalendarReplicationDefinition(days_back=500, days_ahead=30)
    assert task.run().counts["items_added"] == 1
    task.definition = CalendarReplicationDefinition()
    assert task.run().counts["items_added"] == 2
    assert len(subjects(box.address)) == 6


def test_what_was_taken_in_stays_current_when_time_moves_it_out_of_the_window(task, box):
    now = datetime.now(UTC).replace(microsecond=0)
    item = box.add("Last month", now - timedelta(days=20))
    task.definition = CalendarReplicationDefinition(days_back=30)
    task.run()
    task.definition = CalendarReplicationDefinition(days_back=10)
    box.change(item, subject="Last month, with minutes")
    task.run()
    assert subjects(box.address) == ["Last month, with minutes"]


MIME = (
    b"MIME-Version: 1.0\r\nSubject: Plan\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/plain\r\n\r\nSee the plan.\r\n--b\r\nContent-Type: application/pdf; name=plan.pdf\r\n"
    b"Content-Disposition: attachment; filename=plan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n"
    b"--b--\r\n"
)


def attached(task) -> list[tuple[str, bytes]]:
    rows = select("SELECT name, sha256 FROM appointment_content WHERE position >= 2 ORDER BY version_id, position")
    return [(name, task.packs.read(bytes(digest))) for name, digest in rows]


def test_attachments_are_kept_and_filled_in_when_wanted_later(task, box):
    box.add("With a plan", MONDAY, mime=MIME, has_attachments=True)
    task.definition = CalendarReplicationDefinition(attachments=False)
    task.run()
    assert attached(task) == []
    task.definition = CalendarReplicationDefinition()
    assert task.run().counts["items_changed"] == 1
    assert attached(task) == [("plan.pdf", b"%PDF")]
    assert select("SELECT COUNT(*) FROM appointment_version")[0][0] == 1, "no new version of the same appointment"
    assert task.run().counts["items_seen"] == 0


def test_a_message_in_a_calendar_is_counted_and_left_alone(task, box):
    from mse_tui.sandbox.records import ItemSpec

    box.store.add_item(box.default, ItemSpec(subject="Strayed", mime=b"Subject: Strayed\r\n\r\nText\r\n"))
    journal = task.run()
    assert journal.skipped[Reason.NOT_AN_APPOINTMENT] == 1
    assert subjects(box.address) == []


def test_full_resync_reconciles_without_a_second_copy(task, box):
    box.add("Kept", MONDAY)
    gone = box.add("Gone", MONDAY)
    task.run()
    start_over(task.task.id)
    box.delete(gone)
    journal = task.run()
    assert journal.modes == [Mode.FULL]
    assert (journal.counts["items_known"], journal.counts["items_removed"]) == (1, 1)
    assert subjects(box.address) == ["Kept"]
    assert select("SELECT COUNT(*) FROM appointment_version")[0][0] == 2


def test_refused_sync_state_reads_the_calendar_again(task, box, server):
    for number in range(3):
        box.add(f"Appointment {number}", MONDAY)
    task.run()
    box.delete(box.add("Passing", MONDAY))
    server.store.invalidate_sync_states(server.store.mailbox(box.address).id)
    counts = task.run().counts
    assert counts["items_known"] == 3
    assert len(subjects(box.address)) == 3


def test_two_tasks_with_different_windows_agree(task, box, store):
    now = datetime.now(UTC).replace(microsecond=0)
    item = box.add("Old", now - timedelta(days=100))
    narrow = CalendarRun(task.mailbox, task.packs, definition=CalendarReplicationDefinition(days_back=10))
    narrow.run()
    task.run()
    narrow.run()
    assert subjects(box.address) == ["Old"]
    box.change(item, subject="Older")
    narrow.run()
    assert subjects(box.address) == ["Older"]
    passing = box.add("Passing", now)
    task.run()
    box.delete(passing)
    narrow.run()
    assert subjects(box.address) == ["Older"]


def test_stopped_pass_goes_on_from_the_last_batch(task, box):
    for number in range(20):
        box.add(f"Appointment {number:02}", MONDAY)
    task.limits = CalendarLimits(items=4)
    calls = iter(range(100))

    def stop_at_the_fifth() -> None:
        if next(calls) == 4:
            raise Stopped

    with pytest.raises(Stopped):
        task.run(RecordingJournal(at_boundary=stop_at_the_fifth))
    before = len(subjects(box.address))
    assert 0 < before < 20
    journal = task.run()
    assert journal.modes == [Mode.FULL]
    assert journal.counts["items_known"] == before
    assert len(subjects(box.address)) == 20
