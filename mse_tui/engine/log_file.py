"""Keeping the engine's log in the site's home, where screens and commands of any process can read it.

The files are as private as their directory, which viewers may be given to read. They are rotated by size: never more
than `KEPT` + 1 of them.
"""

import contextlib
import logging
import logging.handlers
import os
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

from mse_tui.engine.log_lines import Level, LogLine
from mse_tui.engine.log_subjects import SUBJECTS, SubjectFilter
from mse_tui.home import give_as_directory

FILE_NAME = "engine.log"
FILE_BYTES = 8_000_000
KEPT = 4
"""Earlier files beside the present one: engine.log.1 is the newest of them."""

_LONGEST = 16_000
"""Characters of a message or a traceback that are kept."""
_SCREENS = ("mse_tui.app", "mse_tui.screens", "mse_tui.widgets", "mse_tui.preferences", "mse_tui.cli.screens")


class EngineLog(logging.handlers.RotatingFileHandler):
    """Writes what this process logs, but for its screens, as JSON lines. What can't be written is left out."""

    def __init__(self, directory: Path, file_bytes: int = FILE_BYTES) -> None:
        """Creates the directory where it is missing; the file with the first line."""
        directory.mkdir(mode=0o700, exist_ok=True)
        super().__init__(directory / FILE_NAME, maxBytes=file_bytes, backupCount=KEPT, encoding="utf-8", delay=True)
        self.addFilter(SubjectFilter())
        self.addFilter(lambda record: not record.name.startswith(_SCREENS))

    def start(self) -> None:
        """Take everything from now on that the process's level lets through."""
        logging.getLogger().addHandler(self)

    def stop(self) -> None:
        """Take nothing any more."""
        logging.getLogger().removeHandler(self)
        self.close()

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of the log."""
        about = {name: record.__dict__[name] for name in SUBJECTS if record.__dict__.get(name)}
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        line = LogLine(
            datetime.fromtimestamp(record.created, UTC),
            Level.of(record.levelno),
            record.name,
            record.getMessage()[:_LONGEST],
            trace=trace[:_LONGEST],
            **about,
        )
        return line.to_json()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, into the file that has the name now: another engine may have rotated it."""
        if self.stream is not None and not self._is_at_its_place(self.stream.fileno()):
            stream, self.stream = self.stream, None  # the base class opens it again
            with contextlib.suppress(OSError):
                stream.close()
        super().emit(record)

    def close(self) -> None:
        """Write nothing more; what a full disk has kept from being written is lost."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """A full disk stops no task, and the terminal is the screens'."""

    def _open(self) -> TextIOWrapper:
        """Append; a line that a crash has cut off ends where it was cut."""
        stream = super()._open()
        path = Path(self.baseFilename)
        give_as_directory(path)
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) and file.read(1) != b"\n":
                stream.write("\n")
        return stream

    def _is_at_its_place(self, descriptor: int) -> bool:
        try:
            there, ours = os.stat(self.baseFilename), os.fstat(descriptor)  # noqa: PTH116
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
