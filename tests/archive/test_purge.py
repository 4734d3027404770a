"""The archive's purge: two stages, weighed again at each, and gone for good at the end."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mse_tui.access.rights import Right, Standing
from mse_tui.access.sight import Sight
from mse_tui.archive import views
from mse_tui.archive.approvals import ARCHIVE, approvals, content_of, definition_subject, void
from mse_tui.archive.compaction import Compaction
from mse_tui.archive.holds import HoldScope
from mse_tui.archive.packs import Packs
from mse_tui.archive.purge import Purge, PurgeReport
from mse_tui.archive.verdicts import hidden_from_owner, verdicts
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Audit, Blob, Definition, Message, Pack, Placement
from mse_tui.store.retention import Hold, PurgeApproval, PurgeRecord, Quarantine, RetentionSetting, RetentionStamp
from mse_tui.store.stubs import Stub
from tests.archive.conftest import ArchivedMailbox, age, message_of, sha

RECEIVED = datetime(2024, 3, 1, 12, tzinfo=UTC)
MIME = b"Subject: Hello\r\n\r\nText number %d\r\n"


class Clock:
    """The time that the purge goes by, in days since the messages were received."""

    def __init__(self) -> None:
        self.day = 0.0

    def __call__(self) -> datetime:
        return RECEIVED + timedelta(days=self.day)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def purge(packs: Packs, clock: Clock):
    def run(day: float) -> PurgeReport:
        clock.day = day
        return Purge(packs, "site", clock=clock).run()

    return run


@pytest.fixture
def ann(store) -> ArchivedMailbox:
    return ArchivedMailbox("ann@contoso.example")


@pytest.fixture
def bob(store) -> ArchivedMailbox:
    return ArchivedMailbox("bob@contoso.example")


@pytest.fixture
def archived(keep):
    """Store a message and place it in mailboxes; returns its id."""

    def do(number: int, *boxes: ArchivedMailbox) -> int:
        content = MIME % number
        if not Blob.select().where(Blob.sha256 == sha(content)).exists():
            keep(content)
        for box in boxes:
            box.place(box.root, message_of(content), received=RECEIVED)
        return int(message_of(content).id)

    return do


def setting(mailbox: ArchivedMailbox | None = None, *, approved: bool = True, **days: int) -> None:
    by = {"created": now(), "created_by": "ann", "modified": now(), "modified_by": "ann"}
    row = RetentionSetting.create(mailbox=mailbox and mailbox.row, **days, **by)
    if approved:
        approve(ARCHIVE if mailbox is None else f"mailbox {row.mailbox_id}")


def approve(subject: str, by: str = "eve") -> None:
    content = content_of(subject)
    assert content is not None
    PurgeApproval.create(
        subject=subject, content=content.digest, shown=json.dumps(content.shown), approved=now(), approved_by=by
    )


def definition(name: str = "Short") -> Definition:
    by = {"created": now(), "created_by": "ann", "modified": now(), "modified_by": "ann"}
    return Definition.create(type="MGF", name=name, settings='{"purge": 10}', **by)


def stamp(message: int, box: ArchivedMailbox, days: float | None, *, by: Definition, expire: float | None = None,
          task: int = 1) -> RetentionStamp:  # fmt: skip
    content = content_of(definition_subject(by.id))
    assert content is not None
    dates = [None if each is None else RECEIVED + timedelta(days=each) for each in (expire, days)]
    return RetentionStamp.create(
        mailbox=box.row, message=message, task=task, definition=by.id, definition_name=by.name, content=content.digest,
        policy="Inbox", stamped=now(), expire_view=dates[0], purge=dates[1],
    )  # fmt: skip


def test_what_retention_lets_go_is_set_aside_and_gone_after_its_quarantine(purge, archived, ann):
    message = archived(1, ann)
    setting(default_days=10, quarantine_days=5)
    assert purge(9.9).set_aside == 0
    assert purge(10).set_aside == 1
    assert Quarantine.get().message_id == message
    assert purge(14.9).purged == 0
    report = purge(15)
    assert (report.purged, report.bytes) == (1, len(MIME % 1))
    assert Message.select().count() == Placement.select().count() == Quarantine.select().count() == 0
    record = PurgeRecord.get()
    assert (json.loads(record.mailboxes), record.received) == (["ann@contoso.example"], RECEIVED)
    assert record.because == "the default retention of 10 days"
    assert Audit.select().where(Audit.action == "purge messages").count() == 1


def test_a_second_run_finds_nothing_more(purge, archived, ann):
    archived(1, ann)
    setting(default_days=10, quarantine_days=0)
    purge(10)
    purge(10)
    assert purge(10) == PurgeReport()


def test_without_an_approval_nothing_is_set_aside(purge, archived, ann):
    archived(1, ann)
    setting(default_days=10, approved=False)
    assert purge(1000).set_aside == 0
    approve(ARCHIVE, by="ann")
    assert purge(1000).set_aside == 0, "its author is no second person"
    approve(ARCHIVE, by="root (ann)")
    assert purge(1000).set_aside == 0, "nor is its author as root"
    approve(ARCHIVE, by="eve")
    assert purge(1000).set_aside == 1


@pytest.mark.parametrize("edit", ["UPDATE retention_setting SET default_days = 9",
                                  "UPDATE retention_setting SET minimum_days = 0",
                                  "UPDATE retention_setting SET revision = revision + 1"])  # fmt: skip
def test_an_edit_voids_the_approval_for_good_also_when_it_is_undone(purge, archived, ann, edit):
    archived(1, ann)
    setting(default_days=10)
    purge(10)
    RetentionSetting.raw(edit).execute()
    report = purge(10)
    assert (report.voided, report.released, report.set_aside) == (1, 1, 0)
    RetentionSetting.update(default_days=10, minimum_days=None, revision=1).execute()
    assert purge(1000).set_aside == 0
    assert approvals() == [] and approvals(voided=True)[0].voided is not None


@pytest.mark.parametrize(
    "edit",
    [
        """UPDATE definition SET settings = '{"purge": 9}'""",
        "UPDATE definition SET settings = 'no JSON at all'",
        "UPDATE definition SET name = 'Other'",
        "UPDATE definition SET revision = revision + 1",
        "UPDATE definition SET modified_by = 'eve'",
    ],
)
def test_an_edited_definition_purges_nothing_until_it_is_approved_again(purge, archived, ann, edit):
    by = definition()
    stamp(archived(1, ann), ann, 10, by=by)
    approve(definition_subject(by.id))
    assert purge(10).set_aside == 1
    Definition.raw(edit).execute()
    assert purge(100).released == 1
    assert purge(100).set_aside == 0
    assert Message.select().count() == 1


def test_stamps_of_a_removed_task_and_definition_hold_as_they_were_approved(purge, archived, ann):
    by = definition()
    setting(default_days=5, quarantine_days=0)
    stamp(archived(1, ann), ann, 10, by=by)
    approve(definition_subject(by.id))
    by.delete_instance()
    assert purge(9).set_aside == 0, "the stamp lengthens the default"
    assert purge(10).set_aside == 1
    assert purge(10).purged == 1


@pytest.mark.parametrize("scope", list(HoldScope))
def test_a_hold_placed_between_the_stages_wins(purge, archived, ann, scope):
    message = archived(1, ann)
    setting(default_days=10, quarantine_days=5)
    purge(10)
    search = '{"received_from": "2024-01-01T00:00:00Z"}' if scope is HoldScope.SEARCH else ""
    covered = {HoldScope.MAILBOX: {"mailbox": ann.row}, HoldScope.MESSAGE: {"message": message}}.get(scope, {})
    Hold.create(name="Case 7", scope=scope, placed=now(), placed_by="eve", search=search, **covered)
    report = purge(100)
    assert (report.released, report.purged, report.set_aside) == (1, 0, 0)
    Hold.update(lifted=now(), lifted_by="eve").execute()
    assert purge(100).set_aside == 1, "lifted, it goes through its quarantine from the beginning"
    assert purge(104).purged == 0
    assert purge(105).purged == 1


def test_a_hold_placed_while_contents_are_being_read_wins(packs, archived, ann, clock, monkeypatch):
    """Between finding out what is due and setting it aside."""
    message = archived(1, ann)
    setting(default_days=10)
    opened = packs.open

    def open_and_hold(digest: bytes):
        Hold.create(name="Case 7", scope=HoldScope.MESSAGE, message=message, placed=now(), placed_by="eve")
        return opened(digest)

    monkeypatch.setattr(packs, "open", open_and_hold)
    clock.day = 10
    assert Purge(packs, "site", clock=clock).run().set_aside == 0


def test_a_message_that_two_mailboxes_have_goes_with_the_last(purge, archived, ann, bob):
    shared, own = archived(1, ann, bob), archived(2, ann)
    setting(default_days=10, quarantine_days=0)
    setting(bob, default_days=20)
    purge(10)
    assert [each.message_id for each in Quarantine.select()] == [own]
    purge(19.9)
    assert Message.select().count() == 1
    purge(20)
    assert purge(20).purged == 1
    assert shared not in [each.id for each in Message.select()]


def test_a_mailbox_that_keeps_for_ever_keeps_it_for_all(purge, archived, ann, bob):
    archived(1, ann, bob)
    setting(ann, default_days=10)
    assert purge(10_000).set_aside == 0


def test_content_behind_a_live_stub_stays_until_the_stub_is_gone(purge, archived, ann):
    message = archived(1, ann)
    setting(default_days=10, quarantine_days=0)
    stub = Stub.create(
        key="k", mailbox=ann.row, message=message, folder=ann.root, definition="d", action="full stub",
        state="complete", remote_id="I", change_key="c", true_size=1, began=now(),
    )  # fmt: skip
    assert purge(10).set_aside == 0
    assert verdicts([message])[message].decides == "a stub of it lies in a mailbox"
    Stub.update(state="restored").where(Stub.id == stub.id).execute()
    purge(10)
    assert purge(10).purged == 1


def test_a_damaged_message_is_left_and_told(purge, archived, ann, packs, flip_each):
    message = archived(1, ann)
    setting(default_days=10)
    flip_each(packs)
    report = purge(10)
    assert report.set_aside == 0
    assert report.problems[0].startswith(f"message {message}: ")


def test_an_unreachable_archive_ends_the_purge_before_anything_is_set_aside(purge, archived, ann, monkeypatch, packs):
    archived(1, ann)
    setting(default_days=10)

    def unreachable(_: bytes):
        raise Problem(Reason.ARCHIVE_UNREADABLE, "The share is gone.")

    monkeypatch.setattr(packs, "open", unreachable)
    with pytest.raises(Problem):
        purge(10)
    assert Quarantine.select().count() == 0


def test_many_are_purged_and_none_is_passed_over(purge, archived, ann):
    """More than one transaction takes, from a set that shrinks while it is walked."""
    ids = [archived(number, ann) for number in range(230)]
    setting(default_days=10, quarantine_days=0)
    Hold.create(name="Case 7", scope=HoldScope.MESSAGE, message=ids[117], placed=now(), placed_by="eve")
    assert purge(10).set_aside == 229
    assert purge(10).purged == 229
    assert [each.id for each in Message.select()] == [ids[117]]


def test_its_bytes_are_gone_from_the_disk_after_compaction(purge, keep, ann, packs):
    """Also where the pack is mostly alive: purged is gone, not merely unreachable."""
    contents = [MIME % number for number in range(10)]
    keep(*contents)
    for content in contents:
        ann.place(ann.root, message_of(content), received=RECEIVED if content == contents[3] else None)
    by = definition()
    stamp(message_of(contents[3]).id, ann, 10, by=by)
    approve(definition_subject(by.id))
    RetentionSetting.create(
        quarantine_days=0, created=now(), created_by="a", modified=now(), modified_by="a"
    )  # fmt: skip
    purge(10)
    assert purge(10).purged == 1
    before = {each.name for each in Pack.select()}
    age()
    assert Compaction(packs).run().rewritten == 1
    age()
    report = Compaction(packs).run()
    assert report.deleted == 1 and report.freed > 0
    assert not before & {name for name, *_ in packs.files()}
    assert Blob.get_or_none(Blob.sha256 == sha(contents[3])) is None
    assert all(packs.read(sha(content)) == content for content in contents if content != contents[3])


def test_owner_does_not_see_what_has_left_the_view_unless_it_is_on_hold(archived, ann):
    by = definition()
    hidden, shown = archived(1, ann), archived(2, ann)
    stamp(hidden, ann, None, by=by, expire=5)
    stamp(shown, ann, None, by=by, expire=7)
    moment = RECEIVED + timedelta(days=5)
    assert hidden_from_owner(ann.row.id, [hidden, shown], moment) == {hidden}
    assert hidden_from_owner(ann.row.id, [hidden, shown], moment - timedelta(microseconds=1)) == set()
    Hold.create(name="Case 7", scope=HoldScope.ARCHIVE, placed=now(), placed_by="eve")
    assert hidden_from_owner(ann.row.id, [hidden, shown], moment) == set()


@pytest.mark.parametrize("standing", [Standing.OWNER, Standing.DELEGATE, Standing.ADMINISTRATOR])
def test_what_has_left_the_view_is_listed_for_administrators_only(archived, ann, standing):
    by = definition()
    hidden, shown, held = archived(1, ann), archived(2, ann), archived(3, ann)
    for message in (hidden, held):
        stamp(message, ann, None, by=by, expire=5)
    stamp(shown, ann, None, by=by, expire=50_000)
    Hold.create(name="Case 7", scope=HoldScope.MESSAGE, message=held, placed=now(), placed_by="eve")
    administrator = standing is Standing.ADMINISTRATOR
    sight = Sight(standing, ann.row.id, "" if administrator else "someone@x.example", whole=Right.READ)
    found = {row.message_id for row in views.messages(ann.root.id, views.View.live(), sight=sight)}
    assert found == ({hidden, shown, held} if administrator else {shown, held})
    assert views.message_count(ann.root.id, views.View.live(), sight) == len(found)


def test_voiding_an_approval_stops_the_purge(purge, archived, ann):
    archived(1, ann)
    setting(default_days=10, quarantine_days=5)
    purge(10)
    with writing():
        assert void(ARCHIVE, "withdrawn by eve") == 1
    assert purge(20).released == 1
