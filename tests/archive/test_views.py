"""What the views show is what lay there."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mse_tui.archive import views
from mse_tui.archive.views import View
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import FolderPlace, Message, Placement, from_micros
from tests.archive.conftest import ArchivedMailbox

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def rename(folder: object, name: str, at: int, parent: object = ...) -> None:
    place = FolderPlace.get(FolderPlace.folder == folder, FolderPlace.closed.is_null())
    FolderPlace.update(closed=at).where(FolderPlace.id == place.id).execute()
    FolderPlace.create(folder=folder, parent=place.parent if parent is ... else parent, name=name, opened=at)


def paths(box: ArchivedMailbox, view: View) -> list[str]:
    return [row.path for row in views.folders(box.row.id, view)]


def at(stamp: int) -> View:
    return View.as_of(from_micros(stamp))


@pytest.fixture
def box(store: Home) -> ArchivedMailbox:
    return ArchivedMailbox()


def test_a_tree_in_order_with_paths_counts_and_sizes(box: ArchivedMailbox) -> None:
    inbox = box.folder("Inbox", box.root)
    box.folder("archive", box.root)
    below = box.folder("Ünder", inbox)
    for size in (10, 20):
        box.place(below, Message.create(sha256=None, size=size))
    rows = views.folders(box.row.id, View.live(), sizes=True)
    assert [(row.path, row.depth, row.messages, row.bytes) for row in rows] == [
        ("", 0, 0, 0), ("archive", 0, 0, 0), ("Inbox", 0, 0, 0), ("Inbox/Ünder", 1, 2, 30),
    ]  # fmt: skip
    assert [row.bytes for row in views.folders(box.row.id, View.live())] == [0, 0, 0, 0]
    assert rows[3].parent_id == inbox.id
    assert views.folder(box.row.id, "inbox/ünder", View.live()).id == below.id
    assert views.folder(box.row.id, str(below.id), View.live()).messages == 2


def test_the_inbox_stands_first_and_what_people_made_behind_what_every_mailbox_has(box: ArchivedMailbox) -> None:
    for name, distinguished in (
        ("Archiv", ""), ("Gelöschte Elemente", "deleteditems"), ("Gesendete Elemente", "sentitems"),
        ("Posteingang", "inbox"), ("Notizen", "notes"),
    ):  # fmt: skip
        made = box.folder(name, box.root)
        type(made).update(distinguished=distinguished).where(type(made).id == made.id).execute()
    expected = ["", "Posteingang", "Gesendete Elemente", "Gelöschte Elemente", "Archiv", "Notizen"]
    assert paths(box, View.live()) == expected


def test_a_folder_that_moves_and_is_renamed(box: ArchivedMailbox) -> None:
    old, new = box.folder("Old", box.root), box.folder("New", box.root)
    child = box.folder("Child", old, opened=5)
    rename(child, "Kid", 10, new)
    rename(new, "Newer", 20)
    assert "Old/Child" in paths(box, at(9)) and "Newer/Kid" not in paths(box, at(9))
    assert "New/Kid" in paths(box, at(10)) and "New/Kid" in paths(box, at(19))
    assert "Newer/Kid" in paths(box, at(20)) == paths(box, View.live()) == paths(box, View.full())
    assert "Old/Child" not in paths(box, at(4))


def test_a_folder_that_is_gone_is_in_the_full_view_with_its_mail(box: ArchivedMailbox) -> None:
    gone = box.folder("Gone", box.root, opened=5)
    box.place(gone, Message.create(sha256=None, size=1), opened=5, closed=9)
    FolderPlace.update(closed=9).where(FolderPlace.folder == gone).execute()
    assert "Gone" not in paths(box, View.live()) and "Gone" in paths(box, View.full())
    assert views.messages(gone.id, View.live()) == [] and views.message_count(gone.id, View.live()) == 0
    (row,) = views.messages(gone.id, View.full())
    assert (row.opened, row.closed) == (from_micros(5), from_micros(9))
    assert [views.message_count(gone.id, at(stamp)) for stamp in (4, 5, 8, 9)] == [0, 1, 1, 0]


def test_a_reset_hides_history_and_deletes_nothing(box: ArchivedMailbox) -> None:
    inbox = box.folder("Inbox", box.root)
    box.folder("Gone", box.root)
    rename(FolderPlace.get(FolderPlace.name == "Gone").folder, "Kept", 50)
    for opened, closed in ((1, 10), (1, 60), (1, None)):
        box.place(inbox, Message.create(sha256=None, size=1), opened=opened, closed=closed)
    before = views.message_count(inbox.id, View.full())
    type(box.row).update(full_from=from_micros(40)).execute()
    assert before == 3
    assert views.message_count(inbox.id, View.full()) == 2
    assert views.message_count(inbox.id, at(5)) == 2
    assert views.message_count(inbox.id, View.live()) == 1
    assert Placement.select().count() == 3


def test_pages_are_stable_and_complete(box: ArchivedMailbox) -> None:
    inbox = box.folder("Inbox", box.root)
    for number in range(25):
        received = None if number % 5 == 0 else WHEN + timedelta(days=number % 3)
        box.place(inbox, Message.create(sha256=None, size=1), received=received)
    everything = views.messages(inbox.id, View.live(), 0, 1000)
    assert [row for start in range(0, 30, 4) for row in views.messages(inbox.id, View.live(), start, 4)] == everything
    assert list(views.all_messages(inbox.id, View.live())) == everything
    order = [row.received for row in everything]
    assert order == sorted(order, key=lambda each: each or datetime.min.replace(tzinfo=UTC), reverse=True)
    assert len({row.placement_id for row in everything}) == 25


def test_a_message_moves_and_its_history_says_where(box: ArchivedMailbox) -> None:
    first, second = box.folder("First", box.root), box.folder("Second", box.root)
    message = Message.create(sha256=b"s" * 32, size=1, subject="Hello")
    box.place(first, message, opened=5, closed=10)
    now_at = box.place(second, message, opened=10)
    other = ArchivedMailbox("bob@contoso.example")
    other.place(other.root, message)
    rename(first, "Renamed", 8)
    stays = views.history(now_at.id)
    assert [(stay.path, stay.closed) for stay in stays] == [("First", from_micros(10)), ("Second", None)]
    assert views.message(now_at.id).sha256 == "73" * 32
    assert views.mailbox_of(now_at.id).address == "ann@contoso.example"
    assert views.placements_with(b"s" * 32)[0] == now_at.id
    assert views.message_count(first.id, at(9)) + views.message_count(second.id, at(9)) == 1
    assert views.message_count(first.id, at(10)) + views.message_count(second.id, at(10)) == 1


def test_what_is_not_there_is_told(box: ArchivedMailbox) -> None:
    box.folder("Twice", box.root)
    box.folder("twice", box.root)
    for attempt, reason in (
        (lambda: views.mailbox("nobody"), Reason.NOT_FOUND),
        (lambda: views.message(99), Reason.NOT_FOUND),
        (lambda: views.mailbox_of(99), Reason.NOT_FOUND),
        (lambda: views.placements_with(b"x"), Reason.NOT_FOUND),
        (lambda: views.folder(box.row.id, "Nowhere", View.live()), Reason.NOT_FOUND),
        (lambda: views.folder(box.row.id, "Twice", View.live()), Reason.INVALID),
        (lambda: View.as_of(datetime(2026, 1, 1)), Reason.INVALID),  # noqa: DTZ001
    ):
        with pytest.raises(Problem) as caught:
            attempt()
        assert caught.value.reason is reason
    assert views.messages(99, View.live()) == [] and views.history(99) == []


def test_folders_in_a_circle_are_all_shown(box: ArchivedMailbox) -> None:
    one = box.folder("One", None)
    two = box.folder("Two", one)
    FolderPlace.update(parent=two).where(FolderPlace.folder == one).execute()
    assert {row.name for row in views.folders(box.row.id, View.live())} >= {"One", "Two"}


def test_a_mailbox_whose_address_another_one_has_too_is_named_by_its_number(store: Home) -> None:
    before, now_at = ArchivedMailbox("ann@contoso.example"), ArchivedMailbox("Ann@contoso.example")
    with pytest.raises(Problem) as caught:
        views.mailbox("ann@contoso.example")
    assert caught.value.reason is Reason.INVALID
    assert f"numbers {before.row.id}, {now_at.row.id}" in caught.value.happened
    for row in (before.row, now_at.row):
        assert views.mailbox(str(row.id)).id == views.mailbox(row.guid).id == row.id


def test_the_online_archive_comes_after_the_primary_mailbox(box: ArchivedMailbox) -> None:
    box.folder("Aaa", None, area="archive")
    box.folder("Zzz", box.root)
    assert [row.name for row in views.folders(box.row.id, View.live())][-2:] == ["Zzz", "Aaa"]


STEP = st.tuples(st.sampled_from(["arrive", "move", "delete"]), st.integers(0, 10), st.integers(0, 3))


@settings(max_examples=15)
@given(steps=st.lists(STEP, max_size=25), hidden=st.one_of(st.none(), st.integers(1, 30)))
def test_views_against_a_model(store: Home, steps: list[tuple[str, int, int]], hidden: int | None) -> None:
    """Random histories: each view shows what a list of (folder, message, from, to) says."""
    box = ArchivedMailbox()
    folders = [box.folder(f"F{number}", box.root, opened=1) for number in range(4)]
    model: list[SimpleNamespace] = []
    for stamp, (what, which, where) in enumerate(steps, start=2):
        live = [each for each in model if each.closed is None]
        if what == "arrive":
            message = Message.create(sha256=None, size=stamp)
        elif live:
            chosen = live[which % len(live)]
            chosen.closed = stamp
            Placement.update(closed=stamp).where(Placement.id == chosen.id).execute()
            message = chosen.message
        else:
            continue
        if what != "delete":
            row = box.place(folders[where], message, opened=stamp, received=WHEN + timedelta(days=which))
            model.append(SimpleNamespace(id=row.id, folder=where, message=message, opened=stamp, closed=None))
    if hidden is not None:
        type(box.row).update(full_from=from_micros(hidden)).where(type(box.row).id == box.row.id).execute()

    def shown(view: View) -> list[set[int]]:
        found = [{row.placement_id for row in views.messages(each.id, view, 0, 1000)} for each in folders]
        assert [len(each) for each in found] == [views.message_count(each.id, view) for each in folders]
        tree = {row.id: row.messages for row in views.folders(box.row.id, view)}
        assert [len(each) for each in found] == [tree.get(each.id, 0) for each in folders]
        return found

    def expected(seen: object) -> list[set[int]]:
        return [{each.id for each in model if each.folder == number and seen(each)} for number in range(4)]

    def unhidden(each: SimpleNamespace) -> bool:
        return hidden is None or each.closed is None or each.closed > hidden

    assert shown(View.live()) == expected(lambda each: each.closed is None)
    assert shown(View.full()) == expected(unhidden)
    for stamp in range(1, len(steps) + 3):
        spans = expected(lambda e, t=stamp: e.opened <= t and (e.closed is None or e.closed > t) and unhidden(e))
        assert shown(at(stamp)) == spans
