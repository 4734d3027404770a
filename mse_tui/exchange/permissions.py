"""Who may do what in a mailbox, as Exchange has it: the permissions of folders, and delegates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mse_tui.access.rights import Right
from mse_tui.access.trustees import Trustee
from mse_tui.exchange.rows import ItemFailure


class TrusteeKind(StrEnum):
    """What kind of entry a folder permission is."""

    NAMED = "named"
    """An account or a group of the organisation."""
    DEFAULT = "default"
    """Everybody in the organisation who is not named."""
    ANONYMOUS = "anonymous"
    """Everybody in the world."""
    EXTERNAL = "external"
    """Somebody of another organisation."""


@dataclass(frozen=True, slots=True)
class FolderPermission:
    """One entry of a folder's permissions."""

    kind: TrusteeKind
    trustee: Trustee
    level: str
    """Exchange's permission level: None, Reviewer, Author, Editor, ..., Custom."""
    right: Right | None
    """What it lets the trustee see of the folder; None: nothing, and that overrides what groups or Default give."""


@dataclass(frozen=True, slots=True)
class FolderPermissions:
    """All entries of one folder."""

    folder_id: str
    entries: tuple[FolderPermission, ...]
    unknown: tuple[str, ...] = ()
    """Entries that the directory no longer knows, as Exchange words them."""


@dataclass(frozen=True, slots=True)
class Delegate:
    """Somebody who acts for the mailbox's owner."""

    trustee: Trustee
    levels: Mapping[str, str]
    """Distinguished folder name ('inbox', 'calendar', ...) -> None, Reviewer, Author, Editor or Custom."""
    views_private: bool
    """The owner lets the delegate see private items in Outlook. In the archive nobody but the owner does."""

    def right_in(self, distinguished: str) -> Right | None:
        """What the level of a folder lets the delegate see; None too where only the folder's own entries can tell."""
        return Right.READ if self.levels.get(distinguished) in _READING_LEVELS else None


_READING_LEVELS = ("Reviewer", "Author", "Editor")


@dataclass(frozen=True, slots=True)
class Delegates:
    """All delegates of a mailbox."""

    delegates: tuple[Delegate, ...]
    unknown: int = 0
    """Delegates whose account is gone; Exchange does not say who they were."""


class Permissions(Protocol):
    """The permissions in one mailbox. Every method may raise `Problem` and `Cancelled`."""

    def of_folders(self, folder_ids: Sequence[str]) -> list[FolderPermissions | ItemFailure]:
        """The entries of these folders, one answer each, in the order asked."""
        ...

    def delegates(self) -> Delegates:
        """Who acts for the owner; none is an empty answer."""
        ...
