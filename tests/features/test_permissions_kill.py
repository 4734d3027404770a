"""kill -9 in the middle of Permissions Sync: an archive has all of a run's changes or none, and its log says which."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mse_tui.access.grants import changes, grants
from mse_tui.access.rights import Origin
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database
from tests.conftest import REPOSITORY
from tests.features.permissions_kill_child import organisation
from tests.features.replicating import make_task


def run(home: Home, state: str, number: int = 0) -> int | None:
    """One run in a child; how many statements it took, None when it was killed."""
    command = [sys.executable, "-m", "tests.features.permissions_kill_child", str(home.path), state, str(number)]
    done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=100)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def shown(home: Home) -> set[tuple[str, str, str, str, bool]]:
    """What the archive grants; the log of changes, replayed, must come to the same."""
    open_database(home.database)
    try:
        synced = {
            (each.person, each.path, each.right.value, each.source.value, each.denies, each.via)
            for each in grants()
            if each.origin is Origin.SYNCED and each.source
        }
        replayed: dict[tuple[str, str, str, bool, str], str] = {}
        for each in reversed(changes(limit=10_000)):
            key = (each.person, each.path, each.source, each.denies, each.via)
            replayed.pop(key, None) if each.what == "revoked" else replayed.update({key: each.right})
        assert synced == {(key[0], key[1], right, *key[2:]) for key, right in replayed.items()}
        return {each[:5] for each in synced}
    finally:
        close_database()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_of_a_run_or_nothing_wherever_it_is_killed(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    open_database(home.database)
    make_task("permissions")
    close_database()
    states = {name: organisation(name).grants() for name in ("first", "second")}
    assert states["first"] != states["second"]
    assert run(home, "first")
    statements = run(home, "second")
    assert statements is not None and shown(home) == states["second"]
    for number in sorted({1, *range(2, statements, max(1, statements // 5)), statements}):
        assert run(home, "first", number) is None, f"there are fewer than {number} statements now"
        assert shown(home) == states["second"], f"killed at {number}"
    run(home, "first")
    assert shown(home) == states["first"]
