"""Files and directories of the archive: private, forced to disk, their errors in plain words."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from obstore.exceptions import BaseError

from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import FULL_ERRNOS, sync

_ERRNO = re.compile(r"os error (\d+)|\bcode: (\d+)")


@contextmanager
def explained(root: Path, *, missing_is_expected: bool = False) -> Iterator[None]:
    """Turn a full disk and other errors of files and of the object store into their Problems.

    With `missing_is_expected` a FileNotFoundError is left as it is, for a caller who looks elsewhere then.
    """
    try:
        yield
    except (OSError, BaseError) as error:
        if missing_is_expected and isinstance(error, FileNotFoundError):
            raise
        raise _problem(error, root) from error


def _problem(error: Exception, root: Path) -> Problem:
    number = error.errno if isinstance(error, OSError) and error.errno else _errno_in(str(error))
    if number in FULL_ERRNOS:
        return Problem(Reason.DISK_FULL, f"There is no space left for the archive in {root}.")
    said = os.strerror(number) if number else str(error).splitlines()[0]
    return Problem(Reason.ARCHIVE_UNREADABLE, f"The archive in {root} could not be read or written: {said}.")


def _errno_in(text: str) -> int:
    """The object store hides the error's number in its text."""
    found = _ERRNO.search(text)
    return int(found[1] or found[2]) if found else 0


def make_directory(path: Path) -> None:
    """A private directory, its parents included, that outlives a power cut."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync(path.parent)


def modified(path: Path) -> datetime:
    """When a file was last written."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
