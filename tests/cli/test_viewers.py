"""A site whose home is given to a group of viewers: they read it, and nothing that they do changes it."""

import contextlib
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from mse_tui.actions.opening import open_site
from mse_tui.home import Home
from mse_tui.store.database import close_database
from mse_tui.store.models import ArchiveMailbox, Site
from mse_tui.store.watching import QUIET_SECONDS, DataWatcher
from tests.support.other_users import GROUP, OtherUser, missing

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

OWNER = OtherUser(20001, (GROUP.gr_gid,))
VIEWER = OtherUser(20002, (GROUP.gr_gid,))
STRANGER = OtherUser(20003)
CHANGES = (
    ("task", "run", "Sales"),
    ("task", "pause", "Sales"),
    ("task", "remove", "Sales", "--keep-history", "--yes"),
    ("definition", "new", "MFR", "More"),
    ("schedule", "new", "daily", "More", "--at", "10:00"),
    ("site", "disable"),
    ("site", "retry"),
    ("site", "maintenance", "begin", "--until", "23:59"),
    ("hold", "place", "Lawsuit"),
    ("group", "resolve", "ann@example.com"),
    ("engine",),
    ("web",),
)
LOOKS_INTO_MAIL = (("archive", "ls", "ann@example.com"), ("audit",), ("audit", "verify"))


def _archive_a_mailbox(home: Path) -> None:
    open_site(Home.open(home))
    ArchiveMailbox.create(guid="1", address="ann@example.com", display_name="Ann")
    close_database()


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """A home with a task, whose owner lets a group look."""
    above = Path(tempfile.mkdtemp(prefix="mse-tui-viewers-"))
    above.chmod(0o755)
    home = above / "home"
    home.mkdir(mode=0o700)
    exchange = '[exchange]\nendpoint = "https://localhost/EWS"\nuser = "service"\npassword_env = "UNUSED"\n'
    (home / "config.toml").write_text(f'{exchange}[site]\nviewers_group = "{GROUP.gr_name}"\n')
    (home / "config.toml").chmod(0o600)
    for path in (home, home / "config.toml"):
        shutil.chown(path, OWNER.uid, OWNER.uid)
    made = OWNER.mse_tui(
        home,
        ("definition", "new", "MFR", "Everything"),
        ("schedule", "new", "daily", "Nightly", "--at", "22:00", "--zone", "Europe/Berlin"),
        ("task", "new", "Sales", "--definition", "Everything", "--schedule", "Nightly", "--group", "ann@example.com"),
    )
    assert [one.code for one in made] == [0, 0, 0], made
    OWNER.calls(_archive_a_mailbox, home)
    yield home
    shutil.rmtree(above)


def test_a_viewer_sees_the_site_and_changes_nothing(shared_home: Path) -> None:
    before = (shared_home / "mse-tui.db").read_bytes()
    status, tasks, export, doctor, *rest = VIEWER.mse_tui(
        shared_home, ("status", "--plain"), ("task", "list"), ("export",), ("doctor",), *CHANGES, *LOOKS_INTO_MAIL
    )
    assert (status.code, "Task Sales" in status.out) == (1, True), status
    assert "Sales" in tasks.out and 'description = "Sales"' in export.out
    assert (doctor.code, "opens to look at" in doctor.out) == (0, True), doctor
    for command, ran in zip((*CHANGES, *LOOKS_INTO_MAIL), rest, strict=True):
        assert (ran.code, "Reason: read-only" in ran.err) == (2, True), (command, ran)
        assert "open to look at only" in ran.err
    assert (shared_home / "mse-tui.db").read_bytes() == before


def test_others_are_kept_out(shared_home: Path) -> None:
    (ran,) = STRANGER.mse_tui(shared_home, ("status",))
    assert (ran.code, "is not readable" in ran.err) == (64, True), ran


def test_only_what_the_screens_show_is_given(shared_home: Path) -> None:
    given = {"mse-tui.db", "mse-tui.db-wal", "mse-tui.db-shm", "config.toml", "logs"}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in shared_home.iterdir()}
    assert stat.S_IMODE(shared_home.stat().st_mode) == 0o750
    assert {name for name, mode in modes.items() if mode & 0o040} == given
    assert not [name for name, mode in modes.items() if mode & 0o027]


def _refusals(database: Path) -> list[str]:
    said = []
    for way in ("", "?mode=rw", "?mode=ro"):
        try:
            sqlite3.connect(f"file:{database}{way}", uri=True).execute("UPDATE site SET enabled = 0")
        except sqlite3.OperationalError as error:
            said.append(error.sqlite_errorname)
    return said


def test_the_file_itself_refuses_a_viewer(shared_home: Path) -> None:
    assert VIEWER.calls(_refusals, shared_home / "mse-tui.db") == ["SQLITE_READONLY"] * 3


def _engine(way: Connection, home: Path, host: str) -> None:
    """Writes something, and keeps the database open until it is told to end."""
    open_site(Home.open(home))
    Site.update(host_name=host).execute()
    way.send("written")
    way.recv()
    close_database()
    way.send("closed")


def _seen_by_viewer(home: Path) -> str:
    return VIEWER.mse_tui(home, ("site", "show"))[0].out


def test_a_viewer_reads_what_an_engine_has_written_a_moment_ago(shared_home: Path) -> None:
    """While it runs, after it was killed, and when it has ended, when SQLite takes its own files away."""
    with OWNER.beside(_engine, shared_home, "first") as engine:
        assert engine.recv() == "written"
        assert "first" in _seen_by_viewer(shared_home)
    assert "first" in _seen_by_viewer(shared_home), "it was killed"
    with OWNER.beside(_engine, shared_home, "second") as engine:
        assert engine.recv() == "written"
        engine.send("end")
        assert engine.recv() == "closed"
    assert "second" in _seen_by_viewer(shared_home)


def _watch(way: Connection, home: Path) -> None:
    open_site(Home.open(home))
    watcher = DataWatcher(home / "mse-tui.db", lambda: way.send("changed"))
    watcher.start()
    way.recv()


def test_a_viewer_notices_commits_and_rests_between_them(shared_home: Path) -> None:
    with VIEWER.beside(_watch, shared_home) as watcher:
        assert not watcher.poll(4), "nothing has changed, and no engine runs"
        assert QUIET_SECONDS > 4
        began = time.monotonic()
        OWNER.mse_tui(shared_home, ("site", "disable"), ("site", "enable"))
        assert watcher.poll(5)
        assert time.monotonic() - began < QUIET_SECONDS


def _take_away(home: Path) -> None:
    """As another program does that closes the database as the last."""
    with contextlib.closing(sqlite3.connect(home / "mse-tui.db")) as connection:
        connection.execute("SELECT count(*) FROM task")


def test_a_closed_database_says_who_can_open_it_again(shared_home: Path) -> None:
    OWNER.calls(_take_away, shared_home)
    for name in ("mse-tui.db-wal", "mse-tui.db-shm"):
        assert not (shared_home / name).exists()
    (refused,) = VIEWER.mse_tui(shared_home, ("status",))
    assert (refused.code, "mse-tui site show" in refused.err) == (2, True), refused
    OWNER.mse_tui(shared_home, ("site", "show"))
    assert "Task Sales" in VIEWER.mse_tui(shared_home, ("status", "--plain"))[0].out
