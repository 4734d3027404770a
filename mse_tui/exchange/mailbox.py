"""A mailbox as the product sees it: the protocol that Exchange Server (EWS) and Exchange Online (Graph) both serve.

Rows are frozen and our own; no type of any client library crosses this line. Remote ids are opaque strings.
All times are aware, in UTC. Every method may raise `Problem`; a cancelled wait raises `Cancelled`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Protocol

from mse_tui.reasons import Problem, Reason

if TYPE_CHECKING:
    from mse_tui.exchange.calendars import Calendars
    from mse_tui.exchange.editing import Editing
    from mse_tui.exchange.permissions import Permissions


class Cancelled(Exception):
    """The caller's stop event was set while a request or a back-off was waited for."""


class SyncStateInvalid(Problem):
    """The server refused the sync state: drop it, enumerate in full, reconcile by identity."""

    def __init__(self) -> None:
        super().__init__(Reason.SYNC_STATE_INVALID, "The server no longer accepts the saved synchronisation state.")


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


class Mailbox(Protocol):
    """One mailbox, reached.

    One thread may list (`folder_changes`, `item_changes`, `headers`) while another one iterates `fetch`, which keeps
    requests of its own in flight; otherwise one thread at a time.
    """

    @property
    def address(self) -> str: ...

    @property
    def calendars(self) -> "Calendars":
        """The mailbox's calendars; no request yet."""
        ...

    @property
    def editing(self) -> "Editing":
        """Changes to this mailbox."""
        ...

    @property
    def permissions(self) -> "Permissions":
        """Who may do what in this mailbox."""
        ...

    def identity(self) -> MailboxIdentity:
        """Read fresh. Raises Problem: mailbox-not-found, mailbox-disabled, mailbox-moving, impersonation-denied, ..."""
        ...

    def root(self, area: Area) -> FolderRow:
        """The top of the area's visible folder tree (msgfolderroot / archivemsgfolderroot); explicit id."""
        ...

    def folder_changes(self, area: Area, state: str | None) -> FolderChanges:
        """The next page of changes below the area's root since `state` (None: from the beginning).

        Raises SyncStateInvalid.
        """
        ...

    def item_changes(self, folder_id: str, state: str | None) -> ItemChanges:
        """The next page (at most 512) of item changes in one folder since `state`. Raises SyncStateInvalid."""
        ...

    def fetch(self, items: Sequence[tuple[str, int]]) -> Iterator[Content | ItemFailure]:
        """Content of (remote id, size) pairs, one answer an item, in the order asked.

        Batches by bytes and keeps a few requests in flight (the connection's setting), reading ahead at most a
        few batches; items over 10 MB are spooled to a temporary file. Closing the iterator early is allowed.
        """
        ...

    def headers(self, remote_ids: Sequence[str]) -> list[ItemRow | ItemFailure]:
        """Rows of chosen items, in the order asked, without content."""
        ...


class AccountHalts(Protocol):
    """The memory of refused passwords, shared by all of a site's processes; thread-safe.

    The key is a digest of endpoint, user and secret, so a corrected configuration is another account.
    """

    def halted(self, key: str) -> str | None:
        """What the refusal said, or None while the account may be tried."""
        ...

    def halt(self, key: str, service: str, account: str, message: str) -> None:
        """The service refused this account: nobody tries it again until a person says so."""
        ...

    def succeeded(self, key: str, service: str) -> None:
        """The service accepts this account: what it refused under other keys is still not tried, but no trouble."""
        ...


class WaitObserver(Protocol):
    """Told when a request stands still, so that people can be shown why."""

    def __call__(self, until: datetime | None, why: str) -> None:
        """Nothing is sent before `until`, for the reason `why`; (None, "") when it goes on. Any thread may call."""
        ...


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """Somebody or something with an address, as Exchange's directory lists it."""

    address: str
    """Primary SMTP address, lower case; '' where it has none."""
    name: str
    kind: str
    """The EWS MailboxType: Mailbox, PublicDL (a distribution group), Contact, PublicFolder, GroupMailbox, ..."""


class Exchange(Protocol):
    """A site's Exchange organisation: where mailboxes are opened and addresses resolved."""

    def mailbox(
        self, address: str, cancel: Event, on_wait: WaitObserver | None = None
    ) -> AbstractContextManager[Mailbox]:
        """Open one mailbox (no request yet); closing it gives its sessions back.

        Once `cancel` is set, requests, waits and retries end at once with Cancelled.
        """
        ...

    def resolve(self, address: str) -> MailboxIdentity:
        """Resolve an address or alias to its mailbox (ResolveNames). Raises Problem mailbox-not-found.

        The directory knows no mailbox guid, so `guid` is '' here; `Mailbox.identity` reads it.
        """
        ...

    def expand(self, address: str) -> list[DirectoryEntry]:
        """The direct members of the distribution group with this address (ExpandDL).

        Raises Problem group-not-found, group-ambiguous; and whenever the list is not whole.
        """
        ...

    def find_groups(self, text: str) -> list[DirectoryEntry]:
        """Distribution groups whose name or address begins with the text (ResolveNames), at most 100.

        A whole address finds the group that has it, alone.
        """
        ...

    def look_again(self) -> None:
        """Let the next request try the server, though it could not be reached a moment ago and would be left alone."""
        ...

    def close(self) -> None: ...
