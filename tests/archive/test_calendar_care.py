"""Housekeeping and verification know what calendars need."""

from datetime import UTC, datetime, timedelta

from mse_tui.archive.calendar_views import appointments, contents, versions
from mse_tui.archive.compaction import Compaction
from mse_tui.archive.packs import Packs
from mse_tui.archive.verify import verify
from mse_tui.archive.views import View
from mse_tui.exchange.calendars import Appointment, Attachment, AttachmentContent, Event
from mse_tui.reasons import Reason
from tests.archive.archived_calendar import ArchivedCalendar
from tests.archive.conftest import age, age_files

MONDAY = datetime(2026, 3, 23, 8, tzinfo=UTC)
PAPER = AttachmentContent(Attachment("a", "plan.pdf", "application/pdf", 4), b"%PDF")


def meeting(subject: str, remote_id: str = "1") -> Appointment:
    event = Event(remote_id, MONDAY, MONDAY + timedelta(hours=1), subject=subject, attachments=(PAPER.attachment,))
    return Appointment(remote_id, subject, event, None, (), (), (PAPER,), b"<original/>", event.ends)


def test_housekeeping_keeps_every_version_with_its_attachments(packs: Packs) -> None:
    box = ArchivedCalendar(packs)
    for number in range(40):
        box.enter(meeting(f"Meeting {number}"))
    for _ in range(3):
        age()
        age_files(packs)
        Compaction(packs).run()
    [row] = appointments([box.calendar_id], View.live())
    every = versions(row.appointment_id)
    assert len(every) == 40
    for version in every:
        kept = [packs.read(each.sha256) for each in contents(version.version_id)]
        assert kept[1:] == [b"<original/>", b"%PDF"]
        assert version.subject.encode() in kept[0]
    assert verify(packs, read_data=True).findings == []


def test_an_attachment_that_versions_share_is_stored_once(packs: Packs) -> None:
    box = ArchivedCalendar(packs)
    box.enter(meeting("One"), meeting("Two", "2"))
    box.enter(meeting("One, later"))
    digests = {each.sha256 for row in appointments([box.calendar_id], View.full()) for each in contents(row.version_id)}
    assert verify(packs, read_data=True).contents == len(digests) == 5, "three calendars, one original, one paper"


def test_lost_content_is_named_by_its_appointment(packs: Packs) -> None:
    box = ArchivedCalendar(packs)
    box.enter(meeting("Lost meeting"))
    [row] = appointments([box.calendar_id], View.live())
    box.lose(contents(row.version_id)[0].sha256)
    [finding] = verify(packs).findings
    assert finding.reason is Reason.CONTENT_MISSING
    assert finding.messages == ("ann@example.test: Lost meeting",)


def test_deleted_appointments_are_history(packs: Packs) -> None:
    box = ArchivedCalendar(packs)
    box.enter(meeting("Gone soon"))
    [row] = appointments([box.calendar_id], View.live())
    box.enter(removed=("1",))
    assert appointments([box.calendar_id], View.live()) == []
    [was] = appointments([box.calendar_id], View.as_of(row.opened))
    assert was.subject == "Gone soon"
    assert was.closed is not None
