"""What was copied last, kept in a file of the user's own: many terminals refuse to take copies."""

import logging
import os
from pathlib import Path
from tempfile import mkstemp

from platformdirs import user_state_path

log = logging.getLogger(__name__)

_NAME = "copied.txt"


def keep_copy(text: str) -> Path | None:
    """Write the text to the user's file, for them alone, as a whole or not at all; None where that can't be done."""
    try:
        directory = user_state_path("mse-tui", appauthor=False)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, beside = mkstemp(dir=directory, prefix=f".{_NAME}.")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text + "\n")
        target = directory / _NAME
        Path(beside).replace(target)
    except OSError as error:
        log.warning("What was copied could not be kept: %s", error)
        return None
    return target


def shortened(path: Path) -> str:
    """The path as people write it: '~/...' where it lies in the user's home."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
