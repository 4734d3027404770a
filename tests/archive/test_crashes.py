"""A full disk and a kill at any step: told plainly, nothing lost, nothing believed that is not there."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from mse_tui.archive.compaction import Compaction
from mse_tui.archive.disk import explained
from mse_tui.archive.packs import Packs, PackSeal
from mse_tui.archive.verify import verify
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import close_database
from mse_tui.store.models import Message, Pack
from tests.archive.conftest import age, age_files, sha
from tests.conftest import REPOSITORY

Keep = Callable[..., PackSeal]

CHILD = """
import os, resource, signal, sys
from pathlib import Path
from mse_tui.archive import packs as module
from mse_tui.archive.packs import Packs, seal
from mse_tui.home import Home
from mse_tui.reasons import Problem
from mse_tui.store.database import open_database, writing
from mse_tui.store.models import Message

home, step, size = Home.open(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
open_database(home.database)
packs = Packs(home.archive)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if step == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
elif step in ("prepare", "put", "open_upload", "force"):
    setattr(Packs, step, die)
elif step == "half":
    module.PackWriter._flush = lambda self, flush=module.PackWriter._flush: (flush(self), die())
try:
    with packs.writer() as writer:
        stored = writer.add(os.urandom(size))
        pack = writer.finish()
except Problem as problem:
    print(problem.reason)
    raise SystemExit(3)
if step == "commit":
    die()
with writing():
    seal(pack)
    Message.create(sha256=stored.sha256, size=stored.size)
    if step == "transaction":
        die()
if step == "done":
    die()
"""

SMALL, BIG = 100_000, 30 << 20


def run_child(home: Home, step: str, size: int) -> subprocess.CompletedProcess[str]:
    close_database()
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(home.path), step, str(size)],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("step", "size"),
    [
        ("prepare", SMALL), ("put", SMALL), ("force", SMALL), ("commit", SMALL), ("transaction", SMALL),
        ("done", SMALL), ("open_upload", BIG), ("half", BIG), ("force", BIG),
    ],
)  # fmt: skip
def test_a_killed_writer_loses_nothing_that_was_committed(
    store: Home, packs: Packs, keep: Keep, step: str, size: int
) -> None:
    keep(b"committed before")
    ran = run_child(store, step, size)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert verify(packs, read_data=True).ok
    assert Message.select().count() == (2 if step == "done" else 1)
    for _ in range(3):
        age()
        age_files(packs)
        Compaction(packs).run()
    assert verify(packs, read_data=True).ok
    assert packs.read(sha(b"committed before")) == b"committed before"
    assert {name for name, _, _ in packs.files()} == {pack.name for pack in Pack.select()}
    assert not [path for path in packs.root.rglob("*#*")]


@pytest.mark.parametrize("size", [3 << 20, BIG])
def test_a_full_disk_is_told_and_leaves_nothing(store: Home, packs: Packs, keep: Keep, size: int) -> None:
    keep(b"committed before")
    ran = run_child(store, "full", size)
    assert ran.returncode == 3, ran.stderr
    assert ran.stdout.strip() == Reason.DISK_FULL
    assert Pack.select().count() == 1
    assert len(list(packs.files())) == 1
    assert verify(packs, read_data=True).ok


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(ENOSPC, "x"), Reason.DISK_FULL),
        (GenericError("Unable to copy data to file: No space left on device (os error 28)"), Reason.DISK_FULL),
        (GenericError('Generic { source: Os { code: 28, kind: StorageFull, message: "x" } }'), Reason.DISK_FULL),
        (PermissionError(13, "x"), Reason.ARCHIVE_UNREADABLE),
        (GenericError("anything"), Reason.ARCHIVE_UNREADABLE),
    ],
)
def test_errors_of_files_are_told_in_plain_words(error: Exception, reason: Reason) -> None:
    with pytest.raises(Problem) as caught, explained(Path("/srv/archive")):
        raise error
    assert caught.value.reason is reason and "/srv/archive" in caught.value.happened
