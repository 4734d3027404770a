"""kill -9 at the commits of a calendar pass: nothing lost, nothing twice, the sequence exact."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from mse_tui.archive.packs import Packs
from mse_tui.archive.statements import select
from mse_tui.archive.verify import verify
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import Task
from tests.conftest import REPOSITORY
from tests.features.calendar_replicating import PracticeCalendars, practice_server, replica, weekly
from tests.features.replicating import make_task

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
IN_CI = 3
IN_SOAK = 200


class Killing:
    """One site with one task over the mailbox, each pass in a process that may be killed."""

    def __init__(self, home: Home, server, box: PracticeCalendars) -> None:
        self._home, self._server, self._box = home, server, box
        self._record = home.path / "submissions"
        open_database(home.database)
        self._task = make_task().id
        close_database()

    def run(self, *kill_at: str) -> int | None:
        """One pass; how many commits it took, None when it was killed."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.features.calendar_kill_child", str(self._home.path), self._server.url,
             self._server.service_account[0], self._box.address, str(self._task), str(self._record), *kill_at],
            check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    def check(self, *, whole: bool) -> None:
        """What holds at any time, and what holds after a whole pass."""
        open_database(self._home.database)
        packs = Packs(self._home.archive)
        assert verify(packs, read_data=True).findings == []
        told = self._record.read_text() if self._record.exists() else ""
        assert told.count("done") <= Task.get_by_id(self._task).sequence <= told.count("begin")
        shown, truth = replica(packs, self._box.address), self._box.truth(all_calendars=True)
        if whole:
            assert shown == truth
        else:
            assert len(shown) <= len(truth)
        close_database()

    def versions(self) -> int:
        open_database(self._home.database)
        [(number,)] = select("SELECT COUNT(*) FROM appointment_version")
        close_database()
        return number


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with practice_server(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_commits_the_next_pass_goes_on(server, tmp_path):
    kill_at_commits(server, tmp_path, IN_CI)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_at_every_commit_the_next_pass_goes_on(server, tmp_path):
    kill_at_commits(server, tmp_path, IN_SOAK)


def kill_at_commits(server, tmp_path, number):
    """A kill in the first pass and one in the next, of sites of their own, each in a place further on."""
    box = PracticeCalendars(server, f"killed{number}")
    team = box.add_calendar("Team")
    for day in range(8):
        box.add(f"Appointment {day}", BEGAN + timedelta(days=day), calendar=team if day % 3 else box.default)
    series = box.add("Series", BEGAN, recurrence=weekly(BEGAN))
    box.change_occurrence(series, BEGAN, Subject="Exception")
    commits = Killing(Home.open(tmp_path / "rehearsal"), server, box).run()
    chosen = sorted({1 + round(step * (commits - 1) / (number - 1)) for step in range(number)})
    for position, commit in enumerate(chosen):
        when = ("before", "after")[position % 2]
        one = Killing(Home.open(tmp_path / f"killed-{commit}"), server, box)
        assert one.run(when, str(commit)) is None or (when, commit) == ("after", commits)
        one.check(whole=False)
        one.run()
        one.check(whole=True)
        assert one.versions() == 9, "something was entered twice"
        box.change(series, subject=f"Series, changed {commit}")
        passing = box.add("Passing", BEGAN)
        one.run("before" if position % 2 else "after", str(1 + position % 4))
        box.delete(passing)
        one.run()
        one.check(whole=True)
