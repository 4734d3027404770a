"""What a person may see of an archive: owner, delegates, Deny, private items, folders and what is below them."""

import itertools
import sqlite3
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.access.grants import WHOLE, FolderKey, give, grants, take
from mse_tui.access.rights import Right, Standing
from mse_tui.access.sight import ADMINISTRATOR, deciding, is_owner, open_to, sight_of
from mse_tui.archive import sights, views
from mse_tui.archive.verdicts import hidden_from_owner
from mse_tui.archive.views import View
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, database
from mse_tui.store.retention import Hold, RetentionStamp
from tests.access.conftest import Archived

BOB = "bob@example.com"


def may_read(person: str, mailbox_id: int, folder: FolderKey | None = None, *, private: bool = False) -> bool:
    """What lies in a folder of a mailbox's archive, or anything at all of it; of what is private, where it is said."""
    sight = sight_of(person, mailbox_id)
    if private and not sight.sees_private:
        return False
    return sight.sees_anything if folder is None else sight.right_in(folder) is Right.READ


def give_folder(ann: Archived, path: str, **options: object) -> int:
    return give(ann.id, BOB, who="test", folder=ann.key(path), path=path, **options)


def test_the_owner_sees_everything_and_nobody_else_anything(ann: Archived) -> None:
    assert sight_of("Ann@Example.com ", ann.id).standing is Standing.OWNER
    assert may_read("ann@example.com", ann.id, ann.key("Inbox"), private=True)
    assert sight_of(BOB, ann.id).standing is Standing.NOBODY
    assert not may_read(BOB, ann.id) and not may_read(BOB, ann.id, ann.key("Inbox"))
    assert open_to("ann@example.com") == [ann.id] and open_to(BOB) == []


def test_a_grant_of_the_whole_archive_shows_all_but_private_items(ann: Archived) -> None:
    give(ann.id, "Bob@Example.com", who="test")
    assert may_read(BOB, ann.id, ann.key("Projects/North"))
    assert not may_read(BOB, ann.id, ann.key("Projects/North"), private=True)
    assert open_to(BOB) == [ann.id]


def test_a_grant_of_a_folder_is_of_that_folder_alone_or_of_what_is_below_too(ann: Archived) -> None:
    give_folder(ann, "Inbox")
    assert may_read(BOB, ann.id, ann.key("Inbox")) and not may_read(BOB, ann.id, ann.key("Inbox/Offers"))
    give_folder(ann, "Projects", below=True)
    assert may_read(BOB, ann.id, ann.key("Projects/North/Old"))
    ann.add_folder("Projects/South")
    assert may_read(BOB, ann.id, ann.key("Projects/South")), "a folder that came later is below as well"
    assert not may_read(BOB, ann.id, ann.key("Sent Items"))


def test_deny_beats_every_grant_but_not_the_owner(ann: Archived) -> None:
    give(ann.id, BOB, who="test")
    give_folder(ann, "Projects/North")
    give_folder(ann, "Projects", denies=True, below=True)
    assert not may_read(BOB, ann.id, ann.key("Projects/North")) and may_read(BOB, ann.id, ann.key("Inbox"))
    give(ann.id, BOB, who="test", denies=True)
    assert sight_of(BOB, ann.id).standing is Standing.NOBODY
    give(ann.id, "ann@example.com", who="test", denies=True)
    assert may_read("ann@example.com", ann.id, ann.key("Inbox"))


def test_a_lesser_right_shows_the_folder_but_no_message(ann: Archived) -> None:
    give_folder(ann, "Inbox", right=Right.FOLDER)
    assert sight_of(BOB, ann.id).right_in(ann.key("Inbox")) is Right.FOLDER
    assert not may_read(BOB, ann.id, ann.key("Inbox")) and may_read(BOB, ann.id)


def test_an_address_given_to_somebody_new_does_not_open_the_archive_of_who_had_it(ann: Archived) -> None:
    ArchiveMailbox.update(last_stamp=10).where(ArchiveMailbox.id == ann.id).execute()
    newcomer = Archived("ann@example.com")
    ArchiveMailbox.update(last_stamp=20).where(ArchiveMailbox.id == newcomer.id).execute()
    assert is_owner("ann@example.com", newcomer.id) and not is_owner("ann@example.com", ann.id)
    assert open_to("ann@example.com") == [newcomer.id]


def test_what_is_given_by_hand_twice_is_one_grant_and_can_be_taken(ann: Archived) -> None:
    first = give_folder(ann, "Inbox", right=Right.FOLDER)
    assert give_folder(ann, "Inbox") == first
    assert [(each.person, each.right, each.scope) for each in grants(mailbox_id=ann.id)] == [(BOB, Right.READ, "Inbox")]
    take(first, who="test")
    assert grants() == []
    with pytest.raises(Problem) as refused:
        take(first, who="test")
    assert refused.value.reason is Reason.NOT_FOUND


def test_private_messages_are_not_listed_counted_or_summed_for_a_delegate(ann: Archived) -> None:
    ann.add("Inbox", "open")
    secret = ann.add("Inbox", "secret", sensitivity="Private")
    ann.add("Inbox", "own", sensitivity="Personal")
    ann.add("Sent Items", message=secret.message)
    give(ann.id, BOB, who="test")
    sight = sight_of(BOB, ann.id)
    assert listed(ann, "Inbox", View.full(), sight) == ["open"]
    assert views.message_count(ann.folders["Inbox"].id, View.live(), sight) == 1
    assert listed(ann, "Sent Items", View.live(), sight) == [], "private in one folder is private in all"
    by_path = {row.path: row for row in views.folders(ann.id, View.live(), sizes=True, sight=sight)}
    assert (by_path["Inbox"].messages, by_path["Inbox"].bytes, by_path["Sent Items"].messages) == (1, 100, 0)
    assert not views.is_readable(secret.id, sight)
    assert sorted(listed(ann, "Inbox", View.live(), sight_of("ann@example.com", ann.id))) == ["open", "own", "secret"]


def test_what_was_moved_out_of_a_delegates_reach_is_out_of_reach_in_the_history_too(ann: Archived) -> None:
    moved = ann.add("Inbox", "moved away", closed=5)
    ann.add("Projects", message=moved.message, opened=5)
    deleted = ann.add("Inbox", "moved, then deleted", closed=5)
    ann.add("Projects", message=deleted.message, opened=5, closed=9)
    ann.add("Inbox", "deleted here", closed=5)
    back = ann.add("Projects", "came", closed=5)
    ann.add("Inbox", message=back.message, opened=5)
    give_folder(ann, "Inbox")
    sight = sight_of(BOB, ann.id)
    assert sorted(listed(ann, "Inbox", View.full(), sight)) == ["came", "deleted here"]
    assert [place.path for place in views.history(back.id, sight)] == ["Inbox"]
    give_folder(ann, "Projects")
    assert len(listed(ann, "Inbox", View.full(), sight_of(BOB, ann.id))) == 4


def test_a_folder_in_a_hidden_one_stands_at_the_top_under_its_own_name(ann: Archived) -> None:
    give_folder(ann, "Projects/North/Old")
    (row,) = views.folders(ann.id, View.live(), sight=sight_of(BOB, ann.id))
    assert (row.path, row.parent_id, row.depth) == ("Old", None, 0)
    assert views.folder(ann.id, "old", View.live(), sight_of(BOB, ann.id)).id == row.id
    with pytest.raises(Problem):
        views.folder(ann.id, "Projects/North/Old", View.live(), sight_of(BOB, ann.id))


def test_what_decides_is_listed_deny_first(ann: Archived) -> None:
    give(ann.id, BOB, who="test")
    give_folder(ann, "Projects", denies=True, below=True)
    give_folder(ann, "Inbox")
    found = deciding(BOB, ann.id, ann.key("Projects/North"))
    assert [(each.denies, each.scope) for each in found] == [(True, "Projects and below"), (False, "whole archive")]


def listed(ann: Archived, path: str, view: View, sight: object) -> list[str]:
    return [row.subject for row in views.messages(ann.folders[path].id, view, sight=sight)]


# --- against a model ---------------------------------------------------------------------------------------------

PATHS = ("Inbox", "Inbox/Offers", "Projects", "Projects/North", "Projects/North/Old")
GIVEN = st.tuples(
    st.sampled_from(["bob@example.com", "eve@example.com", "ann@example.com"]),
    st.sampled_from(["", *PATHS]),
    st.booleans(),
    st.sampled_from(list(Right)),
    st.booleans(),
)
_homes = itertools.count()


def allowed(given: list[tuple[str, str, bool, Right, bool]], person: str, path: str) -> bool:
    """The rule in its plainest words."""
    if person == "ann@example.com":
        return True
    bearing = [
        each
        for each in given
        if each[0] == person and (each[1] in ("", path) or (each[2] and path.startswith(f"{each[1]}/")))
    ]
    if any(denies for *_, denies in bearing):
        return False
    return any(right is Right.READ for _, _, _, right, denies in bearing if not denies)


@given(st.lists(GIVEN, max_size=6, unique_by=lambda each: (each[0], each[1], each[4])))
def test_any_grants_mean_what_the_plain_rule_says(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[str, str, bool, Right, bool]]
) -> None:
    open_database(Home.open(tmp_path_factory.mktemp("home") / f"{next(_homes)}").database)
    try:
        archived = Archived("ann@example.com")
        for path in PATHS:
            archived.add_folder(path)
            archived.add(path, path)
        for person, path, below, right, denies in given:
            folder = archived.key(path) if path else WHOLE
            give(archived.id, person, who="t", folder=folder, path=path, below=below, right=right, denies=denies)
        for person in ("bob@example.com", "eve@example.com", "ann@example.com"):
            expected = {path for path in PATHS if allowed(given, person, path)}
            assert {path for path in PATHS if may_read(person, archived.id, archived.key(path))} == expected
            sight = sight_of(person, archived.id)
            shown = set()
            for folder in ArchiveFolder.select():
                shown.update(row.subject for row in views.messages(folder.id, View.full(), sight=sight))
            assert shown == expected
            assert bool(expected) <= (archived.id in open_to(person))
    finally:
        close_database()


# --- what retention takes from the owner's view ------------------------------------------------------------------

EXPIRED, COMING = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, EXPIRED, COMING]), st.booleans()), max_size=4),
    st.sampled_from([None, "message", "mailbox", "search"]),
)
def test_what_has_left_the_owners_view_is_seen_by_administrators_alone(tmp_path_factory, stamps, hold) -> None:
    open_database(Home.open(tmp_path_factory.mktemp("home") / f"{next(_homes)}").database)
    try:
        ann = Archived("ann@example.com")
        ann.add_folder("Inbox")
        placements = [ann.add("Inbox", f"message {number}") for number in range(3)]
        give(ann.id, BOB, who="test")
        for number, (task, expire_view, ended) in enumerate(stamps):
            message = placements[number % 3].message
            current = RetentionStamp.select().where(
                RetentionStamp.message == message, RetentionStamp.task == task, RetentionStamp.ended.is_null()
            )
            RetentionStamp.create(
                mailbox=ann.id, message=message, task=task, definition=1, definition_name="d", content="c", policy="p",
                stamped=EXPIRED, expire_view=expire_view, ended=EXPIRED if ended or current.exists() else None,
            )  # fmt: skip
        if hold is not None:
            Hold.create(
                name="matter", scope=hold, mailbox=ann.id if hold == "mailbox" else None,
                message=placements[0].message if hold == "message" else None,
                search='{"subject": "message 1"}' if hold == "search" else "", placed=EXPIRED, placed_by="test",
            )  # fmt: skip
        every = {each.message_id: each.message.subject for each in placements}
        hidden = {every[each] for each in hidden_from_owner(ann.id, every, datetime.now(UTC))}
        for person in ("ann@example.com", BOB):
            assert set(listed(ann, "Inbox", View.live(), sight_of(person, ann.id))) == set(every.values()) - hidden
        assert set(listed(ann, "Inbox", View.live(), ADMINISTRATOR)) == set(every.values())
    finally:
        close_database()


def test_a_mailbox_with_any_number_of_held_messages_is_read(ann: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    placements = [ann.add("Inbox", f"held {number}") for number in range(2)]
    for placement in placements:
        RetentionStamp.create(
            mailbox=ann.id, message=placement.message, task=1, definition=1, definition_name="d", content="c",
            policy="p", stamped=EXPIRED, expire_view=EXPIRED,
        )  # fmt: skip
    held = {each: [] for each in (placements[0].message_id, *range(1_000_000, 1_020_000))}
    monkeypatch.setattr(sights, "held_anywhere", lambda _: held)
    database.connection().setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 10_000)
    seen = views.messages(placements[0].folder_id, View.full(), limit=500, sight=sight_of(ann.row.address, ann.id))
    assert {row.subject for row in seen if row.subject.startswith("held")} == {"held 0"}
