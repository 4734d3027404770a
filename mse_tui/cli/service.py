"""Being a systemd service: saying that the engine is up and alive, and logging with fields into the journal.

Protocols: sd_notify(3), https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
"""

import logging
import os
import socket
import struct

_JOURNAL = "/run/systemd/journal/socket"
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7
_FIELDS = ("site", "task", "execution", "mailbox", "reason", "audit_head")
_MOST_BYTES = 48 * 1024
"""Of a message: longer ones would not fit into a datagram."""


def notify(state: str) -> bool:
    """Tell systemd, as in 'READY=1'; whether it asked to be told. Nobody hears what nobody waits for."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
        try:
            way.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return False
    return True


def goes_to_journal() -> bool:
    """Whether standard error is connected to the journal, so that fields can be sent there instead of lines."""
    try:
        device, inode = os.environ.get("JOURNAL_STREAM", "").split(":")
        status = os.fstat(2)
        return (int(device), int(inode)) == (status.st_dev, status.st_ino) and os.path.exists(_JOURNAL)  # noqa: PTH110
    except (ValueError, OSError):
        return False


class JournalHandler(logging.Handler):
    """Sends records to the journal with MSE_TUI_SITE, _TASK, _EXECUTION, _MAILBOX, _REASON as fields of their own."""

    def __init__(self, address: str = _JOURNAL) -> None:
        super().__init__()
        self._address = address
        self._way = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; what the journal does not take is told on standard error."""
        try:
            self._way.sendto(self._datagram(record), self._address)
        except OSError:
            self.handleError(record)

    def close(self) -> None:
        """Close the socket."""
        self._way.close()
        super().close()

    def _datagram(self, record: logging.LogRecord) -> bytes:
        fields = {
            "MESSAGE": self.format(record),
            "PRIORITY": str(next((number for level, number in _PRIORITIES if record.levelno >= level), _DEBUG)),
            "SYSLOG_IDENTIFIER": "mse-tui",
            "LOGGER": record.name,
        }
        fields |= {f"MSE_TUI_{name.upper()}": str(value) for name in _FIELDS if (value := record.__dict__.get(name))}
        return b"".join(_field(name, value) for name, value in fields.items())


def _field(name: str, value: str) -> bytes:
    """A field with its length before it, so that it may hold line ends."""
    content = value.encode("utf-8", "replace")[:_MOST_BYTES]
    return name.encode() + b"\n" + struct.pack("<Q", len(content)) + content + b"\n"
