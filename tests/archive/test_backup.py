"""Backing a site up: whole at every moment, beside an engine that works on, and a site again wherever it is put."""

import shutil
from pathlib import Path

import pytest

from mse_tui.archive import backup
from mse_tui.archive.backup import back_up
from mse_tui.archive.packs import Packs
from mse_tui.archive.verify import verify
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import open_database
from mse_tui.store.models import ArchiveMailbox, Message, Pack
from tests.screens.seed import seed


@pytest.fixture
def packs(store: Home) -> Packs:
    seed(store, running=False)
    store.config.write_text("[site]\n")
    return Packs(store.archive)


def restored(directory: Path, to: Path) -> Home:
    """The backup, copied to where a site may be."""
    shutil.copytree(directory, to)
    home = Home.open(to)
    open_database(home.database)
    return home


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
    with packs.writer() as writer:
        writer.add(b"one more")
        sealed = writer.finish()
    assert sealed is not None
    Pack.update(state="sealed").where(Pack.id == sealed.pack_id).execute()
    again = back_up(store, packs, tmp_path / "backup")
    assert (again.copied, again.unreferred) == (1, 0)
    Pack.delete().where(Pack.id == sealed.pack_id).execute()
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
    with packs.writer() as writer:
        writer.add(b"soon gone")
        sealed = writer.finish()
    assert sealed is not None
    Pack.update(state="sealed").where(Pack.id == sealed.pack_id).execute()
    copied = backup.copy_database

    def and_compacted(source: Path, target: Path) -> None:
        copied(source, target)
        if Pack.delete().where(Pack.id == sealed.pack_id).execute():
            packs.delete(sealed.name)

    monkeypatch.setattr(backup, "copy_database", and_compacted)
    back_up(store, packs, tmp_path / "backup")
    assert verify(Packs(restored(tmp_path / "backup", tmp_path / "elsewhere").archive), read_data=True).ok


def test_a_pack_that_is_missing_is_told(store: Home, packs: Packs, tmp_path: Path) -> None:
    packs.path(Pack.get().name).unlink()
    with pytest.raises(Problem) as met:
        back_up(store, packs, tmp_path / "backup")
    assert met.value.reason is Reason.CONTENT_MISSING


def test_the_site_itself_and_other_peoples_directories_are_refused(store: Home, packs: Packs, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to.txt").write_text("x")
    for directory in (store.path, store.path / "backup", store.path.parent, tmp_path / "letters"):
        with pytest.raises(Problem) as met:
            back_up(store, packs, directory)
        assert met.value.reason is Reason.INVALID
    assert (tmp_path / "letters" / "to.txt").read_text() == "x"
