"""Who is in a group: the seam between tasks and the directories that know."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mse_tui.reasons import Reason


@dataclass(frozen=True, slots=True)
class Member:
    """A mailbox that a group includes."""

    address: str
    """Primary address, lower case."""
    name: str
    kind: str = "user"
    """user, shared, room or equipment"""
    entry: str = ""
    """What the group's text said, where that was another address."""


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """Something in a group that is no mailbox to process, and why."""

    entry: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A directory's whole answer. A directory never gives a part of it: it raises."""

    included: tuple[Member, ...]
    """In a stable order, each mailbox once."""
    skipped: tuple[SkippedEntry, ...]
    resolved_at: datetime


class Directory(Protocol):
    """Resolves what a task's group says."""

    def resolve(self, group_text: str) -> Membership:
        """The mailboxes of a group. Raises Problem when the directory could not answer in full."""
        ...
