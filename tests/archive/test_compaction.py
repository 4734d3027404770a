"""Housekeeping frees what nobody needs, and never what somebody does."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mse_tui.archive import compaction as module
from mse_tui.archive.backup import back_up
from mse_tui.archive.compaction import Compaction, CompactionReport
from mse_tui.archive.packs import Packs, PackSeal, held, seal
from mse_tui.archive.repair import repair_from_packs
from mse_tui.archive.verify import verify
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import close_database, keep_connection, open_database, writing
from mse_tui.store.models import Blob, Message, Pack
from tests.archive.conftest import age, age_files, message_of, sha
from tests.features.replicating import make_task

Keep = Callable[..., PackSeal]


def settle(packs: Packs) -> CompactionReport:
    """Let graces pass until nothing is left to do."""
    total = CompactionReport()
    for _ in range(3):
        age()
        age_files(packs)
        report = Compaction(packs).run()
        total.rewritten += report.rewritten
        total.deleted += report.deleted
        total.abandoned += report.abandoned
        total.strays += report.strays
        total.freed += report.freed
        total.problems += report.problems
    return total


def half_dead(keep: Keep) -> tuple[PackSeal, list[bytes], list[bytes]]:
    """A pack of which a third is live."""
    contents = [os.urandom(4000) for _ in range(9)]
    pack = keep(*contents, messages=False)
    for content in contents[:3]:
        message_of(content)
    return pack, contents[:3], contents[3:]


def file_names(packs: Packs) -> set[str]:
    return {name for name, _, _ in packs.files()}


def test_a_pack_mostly_dead_is_rewritten_and_deleted_after_the_grace(packs: Packs, keep: Keep) -> None:
    pack, live, dead = half_dead(keep)
    age()
    report = Compaction(packs).run()
    assert (report.rewritten, report.deleted) == (1, 0)
    assert pack.name in file_names(packs)
    assert [packs.read(sha(content)) for content in live] == live
    assert held(sha(content) for content in live + dead) == {sha(content) for content in live}
    assert Compaction(packs).run().deleted == 0
    age()
    report = Compaction(packs).run()
    assert report.deleted == 1 and report.freed == pack.bytes
    assert pack.name not in file_names(packs)
    assert [packs.read(sha(content)) for content in live] == live


def test_a_pack_mostly_live_and_a_young_one_stay(packs: Packs, keep: Keep) -> None:
    keep(b"live" * 50, b"also" * 50)
    age()
    assert Compaction(packs).run() == CompactionReport()
    half_dead(keep)
    assert Compaction(packs).run() == CompactionReport()


def test_a_pack_wholly_dead_goes(packs: Packs, keep: Keep) -> None:
    keep(b"nobody's", messages=False)
    assert settle(packs).deleted == 1
    assert Pack.select().count() == Blob.select().count() == 0
    assert not file_names(packs)


def test_many_small_packs_become_one(packs: Packs, keep: Keep) -> None:
    contents = [os.urandom(300) for _ in range(40)]
    for content in contents:
        keep(content)
    settle(packs)
    assert Pack.select().count() == 1
    assert [packs.read(sha(content)) for content in contents] == contents


class TestLeftOvers:
    """A writer killed at any step leaves something that is collected, and nothing that is believed."""

    def test_killed_before_the_file(self, packs: Packs) -> None:
        Pack.create(name="ab" * 16, state="writing", created=module.now())
        assert Compaction(packs).run() == CompactionReport()
        report = settle(packs)
        assert (report.abandoned, report.deleted) == (1, 1)
        assert Pack.select().count() == 0

    def test_killed_during_the_file(self, packs: Packs) -> None:
        writer = packs.writer()
        writer._enter()
        piece = packs.path(writer.name).with_name(f"{writer.name}.pack#1")
        piece.write_bytes(b"half a pa")
        assert Compaction(packs).run() == CompactionReport()
        settle(packs)
        assert not file_names(packs) and Pack.select().count() == 0

    def test_killed_before_the_commit(self, packs: Packs) -> None:
        writer = packs.writer()
        writer.add(b"never committed")
        assert writer.finish() is not None
        settle(packs)
        assert not file_names(packs) and Pack.select().count() == 0

    def test_a_late_commit_fails_rather_than_point_to_nothing(self, packs: Packs) -> None:
        writer = packs.writer()
        writer.add(b"suspended for days")
        pack = writer.finish()
        assert pack is not None
        settle(packs)
        with pytest.raises(Problem) as caught, writing():
            seal(pack)
        assert caught.value.reason is Reason.INTERRUPTED

    def test_killed_while_deleting(self, packs: Packs, keep: Keep) -> None:
        pack = keep(b"dead", messages=False)
        age()
        Compaction(packs).run()
        packs.delete(pack.name)
        assert settle(packs).deleted == 1
        assert Pack.select().count() == 0

    def test_a_file_that_no_row_accounts_for(self, packs: Packs, keep: Keep) -> None:
        keep(b"kept")
        stray = packs.path("cd" * 16)
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"stray")
        piece = packs.path(Pack.get().name).with_name(f"{Pack.get().name}.pack#3")
        piece.write_bytes(b"piece")
        assert Compaction(packs).run().strays == 0
        assert settle(packs).strays == 2
        assert packs.read(sha(b"kept")) == b"kept"

    def test_a_pack_given_up_leaves_neither_file_nor_row(self, packs: Packs) -> None:
        with packs.writer() as writer:
            writer.add(b"given up")
            assert writer.finish() is not None
            writer.abandon()
        assert not file_names(packs) and Pack.select().count() == 0

    def test_killed_while_it_is_given_up(self, packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
        writer = packs.writer()
        writer.add(b"given up")
        assert writer.finish() is not None

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Packs, "delete", killed)
            with pytest.raises(KeyboardInterrupt):
                writer.abandon()
        settle(packs)
        assert not file_names(packs) and Pack.select().count() == 0


class TestAnOlderDatabase:
    """Put back beside a newer archive, it costs no pack: what left mailboxes since may lie there alone."""

    def test_packs_that_it_does_not_list_are_left_and_told(self, packs: Packs, keep: Keep) -> None:
        keep(b"before the backup")
        newer = keep(b"what left a mailbox since")
        Message.delete().where(Message.sha256 == sha(b"what left a mailbox since")).execute()
        Blob.delete().where(Blob.pack == newer.pack_id).execute()
        Pack.delete().where(Pack.id == newer.pack_id).execute()
        assert settle(packs).strays == 0
        assert Compaction(packs).run().unlisted == Compaction(packs).foresee().unlisted == 1
        assert newer.name in file_names(packs)
        report = verify(packs)
        assert report.ok and report.unlisted == [newer.name]

    def test_a_pack_that_was_being_written_when_it_was_backed_up(
        self, store: Home, packs: Packs, keep: Keep, tmp_path: Path
    ) -> None:
        make_task()
        keep(b"before the backup")
        writer = packs.writer()
        writer.add(b"what left a mailbox since")
        pack = writer.finish()
        assert pack is not None
        back_up(store, packs, tmp_path / "backup")
        with writing():
            seal(pack)
            message_of(b"what left a mailbox since")
        close_database()
        store.database.unlink()
        (tmp_path / "backup" / store.database.name).rename(store.database)
        open_database(store.database)
        settle(packs)
        assert pack.name in file_names(packs) and verify(packs).unlisted == [pack.name]

    def test_content_that_was_compacted_since_is_found_again(
        self, store: Home, packs: Packs, keep: Keep, tmp_path: Path
    ) -> None:
        make_task()
        _, live, _ = half_dead(keep)
        back_up(store, packs, tmp_path / "backup")
        settle(packs)
        close_database()
        store.database.unlink()
        (tmp_path / "backup" / store.database.name).rename(store.database)
        open_database(store.database)
        bad = verify(packs).bad_contents
        assert set(bad) == {sha(content) for content in live}
        assert repair_from_packs(packs, bad) == set(bad)
        assert [packs.read(sha(content)) for content in live] == live
        assert len(verify(packs).unlisted) == 1


class TestKilledWhileRewriting:
    @pytest.mark.parametrize("step", ["finish", "_seal_copies", "_condemn"])
    def test_nothing_is_lost(self, packs: Packs, keep: Keep, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        _, live, _ = half_dead(keep)
        age()

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(module.Packs if step == "finish" else module, "force" if step == "finish" else step, killed)
            with pytest.raises(KeyboardInterrupt):
                Compaction(packs).run()
        assert [packs.read(sha(content)) for content in live] == live
        assert settle(packs).rewritten == 1
        assert [packs.read(sha(content)) for content in live] == live
        assert file_names(packs) == {pack.name for pack in Pack.select()}


def test_dead_content_that_is_reused_meanwhile_keeps_its_pack(
    packs: Packs, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, live, dead = half_dead(keep)
    age()
    copy = Packs.force

    def reuse_then_force(self: Packs, name: str) -> None:
        with writing():
            assert held([sha(dead[0])])
            message_of(dead[0])
        copy(self, name)

    monkeypatch.setattr(Packs, "force", reuse_then_force)
    assert Compaction(packs).run().rewritten == 0
    monkeypatch.undo()
    assert Pack.get_by_id(pack.pack_id).state == "sealed"
    everything = [*live, dead[0]]
    assert [packs.read(sha(content)) for content in everything] == everything
    settle(packs)
    assert [packs.read(sha(content)) for content in everything] == everything
    assert file_names(packs).isdisjoint({pack.name})


def test_damage_in_one_pack_leaves_it_and_rewrites_the_others(packs: Packs, keep: Keep) -> None:
    bad, bad_live, _ = half_dead(keep)
    _, good_live, _ = half_dead(keep)
    path = packs.path(bad.name)
    raw = bytearray(path.read_bytes())
    raw[bad.blobs[0].offset + 100] ^= 1
    path.write_bytes(raw)
    age()
    report = Compaction(packs).run()
    assert report.rewritten == 1
    assert [problem.reason for problem in report.problems] == [Reason.CONTENT_DAMAGED]
    assert Pack.get_by_id(bad.pack_id).state == "sealed"
    assert packs.read(sha(good_live[0])) == good_live[0]
    assert packs.read(sha(bad_live[1])) == bad_live[1]


def test_readers_and_writers_beside_it(packs: Packs, keep: Keep) -> None:
    """Reads never fail and reuse never points to nothing while packs are rewritten and deleted without any grace."""
    live = [os.urandom(2000) for _ in range(30)]
    dead = [os.urandom(2000) for _ in range(60)]
    for start in range(0, 30, 3):
        keep(*live[start : start + 3], *dead[start * 2 : start * 2 + 6], messages=False)
    for content in live:
        message_of(content)
    failures: list[BaseException] = []
    ended = threading.Event()

    def beside(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                with keep_connection():
                    while not ended.is_set():
                        work()
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        return run

    def read() -> None:
        for content in live:
            assert packs.read(sha(content)) == content

    def reuse() -> None:
        for content in dead[::7]:
            with writing():
                if held([sha(content)]):
                    message_of(content)

    threads = [threading.Thread(target=beside(work)) for work in (read, read, reuse)]
    for thread in threads:
        thread.start()
    housekeeping = Compaction(packs, grace=timedelta(seconds=-1), many=2)
    for _ in range(6):
        housekeeping.run()
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures
    for message in Message.select():
        assert sha(packs.read(bytes(message.sha256))) == bytes(message.sha256)
    close_database()
