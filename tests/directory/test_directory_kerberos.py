"""Signing in to a real Active Directory with Kerberos."""

import importlib.util
import logging
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory import ldap_kerberos
from mse_tui.directory.ldap_failures import ServerFailed, SignInRefused
from mse_tui.directory.ldap_kerberos import kerberos_failure
from mse_tui.directory.ldap_servers import DirectoryServers
from mse_tui.reasons import Problem, Reason
from tests.exchange.canned import Halts
from tests.support.samba.domain import BASE

ACCOUNT = f"CN=svc-mse,OU=Service Accounts,{BASE}"

needs_kerberos = pytest.mark.skipif(
    importlib.util.find_spec("gssapi") is None, reason="needs the optional Kerberos package: pip install -e .[kerberos]"
)


@pytest.fixture
def realm(spare_domain_controller, tmp_path, monkeypatch):
    """The domain as this process's Kerberos realm, and a keytab of the service account."""
    if (tool := shutil.which("samba-tool")) is None:
        pytest.skip("needs samba-tool to write a keytab (Debian: samba-common-bin)")
    served = spare_domain_controller
    (tmp_path / "krb5.conf").write_text(
        "[libdefaults]\ndefault_realm = AD.TEST.EXAMPLE\ndns_lookup_kdc = false\ndns_lookup_realm = false\n"
        "dns_canonicalize_hostname = false\nrdns = false\nudp_preference_limit = 1\n"
        f"[realms]\nAD.TEST.EXAMPLE = {{\n kdc = 127.0.0.1:{served.kerberos_port}\n}}\n"
    )
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
    keytab = tmp_path / "svc.keytab"
    subprocess.run(
        [
            tool,
            "domain",
            "exportkeytab",
            str(keytab),
            "--principal=svc-mse",
            "-s",
            str(served.directory / "etc/smb.conf"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    computer = f"CN=DC1,OU=Domain Controllers,{BASE}"
    try:
        served.change("add", computer, "servicePrincipalName", "ldap/localhost")
    except RuntimeError as error:
        assert "exists" in str(error).lower()
    return keytab


def kerberos(served, keytab):
    return {"sign_in": "kerberos", "user": "svc-mse@AD.TEST.EXAMPLE", "password_env": None, "keytab_file": keytab}


@needs_kerberos
@pytest.mark.slow
def test_a_keytab_signs_in_and_leaves_this_users_tickets_alone(realm, spare_domain_controller, opened):
    directory = opened(spare_domain_controller, **kerberos(spare_domain_controller, realm))
    assert directory.group("Level1").name == "Level 1"
    assert not Path(os.environ["KRB5CCNAME"].removeprefix("FILE:")).exists()


@needs_kerberos
@pytest.mark.slow
def test_this_users_tickets_sign_in(realm, spare_domain_controller, opened):
    if (kinit := shutil.which("kinit")) is None:
        pytest.skip("needs kinit (Debian: krb5-user)")
    subprocess.run([kinit, "-k", "-t", str(realm), "svc-mse"], check=True, capture_output=True, timeout=30)
    directory = opened(spare_domain_controller, **kerberos(spare_domain_controller, None))
    assert directory.group("Level1").name == "Level 1"


@needs_kerberos
@pytest.mark.slow
def test_a_key_that_is_not_right_any_more_is_tried_once(realm, spare_domain_controller, opened, halts):
    spare_domain_controller.change("replace", ACCOUNT, "userAccountControl", "66050")
    try:
        for reason in (Reason.PASSWORD_REFUSED, Reason.ACCOUNT_HALTED):
            with pytest.raises(Problem) as caught:
                opened(spare_domain_controller, **kerberos(spare_domain_controller, realm)).group("Level1")
            assert caught.value.reason is reason
        assert halts.calls == 1
    finally:
        spare_domain_controller.change("replace", ACCOUNT, "userAccountControl", "66048")


@needs_kerberos
def test_no_tickets_say_what_to_do(domain_controller, opened, tmp_path, monkeypatch):
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
    with pytest.raises(Problem) as caught:
        opened(domain_controller, **kerberos(domain_controller, None)).group("Level1")
    assert caught.value.reason is Reason.CONFIGURATION_INVALID and "klist" in caught.value.remedy


def test_without_the_package_the_doctor_says_what_to_install(domain_controller, opened, monkeypatch):
    monkeypatch.setattr(ldap_kerberos.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Problem) as caught:
        opened(domain_controller, **kerberos(domain_controller, None)).group("Level1")
    assert "pip install" in caught.value.remedy


def test_a_keytab_that_is_not_there(domain_controller, opened, tmp_path, monkeypatch):
    monkeypatch.setattr(ldap_kerberos.importlib.util, "find_spec", lambda name: logging)
    with pytest.raises(Problem) as caught:
        opened(domain_controller, **kerberos(domain_controller, tmp_path / "none.keytab")).group("Level1")
    assert caught.value.reason is Reason.SECRET_UNREADABLE


def test_a_keytab_that_this_user_cant_read():
    given = {"servers": ["dc1.example.com"], "sign_in": "kerberos", "user": "svc@EXAMPLE.COM"}
    unreadable = Path("/proc/self/mem")  # opens, and gives nothing where it begins; root may read all other files
    with pytest.raises(Problem) as caught:
        DirectoryServers(ActiveDirectorySettings.model_validate({**given, "keytab_file": unreadable}), Halts())
    assert caught.value.reason is Reason.SECRET_UNREADABLE


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (-1765328378, SignInRefused),
        (2529638943, Problem),
        (-1765328360, SignInRefused),
        (2529638936, SignInRefused),
        (-1765328228, ServerFailed),
        (-1765328347, Problem),
        (0, Problem),
    ],
)
def test_errors_of_kerberos_have_meanings(code, meaning):
    error = Exception("said")
    error.min_code = code
    assert isinstance(kerberos_failure(error, "dc1"), meaning)
