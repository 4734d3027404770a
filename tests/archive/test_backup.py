"""Backing a site up: whole at every moment, beside an engine that works on, and a site again wherever it is put."""

import fcntl
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mse_tui.archive import backup
from mse_tui.archive.backup import back_up
from mse_tui.archive.packs import Packs, seal
from mse_tui.archive.verify import verify
from mse_tui.engine.leases import Leases
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import close_database, open_database, writing
from mse_tui.store.lease_keys import engine_key
from mse_tui.store.live_leases import live_keys
from mse_tui.store.models import ArchiveMailbox, Blob, Message, Pack, Site
from mse_tui.store.processes import Process
from tests.screens.seed import seed


@pytest.fixture
def packs(store: Home) -> Packs:
    seed(store, running=False)
    store.config.write_text("[site]\n")
    return Packs(store.archive)


def restored(directory: Path, to: Path) -> Home:
    """The backup, copied to where a site may be."""
    shutil.copytree(directory, to)
    (to / "mse-tui.backup").unlink()
    home = Home.open(to)
    open_database(home.database)
    return home


def sealed_pack(packs: Packs, content: bytes) -> Pack:
    with packs.writer() as writer:
        writer.add(content)
        finished = writer.finish()
    assert finished is not None
    with writing():
        seal(finished)
    return Pack.get_by_id(finished.pack_id)


def let_go(pack: Pack) -> None:
    Blob.delete().where(Blob.pack == pack).execute()
    pack.delete_instance()


def test_nobody_holds_anything_in_a_backup_of_a_site_whose_engine_runs(
    store: Home, packs: Packs, tmp_path: Path
) -> None:
    key = engine_key("backed-up")
    held = Leases("the other engine", process=Process("elsewhere", 1, 1)).take(key, "engine")
    assert held is not None
    back_up(store, packs, tmp_path / "backup")
    assert live_keys(""), "in the site itself it stays"
    restored(tmp_path / "backup", tmp_path / "elsewhere")
    assert not live_keys("")
    again = Leases("its own engine").take(key, "engine")
    assert again is not None and again.fence > held.fence


def test_a_backup_is_a_site_with_all_that_the_archive_holds(store: Home, packs: Packs, tmp_path: Path) -> None:
    report = back_up(store, packs, tmp_path / "backup")
    assert (report.packs, report.copied) == (Pack.select().count(), Pack.select().count())
    messages = Message.select().count()
    home = restored(tmp_path / "backup", tmp_path / "elsewhere")
    assert Message.select().count() == messages
    assert home.config.read_text() == "[site]\n"
    assert verify(Packs(home.archive), read_data=True).ok
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700


def test_the_next_one_copies_what_is_new_and_lets_go_only_when_told(store: Home, packs: Packs, tmp_path: Path) -> None:
    back_up(store, packs, tmp_path / "backup")
    sealed = sealed_pack(packs, b"one more")
    again = back_up(store, packs, tmp_path / "backup")
    assert (again.copied, again.unreferred) == (1, 0)
    let_go(sealed)
    kept = back_up(store, packs, tmp_path / "backup")
    assert (kept.copied, kept.unreferred, kept.pruned) == (0, 1, 0)
    pruned = back_up(store, packs, tmp_path / "backup", prune=True)
    assert (pruned.unreferred, pruned.pruned) == (0, 1)
    assert verify(Packs(restored(tmp_path / "backup", tmp_path / "elsewhere").archive), read_data=True).ok


def test_what_interrupts_it_leaves_the_earlier_backup_whole(
    store: Home, packs: Packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(store, packs, tmp_path / "backup")
    ArchiveMailbox.update(display_name="Changed").execute()

    def cut(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_copy_packs", cut)
    with pytest.raises(KeyboardInterrupt):
        back_up(store, packs, tmp_path / "backup")
    home = restored(tmp_path / "backup", tmp_path / "elsewhere")
    assert not ArchiveMailbox.select().where(ArchiveMailbox.display_name == "Changed").exists()
    assert verify(Packs(home.archive), read_data=True).ok


def test_a_pack_that_is_compacted_away_meanwhile_is_no_loss(
    store: Home, packs: Packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = sealed_pack(packs, b"soon gone")
    copied = backup.copy_database

    def and_compacted(source: Path, target: Path) -> None:
        copied(source, target)
        if Pack.select().where(Pack.id == sealed.id).exists():
            let_go(sealed)
            packs.delete(sealed.name)

    monkeypatch.setattr(backup, "copy_database", and_compacted)
    back_up(store, packs, tmp_path / "backup")
    assert verify(Packs(restored(tmp_path / "backup", tmp_path / "elsewhere").archive), read_data=True).ok


def test_packs_that_are_missing_or_not_whole_are_told_and_all_else_is_backed_up(
    store: Home, packs: Packs, tmp_path: Path
) -> None:
    other, gone = sealed_pack(packs, b"other"), sealed_pack(packs, b"will be gone")
    copies = Packs(tmp_path / "backup" / "archive")
    back_up(store, packs, tmp_path / "backup")
    let_go(gone)
    broken = Pack.get()
    source = packs.path(broken.name)
    source.write_bytes(source.read_bytes()[:-1])
    assert back_up(store, packs, tmp_path / "backup").copied == 0  # the backup has it whole
    copies.path(broken.name).unlink()
    copies.path(other.name).unlink()
    with pytest.raises(Problem) as met:
        back_up(store, packs, tmp_path / "backup", prune=True)
    assert met.value.reason is Reason.CONTENT_DAMAGED
    assert broken.name in met.value.happened
    assert copies.path(other.name).exists()
    assert copies.path(gone.name).exists()
    ArchiveMailbox.update(display_name="Changed").execute()
    source.unlink()
    with pytest.raises(Problem) as met:
        back_up(store, packs, tmp_path / "backup")
    assert met.value.reason is Reason.CONTENT_MISSING
    restored(tmp_path / "backup", tmp_path / "elsewhere")
    assert ArchiveMailbox.select().where(ArchiveMailbox.display_name == "Changed").exists()


@pytest.mark.parametrize("left", [0, 10])
def test_a_pack_that_the_backup_has_not_whole_is_copied_again(
    store: Home, packs: Packs, tmp_path: Path, left: int
) -> None:
    back_up(store, packs, tmp_path / "backup")
    name = Pack.get().name
    copy = Packs(tmp_path / "backup" / "archive").path(name)
    copy.write_bytes(copy.read_bytes()[:left])
    assert back_up(store, packs, tmp_path / "backup").copied == 1
    assert copy.read_bytes() == packs.path(name).read_bytes()


def test_the_site_itself_and_other_peoples_directories_are_refused(store: Home, packs: Packs, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to.txt").write_text("x")
    for directory in (store.path, store.path / "backup", store.path.parent, tmp_path / "letters"):
        with pytest.raises(Problem) as met:
            back_up(store, packs, directory)
        assert met.value.reason is Reason.INVALID
    assert (tmp_path / "letters" / "to.txt").read_text() == "x"


def test_the_site_itself_is_refused_by_whatever_name(store: Home, packs: Packs, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.path)
    (tmp_path / "to archive").mkdir()
    (tmp_path / "to archive" / "archive").symlink_to(packs.root)
    before = store.database.stat().st_ino
    for directory in (tmp_path / "link", tmp_path / "link" / "new", tmp_path / "to archive"):
        with pytest.raises(Problem) as met:
            back_up(store, packs, directory, prune=True)
        assert met.value.reason is Reason.INVALID
    assert store.database.stat().st_ino == before


def test_another_site_and_its_backups_are_refused(store: Home, packs: Packs, tmp_path: Path) -> None:
    back_up(store, packs, tmp_path / "backup")
    restored(tmp_path / "backup", tmp_path / "other")
    Site.update(code="OTHER").execute()
    close_database()
    open_database(store.database)
    back_up(Home.open(tmp_path / "other"), Packs(tmp_path / "other" / "archive"), tmp_path / "backup")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    Site.update(code="THIS").execute()
    for directory, said in ((tmp_path / "other", "no backup of this site"), (tmp_path / "backup", "another site")):
        with pytest.raises(Problem) as met:
            back_up(store, packs, directory, prune=True)
        assert met.value.reason is Reason.INVALID
        assert said in met.value.happened
    for path in (tmp_path / "other", tmp_path / "backup"):
        assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == {
            file: content for file, content in before.items() if path in file.parents
        }


def test_two_at_once_do_not_write_into_one_directory(store: Home, packs: Packs, tmp_path: Path) -> None:
    back_up(store, packs, tmp_path / "backup")
    with (tmp_path / "backup" / "mse-tui.backup").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Problem, match="Another backup is being written") as met:
            back_up(store, packs, tmp_path / "backup")
        assert met.value.reason is Reason.INVALID
    back_up(store, packs, tmp_path / "backup")


_WRITE_AND_DIE = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("UPDATE archive_mailbox SET display_name = 'Written in the backup'")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_backup_that_was_opened_stays_whole_and_its_log_never_meets_the_next_one(
    store: Home, packs: Packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(store, packs, tmp_path / "backup")
    database = tmp_path / "backup" / "mse-tui.db"
    ended = subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, database], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (tmp_path / "backup" / "mse-tui.db-wal").stat().st_size > 0
    replace = Path.replace

    def cut(path: Path, target: Path) -> Path:
        if target == database:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            back_up(store, packs, tmp_path / "backup")
    assert _names(database) == {"Written in the backup"}
    subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, database], check=False)
    back_up(store, packs, tmp_path / "backup")
    assert "Written in the backup" not in _names(database)
    assert not list((tmp_path / "backup").glob("mse-tui.*-*"))


def _names(database: Path) -> set[str]:
    connection = sqlite3.connect(database)
    try:
        return {name for (name,) in connection.execute("SELECT display_name FROM archive_mailbox")}
    finally:
        connection.close()
