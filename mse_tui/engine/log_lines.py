"""One line of the engine's log: what it says, its form on disk (JSON), and which lines a person wants to see."""

import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import IntEnum


class Level(IntEnum):
    """How bad a line is."""

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR

    @property
    def word(self) -> str:
        return self.name.lower()

    @staticmethod
    def of(number: int) -> "Level":
        """The level of a record's number; whatever is worse than an error is one."""
        return max((level for level in Level if level <= number), default=Level.DEBUG)


@dataclass(frozen=True, slots=True)
class LogLine:
    """What the engine said at one moment. Its texts may come from outside: escape them where they are shown."""

    moment: datetime
    """Aware, UTC."""
    level: Level
    logger: str
    message: str
    site: str = ""
    task: str = ""
    execution: int = 0
    """0: about none."""
    mailbox: str = ""
    reason: str = ""
    trace: str = ""
    """The traceback, several lines; '' where there is none."""

    def to_json(self) -> str:
        """One line of ASCII, without its line end; what is not known is left out."""
        values = {**asdict(self), "moment": self.moment.isoformat(), "level": self.level.word}
        return json.dumps({name: value for name, value in values.items() if value})

    @classmethod
    def from_json(cls, text: bytes) -> "LogLine":
        """The line; one that can't be read (a write cut off by a crash) as an error that shows it as it is."""
        try:
            values = json.loads(text)
            moment, level = datetime.fromisoformat(values.pop("moment")), Level[values.pop("level").upper()]
            return cls(moment, level, values.pop("logger", ""), values.pop("message", ""), **values)
        except (ValueError, KeyError, TypeError, AttributeError):
            unreadable = f"This line can't be read: {text.decode('utf-8', 'replace')}"
            return cls(datetime.fromtimestamp(0, UTC), Level.ERROR, __name__, unreadable)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are wanted; what is empty leaves none out."""

    level: Level = Level.DEBUG
    """At least as bad."""
    task: str = ""
    """The whole description."""
    execution: int = 0
    mailbox: str = ""
    """A part of the address."""
    text: str = ""
    """Somewhere in the message, the traceback, the reason or the logger's name."""

    @property
    def is_empty(self) -> bool:
        return self == LogFilter()

    def admits(self, line: LogLine) -> bool:
        """Whether the line is wanted. Capitals make no difference."""
        return (
            line.level >= self.level
            and (not self.task or self.task.casefold() == line.task.casefold())
            and (not self.execution or self.execution == line.execution)
            and self.mailbox.casefold() in line.mailbox.casefold()
            and self._has_text(line)
        )

    def _has_text(self, line: LogLine) -> bool:
        wanted = self.text.casefold()
        return not wanted or any(
            wanted in text.casefold() for text in (line.message, line.trace, line.reason, line.logger)
        )
