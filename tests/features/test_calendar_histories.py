"""Random histories of a mailbox's calendars against the archive: after each whole pass the replica is the server."""

import itertools
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive.packs import Packs
from mse_tui.archive.passes import start_over
from mse_tui.archive.statements import select
from mse_tui.archive.verify import verify
from mse_tui.features.calendar_listing import CalendarLimits
from mse_tui.features.calendar_replication import CalendarReplicationDefinition
from mse_tui.features.feature import Stopped
from mse_tui.sandbox.ews.series import series_of
from mse_tui.sandbox.records import DeleteType
from tests.features.calendar_replicating import (
    CalendarRun,
    PracticeCalendars,
    opened,
    practice_server,
    replica,
    weekly,
)
from tests.features.replicating import RecordingJournal

pytestmark = pytest.mark.timeout(7200)

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
boxes = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with practice_server(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


class People:
    """What the mailbox's owner does, by dice."""

    def __init__(self, box: PracticeCalendars, dice: random.Random) -> None:
        self._box, self._dice = box, dice
        self._names = itertools.count(1)

    def act(self, what: str) -> None:
        getattr(self, f"_{what}")()

    def _item(self) -> int | None:
        items = [item for calendar in self._box.calendars() for item in self._box.items(calendar)]
        return self._dice.choice(items) if items else None

    def _calendar(self) -> int:
        return self._dice.choice(list(self._box.calendars()))

    def _start(self) -> datetime:
        return BEGAN + timedelta(days=self._dice.randrange(60), hours=self._dice.randrange(8))

    def _add(self) -> None:
        self._box.add(f"Appointment {next(self._names)}", self._start(), calendar=self._calendar())

    def _add_series(self) -> None:
        start = self._start()
        rule = weekly(start, count=self._dice.choice((0, 3, 6)))
        self._box.add(f"Series {next(self._names)}", start, calendar=self._calendar(), recurrence=rule)

    def _change(self) -> None:
        if (item := self._item()) is not None:
            self._box.change(item, subject=f"Changed {next(self._names)}")

    def _touch(self) -> None:
        if (item := self._item()) is not None:
            self._box.change(item, flag="NotFlagged")

    def _occurrence(self) -> tuple[int, str] | None:
        item = self._item()
        series = None if item is None else series_of(self._box.store, self._box.store.item(item))
        if item is None or series is None:
            return None
        starts = [each for each in itertools.islice(series.original_starts(), 3)
                  if series.overrides.get(each, {}) is not None]  # fmt: skip
        return (item, self._dice.choice(starts)) if len(starts) > 1 else None

    def _change_occurrence(self) -> None:
        if (found := self._occurrence()) is not None:
            item, start = found
            self._box.change_occurrence(
                item, datetime.fromisoformat(start), Subject=f"Exception {next(self._names)}",
                Start=f"{datetime.fromisoformat(start) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
                End=f"{datetime.fromisoformat(start) + timedelta(days=1, hours=1):%Y-%m-%dT%H:%M:%SZ}",
            )  # fmt: skip

    def _delete_occurrence(self) -> None:
        if (found := self._occurrence()) is not None:
            self._box.delete_occurrence(found[0], datetime.fromisoformat(found[1]))

    def _delete(self) -> None:
        if (item := self._item()) is not None:
            self._box.delete(item, self._dice.choice((DeleteType.HARD, DeleteType.MOVE)))

    def _move(self) -> None:
        if (item := self._item()) is not None:
            self._box.move(item, self._calendar())

    def _copy(self) -> None:
        if (item := self._item()) is not None:
            self._box.store.copy_item(item, self._calendar())

    def _add_calendar(self) -> None:
        if len(self._box.calendars()) < 4:
            self._box.add_calendar(f"Calendar {next(self._names)}")

    def _delete_calendar(self) -> None:
        others = [each for each in self._box.calendars() if each != self._box.default]
        if others:
            self._box.delete_calendar(self._dice.choice(others), self._dice.choice((DeleteType.HARD, DeleteType.MOVE)))

    def _refuse_states(self) -> None:
        self._box.store.invalidate_sync_states(self._box.store.mailbox(self._box.address).id)


ACTS = (
    "add", "add", "add", "add_series", "add_series", "change", "change", "touch", "change_occurrence",
    "change_occurrence", "delete_occurrence", "delete", "move", "copy", "add_calendar", "delete_calendar",
    "refuse_states",
)  # fmt: skip
PASSES = ("pass", "pass", "pass of the other", "interrupted pass", "interrupted pass of the other", "full resync")


class Life:
    """One mailbox and two tasks over it: all calendars, and the default one only."""

    def __init__(self, box: PracticeCalendars, mailbox, packs: Packs, dice: random.Random) -> None:
        self.box, self.packs, self.dice = box, packs, dice
        self.people = People(box, dice)
        limits = CalendarLimits(items=3)
        everything = CalendarReplicationDefinition(calendars="all calendars")
        self.tasks = [CalendarRun(mailbox, packs, definition=everything, limits=limits),
                      CalendarRun(mailbox, packs, limits=limits)]  # fmt: skip

    def live(self, event: str) -> None:
        if event == "full resync":
            start_over(self.dice.choice(self.tasks).task.id)
        elif event.startswith("interrupted"):
            self._interrupted(self.tasks["other" in event])
        elif event.startswith("pass"):
            self.whole(self.tasks["other" in event])
        else:
            self.people.act(event)

    def whole(self, task: CalendarRun) -> None:
        """A pass to its end: what it covers is as on the server."""
        journal = task.run()
        assert journal.failures == []
        every = task is self.tasks[0]
        shown = replica(self.packs, self.box.address)
        default = self.box.calendars()[self.box.default]
        assert [each for each in shown if every or each[0] == default] == self.box.truth(all_calendars=every)

    def _interrupted(self, task: CalendarRun) -> None:
        left = iter(range(self.dice.randrange(6), -1, -1))

        def stop() -> None:
            if next(left, 0) == 0:
                raise Stopped

        with suppress(Stopped):
            task.run(RecordingJournal(at_boundary=stop))

    def end(self) -> None:
        """Both tasks run to their end; then nothing is left to do, and everything kept is whole."""
        for task in reversed(self.tasks):
            self.whole(task)
        sequences = [task.sequence for task in self.tasks]
        for task in self.tasks:
            task.run()
        assert [task.sequence for task in self.tasks] == sequences, "an unchanged pass submitted something"
        assert select("SELECT COUNT(*) FROM calendar_removal")[0][0] == 0
        assert verify(self.packs, read_data=True).findings == []


@given(
    events=st.lists(st.sampled_from((*ACTS, *ACTS, *PASSES)), min_size=5, max_size=40),
    seed=st.integers(0, 2**32 - 1),
)
def test_history(store, server, events, seed):
    box = PracticeCalendars(server, f"history{next(boxes)}")
    with opened(server, box.address) as mailbox:
        life = Life(box, mailbox, Packs(store.archive), random.Random(seed))
        for event in events:
            life.live(event)
        life.end()
