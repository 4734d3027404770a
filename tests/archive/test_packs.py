"""Content comes out of the archive byte for byte as it went in, or not at all."""

import hashlib
import io
import os
import stat
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive.compaction import Compaction
from mse_tui.archive.packs import BUFFERED, Packs, PackSeal, held, read_index, seal
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Blob, Pack
from tests.archive.conftest import age, sha

Keep = Callable[..., PackSeal]


class Noise(io.RawIOBase):
    """A long stream that is never in memory as a whole."""

    def __init__(self, size: int, *, compressible: bool = False) -> None:
        self.left, self.digest, self.compressible = size, hashlib.sha256(), compressible

    def read(self, size: int = -1) -> bytes:
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        piece = bytes(size) if self.compressible else os.urandom(size)
        self.digest.update(piece)
        return piece


def file_of(packs: Packs) -> Path:
    return packs.path(Pack.get().name)


@given(st.lists(st.binary(max_size=5000), min_size=1, max_size=8))
def test_contents_come_back_byte_for_byte(packs: Packs, keep: Keep, contents: list[bytes]) -> None:
    keep(*contents)
    for content in contents:
        assert packs.read(sha(content)) == content
        assert packs.open(sha(content)).read() == content


@given(st.binary(max_size=3_000_000))
def test_streams_come_back_byte_for_byte(packs: Packs, content: bytes) -> None:
    with packs.writer() as writer:
        stored = writer.add(io.BytesIO(content))
        pack = writer.finish()
    assert pack is not None and stored.size == len(content) and stored.sha256 == sha(content)
    with writing():
        seal(pack)
    assert packs.read(stored.sha256) == content


def test_the_same_content_is_stored_once(packs: Packs, keep: Keep) -> None:
    body = os.urandom(10_000)
    with packs.writer() as writer:
        first, second = writer.add(body), writer.add(body)
        third = writer.add(io.BytesIO(body))
        pack = writer.finish()
    assert first == second == third
    assert pack is not None and len(pack.blobs) == 1
    with writing():
        seal(pack)
    again = keep(body, b"other")
    assert Blob.get(Blob.sha256 == sha(body)).pack_id == pack.pack_id
    assert Pack.get_by_id(again.pack_id).live < first.length
    assert packs.read(sha(body)) == body


def test_nothing_added_leaves_nothing(packs: Packs) -> None:
    with packs.writer() as writer:
        assert writer.finish() is None
    assert Pack.select().count() == 0
    assert not packs.root.exists()


def test_files_are_private(packs: Packs, keep: Keep) -> None:
    previous = os.umask(0o022)
    try:
        keep(b"secret")
    finally:
        os.umask(previous)
    path = file_of(packs)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(packs.root.stat().st_mode) == 0o700


def test_a_pack_can_be_read_without_the_database(packs: Packs, keep: Keep) -> None:
    pack = keep(b"one", b"two", b"three" * 1000)
    with packs.open_pack(pack.name) as file:
        index = read_index(file, pack.name)
    assert index.blobs == pack.blobs
    assert index.bytes == pack.bytes == file_of(packs).stat().st_size


@pytest.mark.parametrize("compressible", [False, True])
def test_big_content_passes_in_bounded_memory(packs: Packs, tmp_path: Path, compressible: bool) -> None:
    size = 60 << 20
    noise = Noise(size, compressible=compressible)
    tracemalloc.start()
    try:
        with packs.writer() as writer:
            stored = writer.add(noise, size=size)  # type: ignore[arg-type]
            pack = writer.finish()
        assert pack is not None
        with writing():
            seal(pack)
        with (tmp_path / "out").open("w+b") as out:
            assert packs.copy_to(stored.sha256, out) == size
        with packs.open(stored.sha256) as file:
            assert hashlib.file_digest(file, "sha256").digest() == noise.digest.digest() == stored.sha256
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * BUFFERED < size  # what other threads of the process took counts too
    assert not list(packs.root.rglob("*#*"))


def test_a_sealed_pack_is_held_and_an_unsealed_one_is_not(packs: Packs) -> None:
    with packs.writer() as writer:
        writer.add(b"here")
        pack = writer.finish()
    assert pack is not None
    assert held([sha(b"here")]) == set()
    with writing():
        seal(pack)
    assert held([sha(b"here"), sha(b"not here")]) == {sha(b"here")}
    assert held(sha(str(n).encode()) for n in range(2000)) == set()
    Pack.update(state="condemned").execute()
    assert held([sha(b"here")]) == set()


def test_an_abandoned_pack_leaves_no_trace(packs: Packs) -> None:
    with pytest.raises(KeyboardInterrupt), packs.writer() as writer:
        writer.add(Noise(BUFFERED * 2))  # type: ignore[arg-type]
        assert Pack.get().state == "writing"
        raise KeyboardInterrupt
    assert Pack.select().count() == 0
    assert [path for path in packs.root.rglob("*") if path.is_file()] == []


def test_a_pack_given_up_meanwhile_can_not_be_sealed(packs: Packs) -> None:
    with packs.writer() as writer:
        writer.add(b"late")
        pack = writer.finish()
    assert pack is not None
    Pack.update(state="condemned").execute()
    with pytest.raises(Problem) as caught, writing():
        seal(pack)
    assert caught.value.reason is Reason.INTERRUPTED
    assert Blob.select().count() == 0


def test_content_that_was_bad_gets_its_new_place(packs: Packs, keep: Keep) -> None:
    body = os.urandom(5000)
    old = keep(body, b"x")
    with packs.writer() as writer:
        writer.add(body)
        new = writer.finish()
    assert new is not None
    with writing():
        seal(new, replace=True)
    packs.path(old.name).unlink()
    assert packs.read(sha(body)) == body
    assert Pack.get_by_id(old.pack_id).live == old.blobs[1].length


class TestDamage:
    @given(st.data())
    def test_a_flipped_bit_never_gives_other_content(self, packs: Packs, keep: Keep, data: st.DataObject) -> None:
        contents = [b"a" * 500, os.urandom(700), b"Subject: hello\r\n\r\n" * 30]
        pack = keep(*contents)
        with writing():
            Blob.update(pack=pack.pack_id, offset=pack.blobs[0].offset).where(
                Blob.sha256 == pack.blobs[0].sha256
            ).execute()
        path = packs.path(pack.name)
        raw = bytearray(path.read_bytes())
        bit = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[bit // 8] ^= 1 << bit % 8
        path.write_bytes(raw)
        for content in (contents[1], contents[2]):
            try:
                assert packs.read(sha(content)) == content
            except Problem as problem:
                assert problem.reason is Reason.CONTENT_DAMAGED
                assert pack.name in problem.happened or "Pack" in problem.happened

    def test_it_is_named_with_pack_and_offset(self, packs: Packs, keep: Keep) -> None:
        pack = keep(b"first" * 100, b"second" * 100)
        path, blob = packs.path(pack.name), pack.blobs[1]
        raw = bytearray(path.read_bytes())
        raw[blob.offset + blob.length // 2] ^= 0xFF
        path.write_bytes(raw)
        assert packs.read(pack.blobs[0].sha256) == b"first" * 100
        with pytest.raises(Problem) as caught:
            packs.open(blob.sha256)
        assert caught.value.reason is Reason.CONTENT_DAMAGED
        assert pack.name in caught.value.happened and f"offset {blob.offset}" in caught.value.happened

    def test_a_cut_off_file_is_noticed(self, packs: Packs, keep: Keep) -> None:
        pack = keep(os.urandom(4000))
        os.truncate(packs.path(pack.name), 1000)
        with pytest.raises(Problem) as caught:
            packs.read(pack.blobs[0].sha256)
        assert caught.value.reason is Reason.CONTENT_DAMAGED

    def test_a_missing_file_and_a_missing_place(self, packs: Packs, keep: Keep) -> None:
        pack = keep(b"gone")
        packs.path(pack.name).unlink()
        for digest in (pack.blobs[0].sha256, sha(b"never was")):
            with pytest.raises(Problem) as caught:
                packs.read(digest)
            assert caught.value.reason is Reason.CONTENT_MISSING


class TestDirectories:
    def test_the_place_of_an_archive_that_is_not_mounted_is_left_alone(self, packs: Packs, keep: Keep) -> None:
        keep(b"precious")
        dead = keep(b"dead", messages=False)
        Blob.delete().where(Blob.pack == dead.pack_id).execute()
        Pack.update(state="condemned", condemned=now()).where(Pack.id == dead.pack_id).execute()
        age()
        mounted = packs.root.with_name("mounted")
        packs.root.rename(mounted)
        packs.root.mkdir()
        for attempt in (lambda: keep(b"more"), Compaction(packs).run):
            with pytest.raises(Problem) as caught:
                attempt()
            assert caught.value.reason is Reason.ARCHIVE_UNREADABLE and "is empty" in caught.value.happened
        assert list(packs.root.iterdir()) == [] and Pack.select().count() == 2
        packs.root.rmdir()
        mounted.rename(packs.root)
        keep(b"more")
        assert packs.read(sha(b"precious")) == b"precious" and Compaction(packs).run().deleted == 1

    def test_a_lost_archive_is_not_begun_anew(self, packs: Packs, keep: Keep) -> None:
        keep(b"precious")
        packs.root.rename(packs.root.with_name("elsewhere"))
        for attempt in (lambda: keep(b"more"), lambda: packs.read(sha(b"precious"))):
            with pytest.raises(Problem) as caught:
                attempt()
            assert caught.value.reason is Reason.ARCHIVE_UNREADABLE
        assert not packs.root.exists()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_forbidden_archive_is_told(self, packs: Packs, keep: Keep) -> None:
        packs.root.mkdir(mode=0o500)
        with pytest.raises(Problem) as caught:
            keep(b"x")
        assert caught.value.reason is Reason.ARCHIVE_UNREADABLE
