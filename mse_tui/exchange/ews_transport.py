"""The wire to an Exchange server: one connection a session, whole chunks, a pinned authority, and a way to let go.

Built on exchangelib's sessions and authentication; its own request loop is not used (it retries a refused password,
sleeps uninterruptibly and reads one byte at a time).
"""

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from exchangelib import BASIC, NTLM, Configuration, Credentials, FailFast
from exchangelib.protocol import BaseProtocol
from exchangelib.version import Build, Version
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mse_tui import __version__
from mse_tui.config import ExchangeSettings
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
SLOWEST = 5
"""An answer may take this many times the read timeout in all, however steadily it drips."""

BUILDS = {
    "Exchange2010_SP2": Build(14, 2),
    "Exchange2013": Build(15, 0),
    "Exchange2013_SP1": Build(15, 0, 847),
    "Exchange2015": Build(15, 1),
    "Exchange2016": Build(15, 1, 225),
}


class TooLong(Exception):
    """The answer grew beyond what was expected of it and was dropped."""


class PinnedAdapter(HTTPAdapter):
    """Verifies against one authority, whatever the environment says, and can cut its connections off.

    REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE override a session's own `verify`; what this adapter was made with holds.
    """

    def __init__(self, context: ssl.SSLContext, ca_file: str, **options: Any) -> None:
        self._context = context
        self._ca_file = ca_file
        self._sockets: set[socket.socket] = set()
        self._aborted = False
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        """Remember each socket that the manager's pools open, so that a wait on it can be ended."""
        adapter, sockets = self, self._sockets
        classes = {}
        for scheme, pool in (("http", HTTPConnectionPool), ("https", HTTPSConnectionPool)):

            class Watched(pool.ConnectionCls):  # type: ignore[misc,name-defined]
                def connect(self) -> None:
                    super().connect()
                    sockets.add(self.sock)
                    if adapter._aborted:
                        self.close()
                        raise ConnectionAbortedError

                def close(self) -> None:
                    sockets.discard(self.sock)
                    super().close()

            classes[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": Watched})
        manager.pool_classes_by_scheme = classes

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["verify"] = self._ca_file
        return super().send(request, *args, **kwargs)

    def abort(self) -> None:
        """End every wait on this adapter's sockets, from any thread; it opens no other."""
        self._aborted = True
        for opened in list(self._sockets):
            with contextlib.suppress(OSError, ValueError):
                socket.socket.shutdown(opened, socket.SHUT_RDWR)


def tls_context(ca_file: str | None) -> tuple[ssl.SSLContext, str]:
    """What to verify servers with: the given authority alone, else the system's and the bundled ones.

    Raises Problem configuration-invalid where the file holds no certificate.
    """
    if ca_file is None:
        return ssl.create_default_context(), certifi.where()
    try:
        return ssl.create_default_context(cafile=ca_file), ca_file
    except (OSError, ssl.SSLError) as error:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"[exchange] ca_file {ca_file} holds no certificate that can be read: {error.strerror or error}.",
            "Give a PEM file with the certificate of the authority that signed the server's certificate.",
        ) from error


class Reply:
    """An answer whose body is still on the wire."""

    def __init__(self, response: requests.Response, longest_seconds: float) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._raw = response.raw
        self._until = time.monotonic() + longest_seconds

    def chunks(self, limit: int | None = None) -> Iterator[bytes]:
        """The body, decompressed, as it comes. Raises where it ends before its length, TooLong after `limit`."""
        size = 0
        while chunk := self._raw.read1(CHUNK, decode_content=True):
            size += len(chunk)
            if limit is not None and size > limit:
                raise TooLong
            yield chunk
            if time.monotonic() > self._until:
                raise requests.exceptions.ReadTimeout("the answer drips too slowly")

    def read(self, limit: int | None = None) -> bytes:
        """The whole body. Raises TooLong beyond `limit` bytes."""
        return b"".join(self.chunks(limit))


class Connection(BaseProtocol):  # type: ignore[misc]
    """One session on one TCP connection to the server; used by one thread at a time."""

    USERAGENT = f"mse-tui/{__version__}"

    def __init__(self, settings: ExchangeSettings, secret: SecretStr, tls: tuple[ssl.SSLContext, str]) -> None:
        super().__init__(
            Configuration(
                service_endpoint=settings.endpoint,
                credentials=Credentials(settings.user, secret.get_secret_value()),
                auth_type={"basic": BASIC, "ntlm": NTLM}[settings.auth],
                version=Version(build=BUILDS[settings.version], api_version=settings.version),
                retry_policy=FailFast(),
                max_connections=1,
            )
        )
        self._settings = settings
        self._adapter = PinnedAdapter(*tls, pool_connections=1, pool_maxsize=1, pool_block=True, max_retries=0)
        self._session: requests.Session | None = None
        self.used = False
        """Whether an answer has come over it: a failure may then just be a connection that the server closed."""

    @property
    def version(self) -> Version:
        """The configured one; the server is never asked."""
        return self.config.version

    def raw_session(self, prefix: str, **_: Any) -> requests.Session:
        session = super().raw_session(prefix)
        session.trust_env = False
        session.mount(prefix, self._adapter)
        if self._settings.proxy:
            session.proxies = {"http": self._settings.proxy, "https": self._settings.proxy}
        return session  # type: ignore[no-any-return]

    def _ready(self) -> requests.Session:
        if self._session is None:
            self._session = self.create_session()
            if self.auth_type == BASIC:
                # HTTPBasicAuth would encode text as Latin-1 and fail on anything beyond it.
                credentials = self.credentials
                self._session.auth = HTTPBasicAuth(credentials.username.encode(), credentials.password.encode())
        return self._session

    @contextlib.contextmanager
    def posting(self, body: bytes, headers: Mapping[str, str]) -> Iterator[Reply]:
        """Send one request; within the block its answer can be read. Lets every exception of requests through."""
        timeout = (self._settings.connect_timeout_seconds, self._settings.timeout_seconds)
        response = self._ready().post(
            self._settings.endpoint,
            data=body,
            headers=dict(headers),
            allow_redirects=False,
            timeout=timeout,
            stream=True,
        )
        with response:
            yield Reply(response, SLOWEST * self._settings.timeout_seconds)
            self.used = True

    def abort(self) -> None:
        """End a wait that another thread has on this connection."""
        self._adapter.abort()

    def close(self) -> None:
        if getattr(self, "_session", None) is not None:
            self._session.close()  # type: ignore[union-attr]
            self._session = None


class ConnectionPool:
    """The connections of one mailbox run: made on demand, kept for its length, closed at its end."""

    def __init__(self, make: Callable[[], Connection]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._closed = False

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """One connection for one request; it is thrown away if the block raises. Raises Cancelled once closed."""
        with self._lock:
            if self._closed:
                raise Cancelled
            connection = self._idle.pop() if self._idle else self._make()
            self._busy.add(connection)
        try:
            yield connection
        except BaseException:
            self._leave(connection, keep=False)
            raise
        self._leave(connection, keep=True)

    def _leave(self, connection: Connection, *, keep: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if keep and not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def abort(self) -> None:
        """End every request under way; their threads fail and come back."""
        with self._lock:
            busy = list(self._busy)
        for connection in busy:
            connection.abort()

    def close(self) -> None:
        """Close what is idle, end what is under way, and give out no more."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        self.abort()
        for connection in idle:
            connection.close()


def host_and_port(endpoint: str) -> tuple[str, int]:
    """Where an endpoint's server listens."""
    parts = urlsplit(endpoint)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
