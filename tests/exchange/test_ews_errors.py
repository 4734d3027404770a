"""Every failure that a server or a network can hand out has a reason, and is tried again only where that helps."""

import json
import socket
import ssl
import threading
import time
from email.utils import formatdate

import pytest

from mse_tui.exchange.ews import connect
from mse_tui.exchange.ews_errors import ServerError, failure_of, failure_of_status, passes, reason_of
from mse_tui.exchange.retry import Transient
from mse_tui.exchange.rows import Area
from mse_tui.exchange.wire_errors import retry_after
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.certificates import Authority
from tests.exchange.canned import (
    Answer,
    Canned,
    Halts,
    content_server,
    entries,
    error,
    fault,
    opened,
    settings,
    sync_page,
)

GENERAL = Reason.SERVER_ERROR


def test_every_code_of_the_schemas_means_something(shared):
    codes = json.loads((shared / "ews-samples" / "responsecodes.json").read_text(encoding="utf-8"))
    assert len(codes) == 530
    general = []
    for code in codes:
        if code == "NoError":
            continue
        failure = failure_of(ServerError(code, "Text."))
        assert isinstance(failure, Transient) == passes(code), code
        problem = failure.problem if isinstance(failure, Transient) else failure
        assert code in problem.happened or problem.reason is Reason.SYNC_STATE_INVALID
        assert problem.remedy
        if problem.reason is GENERAL:
            general.append(code)
    words = ("NotFound", "Denied", "AccountDisabled", "Corrupt", "Throttl", "ServerBusy", "Impersonat", "Conversion")
    suspicious = {code for code in general if any(word in code for word in words)}
    assert suspicious <= NOT_OF_A_MAILBOX


NOT_OF_A_MAILBOX = {
    "ErrorAvailabilityConfigNotFound",
    "ErrorClientIntentNotFound", "ErrorExtensionNotFound", "ErrorIPGatewayNotFound", "ErrorMailboxHoldNotFound",
    "ErrorSubscriptionNotFound", "ErrorUnifiedMessagingDialPlanNotFound", "ErrorUnifiedMessagingPromptNotFound",
    "ErrorUnifiedMessagingReportDataNotFound", "ErrorUnifiedMessagingServerNotFound",
    "ErrorPublicFolderServerNotFound", "ErrorCannotFindFileAttachment", "ErrorLocalServerObjectNotFound",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "reason", "retryable"),
    [
        ("ErrorServerBusy", Reason.THROTTLED, True),
        ("ErrorExceededConnectionCount", Reason.THROTTLED, True),
        ("ErrorTimeoutExpired", Reason.TIMEOUT, True),
        ("ErrorInternalServerTransientError", Reason.SERVER_ERROR, True),
        ("ErrorMailboxStoreUnavailable", Reason.SERVER_ERROR, True),
        ("ErrorInternalServerError", Reason.SERVER_ERROR, True),
        ("ErrorMailboxMoveInProgress", Reason.MAILBOX_MOVING, False),
        ("ErrorNonExistentMailbox", Reason.MAILBOX_NOT_FOUND, False),
        ("ErrorAccountDisabled", Reason.MAILBOX_DISABLED, False),
        ("ErrorImpersonateUserDenied", Reason.IMPERSONATION_DENIED, False),
        ("ErrorAccessDenied", Reason.ACCESS_DENIED, False),
        ("ErrorPasswordExpired", Reason.PASSWORD_REFUSED, False),
        ("ErrorItemNotFound", Reason.ITEM_NOT_FOUND, False),
        ("ErrorItemCorrupt", Reason.ITEM_CORRUPT, False),
        ("ErrorMimeContentConversionFailed", Reason.ITEM_CONVERSION_FAILED, False),
        ("ErrorFolderNotFound", Reason.FOLDER_NOT_FOUND, False),
        ("ErrorSyncFolderNotFound", Reason.FOLDER_NOT_FOUND, False),
        ("ErrorInvalidServerVersion", Reason.CONFIGURATION_INVALID, False),
        ("ErrorSchemaValidation", Reason.SERVER_ERROR, False),
        ("ErrorOfTheYear2031", Reason.SERVER_ERROR, False),
    ],
)
def test_what_codes_mean(code, reason, retryable):
    assert (reason_of(code), passes(code)) == (reason, retryable)


def test_an_inner_code_says_more():
    failure = failure_of(ServerError("ErrorInternalServerError", "x", {"InnerErrorResponseCode": "ErrorItemCorrupt"}))
    assert isinstance(failure, Problem) and failure.reason is Reason.ITEM_CORRUPT


def test_an_alias_is_told_the_primary_address():
    failure = failure_of(ServerError("ErrorNonPrimarySmtpAddress", "x", {"Primary": "ann@example.com"}))
    assert "ann@example.com" in failure.remedy


def test_retry_after_in_seconds_and_as_a_date():
    assert retry_after({"Retry-After": "7"}) == 7
    assert 1 < retry_after({"Retry-After": formatdate(time.time() + 30, usegmt=True)}) <= 30
    assert retry_after({"Retry-After": "soon"}) is None and retry_after({}) is None


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (302, Reason.SERVER_UNREACHABLE, False),
        (403, Reason.ACCESS_DENIED, False),
        (404, Reason.SERVER_UNREACHABLE, False),
        (429, Reason.THROTTLED, True),
        (500, Reason.SERVER_ERROR, True),
        (503, Reason.SERVER_ERROR, True),
        (504, Reason.SERVER_ERROR, True),
        (400, Reason.SERVER_ERROR, False),
    ],
)
def test_what_statuses_mean(status, reason, retryable):
    failure = failure_of_status(status, {}, "https://x/EWS")
    assert isinstance(failure, Transient) == retryable
    assert (failure.problem if isinstance(failure, Transient) else failure).reason is reason


# --- against a server --------------------------------------------------------------------------------------------

PASSING = {
    "busy fault": Answer(status=500, body=fault("ErrorServerBusy", back_off=40)),
    "busy entry": Answer(body=entries("SyncFolderItems", error("SyncFolderItems", "ErrorServerBusy"))),
    "429": Answer(status=429, headers={"Retry-After": "0"}),
    "503": Answer(status=503),
    "503 with a hint": Answer(status=503, headers={"Retry-After": "1"}),
    "reset": Answer(reset=True),
    "web server's page": Answer(status=500, body="<html>Server Error in '/EWS' Application</html>"),
    "error page": Answer(status=302, headers={"Location": "/ews/genericerrorpage.htm?aspxerrorpath=x"}),
    "transient": Answer(status=500, body=fault("ErrorInternalServerTransientError")),
    "not EWS": Answer(body="<html>maintenance</html>"),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_tried_again(halts, name):
    answers = [PASSING[name], PASSING[name], Answer(body=sync_page(""))]
    with (
        Canned(lambda _: answers.pop(0)) as server,
        opened(connect(settings(server.url, retry_seconds=20), halts)) as mailbox,
    ):
        assert mailbox.item_changes("folder", None).state == "state-1"
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=403), Reason.ACCESS_DENIED),
        (Answer(status=404), Reason.SERVER_UNREACHABLE),
        (Answer(status=302, headers={"Location": "https://elsewhere/"}), Reason.SERVER_UNREACHABLE),
        (Answer(status=500, body=fault("ErrorNonExistentMailbox")), Reason.MAILBOX_NOT_FOUND),
        (Answer(status=500, body=fault("ErrorImpersonateUserDenied")), Reason.IMPERSONATION_DENIED),
        (Answer(status=500, body=fault("ErrorInvalidServerVersion")), Reason.CONFIGURATION_INVALID),
        (Answer(status=500, body=fault("ErrorSchemaValidation")), Reason.SERVER_ERROR),
    ],
)
def test_what_cannot_pass_is_asked_once(halts, answer, reason):
    with (
        Canned(lambda _: answer) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.identity()
    assert caught.value.reason is reason
    assert len(server.asked) == 1
    assert halts.calls == 0


def test_a_hint_longer_than_the_deadline_is_not_waited_for(halts):
    with (
        Canned(lambda _: Answer(status=500, body=fault("ErrorServerBusy", back_off=60_000))) as server,
        opened(connect(settings(server.url, retry_seconds=5), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        began = time.monotonic()
        mailbox.item_changes("folder", None)
    assert caught.value.reason is Reason.THROTTLED
    assert time.monotonic() - began < 3 and len(server.asked) == 1


def test_the_back_off_of_one_request_holds_all_of_the_mailbox(halts):
    moments, lock = [], threading.Lock()

    def answer(asked):
        with lock:
            moments.append(time.monotonic())
            first = len(moments) == 1
        if first:
            return Answer(status=500, body=fault("ErrorServerBusy", back_off=700))
        return content_server({one: b"x" for one in asked.ids})(asked)

    with (
        Canned(answer) as server,
        opened(connect(settings(server.url, requests_in_flight=1), halts)) as mailbox,
    ):
        list(mailbox.fetch([(f"i{n}", 4 * 1024 * 1024) for n in range(3)]))
    assert moments[1] - moments[0] > 0.69


def test_a_connection_that_the_server_dropped_is_replaced_at_once(halts):
    drop = [False]

    def answer(_):
        if drop[0]:
            drop[0] = False
            return Answer(reset=True)
        return Answer(body=sync_page(""))

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        mailbox.item_changes("folder", None)
        drop[0] = True
        mailbox.item_changes("folder", None)
    assert server.connections == 2


def refused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_server_that_is_down_is_not_asked_for_every_mailbox_anew(halts):
    exchange = connect(settings(f"http://127.0.0.1:{refused_port()}/EWS", retry_seconds=1), halts)
    took = []
    for _ in range(3):
        began = time.monotonic()
        with exchange.mailbox("ann@example.com", threading.Event()) as mailbox, pytest.raises(Problem) as caught:
            mailbox.root(Area.PRIMARY)
        took.append(time.monotonic() - began)
        assert caught.value.reason is Reason.SERVER_UNREACHABLE
    exchange.close()
    assert took[0] > 0.2 and max(took[1:]) < 0.2


def test_a_server_that_does_not_answer(halts):
    with (
        Canned(lambda _: Answer(delay=60)) as server,
        opened(connect(settings(server.url, timeout_seconds=1, retry_seconds=1), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.root(Area.PRIMARY)
    assert caught.value.reason is Reason.TIMEOUT


def test_an_unknown_name(halts):
    exchange = connect(settings("https://no-such-host.invalid/EWS/Exchange.asmx"), halts)
    with opened(exchange) as mailbox, pytest.raises(Problem) as caught:
        mailbox.identity()
    assert caught.value.reason is Reason.SERVER_NAME_UNKNOWN
    assert "no-such-host.invalid" in caught.value.happened


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return Authority()


def server_context(authority, tmp_path, **issued):
    certificate, key = authority.issue(**issued)
    (tmp_path / "server.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


def ask_over_tls(context, ca_file):
    with Canned(lambda _: Answer(body=sync_page(""))) as server:
        server.tls(context)
        with opened(connect(settings(server.url, ca_file=ca_file), Halts())) as mailbox:
            return mailbox.item_changes("folder", None).state


def test_the_pinned_authority_is_trusted_whatever_the_environment_says(authority, tmp_path, monkeypatch):
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "other.pem").write_bytes(Authority("Another").pem)
    context = server_context(authority, tmp_path)
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "other.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert ask_over_tls(context, tmp_path / "ca.pem") == "state-1"


def test_no_environment_can_make_another_authority_trusted(authority, tmp_path, monkeypatch):
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "other.pem").write_bytes(Authority("Another").pem)
    context = server_context(authority, tmp_path)
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    with pytest.raises(Problem) as caught:
        ask_over_tls(context, tmp_path / "other.pem")
    assert caught.value.reason is Reason.CERTIFICATE_REFUSED


@pytest.mark.parametrize("issued", [{"hosts": ("elsewhere.example",)}, {"expired": True}])
def test_bad_certificates_are_refused_without_trying_again(authority, tmp_path, issued):
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    began = time.monotonic()
    with pytest.raises(Problem) as caught:
        ask_over_tls(server_context(authority, tmp_path, **issued), tmp_path / "ca.pem")
    assert caught.value.reason is Reason.CERTIFICATE_REFUSED
    assert time.monotonic() - began < 2


def test_without_a_ca_file_an_unknown_authority_is_refused(authority, tmp_path):
    with pytest.raises(Problem) as caught:
        ask_over_tls(server_context(authority, tmp_path), None)
    assert caught.value.reason is Reason.CERTIFICATE_REFUSED


def test_a_ca_file_without_a_certificate(tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(Problem) as caught:
        connect(settings("https://x/EWS", ca_file=tmp_path / "ca.pem"), Halts())
    assert caught.value.reason is Reason.CONFIGURATION_INVALID
