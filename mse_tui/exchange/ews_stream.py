"""Large content off the wire: decoded as it comes, spooled to disk, never whole in memory."""

import binascii
import tempfile
from collections.abc import Iterable
from typing import BinaryIO, cast
from xml.parsers import expat

from mse_tui.exchange.ews_errors import ServerError
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

SPOOL = 10 * 1024 * 1024
"""Content up to so many bytes stays in memory."""

_MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages}"
_TYPES = "http://schemas.microsoft.com/exchange/services/2006/types}"
_ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors}"
_KEPT = {
    f"{_MESSAGES}ResponseCode", f"{_MESSAGES}MessageText", f"{_ERRORS}ResponseCode", f"{_ERRORS}Message",
    f"{_TYPES}Value",
}  # fmt: skip


class ContentTooLarge(Exception):
    """The content grew beyond what the site allows."""


class ContentReader:
    """Reads the answer to a GetItem of one item, or a GetAttachment of one. `read` once, then see the attributes."""

    def __init__(self, max_bytes: int, element: str = "MimeContent") -> None:
        """`element` holds the content: MimeContent of an item, Content of an attached file."""
        self._content = f"{_TYPES}{element}"
        self.change_key = ""
        self.size = 0
        self.error: ServerError | None = None
        self.found = False
        """Whether the answer holds content."""
        self._max_bytes = max_bytes
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115 (handed to the caller)
        self._in_content = False
        self._carry = ""
        self._padded = False
        self._text: list[str] = []
        self._code = ""
        self._message = ""
        self._values: dict[str, str] = {}
        self._value_name = ""
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.buffer_size = 256 * 1024
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, chunks: Iterable[bytes]) -> None:
        """Take the whole answer. Raises Transient where it is broken, ContentTooLarge, and Problem disk-full."""
        try:
            for chunk in chunks:
                self._parser.Parse(chunk, False)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise broken(f"The server's answer was not well-formed: {error}.") from error
        except binascii.Error as error:
            raise broken(f"Content in the server's answer is not base64: {error}.") from error
        if not self._code:
            raise broken("The server's answer has no response code.")
        if self._code != "NoError":
            self.error = ServerError(self._code, self._message, self._values)

    def stream(self) -> BinaryIO:
        """The content, from its first byte."""
        self._file.seek(0)
        return cast(BinaryIO, self._file)

    def close(self) -> None:
        """Drop what was read."""
        self._file.close()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._content:
            self._in_content = True
            self.found = True
        elif name == f"{_TYPES}ItemId":
            self.change_key = attributes.get("ChangeKey", "")
        elif name in _KEPT:
            self._text = []
            self._value_name = attributes.get("Name", "")

    def _characters(self, text: str) -> None:
        if self._in_content:
            self._decode(text)
        else:
            self._text.append(text)

    def _end(self, name: str) -> None:
        if name == self._content:
            self._in_content = False
            if self._carry:
                raise binascii.Error("it ends within a group of four characters")
        elif name in (f"{_MESSAGES}ResponseCode", f"{_ERRORS}ResponseCode"):
            self._code = "".join(self._text).strip()
        elif name in (f"{_MESSAGES}MessageText", f"{_ERRORS}Message"):
            self._message = "".join(self._text).strip()
        elif name == f"{_TYPES}Value":
            self._values[self._value_name] = "".join(self._text)

    def _decode(self, text: str) -> None:
        if not text.isascii():
            raise binascii.Error("it has characters beyond ASCII")
        text = self._carry + "".join(text.split())
        whole = len(text) // 4 * 4
        self._carry = text[whole:]
        if not text:
            return
        if self._padded:
            raise binascii.Error("it goes on after its end")
        if whole:
            data = binascii.a2b_base64(text[:whole], strict_mode=True)
            self._padded = text[whole - 1] == "="
            self.size += len(data)
            if self.size > self._max_bytes:
                raise ContentTooLarge
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise Problem(
                Reason.DISK_FULL,
                f"What comes in could not be kept in {tempfile.gettempdir()}: {error.strerror}.",
                "Free space there, or set TMPDIR to a directory with space.",
            ) from error

    def _doctype(self, *_: object) -> None:
        raise broken("The server's answer declares a document type, which no EWS answer does.")
