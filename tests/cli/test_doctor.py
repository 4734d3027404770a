"""mse-tui doctor as a person runs it: lines with what to do, exit codes, JSON."""

import json
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mse_tui.actions.opening import open_site
from mse_tui.cli import doctor as module
from mse_tui.cli.main import mse_tui
from mse_tui.exchange.doctor import Outcome, failed
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import close_database
from tests.conftest import REPOSITORY
from tests.exchange.canned import PASSWORD_VARIABLE, Answer, Canned
from tests.exchange.test_doctor import healthy


@pytest.fixture
def doctor(home: Home, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")

    def run(*arguments):
        return CliRunner().invoke(mse_tui, ["--home", str(home.path), "doctor", *arguments])

    return run


def configure(home: Home, url: str) -> None:
    home.config.write_text(
        f'[exchange]\nendpoint = "{url}"\nauth = "basic"\nuser = "svc"\npassword_env = "{PASSWORD_VARIABLE}"\n'
    )


def test_all_is_well(home, doctor):
    with Canned(healthy) as server:
        configure(home, server.url)
        result = doctor("--mailbox", "ann@example.com", "--json")
    findings = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert [check for check, finding in findings.items() if finding["outcome"] not in ("ok", "warning")] == []
    assert list(findings)[:5] == ["home", "configuration", "disk", "fsync", "database"]
    assert "everything that is archived" in findings["search index"]["text"]
    worst = max(1 if finding["outcome"] == "warning" else 0 for finding in findings.values())
    assert result.exit_code == worst


def test_failures_say_what_to_do(home, doctor):
    with Canned(lambda _: Answer(status=401, headers={"WWW-Authenticate": "Basic"})) as server:
        configure(home, server.url)
        result = doctor()
    assert result.exit_code == 2
    line = next(line for line in result.output.splitlines() if line.startswith("failed"))
    assert "sign-in" in line and "refused the user svc" in line
    assert "What to do: Put the right password in place" in result.output
    assert "hunter2" not in result.output


def test_a_wrong_password_logs_nothing_between_the_findings(home):
    with Canned(lambda _: Answer(status=401, headers={"WWW-Authenticate": "Basic"})) as server:
        configure(home, server.url)
        ran = subprocess.run(
            [sys.executable, "-m", "mse_tui", "--home", str(home.path), "doctor"],
            capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, PASSWORD_VARIABLE: "hunter2", "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    lines = ran.stdout.splitlines()
    assert any(line.startswith("failed") and "sign-in" in line for line in lines)
    assert [line for line in lines if not re.match(r"(ok|warning|failed|skipped) +\w|  +What to do: ", line)] == []
    assert ran.stderr == ""


def test_a_password_that_is_not_there_is_a_fault_of_the_configuration(home, doctor, monkeypatch):
    monkeypatch.delenv(PASSWORD_VARIABLE)
    configure(home, "https://127.0.0.1:9/EWS/Exchange.asmx")
    findings = json.loads(doctor("--json").stdout)
    told = next(finding for finding in findings if finding["check"] == "configuration")
    assert (told["outcome"], told["reason"]) == ("failed", "secret-unreadable")


def test_a_mailbox_that_there_is_not_is_corrected_where_it_was_named():
    finding = failed("mailbox", Problem(Reason.MAILBOX_NOT_FOUND, "No mailbox has the address x@example.com."))
    assert "--mailbox" in module._of_the_option(finding).remedy


def test_a_refusal_is_remembered_in_the_database(home, doctor):
    with Canned(lambda _: Answer(status=401, headers={"WWW-Authenticate": "Basic"})) as server:
        configure(home, server.url)
        doctor()
        assert "is not tried" in doctor().output
    assert len(server.asked) == 1


def test_no_configuration(home, doctor):
    open_site(home)
    close_database()
    result = doctor()
    assert result.exit_code == 2
    assert "There is no configuration" in result.output and "What to do" in result.output


def test_an_unsafe_home(home, doctor):
    configure(home, "https://localhost")
    home.path.chmod(0o755)
    result = doctor()
    assert result.exit_code == 2 and "chmod" in result.output


def test_a_damaged_database(home, doctor):
    home.database.write_bytes(b"not a database" * 100)
    result = doctor()
    assert result.exit_code == 2 and "database" in result.output


def test_little_space_is_told(tmp_path, monkeypatch):
    class Usage:
        free = 2 * module.GIB

    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage)
    space, _ = module.disk(tmp_path)
    assert space.outcome is Outcome.WARNING and "2.0 GiB" in space.text
    Usage.free = module.GIB // 2
    space, _ = module.disk(tmp_path)
    assert space.outcome is Outcome.FAILED
