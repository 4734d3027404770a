"""One attempt at a pass over one mailbox: the folder tree, the items, the end."""

import logging
from contextlib import closing
from datetime import UTC, datetime

from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.hierarchy import Hierarchy, HierarchyReading, Sighting, hierarchy_reading
from mse_tui.archive.ledger import Ledger
from mse_tui.archive.passes import begin_pass, finish_pass
from mse_tui.archive.reading import FolderReading, Tally
from mse_tui.exchange.mailbox import SyncStateInvalid
from mse_tui.exchange.rows import Area, FolderChanges
from mse_tui.features.accounting import Accounting
from mse_tui.features.feature import MailboxRun
from mse_tui.features.pipeline import Lister, read_ahead
from mse_tui.features.replication_definition import FolderReplicationDefinition
from mse_tui.features.submission import BatchLimits, Submitter
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import Mode

log = logging.getLogger(__name__)

_OUTCOMES = ("items_added", "items_changed", "items_moved", "items_known")
_REFUSALS = 3
"""How often the server may refuse the state of the folder tree before the pass fails."""


def covered_areas(run: MailboxRun, definition: FolderReplicationDefinition) -> list[Area]:
    """What of a mailbox a definition covers; that an online archive can't be had now is told, and the rest is done."""
    problem = run.identity.archive_problem
    if not definition.include_online_archive:
        return [Area.PRIMARY]
    if problem is None:
        return run.identity.areas
    run.journal.warn(problem.reason, f"The online archive could not be opened: {problem.happened}")
    return [Area.PRIMARY]


class ReplicationPass:
    """Begins or resumes a pass; whatever interrupts it, what was committed holds and the next attempt goes on."""

    def __init__(self, run: MailboxRun, definition: FolderReplicationDefinition, limits: BatchLimits) -> None:
        self._run = run
        self._definition = definition
        self._record = begin_pass(run.task_id, run.identity, run.fence)
        ledger = Ledger(self._record.key, run.packs, run.fence, wants_content=definition.wants_content)
        self._accounting = Accounting(run.journal, _OUTCOMES, "items")
        self._submitter = Submitter(run, ledger, self._accounting, limits, self._may_go_on)

    def run(self) -> None:
        """Raises Problem, Stopped, Cancelled."""
        self._run.journal.mode(self._record.mode)
        self._may_go_on()
        folders = self._read_hierarchies()
        self._read_items(folders)
        self._finish()

    def _may_go_on(self) -> None:
        """Between batches: ends here when told to, or when a full pass has come into an exclusion window."""
        self._run.journal.boundary()
        if self._record.mode is Mode.FULL:
            window = self._definition.window_at(datetime.now(UTC))
            if window is not None:
                raise Problem(Reason.OUTSIDE_WINDOW, f"A full sync waits for the end of its exclusion window {window}.")

    def _read_hierarchies(self) -> list[FolderReading]:
        """Bring the folder trees up to date; returns the covered folders of all areas."""
        hierarchy = Hierarchy(self._record.key, self._run.fence, wants_content=self._definition.wants_content)
        scope = self._definition.folder_scope()
        folders: list[FolderReading] = []
        for area in covered_areas(self._run, self._definition):
            self._run.journal.progress(phase="folders")
            reading = hierarchy_reading(self._record.key.task_id, self._record.key.mailbox_id, area)
            tree, state = self._read_tree(area, reading)
            before = frozenset(scope.covered(reading.tree)) if reading.tree is not None else frozenset[str]()
            readings, counts = hierarchy.enter(Sighting(area, tree, state, scope.covered(tree), before), reading)
            folders += readings
            self._accounting.tell(Tally(counts=counts))
            self._may_go_on()
        return folders

    def _read_tree(self, area: Area, reading: HierarchyReading) -> tuple[FolderTree, str]:
        """The area's tree as it is now, and the state to go on from."""
        tree, state = reading.tree, reading.state
        if tree is None or state is None:
            tree, state = self._bare_tree(area), None
        for _ in range(_REFUSALS):
            try:
                pages = self._hierarchy_pages(area, state)
                return tree.changed(pages), pages[-1].state
            except SyncStateInvalid:
                log.info("The folder tree of %s is read in full again", self._run.mailbox.address)
                tree, state = self._bare_tree(area), None
        raise SyncStateInvalid

    def _bare_tree(self, area: Area) -> FolderTree:
        return FolderTree(self._run.mailbox.root(area).remote_id, {})

    def _hierarchy_pages(self, area: Area, state: str | None) -> list[FolderChanges]:
        pages: list[FolderChanges] = []
        while not pages or not pages[-1].last:
            pages.append(self._run.mailbox.folder_changes(area, state))
            state = pages[-1].state
        return pages

    def _read_items(self, folders: list[FolderReading]) -> None:
        """Commit what is read, batch by batch; what came whole before an error is committed too."""
        run, definition = self._run, self._definition
        full = self._record.mode is Mode.FULL
        run.journal.progress(phase="items", expected=sum(each.expected for each in folders) if full else None)
        key, scope = self._record.key, definition.item_scope()
        lister = Lister(run.mailbox, key, scope, wants_content=definition.wants_content)
        with closing(read_ahead(run.mailbox, lister, folders)) as events:
            while True:
                try:
                    event = next(events, None)
                except Exception:
                    self._submitter.commit()
                    run.journal.boundary()
                    raise
                if event is None:
                    break
                self._submitter.take(event)
        self._submitter.commit()
        self._may_go_on()

    def _finish(self) -> None:
        self._run.journal.progress(phase="closing")
        read = [folder.folder_id for folder in self._submitter.read if folder.has_removals]
        counts = finish_pass(self._record, read, self._run.fence)
        self._accounting.tell(Tally(counts=counts))
        self._accounting.check()
