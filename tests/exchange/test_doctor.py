"""What the doctor says of the way to a mailbox, and that it tries the password once at most."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mse_tui.exchange.doctor import Outcome, check_exchange
from mse_tui.reasons import Reason
from mse_tui.sandbox.certificates import Authority
from tests.exchange.canned import NAMESPACES, Answer, Canned, entries, error, fault, settings, success

RESOLVED = entries("ResolveNames", error("ResolveNames", "ErrorNameResolutionNoResults"))
FOLDER = success("GetFolder", "<m:Folders><t:Folder><t:FolderId Id='R'/></t:Folder></m:Folders>")


def with_version(body: str, major: int, minor: int) -> str:
    header = (
        f'<s:Header><t:ServerVersionInfo MajorVersion="{major}" MinorVersion="{minor}" MajorBuildNumber="1118"'
        ' MinorBuildNumber="7"/></s:Header><s:Body>'
    )
    assert NAMESPACES in body
    return body.replace("<s:Body>", header, 1)


def healthy(asked):
    if asked.operation == "GetFolder":
        return Answer(body=entries("GetFolder", FOLDER, error("GetFolder", "ErrorFolderNotFound")))
    return Answer(body=with_version(RESOLVED, 15, 2))


def examined(server_settings, halts, mailbox=None):
    return {finding.check: finding for finding in check_exchange(server_settings, halts, mailbox)}


def outcomes(findings):
    return {check: finding.outcome.value for check, finding in findings.items()}


def test_all_is_well(halts):
    with Canned(healthy) as server:
        findings = examined(settings(server.url), halts, "ann@example.com")
    assert set(outcomes(findings).values()) == {"ok"}
    assert "Exchange 2019" in findings["version"].text and "15.2.1118.7" in findings["version"].text
    assert "ann@example.com opens by impersonation, without an online archive" in findings["mailbox"].text


def test_a_refused_password_is_tried_once_and_then_not_at_all(halts):
    with Canned(lambda _: Answer(status=401, headers={"WWW-Authenticate": "Basic"})) as server:
        first = examined(settings(server.url), halts, "ann@example.com")
        second = examined(settings(server.url), halts, "ann@example.com")
    assert len(server.asked) == 1
    assert first["sign-in"].reason == Reason.PASSWORD_REFUSED and first["mailbox"].outcome is Outcome.SKIPPED
    assert second["sign-in"].reason == Reason.ACCOUNT_HALTED
    assert "site retry" in second["sign-in"].remedy


def test_an_account_without_a_mailbox_has_signed_in(halts):
    body = entries("ResolveNames", error("ResolveNames", "ErrorNameResolutionNoMailbox"))
    with Canned(lambda _: Answer(body=body)) as server:
        findings = examined(settings(server.url), halts)
    assert findings["sign-in"].outcome is Outcome.OK


def test_missing_impersonation_is_told_with_the_role_to_give(halts):
    def answer(asked):
        if asked.operation == "GetFolder":
            return Answer(status=500, body=fault("ErrorImpersonateUserDenied"))
        return healthy(asked)

    with Canned(answer) as server:
        findings = examined(settings(server.url), halts, "ann@example.com")
    assert findings["mailbox"].reason == Reason.IMPERSONATION_DENIED
    assert "ApplicationImpersonation" in findings["mailbox"].remedy


def test_an_older_server_than_configured(halts):
    with Canned(lambda _: Answer(body=with_version(RESOLVED, 14, 3))) as server:
        findings = examined(settings(server.url), halts)
    assert findings["version"].outcome is Outcome.WARNING
    assert "Exchange2010_SP2" in findings["version"].remedy


@pytest.mark.parametrize(("minutes", "outcome"), [(0, "ok"), (2, "warning"), (-7, "failed")])
def test_the_clocks_are_compared(halts, minutes, outcome):
    def answer(asked):
        reply = healthy(asked)
        reply.date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
        return reply

    with Canned(answer) as server:
        findings = examined(settings(server.url), halts)
    assert findings["clock"].outcome == outcome


def test_a_name_that_no_host_can_have(halts):
    findings = examined(settings("https://mail..example.com/EWS"), halts)
    assert findings["name"].reason == Reason.SERVER_NAME_UNKNOWN and "mail..example.com" in findings["name"].text


def test_a_server_that_is_not_there(halts):
    findings = examined(settings("https://no-such-host.invalid/EWS"), halts)
    assert findings["name"].reason == Reason.SERVER_NAME_UNKNOWN
    assert all(finding.outcome is Outcome.SKIPPED for check, finding in findings.items() if check != "name")
    with Canned(healthy) as server:
        url = server.url
    findings = examined(settings(url), halts)
    assert findings["connection"].reason == Reason.SERVER_UNREACHABLE


def test_something_else_than_exchange(halts):
    with Canned(lambda _: Answer(body="<html>Welcome</html>")) as server:
        findings = examined(settings(server.url), halts)
    assert findings["sign-in"].reason == Reason.RESPONSE_BROKEN


@pytest.fixture(scope="module")
def authority():
    return Authority()


def certificate_finding(halts, authority, tmp_path, trusted, **issued):
    certificate, key = authority.issue(**issued)
    (tmp_path / "server.pem").write_bytes(certificate + key)
    (tmp_path / "ca.pem").write_bytes(trusted.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with Canned(healthy) as server:
        server.tls(context)
        return examined(settings(server.url, ca_file=tmp_path / "ca.pem"), halts)


def test_a_good_certificate(halts, authority, tmp_path):
    findings = certificate_finding(halts, authority, tmp_path, authority)
    assert findings["certificate"].outcome is Outcome.OK
    assert "valid until" in findings["certificate"].text
    assert findings["sign-in"].outcome is Outcome.OK


@pytest.mark.parametrize(
    ("issued", "told"),
    [
        ({"expired": True}, ("expired", "Renew")),
        ({"hosts": ("elsewhere.example",)}, ("localhost", "a name that the certificate holds")),
    ],
)
def test_bad_certificates(halts, authority, tmp_path, issued, told):
    says, remedy = told
    findings = certificate_finding(halts, authority, tmp_path, authority, **issued)
    assert findings["certificate"].reason == Reason.CERTIFICATE_REFUSED
    assert says in findings["certificate"].text and remedy in findings["certificate"].remedy
    assert findings["sign-in"].outcome is Outcome.SKIPPED


def test_an_unknown_authority(halts, authority, tmp_path):
    began = time.monotonic()
    findings = certificate_finding(halts, authority, tmp_path, Authority("Another"))
    assert findings["certificate"].reason == Reason.CERTIFICATE_REFUSED
    assert "ca_file" in findings["certificate"].remedy
    assert time.monotonic() - began < 5
