"""The running engine keeps the search index in step with the archive."""

from datetime import timedelta
from threading import Event

import pytest

from mse_tui.archive import indexing as module
from mse_tui.archive import search_index
from mse_tui.archive.burial import Buried, bury
from mse_tui.archive.indexing import GRACE, freshness
from mse_tui.archive.packs import Packs, seal
from mse_tui.archive.search_index import SearchIndex, open_index
from mse_tui.archive.search_query import parse
from mse_tui.archive.search_sources import Messages
from mse_tui.engine.index_rounds import IndexRounds
from mse_tui.store.database import writing
from mse_tui.store.models import Message
from tests.archive.conftest import ArchivedMailbox
from tests.engine.fakes import NOON, FakeClock, FakeFeature, tell, until
from tests.engine.test_executions import Held, new_task


def found(home, words):
    with open_index(home.search_index) as index:
        return [match.number for match in index.matches(parse(words), 1 << 62, 1000)]


def archived(*subjects):
    box = ArchivedMailbox(f"{subjects[0]}@contoso.example")
    with writing():
        messages = [Message.create(size=1, subject=subject) for subject in subjects]
        for message in messages:
            box.place(box.root, message, received=NOON)
    return [message.id for message in messages]


def test_what_is_archived_is_found_without_anybody_asking_for_it(bench):
    before = archived("before")
    with bench.engine():
        until(lambda: found(bench.home, "before") == before)
        after = archived("after")
        until(lambda: found(bench.home, "after") == after)


def test_it_goes_on_beside_an_execution_that_takes_long(bench):
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine():
        tell(task, "run now")
        held.entered.wait(5)
        late = archived("late")
        until(lambda: found(bench.home, "late") == late)
        held.let_go.set()


def test_an_archive_that_can_t_be_read_is_told_once_and_tried_again(bench, caplog):
    packs = Packs(bench.home.archive)
    with packs.writer() as writer:
        stored = writer.add(b"Subject: Offer\r\n\r\nsmall print\r\n")
        sealed = writer.finish()
    with writing():
        seal(sealed)
        Message.create(size=1, sha256=stored.sha256)
    elsewhere = packs.root.rename(packs.root.with_name("elsewhere"))
    with bench.engine():
        until(lambda: "not indexed for searching" in caplog.text)
        elsewhere.rename(packs.root)
        until(lambda: found(bench.home, "print"))
    assert caplog.text.count("not indexed for searching") == 1


class Busy:
    """Rounds driven by hand, with an execution that always runs; each message costs a quarter of a second."""

    def __init__(self, home, monkeypatch):
        self.home = home
        self.clock = FakeClock()
        self.runs = True
        self.renew()
        entries = Messages.entries

        def slowly(source, packs, wanted):
            for entry in entries(source, packs, wanted):
                self.clock.pass_time(0.25)
                yield entry

        monkeypatch.setattr(Messages, "entries", slowly)
        monkeypatch.setattr(module, "_COMPARED", 10)

    def renew(self):
        """The engine begins anew."""
        self.rounds = IndexRounds(
            Packs(self.home.archive), self.home.search_index, stopping=Event(), busy=lambda: self.runs,
            clock=self.clock, pause_seconds=0,
        )  # fmt: skip

    def turn(self):
        """Whether all that came is in the index."""
        return self.rounds._round()


@pytest.fixture
def busy(bench, monkeypatch):
    return Busy(bench.home, monkeypatch)


def test_while_executions_run_each_round_is_short_and_all_is_done_in_the_end(bench, busy):
    archived(*(f"message {number}" for number in range(20)))
    done = [(busy.turn(), len(found(bench.home, "message")))[1] for _ in range(6)]
    assert done == [5, 10, 15, 20, 20, 20]


def test_the_look_at_all_messages_goes_on_where_it_was(bench, busy):
    ids = archived(*(f"message {number}" for number in range(40)))
    while not busy.turn():
        pass
    Message.update(subject="changed").where(Message.id.in_(ids[::2])).execute()
    busy.rounds._walked = 0
    for _ in range(8):
        busy.turn()
    assert len(found(bench.home, "changed")) == 20
    assert busy.rounds._walked is None


def purge(message):
    with writing():
        bury(Buried(message, None, "test", NOON, NOON))


def words_left(home):
    return freshness(home.search_index).words_left


def test_words_of_what_is_purged_are_overwritten_at_once_though_executions_run(bench, busy):
    (gone,) = archived("xylophonequartet")
    archived(*(f"stays {number}" for number in range(30)))
    while not busy.turn():
        pass
    busy.rounds._walked = None
    purge(gone)
    for _ in range(3):
        busy.turn()
    assert b"onequartet" not in bench.home.search_index.read_bytes()
    assert words_left(bench.home) == 0
    assert len(found(bench.home, "stays")) == 30


def test_the_running_engine_overwrites_what_is_purged_beside_an_execution(bench):
    (gone,) = archived("xylophonequartet")
    held = Held()
    bench.feature = FakeFeature(held)
    task = new_task(bench)
    with bench.engine():
        tell(task, "run now")
        held.entered.wait(5)
        until(lambda: found(bench.home, "xylophonequartet") == [gone])
        purge(gone)
        until(lambda: words_left(bench.home) == 0 and not found(bench.home, "xylophonequartet"))
        until(lambda: b"onequartet" not in bench.home.search_index.read_bytes())
        held.let_go.set()


def test_words_that_an_engine_has_left_are_overwritten_by_the_next_one(bench, busy):
    (gone,) = archived("xylophonequartet")
    while not busy.turn():
        pass
    purge(gone)
    busy.rounds._indexing.run(0)
    assert words_left(bench.home) == 1
    busy.renew()
    for _ in range(3):
        busy.turn()
    assert words_left(bench.home) == 0


def test_overwriting_beside_an_execution_leaves_it_room_and_ends_with_the_engine(bench, busy, monkeypatch):
    (gone,) = archived("xylophonequartet")
    archived(*(f"stays {number}" for number in range(200)))
    while not busy.turn():
        pass
    purge(gone)
    rests = []
    monkeypatch.setattr(search_index, "_LOOK_STEPS", 1)
    monkeypatch.setattr(busy.rounds._stopping, "wait", rests.append)
    monkeypatch.setattr(busy.rounds._stopping, "is_set", lambda: len(rests) > 5)
    for _ in range(3):
        busy.turn()
    assert rests and all(0 < seconds < 1 for seconds in rests)
    assert words_left(bench.home) == 1
    monkeypatch.setattr(busy.rounds._stopping, "is_set", lambda: False)
    for _ in range(3):
        busy.turn()
    assert words_left(bench.home) == 0


def test_words_that_were_replaced_are_overwritten_a_day_later_when_no_execution_runs(bench, busy):
    archived("xylophonequartet")
    archived("stays")
    while not busy.turn():
        pass
    busy.turn()
    Message.update(subject="changed").where(Message.subject == "xylophonequartet").execute()
    busy.rounds._walked = 0
    busy.turn()
    assert words_left(bench.home) == 1
    busy.clock.pass_time((GRACE + timedelta(hours=1)).total_seconds())
    busy.rounds._walked = 0
    busy.turn()
    assert words_left(bench.home) == 1, "executions go first"
    busy.runs = False
    busy.turn()
    assert words_left(bench.home) == 0
    assert b"onequartet" not in bench.home.search_index.read_bytes()


def test_an_execution_that_begins_ends_the_overwriting_and_it_goes_on_afterwards(bench, busy, monkeypatch):
    archived("xylophonequartet")
    archived(*(f"stays {number}" for number in range(200)))
    while not busy.turn():
        pass
    busy.turn()
    Message.update(subject="changed").where(Message.subject == "xylophonequartet").execute()
    busy.rounds._walked = 0
    busy.turn()
    busy.clock.pass_time((GRACE + timedelta(hours=1)).total_seconds())
    rewrite, tried = SearchIndex._rewrite, []

    def begins(index):
        tried.append(index)
        busy.runs = len(tried) == 1
        rewrite(index)

    monkeypatch.setattr(SearchIndex, "_rewrite", begins)
    monkeypatch.setattr(search_index, "_LOOK_STEPS", 1)
    busy.runs = False
    busy.turn()
    assert words_left(bench.home) == 1
    busy.turn()
    assert len(tried) == 1, "the execution still runs"
    busy.runs = False
    busy.turn()
    assert len(tried) == 2
    assert words_left(bench.home) == 0


def test_a_site_that_wants_no_index_gets_none(bench):
    archived("word")
    with bench.engine(search_index=False) as engine:
        engine._thread("index").join(10)
        assert not engine._thread("index").is_alive()
    assert not bench.home.search_index.exists()
