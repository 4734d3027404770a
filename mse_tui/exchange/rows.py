"""What the product knows of a mailbox's folders and items, row by row.

Rows are frozen and our own; no type of any client library crosses this line. Remote ids are opaque strings.
All times are aware, in UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO

from mse_tui.reasons import Problem, Reason


class Area(StrEnum):
    """The two item stores that a mailbox may have."""

    PRIMARY = "primary"
    ARCHIVE = "archive"
    """The online archive mailbox."""


@dataclass(frozen=True, slots=True)
class MailboxIdentity:
    """Who a mailbox is, read fresh from the server."""

    guid: str
    """Stable for the mailbox's life; survives renames of the address."""
    address: str
    """Primary SMTP address, lower case."""
    display_name: str
    kind: str = "user"
    """user, shared, room or equipment"""
    has_online_archive: bool = False
    archive_problem: Problem | None = None
    """Why it can't be told whether there is an online archive; None: it can."""

    @property
    def areas(self) -> list[Area]:
        """The item stores that it has. Raises Problem where that can't be told."""
        if self.archive_problem is not None:
            raise self.archive_problem
        return [Area.PRIMARY, Area.ARCHIVE] if self.has_online_archive else [Area.PRIMARY]


@dataclass(frozen=True, slots=True)
class FolderRow:
    """One folder as the server lists it."""

    remote_id: str
    parent_id: str
    """Remote id of the parent; the root's own parent is ''."""
    name: str
    distinguished: str = ""
    """The EWS distinguished name where it has one ('inbox', 'sentitems', 'deleteditems', ...), else ''."""
    folder_class: str = "IPF.Note"
    total_count: int = 0


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """One page of SyncFolderHierarchy."""

    changed: tuple[FolderRow, ...]
    """Created or updated; a folder may come more than once over the pages, the later one holds."""
    removed: tuple[str, ...]
    state: str
    last: bool


@dataclass(frozen=True, slots=True)
class ItemRow:
    """What a page of changes tells of one item, without its content."""

    remote_id: str
    change_key: str
    item_class: str
    subject: str
    sender: str
    """Address of the sender, '' where there is none."""
    recipients: str
    """DisplayTo; for showing only."""
    received: datetime | None
    sent: datetime | None
    size: int
    """Bytes, as the server counts them."""
    message_id: str
    """Internet message id, '' where there is none."""
    sensitivity: str
    """Normal, Personal, Private or Confidential"""
    is_read: bool
    flag: str
    """NotFlagged, Flagged or Complete"""
    categories: tuple[str, ...]
    importance: str
    has_attachments: bool
    stub: str = ""
    """Archive id of the original where the item is a stub of ours, else ''."""


@dataclass(frozen=True, slots=True)
class ItemChanges:
    """One page of SyncFolderItems."""

    changed: tuple[ItemRow, ...]
    """Created or updated items."""
    read_flags: tuple[tuple[str, str, bool], ...]
    """(remote id, new change key, is read) where only the read state changed."""
    removed: tuple[str, ...]
    state: str
    last: bool


@dataclass(frozen=True, slots=True)
class Content:
    """One item's MIME, as the server gave it. `stream` is positioned at 0, in memory or spooled to disk."""

    remote_id: str
    change_key: str
    size: int
    """Bytes of MIME."""
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One item whose content could not be had; the others of its batch are not touched by that."""

    remote_id: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """Somebody or something with an address, as Exchange's directory lists it."""

    address: str
    """Primary SMTP address, lower case; '' where it has none."""
    name: str
    kind: str
    """The EWS MailboxType: Mailbox, PublicDL (a distribution group), Contact, PublicFolder, GroupMailbox, ..."""
