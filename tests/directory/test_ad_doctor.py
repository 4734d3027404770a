"""What the doctor says about Active Directory."""

import json

import pytest
from click.testing import CliRunner

from mse_tui.cli.main import mse_tui
from mse_tui.directory import ad_doctor
from mse_tui.directory.ad_doctor import check_active_directory
from mse_tui.exchange.doctor import Outcome
from mse_tui.reasons import Reason
from tests.directory.conftest import PASSWORD_VARIABLE
from tests.support.relay import Relay
from tests.support.samba.domain import BASE, SERVICE_USER


@pytest.fixture
def examine(settings, halts):
    def _examine(*served, **more):
        return list(check_active_directory(settings(*served, **more), halts))

    return _examine


def test_all_is_well(examine, domain_controller):
    server, base = examine(domain_controller)
    assert (server.outcome, base.outcome) == (Outcome.OK, Outcome.OK)
    assert "LDAPS, a trusted certificate valid until" in server.text
    assert f"{SERVICE_USER} signed in (simple)" in server.text
    assert f"the domain is {BASE}, with Exchange's attributes" in server.text
    assert base.text == f"Groups are looked up in {BASE}."


def test_a_certificate_about_to_expire_is_a_warning(examine, domain_controller, monkeypatch):
    monkeypatch.setattr(ad_doctor, "EXPIRY_WARNING_DAYS", 100_000)
    server, _ = examine(domain_controller, encryption="starttls")
    assert server.outcome is Outcome.WARNING and "StartTLS" in server.text
    assert "expires in" in server.text and "Renew" in server.remedy


def test_one_server_of_two_down_is_named(examine, domain_controller):
    with Relay(1) as dead:
        down, well, base = examine(
            domain_controller, servers=(f"localhost:{dead.port}", f"localhost:{domain_controller.ldaps_port}")
        )
    assert (down.outcome, well.outcome, base.outcome) == (Outcome.FAILED, Outcome.OK, Outcome.OK)
    assert down.reason == Reason.DIRECTORY_UNREACHABLE and down.remedy


def test_a_wrong_password_is_tried_on_one_server(examine, domain_controller, halts, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with Relay(domain_controller.ldaps_port) as other:
        servers = (f"localhost:{domain_controller.ldaps_port}", f"localhost:{other.port}")
        (finding,) = examine(domain_controller, servers=servers)
        assert finding.reason == Reason.PASSWORD_REFUSED and "site retry" in finding.remedy
        (finding,) = examine(domain_controller, servers=servers)
        assert finding.reason == Reason.ACCOUNT_HALTED
        assert (other.connections, halts.calls) == (0, 1)


def test_a_plain_connection_is_flagged(examine, domain_controller):
    flagged, refused = examine(domain_controller, encryption="none")
    assert flagged.outcome is Outcome.WARNING and "in clear" in flagged.text
    assert refused.outcome is Outcome.FAILED


@pytest.mark.parametrize("base", [f"OU=Nowhere,{BASE}", f"OU=North,OU=Sales,OU=Staff,{BASE}", "Groups"])
def test_a_base_that_shows_no_group_is_told(examine, domain_controller, base):
    *_, finding = examine(domain_controller, base=base)
    assert finding.outcome is not Outcome.OK and "base" in finding.remedy


def test_no_password_to_be_had(examine, domain_controller, monkeypatch):
    monkeypatch.delenv(PASSWORD_VARIABLE)
    (finding,) = examine(domain_controller)
    assert finding.reason == Reason.SECRET_UNREADABLE


def test_the_command_checks_the_directory_too(home, domain_controller, settings):
    told = settings(domain_controller)
    home.config.write_text(
        '[exchange]\nendpoint = "https://localhost:1/EWS/Exchange.asmx"\nuser = "svc"\n'
        f'password_env = "{PASSWORD_VARIABLE}"\n'
        f'[active_directory]\nservers = ["{told.servers[0]}"]\nuser = "{told.user}"\n'
        f'password_env = "{PASSWORD_VARIABLE}"\nca_file = "{told.ca_file}"\n'
    )
    result = CliRunner().invoke(mse_tui, ["--home", str(home.path), "doctor", "--json"])
    findings = [one for one in json.loads(result.stdout) if one["check"] == "directory"]
    assert [one["outcome"] for one in findings] == ["ok", "ok"]
