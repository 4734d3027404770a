"""Appointments are found as messages are: by what they say, in their calendars, by who may see them."""

from datetime import UTC, datetime, timedelta

import pytest

from mse_tui.access.grants import FolderKey, give
from mse_tui.access.rights import Right
from mse_tui.access.sight import ADMINISTRATOR, sight_of
from mse_tui.archive.indexing import Indexing, freshness
from mse_tui.archive.packs import Packs
from mse_tui.archive.search import Hit, Search, search
from mse_tui.archive.search_query import parse
from mse_tui.archive.views import View
from mse_tui.exchange.calendars import Appointment, Attachment, AttachmentContent, Attendee, Event, Response, Role
from mse_tui.home import Home
from mse_tui.store.calendars import AppointmentContent, Calendar
from mse_tui.store.models import Message, from_micros
from tests.archive.archived_calendar import ArchivedCalendar
from tests.archive.conftest import ArchivedMailbox

MONDAY = datetime(2026, 3, 23, 8, tzinfo=UTC)
PLAN = AttachmentContent(Attachment("a", "floor plan.pdf", "application/pdf", 4), b"%PDF")


def meeting(subject: str, remote_id: str = "1", **fields: object) -> Appointment:
    event = Event(
        remote_id, MONDAY, MONDAY + timedelta(hours=1), subject=subject, attachments=(PLAN.attachment,), **fields
    )  # type: ignore[arg-type]
    return Appointment(remote_id, subject, event, None, (), (), (PLAN,), b"<original/>", event.ends)


class Archive:
    """Ann's calendar and its index."""

    def __init__(self, home: Home, packs: Packs) -> None:
        self._path, self._packs = home.search_index, packs
        self.calendar = ArchivedCalendar(packs)

    def index(self, above: int | None = None) -> int:
        return Indexing(self._packs, self._path).run(above).indexed

    def hits(self, text: str, *, person: str = "", view: View | None = None) -> list[Hit]:
        box = self.calendar.mailbox_id
        sights = {box: sight_of(person, box) if person else ADMINISTRATOR}
        return list(search(self._path, self._packs, Search(parse(text), sights, view or View.full())).hits)

    def found(self, text: str, **options: object) -> list[str]:
        return [hit.subject for hit in self.hits(text, **options)]  # type: ignore[arg-type]

    def waiting(self) -> int:
        return freshness(self._path).waiting


@pytest.fixture
def archive(store: Home, packs: Packs) -> Archive:
    return Archive(store, packs)


def test_an_appointment_is_found_by_what_it_says(archive: Archive) -> None:
    bob = Attendee("Bob Müller", "bob@example.test", Role.REQUIRED, Response.ACCEPTED)
    archive.calendar.enter(
        meeting("Budget review", location="Room Bergen", body="bring the ledger", attendees=(bob,)),
        meeting("Lunch", "2"),
    )
    assert archive.waiting() == 2
    assert archive.index() == 2
    for words in (
        "budget", "subject:review", "bergen", "ledger", "to:muller", "to:bob@example.test", "in:calendar budget",
        'attachment:"floor plan" ledger', "after:2026-03-23 before:2026-03-24 budget",
    ):  # fmt: skip
        assert archive.found(words) == ["Budget review"], words
    for words in ("budget lunch", "subject:ledger", "before:2026-03-23 budget", "in:team budget"):
        assert archive.found(words) == [], words
    (hit,) = archive.hits("ledger")
    assert (hit.is_appointment, hit.folder, hit.received, hit.closed) == (True, "Calendar", MONDAY, None)
    assert "bring the ledger" in hit.snippet
    assert archive.waiting() == 0


def test_an_appointment_is_found_as_it_is_not_as_it_was(archive: Archive) -> None:
    record = archive.calendar.enter(meeting("Before"))
    archive.calendar.enter(meeting("After"))
    archive.index()
    assert archive.found("before") == []
    assert archive.found("after") == ["After"]
    assert archive.found("before", view=View.as_of(from_micros(record.key.stamp))) == ["Before"]
    archive.calendar.enter(removed=("1",))
    (gone,) = archive.hits("after")
    assert gone.closed is not None
    assert archive.found("after", view=View.live()) == []


def test_a_person_finds_in_calendars_what_they_may_read(archive: Archive) -> None:
    archive.calendar.enter(meeting("Open word"), meeting("Private word", "2", sensitivity="Private"))
    archive.index()
    box, key = archive.calendar.mailbox_id, FolderKey("primary", Calendar.get().remote_id)
    give(box, "bob@example.test", who="t", folder=key, path="Calendar")
    give(box, "carl@example.test", who="t", folder=key, path="Calendar", right=Right.OUTLINE)
    give(box, "dora@example.test", who="t")
    assert sorted(archive.found("word", person="ann@example.test")) == ["Open word", "Private word"]
    assert archive.found("word", person="bob@example.test") == ["Open word"]
    assert archive.found("word", person="carl@example.test") == []
    assert archive.found("word", person="dora@example.test") == ["Open word"]
    assert archive.found("word", person="eve@example.test") == []


def test_messages_and_appointments_come_in_one_order(archive: Archive) -> None:
    archive.calendar.enter(meeting("Appointment word"))
    box = ArchivedMailbox("other@example.test")
    box.row = type(box.row).get_by_id(archive.calendar.mailbox_id)
    inbox = box.folder("Inbox", None)
    for days in (-1, 1):
        box.place(inbox, Message.create(size=1, subject=f"Message word {days}"), received=MONDAY + timedelta(days=days))
    archive.index()
    assert archive.found("word") == ["Message word 1", "Appointment word", "Message word -1"]
    assert archive.index() == archive.index(above=0) == 0


def test_an_appointment_whose_content_is_lost_is_found_by_what_the_ledger_shows(archive: Archive) -> None:
    archive.calendar.enter(meeting("Lost", location="Oslo", body="ledger"))
    archive.calendar.lose(bytes(AppointmentContent.get(AppointmentContent.position == 0).sha256))
    archive.index()
    assert archive.found("lost oslo") == ["Lost"]
    assert archive.found("ledger") == []
