"""Fixtures: a mailbox of the practice organisation, its owner, and an archive that it can be replicated to."""

import pytest

from mse_tui.archive.packs import Packs
from mse_tui.exchange.ews import connect
from mse_tui.sandbox.server import SandboxServer
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.replicating import Replication, make_task
from tests.support.owner import Owner


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The practice organisation; mailboxes are added as they are needed."""
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=1, messages=1) as running:
        yield running


@pytest.fixture
def owner(server):
    """Who has a mailbox of their own, an empty one, and does in it what people do."""
    return Owner(server)


@pytest.fixture
def mailbox(server, owner, monkeypatch):
    """The owner's mailbox as the product reaches it; faults end with the test."""
    user, password = server.service_account
    monkeypatch.setenv(PASSWORD_VARIABLE, password)
    with opened(connect(settings(server.url, user=user, retry_seconds=30), Halts()), owner.address) as reached:
        yield reached
    server.faults.clear()


@pytest.fixture
def packs(store):
    return Packs(store.archive)


@pytest.fixture
def replicate(mailbox, packs):
    """Runs folder replication of the mailbox, by a task of its own."""
    task = make_task("replicates")
    return lambda: Replication(mailbox, packs, task).run()
