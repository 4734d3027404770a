"""What the practice organisation's mail store holds: mailboxes, folders, items, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias


class DeleteType(StrEnum):
    """The three ways of deleting that Exchange knows."""

    HARD = "HardDelete"
    """Gone."""
    SOFT = "SoftDelete"
    """Into Recoverable Items."""
    MOVE = "MoveToDeletedItems"


class Person(NamedTuple):
    """A name and an address in a message's headers."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class MailboxRecord:
    """One mailbox of the practice organisation."""

    id: int
    guid: str
    address: str
    """Primary SMTP address, lower case."""
    name: str
    kind: str
    """user, shared, room or equipment"""
    disabled: bool
    """The account is disabled: ErrorAccountDisabled."""
    error: str
    """An EWS response code that every request for this mailbox gets, '' for none."""
    online_archive: bool
    epoch: int
    """Sync states carry it; raising it makes all that were given out before invalid."""


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """One folder."""

    id: int
    mailbox: int
    parent: int
    """Row id of the parent; 0 at the top of a store."""
    name: str
    distinguished: str
    """EWS distinguished name, '' for a folder that a person made."""
    folder_class: str
    area: str
    """primary or archive"""
    added: int
    changed: int
    extended: str
    """Extended properties as JSON."""


@dataclass(slots=True, kw_only=True)
class ItemSpec:
    """An item to be added. Its MIME is `mime`, or rendered from `body_seed`, or made from the properties."""

    subject: str = ""
    item_class: str = "IPM.Note"
    sender: Person | None = None
    to: Sequence[Person] = ()
    cc: Sequence[Person] = ()
    bcc: Sequence[Person] = ()
    received: datetime | None = None
    sent: datetime | None = None
    created: datetime | None = None
    """When it is None: as received, else now."""
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    size: int = 0
    """Bytes; the length of `mime` where that is given."""
    body_seed: str | None = None
    mime: bytes | None = None
    is_read: bool = False
    is_draft: bool = False
    flag: str = "NotFlagged"
    """NotFlagged, Flagged or Complete"""
    categories: Sequence[str] = ()
    importance: str = "Normal"
    sensitivity: str = "Normal"
    has_attachments: bool = False
    start: datetime | None = None
    """Calendar items: start of the item or of the series' first occurrence."""
    end: datetime | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    """Further EWS properties: field URI ('calendar:Location') -> the whole element as XML with prefix t."""
    extended: Mapping[str, tuple[str, str | list[str]]] = field(default_factory=dict)
    """Extended properties: normalised key (see ews.extended) -> (MAPI property type, value or values)."""
    overrides: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    """Series only: original start ('2024-05-06T08:00:00Z') -> changed properties, or None where deleted."""


class GoneItem(NamedTuple):
    """A trace of an item that left its folder."""

    id: int
    added: int
    number: int


Row: TypeAlias = Any
"""One item: a `sqlite3.Row` with the columns of the table `item`."""


def stamp(moment: datetime | None) -> str | None:
    """A moment as EWS writes it ('2024-05-06T08:00:00Z'); such texts sort as times do."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class StandardFolder:
    """A folder that each mailbox has from the start."""

    distinguished: str
    parent: str
    name: str
    folder_class: str = "IPF.Note"


PRIMARY_FOLDERS = (
    StandardFolder("root", "", "root", ""),
    StandardFolder("msgfolderroot", "root", "Top of Information Store", ""),
    StandardFolder("inbox", "msgfolderroot", "Inbox"),
    StandardFolder("drafts", "msgfolderroot", "Drafts"),
    StandardFolder("sentitems", "msgfolderroot", "Sent Items"),
    StandardFolder("deleteditems", "msgfolderroot", "Deleted Items"),
    StandardFolder("junkemail", "msgfolderroot", "Junk Email"),
    StandardFolder("outbox", "msgfolderroot", "Outbox"),
    StandardFolder("calendar", "msgfolderroot", "Calendar", "IPF.Appointment"),
    StandardFolder("contacts", "msgfolderroot", "Contacts", "IPF.Contact"),
    StandardFolder("tasks", "msgfolderroot", "Tasks", "IPF.Task"),
    StandardFolder("notes", "msgfolderroot", "Notes", "IPF.StickyNote"),
    StandardFolder("journal", "msgfolderroot", "Journal", "IPF.Journal"),
    StandardFolder("searchfolders", "root", "Finder", ""),
    StandardFolder("recoverableitemsroot", "root", "Recoverable Items", ""),
    StandardFolder("recoverableitemsdeletions", "recoverableitemsroot", "Deletions", ""),
    StandardFolder("recoverableitemsversions", "recoverableitemsroot", "Versions", ""),
    StandardFolder("recoverableitemspurges", "recoverableitemsroot", "Purges", ""),
)

ARCHIVE_FOLDERS = (
    StandardFolder("archiveroot", "", "root", ""),
    StandardFolder("archivemsgfolderroot", "archiveroot", "Top of Information Store", ""),
    StandardFolder("archiveinbox", "archivemsgfolderroot", "Inbox"),
    StandardFolder("archivedeleteditems", "archivemsgfolderroot", "Deleted Items"),
    StandardFolder("archiverecoverableitemsroot", "archiveroot", "Recoverable Items", ""),
    StandardFolder("archiverecoverableitemsdeletions", "archiverecoverableitemsroot", "Deletions", ""),
    StandardFolder("archiverecoverableitemsversions", "archiverecoverableitemsroot", "Versions", ""),
    StandardFolder("archiverecoverableitemspurges", "archiverecoverableitemsroot", "Purges", ""),
)
