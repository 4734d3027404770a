"""A commit that failed before anything was entered is a failure, whatever another run has done meanwhile."""

import pytest
from peewee import DatabaseError, OperationalError

from mse_tui.archive.calendar_ledger import CalendarLedger
from mse_tui.archive.calendar_passes import enter_calendars
from mse_tui.archive.calendar_reading import CalendarPart
from mse_tui.archive.fence import NoFence
from mse_tui.archive.ledger import Ledger, PassKey
from mse_tui.archive.packs import Packs
from mse_tui.archive.passes import begin_pass
from mse_tui.archive.reading import FolderPart, FolderReading
from mse_tui.exchange.calendars import CalendarRow
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.store.calendars import CalendarCheckpoint
from mse_tui.store.models import Checkpoint
from tests.archive.conftest import ArchivedMailbox
from tests.features.replicating import make_task


class BrokenFence:
    def check(self) -> None:
        raise OperationalError("database is locked")


def test_folders_that_another_run_has_moved_on(packs: Packs) -> None:
    box, task = ArchivedMailbox(), make_task()
    checkpoint = Checkpoint.create(task=task, mailbox=box.row, area="primary", folder=box.root, batch=1)
    reading = FolderReading(box.root.id, checkpoint.id, "F", "Inbox", None, batch=0, enumerating=True)
    ledger = Ledger(PassKey(task.id, box.row.id, 1), packs, BrokenFence(), wants_content=True)
    with pytest.raises(DatabaseError):
        ledger.commit([FolderPart(reading, removed=["gone"], state="1", last=True)])
    assert (reading.batch, reading.state, reading.enumerating) == (0, None, True)


def test_a_calendar_that_another_run_has_moved_on(packs: Packs) -> None:
    identity = MailboxIdentity("guid", "ann@example.test", "Ann")
    record = begin_pass(make_task().id, identity, NoFence(), of_folders=False)
    row = CalendarRow("C", "Calendar", is_default=True)
    [reading] = enter_calendars(record.key, [row], NoFence(), all_calendars=False).readings
    CalendarCheckpoint.update(batch=reading.batch + 1).execute()
    ledger = CalendarLedger(record.key, packs, BrokenFence(), wants_attachments=True)
    with pytest.raises(DatabaseError):
        ledger.commit(CalendarPart(reading, [], ("gone",), "1", last=True))
    assert (reading.batch, reading.state, reading.enumerating) == (0, None, True)
