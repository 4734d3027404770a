"""Resolved groups are kept for an hour, and nothing planted in the cache is ever unpickled."""

import os
import pickle
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Event

import pytest

from mse_tui.directory.directory import Group, GroupReference, Member, Membership, SkippedEntry
from mse_tui.engine.group_cache import GroupCache
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import GroupKind
from tests.engine.fakes import FakeClock

GROUP = GroupReference("group")


class FakeDirectory:
    def __init__(self, clock):
        self.clock = clock
        self.asked = 0
        self.group = None
        self.problem = None
        self.included = (Member("anna@example.com", "Anna", "user", "a@example.com"),)

    def resolve(self, group):
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        skipped = (SkippedEntry("x", Reason.ADDRESS_INVALID, "no address"),)
        kind = GroupKind.ADDRESSES if self.group is None else GroupKind.ACTIVE_DIRECTORY
        return Membership(self.included, skipped, self.clock.now(), "by hand", kind, self.group)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def source(clock):
    return FakeDirectory(clock)


@pytest.fixture
def cache(tmp_path, clock, source):
    found = GroupCache(tmp_path / "groups", source, now=clock.now)
    yield found
    found.close()


def test_an_answer_is_kept_for_an_hour(cache, source, clock):
    first = cache.resolve(GROUP)
    clock.pass_time(3599)
    assert cache.resolve(GroupReference(" group ")) == first
    assert source.asked == 1
    clock.pass_time(1)
    assert cache.resolve(GROUP).resolved_at == clock.now()
    assert source.asked == 2


def test_who_only_looks_leaves_nothing_behind(cache, source, clock):
    cache.look(GROUP, fresh=False)
    assert source.asked == 1 and cache.kept(GROUP) is None
    kept = cache.resolve(GROUP)
    assert cache.look(GROUP, fresh=False) == kept and source.asked == 2
    clock.pass_time(60)
    assert cache.look(GROUP, fresh=True).resolved_at == clock.now() and source.asked == 3
    source.included = ()
    assert cache.look(GROUP, fresh=True).included == ()
    assert cache.kept(GROUP) == kept


def test_an_answer_survives_a_restart_but_not_another_site(cache, source, clock, tmp_path):
    cache.resolve(GROUP)
    again = GroupCache(tmp_path / "groups", source, now=clock.now)
    assert again.resolve(GROUP).included == source.included
    assert source.asked == 1
    other = GroupCache(tmp_path / "groups", source, scope="OTHER", now=clock.now)
    other.resolve(GROUP)
    assert source.asked == 2
    again.close()
    other.close()


def test_refreshing_asks_at_once(cache, source):
    cache.resolve(GROUP)
    cache.refresh(GROUP)
    assert source.asked == 2


def test_a_group_is_known_by_what_was_given_and_by_its_key(cache, source):
    source.group = Group("guid", "Sales", where="CN=Sales,DC=example,DC=com")
    found = cache.resolve(GROUP)
    assert found.group == source.group
    assert cache.resolve(found.reference(GROUP.text)) == found
    assert source.asked == 1
    renamed = GroupReference("another text", GroupKind.ACTIVE_DIRECTORY, "guid")
    assert cache.resolve(renamed) == found
    cache.resolve(GroupReference("another text", GroupKind.MICROSOFT_365, "guid"))
    assert source.asked == 2


def test_a_slow_group_keeps_only_those_waiting_who_ask_about_it(tmp_path, clock):
    asked, let_go = Event(), Event()

    class Slow(FakeDirectory):
        def resolve(self, group):
            if group == GROUP:
                asked.set()
                assert let_go.wait(10)
            return super().resolve(group)

    source = Slow(clock)
    cache = GroupCache(tmp_path / "groups", source, now=clock.now)
    with ThreadPoolExecutor(3) as threads:
        same = [threads.submit(cache.resolve, GROUP) for _ in range(2)]
        assert asked.wait(10)
        other = threads.submit(cache.resolve, GroupReference("other"))
        assert other.result(10).included == source.included
        let_go.set()
        assert {one.result(10).resolved_at for one in same} == {clock.now()}
    assert source.asked == 2
    cache.close()


def test_empty_answers_are_not_kept(cache, source):
    source.included = ()
    cache.resolve(GROUP)
    cache.resolve(GROUP)
    assert source.asked == 2


@pytest.mark.parametrize("gone", [False, True])
def test_a_group_found_empty_or_gone_is_not_kept_as_it_was_before(cache, source, gone):
    cache.resolve(GROUP)
    source.included = ()
    source.problem = Problem(Reason.GROUP_NOT_FOUND, "Gone.") if gone else None
    with suppress(Problem):
        cache.refresh(GROUP)
    assert cache.kept(GROUP) is None


def test_an_answer_from_the_future_is_not_used(cache, source, clock):
    cache.resolve(GROUP)
    clock.set(clock.now() - timedelta(days=1))
    cache.resolve(GROUP)
    assert source.asked == 2


class Planted:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


@pytest.mark.parametrize("column", ["value", "key", "file"])
def test_planted_rows_are_refused_and_replaced(cache, source, clock, tmp_path, column):
    cache.resolve(GROUP)
    mark = tmp_path / "unpickled"
    poison = sqlite3.Binary(pickle.dumps(Planted(mark)))
    with sqlite3.connect(tmp_path / "groups" / "cache.db") as rows:
        if column == "value":
            rows.execute("UPDATE Cache SET value = ?, mode = 4", (poison,))
        elif column == "key":
            rows.execute("UPDATE Cache SET key = ?, raw = 0", (poison,))
        else:
            (tmp_path / "groups" / "planted").write_bytes(pickle.dumps(Planted(mark)))
            rows.execute("UPDATE Cache SET value = NULL, mode = 4, filename = 'planted'")
    assert cache.resolve(GROUP).included == source.included
    assert source.asked == 2
    assert not mark.exists()


def test_a_damaged_cache_only_costs_asking_again(tmp_path, source, clock):
    first = GroupCache(tmp_path / "groups", source, now=clock.now)
    first.resolve(GROUP)
    first.close()
    for name in ("cache.db-wal", "cache.db-shm"):
        (tmp_path / "groups" / name).unlink(missing_ok=True)
    (tmp_path / "groups" / "cache.db").write_bytes(b"not a database" * 1000)
    again = GroupCache(tmp_path / "groups", source, now=clock.now)
    assert again.resolve(GROUP).included == source.included
    again.close()


def test_a_cache_that_others_may_write_is_refused(tmp_path, source):
    (tmp_path / "groups").mkdir(mode=0o777)
    (tmp_path / "groups").chmod(0o777)
    with pytest.raises(Problem) as refused:
        GroupCache(tmp_path / "groups", source)
    assert refused.value.reason is Reason.HOME_UNSAFE
