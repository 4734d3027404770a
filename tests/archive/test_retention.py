"""When the archive lets a message go: the arithmetic of policies, stamps, limits and several mailboxes."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive.retention import Adjustment, Keeping, Limits, Stamp, keeping, last_to_let_go, leaves_view, nearest

RECEIVED = datetime(2024, 3, 30, 12, tzinfo=UTC)
UNLIMITED = Limits()


def days(number: float) -> datetime:
    return RECEIVED + timedelta(days=number)


def stamp(purge: float | None, *, expire: float | None = None, approved: bool = True, label: str = "") -> Stamp:
    dates = (None if each is None else days(each) for each in (expire, purge))
    return Stamp(label or f"purge {purge}", *dates, approved)


def kept(*stamps: Stamp, limits: Limits = UNLIMITED, default_approved: bool = True) -> Keeping:
    return keeping(RECEIVED, limits, stamps, default_approved=default_approved)


def test_without_default_and_stamps_nothing_ever_goes():
    assert kept().until is None


def test_the_default_retention_ends_so_many_days_after_receipt():
    assert kept(limits=Limits(default_days=10)) == Keeping(days(10), "the default retention of 10 days")


def test_a_stamp_shortens_and_lengthens_the_default():
    assert kept(stamp(5), limits=Limits(default_days=10)).until == days(5)
    assert kept(stamp(50), limits=Limits(default_days=10)).until == days(50)


def test_a_stamp_that_only_hides_leaves_the_default():
    assert kept(stamp(None, expire=3), limits=Limits(default_days=10)).until == days(10)


def test_of_several_stamps_the_last_allows():
    assert kept(stamp(5), stamp(50), stamp(20)) == Keeping(days(50), "purge 50")


def test_never_before_the_minimum():
    assert kept(stamp(5), limits=Limits(minimum_days=30)) == Keeping(days(30), "the minimum retention of 30 days")
    assert kept(limits=Limits(minimum_days=30, default_days=10)).until == days(30)


def test_a_stamp_that_nobody_approved_keeps_the_message():
    assert kept(stamp(5), stamp(9, approved=False)).until is None
    assert kept(stamp(90, approved=False), limits=Limits(default_days=10)).until is None


def test_a_default_that_nobody_approved_purges_nothing():
    assert kept(limits=Limits(default_days=10), default_approved=False).until is None


def test_the_last_mailbox_decides():
    early, late, never = Keeping(days(1), "a"), Keeping(days(2), "b"), Keeping(None, "c")
    assert last_to_let_go([early, late]) is late
    assert last_to_let_go([late, never, early]) is never
    assert last_to_let_go([]).until is None


def test_days_are_24_hours_whatever_the_zone_and_the_clock_change():
    berlin = timezone(timedelta(hours=2))
    there = Adjustment(expire_view_days=1, purge_days=2).dates(RECEIVED.astimezone(berlin))
    assert there == (RECEIVED + timedelta(hours=24), RECEIVED + timedelta(hours=48))
    assert Adjustment(purge_days=0).dates(RECEIVED) == (None, RECEIVED)


def test_a_message_leaves_the_view_when_all_stamps_say_so():
    assert leaves_view([]) is None
    assert leaves_view([stamp(None, expire=3), stamp(None, expire=7)]) == days(7)
    assert leaves_view([stamp(None, expire=3), stamp(9)]) is None


def test_the_nearest_policy_up_the_tree_wins():
    policies = {"top": 0, "inbox": 1, "projects": 2}
    assert nearest(["a", "projects", "inbox", "top"], policies) == 2
    assert nearest(["b", "inbox", "top"], policies) == 1
    assert nearest(["projects", "inbox"], policies) == 2
    assert nearest(["elsewhere"], policies) is None


def test_limits_say_what_is_wrong_with_a_policy():
    limits = Limits(minimum_days=10, maximum_days=100)
    assert "at least" in limits.objection(9)
    assert limits.objection(10) == limits.objection(100) == ""
    assert "at most" in limits.objection(101)


_stamps = st.lists(
    st.builds(stamp, st.none() | st.integers(0, 400), expire=st.none() | st.integers(0, 400), approved=st.booleans()),
    max_size=5,
)
_limits = st.builds(Limits, st.integers(0, 100), st.none(), st.none() | st.integers(0, 300))


@given(stamps=_stamps, limits=_limits, default_approved=st.booleans())
def test_no_combination_purges_earlier_than_any_rule_allows(stamps, limits, default_approved):
    until = kept(*stamps, limits=limits, default_approved=default_approved).until
    if until is None:
        return
    assert until >= days(limits.minimum_days)
    speaking = [each for each in stamps if each.purge is not None]
    assert all(each.approved and each.purge <= until for each in speaking)
    if not speaking:
        assert default_approved and limits.default_days is not None and until >= days(limits.default_days)


@given(stamps=_stamps, limits=_limits, more=_stamps)
def test_more_stamps_that_speak_never_purge_earlier(stamps, limits, more):
    speaking = [each for each in stamps if each.purge is not None]
    if not speaking:
        return
    before = kept(*speaking, limits=limits)
    after = kept(*speaking, *more, limits=limits)
    assert last_to_let_go([before, after]).until == after.until
