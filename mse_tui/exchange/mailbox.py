"""A mailbox as the product sees it: the protocol that Exchange Server (EWS) and Exchange Online (Graph) both serve.

What it gives are `rows`. Every method may raise `Problem`; a cancelled wait raises `Cancelled`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Event
from typing import Protocol

from mse_tui.exchange.calendars import Calendars
from mse_tui.exchange.editing import Editing
from mse_tui.exchange.permissions import Permissions
from mse_tui.exchange.rows import (
    Area,
    Content,
    DirectoryEntry,
    FolderChanges,
    FolderRow,
    ItemChanges,
    ItemFailure,
    ItemRow,
    MailboxIdentity,
)
from mse_tui.reasons import Problem, Reason


class Cancelled(Exception):
    """The caller's stop event was set while a request or a back-off was waited for."""


class SyncStateInvalid(Problem):
    """The server refused the sync state: drop it, enumerate in full, reconcile by identity."""

    def __init__(self) -> None:
        super().__init__(Reason.SYNC_STATE_INVALID, "The server no longer accepts the saved synchronisation state.")


class Mailbox(Protocol):
    """One mailbox, reached.

    One thread may list (`folder_changes`, `item_changes`, `headers`) while another one iterates `fetch`, which keeps
    requests of its own in flight; otherwise one thread at a time.
    """

    @property
    def address(self) -> str: ...

    @property
    def calendars(self) -> Calendars:
        """The mailbox's calendars; no request yet."""
        ...

    @property
    def editing(self) -> Editing:
        """Changes to this mailbox."""
        ...

    @property
    def permissions(self) -> Permissions:
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
