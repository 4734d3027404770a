"""Being a systemd service: what systemd and the journal are told, on sockets of the tests' own."""

import logging
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mse_tui.cli.service import JournalHandler, goes_to_journal, notify
from mse_tui.home import Home
from tests.conftest import REPOSITORY

UNIT = REPOSITORY / "packaging" / "mse-tui.service"
UNITS = sorted(UNIT.parent.glob("*.service"))


class Ear:
    """A datagram socket and what came to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)

    def hear(self) -> bytes:
        return self.socket.recv(1 << 16)


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    made = Ear(tmp_path / "socket")
    yield made
    made.socket.close()


def fields(datagram: bytes) -> dict[str, str]:
    """The journal's native protocol, read back."""
    found: dict[str, str] = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        (length,) = struct.unpack("<Q", rest[:8])
        found[name.decode()] = rest[8 : 8 + length].decode()
        datagram = rest[8 + length + 1 :]
    return found


def test_systemd_is_told_what_it_asked_for(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(ear.path))
    assert notify("READY=1")
    assert ear.hear() == b"READY=1"


def test_nobody_is_told_who_did_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/socket")
    assert not notify("READY=1")


def test_the_journal_gets_fields(ear: Ear) -> None:
    handler = JournalHandler(str(ear.path))
    log = logging.getLogger("mse_tui.test_service")
    log.addHandler(handler)
    try:
        about = {"site": "K7Q2", "task": "Sales", "execution": 12, "mailbox": "ann@example.com", "reason": "timeout"}
        log.error("Mailbox done: error\nsecond line", extra=about)
    finally:
        log.removeHandler(handler)
        handler.close()
    assert fields(ear.hear()) == {
        "MESSAGE": "Mailbox done: error\nsecond line", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "mse-tui",
        "LOGGER": "mse_tui.test_service", "MSE_TUI_SITE": "K7Q2", "MSE_TUI_TASK": "Sales", "MSE_TUI_EXECUTION": "12",
        "MSE_TUI_MAILBOX": "ann@example.com", "MSE_TUI_REASON": "timeout",
    }  # fmt: skip


def test_a_terminal_is_no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in ("", "nonsense", "1:2"):
        monkeypatch.setenv("JOURNAL_STREAM", stream)
        assert not goes_to_journal()


def test_the_engine_tells_systemd_that_it_is_up_alive_and_stopping(ear: Ear, home: Home) -> None:
    secret = home.path / "password"
    secret.touch(mode=0o600)
    secret.write_text("x")
    home.config.write_text(
        '[exchange]\nendpoint = "http://127.0.0.1:9/EWS/Exchange.asmx"\nuser = "x"\npassword_file = "password"\n'
    )
    engine = subprocess.Popen(
        [sys.executable, "-m", "mse_tui", "--home", str(home.path), "engine"],
        env={**os.environ, "NOTIFY_SOCKET": str(ear.path)},
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
    )
    try:
        assert ear.hear() == b"READY=1"
        assert ear.hear() == b"WATCHDOG=1"
        engine.send_signal(signal.SIGTERM)
        end = time.monotonic() + 20
        while (heard := ear.hear()) != b"STOPPING=1":
            assert heard == b"WATCHDOG=1"
            assert time.monotonic() < end
        assert engine.wait(20) == 0
    finally:
        engine.kill()
        engine.wait()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("packaged", UNITS, ids=lambda packaged: packaged.name)
def test_the_units_are_understood_and_hardened(tmp_path: Path, packaged: Path) -> None:
    unit = tmp_path / packaged.name
    unit.write_text(packaged.read_text().replace("/usr/local/bin/mse-tui", sys.executable))
    ran = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    ours = [line for line in ran.stderr.splitlines() if unit.name in line]
    assert ours == []
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-400:] + ran.stderr


def test_the_guide_shows_the_unit_as_it_is() -> None:
    guide = (REPOSITORY / "docs" / "operators-guide.md").read_text(encoding="utf-8")
    assert UNIT.read_text(encoding="utf-8") in guide
