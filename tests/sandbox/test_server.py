"""The server as clients meet it: sign-in, HTTPS, restarts, the admin endpoint."""

import logging
import socket
from base64 import b64encode

import pytest
import requests
from exchangelib import BASIC, IMPERSONATION, NTLM, Account, Configuration, Credentials
from exchangelib.errors import ErrorNonExistentMailbox, UnauthorizedError
from requests_ntlm import HttpNtlmAuth

from mse_tui.sandbox.accounts import NtlmHandshake
from mse_tui.sandbox.server import SandboxServer
from tests.sandbox.wire_client import GET_INBOX, admin, post, soap


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=3, messages=90, mean_bytes=3_000) as running:
        yield running


def account(server, address, auth_type, credentials=None):
    user, password = credentials or server.service_account
    settings = Configuration(
        service_endpoint=server.url, credentials=Credentials(user, password), auth_type=auth_type, max_connections=1
    )
    return Account(address, config=settings, access_type=IMPERSONATION, autodiscover=False)


@pytest.mark.parametrize("auth_type", [BASIC, NTLM])
def test_exchangelib_reads_every_message(server, auth_type):
    mailbox = account(server, server.addresses[0], auth_type)
    seen = {}
    for folder in mailbox.msg_folder_root.walk():
        if folder.CONTAINER_CLASS != "IPF.Appointment":
            seen |= {item.id: item for item in folder.all().only("subject", "mime_content")}
    assert len(seen) == server.extent.shares()[0]
    assert all(item.mime_content for item in seen.values())
    assert mailbox.calendar.all().count() > 10


@pytest.mark.parametrize("auth_type", [BASIC, NTLM])
def test_exchangelib_is_told_that_a_password_is_wrong(server, auth_type):
    user, _ = server.service_account
    with pytest.raises(UnauthorizedError):
        account(server, server.addresses[0], auth_type, (user, "wrong")).root.refresh()


def test_a_person_opens_their_own_mailbox_only(server):
    first, second = server.addresses[:2]
    auth = (first, server.password(first))
    assert post(server, mailbox="", auth=auth).status_code == 200
    assert b"NoError" in post(server, mailbox="", auth=auth).content
    refused = post(server, mailbox=second, auth=auth)
    assert (refused.status_code, b"ErrorImpersonateUserDenied" in refused.content) == (500, True)


def test_several_ways_of_writing_a_user_name(server):
    address = server.addresses[0]
    name, password = address.partition("@")[0], server.password(address)
    for user in (address, address.upper(), name, f"NORDLICHT\\{name}", f"nordlicht.example\\{name}", "ceo"):
        assert post(server, mailbox="", auth=(user, password)).status_code == 200, user
        assert post(server, mailbox="", auth=HttpNtlmAuth(user, password)).status_code == 200, user
    for user in (f"OTHER\\{name}", "nobody", "", "svc-mse"):
        assert post(server, mailbox="", auth=(user, password)).status_code == 401, user


@pytest.mark.timeout(20)
def test_a_sign_in_that_fails_for_want_of_a_file_does_not_keep_others_out(server, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    negotiate = b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2" + bytes(16)
    with pytest.raises(FileNotFoundError):
        NtlmHandshake(server.accounts).step(negotiate)
    monkeypatch.undo()
    challenge, signed_in = NtlmHandshake(server.accounts).step(negotiate)
    assert challenge is not None and signed_in is None


def test_ntlm_signs_in_a_connection_not_a_request(server):
    with requests.Session() as session:
        session.auth = HttpNtlmAuth(*server.service_account)
        body = soap(GET_INBOX, server.addresses[0])
        assert session.post(server.url, data=body, timeout=10).status_code == 200
        session.auth = None
        assert session.post(server.url, data=body, timeout=10).status_code == 200
    assert requests.post(server.url, data=body, timeout=10).status_code == 401


def test_both_methods_are_offered_and_may_be_taken_back(server):
    offered = requests.post(server.url, data=b"", timeout=10)
    assert offered.status_code == 401
    assert "Basic" in offered.headers["WWW-Authenticate"]
    assert "NTLM" in offered.headers["WWW-Authenticate"]
    server.offer("NTLM")
    try:
        assert post(server).status_code == 401
        assert post(server, auth=HttpNtlmAuth(*server.service_account)).status_code == 200
    finally:
        server.offer("Basic", "NTLM")


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", f"Basic {b64encode(b'no colon').decode()}", "NTLM", "NTLM AAAA", "Bearer x", "NTLM %%%",
     f"NTLM {b64encode(b'NTLMSSP' + bytes(1) + bytes([3, 0, 0, 0]) + bytes(60)).decode()}"],
)  # fmt: skip
def test_damaged_credentials_are_refused(server, header):
    answer = requests.post(server.url, data=b"", headers={"Authorization": header}, timeout=10)
    assert answer.status_code == 401


def test_an_answer_to_another_challenge_is_refused(server):
    handshake = NtlmHandshake(server.accounts)
    assert handshake.step(b"NTLMSSP\0\x03\0\0\0" + bytes(64)) == (None, None)


def test_an_impersonated_name_that_is_no_text_gets_an_ews_error(server):
    body = soap(GET_INBOX, "anna@nordlicht.example").replace(b"anna@", b"\xff@")
    answer = requests.post(server.url, data=body, auth=server.service_account, timeout=10)
    assert answer.status_code == 500 and b"ErrorInvalidRequest" in answer.content


def test_every_wrong_password_is_counted(server):
    server.statistics.reset()
    post(server, auth=(server.service_account[0], "wrong"))
    post(server, auth=HttpNtlmAuth(server.service_account[0], "wrong"))
    assert server.statistics.refused == 2
    assert server.statistics.requests() == 0


def test_mailboxes_in_trouble_say_so(server):
    address = server.addresses[1]
    assert admin(server, "PATCH", f"/mailboxes/{address}", json={"error": "ErrorMailboxMoveInProgress"}).ok
    assert b"ErrorMailboxMoveInProgress" in post(server, mailbox=address).content
    assert admin(server, "PATCH", f"/mailboxes/{address}", json={"error": "", "disabled": True}).ok
    assert b"ErrorAccountDisabled" in post(server, mailbox=address).content
    assert admin(server, "PATCH", f"/mailboxes/{address}", json={"disabled": False}).ok
    assert b"NoError" in post(server, mailbox=address).content
    with pytest.raises(ErrorNonExistentMailbox):
        account(server, "nobody@nordlicht.example", BASIC).root.refresh()


def test_who_has_left_has_a_disabled_account(server):
    assert b"ErrorAccountDisabled" in post(server, mailbox="cornelius.vogt@nordlicht.example").content


def test_the_admin_endpoint_wants_its_token(server):
    assert admin(server, "GET", "/stats", token="wrong").status_code == 403
    assert requests.get(f"{server.origin}/admin/faults", timeout=10).status_code == 403
    assert admin(server, "GET", "/stats").status_code == 200


def test_faults_are_armed_and_cleared_by_the_admin_endpoint(server):
    armed = admin(server, "POST", "/faults", json={"kind": "403", "count": 2, "operation": "GetFolder"})
    assert armed.status_code == 201
    assert post(server).status_code == 403
    (listed,) = admin(server, "GET", "/faults").json()
    assert (listed["struck"], listed["left"], listed["id"]) == (1, 1, armed.json()["id"])
    assert admin(server, "DELETE", f"/faults/{listed['id']}").status_code == 204
    assert admin(server, "DELETE", f"/faults/{listed['id']}").status_code == 404
    assert post(server).status_code == 200
    assert admin(server, "POST", "/faults", json={"kind": "nonsense"}).status_code == 400
    assert admin(server, "POST", "/faults", data=b"[1]").status_code == 400
    assert admin(server, "POST", "/faults", data=b"{").status_code == 400


def test_requests_are_counted_by_operation(server):
    admin(server, "DELETE", "/stats")
    for _ in range(3):
        post(server)
    counted = admin(server, "GET", "/stats").json()
    assert counted["operations"]["GetFolder"]["requests"] == 3
    assert counted["total"]["requests"] == 3
    assert counted["operations"]["GetFolder"]["bytes_out"] > 1_000


def test_changes_are_made_by_the_admin_endpoint(server):
    before = server.store.latest_number()
    done = admin(server, "POST", "/churn", json={"count": 12, "seed": 5, "mailbox": server.addresses[2]}).json()
    assert done["total"] == 12
    assert server.store.latest_number() > before
    assert admin(server, "POST", "/churn", json={"count": 1, "mailbox": "nobody@x.example"}).status_code == 404
    assert admin(server, "POST", "/churn", json={}).status_code == 400


def test_no_error_is_logged_for_what_clients_do(server, caplog):
    with caplog.at_level(logging.WARNING):
        requests.post(server.url, data=b"<", auth=server.service_account, timeout=10)
        requests.get(server.url, auth=server.service_account, timeout=10)
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc")
        post(server)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_restart_goes_on_where_it_was(tmp_path):
    with SandboxServer(tmp_path, people=1, messages=20, mean_bytes=3_000) as server:
        url, who, addresses, token = server.url, server.service_account, server.addresses, server.admin_token
        inbox = server.store.distinguished_folder(server.store.mailboxes()[0].id, "inbox")
        server.store.rename_folder(inbox.id, "Renamed")
        items = server.store.count_items()
    with SandboxServer(tmp_path, people=5, messages=700) as server:
        assert (server.url, server.service_account, server.admin_token) == (url, who, token)
        assert server.addresses == addresses
        assert server.store.count_items() == items
        assert server.extent.people == 1
        assert b"Renamed" in post(server).content


def test_an_organisation_that_was_not_finished_is_begun_again(tmp_path):
    (tmp_path / "organisation.unfinished").write_bytes(b"half of it")
    with SandboxServer(tmp_path, people=1, messages=5) as server:
        assert post(server).status_code == 200
    assert not (tmp_path / "organisation.unfinished").exists()


def test_secrets_are_private(tmp_path):
    directory = tmp_path / "new"
    with SandboxServer(directory, people=1, messages=1, tls=True):
        assert directory.stat().st_mode & 0o077 == 0
        for name in ("server.json", "server.key"):
            assert (directory / name).stat().st_mode & 0o077 == 0, name


def test_https_with_an_authority_of_its_own(tmp_path):
    with SandboxServer(tmp_path, people=1, messages=1, tls=True) as server:
        assert server.url.startswith("https://localhost:")
        assert post(server, verify=str(server.ca_file)).status_code == 200
        assert post(server, verify=str(server.ca_file), auth=HttpNtlmAuth(*server.service_account)).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            post(server)


@pytest.mark.parametrize(
    ("trouble", "told"), [({"tls_host": "other.example"}, "mismatch"), ({"tls_expired": True}, "expired")]
)
def test_certificates_that_are_wrong(tmp_path, trouble, told):
    with (
        SandboxServer(tmp_path, people=1, messages=1, tls=True, **trouble) as server,
        pytest.raises(requests.exceptions.SSLError, match=told),
    ):
        post(server, verify=str(server.ca_file))


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        SandboxServer(tmp_path, people=1, messages=1, port=taken.getsockname()[1])
