"""Somebody in the middle who answers StartTLS in a directory server's place, and listens to what is said then."""

import socket
import threading
from contextlib import suppress
from typing import Self

SUCCESS, PROTOCOL_ERROR = 0, 2


class Stripping:
    """A loopback port where every LDAP request is answered as an extended one with the same result."""

    def __init__(self, result: int) -> None:
        self._result = result
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.heard = b""

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                client.settimeout(5)
                with client, suppress(OSError):
                    while data := client.recv(65536):
                        self.heard += data
                        client.sendall(_extended_response(data, self._result))


def _extended_response(request: bytes, result: int) -> bytes:
    """An LDAP message of the request's id with an ExtendedResponse (RFC 4511)."""
    identifier = request[2 : 4 + request[3]] if request[:1] == b"\x30" else b"\x02\x01\x01"
    message = identifier + bytes((0x78, 7, 0x0A, 1, result, 4, 0, 4, 0))
    return bytes((0x30, len(message))) + message
