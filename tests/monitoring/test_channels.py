"""Mail over a real SMTP server, webhook and ping over a real HTTP server, all on loopback."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from mse_tui.config.configuration import Configuration
from mse_tui.config.monitoring import MailSettings, WebhookSettings
from mse_tui.home import Home
from mse_tui.monitoring.channels import Mail, Ping, Webhook
from mse_tui.monitoring.notices import Concern, Notice, Notices
from mse_tui.monitoring.service import Monitoring
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.models import Task
from mse_tui.terms import Light
from tests.screens.seed import seed

NOTICE = Notice(
    "Head office",
    datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    Light.RED,
    new=(Concern("red", "Sälés\r\nBcc: x@example.com", "mailbox-moving", "1 mailbox: 1 error.\x1b[31m"),),
    still=(),
    solved=(Concern("orange", "Board", "item-corrupt", "1 item"),),
)


class Postbox:
    """A mail server's one box."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, MailSettings]]:
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=_free_port())
    controller.start()
    yield (
        box,
        MailSettings(
            to=("anna@example.com", "bo@example.com"),
            sender="mse-tui@example.com",
            server="127.0.0.1",
            port=controller.port,
            security="none",
            pause_minutes=15,
        ),
    )
    controller.stop()


class Web:
    """An HTTP server that keeps what it is asked."""

    def __init__(self) -> None:
        web = self
        self.asked: list[tuple[str, str, bytes]] = []
        self.status = 204

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                web.asked.append((self.command, self.path, body))
                self.send_response(web.status)
                if web.status == 302:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = _answer

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    server.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_mail_says_what_is_new_and_what_is_solved(postbox: tuple[Postbox, MailSettings]) -> None:
    box, settings = postbox
    Mail(settings).send(NOTICE)
    (mail,) = box.mails
    assert mail.rcpt_tos == ["anna@example.com", "bo@example.com"]
    content = mail.content.decode()
    assert "Subject: mse-tui Head office: error (1 new, 1 solved)" in content
    assert "Auto-Submitted: auto-generated" in content
    assert "\x1b" not in content


def test_no_mail_goes_in_clear_that_was_to_be_protected(postbox: tuple[Postbox, MailSettings]) -> None:
    box, settings = postbox
    with pytest.raises(OSError, match="STARTTLS"):
        Mail(settings.model_copy(update={"security": "starttls"})).send(NOTICE)
    assert box.mails == []


def test_a_webhook_gets_all_of_it_as_json(web: Web) -> None:
    Webhook(WebhookSettings(url=web.url)).send(NOTICE)
    ((method, path, body),) = web.asked
    assert (method, path) == ("POST", "/hook")
    told = json.loads(body)
    assert (told["site"], told["light"], told["moment"]) == ("Head office", "red", "2026-03-01T09:30:00+00:00")
    assert told["new"][0]["reason"] == "mailbox-moving"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_was_not_taken_is_a_failure(web: Web, status: int) -> None:
    web.status = status
    with pytest.raises(OSError, match=str(status)):
        Webhook(WebhookSettings(url=web.url)).send(NOTICE)


def test_the_ping_tells_red_from_the_rest(web: Web) -> None:
    ping = Ping(WebhookSettings(ping_url=web.url))
    for light in (Light.GREEN, Light.ORANGE, Light.RED):
        ping.send(light)
    assert [path for _, path, _ in web.asked] == ["/hook", "/hook", "/hook/fail"]


def test_what_could_not_be_sent_is_sent_later_once(store: Home, web: Web) -> None:
    seed(store)
    web.status = 500
    moment = queries.sites()[0].created
    notices = Notices(queries.sites()[0], [Webhook(WebhookSettings(url=web.url))], lambda: moment)
    notices.look()
    web.status = 204
    notices.look()
    notices.look()
    assert len(web.asked) == 2


def test_mails_keep_their_distance(store: Home, postbox: tuple[Postbox, MailSettings]) -> None:
    seed(store)
    box, settings = postbox
    start = queries.sites()[0].created
    for minutes, sent in ((0, 1), (5, 1), (14, 1), (16, 2)):
        if minutes == 5:
            Task.update(light="green").execute()
        Notices(queries.sites()[0], [Mail(settings)], lambda now=start + timedelta(minutes=minutes): now).look()
        assert len(box.mails) == sent


def test_a_running_engine_serves_metrics_and_tells(store: Home, web: Web) -> None:
    seed(store)
    configuration = Configuration.model_validate(
        {
            "exchange": {"endpoint": "http://localhost/EWS", "user": "service", "password_env": "UNUSED"},
            "metrics": {"port": 0},
            "webhook": {"url": web.url, "ping_url": web.url},
        }
    )
    with Monitoring(configuration, queries.sites()[0], look_seconds=0.05) as monitoring:
        text = requests.get(f"http://127.0.0.1:{monitoring.metrics_port}/metrics", timeout=5).text
        assert 'mse_tui_task_light{task="Shared mailboxes"' in text
        for _ in range(100):
            if len(web.asked) >= 3:
                break
            time.sleep(0.05)
    methods = [method for method, _, _ in web.asked]
    assert methods.count("POST") == 1
    assert "GET" in methods


@pytest.mark.parametrize("kept", [True, False])
def test_metrics_tell_of_a_search_index_that_is_kept(store: Home, *, kept: bool) -> None:
    seed(store)
    configuration = Configuration.model_validate(
        {
            "exchange": {"endpoint": "http://localhost/EWS", "user": "service", "password_env": "UNUSED"},
            "metrics": {"port": 0},
            "archive": {"search_index": kept},
        }
    )
    with Monitoring(configuration, queries.sites()[0], search_index=store.search_index) as monitoring:
        text = requests.get(f"http://127.0.0.1:{monitoring.metrics_port}/metrics", timeout=5).text
    assert ("mse_tui_search_index_waiting" in text) == store.search_index.exists() == kept


def test_a_taken_port_is_told(store: Home) -> None:
    seed(store)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        configuration = Configuration.model_validate(
            {
                "exchange": {"endpoint": "http://localhost/EWS", "user": "service", "password_env": "UNUSED"},
                "metrics": {"port": taken.getsockname()[1]},
            }
        )
        with pytest.raises(Problem) as refused, Monitoring(configuration, queries.sites()[0]):
            pass
    assert refused.value.reason is Reason.CONFIGURATION_INVALID
