"""The practice organisation on the wire: an ASGI endpoint for EWS, sign-in by connection, faults in transfer."""

import asyncio
import base64
import binascii
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mse_tui.sandbox.accounts import Account, Accounts, NtlmHandshake
from mse_tui.sandbox.ews.soap import Caller, Reply, SoapFault, fault_envelope
from mse_tui.sandbox.faults import ANSWER_FAULTS, TRANSFER_FAULTS, Fault, FaultKind, Faults

Headers = list[tuple[bytes, bytes]]

_CONNECTION = "sandbox.connection"
_XML: Headers = [(b"content-type", b"text/xml; charset=utf-8")]
_TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8")]
_OPERATION = re.compile(rb"<(?:[\w.-]+:)?Body\b[^>]*>\s*(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?(\w+)", re.DOTALL)
_IMPERSONATED = re.compile(
    rb"<(?:[\w.-]+:)?(?:PrimarySmtpAddress|SmtpAddress|PrincipalName)[^>]*>\s*([^<\s]+)\s*<", re.DOTALL
)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


Handle = Callable[[bytes, Caller], Reply]


class Connection:
    """One client's connection: who signed in on it (NTLM signs in a connection, not a request), and its transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.handshake: NtlmHandshake | None = None
        self.account: Account | None = None
        self.lost = asyncio.Event()

    async def reset(self) -> None:
        """End it with a TCP reset."""
        plain: socket.socket | None = self.transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()
        await self.lost.wait()

    async def write_and_end(self, data: bytes) -> None:
        """Send these bytes and end it in good order."""
        self.transport.write(data)
        self.transport.close()
        await self.lost.wait()


class ConnectionProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """uvicorn's HTTP protocol, which hands each request its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        connection, app = Connection(transport), self.config.loaded_app

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_CONNECTION] = connection
            await app(scope, receive, send)

        self.app: ASGIApp = with_connection
        self._connection = connection

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connection.lost.set()


def connection_of(scope: Scope) -> Connection:
    """The connection that a request came on."""
    found: Connection = scope[_CONNECTION]
    return found


@dataclass(slots=True)
class OperationStatistics:
    """What one operation cost so far."""

    requests: int = 0
    seconds: float = 0.0
    """Time inside the service, without latency and transfer."""
    bytes_in: int = 0
    bytes_out: int = 0


class Statistics:
    """Counts of what was asked of the server since its start or the last reset."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._operations: dict[str, OperationStatistics] = {}
        self._refused = 0

    def count(self, operation: str, seconds: float, bytes_in: int, bytes_out: int) -> None:
        """One request that the service answered."""
        with self._guard:
            row = self._operations.setdefault(operation, OperationStatistics())
            row.requests += 1
            row.seconds += seconds
            row.bytes_in += bytes_in
            row.bytes_out += bytes_out

    def refuse(self) -> None:
        """One request with a wrong user name or password."""
        with self._guard:
            self._refused += 1

    def reset(self) -> None:
        """Count from zero."""
        with self._guard:
            self._operations, self._refused = {}, 0

    @property
    def refused(self) -> int:
        """Requests with a wrong user name or password."""
        return self._refused

    def requests(self, operation: str | None = None) -> int:
        """Answered requests, of one operation or of all."""
        with self._guard:
            if operation is not None:
                return self._operations.get(operation, OperationStatistics()).requests
            return sum(row.requests for row in self._operations.values())

    def as_mapping(self) -> dict[str, Any]:
        """All of it, for JSON."""
        with self._guard:
            operations = {name: asdict(row) for name, row in sorted(self._operations.items())}
        total = OperationStatistics()
        for row in operations.values():
            total.requests += row["requests"]
            total.seconds += row["seconds"]
            total.bytes_in += row["bytes_in"]
            total.bytes_out += row["bytes_out"]
        return {"operations": operations, "total": asdict(total), "refused": self._refused}


class EwsEndpoint:
    """POST /EWS/Exchange.asmx: sign-in, faults, the service in a thread, the answer."""

    def __init__(self, handle: Handle, accounts: Accounts, faults: Faults, statistics: Statistics) -> None:
        self.methods: tuple[str, ...] = ("Basic", "NTLM")
        """The sign-in methods on offer."""
        self._handle = handle
        self._accounts = accounts
        self._faults = faults
        self._statistics = statistics
        self._threads = ThreadPoolExecutor(4, "sandbox-ews")
        self._signed_in: dict[bytes, Account] = {}

    def close(self) -> None:
        """Wait for the calls under way and end the threads."""
        self._threads.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        body = await body_of(receive)
        account, challenge = self._sign_in(scope, connection)
        if account is None:
            await self._refuse(send, challenge)
        elif scope["method"] != "POST":
            await send_answer(
                send, 200, [(b"content-type", b"text/html")], b"<html><body>Exchange Web Services</body></html>"
            )
        else:
            await self._call(send, connection, account, body)

    async def _call(self, send: Send, connection: Connection, account: Account, body: bytes) -> None:
        operation, mailbox = _addressed(body, account)
        latency = self._faults.latency_ms(operation, mailbox)
        if latency:
            await asyncio.sleep(latency / 1000)
        fault = self._faults.take(ANSWER_FAULTS, operation, mailbox)
        if fault is not None:
            await self._fail(send, connection, fault)
            return
        started = time.perf_counter()
        caller = Caller(account.address, account.may_impersonate)
        reply = await asyncio.get_running_loop().run_in_executor(self._threads, self._handle, body, caller)
        self._statistics.count(operation, time.perf_counter() - started, len(body), len(reply.body))
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
        fault = self._faults.take(TRANSFER_FAULTS, operation, mailbox)
        if fault is None:
            await send_answer(send, reply.status, headers, reply.body)
        else:
            await send_spoilt(send, connection, headers, reply, fault)

    def _sign_in(self, scope: Scope, connection: Connection) -> tuple[Account | None, bytes | None]:
        """Who asks: (account, None), or (None, the NTLM challenge to send or None)."""
        header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        if header is None:
            return connection.account, None
        method, _, credentials = header.partition(b" ")
        if method.lower() == b"basic" and "Basic" in self.methods:
            account = self._signed_in.get(header) or self._accounts.basic(credentials.decode("latin-1").strip())
            if account is None:
                self._statistics.refuse()
            else:
                self._signed_in[header] = account
            return account, None
        if method.lower() == b"ntlm" and "NTLM" in self.methods:
            return self._ntlm(connection, credentials)
        self._statistics.refuse()
        return None, None

    def _ntlm(self, connection: Connection, credentials: bytes) -> tuple[Account | None, bytes | None]:
        if connection.handshake is None:
            connection.handshake = NtlmHandshake(self._accounts)
        try:
            token = base64.b64decode(credentials, validate=True)
        except binascii.Error:
            token = b""
        challenge, connection.account = connection.handshake.step(token)
        if challenge is None:
            connection.handshake = None
            if connection.account is None:
                self._statistics.refuse()
        return connection.account, challenge

    async def _refuse(self, send: Send, challenge: bytes | None) -> None:
        if challenge is not None:
            offers = [b"NTLM " + base64.b64encode(challenge)]
        else:
            realms = {"Basic": b'Basic realm="Exchange"', "NTLM": b"NTLM"}
            offers = [realms[method] for method in self.methods]
        await send_answer(send, 401, [*_TEXT, *((b"www-authenticate", offer) for offer in offers)], b"")

    async def _fail(self, send: Send, connection: Connection, fault: Fault) -> None:
        if fault.kind is FaultKind.RESET:
            await connection.reset()
        elif fault.kind is FaultKind.UNAUTHORIZED:
            self._statistics.refuse()
            await self._refuse(send, None)
        elif fault.kind is FaultKind.SERVER_BUSY:
            values = {"BackOffMilliseconds": str(fault.milliseconds)}
            await send_answer(send, 500, _XML, fault_envelope(SoapFault("ErrorServerBusy", values=values)))
        else:
            wait = [] if fault.retry_after is None else [(b"retry-after", str(fault.retry_after).encode())]
            await send_answer(send, int(fault.kind.value), [*_TEXT, *wait], b"")


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


def _addressed(body: bytes, account: Account) -> tuple[str, str]:
    """The operation that a request asks for and the mailbox it is about: the impersonated one, else the caller's."""
    found = _OPERATION.search(body)
    if found is None:
        return "", account.address
    impersonated = _IMPERSONATED.search(body, 0, found.start())
    mailbox = account.address if impersonated is None else impersonated[1].decode("utf-8", "replace").lower()
    return found[1].decode("ascii"), mailbox


async def send_answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def send_spoilt(send: Send, connection: Connection, headers: Headers, reply: Reply, fault: Fault) -> None:
    """Send an answer with a fault in its transfer."""
    if fault.kind is FaultKind.SLOW_BYTES:
        await _answer_slowly(send, headers, reply, fault.bytes_per_second)
    else:
        await connection.write_and_end(_half(headers, reply, fault.kind is FaultKind.HALF_RESPONSE))


async def _answer_slowly(send: Send, headers: Headers, reply: Reply, bytes_per_second: int) -> None:
    length = (b"content-length", str(len(reply.body)).encode())
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, length]})
    step = max(1, bytes_per_second // 20)
    for at in range(0, len(reply.body), step):
        await send({"type": "http.response.body", "body": reply.body[at : at + step], "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b""})


def _half(headers: Headers, reply: Reply, with_length: bool) -> bytes:
    lines = [b"HTTP/1.1 %d Answer" % reply.status, *(name + b": " + value for name, value in headers)]
    lines.append(b"Content-Length: %d" % len(reply.body) if with_length else b"Connection: close")
    return b"\r\n".join([*lines, b"", reply.body[: len(reply.body) // 2]])
