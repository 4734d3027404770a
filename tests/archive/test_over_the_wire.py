"""Comparison and repair over Exchange Web Services, against the practice organisation's server."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from mse_tui.actions.archive_care import Wanted, verify_archive
from mse_tui.archive.coverage import compare
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import View
from mse_tui.exchange.ews import connect
from mse_tui.exchange.mailbox import Exchange
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.models import ArchiveMailbox, Blob, Message
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, settings
from tests.features.practice_exchange import Mail
from tests.features.replicating import Archive, Replication, make_task
from tests.features.sandbox_exchange import SandboxExchange

Connected = tuple[SandboxServer, Exchange]


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=1, messages=1) as server:
        user, os.environ[PASSWORD_VARIABLE] = server.service_account
        exchange = connect(settings(server.url, user=user), Halts())
        yield server, exchange
        exchange.close()
        del os.environ[PASSWORD_VARIABLE]


@pytest.mark.parametrize("varying", [False, True])
def test_all_content_of_a_mailbox_lost_and_fetched_again(
    packs: Packs, connected: Connected, varying: bool, flip_each: Callable[[Packs], int]
) -> None:
    server, exchange = connected
    box = SandboxExchange(server, f"care{varying:d}", varying=varying)
    inbox = next(each.id for each in box.live_folders() if each.distinguished == "inbox")
    for number in range(5):
        box.add_item(inbox, Mail(f"mail {number}", subject=f"Mail {number}", text="line of text\r\n" * 200))
    with exchange.mailbox(box.address, threading.Event()) as mailbox:
        Replication(mailbox, packs, make_task()).run()
        guid = mailbox.identity().guid
    perfect = Archive(guid, packs).show(View.live())
    assert len(perfect) == 5
    assert verify_archive(packs, Wanted(read_data=True, exchange=exchange)).was_ok
    assert flip_each(packs) == 5
    care = verify_archive(packs, Wanted(read_data=True, exchange=exchange, repair=True))
    assert len(care.archive.bad_contents) == 5
    assert care.is_ok, care
    assert care.repair is not None and (care.repair.repaired, care.repair.rendered_anew) == (5, 5 * varying)
    assert Archive(guid, packs).show(View.live()) == perfect
    assert ArchiveMailbox.select().count() == 1 and Blob.select().count() == Message.select().count() == 5


def test_folders_of_the_online_archive_are_told_apart(packs: Packs, connected: Connected) -> None:
    server, exchange = connected
    address = next(one.address for one in server.store.mailboxes() if one.online_archive)
    with exchange.mailbox(address, threading.Event()) as mailbox:
        Replication(mailbox, packs, make_task()).run()
        left_out = compare(mailbox).not_covered
    assert "Inbox" not in left_out
    assert "Inbox (online archive)" in left_out
