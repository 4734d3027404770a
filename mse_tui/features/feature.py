"""What the engine and a feature (one task type) know of each other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import Protocol

from pydantic import BaseModel

from mse_tui.archive.fence import Fence
from mse_tui.archive.packs import Packs
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Reason
from mse_tui.terms import Mode, TaskType

NEVER_PASSED_OVER = frozenset(
    {
        Reason.ACCOUNT_HALTED,
        Reason.DATABASE_DAMAGED,
        Reason.DISK_FULL,
        Reason.LEASE_LOST,
        Reason.PASSWORD_REFUSED,
    }
)
"""What whoever comes next would meet as well: it ends a run also where only a last look fails."""


WOULD = {
    "archived_first": "would_be_archived_first",
    "bytes": "bytes_would_be_taken_in",
    "bytes_freed": "bytes_would_be_freed",
    "calendars_added": "calendars_would_be_added",
    "calendars_removed": "calendars_would_be_removed",
    "calendars_renamed": "calendars_would_be_renamed",
    "changed": "would_be_changed",
    "deleted": "would_be_deleted",
    "folders_added": "folders_would_be_added",
    "folders_created": "folders_would_be_created",
    "folders_moved": "folders_would_be_moved",
    "folders_recreated": "folders_would_be_recreated",
    "folders_removed": "folders_would_be_removed",
    "folders_renamed": "folders_would_be_renamed",
    "granted": "would_be_granted",
    "items_added": "items_would_be_added",
    "items_changed": "items_would_be_changed",
    "items_deleted": "items_would_be_deleted",
    "items_moved": "items_would_be_moved",
    "items_removed": "items_would_be_removed",
    "restamped": "would_be_restamped",
    "revoked": "would_be_revoked",
    "stamped": "would_be_stamped",
    "stamps_ended": "stamps_would_be_ended",
    "stubbed": "would_be_stubbed",
}
"""Counter of what is done -> its name in the result of a dry run or a look, which do nothing of it."""


def as_told(counters: Mapping[str, int], *, looking: bool = False) -> dict[str, int]:
    """A mailbox's counters under the names that its result has: of what would be done where `dry_run` is counted.

    `looking`: nothing is done, whatever was counted.
    """
    if not (looking or counters.get("dry_run")):
        return dict(counters)
    return {WOULD.get(name, name): number for name, number in counters.items()}


class Stopped(Exception):
    """Raised by `Journal.boundary` when a person stopped or paused the execution; everything so far is committed."""


class Journal(Protocol):
    """Where a feature says what it did to one mailbox; the engine keeps it as the mailbox's result."""

    def count(self, counter: str, number: int = 1) -> None:
        """Add to a counter that the feature's documentation names."""
        ...

    def skip(self, reason: Reason, number: int = 1) -> None:
        """Items left out for an expected reason."""
        ...

    def fail(self, item: str, reason: Reason, message: str) -> None:
        """One item that could not be processed; the mailbox's result becomes orange."""
        ...

    def would(self, item: str, message: str) -> None:
        """One item that a dry run leaves, and what would be done with it; the message names none of its contents."""
        ...

    def warn(self, reason: Reason, message: str, *, item: str = "") -> None:
        """The mailbox was processed only in part for this reason; its result becomes orange.

        `item` is the folder that it is about: the message, which goes to everybody, names none.
        """
        ...

    def note(self, message: str) -> None:
        """What the mailbox's result says where nothing needs attention; the last one holds."""
        ...

    def mode(self, mode: Mode) -> None: ...

    def progress(self, *, phase: str, folder: str = "", expected: int | None = None) -> None:
        """What is being done now; `expected` = items that this mailbox will have to look at, where known."""
        ...

    def advance(self, items: int, size: int) -> None:
        """Items and bytes committed since the last call; written to the progress row, together with the counters."""
        ...

    def boundary(self) -> None:
        """Call between items or batches: raises Stopped when the execution is to end here.

        A paused execution waits inside (without its worker or lock is the engine's affair: it raises Stopped and
        starts the mailbox again on resume).
        """
        ...


@dataclass(frozen=True, slots=True)
class MailboxRun:
    """One mailbox's turn in an execution."""

    task_id: int
    mailbox: Mailbox
    identity: MailboxIdentity
    """Read fresh by the engine, just before."""
    definition: BaseModel
    packs: Packs
    fence: Fence
    """Proof that the mailbox's lock is still held; checked in every commit."""
    journal: Journal
    cancel: Event
    """Set when the execution is to end at the next boundary."""
    public_url: str = ""
    """Where people reach the site's retrieval service; '' where there is none."""


def as_dry_run(run: MailboxRun) -> MailboxRun:
    """The same run with its definition's dry run switched on."""
    return replace(run, definition=run.definition.model_copy(update={"dry_run": True}))


class Feature(Protocol):
    """One task type: its definition and what it does to one mailbox."""

    @property
    def task_type(self) -> TaskType: ...

    @property
    def destructive(self) -> bool:
        """Whether it removes or changes what is in mailboxes; then its group is resolved afresh at each execution."""
        ...

    @property
    def definition(self) -> type[BaseModel]:
        """The pydantic model; forms, command line options, docs and JSON schema are made from it."""
        ...

    @property
    def counters(self) -> Mapping[str, str]:
        """Counter name -> what it says, in the order in which to show them."""
        ...

    def process(self, run: MailboxRun) -> None:
        """Do the work. Raises Problem when the mailbox failed, Stopped at a boundary, Cancelled in a wait."""
        ...

    def foresee(self, run: MailboxRun) -> None:
        """Tell the journal what `process` would do, and do none of it; raises as `process`."""
        ...
