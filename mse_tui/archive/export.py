"""Archived messages as files for other programs: .eml files in folders, or one mbox.

An .eml file is byte for byte what the server gave. An mbox has Unix line ends and '>' before lines that begin with
'From ' (the mboxrd form), which every reader of that form undoes. Messages of which only metadata were archived are
left out and counted.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from mse_tui.archive.disk import explained
from mse_tui.archive.names import safe_name
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import MessageView
from mse_tui.reasons import Problem, Reason

_PIECE = 1 << 16
_LONGEST_PATH = 600
_OF_ONE_MESSAGE = (Reason.CONTENT_DAMAGED, Reason.CONTENT_MISSING)


@dataclass(slots=True)
class ExportReport:
    """What was written, and what could not be."""

    messages: int = 0
    bytes: int = 0
    without_content: int = 0
    """Only metadata were archived."""
    problems: list[tuple[MessageView, Problem]] = field(default_factory=list)
    """Messages whose content is missing or damaged; the others are written."""
    ended_early: bool = False
    """A person ended it; what is written stays."""


GoesOn = Callable[[ExportReport], bool]
"""Told before each message what has been written so far; False ends the export."""


class Target(Protocol):
    """Where messages are written."""

    def write(self, message: MessageView, path: str, content: BinaryIO) -> None:
        """Write one message of the folder with this path. Raises Problem disk-full, archive-unreadable."""
        ...


def export(
    messages: Iterable[tuple[MessageView, str]], packs: Packs, target: Target, goes_on: GoesOn = lambda _: True
) -> ExportReport:
    """Write messages, each with its folder's path. Raises Problem disk-full, archive-unreadable."""
    report = ExportReport()
    for message, path in messages:
        if not goes_on(report):
            report.ended_early = True
            break
        if not message.sha256:
            report.without_content += 1
            continue
        try:
            with packs.open(bytes.fromhex(message.sha256)) as content:
                target.write(message, path, content)
                report.bytes += content.tell()
        except Problem as problem:
            if problem.reason not in _OF_ONE_MESSAGE:
                raise
            report.problems.append((message, problem))
        else:
            report.messages += 1
    return report


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is not there yet, for its owner alone. Raises Problem invalid, disk-full."""
    try:
        file = open(path, "xb", opener=_private)  # noqa: SIM115 (closed below)
    except FileExistsError as error:
        raise Problem(Reason.INVALID, f"{path} is there already.", "Name a new file.") from error
    except OSError as error:
        raise Problem(
            Reason.INVALID, f"{path} can't be written: {error.strerror}.", "Choose another file name."
        ) from error
    with explained(path.parent), file:
        yield file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def target_at(path: Path, *, one_file: bool) -> Iterator[Target]:
    """A new mbox file, or a directory of .eml files. Raises Problem invalid (the file is there), disk-full."""
    if one_file:
        with new_file(path) as file:
            yield Mbox(file)
    else:
        yield EmlDirectory(path)


class EmlDirectory:
    """A directory of .eml files, a directory a folder; each file's time is when its message was received.

    A file is there whole or not at all. Exporting again into the same directory writes the same names.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[str, Path] = {}
        self._taken: set[str] = set()

    def write(self, message: MessageView, path: str, content: BinaryIO) -> None:
        with explained(self._directory):
            folder = self._folder(path)
            ending = f" [{message.placement_id}].eml"
            received = f"{message.received:%Y-%m-%d %H%M} " if message.received else ""
            target = folder / safe_name(received + (message.subject or "no subject"), ending)
            descriptor, temporary = tempfile.mkstemp(prefix=".exporting-", dir=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    while piece := content.read(_PIECE):
                        file.write(piece)
                if message.received is not None and message.received.timestamp() > 0:
                    os.utime(temporary, (message.received.timestamp(),) * 2)
                Path(temporary).replace(target)
            except BaseException:
                with suppress(FileNotFoundError):
                    Path(temporary).unlink()
                raise

    def _folder(self, path: str) -> Path:
        """The folder's own directory: two folders never share one, nor does a long path become too long."""
        known = self._made.get(path)
        if known is not None:
            return known
        parent, _, name = path.rpartition("/")
        above = self._folder(parent) if parent else self._directory
        if len(os.fsencode(above)) - len(os.fsencode(self._directory)) > _LONGEST_PATH:
            above = self._directory
        made, number = above / safe_name(name, otherwise="folder"), 1
        while str(made).casefold() in self._taken:
            number += 1
            made = above / safe_name(name, f" ({number})", otherwise="folder")
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._taken.add(str(made).casefold())
        self._made[path] = made
        return made


class Mbox:
    """An mbox file, open for writing in binary mode."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, message: MessageView, path: str, content: BinaryIO) -> None:
        with explained(Path(getattr(self._file, "name", "mbox"))):
            self._file.write(_separator(message))
            at_start, last = True, b""
            while line := content.readline(_PIECE):
                line = _unix(line, content)
                if at_start and line.lstrip(b">").startswith(b"From "):
                    line = b">" + line
                self._file.write(line)
                at_start, last = line.endswith(b"\n"), line
            self._file.write(b"\n" if last.endswith(b"\n") else b"\n\n")


def _unix(line: bytes, content: BinaryIO) -> bytes:
    """A line, or a piece of a long one, with a Unix line end."""
    if line.endswith(b"\r\n"):
        return line[:-2] + b"\n"
    if line.endswith(b"\r") and len(line) == _PIECE:
        following = content.read(1)
        return line[:-1] + b"\n" if following == b"\n" else line + following
    return line


def _separator(message: MessageView) -> bytes:
    sender = "".join(c for c in message.sender if "!" <= c <= "~") or "MAILER-DAEMON"
    when = message.received or message.sent or message.opened
    return f"From {sender} {time.asctime(when.timetuple())}\n".encode("ascii")
