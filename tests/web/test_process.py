"""The service as it is run: by its command, inside the engine, over TLS, with a file of 200 MB."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default

import psutil
import pytest
import requests

from mse_tui.cli.main import run
from mse_tui.config.web import WebSettings
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.certificates import write_certificates
from mse_tui.store.stubs import StubLink
from mse_tui.web.service import WebService
from tests.conftest import REPOSITORY
from tests.exchange.canned import PASSWORD_VARIABLE
from tests.support.waiting import until
from tests.web.conftest import ATTACHMENT, Browser


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def configure(home, server, certificates, port: int, more: str = "") -> None:
    _, certificate, key = certificates
    home.config.write_text(
        f'[exchange]\nendpoint = "{server.url}"\nauth = "basic"\nuser = "{server.service_account[0]}"\n'
        f'password_env = "{PASSWORD_VARIABLE}"\n[web]\npublic_url = "https://localhost:{port}"\nport = {port}\n'
        f'certificate_file = "{certificate}"\nkey_file = "{key}"\n{more}'
    )


@contextmanager
def running(home, *arguments: str, origin: str, ca_file):
    process = subprocess.Popen(
        [sys.executable, "-m", "mse_tui", "--home", str(home.path), *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def answers() -> bool:
        assert process.poll() is None, process.stderr.read()
        try:
            return requests.get(origin, verify=str(ca_file), timeout=5).status_code == 404
        except requests.ConnectionError:
            return False

    try:
        until(answers, 60)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.fixture
def certificates(tmp_path):
    return write_certificates(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "more"), [(["web"], ""), (["engine"], "in_engine = true\n")])
def test_the_command_and_the_engine_serve_over_tls(open_link, stubbed, server, certificates, arguments, more) -> None:
    port, ca_file = free_port(), certificates[0]
    configure(stubbed.home, server, certificates, port, more)
    browser = Browser(f"https://localhost:{port}")
    browser.verify = str(ca_file)
    with running(stubbed.home, *arguments, origin=browser.origin, ca_file=ca_file):
        page = browser.look(f"/a/{open_link}")
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        cookie = page.headers["set-cookie"]
        assert cookie.startswith("__Host-visitor=") and "Secure" in cookie and "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower() and "Path=/" in cookie
        assert browser.submit(page).content == ATTACHMENT
        assert run(["--home", str(stubbed.home.path), "stub", "revoke", "--all", "--yes"]) == 0
        assert browser.look(f"/a/{open_link}").status_code == 404
    assert not stubbed.home.downloads.exists()


@pytest.mark.slow
def test_200_megabytes_are_given_in_little_memory(stubbed, server, certificates) -> None:
    """The content grows in the archive alone: what counts is how it comes out."""
    from tests.web.big import put_big_attachment

    port, ca_file = free_port(), certificates[0]
    configure(stubbed.home, server, certificates, port)
    link, digest, size = put_big_attachment(stubbed, 200 << 20)
    browser = Browser(f"https://localhost:{port}")
    browser.verify = str(ca_file)
    with running(stubbed.home, "web", origin=browser.origin, ca_file=ca_file) as process:
        watched = psutil.Process(process.pid)
        browser.look(f"/a/{link}")
        before = watched.memory_info().rss
        found, length, peak = digest(), 0, 0
        page = browser.look(f"/a/{link}")
        browser.stream = True
        with browser.submit(page) as answer:
            for piece in answer.iter_content(1 << 20):
                found.update(piece)
                length += len(piece)
                peak = max(peak, watched.memory_info().rss)
    assert (length, found.hexdigest()) == size
    print(f"memory before {before >> 20} MiB, while sending {peak >> 20} MiB")
    assert peak - before < 96 << 20


@pytest.mark.slow
def test_a_task_stubs_and_the_stubs_link_gives_the_original_back(stubbed, server, certificates) -> None:
    """By commands and the engine alone, as an administrator does it."""
    port, ca_file = free_port(), certificates[0]
    configure(stubbed.home, server, certificates, port, "in_engine = true\n")
    owner, universal = stubbed.owner, "attachment stub with universal access"
    owner.add(1, attachments=[("plan.pdf", ATTACHMENT)])
    browser = Browser(f"https://localhost:{port}")
    browser.verify = str(ca_file)

    def command(*arguments: str) -> None:
        assert run(["--home", str(stubbed.home.path), *arguments]) == 0

    options = ("--no-dry-run", "--min-attachment-kib", "8", "--action", universal)
    command("definition", "new", "MSM", "Old attachments", *options)
    command("schedule", "new", "daily", "Nightly", "--at", "22:00", "--zone", "Europe/Berlin")
    chosen = ("--definition", "Old attachments", "--schedule", "Nightly", "--group", owner.address)
    command("task", "new", "Save space", "--type", "msm", *chosen)
    with running(stubbed.home, "engine", origin=browser.origin, ca_file=ca_file):
        command("task", "run", "Save space", "--wait")
        (stub,) = [owner.store.content(row) for row in owner.store.items(owner.folder("inbox"))]
        assert len(stub) < len(ATTACHMENT)
        body = message_from_bytes(stub, policy=default).get_body()
        address = re.search(rf"https://localhost:{port}(/a/[\w-]+)", body.get_content())[1]
        assert browser.submit(browser.look(address)).content == ATTACHMENT


def test_what_can_not_be_served_is_told_before(stubbed, tmp_path) -> None:
    def refused(**settings) -> Problem:
        with pytest.raises(Problem) as caught, WebService(WebSettings(**settings), stubbed.home, stubbed.packs, None):
            pass
        assert caught.value.reason is Reason.CONFIGURATION_INVALID
        return caught.value

    assert "public_url" in refused().remedy
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused(public_url="https://a.example", port=port).happened
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    said = refused(public_url="https://a.example", certificate_file=broken, key_file=broken)
    assert "certificate_file" in said.happened


def test_a_renewed_certificate_is_taken_up(open_link, stubbed, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("mse_tui.web.service._LOOK_SECONDS", 0.1)
    (tmp_path / "new").mkdir()
    old, new = write_certificates(tmp_path), write_certificates(tmp_path / "new")
    web = WebSettings(public_url="https://localhost", port=0, certificate_file=old[1], key_file=old[2])
    with WebService(web, stubbed.home, stubbed.packs, None) as service:
        origin = f"https://localhost:{service.port}"
        assert requests.get(f"{origin}/a/{open_link}", verify=str(old[0]), timeout=30).status_code == 200
        old[1].unlink()  # as where files are replaced one after the other
        old[2].write_bytes(new[2].read_bytes())
        old[1].write_bytes(new[1].read_bytes())

        def is_new() -> bool:
            try:
                return requests.get(f"{origin}/a/{open_link}", verify=str(new[0]), timeout=30).status_code == 200
            except requests.exceptions.SSLError:
                return False

        until(is_new, 20)
    assert StubLink.select().count() == 2
