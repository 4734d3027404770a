"""Running passes over a practice mailbox and reading back what the archive shows."""

import email
import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from mse_tui.archive.fence import Fence, NoFence
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import View, folders, messages
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.features.feature import MailboxRun
from mse_tui.features.folder_replication import FolderReplication, FolderReplicationDefinition
from mse_tui.features.submission import BatchLimits
from mse_tui.reasons import Reason
from mse_tui.store.models import ArchiveMailbox, Definition, Pass, Schedule, Site, Task, from_micros
from mse_tui.terms import Mode

_numbers = itertools.count(1)

Placed = tuple[str, str, bool, str, tuple[str, ...]]
"""Path, content key, read, flag, categories."""


@dataclass
class RecordingJournal:
    """A journal that keeps what it is told; `at_boundary` and `at_advance` let a test interfere."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[Reason] = field(default_factory=Counter)
    failures: list[tuple[str, Reason, str]] = field(default_factory=list)
    would_change: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[Reason, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    modes: list[Mode] = field(default_factory=list)
    at_boundary: Callable[[], None] = lambda: None
    at_advance: Callable[[], None] = lambda: None

    def count(self, counter: str, number: int = 1) -> None:
        self.counts[counter] += number

    def skip(self, reason: Reason, number: int = 1) -> None:
        self.skipped[reason] += number

    def fail(self, item: str, reason: Reason, message: str) -> None:
        self.failures.append((item, reason, message))

    def would(self, item: str, message: str) -> None:
        self.would_change.append((item, message))

    def warn(self, reason: Reason, message: str, *, item: str = "") -> None:
        self.warnings.append((reason, message))

    def note(self, message: str) -> None:
        self.notes.append(message)

    def mode(self, mode: Mode) -> None:
        self.modes.append(mode)

    def progress(self, *, phase: str, folder: str = "", expected: int | None = None) -> None: ...

    def advance(self, items: int, size: int) -> None:
        self.at_advance()

    def boundary(self) -> None:
        self.at_boundary()


def make_task(name: str = "") -> Task:
    """A task row with all that it hangs on; the definition is given to each run."""
    number = next(_numbers)
    now = datetime.now(UTC)
    by = {"created": now, "created_by": "test", "modified": now, "modified_by": "test"}
    site = Site.select().first() or Site.create(
        code=f"S{number}", description="", binding="exchange_server", created=now
    )
    definition = Definition.create(type="MFR", name=f"definition {number}", settings="{}", **by)
    schedule = Schedule.create(name=f"schedule {number}", settings="{}", **by)
    return Task.create(
        description=f"{name} {number}", site=site, type="MFR", definition=definition, schedule=schedule, group="", **by
    )


@dataclass
class Replication:
    """One task over one mailbox."""

    mailbox: Mailbox
    packs: Packs
    task: Task
    definition: FolderReplicationDefinition = field(default_factory=FolderReplicationDefinition)
    limits: BatchLimits = field(default_factory=BatchLimits)

    def run(self, journal: RecordingJournal | None = None, fence: Fence | None = None) -> RecordingJournal:
        journal = journal or RecordingJournal()
        FolderReplication(self.limits).process(self._begun(journal, fence))
        return journal

    def foresee(self, journal: RecordingJournal | None = None) -> RecordingJournal:
        """What a run would do."""
        journal = journal or RecordingJournal()
        FolderReplication(self.limits).foresee(self._begun(journal, None))
        return journal

    def _begun(self, journal: RecordingJournal, fence: Fence | None) -> MailboxRun:
        return MailboxRun(
            task_id=self.task.id, mailbox=self.mailbox, identity=self.mailbox.identity(), definition=self.definition,
            packs=self.packs, fence=fence or NoFence(), journal=journal, cancel=Event(),
        )  # fmt: skip

    @property
    def sequence(self) -> int:
        return int(Task.get_by_id(self.task.id).sequence)

    @property
    def last_stamp(self) -> datetime:
        """The stamp of the task's last completed pass."""
        row = Pass.select().where(Pass.task == self.task, Pass.completed).order_by(Pass.stamp.desc()).first()
        return from_micros(row.stamp)


class Archive:
    """What the archive shows of one mailbox."""

    def __init__(self, guid: str, packs: Packs) -> None:
        self._guid = guid
        self._packs = packs
        self._keys: dict[str, str] = {}

    def show(self, view: View) -> Counter[Placed]:
        """Every message in the view, by path and content; unreadable content fails the test."""
        shown: Counter[Placed] = Counter()
        for folder in self.folders(view):
            for message in messages(folder.id, view, limit=100_000):
                key = self.key(message.sha256) if message.sha256 else f"({message.subject})"
                shown[(folder.path, key, message.is_read, message.flag, tuple(json.loads(message.categories)))] += 1
        return shown

    def places(self, view: View) -> Counter[tuple[str, str]]:
        """As `show`, without what a placement only shows as it is now."""
        shown: Counter[tuple[str, str]] = Counter()
        for (path, key, *_), number in self.show(view).items():
            shown[(path, key)] += number
        return shown

    def everywhere(self, view: View) -> set[tuple[int, str]]:
        """(folder, content) in the view, whatever the folders are called."""
        return {
            (folder.id, self.key(message.sha256))
            for folder in self.folders(view)
            for message in messages(folder.id, view, limit=100_000)
        }

    def paths(self, view: View) -> set[str]:
        return {folder.path for folder in self.folders(view)}

    def folders(self, view: View):
        found = ArchiveMailbox.get_or_none(ArchiveMailbox.guid == self._guid)
        return folders(found.id, view) if found else []

    def key(self, sha256: str) -> str:
        if sha256 not in self._keys:
            mime = self._packs.read(bytes.fromhex(sha256))
            self._keys[sha256] = email.message_from_bytes(mime)["X-Key"]
        return self._keys[sha256]

    def contents(self) -> list[str]:
        """The content key of every message that this mailbox has in the archive, one for each copy stored."""
        rows = ArchiveMailbox.raw(
            "SELECT DISTINCT m.sha256 AS sha FROM message m JOIN placement p ON p.message_id = m.id"
            " JOIN archive_folder f ON f.id = p.folder_id JOIN archive_mailbox b ON b.id = f.mailbox_id"
            " WHERE b.guid = ? AND m.sha256 IS NOT NULL",
            self._guid,
        ).tuples()
        return [self.key(bytes(row[0]).hex()) for row in rows]
