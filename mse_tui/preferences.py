"""What one user prefers on one home: kept in a small file, never important enough to fail for."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)

THEMES = ("dark", "light", "ansi-dark", "ansi-light")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences; a field that is missing or wrong in the file has its default."""

    theme: str = ""
    """One of THEMES; '' = not chosen yet."""


def load_preferences(directory: Path) -> Preferences:
    """What the file says; defaults where there is none or it can't be read."""
    try:
        found = json.loads(_file(directory).read_text(encoding="utf-8"))
        theme = found.get("theme", "") if isinstance(found, dict) else ""
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        log.warning("The preferences could not be read: %s", error)
        return Preferences()
    return Preferences(theme=theme if theme in THEMES else "")


def save_preferences(directory: Path, preferences: Preferences) -> None:
    """Write the file as a whole or not at all."""
    target = _file(directory)
    beside = target.with_suffix(".tmp")
    try:
        beside.write_text(json.dumps(asdict(preferences)) + "\n", encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        log.warning("The preferences could not be kept: %s", error)


def _file(directory: Path) -> Path:
    return directory / "preferences.json"
