"""The words of access: how much somebody may see, why, and as who."""

from collections.abc import Iterable
from enum import StrEnum


class Right(StrEnum):
    """How much of a folder somebody may see; each includes those before it."""

    FOLDER = "folder"
    """That the folder is there, and its name."""
    TIMES = "times"
    """Of appointments when they are."""
    OUTLINE = "outline"
    """Of appointments when, about what and where they are."""
    READ = "read"
    """Everything but private items."""

    @property
    def rank(self) -> int:
        return list(Right).index(self)

    def includes(self, other: "Right") -> bool:
        """Whether who has this one has the other one too."""
        return self.rank >= other.rank


def highest(rights: Iterable[Right]) -> Right | None:
    """The one that includes all of them; None where there are none."""
    return max(rights, key=lambda right: right.rank, default=None)


class Origin(StrEnum):
    """Where a grant comes from, and so who may take it away."""

    SYNCED = "synced"
    """From Exchange: it goes when Exchange takes it back."""
    MANUAL = "manual"
    """From an administrator: no task ever touches it."""


class Source(StrEnum):
    """What a synced grant was read from."""

    FULL_ACCESS = "full access"
    DELEGATE = "delegate"
    FOLDER = "folder permission"


class Standing(StrEnum):
    """As who somebody looks into an archive."""

    ADMINISTRATOR = "administrator"
    """A user of this machine who runs mse-tui; sees everything, audited."""
    OWNER = "owner"
    DELEGATE = "delegate"
    """Has grants; sees no private item."""
    NOBODY = "nobody"
