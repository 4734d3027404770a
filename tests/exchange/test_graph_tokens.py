"""Signing in to Microsoft 365 at the practice token endpoint: with a secret or a certificate, once, out of sight."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mse_tui.exchange.graph_session import Conversation, Tenant
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.certificates import Authority
from mse_tui.sandbox.cloud.answers import json_answer
from mse_tui.sandbox.server import SandboxServer
from tests.support.cloud import SECRET_VARIABLE, CloudRig, address, client_certificate, served


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with served(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_it_was(rig):
    rig.reset()


@pytest.fixture
def ask(rig):
    """Ask for the groups, in a conversation of one's own."""
    opened = []

    def asks(opened_tenant=None, **changes):
        tenant = opened_tenant or Tenant(rig.settings(**changes), rig.halts)
        conversation = Conversation(tenant, threading.Event())
        opened.extend((conversation, tenant))
        return conversation.get(tenant.graph, "/v1.0/groups")["value"]

    yield asks
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A certificate and its key as files."""
    directory = tmp_path_factory.mktemp("certificate")
    certificate, key = client_certificate()
    (directory / "app.pem").write_bytes(certificate)
    (directory / "app.key").touch(mode=0o600)
    (directory / "app.key").write_bytes(key)
    return directory


def with_certificate(files, key="app.key"):
    return {"secret_env": None, "certificate_file": files / "app.pem", "key_file": files / key}


def refused(question, *arguments, **options):
    with pytest.raises(Problem) as caught:
        question(*arguments, **options)
    return caught.value


# --- getting tokens --------------------------------------------------------------------------------------------------


def test_one_token_serves_many_questions_and_conversations(rig, ask):
    given = rig.cloud.tokens.given
    tenant = Tenant(rig.settings(), rig.halts)
    assert all(ask(tenant) for _ in range(3))
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: ask(tenant), range(16)))
    assert rig.cloud.tokens.given == given + 1
    assert rig.asked("discovery") == 1


def test_nothing_is_asked_before_the_first_question(rig):
    Tenant(rig.settings(), rig.halts).close()
    assert rig.server.statistics.requests() == 0


def test_a_certificate_instead_of_a_secret(rig, ask, files):
    rig.cloud.application.certificates = [x509.load_pem_x509_certificate((files / "app.pem").read_bytes())]
    assert ask(**with_certificate(files))


def test_a_certificate_that_is_not_registered_is_a_refused_credential(rig, ask, files):
    problem = refused(ask, **with_certificate(files))
    assert problem.reason is Reason.PASSWORD_REFUSED and "AADSTS700027" in problem.happened


@pytest.mark.parametrize("key", ["other", "elliptic", "nonsense"])
def test_a_key_that_does_not_belong_to_the_certificate(rig, files, key):
    made = {
        "other": lambda: client_certificate()[1],
        "elliptic": lambda: ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "nonsense": lambda: b"not a key",
    }
    (files / key).touch(mode=0o600)
    (files / key).write_bytes(made[key]())
    problem = refused(Tenant, rig.settings(**with_certificate(files, key)), rig.halts)
    assert problem.reason is Reason.CONFIGURATION_INVALID and "key_file" in problem.happened


def test_a_certificate_file_that_holds_none(rig, files, tmp_path):
    (tmp_path / "app.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    changes = {**with_certificate(files), "certificate_file": tmp_path / "app.pem"}
    assert "certificate_file" in refused(Tenant, rig.settings(**changes), rig.halts).happened


# --- renewing --------------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_before_it_ends(rig, ask):
    rig.cloud.tokens.lifetime = 290
    tenant, given = Tenant(rig.settings(), rig.halts), rig.cloud.tokens.given
    ask(tenant)
    rig.cloud.tokens.lifetime = 3600
    ask(tenant)
    ask(tenant)
    assert rig.cloud.tokens.given == given + 2


def test_a_revoked_token_is_replaced_once(rig, ask):
    tenant, given = Tenant(rig.settings(), rig.halts), rig.cloud.tokens.given
    ask(tenant)
    rig.cloud.tokens.revoke()
    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(lambda _: ask(tenant), range(12)))
    assert rig.cloud.tokens.given == given + 2


def test_a_service_that_refuses_a_fresh_token_too_is_asked_no_more(rig, ask):
    rig.server.faults.inject("401", operation="groups")
    given = rig.cloud.tokens.given
    problem = refused(ask)
    assert problem.reason is Reason.ACCESS_DENIED and "cloud" in problem.remedy
    assert rig.cloud.tokens.given == given + 2
    assert rig.server.faults.struck("401") == 2
    assert rig.halts.calls == 0


def test_the_other_service_gets_a_token_of_its_own(rig):
    given = rig.cloud.tokens.given
    with rig.directory() as directory:
        directory.members(address("alle"))
    # Here both are at one address, so one token does; elsewhere each service takes its own alone.
    assert rig.cloud.tokens.given == given + 1


# --- refused credentials ---------------------------------------------------------------------------------------------


def test_a_refused_secret_is_tried_once_for_the_whole_site(rig, ask, monkeypatch):
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    rig.server.faults.inject("latency", operation="token", milliseconds=200)
    tenant = Tenant(rig.settings(), rig.halts)
    with ThreadPoolExecutor(8) as threads:
        reasons = sorted(threads.map(lambda _: refused(ask, tenant).reason, range(8)))
    assert reasons == [Reason.ACCOUNT_HALTED] * 7 + [Reason.PASSWORD_REFUSED]
    assert rig.server.statistics.refused == 1
    assert refused(ask).reason is Reason.ACCOUNT_HALTED, "after a restart too"
    assert rig.server.statistics.refused == 1
    assert "wrong" not in str(rig.halts.said)


def test_another_secret_is_another_account(rig, ask, monkeypatch):
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    problem = refused(ask)
    assert "client secret" in problem.remedy and "AADSTS7000215" in problem.happened
    monkeypatch.setenv(SECRET_VARIABLE, rig.cloud.application.secret)
    assert ask()


def test_an_application_that_is_not_there_or_disabled_halts_too(rig, ask):
    assert refused(ask, client_id="00000000-0000-0000-0000-000000000000").reason is Reason.PASSWORD_REFUSED
    rig.cloud.application.enabled = False
    assert refused(ask).reason is Reason.PASSWORD_REFUSED
    assert len(rig.halts.said) == 2


def test_an_unknown_tenant_is_a_matter_of_the_configuration(rig, ask):
    problem = refused(ask, tenant="another.example")
    assert problem.reason is Reason.CONFIGURATION_INVALID and "another.example" in problem.happened
    assert rig.halts.calls == 0


def test_an_answer_that_neither_gives_nor_refuses_is_told(rig, ask, monkeypatch):
    monkeypatch.setattr(rig.cloud.tokens, "token", lambda *_: json_answer(200, {"hello": "a portal of the hotel"}))
    assert "gives no token" in refused(ask).happened


# --- faults at the token endpoint ------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["token", "discovery"])
@pytest.mark.parametrize("kind", ["503", "429", "reset", "half-response", "half-response-without-length"])
def test_what_passes_is_tried_again_and_really_asked(rig, ask, operation, kind):
    rig.server.faults.inject(kind, operation=operation, count=2)
    assert ask()
    assert rig.halts.calls == 0


def test_what_does_not_pass_ends_with_its_reason(rig, ask):
    rig.server.faults.inject("503", operation="token")
    assert refused(ask, retry_seconds=0.3).reason is Reason.SERVER_ERROR
    assert rig.halts.calls == 0


def test_the_secret_goes_to_the_authority_alone(rig, ask, monkeypatch, tmp_path):
    with served(tmp_path / "elsewhere") as elsewhere:
        original = rig.cloud.tokens.discovery

        def discovery(origin, tenant):
            import json

            content = json.loads(original(origin, tenant).body)
            content["token_endpoint"] = content["token_endpoint"].replace(origin, elsewhere.server.origin)
            return json_answer(200, content)

        monkeypatch.setattr(rig.cloud.tokens, "discovery", discovery)
        problem = refused(ask, ca_file=rig.server.ca_file)
        assert elsewhere.server.statistics.requests() == 0
    assert problem.reason is Reason.RESPONSE_BROKEN and "is not followed" in problem.happened


# --- trust -----------------------------------------------------------------------------------------------------------


def test_the_configured_authority_holds_whatever_the_environment_says(rig, ask, monkeypatch, tmp_path):
    (tmp_path / "other.pem").write_bytes(Authority("Another").pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "other.pem"))
    assert ask()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rig.server.ca_file))
    assert refused(ask, ca_file=tmp_path / "other.pem").reason is Reason.CERTIFICATE_REFUSED
    assert refused(ask, ca_file=None).reason is Reason.CERTIFICATE_REFUSED
    assert rig.server.statistics.refused == 0


@pytest.mark.parametrize("bad", [{"tls_expired": True}, {"tls_host": "elsewhere.example"}])
def test_an_expired_or_foreign_certificate_is_refused(rig, ask, tmp_path, bad):
    with SandboxServer(tmp_path / "bad", people=1, messages=0, tls=True, **bad) as server:
        problem = refused(ask, **{name: server.origin for name in ("authority", "graph")}, ca_file=server.ca_file)
        assert server.statistics.requests() == 0
    assert problem.reason is Reason.CERTIFICATE_REFUSED and "[microsoft365] ca_file" in problem.remedy


# --- out of sight ----------------------------------------------------------------------------------------------------


def everything_issued(rig: CloudRig, monkeypatch):
    """Collects each token that is given out from now on."""
    issued: list[str] = []
    original = rig.cloud.tokens._issue

    def issue(application, resource):
        answer = original(application, resource)
        issued.append(answer["access_token"])
        return answer

    monkeypatch.setattr(rig.cloud.tokens, "_issue", issue)
    return issued


def test_no_token_or_secret_is_logged_or_on_disk(rig, files, monkeypatch, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    issued = everything_issued(rig, monkeypatch)
    rig.cloud.application.certificates = [x509.load_pem_x509_certificate((files / "app.pem").read_bytes())]
    for changes in ({}, with_certificate(files)):
        with rig.directory(**changes) as directory:
            directory.members(address("archivierungspilot"))
            rig.cloud.tokens.revoke()
            directory.members(address("alle"))
            rig.server.faults.inject("403", operation="groups", count=1)
            problem = refused(directory.group, address("vertrieb"))
            shown = repr(vars(directory)) + repr(vars(directory._tenant)) + str(problem)
            assert not any(token in shown for token in issued)
    secrets = [*issued, rig.cloud.application.secret, (files / "app.key").read_text()[40:120]]
    assert len(issued) == 4
    assert not [secret for secret in secrets if secret in caplog.text]
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(secret.encode() in content for content in written for secret in secrets)
