"""An HTTP server with canned answers, and what a test needs to ask it: settings, halts, envelopes."""

import base64
import re
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mse_tui.config.exchange import ExchangeSettings

PASSWORD_VARIABLE = "MSE_TUI_TEST_EXCHANGE_PASSWORD"
NAMESPACES = (
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
    ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)


@dataclass
class Asked:
    """One request as it arrived."""

    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def operation(self) -> str:
        found = re.search(rb"<s:Body><m:(\w+)", self.body)
        return found.group(1).decode() if found else ""

    @property
    def ids(self) -> list[str]:
        return re.findall(r'ItemId Id="([^"]*)"', self.body.decode())


@dataclass
class Answer:
    status: int = 200
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Send only so many bytes of the body and close, though the whole length was announced."""
    without_length: bool = False
    """Announce no length and close at the end, so that a cut looks like an end."""
    reset: bool = False
    """Close without an answer."""
    delay: float = 0.0
    date: str | None = None
    """The server's clock, where it is to differ."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""


class Canned:
    """Answers requests by a function of the test's; keeps what was asked."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.asked: list[Asked] = []
        self.answer = answer
        self.connections = 0
        self._lock = threading.Lock()
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                with canned._lock:
                    canned.connections += 1
                    self.number = canned.connections

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(dict(self.headers.items()), body, self.number)
                with canned._lock:
                    canned.asked.append(asked)
                self.send(canned.answer(asked))

            def send(self, answer):
                if answer.delay:
                    canned.closing.wait(answer.delay)
                if answer.reset:
                    self.close_connection = True
                    return
                data = answer.body.encode() if isinstance(answer.body, str) else answer.body
                self.date = answer.date
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.without_length:
                    self.send_header("Connection", "close")
                else:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data if answer.cut is None else data[: answer.cut])
                if answer.cut is not None or answer.without_length:
                    self.close_connection = True

            def date_time_string(self, timestamp=None):
                return self.date or super().date_time_string(timestamp)

            def log_message(self, *_):
                pass

        self.closing = threading.Event()
        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/EWS/Exchange.asmx"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def tls(self, context) -> str:
        """Speak TLS from now on; returns the https URL by name."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self.port}/EWS/Exchange.asmx"
        return self.url

    @property
    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked]


class Halts:
    """The memory of refused accounts, for one test."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.calls = 0

    def halted(self, key):
        return self.said.get(key)

    def halt(self, key, service, account, message):
        self.calls += 1
        self.said[key] = message

    def succeeded(self, key, service):
        pass


class Waits:
    """Keeps what a wait observer was told."""

    def __init__(self) -> None:
        self.told = []

    def __call__(self, until, why):
        self.told.append((until, why))


def settings(url: str, **changes) -> ExchangeSettings:
    values = {
        "endpoint": url,
        "auth": "basic",
        "user": "svc@example.com",
        "password_env": PASSWORD_VARIABLE,
        "retry_seconds": 5,
        "timeout_seconds": 5,
        "connect_timeout_seconds": 2,
        **changes,
    }
    return ExchangeSettings(**values)


def envelope(content: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {NAMESPACES}><s:Body>{content}</s:Body></s:Envelope>'


def entries(operation: str, *messages: str) -> str:
    inner = "".join(messages)
    return envelope(f"<m:{operation}Response><m:ResponseMessages>{inner}</m:ResponseMessages></m:{operation}Response>")


def success(operation: str, inner: str) -> str:
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{inner}'
        f"</m:{operation}ResponseMessage>"
    )


def error(operation: str, code: str, text: str = "It went wrong.", values: dict[str, str] | None = None) -> str:
    xml = "".join(f'<t:Value Name="{name}">{value}</t:Value>' for name, value in (values or {}).items())
    xml = f"<m:MessageXml>{xml}</m:MessageXml>" if xml else ""
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Error"><m:MessageText>{text}</m:MessageText>'
        f"<m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{xml}"
        f"</m:{operation}ResponseMessage>"
    )


def fault(code: str, text: str = "It went wrong.", back_off: int | None = None) -> str:
    value = "" if back_off is None else f'<t:Value Name="BackOffMilliseconds">{back_off}</t:Value>'
    errors = 'xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors"'
    return envelope(
        f"<s:Fault><faultcode>t:{code}</faultcode><faultstring>{text}</faultstring><detail>"
        f"<e:ResponseCode {errors}>{code}</e:ResponseCode><e:Message {errors}>{text}</e:Message>"
        f"<t:MessageXml>{value}</t:MessageXml></detail></s:Fault>"
    )


def mime_message(remote_id: str, data: bytes) -> str:
    encoded = base64.b64encode(data).decode()
    return success(
        "GetItem",
        f'<m:Items><t:Message><t:MimeContent CharacterSet="UTF-8">{encoded}</t:MimeContent>'
        f'<t:ItemId Id="{remote_id}" ChangeKey="ck-{remote_id}"/></t:Message></m:Items>',
    )


def sync_page(changes: str, state: str = "state-1", last: bool = True) -> str:
    return entries(
        "SyncFolderItems",
        success(
            "SyncFolderItems",
            f"<m:SyncState>{state}</m:SyncState><m:IncludesLastItemInRange>{str(last).lower()}"
            f"</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>",
        ),
    )


def item(remote_id: str, subject: str = "Hello", extra: str = "") -> str:
    return (
        f'<t:Create><t:Message><t:ItemId Id="{remote_id}" ChangeKey="ck-{remote_id}"/>'
        f"<t:ItemClass>IPM.Note</t:ItemClass><t:Subject>{subject}</t:Subject>{extra}</t:Message></t:Create>"
    )


def content_server(contents: dict[str, bytes], refused: dict[str, str] | None = None):
    """Answers GetItem from a dictionary; `refused` gives some items an error code."""
    refused = refused or {}

    def answer(asked: Asked) -> Answer:
        messages = [
            error("GetItem", refused[one]) if one in refused else mime_message(one, contents[one]) for one in asked.ids
        ]
        return Answer(body=entries("GetItem", *messages))

    return answer


@contextmanager
def opened(exchange, address="ann@example.com", cancel=None, on_wait=None):
    """A mailbox of an exchange that is closed with it."""
    try:
        with exchange.mailbox(address, cancel or threading.Event(), on_wait) as mailbox:
            yield mailbox
    finally:
        exchange.close()
