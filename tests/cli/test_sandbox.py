"""mse-tui sandbox: serving, loading, changing and breaking the practice organisation."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mse_tui.cli.sandbox import _KINDS
from mse_tui.sandbox.faults import FaultKind
from mse_tui.sandbox.server import SandboxServer
from tests.cli.conftest import Command
from tests.conftest import REPOSITORY
from tests.sandbox.wire_client import post


@pytest.fixture
def server(tmp_path: Path):
    with SandboxServer(tmp_path / "practice", people=1, messages=20, mean_bytes=3_000) as running:
        yield running


def test_serve_says_how_to_connect_and_ends_when_told(tmp_path: Path):
    plan = tmp_path / "plan.toml"
    plan.write_text('[[fault]]\nkind = "429"\nretry_after = 3\ncount = 1\n')
    command = [sys.executable, "-m", "mse_tui", "sandbox", "serve", "--home", str(tmp_path / "practice")]
    command += ["--people", "1", "--messages", "5", "--faults", str(plan)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert process.stdout is not None
    told = ""
    while "Ctrl-C" not in told:
        line = process.stdout.readline()
        assert line, told
        told += line
    assert re.search(r"http://127\.0\.0\.1:\d+/EWS/Exchange\.asmx", told)
    assert "svc-mse@nordlicht.example" in told
    assert "[exchange]" in told
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0
    with SandboxServer(tmp_path / "practice") as again:
        assert again.url in told
        assert again.service_account[1] in told


def test_load_into_a_served_organisation(mse_tui: Command, server: SandboxServer, tmp_path: Path):
    (tmp_path / "one.eml").write_bytes(b"Subject: One\r\n\r\nx")
    before = server.store.count_items()
    ran = mse_tui("sandbox", "load", str(tmp_path / "one.eml"), "--mailbox", "ceo@nordlicht.example",
                  "--folder", "Old", "--home", str(server.directory))  # fmt: skip
    assert (ran.code, ran.out) == (0, "Loaded 1 message into ceo@nordlicht.example.\n")
    assert server.store.count_items() == before + 1


def test_churn(mse_tui: Command, server: SandboxServer):
    before = server.store.latest_number()
    ran = mse_tui("sandbox", "churn", "--count", "9", "--home", str(server.directory))
    assert ran.code == 0
    assert re.search(r"^total +9$", ran.out, re.MULTILINE)
    assert server.store.latest_number() > before


def test_faults_are_added_listed_and_cleared(mse_tui: Command, server: SandboxServer):
    place = ("--home", str(server.directory))
    assert mse_tui("sandbox", "faults", "list", *place).out == "None.\n"
    assert mse_tui("sandbox", "faults", "add", "403", "--operation", "GetFolder", "--count", "5", *place).code == 0
    assert post(server).status_code == 403
    listed = mse_tui("sandbox", "faults", "list", *place).out
    assert "struck 1, 4 left  operation=GetFolder" in listed
    assert mse_tui("sandbox", "faults", "clear", "99", *place).code == 64
    assert mse_tui("sandbox", "faults", "clear", *place).code == 0
    assert post(server).status_code == 200


def test_every_kind_of_fault_can_be_named():
    assert set(_KINDS) == {kind.value for kind in FaultKind}


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "{file}", "--mailbox", "nobody@nordlicht.example"),
        ("churn", "--mailbox", "nobody@nordlicht.example"),
    ],
)
def test_an_unknown_mailbox_is_told_in_one_sentence(mse_tui, server, tmp_path, arguments):
    file = tmp_path / "one.eml"
    file.write_bytes(b"Subject: One\r\n\r\nx")
    ran = mse_tui("sandbox", *(one.format(file=file) for one in arguments), "--home", str(server.directory))
    assert ran.code == 64
    assert "nobody@nordlicht.example" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("arguments", [("churn",), ("faults", "list")])
def test_an_organisation_that_is_not_there(mse_tui: Command, tmp_path: Path, arguments: tuple[str, ...]):
    ran = mse_tui("sandbox", *arguments, "--home", str(tmp_path / "nothing"))
    assert ran.code in (2, 64)
    assert "practice organisation" in ran.err
    assert "Traceback" not in ran.err


def test_a_plan_that_is_wrong_is_refused(mse_tui: Command, tmp_path: Path):
    plan = tmp_path / "plan.toml"
    plan.write_text('[[fault]]\nkind = "nonsense"\n')
    ran = mse_tui("sandbox", "serve", "--people", "1", "--messages", "1", "--faults", str(plan),
                  "--home", str(tmp_path / "practice"))  # fmt: skip
    assert ran.code == 64
    assert "nonsense" in ran.err
