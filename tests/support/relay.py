"""A wire between a client and a server that can be cut anywhere."""

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Cut(StrEnum):
    """How a connection ends."""

    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"
    """It stays open, and nothing comes any more."""


@dataclass(frozen=True, slots=True)
class Fault:
    """When the wire from the server to the client is cut, counted over one connection."""

    how: Cut
    octets: int | None = None
    records: int | None = None
    """After so many TLS records: exactly where the server's writes end."""


class Relay:
    """Passes loopback connections on to a port of this machine; a context manager."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listening]
        self.port: int = self._listening.getsockname()[1]
        self.fault: Fault | None = None
        self.connections = 0
        self.passed = 0
        """Octets that went from the server to the last client."""
        self.records = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def drop(self) -> None:
        """End the connections that are open; new ones are taken."""
        for one in self._sockets[1:]:
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self.connections += 1
            self.passed = self.records = 0
            self._sockets += [client, server]
            threading.Thread(target=self._up, args=(client, server), daemon=True).start()
            threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        _end(server)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        fault, pending = self.fault, b""
        with suppress(OSError):
            while data := server.recv(65536):
                if fault is not None and fault.records is not None:
                    pending += data
                    whole, pending, count = _records(pending, fault.records - self.records)
                    self.records += count
                    data, is_over = whole, self.records >= fault.records
                else:
                    room = len(data) if fault is None or fault.octets is None else fault.octets - self.passed
                    data, is_over = data[:room], room < len(data)
                client.sendall(data)
                self.passed += len(data)
                if fault is not None and is_over:
                    _cut(client, fault.how)
                    _end(server)
                    return
        _end(client)


def _records(data: bytes, wanted: int) -> tuple[bytes, bytes, int]:
    """The first whole TLS records of the data, what follows, and how many they are; at most `wanted`."""
    at = count = 0
    while count < wanted and len(data) >= at + 5 and len(data) >= at + 5 + int.from_bytes(data[at + 3 : at + 5], "big"):
        at += 5 + int.from_bytes(data[at + 3 : at + 5], "big")
        count += 1
    return data[:at], data[at:], count


def _cut(client: socket.socket, how: Cut) -> None:
    if how is Cut.RESET:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Wakes the thread that reads from it; a socket in use is not closed.
        client.shutdown(socket.SHUT_RD)
        client.close()
    elif how is Cut.CLOSE:
        _end(client)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
