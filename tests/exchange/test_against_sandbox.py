"""The client against the practice organisation: whole mailboxes, every fault in turn, NTLM, TLS."""

import os
import threading

import pytest

from mse_tui.exchange.ews import connect
from mse_tui.exchange.mailbox import SyncStateInvalid
from mse_tui.exchange.rows import Area, Content
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.faults import FaultKind
from mse_tui.sandbox.server import SandboxServer
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, Waits, opened, settings
from tests.exchange.test_ews_halts import ask_from_many_threads


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=3, messages=300, mean_bytes=5000) as running:
        yield running


@pytest.fixture
def reach(server, monkeypatch):
    """Connects to the practice organisation as its service account; faults end with the test."""
    user, password = server.service_account
    monkeypatch.setenv(PASSWORD_VARIABLE, password)

    def connected(halts=None, **changes):
        return connect(settings(server.url, **{"user": user, "retry_seconds": 30, **changes}), halts or Halts())

    yield connected
    server.faults.clear()


def read(mailbox):
    """Everything in a mailbox: path-less folders with their rows, and each item's content or reason."""
    rows, contents = {}, {}
    folders = mailbox.folder_changes(Area.PRIMARY, None)
    assert folders.last
    for folder in folders.changed:
        state, last = None, False
        while not last:
            page = mailbox.item_changes(folder.remote_id, state)
            state, last = page.state, page.last
            rows.update({row.remote_id: row for row in page.changed})
            for answer in mailbox.fetch([(row.remote_id, row.size) for row in page.changed]):
                is_content = isinstance(answer, Content)
                contents[answer.remote_id] = answer.stream.read() if is_content else answer.reason
    return folders.changed, rows, contents


@pytest.fixture(scope="module")
def whole(server):
    """The first person's mailbox, read while nothing goes wrong."""
    user, os.environ[PASSWORD_VARIABLE] = server.service_account
    with opened(connect(settings(server.url, user=user), Halts()), server.addresses[0]) as mailbox:
        found = read(mailbox)
    del os.environ[PASSWORD_VARIABLE]
    return found


def test_a_whole_mailbox(server, reach, whole):
    folders, rows, contents = whole
    assert len(rows) == len(contents) == sum(folder.total_count for folder in folders) > 50
    assert all(isinstance(content, bytes) and content for content in contents.values())
    assert {"inbox", "sentitems", "deleteditems"} <= {folder.distinguished for folder in folders}
    assert all(row.received is None or row.received.utcoffset().total_seconds() == 0 for row in rows.values())
    with opened(reach(), server.addresses[0]) as mailbox:
        chosen = list(rows)[:40]
        assert mailbox.headers(chosen) == [rows[remote_id] for remote_id in chosen]
        identity = mailbox.identity()
        assert (
            identity.address == server.addresses[0]
            and identity.display_name
            and identity.guid == mailbox.identity().guid
        )
    with opened(reach(), server.addresses[1]) as mailbox:
        assert mailbox.identity().guid != identity.guid


def test_ntlm_reads_the_same(server, reach, whole):
    with opened(reach(auth="ntlm"), server.addresses[0]) as mailbox:
        assert read(mailbox) == whole


def test_full_access_without_impersonation(server, monkeypatch):
    address = server.addresses[0]
    monkeypatch.setenv(PASSWORD_VARIABLE, server.password(address))
    exchange = connect(settings(server.url, user=address, impersonation=False), Halts())
    with opened(exchange, address) as mailbox:
        assert mailbox.identity().address == address


FAULTS = {
    "busy": (FaultKind.SERVER_BUSY, {"milliseconds": 50, "count": 3}),
    "429": (FaultKind.TOO_MANY_REQUESTS, {"retry_after": 1, "count": 1}),
    "429 without a hint": (FaultKind.TOO_MANY_REQUESTS, {"count": 3}),
    "503": (FaultKind.UNAVAILABLE, {"count": 3}),
    "503 with a hint": (FaultKind.UNAVAILABLE, {"retry_after": 1, "count": 1}),
    "reset": (FaultKind.RESET, {"count": 3}),
    "half": (FaultKind.HALF_RESPONSE, {"count": 2}),
    "half without a length": (FaultKind.HALF_WITHOUT_LENGTH, {"count": 2}),
    "some halves": (FaultKind.HALF_WITHOUT_LENGTH, {"probability": 0.2, "seed": 7}),
    "some resets": (FaultKind.RESET, {"probability": 0.2, "seed": 3}),
    "slow bytes": (FaultKind.SLOW_BYTES, {"bytes_per_second": 400_000, "count": 4}),
    "latency": (FaultKind.LATENCY, {"milliseconds": 20}),
}


WITH_NTLM = ("busy", "reset", "half without a length", "503")
"""Where a broken connection means a new handshake."""


@pytest.mark.parametrize(
    ("name", "auth"), [*((name, "basic") for name in FAULTS), *((name, "ntlm") for name in WITH_NTLM)]
)
def test_each_passing_fault_costs_nothing_but_time(server, reach, whole, name, auth):
    kind, values = FAULTS[name]
    server.faults.inject(kind, skip=2, **values)
    halts = Halts()
    with opened(reach(halts, auth=auth), server.addresses[0]) as mailbox:
        assert read(mailbox) == whole
    assert server.faults.struck(kind) > 0
    assert halts.calls == 0


def test_poison_items_are_named_and_the_rest_is_read(server, reach, whole):
    server.faults.inject(FaultKind.POISON, probability=0.1, seed=4, code="ErrorMimeContentConversionFailed")
    with opened(reach(), server.addresses[0]) as mailbox:
        _, _, contents = read(mailbox)
    poisoned = {remote_id for remote_id, content in contents.items() if isinstance(content, Reason)}
    assert 0 < len(poisoned) < len(contents)
    assert {contents[remote_id] for remote_id in poisoned} == {Reason.ITEM_CONVERSION_FAILED}
    assert all(contents[remote_id] == whole[2][remote_id] for remote_id in set(contents) - poisoned)


def test_an_invalid_sync_state_is_told_apart(server, reach, whole):
    folder = whole[0][0].remote_id
    with opened(reach(), server.addresses[0]) as mailbox:
        state = mailbox.item_changes(folder, None).state
        server.faults.inject(FaultKind.INVALID_SYNC_STATE)
        with pytest.raises(SyncStateInvalid):
            mailbox.item_changes(folder, state)
        with pytest.raises(SyncStateInvalid):
            mailbox.folder_changes(Area.PRIMARY, "made up")
        assert mailbox.item_changes(folder, None).state


def test_forbidden(server, reach):
    server.faults.inject(FaultKind.FORBIDDEN)
    with opened(reach(), server.addresses[0]) as mailbox, pytest.raises(Problem) as caught:
        mailbox.identity()
    assert caught.value.reason is Reason.ACCESS_DENIED
    assert server.faults.struck(FaultKind.FORBIDDEN) == 1


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_wrong_password_is_tried_once(server, reach, monkeypatch, auth):
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    halts = Halts()
    exchange = reach(halts, auth=auth)
    reasons = ask_from_many_threads(exchange, 6)
    exchange.close()
    assert sorted(reasons) == [Reason.ACCOUNT_HALTED] * 5 + [Reason.PASSWORD_REFUSED]
    assert halts.calls == 1


def test_a_refusal_in_the_middle_halts_the_account(server, reach):
    server.faults.inject(FaultKind.UNAUTHORIZED, skip=3)
    halts = Halts()
    with opened(reach(halts), server.addresses[0]) as mailbox, pytest.raises(Problem) as caught:
        read(mailbox)
    assert caught.value.reason is Reason.PASSWORD_REFUSED and halts.calls == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ErrorMailboxMoveInProgress", Reason.MAILBOX_MOVING),
        ("ErrorNonExistentMailbox", Reason.MAILBOX_NOT_FOUND),
        ("ErrorImpersonateUserDenied", Reason.IMPERSONATION_DENIED),
    ],
)
def test_mailboxes_that_cannot_be_opened(server, reach, code, reason):
    found = next(one for one in server.store.mailboxes() if one.address == server.addresses[2])
    server.store.set_mailbox(found.id, error=code)
    try:
        with opened(reach(), found.address) as mailbox, pytest.raises(Problem) as caught:
            mailbox.identity()
    finally:
        server.store.set_mailbox(found.id, error="")
    assert caught.value.reason is reason


def test_a_disabled_account_is_told_apart(server, reach):
    found = next(one for one in server.store.mailboxes() if one.address == server.addresses[2])
    server.store.set_mailbox(found.id, disabled=True)
    try:
        with opened(reach(), found.address) as mailbox, pytest.raises(Problem) as caught:
            mailbox.identity()
    finally:
        server.store.set_mailbox(found.id, disabled=False)
    assert caught.value.reason is Reason.MAILBOX_DISABLED


def test_an_address_that_nobody_has(reach):
    with opened(reach(), "nobody@nordlicht.example") as mailbox, pytest.raises(Problem) as caught:
        mailbox.identity()
    assert caught.value.reason is Reason.MAILBOX_NOT_FOUND


def test_addresses_are_resolved(server, reach):
    exchange = reach()
    address = server.addresses[0]
    found = exchange.resolve(address.upper())
    assert found.address == address and found.display_name
    for other in server.addresses[1:]:
        assert exchange.resolve(other).address == other
    with pytest.raises(Problem) as caught:
        exchange.resolve("nobody@nordlicht.example")
    assert caught.value.reason is Reason.MAILBOX_NOT_FOUND
    with pytest.raises(Problem) as caught:
        exchange.resolve(address[:6])
    assert caught.value.reason is Reason.ADDRESS_INVALID
    exchange.close()


def test_a_group_is_not_a_mailbox(server, reach):
    exchange = reach()
    group = server.store.setting(0, "groups")[0]["address"]
    with pytest.raises(Problem) as caught:
        exchange.resolve(group)
    assert caught.value.reason is Reason.MAILBOX_NOT_FOUND and "distribution group" in caught.value.happened
    exchange.close()


def test_aliases_lead_to_the_primary_address(server, reach):
    exchange = reach()
    aliased = [(alias, one.address) for one in server.store.mailboxes() for alias in server.store.addresses(one.id)]
    assert len(aliased) > len(server.store.mailboxes())
    for alias, address in aliased:
        assert exchange.resolve(alias).address == address
    exchange.close()


def test_back_off_is_shown_while_it_lasts(server, reach):
    server.faults.inject(FaultKind.SERVER_BUSY, milliseconds=1500, count=1)
    waits = Waits()
    with opened(reach(), server.addresses[0], on_wait=waits) as mailbox:
        mailbox.root(Area.PRIMARY)
    (until, why), after = waits.told
    assert until is not None and why and after == (None, "")


def test_stop_leaves_no_thread_behind(server, reach, whole):
    server.faults.inject(FaultKind.LATENCY, milliseconds=400)
    cancel, before = threading.Event(), threading.enumerate()
    with opened(reach(), server.addresses[0], cancel=cancel) as mailbox:
        stream = mailbox.fetch([(remote_id, 1024 * 1024) for remote_id in whole[1]])
        next(stream)
        cancel.set()
        stream.close()
    server.faults.clear()
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("ews") and thread not in before]
    for thread in mine:
        thread.join(2)
    assert not any(thread.is_alive() for thread in mine)


def test_tls_with_its_own_authority(tmp_path, monkeypatch):
    with SandboxServer(tmp_path, people=1, messages=20, tls=True) as server:
        user, password = server.service_account
        monkeypatch.setenv(PASSWORD_VARIABLE, password)
        for auth in ("basic", "ntlm"):
            exchange = connect(settings(server.url, user=user, auth=auth, ca_file=server.ca_file), Halts())
            with opened(exchange, server.addresses[0]) as mailbox:
                assert mailbox.root(Area.PRIMARY).remote_id
        with opened(connect(settings(server.url, user=user), Halts())) as mailbox, pytest.raises(Problem) as caught:
            mailbox.identity()
        assert caught.value.reason is Reason.CERTIFICATE_REFUSED


@pytest.mark.parametrize("bad", [{"tls_host": "elsewhere.example"}, {"tls_expired": True}])
def test_tls_with_a_bad_certificate(tmp_path, bad):
    with SandboxServer(tmp_path, people=1, messages=5, tls=True, **bad) as server:
        halts = Halts()
        exchange = connect(settings(server.url, ca_file=server.ca_file), halts)
        with opened(exchange, server.addresses[0]) as mailbox, pytest.raises(Problem) as caught:
            mailbox.identity()
    assert caught.value.reason is Reason.CERTIFICATE_REFUSED and halts.calls == 0
