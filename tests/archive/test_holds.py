"""Which messages a litigation hold covers."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from mse_tui.archive.holds import HoldScope, HoldSearch, held_anywhere, held_in, holds, on_hold
from mse_tui.store.database import now
from mse_tui.store.retention import Hold
from tests.archive.conftest import ArchivedMailbox, message_of

MARCH = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def ann(store) -> ArchivedMailbox:
    return ArchivedMailbox("ann@contoso.example")


@pytest.fixture
def bob(store) -> ArchivedMailbox:
    return ArchivedMailbox("bob@contoso.example")


def hold(scope: HoldScope, *, mailbox=None, message=None, search: HoldSearch | None = None) -> Hold:
    text = search.model_dump_json() if search else ""
    return Hold.create(
        name="Case 7", scope=scope, mailbox=mailbox, message=message, search=text, placed=now(), placed_by="eve"
    )


def placed(box: ArchivedMailbox, content: bytes, received: datetime | None = MARCH, **fields: object) -> int:
    message = message_of(content, **fields)
    box.place(box.root, message, received=received)
    return int(message.id)


def test_nothing_is_on_hold_where_there_is_none(ann):
    assert on_hold(ann.row.id, placed(ann, b"a")) is None


def test_a_hold_on_the_archive_covers_everything(ann, bob):
    hold(HoldScope.ARCHIVE)
    assert on_hold(ann.row.id, placed(ann, b"a")) and on_hold(bob.row.id, placed(bob, b"b"))


def test_a_hold_on_a_mailbox_covers_what_it_has(ann, bob):
    hold(HoldScope.MAILBOX, mailbox=ann.row)
    shared, own = placed(ann, b"shared"), placed(bob, b"own")
    placed(bob, b"shared")
    assert on_hold(ann.row.id, shared)
    assert on_hold(bob.row.id, shared) is None, "Bob may delete his copy in Exchange"
    assert set(held_anywhere([shared, own])) == {shared}, "but the archive keeps it for Ann"


def test_a_hold_on_a_message_covers_it_in_every_mailbox(ann, bob):
    message = placed(ann, b"a")
    placed(bob, b"a")
    hold(HoldScope.MESSAGE, message=message)
    assert on_hold(ann.row.id, message) and on_hold(bob.row.id, message)
    assert on_hold(ann.row.id, placed(ann, b"b")) is None


@pytest.mark.parametrize(
    ("search", "covered"),
    [
        (HoldSearch(sender="EVIL"), True),
        (HoldSearch(subject="straße"), True),
        (HoldSearch(subject="STRASSE"), True),
        (HoldSearch(recipients="press", sender="evil"), True),
        (HoldSearch(recipients="press", sender="good"), False),
        (HoldSearch(received_from=MARCH), True),
        (HoldSearch(received_until=MARCH), False),
        (HoldSearch(received_until=MARCH + timedelta(microseconds=1)), True),
        (HoldSearch(received_from=MARCH + timedelta(microseconds=1)), False),
        (HoldSearch(received_from=datetime.fromisoformat("2024-03-01T01:00:00+01:00")), True),
        (HoldSearch(received_from=datetime.fromisoformat("2024-03-01T00:00:00-00:30")), False),
    ],
)
def test_a_search_hold_covers_what_meets_all_of_it(ann, search, covered):
    message = placed(ann, b"a", sender="evil@contoso.example", subject="Die Straße", recipients="Press; Board")
    hold(HoldScope.SEARCH, search=search)
    assert bool(on_hold(ann.row.id, message)) is covered


def test_a_search_hold_covers_what_comes_later_and_what_has_no_date(ann):
    hold(HoldScope.SEARCH, search=HoldSearch(sender="evil", received_from=MARCH))
    assert on_hold(ann.row.id, placed(ann, b"later", MARCH, sender="evil@x.example"))
    assert on_hold(ann.row.id, placed(ann, b"undated", None, sender="evil@x.example"))


def test_a_search_within_a_mailbox_stays_in_it(ann, bob):
    message = placed(ann, b"a", sender="evil@x.example")
    placed(bob, b"a")
    hold(HoldScope.SEARCH, mailbox=ann.row, search=HoldSearch(sender="evil"))
    assert on_hold(ann.row.id, message)
    assert on_hold(bob.row.id, message) is None


def test_a_search_for_nothing_is_refused(store):
    with pytest.raises(ValidationError, match="at least one"):
        HoldSearch()


def test_a_lifted_hold_covers_nothing_and_is_still_listed(ann):
    placed_hold = hold(HoldScope.ARCHIVE)
    Hold.update(lifted=now(), lifted_by="eve").where(Hold.id == placed_hold.id).execute()
    assert on_hold(ann.row.id, placed(ann, b"a")) is None
    assert holds() == []
    assert [each.lifted_by for each in holds(lifted=True)] == ["eve"]


def test_many_messages_are_looked_at_in_one_go(ann):
    ids = [placed(ann, b"%d" % number, sender=f"{number}@x.example") for number in range(900)]
    hold(HoldScope.SEARCH, search=HoldSearch(sender="77@x"))
    assert set(held_in(ann.row.id, ids)) == {ids[number] for number in (77, 177, 277, 377, 477, 577, 677, 777, 877)}
