"""Where the engine's log goes and how its lines read: when, how bad, about what, what."""

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Any

from mse_tui.cli.service import JournalHandler, goes_to_journal
from mse_tui.engine.log_subjects import SUBJECTS, SubjectFilter
from mse_tui.text import printable

_CHATTY = ("urllib3", "exchangelib", "spnego", "uvicorn", "asyncio")
_LOG_BYTES = 5_000_000
_LOG_FILES = 3


class PlainFormatter(logging.Formatter):
    """One line a record, with the site, task, execution and mailbox that it is about; outside text is escaped."""

    def __init__(self, form: str = "%(asctime)s %(levelname)-7s %(name)s: %(message)s") -> None:
        super().__init__(form)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        """The line, its subjects in brackets at the end."""
        about = [f"{name}={record.__dict__[name]}" for name in SUBJECTS if record.__dict__.get(name)]
        return printable(super().formatMessage(record) + (f" [{', '.join(about)}]" if about else ""))

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the library's name)
        """A traceback, its lines kept."""
        return printable(super().formatException(ei), keep_newlines=True)


def log_to_stderr(verbose: bool, *, quiet: bool = False) -> None:
    """Log to standard error, or to the journal where that is what it is; `quiet`: only when something is wrong."""
    handler: logging.Handler
    if goes_to_journal():
        handler = JournalHandler()
        handler.setFormatter(PlainFormatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
    if quiet:
        handler.setLevel(logging.WARNING)
    _log_to(handler, logging.DEBUG if verbose else logging.INFO)


def log_to_file(directory: Path, verbose: bool) -> None:
    """Log to files in the home's directory: standard error is the screens' terminal."""
    directory.mkdir(mode=0o700, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        directory / "mse-tui.log", maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
    )
    _log_to(handler, logging.DEBUG if verbose else logging.INFO)


def log_nowhere() -> None:
    """Log nothing: whoever may only look has no place for it, and standard error is the screens' terminal."""
    _log_to(logging.NullHandler(), logging.CRITICAL)


def _log_to(handler: logging.Handler, level: int) -> None:
    if handler.formatter is None:
        handler.setFormatter(PlainFormatter())
    handler.addFilter(SubjectFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
