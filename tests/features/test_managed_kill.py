"""kill -9 at every step of deleting by policy and of purging: nothing is lost, nothing is done by halves."""

import itertools
import random
import signal
import subprocess
import sys

import pytest

from mse_tui.archive.packs import Packs
from mse_tui.archive.purge import Purge
from mse_tui.exchange.ews import connect
from mse_tui.home import Home
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.database import close_database, now, open_database
from mse_tui.store.models import Definition, Message, Placement
from mse_tui.store.retention import (
    Expiry,
    ManagedFolder,
    PurgeRecord,
    Quarantine,
    RetentionSetting,
    RetentionStamp,
    Tombstone,
)
from tests.conftest import REPOSITORY
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.managed_child import NOW
from tests.features.replicating import Replication, make_task
from tests.features.retaining import Managing, definition, paths, policy
from tests.support.owner import Owner

IN_CI = 1
ITEMS = 4
WANTED = definition(inbox=policy(delete=30, purge=100), managed=[("", "Keep", policy(purge=4000))])
EXPIRE = WANTED.model_dump_json()


class Site:
    """A home and an owner with a few messages, half of them replicated."""

    def __init__(self, home: Home, server: SandboxServer) -> None:
        self.home, self.server, self.owner = home, server, Owner(server)
        open_database(home.database)
        self.task = make_task("retains")
        Definition.update(type="MGF", settings=EXPIRE).where(Definition.id == self.task.definition_id).execute()
        packs = Packs(home.archive)
        with self.mailbox() as mailbox:
            for number in range(ITEMS):
                if number == ITEMS // 2:
                    Replication(mailbox, packs, make_task()).run()
                self.owner.add(number)
        close_database()

    def mailbox(self):
        user, _ = self.server.service_account
        return opened(connect(settings(self.server.url, user=user), Halts()), self.owner.address)

    def work(self, what: str, kill_at: int = 0) -> int | None:
        """Let a child do the work; how many points it passed, None when it was killed."""
        user, _ = self.server.service_account
        module = [sys.executable, "-m", "tests.features.managed_child"]
        command = [*module, str(self.home.path), self.server.url, user, self.owner.address, what, str(kill_at)]
        done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=100)
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    def due_to_be_purged(self) -> None:
        """Everything has left the mailbox, is stamped, approved, and set aside."""
        assert self.work(EXPIRE) is not None
        open_database(self.home.database)
        packs = Packs(self.home.archive)
        by = {"created": now(), "created_by": "a", "modified": now(), "modified_by": "a"}
        RetentionSetting.create(quarantine_days=0, **by)
        Managing(None, packs, self.task).approve()
        assert Purge(packs, "site", clock=lambda: NOW).run().set_aside == ITEMS
        close_database()

    def check_nothing_lost(self) -> None:
        """Each message is in the mailbox, or in the archive, whole; the journal does not say deleted of one there."""
        open_database(self.home.database)
        packs = Packs(self.home.archive)
        there = {row["subject"] for row in self.owner.store.items(self.owner.folder("inbox"))}
        kept = set()
        for row in Message.select():
            packs.check_content(bytes(row.sha256))
            kept.add(row.subject)
        assert {f"Message {number}" for number in range(ITEMS)} <= there | kept
        said = {row.message.subject for row in Expiry.select().where(Expiry.state == "deleted")}
        assert not said & there
        close_database()

    def check_expired(self) -> None:
        """All is done, once."""
        open_database(self.home.database)
        assert self.owner.store.items(self.owner.folder("inbox")) == []
        assert Expiry.select().where(Expiry.state == "planned").count() == 0
        assert Expiry.select().where(Expiry.state == "deleted").count() == ITEMS
        stamped = [row.message.subject for row in RetentionStamp.select().where(RetentionStamp.ended.is_null())]
        assert sorted(stamped) == [f"Message {number}" for number in range(ITEMS)]
        assert ManagedFolder.select().count() == 1
        with self.mailbox() as mailbox:
            assert sum(name == "Keep" for _, name in paths(mailbox)) == 1
        close_database()

    def check_whole_or_gone(self) -> None:
        """A message is all there, or nothing of it but record and tombstone."""
        open_database(self.home.database)
        left = Message.select().count()
        assert PurgeRecord.select().count() == Tombstone.select().count() == ITEMS - left
        assert Placement.select().count() >= left and Quarantine.select().count() == left
        for row in Message.select():
            Packs(self.home.archive).check_content(bytes(row.sha256))
        close_database()


@pytest.fixture
def make_site(tmp_path, server, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, server.service_account[1])
    numbers = itertools.count(1)
    return lambda: Site(Home.open(tmp_path / f"home{next(numbers)}"), server)


def check_kill(site: Site, what: str, point: int) -> None:
    if what == "purge":
        site.due_to_be_purged()
        assert site.work(what, point) is None
        site.check_whole_or_gone()
        assert site.work(what) is not None
        site.check_whole_or_gone()
        open_database(site.home.database)
        assert Message.select().count() == 0
        close_database()
    else:
        assert site.work(what, point) is None
        site.check_nothing_lost()
        assert site.work(what) is not None
        site.check_nothing_lost()
        site.check_expired()


def points_of(make_site, what: str) -> int:
    site = make_site()
    if what == "purge":
        site.due_to_be_purged()
    return site.work(what)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", [EXPIRE, "purge"], ids=["expire", "purge"])
def test_a_kill_at_some_points(make_site, what):
    number = points_of(make_site, what)
    for point in random.Random(number).sample(range(1, number + 1), IN_CI):
        check_kill(make_site(), what, point)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("what", [EXPIRE, "purge"], ids=["expire", "purge"])
def test_a_kill_at_every_point(make_site, what):
    for point in range(1, points_of(make_site, what) + 1):
        check_kill(make_site(), what, point)
