"""Changing a mailbox: the part of the Mailbox protocol that storage management, retention and restore work with.

Every operation names its items by explicit ids, works in batches and answers item by item: one refused item never
costs the others. Nothing here decides whether an item may be changed; that is for whoever calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from mse_tui.exchange.rows import FolderRow, ItemFailure, ItemRow


class Disposal(StrEnum):
    """How an item leaves its folder."""

    SOFT = "soft delete"
    """Into Recoverable Items."""
    DELETED_ITEMS = "move to Deleted Items"
    HARD = "hard delete"


class Mark(StrEnum):
    """Named properties of ours on items."""

    STUB = "stub"
    """The archive id of the original; set together with the header X-MSE-TUI-Stub."""
    RESTORE = "restore"
    """Names one restore while it is under way, so that it is found again instead of being done twice."""


STUB_HEADER = "X-MSE-TUI-Stub"


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which items of a folder the server is to list; all criteria hold together."""

    received_before: datetime | None = None
    min_size: int = 0
    """Bytes, as the server counts them."""
    mark: tuple[Mark, str] | None = None
    """Only items that have this mark with this value; with value '' those that have it at all."""
    message_id: str = ""
    """Only items with this Internet message id."""


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """One attachment as the server lists it."""

    attachment_id: str
    name: str
    content_type: str
    size: int
    """Bytes, as the server counts them: the content and a little more."""
    inline: bool
    content_id: str
    is_item: bool
    """An attached item and not a file."""
    is_reference: bool = False
    """A link to a file that lies elsewhere."""


@dataclass(frozen=True, slots=True)
class Body:
    """An item's body in the form that it was written in."""

    is_html: bool
    text: str


@dataclass(frozen=True, slots=True)
class ItemDetails:
    """One item as it is now, with what lies in it."""

    row: ItemRow
    attachments: tuple[AttachmentRow, ...]
    folder_id: str = ""
    """Remote id of the folder that it lies in."""
    body: Body | None = None
    """Only where it was asked for."""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """Changes to one item, made together or not at all.

    Refused with item-changed where the item is no longer as `change_key` knows it.
    """

    remote_id: str
    change_key: str
    body: Body | None = None
    marks: Mapping[Mark, str] = field(default_factory=dict)
    """'' takes a mark away."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An item after a change, with its ids of now."""

    remote_id: str
    change_key: str


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file to attach. `content_id` is unique within the item: by it a repeated request finds what is there."""

    name: str
    content_type: str
    content: bytes
    content_id: str


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to be put into a folder as it once was.

    `state` is what a mailbox says of an item beyond its content: received, is_read, flag, categories, item_class,
    importance and sensitivity of the row are taken, the rest comes with the content.
    """

    mime: bytes
    state: ItemRow
    marks: Mapping[Mark, str] = field(default_factory=dict)
    """With Mark.RESTORE a repeated request finds the item that an earlier one has put there."""


@dataclass(frozen=True, slots=True)
class MailboxSpace:
    """What a mailbox takes and may take, in bytes; None where the server does not say."""

    size: int | None
    quota: int | None
    """The size from which sending is refused, else the one from which the owner is warned."""
    recoverable: int | None = None
    """Bytes in Recoverable Items: what was deleted and is kept by single-item recovery or a hold."""


class Editing(Protocol):
    """Changes to one mailbox. One thread at a time; every method may raise Problem and Cancelled."""

    def find(self, folder_id: str, query: ItemQuery) -> Iterator[tuple[ItemRow, ...]]:
        """Pages of a folder's items that meet the query, latest received last.

        What others add or remove meanwhile may be missed or come twice: look again before acting.
        """
        ...

    def find_in(self, folder_ids: Sequence[str], query: ItemQuery) -> Iterator[tuple[ItemRow, ...]]:
        """Pages of all items of these folders that meet the query, as `find` gives them, with fewer requests."""
        ...

    def details(self, remote_ids: Sequence[str], *, body: bool = False) -> list[ItemDetails | ItemFailure]:
        """Items as they are now, in the order asked."""
        ...

    def update(self, changes: Sequence[ItemChange]) -> list[Changed | ItemFailure]:
        """Change items in place; received date, read state and all that is not named stay. In the order asked.

        A refusal with item-changed may also mean that an earlier attempt of this very request has come through.
        """
        ...

    def attach(self, additions: Sequence[tuple[str, Sequence[NewAttachment]]]) -> list[Changed | ItemFailure]:
        """Attach files to items, one request an item, a few in flight; one answer an item, in the order asked.

        A request is repeated only for those whose content id the item does not have. After a failure some of them
        may be there.
        """
        ...

    def attachment(self, attachment_id: str) -> BinaryIO | ItemFailure:
        """The bytes of an attached file, at position 0, in memory or spooled to disk; to be closed."""
        ...

    def detach(self, attachment_ids: Sequence[str]) -> list[Changed | ItemFailure]:
        """Take attachments out; each answer names the item that it was taken from, with its new change key.

        item-not-found: it is not there (any more).
        """
        ...

    def delete(self, remote_ids: Sequence[str], how: Disposal) -> list[Changed | ItemFailure]:
        """Delete items; the server checks no change key, so re-read them immediately before.

        An answer repeats the item's old id, with no change key. item-not-found: it was gone before.
        """
        ...

    def move(self, remote_ids: Sequence[str], folder_id: str) -> list[Changed | ItemFailure]:
        """Move items into a folder; they have new ids afterwards ('' where the server does not tell)."""
        ...

    def create(self, folder_id: str, item: NewItem) -> Changed | ItemFailure:
        """Put an item into a folder, with its received date and state."""
        ...

    def folder(self, remote_id: str) -> FolderRow:
        """One folder as it is now. Raises Problem folder-not-found."""
        ...

    def subfolders(self, parent_id: str) -> list[FolderRow]:
        """The folders directly below one. Raises Problem folder-not-found."""
        ...

    def create_folder(self, parent_id: str, name: str, folder_class: str = "IPF.Note") -> FolderRow:
        """A new folder, or the one of that name that is there already. Raises Problem folder-not-found."""
        ...

    def clock_ahead(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the server's, by its last answer; None: it does not say."""
        ...

    def space(self) -> MailboxSpace:
        """How much room the mailbox takes, and may take."""
        ...
