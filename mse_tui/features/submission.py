"""From what the pipeline reads to batches in the ledger; what that tells goes to the accounting."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mse_tui.archive.arrivals import Arrival
from mse_tui.archive.ledger import Ledger
from mse_tui.archive.passes import content_complete, restart_folder
from mse_tui.archive.reading import Entry, FolderPart, FolderReading, Tally
from mse_tui.exchange.rows import ItemFailure, ItemRow
from mse_tui.features.accounting import Accounting
from mse_tui.features.feature import MailboxRun
from mse_tui.features.pipeline import Arrived, Event, Filled, Lost, Page, Restarted, StillFailing, StillSkipped
from mse_tui.reasons import Problem, Reason

_BOUNDARY_SECONDS = 0.5
"""How long the run goes on, while there is nothing to commit, before it asks whether it may."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is committed: at whichever is reached first."""

    items: int = 2000
    size: int = 12 << 20
    """Bytes of content; what the run holds in memory."""
    seconds: float = 2.0


@dataclass(slots=True)
class _Batch:
    """Parts of folders to be committed together, at most one a folder."""

    parts: dict[int, FolderPart] = field(default_factory=dict)
    ids: set[tuple[int, str]] = field(default_factory=set)
    arrivals: list[Arrival] = field(default_factory=list)
    size: int = 0
    seen: int = 0
    started: float = field(default_factory=time.monotonic)

    def part(self, folder: FolderReading) -> FolderPart:
        if not self.parts:
            self.started = time.monotonic()
        return self.parts.setdefault(folder.folder_id, FolderPart(folder))

    def add(self, folder: FolderReading, entry: Entry) -> None:
        self.part(folder).entries.append(entry)
        self.ids.add((folder.folder_id, entry.row.remote_id))
        self.seen += 1
        if entry.arrival is not None:
            self.arrivals.append(entry.arrival)
            self.size += entry.arrival.size

    def due(self, limits: BatchLimits) -> bool:
        if not self.parts:
            return False
        late = time.monotonic() - self.started > limits.seconds
        return self.size >= limits.size or self.seen >= limits.items or late


@dataclass(slots=True)
class _OpenPage:
    """A page of which contents are still to come."""

    page: Page
    awaited: dict[str, ItemRow]


class Submitter:
    """Takes events in order, commits them in batches, and has them accounted for; for the run's own thread."""

    def __init__(
        self,
        run: MailboxRun,
        ledger: Ledger,
        accounting: Accounting,
        limits: BatchLimits,
        may_go_on: Callable[[], None],
    ) -> None:
        """`may_go_on` is called between batches and raises where the pass is to end."""
        self._run = run
        self._key = ledger.key
        self._accounting = accounting
        self._limits = limits
        self._ledger = ledger
        self._may_go_on = may_go_on
        self._batch = _Batch()
        self._open: _OpenPage | None = None
        self._folder: FolderReading | None = None
        self._asked = time.monotonic()
        self.read: list[FolderReading] = []
        """Folders that were read to their end."""

    def take(self, event: Event | Arrived | ItemFailure) -> None:
        """Take what comes next. May commit, and raises what `may_go_on` raises."""
        match event:
            case Arrived() | ItemFailure():
                self._answer(event)
            case Page():
                self._begin(event)
            case StillSkipped():
                self._accounting.tell(Tally(skipped=Counter(event.reasons)), seen=event.reasons.total())
            case StillFailing():
                self._still_failing(event.folder, event.failures)
            case Filled():
                self.commit()
                content_complete(self._key.task_id, event.folder.folder_id)
            case Restarted():
                self.commit()
                restart_folder(self._key, event.folder, self._run.fence)
            case Lost():
                self._run.journal.warn(event.problem.reason, event.problem.happened, item=event.folder.path)
        self._keep_pace()

    def commit(self) -> None:
        """Commit what is whole, if anything."""
        batch, self._batch = self._batch, _Batch()
        try:
            parts = [part for part in batch.parts.values() if part.submits or part.moves_on]
            if parts:
                self._accounting.tell(self._ledger.commit(parts), seen=batch.seen)
        finally:
            for arrival in batch.arrivals:
                arrival.close()

    def _begin(self, page: Page) -> None:
        folder = page.folder
        if folder is not self._folder:
            self._folder = folder
            self._run.journal.progress(phase="items", folder=folder.path)
        flags = page.read_flags
        ids = [row.remote_id for row in page.rows] + [flag[0] for flag in flags] + list(page.removed)
        if folder.folder_id in self._batch.parts and any((folder.folder_id, each) in self._batch.ids for each in ids):
            self.commit()
        wanted = {row.remote_id: row for row in page.wanted}
        for row in page.rows:
            if row.remote_id not in wanted:
                skipped, original = page.skipped.get(row.remote_id), page.originals.get(row.remote_id)
                self._batch.add(folder, Entry(row, skipped=skipped, original=original))
        if flags or page.removed:
            part = self._batch.part(folder)
            part.read_flags += flags
            part.removed += page.removed
            self._batch.seen += len(flags)
            self._batch.ids.update((folder.folder_id, each) for each in ids)
        self._open = _OpenPage(page, wanted)
        self._complete()

    def _answer(self, answer: Arrived | ItemFailure) -> None:
        if self._open is None:
            raise Problem(Reason.RESPONSE_BROKEN, "The server sent content that no page had asked for.")
        row = self._open.awaited.pop(answer.remote_id, None)
        if row is None:
            raise Problem(Reason.RESPONSE_BROKEN, "The server sent the content of another item than was asked for.")
        if isinstance(answer, Arrived):
            self._batch.add(self._open.page.folder, Entry(row, arrival=answer.arrival))
        else:
            self._batch.add(self._open.page.folder, Entry(row, failure=answer))
        self._complete()

    def _complete(self) -> None:
        """Once all contents of the open page are here, the folder's state may move on."""
        if self._open is None or self._open.awaited:
            return
        page, self._open = self._open.page, None
        if page.state is None:
            return
        part = self._batch.parts.get(page.folder.folder_id) or FolderPart(page.folder)
        part.state, part.last = page.state, page.last
        if part.submits or part.moves_on:
            self._batch.parts[page.folder.folder_id] = part
        if page.last:
            self.read.append(page.folder)

    def _still_failing(self, folder: FolderReading, failures: Sequence[ItemFailure]) -> None:
        tally = Tally()
        for failure in failures:
            if failure.reason is Reason.ITEM_NOT_FOUND:
                tally.skipped[failure.reason] += 1
            else:
                tally.failed.append((f"{folder.path}: {failure.remote_id}", failure.reason, failure.message))
        self._accounting.tell(tally, seen=len(failures))

    def _keep_pace(self) -> None:
        due = self._batch.due(self._limits) or self._run.cancel.is_set()
        if due or time.monotonic() - self._asked > _BOUNDARY_SECONDS:
            if due:
                self.commit()
            if not self._batch.parts:
                self._asked = time.monotonic()
                self._may_go_on()
