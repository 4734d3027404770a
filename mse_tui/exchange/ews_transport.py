"""The connections to an Exchange server: one a session, kept for a mailbox run, and a way to let go of a wait.

Built on exchangelib's sessions and authentication; its own request loop is not used (it retries a refused password,
sleeps uninterruptibly and reads one byte at a time).
"""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from exchangelib import BASIC, NTLM, Configuration, Credentials, FailFast
from exchangelib.protocol import BaseProtocol
from exchangelib.version import Build, Version
from pydantic import SecretStr
from requests.auth import HTTPBasicAuth

from mse_tui import __version__
from mse_tui.config.exchange import ExchangeSettings
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.exchange.wire import PinnedAdapter, Reply

SLOWEST = 5
"""An answer may take this many times the read timeout in all, however steadily it drips."""

BUILDS = {
    "Exchange2010_SP2": Build(14, 2),
    "Exchange2013": Build(15, 0),
    "Exchange2013_SP1": Build(15, 0, 847),
    "Exchange2015": Build(15, 1),
    "Exchange2016": Build(15, 1, 225),
}


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
