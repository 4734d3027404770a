"""What the doctor says about Microsoft 365."""

import json

import pytest
from click.testing import CliRunner

from mse_tui.cli.main import mse_tui
from mse_tui.directory.cloud_doctor import check_microsoft365
from mse_tui.exchange.doctor import Outcome
from mse_tui.reasons import Reason
from mse_tui.sandbox.certificates import Authority
from tests.support.cloud import SECRET_VARIABLE, client_certificate, served


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with served(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_it_was(rig):
    rig.reset()


@pytest.fixture
def examine(rig):
    return lambda **changes: list(check_microsoft365(rig.settings(**changes), rig.halts))


def worst(findings):
    return [finding for finding in findings if finding.outcome is not Outcome.OK]


def test_all_is_well(examine, rig):
    findings = examine()
    assert worst(findings) == [] and len(findings) == 5
    assert "(a client secret)" in findings[0].text and rig.cloud.tenant_id in findings[0].text
    assert rig.cloud.tokens.given and rig.asked("token") == 1


@pytest.mark.parametrize(
    ("role", "outcome"),
    [
        ("GroupMember.Read.All", Outcome.FAILED),
        ("User.Read.All", Outcome.FAILED),
        ("MailboxSettings.Read", Outcome.WARNING),
        ("Exchange.ManageAsAppV2", Outcome.WARNING),
    ],
)
def test_a_missing_permission_is_named(examine, rig, role, outcome):
    rig.cloud.application.roles -= {role}
    (finding,) = worst(examine())
    assert (finding.outcome, finding.reason) == (outcome, Reason.ACCESS_DENIED)
    assert role in finding.remedy and "admin consent" in finding.remedy


def test_a_refused_secret_is_tried_once(examine, rig, monkeypatch):
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    (finding,) = examine()
    assert finding.reason == Reason.PASSWORD_REFUSED and "site retry" in finding.remedy
    (finding,) = examine()
    assert finding.reason == Reason.ACCOUNT_HALTED
    assert rig.server.statistics.refused == 1


def test_an_authority_that_is_not_there(examine):
    (finding,) = examine(authority="https://no-such-host.invalid")
    assert finding.reason == Reason.SERVER_NAME_UNKNOWN and "[microsoft365]" in finding.remedy


def test_a_certificate_authority_that_is_not_trusted(examine, tmp_path):
    (tmp_path / "other.pem").write_bytes(Authority("Another").pem)
    (finding,) = examine(ca_file=tmp_path / "other.pem")
    assert finding.reason == Reason.CERTIFICATE_REFUSED
    (tmp_path / "none.pem").write_text("nothing")
    (finding,) = examine(ca_file=tmp_path / "none.pem")
    assert finding.reason == Reason.CONFIGURATION_INVALID and "[microsoft365] ca_file" in finding.text


@pytest.mark.parametrize(
    ("made", "outcome"), [({"days": 400}, "ok"), ({"days": 10}, "warning"), ({"expired": True}, "failed")]
)
def test_the_end_of_the_applications_certificate(examine, tmp_path, made, outcome):
    certificate, key = client_certificate(**made)
    (tmp_path / "app.pem").write_bytes(certificate)
    (tmp_path / "app.key").touch(mode=0o600)
    (tmp_path / "app.key").write_bytes(key)
    files = {"certificate_file": tmp_path / "app.pem", "key_file": tmp_path / "app.key"}
    first, *_ = examine(secret_env=None, **files)
    assert first.outcome == outcome and "valid until" in first.text


def test_the_command_checks_a_configured_tenant(rig, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    origin = json.dumps(rig.server.origin)
    (home / "config.toml").write_text(
        f"[exchange]\nendpoint = {json.dumps(rig.server.url)}\nuser = 'x'\npassword_env = 'MSE_TUI_TEST_UNSET'\n"
        f"[microsoft365]\ntenant = {json.dumps(rig.cloud.tenant_id)}\n"
        f"client_id = {json.dumps(rig.cloud.application.client_id)}\nsecret_env = {json.dumps(SECRET_VARIABLE)}\n"
        f"authority = {origin}\ngraph = {origin}\nexchange_online = {origin}\n"
        f"ca_file = {json.dumps(str(rig.server.ca_file))}\n"
    )
    result = CliRunner().invoke(mse_tui, ["--home", str(home), "doctor", "--json"])
    found = [finding for finding in json.loads(result.output) if finding["check"] == "microsoft 365"]
    assert [finding["outcome"] for finding in found] == ["ok"] * 5
