"""What a pass hands to the ledger: folders as they are being read, their pages in parts, and what came of each item."""

from collections import Counter
from dataclasses import dataclass, field

from mse_tui.archive.arrivals import Arrival
from mse_tui.exchange.rows import ItemFailure, ItemRow
from mse_tui.reasons import Reason


@dataclass(slots=True)
class FolderReading:
    """One folder as a task reads it: its checkpoint, kept in step with the database by the ledger."""

    folder_id: int
    checkpoint_id: int | None
    """None: items are entered one by one, by a task that does not read the folder."""
    remote_id: str
    path: str
    state: str | None
    batch: int
    enumerating: bool
    expected: int = 0
    """Items that the server said lie in it."""
    lacks_content: bool = False
    """Something was read without content that the definition wants now."""
    has_removals: bool = False
    """Items of it wait for the pass's end to be closed, unless they are seen before."""
    unfinished: dict[str, Reason] = field(default_factory=dict)
    """Remote id -> reason of what failed or was skipped here before."""


@dataclass(slots=True)
class Entry:
    """One item seen present, with what became of its content (none of the three: nothing was fetched)."""

    row: ItemRow
    arrival: Arrival | None = None
    failure: ItemFailure | None = None
    skipped: Reason | None = None
    original: int | None = None
    """The message whose place the item takes, where it is a stub of ours."""


@dataclass(slots=True)
class FolderPart:
    """Pages of one folder, or a part of a page; an item comes at most once in it."""

    folder: FolderReading
    entries: list[Entry] = field(default_factory=list)
    read_flags: list[tuple[str, str, bool]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    state: str | None = None
    """The state to go on from; None while the page is not whole."""
    last: bool = False
    """The folder has been read to its end."""

    @property
    def submits(self) -> bool:
        """Whether it brings anything to the archive, beyond a checkpoint."""
        return bool(self.entries or self.read_flags or self.removed)

    @property
    def moves_on(self) -> bool:
        """Whether the checkpoint changes."""
        return self.state is not None and (self.state != self.folder.state or (self.last and self.folder.enumerating))


@dataclass(slots=True)
class Tally:
    """What was done, for the journal."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[Reason] = field(default_factory=Counter)
    failed: list[tuple[str, Reason, str]] = field(default_factory=list)
    """(item, reason, message)"""
    size: int = 0
    """Bytes of content taken in."""

    def add(self, other: "Tally") -> None:
        self.counts.update(other.counts)
        self.skipped.update(other.skipped)
        self.failed.extend(other.failed)
        self.size += other.size
