"""HTTP as every client of this product sends it: a pinned authority, whole chunks, and a way to let go of a wait."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mse_tui.reasons import Problem, Reason

CHUNK = 64 * 1024


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


def tls_context(ca_file: str | None, table: str = "exchange") -> tuple[ssl.SSLContext, str]:
    """What to verify servers with: the given authority alone, else the system's and the bundled ones.

    Raises Problem configuration-invalid, naming the configuration's table, where the file holds no certificate.
    """
    if ca_file is None:
        return ssl.create_default_context(), certifi.where()
    try:
        return ssl.create_default_context(cafile=ca_file), ca_file
    except (OSError, ssl.SSLError) as error:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"[{table}] ca_file {ca_file} holds no certificate that can be read: {error.strerror or error}.",
            "Give a PEM file with the certificate of the authority that signed the server's certificate.",
        ) from error


def ahead_of(date: str) -> float | None:
    """Seconds by which this machine's clock is ahead of the one that wrote a Date header just now; None: it is none."""
    try:
        theirs = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    return (datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds()


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


def host_and_port(endpoint: str) -> tuple[str, int]:
    """Where an endpoint's server listens."""
    parts = urlsplit(endpoint)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
