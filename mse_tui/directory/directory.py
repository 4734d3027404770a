"""Who is in a group: the seam between tasks and the directories that know."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Reason
from mse_tui.terms import GroupKind


class Member(NamedTuple):
    """A mailbox that a group includes. (A tuple: thousands are read from the cache at once.)"""

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
class GroupReference:
    """The group of a task: what a person gave, and what was found behind it."""

    text: str
    """Addresses; or a group's distinguished name, GUID, name or address."""
    kind: GroupKind = GroupKind.UNKNOWN
    key: str = ""
    """`Group.key` of the group that the text meant at the first good answer; '' before, and for addresses."""
    name: str = ""
    """The group's name as last seen; '' where there is none."""

    @property
    def shown(self) -> str:
        """For people: the name, else the text."""
        return self.name or self.text


@dataclass(frozen=True, slots=True)
class Group:
    """A group as a directory shows it."""

    key: str
    """Stable over renames and moves: an objectGUID or Microsoft 365's id; what a task keeps."""
    name: str
    address: str = ""
    """Primary SMTP address, lower case; '' where it has none."""
    where: str = ""
    """Its distinguished name; '' in a directory that has none."""
    kind: str = ""
    """For people: security group, distribution group, dynamic distribution group, Microsoft 365 group, ..."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A directory's whole answer. A directory never gives a part of it: it raises."""

    included: tuple[Member, ...]
    """In a stable order, each mailbox once."""
    skipped: tuple[SkippedEntry, ...]
    resolved_at: datetime
    resolved_by: str = ""
    """For people: what kind of group it was and how it was resolved; '' for a list of addresses."""
    kind: GroupKind = GroupKind.ADDRESSES
    """Who answered; set by whoever chose the directory."""
    group: Group | None = None
    """The group as it is now; set by whoever chose the directory, None for addresses."""

    def reference(self, text: str) -> GroupReference:
        """What to keep of the group that the text meant: it stays the same group when it is renamed or moved."""
        if self.group is None:
            return GroupReference(text, self.kind)
        return GroupReference(text, self.kind, self.group.key, self.group.name)


@dataclass(frozen=True, slots=True)
class Branch:
    """A container of groups: an organisational unit."""

    name: str
    where: str
    """Its distinguished name."""


@dataclass(frozen=True, slots=True)
class Level:
    """What lies directly in one container, each list by name."""

    branches: tuple[Branch, ...]
    groups: tuple[Group, ...]


class GroupDirectory(Protocol):
    """A directory that knows groups: Active Directory, Microsoft 365."""

    def find(self, text: str, limit: int = 50) -> list[Group]:
        """Groups whose name or address begins with or contains the text, at most `limit`. For looking up as one types.

        Raises Problem when the directory could not be asked.
        """
        ...

    def browse(self, where: str = "") -> Level:
        """What lies directly in a container; '' = at the top. A directory without containers shows groups alone.

        Raises Problem not-found (no such container); and when the directory could not be asked.
        """
        ...

    def group(self, text: str) -> Group:
        """The one group that a key, a distinguished name or an address names.

        Raises Problem group-not-found, group-ambiguous; and when the directory could not be asked.
        """
        ...

    def members(self, key: str) -> Membership:
        """All members of the group with this key: mailboxes included, everybody else skipped with a reason.

        Nested groups are expanded, each person once. Raises Problem when any part of the answer could not be had.
        """
        ...

    def standing(self, address: str) -> SkippedEntry | None:
        """Why the mailbox with this primary address is not to be processed now: disabled, not licensed, ... Read fresh.

        None: process it, or this directory does not know it. Shared, room and equipment mailboxes are processed though
        their accounts are disabled. Raises Problem when the directory could not be asked.
        """
        ...

    def mailbox(self, text: str) -> MailboxIdentity:
        """The mailbox that an address, a user principal name or a distinguished name means; `guid` is ''.

        Whether it is to be processed does not matter here: who has left has an archive still. Raises Problem
        mailbox-not-found; and when the directory could not be asked.
        """
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


class Directory(Protocol):
    """All that a site can ask about groups, whoever answers."""

    @property
    def kinds(self) -> frozenset[GroupKind]:
        """The directories of groups that are configured."""
        ...

    def resolve(self, group: GroupReference) -> Membership:
        """The mailboxes of a group.

        Raises Problem group-not-found, group-ambiguous, group-refused, directory-missing; and when the directory could
        not answer in full.
        """
        ...

    def standing(self, address: str) -> SkippedEntry | None:
        """Why a mailbox is not to be processed now, read fresh; None: process it (or Exchange decides alone).

        Raises Problem when the directory could not be asked.
        """
        ...

    def mailbox(self, text: str) -> MailboxIdentity:
        """The mailbox that a person named, by whoever knows it. Raises Problem as `GroupDirectory.mailbox`."""
        ...

    def find(self, text: str, limit: int = 50) -> list[Group]:
        """Groups to choose from as one types. Raises Problem directory-missing, or when it could not be asked."""
        ...

    def browse(self, where: str = "") -> Level:
        """What lies directly in a container of the directory. Raises Problem as `GroupDirectory.browse`."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
