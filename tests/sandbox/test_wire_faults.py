"""Each fault as a client sees it on the wire."""

import socket
import time

import pytest
import requests
from exchangelib import BASIC, IMPERSONATION, Account, Configuration, Credentials
from exchangelib.errors import ErrorServerBusy
from lxml import etree

from mse_tui.sandbox.ews.ids import IdMaker
from mse_tui.sandbox.server import SandboxServer
from tests.sandbox.wire_client import NAMESPACES, TIME_ZONES, post, soap


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=2, messages=60, mean_bytes=4_000) as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.faults.clear()


def item_ids(server, number=2):
    mailbox = server.store.mailbox(server.addresses[0])
    inbox = server.store.distinguished_folder(mailbox.id, "inbox")
    maker = IdMaker(mailbox.guid)
    return [maker.item(row["id"]) for row in server.store.items(inbox.id, 0, number)]


def get_items(server, ids):
    wanted = "".join(f'<t:ItemId Id="{one}"/>' for one in ids)
    answer = post(
        server,
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
        f"</m:ItemShape><m:ItemIds>{wanted}</m:ItemIds></m:GetItem>",
    )
    root = etree.fromstring(answer.content)
    messages = root.iterfind(".//m:GetItemResponseMessage", NAMESPACES)
    wanted = ("m:ResponseCode", ".//t:MimeContent")
    return [tuple(message.findtext(path, None, NAMESPACES) for path in wanted) for message in messages]


def test_server_busy_says_how_long_to_wait(server):
    server.faults.inject("server-busy", milliseconds=4_321, operation="GetFolder")
    answer = post(server)
    assert answer.status_code == 500
    assert b"ErrorServerBusy" in answer.content
    assert b'<t:Value Name="BackOffMilliseconds">4321</t:Value>' in answer.content
    settings = Configuration(
        service_endpoint=server.url, credentials=Credentials(*server.service_account), auth_type=BASIC
    )
    with pytest.raises(ErrorServerBusy) as raised:
        Account(server.addresses[0], config=settings, access_type=IMPERSONATION).root.refresh()
    assert raised.value.back_off == pytest.approx(4.321)
    server.faults.clear()
    assert post(server).status_code == 200


@pytest.mark.parametrize("status", ["429", "503"])
@pytest.mark.parametrize("retry_after", [None, 7])
def test_slow_down_with_and_without_a_time(server, status, retry_after):
    server.faults.inject(status, retry_after=retry_after, count=1)
    answer = post(server)
    assert answer.status_code == int(status)
    assert answer.headers.get("Retry-After") == (None if retry_after is None else "7")
    assert post(server).status_code == 200


def test_unauthorised_and_forbidden(server):
    server.faults.inject("401", count=1)
    answer = post(server)
    assert (answer.status_code, "Basic" in answer.headers["WWW-Authenticate"]) == (401, True)
    server.faults.inject("403", count=1)
    assert [post(server).status_code for _ in range(2)] == [403, 200]


def test_a_reset_arrives_as_a_reset(server):
    server.faults.inject("reset", count=1)
    with pytest.raises(requests.exceptions.ConnectionError) as raised:
        post(server)
    assert "ConnectionResetError" in repr(raised.value)
    assert post(server).status_code == 200


def test_half_a_response_is_shorter_than_promised(server):
    whole = post(server, TIME_ZONES).content
    server.faults.inject("half-response", count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        post(server, TIME_ZONES)
    server.faults.inject("half-response", count=1)
    told, got = raw_answer(server)
    assert b"content-length: %d" % len(whole) in told.lower()
    assert got == whole[: len(whole) // 2]


def test_half_a_response_without_a_length_looks_complete_to_http(server):
    whole = post(server, TIME_ZONES).content
    server.faults.inject("half-response-without-length", count=1)
    answer = post(server, TIME_ZONES)
    assert answer.status_code == 200
    assert "Content-Length" not in answer.headers
    assert "Transfer-Encoding" not in answer.headers
    assert answer.content == whole[: len(whole) // 2]
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(answer.content)


def raw_answer(server):
    request = requests.Request(
        "POST", server.url, auth=server.service_account, data=soap(TIME_ZONES), headers={"Content-Type": "text/xml"}
    ).prepare()
    lines = [f"POST {request.path_url} HTTP/1.1", f"Host: 127.0.0.1:{server.port}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode() + request.body)
        data = b"".join(iter(lambda: raw.recv(65_536), b""))
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def test_bytes_come_slowly(server):
    size = len(post(server, TIME_ZONES).content)
    server.faults.inject("slow-bytes", bytes_per_second=size * 2, count=1)
    begun = time.monotonic()
    answer = post(server, TIME_ZONES)
    assert 0.4 < time.monotonic() - begun < 3
    assert len(answer.content) == size


def test_latency(server):
    server.faults.inject("latency", milliseconds=150)
    begun = time.monotonic()
    post(server)
    assert time.monotonic() - begun > 0.15


def test_a_fault_of_one_mailbox_or_operation_leaves_the_others_alone(server):
    first, second = server.addresses
    server.faults.inject("503", mailbox=first)
    assert (post(server, mailbox=first).status_code, post(server, mailbox=second).status_code) == (503, 200)
    server.faults.clear()
    server.faults.inject("503", operation="GetServerTimeZones")
    assert (post(server).status_code, post(server, TIME_ZONES).status_code) == (200, 503)


def test_one_poisoned_item_fails_alone(server):
    ids = item_ids(server)
    server.faults.inject("poison", item=ids[0])
    (first, _), (second, content) = get_items(server, ids)
    assert (first, second) == ("ErrorItemCorrupt", "NoError")
    assert content
    server.faults.clear()
    server.faults.inject("poison", item=ids[0], code="ErrorMimeContentConversionFailed")
    assert [code for code, _ in get_items(server, ids)] == ["ErrorMimeContentConversionFailed", "NoError"]
    server.faults.clear()
    assert [code for code, _ in get_items(server, ids)] == ["NoError", "NoError"]


def test_mime_varies_at_each_fetch_only_when_told(server):
    ids = item_ids(server)
    assert get_items(server, ids) == get_items(server, ids)
    server.faults.inject("varying-mime")
    assert get_items(server, ids) != get_items(server, ids)


def test_sync_states_are_refused_only_while_the_fault_lasts(server):
    def sync(state=""):
        holder = f"<m:SyncState>{state}</m:SyncState>" if state else ""
        answer = post(
            server,
            "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>"
            f'<t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId>{holder}'
            "<m:MaxChangesReturned>5</m:MaxChangesReturned></m:SyncFolderItems>",
        )
        root = etree.fromstring(answer.content)
        return (
            root.findtext(".//m:ResponseCode", None, NAMESPACES),
            root.findtext(".//m:SyncState", None, NAMESPACES),
        )

    _, state = sync()
    server.faults.inject("invalid-sync-state", count=1)
    assert sync(state)[0] == "ErrorInvalidSyncStateData"
    assert sync(state)[0] == "NoError"
