"""kill -9 at every step of stubbing, deleting and rehydrating: original or whole stub, and the registry agrees."""

import io
import itertools
import json
import random
import signal
import subprocess
import sys

import pytest

from mse_tui.archive.identity import canonical_digest
from mse_tui.archive.packs import Packs
from mse_tui.exchange.ews import connect
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import Message
from mse_tui.store.stubs import Stub
from tests.conftest import REPOSITORY
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.managing import all_items
from tests.features.replicating import make_task
from tests.support.owner import Owner

IN_CI = 1
ITEMS = 3
STUB = json.dumps({"dry_run": False, "min_attachment_kib": 8})
DELETE = json.dumps({"dry_run": False, "action": "delete"})


class Site:
    """A home and an owner with a few messages."""

    def __init__(self, home, server, *, varying: bool) -> None:
        self.home, self.server, self.owner = home, server, Owner(server)
        if varying:
            server.faults.inject("varying-mime", mailbox=self.owner.address)
        open_database(home.database)
        make_task("manages")
        close_database()
        for number in range(ITEMS):
            attachments = [("a.bin", bytes([number]) * 20_000), ("b.bin", b"b" * 15_000)]
            self.owner.add(number, attachments=attachments)
        self.originals = {self._canonical(row) for row in self._rows()}

    def work(self, what: str, kill_at: int = 0) -> int | None:
        """Let a child do the work; how many points it passed, None when it was killed."""
        user, _ = self.server.service_account
        module = [sys.executable, "-m", "tests.features.storage_child"]
        command = [*module, str(self.home.path), self.server.url, user, self.owner.address, what, str(kill_at)]
        done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=600)
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    def disturb(self, dice: random.Random) -> None:
        """Its owner moves, flags or copies something between two attempts."""
        rows = [row for row in self._rows() if row["folder"] == self.owner.folder("inbox")]
        if rows:
            row = dice.choice(rows)
            if dice.random() < 0.5:
                self.owner.store.move_item(row["id"], self.owner.folder("drafts"))
            else:
                self.owner.store.update_item(row["id"], {"importance": "High"})

    def check_between(self) -> None:
        """Nothing is lost: each original is in the mailbox or in the archive, whole."""
        open_database(self.home.database)
        try:
            packs = Packs(self.home.archive)
            kept = {canonical_digest(io.BytesIO(packs.read(bytes(row.sha256)))) for row in Message.select()}
            there = {self._canonical(row) for row in self._rows()}
            assert self.originals <= kept | there
        finally:
            close_database()

    def check_stubs(self) -> None:
        """Every item is a whole stub and the registry says so."""
        open_database(self.home.database)
        try:
            items = self._details()
            assert len(items) == ITEMS
            assert all(each.row.stub for each in items)
            names = [sorted(row.name for row in each.attachments) for each in items]
            assert names == [["a.bin.html", "b.bin.html"]] * ITEMS
            rows = {row.key: row for row in Stub.select()}
            assert {each.row.stub for each in items} == set(rows)
            assert {row.state for row in rows.values()} == {"complete"}
            assert all(rows[each.row.stub].remote_id == each.row.remote_id for each in items)
        finally:
            close_database()

    def check_restored(self) -> None:
        """Every item is the original again, once."""
        rows = self._rows()
        assert len(rows) == ITEMS
        open_database(self.home.database)
        try:
            assert {row.state for row in Stub.select()} == {"restored"}
        finally:
            close_database()
        assert sorted(self._attachments(row) for row in rows) == [["a.bin", "b.bin"]] * ITEMS

    def _attachments(self, row) -> list[str]:
        from mse_tui.archive.attachments import content_of

        content = self.owner.store.content(row)
        return [each.name for each in content_of(io.BytesIO(content)).attachments]

    def _details(self):
        user, _ = self.server.service_account
        with opened(connect(settings(self.server.url, user=user), Halts()), self.owner.address) as mailbox:
            return all_items(mailbox)

    def _rows(self):
        store = self.owner.store
        return [row for name in ("inbox", "drafts") for row in store.items(self.owner.folder(name))]

    def _canonical(self, row) -> bytes:
        return canonical_digest(io.BytesIO(self.owner.store.content(row)))


@pytest.fixture
def make_site(tmp_path, server, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, server.service_account[1])
    numbers = itertools.count(1)

    def made(*, varying: bool) -> Site:
        from mse_tui.home import Home

        return Site(Home.open(tmp_path / f"home{next(numbers)}"), server, varying=varying)

    yield made
    server.faults.clear()


def points_of(make_site, what: str) -> int:
    site = make_site(varying=False)
    if what == "rehydrate":
        site.work(STUB)
    return site.work(what)


def check_kill(site: Site, what: str, point: int, dice: random.Random | None = None) -> None:
    if what == "rehydrate":
        site.work(STUB)
    assert site.work(what, point) is None
    site.check_between()
    if dice is not None:
        site.disturb(dice)
    assert site.work(what) is not None
    site.check_between()
    if what == STUB:
        assert site.work(what) is not None
        site.check_stubs()
    elif what == "rehydrate":
        site.check_restored()
    else:
        assert not site._rows()


@pytest.mark.slow
@pytest.mark.parametrize("what", [STUB, DELETE, "rehydrate"], ids=["stub", "delete", "rehydrate"])
def test_a_kill_at_some_points(make_site, what):
    number = points_of(make_site, what)
    dice = random.Random(number)
    for round_, point in enumerate(dice.sample(range(1, number + 1), IN_CI)):
        check_kill(make_site(varying=round_ % 2 == 1), what, point)


@pytest.mark.soak
@pytest.mark.parametrize("disturbed", [False, True])
@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.parametrize("what", [STUB, DELETE, "rehydrate"], ids=["stub", "delete", "rehydrate"])
def test_a_kill_at_every_point(make_site, what, varying, disturbed):
    for point in range(1, points_of(make_site, what) + 1):
        dice = random.Random(point) if disturbed else None
        check_kill(make_site(varying=varying), what, point, dice)
