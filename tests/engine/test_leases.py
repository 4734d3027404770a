"""Leases: one holder at a time, dead ones replaced, and fences that grow."""

import subprocess
import sys
from datetime import timedelta

import pytest
from peewee import DatabaseError

from mse_tui.engine.leases import Leases, Renewer
from mse_tui.engine.locks import MailboxLocks, Waiting
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import database, writing
from mse_tui.store.models import Definition, Lease, Schedule
from mse_tui.store.processes import Process, this_process
from tests.engine.fakes import FakeClock, RunningClock, make_definition, make_schedule, make_site, make_task, until

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def clock():
    return FakeClock()


def owner(clock, name, process=None):
    return Leases(name, now=clock.now, clock=clock, process=process)


def test_only_one_owner_holds_a_lease(clock):
    ours, theirs = owner(clock, "ours"), owner(clock, "theirs")
    held = ours.take("mailbox:1", "task A")
    assert held is not None
    assert theirs.take("mailbox:1", "task B") is None
    assert theirs.holder("mailbox:1") == "task A"
    held.release()
    assert theirs.take("mailbox:1", "task B") is not None


def test_a_lease_that_ran_out_can_be_taken_and_its_old_holder_commits_nothing_more(clock):
    ours, theirs = owner(clock, "ours"), owner(clock, "theirs")
    first = ours.take("mailbox:1", "task A", seconds=30)
    clock.pass_time(31)
    second = theirs.take("mailbox:1", "task B", seconds=30)
    assert second.fence > first.fence
    with pytest.raises(Problem) as lost, writing():
        first.check()
    assert lost.value.reason is Reason.LEASE_LOST
    assert not ours.renew(first)
    with writing():
        second.check()


def test_an_expired_lease_is_no_proof_even_if_nobody_took_it(clock):
    held = owner(clock, "ours").take("mailbox:1", "task A", seconds=30)
    clock.pass_time(30)
    with pytest.raises(Problem):
        held.check()


def test_renewing_puts_the_end_off(clock):
    ours = owner(clock, "ours")
    held = ours.take("mailbox:1", "task A", seconds=30)
    clock.pass_time(20)
    assert ours.renew(held)
    clock.pass_time(20)
    held.check()


def test_giving_back_a_lost_lease_leaves_the_new_holder_alone(clock):
    ours, theirs = owner(clock, "ours"), owner(clock, "theirs")
    first = ours.take("mailbox:1", "task A", seconds=30)
    clock.pass_time(31)
    second = theirs.take("mailbox:1", "task B")
    first.release()
    second.check()


def test_a_lease_given_back_while_it_is_renewed_is_no_loss(clock):
    """The renewer works off a list: what is on it may be given back before its turn comes."""
    ours = owner(clock, "ours")
    ended = ours.take("task:1", "us")
    ended.release()
    assert ours.renew(ended)
    begun = ours.take("task:1", "us again")
    assert ours.renew(ended)
    assert not ended.lost
    begun.check()


def test_the_fence_grows_at_every_taking(clock):
    ours = owner(clock, "ours")
    fences = []
    for _ in range(3):
        held = ours.take("task:1", "task")
        fences.append(held.fence)
        held.release()
    assert fences == sorted(set(fences))


def test_a_dead_process_on_this_host_is_replaced_at_once(clock):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    here = this_process()
    started = int(Process(here.host, child.pid, 1).is_known_dead())  # a wrong start time: another process by then
    assert started == 1
    alive = owner(clock, "child", Process(here.host, child.pid, 0))
    assert alive.take("task:1", "the child") is not None
    ours = owner(clock, "ours")
    assert ours.take("task:1", "us") is None
    child.kill()
    child.wait()
    assert ours.take("task:1", "us") is not None


def test_a_process_on_another_host_is_waited_for(clock):
    theirs = owner(clock, "theirs", Process("elsewhere", 2**22 + 1, 1))
    ours = owner(clock, "ours")
    assert theirs.take("task:1", "them", seconds=30) is not None
    assert ours.take("task:1", "us") is None
    clock.pass_time(31)
    assert ours.take("task:1", "us") is not None


def test_this_process_is_alive():
    assert not this_process().is_known_dead()


def test_the_renewer_keeps_leases_and_tells_of_lost_ones():
    clock = RunningClock()
    ours = Leases("ours")
    kept = ours.take("task:1", "us", seconds=0.6)
    taken_over = ours.take("task:2", "us", seconds=60)
    Lease.update(owner="theirs", fence=taken_over.fence + 1).where(Lease.key == "task:2").execute()
    lost = []
    renewer = Renewer(ours, lost.append, clock=clock, every=0.1)
    renewer.start()
    try:
        until(lambda: lost == [taken_over])
        first_end = Lease.get_by_id("task:1").until
        until(lambda: Lease.get_by_id("task:1").until > first_end + timedelta(seconds=0.8))
        kept.check()
        assert taken_over.lost
        assert not kept.lost
    finally:
        renewer.stop()


def test_leases_are_renewed_at_once_when_the_clock_is_set_forth():
    clock = RunningClock()
    ours = Leases("ours", now=clock.now)
    held = ours.take("task:1", "us", seconds=30)
    renewer = Renewer(ours, lambda _: None, clock=clock, every=3600)
    renewer.start()
    try:
        clock.offset += timedelta(hours=1)
        until(lambda: Lease.get_by_id("task:1").until > clock.now(), seconds=5)
        held.check()
    finally:
        renewer.stop()


def test_a_mailbox_whose_taking_was_not_committed_is_not_held():
    site, ours = make_site(), Leases("ours")
    task = make_task(site, make_schedule(), make_definition())
    locks = MailboxLocks(ours)
    other = locks.take("guid", make_task(site, Schedule.get(), Definition.get(), description="Other").id, "'Other'")
    assert isinstance(locks.take("guid", task.id, "'Sales'"), Waiting)
    other.release()
    database.execute_sql(
        "CREATE TRIGGER full BEFORE DELETE ON lock_wait BEGIN SELECT RAISE(ABORT, 'database is full'); END"
    )
    with pytest.raises(DatabaseError):
        locks.take("guid", task.id, "'Sales'")
    assert ours.held() == []
    database.execute_sql("DROP TRIGGER full")
    assert not isinstance(locks.take("guid", task.id, "'Sales'"), Waiting)
