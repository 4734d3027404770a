"""A TLS server before a directory server that reads the LDAP messages that go by."""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mse_tui.sandbox.certificates import Authority

SEARCH_REQUEST, ENTRY = 0x63, 0x64
"""Tags of operations (RFC 4511)."""
PAGED = b"1.2.840.113556.1.4.319"


@dataclass(frozen=True, slots=True)
class Asked:
    """A search request, as it went over the wire."""

    base: str
    scope: int
    """0 = the object, 1 = its children, 2 = everything under it."""
    limit: int
    page: int
    """Entries a page (RFC 2696); 0 = not in pages."""
    attributes: tuple[str, ...]


class ReadingAlong:
    """Passes LDAPS connections on; a context manager. Its certificate is of the server's own authority."""

    def __init__(self, target_port: int, authority: Authority, directory: Path) -> None:
        certificate, key = authority.issue()
        (directory / "along.pem").write_bytes(certificate + key)
        self._inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inside.load_cert_chain(directory / "along.pem")
        self._outside = ssl.create_default_context(cadata=authority.pem.decode())
        self._target = target_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._asked = b""
        self._answered = b""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def searches(self) -> list[Asked]:
        """The search requests that went by."""
        return [_asked(parts) for _, *parts in _messages(self._asked) if parts[0][0] == SEARCH_REQUEST]

    def entries_an_answer(self) -> list[int]:
        """How many entries each search was answered with."""
        counts: Counter[bytes] = Counter()
        for (_, number), (kind, _), *_ in _messages(self._answered):
            counts[number] += kind == ENTRY
        return list(counts.values())

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                raw, _ = self._listening.accept()
                client = self._inside.wrap_socket(raw, server_side=True)
                server = self._outside.wrap_socket(
                    socket.create_connection(("127.0.0.1", self._target)), server_hostname="localhost"
                )
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _up(self, client: ssl.SSLSocket, server: ssl.SSLSocket) -> None:
        with suppress(OSError), server:
            while data := client.recv(65536):
                self._asked += data
                server.sendall(data)

    def _down(self, client: ssl.SSLSocket, server: ssl.SSLSocket) -> None:
        with suppress(OSError), client:
            while data := server.recv(65536):
                self._answered += data
                client.sendall(data)


Element = tuple[int, bytes]
"""A BER element (X.690, definite lengths): its tag and its content."""


def _messages(octets: bytes) -> Iterator[list[Element]]:
    """The LDAP messages of a stream: number, operation and controls of each (RFC 4511, 4.1.1)."""
    for _, content in _elements(octets):
        yield list(_elements(content))


def _elements(octets: bytes) -> Iterator[Element]:
    at = 0
    while at < len(octets):
        length, begins = octets[at + 1], at + 2
        if length & 0x80:
            begins += length & 0x7F
            length = int.from_bytes(octets[at + 2 : begins], "big")
        yield octets[at], octets[begins : begins + length]
        at = begins + length


def _asked(parts: list[Element]) -> Asked:
    base, scope, _, limit, _, _, _, attributes = (content for _, content in _elements(parts[0][1]))
    page = 0
    for _, control in _elements(parts[1][1] if len(parts) > 1 else b""):
        identifier, *_, value = (content for _, content in _elements(control))
        if identifier == PAGED:
            page = int.from_bytes(_first(_first(value)), "big")
    names = tuple(name.decode() for _, name in _elements(attributes))
    return Asked(base.decode(), int.from_bytes(scope, "big"), int.from_bytes(limit, "big"), page, names)


def _first(octets: bytes) -> bytes:
    return next(content for _, content in _elements(octets))
