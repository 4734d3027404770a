"""Random histories of a mailbox of the practice organisation's server against the archive, over EWS."""

import os
import threading

import pytest
from hypothesis import given

from mse_tui.archive.packs import Packs
from mse_tui.exchange.ews import connect
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.sandbox.server import SandboxServer
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, settings
from tests.features.histories import World, boxes, every_definition, every_rendering, histories, live_through
from tests.features.sandbox_exchange import SandboxExchange

pytestmark = pytest.mark.timeout(7200)


class Watched:
    """A mailbox whose requests a test may interfere with."""

    def __init__(self, mailbox: Mailbox, server: SandboxExchange) -> None:
        self._mailbox, self._server = mailbox, server

    def __getattr__(self, name: str):
        if name in ("folder_changes", "item_changes", "fetch", "headers"):
            self._server.on_request(name)
        return getattr(self._mailbox, name)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=1, messages=1) as running:
        yield running


@pytest.fixture(scope="module")
def exchange(sandbox):
    user, os.environ[PASSWORD_VARIABLE] = sandbox.service_account
    connected = connect(settings(sandbox.url, user=user), Halts())
    yield connected
    connected.close()
    del os.environ[PASSWORD_VARIABLE]


@every_definition
@every_rendering
@given(history=histories)
def test_history_over_the_wire(store, sandbox, exchange, definitions, varying, history):
    server = SandboxExchange(sandbox, f"box{next(boxes)}", varying=varying)
    with exchange.mailbox(server.address, threading.Event()) as mailbox:
        live_through(World.make(server, Watched(mailbox, server), Packs(store.archive), definitions), history)
