"""kill -9 of the engine, at commits and at any moment: nothing lost, nothing twice, the sequence exact.

The practice server runs in this process and the engine in a child, so that a kill takes the engine alone.
"""

import random
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from mse_tui.archive.verify import verify
from mse_tui.archive.views import View, folders, mailboxes, messages
from mse_tui.reasons import Reason
from mse_tui.sandbox.churn import churn
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.database import close_database
from mse_tui.store.models import Blob, Execution, Lease, MailboxResult, Message, Placement, Task
from mse_tui.terms import Light
from tests.conftest import REPOSITORY
from tests.journeys.conftest import SiteUnderTest
from tests.support.wire_oracle import WireOracle

IN_CI = 5
IN_SOAK = 100


class Killing:
    """A site with two tasks that share a mailbox, each executed by a process that may be killed."""

    def __init__(self, home, server, record: Path) -> None:
        self.site = SiteUnderTest(home, server)
        self.site.configure()
        self.record = record
        self.addresses = server.addresses[:2]
        self.tasks = [
            self.site.task("Both", self.addresses),
            self.site.task("Without Sent Items", self.addresses[:1], exclude_sent_items=True),
        ]
        close_database()

    def execute(self, *kill_at: str) -> int | None:
        """One execution of all tasks in a child; how many commits it took, None when it was killed."""
        command = self.command(*kill_at)
        done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=100)
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    def kill_after(self, seconds: float) -> None:
        """One execution in a child that is killed so many seconds after it was told to run."""
        with subprocess.Popen(self.command(), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "told\n"
            time.sleep(seconds)
            child.kill()

    def command(self, *kill_at: str) -> list[str]:
        """How the child is started."""
        return [sys.executable, "-m", "tests.engine.kill_child", str(self.site.home.path), str(self.record), *kill_at]

    def check_between(self) -> None:
        """What holds at any time: what is committed is whole, and the sequence counts what was submitted."""
        assert verify(self.site.packs(), read_data=True).findings == []
        begun, done = (self.record.read_text().count(word) if self.record.exists() else 0 for word in ("begin", "done"))
        sequence = sum(row.sequence for row in Task.select())
        assert done <= sequence <= begun, "the sequence does not count the submissions"
        close_database()

    def archived(self, address: str) -> dict[str, list[str]]:
        """Folder path -> the SHA-256 of each message in it, sorted, as the oracle gives it; content is read back."""
        (mailbox,) = [row for row in mailboxes() if row.address == address]
        packs, found = self.site.packs(), {}
        for folder in folders(mailbox.id, View.live()):
            rows = messages(folder.id, View.live(), 0, 10_000)
            found[folder.path] = sorted(sha256(packs.read(bytes.fromhex(row.sha256))).hexdigest() for row in rows)
        return {path: digests for path, digests in found.items() if digests}

    def check_completed(self) -> None:
        """What holds after an execution that nobody killed."""
        for task in self.tasks:
            newest = Execution.select().where(Execution.task == task).order_by(Execution.id.desc()).first()
            results = MailboxResult.select().where(MailboxResult.execution == newest)
            said = [newest.message, *(f"{row.address}: {row.message}" for row in results)]
            assert newest.light == Light.GREEN, said
        items = 0
        for address in self.addresses:
            truth = WireOracle(self.site.server, address).content()
            assert self.archived(address) == truth
            items += sum(len(rows) for rows in truth.values())
        assert Placement.select().where(Placement.closed.is_null()).count() == items
        assert Message.select().count() == Blob.select().count()
        unfinished = Execution.select().where(Execution.finished.is_null())
        assert not unfinished.exists()
        assert not Lease.select().where(Lease.owner != "").exists()
        self.check_between()


@pytest.fixture
def killing(store, tmp_path):
    with SandboxServer(tmp_path / "organisation", people=2, messages=80, mean_bytes=4_000) as server:
        yield Killing(store, server, tmp_path / "submissions")


def points(commits: int, number: int) -> list[tuple[str, int]]:
    """Commits to be killed at, spread evenly over an execution; alternately just before and just after.

    Some commits (progress, waits) depend on the time, so the very last ones may not come in another execution.
    """
    last = commits * 9 // 10
    chosen = sorted({1 + round(step * (last - 1) / (number - 1)) for step in range(number)})
    return [(("before", "after")[position % 2], commit) for position, commit in enumerate(chosen)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_commits_the_next_execution_goes_on(killing, tmp_path):
    kill_at_commits(killing, tmp_path, IN_CI)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_at_every_commit_the_next_execution_goes_on(killing, tmp_path):
    kill_at_commits(killing, tmp_path, IN_SOAK)


def kill_at_commits(killing, tmp_path, number):
    """A kill in the midst of each of so many executions of one new site, each in a place further on."""
    rehearsal = Killing(new_home(tmp_path, "rehearsal"), killing.site.server, tmp_path / "rehearsed")
    commits = rehearsal.execute()
    assert commits > 2 * IN_CI
    for when, commit in points(commits, number):
        one = Killing(new_home(tmp_path, f"{when}-{commit}"), killing.site.server, tmp_path / f"record-{when}-{commit}")
        assert one.execute(when, str(commit)) is None, f"was not killed {when} commit {commit} of {commits}"
        one.check_between()
        one.execute()
        one.check_completed()
        assert not Placement.select().where(Placement.closed.is_null(False)).exists(), "something came and went"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_again_and_again_nothing_is_lost_or_entered_twice(killing):
    kill_at_random(killing, IN_CI)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_a_hundred_times_nothing_is_lost_or_entered_twice(killing):
    kill_at_random(killing, IN_SOAK)


def kill_at_random(killing, number):
    """Kills at any moments of one site's life, mail coming and going; each start goes on where the last one ended."""
    chance = random.Random(number)
    for turn in range(number):
        killing.kill_after(chance.uniform(0.0, 1.5))
        killing.check_between()
        churn(killing.site.server.store, 10, seed=turn)
    killing.execute()
    killing.check_completed()
    assert Execution.select().where(Execution.reason == Reason.INTERRUPTED).exists(), "no kill hit an execution"
    before = sum(row.sequence for row in Task.select())
    killing.execute()
    killing.check_completed()
    assert sum(row.sequence for row in Task.select()) == before, "an unchanged pass submitted something"


def new_home(tmp_path, name):
    """Another site's home, its database open in this process."""
    from mse_tui.home import Home
    from mse_tui.store.database import open_database

    home = Home.open(tmp_path / name)
    open_database(home.database)
    return home
