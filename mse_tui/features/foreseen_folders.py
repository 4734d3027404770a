"""What folder replication would do to a mailbox, told to its journal; nothing is fetched and nothing is written.

The task's own checkpoints say from where it would go on; what it would do there is listed as a pass lists it, and
weighed page by page. A message that was moved shows as one to add and one to remove: that they are the same is seen
only by their content.
"""

from collections import Counter
from collections.abc import Iterable, Set
from datetime import UTC, datetime

from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.hierarchy import hierarchy_reading
from mse_tui.archive.ledger import PassKey, current_placements
from mse_tui.archive.passes import folders_were_read
from mse_tui.archive.planning import Current, traits
from mse_tui.archive.reading import FolderReading
from mse_tui.archive.statements import select, select_in
from mse_tui.exchange.rows import Area, FolderChanges, ItemFailure, ItemRow
from mse_tui.features.departures import Departures
from mse_tui.features.feature import Journal, MailboxRun
from mse_tui.features.pipeline import Event, Lister, Lost, Page, Restarted, StillFailing, StillSkipped
from mse_tui.features.replication_definition import FolderReplicationDefinition
from mse_tui.features.replication_pass import covered_areas
from mse_tui.reasons import Problem, Reason
from mse_tui.store.archived import find_archive
from mse_tui.terms import Mode
from mse_tui.text import size_text


class ForeseenFolders:
    """One mailbox looked at. For the run's own thread."""

    def __init__(self, run: MailboxRun, definition: FolderReplicationDefinition) -> None:
        self._run = run
        self._definition = definition
        self._mailbox_id = find_archive(run.identity.guid)
        self._scope = definition.item_scope()
        key = PassKey(run.task_id, self._mailbox_id, 0)
        self._lister = Lister(run.mailbox, key, self._scope, wants_content=definition.wants_content)
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Raises Problem (outside-window where a full pass may not begin now), Stopped, Cancelled."""
        journal, definition = self._run.journal, self._definition
        full = not folders_were_read(self._run.task_id, self._mailbox_id)
        journal.mode(Mode.FULL if full else Mode.DIFFERENTIAL)
        window = definition.window_at(datetime.now(UTC)) if full else None
        if window is not None:
            raise Problem(Reason.OUTSIDE_WINDOW, f"A full sync waits for the end of its exclusion window {window}.")
        for area in covered_areas(self._run, definition):
            self._look_at_area(area)
        for counter, number in self._counts.items():
            if number:
                journal.count(counter, number)
        counts = self._counts
        journal.note(
            f"Nothing was changed: {counts['items_added']:,} items to add, {counts['items_changed']:,} changed,"
            f" {counts['items_removed']:,} to remove; {size_text(counts['bytes'])} to fetch."
        )

    def _look_at_area(self, area: Area) -> None:
        mailbox, scope = self._run.mailbox, self._definition.folder_scope()
        pages: list[FolderChanges] = []
        while not pages or not pages[-1].last:
            pages.append(mailbox.folder_changes(area, pages[-1].state if pages else None))
        tree = FolderTree(mailbox.root(area).remote_id, {}).changed(pages)
        known = hierarchy_reading(self._run.task_id, self._mailbox_id, area).tree
        covered, before = scope.covered(tree), scope.covered(known) if known is not None else {}
        self._counts["folders_seen"] += len(covered)
        self._counts["folders_added"] += len(covered.keys() - before.keys())
        self._counts["folders_removed"] += len(before.keys() - covered.keys())
        for remote_id in covered.keys() & before.keys():
            now, then = tree.folders[remote_id], known.folders[remote_id] if known is not None else None
            self._counts["folders_renamed"] += then is not None and now.name != then.name
            self._counts["folders_moved"] += then is not None and now.parent_id != then.parent_id
        for remote_id, path in covered.items():
            self._run.journal.progress(phase="items", folder=path)
            self._look_into_folder(self._reading(area, remote_id, path))

    def _look_into_folder(self, folder: FolderReading) -> None:
        again = {remote_id for remote_id, reason in folder.unfinished.items() if not self._scope.still_skips(reason)}
        weighing = _Weighing(self._run, folder, again, wants_content=self._definition.wants_content)
        self._run.journal.boundary()
        for event in self._lister.events([folder]):
            weighing.take(event)
            self._run.journal.boundary()
        self._counts += weighing.result()

    def _reading(self, area: Area, remote_id: str, path: str) -> FolderReading:
        """The folder as the task would begin to read it; its number is 0 where the archive does not know it."""
        rows = select(
            "SELECT f.id, c.state, c.enumerating, c.with_content FROM archive_folder f"
            " LEFT JOIN checkpoint c ON c.folder_id = f.id AND c.task_id = ?"
            " WHERE f.mailbox_id = ? AND f.area = ? AND f.remote_id = ?",
            (self._run.task_id, self._mailbox_id, area.value, remote_id),
        )
        folder_id, state, enumerating, with_content = rows[0] if rows else (0, None, True, True)
        folder = FolderReading(int(folder_id), None, remote_id, path, state, 0, bool(enumerating))
        if state is not None:
            folder.lacks_content = self._definition.wants_content and not with_content
            folder.unfinished = self._unfinished(folder.folder_id)
        return folder

    def _unfinished(self, folder_id: int) -> dict[str, Reason]:
        rows = select(
            "SELECT remote_id, reason FROM unfinished WHERE task_id = ? AND folder_id = ?",
            (self._run.task_id, folder_id),
        )
        return {remote_id: Reason(reason) for remote_id, reason in rows}


class _Weighing:
    """What listing one folder comes to; nothing of a page is kept but which items are seen gone.

    So what is changed while it is listed may count as two; the read state of an item that is to be added is part of it.
    """

    def __init__(self, run: MailboxRun, folder: FolderReading, again: Set[str], *, wants_content: bool) -> None:
        """`again`: items that failed or were skipped before, and are looked at again before the changes."""
        self._journal: Journal = run.journal
        self._task_id = run.task_id
        self._folder = folder
        self._unfinished = dict(folder.unfinished)
        self._again = again
        self._wants_content = wants_content
        self._counts: Counter[str] = Counter()
        self._departures = self._departures_from(folder.state)

    def take(self, event: Event) -> None:
        """What the pass's lister says next."""
        match event:
            case StillSkipped():
                self._skip(event.reasons)
            case StillFailing():
                for failure in event.failures:
                    self._fail(failure)
            case Page():
                self._page(event)
            case Restarted():
                self._unfinished = {}
                self._departures = self._departures_from(None)
            case Lost():
                self._journal.warn(event.problem.reason, event.problem.happened, item=self._folder.path)

    def result(self) -> Counter[str]:
        """The counters, once all is taken."""
        self._counts["items_removed"] = self._departures.number
        return self._counts

    def _page(self, page: Page) -> None:
        flagged = [flag[0] for flag in page.read_flags]
        listed = [row.remote_id for row in page.rows]
        here = current_placements(self._folder.folder_id, [*listed, *flagged, *page.removed])
        is_new = page.state is not None
        wanted = {row.remote_id for row in page.wanted}
        self._counts["items_seen"] += len(listed) + len(flagged)
        self._count_skipped(Counter(page.skipped.values()))
        for row in page.rows:
            if row.remote_id not in page.skipped:
                self._weigh(row, here.get(row.remote_id), fetched=row.remote_id in wanted, is_new=is_new)
        missing = [each for each in flagged if each not in here]
        self._count_skipped(Counter(self._unfinished[each] for each in missing if each in self._unfinished))
        self._counts["items_changed"] += len(flagged) - len(missing)
        if is_new:
            self._departures.take(here.keys() & {*listed, *flagged}, here.keys() & set(page.removed))

    def _weigh(self, row: ItemRow, current: Current | None, *, fetched: bool, is_new: bool) -> None:
        if is_new and self._was_looked_at(row, current):
            self._counts["items_known"] += 1
            return
        self._counts[self._outcome(row, current, fetched=fetched)] += 1
        self._counts["bytes"] += row.size if fetched else 0

    def _was_looked_at(self, row: ItemRow, current: Current | None) -> bool:
        """Whether an item among the changes came up before them, and would be known by now."""
        fills = self._folder.lacks_content and current is not None and not current.has_content
        return row.remote_id in self._again or (fills and row.remote_id not in self._unfinished)

    def _outcome(self, row: ItemRow, current: Current | None, *, fetched: bool) -> str:
        if current is None:
            return "items_added"
        if fetched and not current.has_content:
            return "items_changed"
        keeps_key = current.has_content and not self._wants_content
        changed = traits(row) != current.traits or (not keeps_key and row.change_key != current.change_key)
        return "items_changed" if changed else "items_known"

    def _skip(self, reasons: Counter[Reason]) -> None:
        self._counts["items_seen"] += reasons.total()
        self._count_skipped(reasons)

    def _count_skipped(self, reasons: Counter[Reason]) -> None:
        for reason, number in reasons.items():
            self._journal.skip(reason, number)

    def _fail(self, failure: ItemFailure) -> None:
        if failure.reason is Reason.ITEM_NOT_FOUND:
            self._skip(Counter([failure.reason]))
            return
        self._counts["items_seen"] += 1
        self._journal.fail(f"{self._folder.path}: {failure.remote_id}", failure.reason, failure.message)

    def _departures_from(self, state: str | None) -> Departures:
        """From its beginning, all that lies in the folder is doubted; else what waits to be seen again."""
        folder_id = self._folder.folder_id
        if state is None:
            rows = select("SELECT COUNT(*) FROM placement WHERE folder_id = ? AND closed IS NULL", (folder_id,))
            return Departures(int(rows[0][0]), set)
        rows = select(
            "SELECT COUNT(*) FROM removal r JOIN placement p ON p.folder_id = r.folder_id"
            " AND p.remote_id = r.remote_id AND p.closed IS NULL WHERE r.task_id = ? AND r.folder_id = ?",
            (self._task_id, folder_id),
        )
        return Departures(int(rows[0][0]), self._doubted_of)

    def _doubted_of(self, remote_ids: Iterable[str]) -> set[str]:
        sql = "SELECT remote_id FROM removal WHERE task_id = ? AND folder_id = ? AND remote_id IN ({values})"
        return {row[0] for row in select_in(sql, remote_ids, self._task_id, self._folder.folder_id)}
