"""Any damage is noticed, its owner named, and mended from wherever the content still is."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive.compaction import Compaction
from mse_tui.archive.coverage import CoverageReport, DifferenceKind, compare
from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs, PackSeal, seal
from mse_tui.archive.places import release
from mse_tui.archive.repair import RepairReport, read_again, repair_from_mailbox, repair_from_packs
from mse_tui.archive.verify import verify
from mse_tui.archive.views import View
from mse_tui.features.folder_replication import FolderReplicationDefinition
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import ArchiveFolder, Blob, Checkpoint, Message, Pack, Placement
from mse_tui.store.retention import Expiry, Hold, RetentionStamp
from mse_tui.store.stubs import Stub
from tests.archive.conftest import ArchivedMailbox, message_of, sha
from tests.features.practice_exchange import Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import Archive, Replication, make_task

Keep = Callable[..., PackSeal]


def flip(packs: Packs, name: str, offset: int, bit: int = 0) -> None:
    path = packs.path(name)
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1 << bit
    path.write_bytes(raw)


def damage(packs: Packs, digest: bytes) -> None:
    """Make one content unreadable."""
    place = packs.place(digest)
    assert place is not None
    flip(packs, place.name, place.offset + place.length // 2)
    with pytest.raises(Problem):
        packs.read(digest)


def live_as_counted() -> bool:
    return all(
        pack.live == sum(blob.length for blob in Blob.select().where(Blob.pack == pack)) for pack in Pack.select()
    )


def test_an_intact_archive_is_clean(packs: Packs, keep: Keep) -> None:
    packed = [keep(os.urandom(3000), b"text" * 100), keep(b"more")]
    for read_data in (False, True):
        report = verify(packs, read_data=read_data)
        assert report.ok, report.findings
        assert (report.packs, report.contents) == (2, 3)
        assert report.read == (sum(pack.bytes for pack in packed) if read_data else 0)


def test_an_empty_archive_is_clean(packs: Packs) -> None:
    assert verify(packs, read_data=True).ok


@given(st.data())
def test_one_flipped_bit_anywhere_is_noticed(packs: Packs, keep: Keep, data: st.DataObject) -> None:
    pack = keep(b"Subject: a\r\n\r\n" * 20, os.urandom(data.draw(st.integers(0, 400))), b"")
    bit = data.draw(st.integers(0, pack.bytes * 8 - 1))
    assert verify(packs, read_data=True).ok
    flip(packs, pack.name, bit // 8, bit % 8)
    try:
        report = verify(packs, read_data=True)
        assert not report.ok
        assert all(finding.reason is Reason.CONTENT_DAMAGED for finding in report.findings)
        assert all(pack.name in finding.happened for finding in report.findings)
    finally:
        flip(packs, pack.name, bit // 8, bit % 8)


def test_damage_names_whose_mail_it_is(packs: Packs, keep: Keep) -> None:
    keep(b"hers" * 500, b"his" * 500)
    box = ArchivedMailbox("ann@contoso.example")
    box.place(box.root, message_of(b"hers" * 500))
    Message.update(subject="Offer").execute()
    damage(packs, sha(b"hers" * 500))
    assert verify(packs).ok
    (finding,) = verify(packs, read_data=True).findings
    assert finding.messages == ("ann@contoso.example: Offer",)
    assert bytes.fromhex(finding.sha256) == sha(b"hers" * 500)


def test_a_missing_pack_a_cut_one_and_a_missing_place(packs: Packs, keep: Keep) -> None:
    gone, cut, unplaced = keep(b"gone"), keep(os.urandom(9000)), keep(b"unplaced")
    packs.path(gone.name).unlink()
    os.truncate(packs.path(cut.name), 3000)
    Blob.delete().where(Blob.sha256 == sha(b"unplaced")).execute()
    report = verify(packs)
    assert {(each.reason, each.pack) for each in report.findings} == {
        (Reason.CONTENT_MISSING, gone.name),
        (Reason.CONTENT_DAMAGED, cut.name),
        (Reason.CONTENT_MISSING, ""),
    }
    assert set(report.bad_contents) == {gone.blobs[0].sha256, cut.blobs[0].sha256, unplaced.blobs[0].sha256}


def test_a_missing_archive_is_told_as_a_whole(packs: Packs, keep: Keep) -> None:
    keep(b"x")
    packs.root.rename(packs.root.with_name("unmounted"))
    with pytest.raises(Problem) as caught:
        verify(packs)
    assert caught.value.reason is Reason.ARCHIVE_UNREADABLE


def test_a_copy_in_another_pack_mends(packs: Packs, keep: Keep) -> None:
    body, lost = os.urandom(2000), b"nowhere else" * 50
    first = keep(body, lost)
    keep(body, b"other")
    assert Blob.get(Blob.sha256 == sha(body)).pack_id == first.pack_id
    damage(packs, sha(body))
    release([sha(lost)])
    assert set(verify(packs, read_data=True).bad_contents) == {sha(body), sha(lost)}
    assert repair_from_packs(packs, [sha(body), sha(lost)]) == {sha(body), sha(lost)}
    assert packs.read(sha(body)) == body and packs.read(sha(lost)) == lost
    assert live_as_counted()


def test_a_pack_that_is_no_longer_trusted_is_retired(packs: Packs, keep: Keep) -> None:
    """Its index is damaged, its content is not."""
    bodies = [os.urandom(900) for _ in range(3)]
    pack = keep(*bodies)
    flip(packs, pack.name, pack.bytes - 70)
    report = verify(packs)
    assert [each.sha256 for each in report.findings] == [""] and not report.bad_contents
    assert Compaction(packs).retire(each.pack for each in report.findings).rewritten == 1
    assert verify(packs, read_data=True).ok
    assert [packs.read(sha(body)) for body in bodies] == bodies


# --- against the server


class Organisation:
    """A practice mailbox replicated once."""

    def __init__(self, packs: Packs, *, varying: bool = False, **settings: object) -> None:
        self.server = PracticeExchange("guid-of-ann", varying=varying)
        self.inbox = next(each.id for each in self.server.live_folders() if each.name == "Inbox")
        self.items = [
            self.server.add_item(self.inbox, Mail(f"mail {n}", subject=f"Mail {n}", text="text " * 300 * (n + 1)))
            for n in range(8)
        ]
        self.mailbox = PracticeMailbox(self.server)
        self.packs = packs
        self.definition = FolderReplicationDefinition(**settings)  # type: ignore[arg-type]
        self.replication = Replication(self.mailbox, packs, make_task(), self.definition)
        self.replication.run()

    def message(self, item: str) -> Message:
        return Message.select().join(Placement).where(Placement.remote_id == item).get()

    def compare(self) -> CoverageReport:
        return compare(self.mailbox)

    def repair(self, *digests: bytes) -> RepairReport:
        report = RepairReport()
        repair_from_mailbox(self.mailbox, self.packs, NoFence(), digests, report)
        return report


def test_a_replicated_mailbox_is_covered(packs: Packs) -> None:
    report = Organisation(packs).compare()
    assert report.ok and not report.differences
    assert report.items == report.archived == 8
    assert report.not_covered == ["Calendar"]


def test_what_the_next_execution_sees_is_pending(packs: Packs) -> None:
    there = Organisation(packs)
    there.server.add_item(there.inbox, Mail("new", subject="New"))
    there.server.delete_item(there.items[0])
    there.server.edit_item(there.items[1], Mail("edited", subject="Edited"))
    there.server.read_item(there.items[2], True)
    report = there.compare()
    assert report.ok
    assert report.pending == 4
    assert {each.kind for each in report.differences} == {
        DifferenceKind.MISSING, DifferenceKind.GONE, DifferenceKind.CHANGED
    }  # fmt: skip
    there.replication.run()
    assert not there.compare().differences


def test_what_is_left_out_on_purpose_is_counted(packs: Packs) -> None:
    there = Organisation(packs)
    there.server.add_item(there.inbox, Mail("mine", sensitivity="Private"))
    there.server.add_item(there.inbox, Mail("bad", poison=True))
    there.replication.run()
    report = there.compare()
    assert report.ok and not report.differences
    assert report.skipped == {Reason.PRIVATE: 1} and report.failed == {Reason.ITEM_CORRUPT: 1}


def test_metadata_only_is_no_fault(packs: Packs) -> None:
    assert Organisation(packs, content="metadata only").compare().ok


def test_what_fell_out_of_the_archive_is_named_and_read_again(packs: Packs) -> None:
    there = Organisation(packs)
    perfect = Archive("guid-of-ann", packs).show(View.live())
    Placement.delete().where(Placement.remote_id == there.items[3]).execute()
    Placement.update(change_key="wrong").where(Placement.remote_id == there.items[4]).execute()
    inbox = ArchiveFolder.get(ArchiveFolder.remote_id == there.inbox)
    Placement.create(folder=inbox, remote_id="ghost", message=there.message(there.items[5]), change_key="",
                     item_class="IPM.Note", opened=1)  # fmt: skip
    report = there.compare()
    assert not report.ok and report.pending == 0
    assert {(each.kind, each.path, each.remote_id) for each in report.differences} == {
        (DifferenceKind.MISSING, "Inbox", there.items[3]),
        (DifferenceKind.CHANGED, "Inbox", there.items[4]),
        (DifferenceKind.GONE, "Inbox", "ghost"),
    }
    assert read_again(report) == ["Inbox"]
    assert Checkpoint.get(Checkpoint.folder == inbox).enumerating
    assert there.compare().ok
    there.replication.run()
    assert not there.compare().differences
    assert Archive("guid-of-ann", packs).show(View.live()) == perfect


@pytest.mark.parametrize("varying", [False, True])
def test_damaged_content_is_fetched_again(packs: Packs, varying: bool) -> None:
    there = Organisation(packs, varying=varying)
    perfect = Archive("guid-of-ann", packs).show(View.live())
    bad = [bytes(there.message(item).sha256) for item in there.items[2:5]]
    damage(packs, bad[0])
    release([bad[1]])
    damage(packs, bad[2])
    assert set(verify(packs, read_data=True).bad_contents) == set(bad)
    report = there.repair(*bad)
    assert (report.repaired, report.rendered_anew, report.failed) == (3, 3 * varying, [])
    assert not verify(packs, read_data=True).bad_contents
    assert Archive("guid-of-ann", packs).show(View.live()) == perfect
    assert Archive("guid-of-ann", packs).show(View.full()) == perfect
    assert there.compare().ok
    assert live_as_counted()


def test_what_lies_on_a_message_goes_on_to_the_one_that_it_turns_out_to_be(packs: Packs, keep: Keep) -> None:
    """Rendered anew it is a message that the archive has from elsewhere: holds, stamps and stubs are not lost."""
    there = Organisation(packs)
    placed = Placement.get(Placement.remote_id == there.items[0])
    elsewhere = placed.message
    keep(b"rendered otherwise" * 50)
    bad = message_of(b"rendered otherwise" * 50)
    Placement.update(message=bad).where(Placement.id == placed.id).execute()
    box = ArchivedMailbox("carl@contoso.example")
    box.place(box.root, elsewhere)
    by = {"mailbox": placed.folder.mailbox, "message": bad}
    Hold.create(name="Case 8", scope="message", message=bad, placed=now(), placed_by="eve")
    RetentionStamp.create(
        **by, task=1, definition=1, definition_name="d", content="", policy="p", stamped=now(), expire_view=now()
    )
    Stub.create(
        **by, key="k", folder=placed.folder, definition="d", action="delete", state="deleted", remote_id="gone",
        change_key="", true_size=1, began=now(),
    )  # fmt: skip
    Expiry.create(
        **by, task=1, definition=1, definition_name="d", folder="Inbox", remote_id="gone", change_key="",
        how="soft delete", state="deleted", planned=now(),
    )  # fmt: skip
    damage(packs, bad.sha256)
    report = there.repair(bad.sha256)
    assert (report.rendered_anew, report.failed) == (1, [])
    assert Placement.get_by_id(placed.id).message_id == elsewhere.id
    assert {table.get().message_id for table in (Hold, RetentionStamp, Stub, Expiry)} == {elsewhere.id}
    assert Message.get_or_none(Message.id == bad.id) is None


def test_an_item_that_changed_since_is_left_to_replication(packs: Packs) -> None:
    there = Organisation(packs)
    bad = bytes(there.message(there.items[0]).sha256)
    damage(packs, bad)
    there.server.edit_item(there.items[0], Mail("another text", subject="Changed", text="other"))
    report = there.repair(bad)
    assert report.repaired == 0 and "has changed on the server" in report.failed[0]
    assert bytes(there.message(there.items[0]).sha256) == bad


def test_an_item_that_is_gone_or_corrupt_is_told(packs: Packs) -> None:
    there = Organisation(packs)
    bad = [bytes(there.message(item).sha256) for item in there.items[:2]]
    for digest in bad:
        damage(packs, digest)
    there.server.delete_item(there.items[0])
    there.server.items[there.items[1]].mail = Mail("mail 1", poison=True)
    assert len(there.repair(*bad).failed) == 2
    assert set(verify(packs, read_data=True).bad_contents) == set(bad)


def test_without_the_lock_nothing_is_repaired(packs: Packs) -> None:
    there = Organisation(packs)
    bad = bytes(there.message(there.items[0]).sha256)
    damage(packs, bad)
    sealed = {pack.name for pack in Pack.select()}

    class Lost:
        def check(self) -> None:
            raise Problem(Reason.LEASE_LOST, "Another has it.")

    with pytest.raises(Problem):
        repair_from_mailbox(there.mailbox, packs, Lost(), [bad], RepairReport())
    assert {pack.name for pack in Pack.select()} == sealed == {name for name, _, _ in packs.files()}


def test_giving_up_a_sealed_pack_does_nothing(packs: Packs) -> None:
    """A commit whose outcome was unknown may have happened."""
    writer = packs.writer()
    writer.add(b"committed after all")
    pack = writer.finish()
    assert pack is not None
    with writing():
        seal(pack)
    writer.abandon()
    assert packs.read(sha(b"committed after all")) == b"committed after all"
