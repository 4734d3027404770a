"""What folder replication would do to a mailbox, told to its journal; nothing is fetched and nothing is written.

The task's own checkpoints say from where it would go on. A message that was moved shows as one to add and one to
remove: that they are the same is seen only by their content.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.hierarchy import hierarchy_reading
from mse_tui.archive.passes import folders_were_read
from mse_tui.archive.statements import select, select_in
from mse_tui.exchange.mailbox import Area, FolderChanges, ItemChanges, ItemRow, SyncStateInvalid
from mse_tui.features.feature import MailboxRun
from mse_tui.features.replication_definition import FolderReplicationDefinition
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import Mode
from mse_tui.text import size_text


class ForeseenFolders:
    """One mailbox looked at. For the run's own thread."""

    def __init__(self, run: MailboxRun, definition: FolderReplicationDefinition) -> None:
        self._run = run
        self._definition = definition
        self._scope = definition.item_scope()
        rows = select("SELECT id FROM archive_mailbox WHERE guid = ?", (run.identity.guid,))
        self._mailbox_id = int(rows[0][0]) if rows else 0
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Raises Problem (outside-window where a full pass may not begin now), Stopped, Cancelled."""
        journal, definition = self._run.journal, self._definition
        full = not folders_were_read(self._run.task_id, self._mailbox_id)
        journal.mode(Mode.FULL if full else Mode.DIFFERENTIAL)
        window = definition.window_at(datetime.now(UTC)) if full else None
        if window is not None:
            raise Problem(Reason.OUTSIDE_WINDOW, f"A full sync waits for the end of its exclusion window {window}.")
        with_archive = definition.include_online_archive and self._run.identity.has_online_archive
        for area in [Area.PRIMARY, Area.ARCHIVE] if with_archive else [Area.PRIMARY]:
            self._look_at_area(area)
        for counter, number in self._counts.items():
            if number:
                journal.count(counter, number)
        counts = self._counts
        journal.note(
            f"Nothing was changed: {counts['items_added']:,} items to add ({size_text(counts['bytes'])}),"
            f" {counts['items_changed']:,} changed, {counts['items_removed']:,} to remove."
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
            self._run.journal.boundary()
            self._run.journal.progress(phase="items", folder=path)
            self._look_into_folder(area, remote_id)

    def _look_into_folder(self, area: Area, remote_id: str) -> None:
        folder_id, state, with_content = self._checkpoint(area, remote_id)
        seen: dict[str, ItemRow] = {}
        flags: set[str] = set()
        gone: set[str] = set()
        try:
            pages = self._pages(remote_id, state)
        except SyncStateInvalid:
            state = None
            pages = self._pages(remote_id, None)
        for page in pages:
            seen.update((row.remote_id, row) for row in page.changed)
            flags.update(flagged for flagged, _, _ in page.read_flags)
            gone.update(page.removed)
        placed = self._placed(folder_id, None if state is None else [*seen, *flags, *gone])
        self._weigh(seen, placed)
        self._counts["items_changed"] += len(flags & placed.keys() - seen.keys())
        removed = placed.keys() - seen.keys() if state is None else gone & placed.keys() - seen.keys()
        self._counts["items_removed"] += len(removed)
        if self._definition.wants_content and folder_id and not with_content:
            self._counts["items_changed"] += self._lacking(folder_id, seen)

    def _pages(self, remote_id: str, state: str | None) -> list[ItemChanges]:
        pages: list[ItemChanges] = []
        while not pages or not pages[-1].last:
            pages.append(self._run.mailbox.item_changes(remote_id, pages[-1].state if pages else state))
        return pages

    def _weigh(self, seen: dict[str, ItemRow], placed: dict[str, str]) -> None:
        self._counts["items_seen"] += len(seen)
        for remote_id, row in seen.items():
            reason = self._scope.skips(row)
            if remote_id in placed:
                changed = placed[remote_id] != row.change_key
                self._counts["items_changed" if changed else "items_known"] += 1
            elif reason is not None:
                self._run.journal.skip(reason)
            else:
                self._counts["items_added"] += 1
                self._counts["bytes"] += row.size if self._definition.wants_content else 0

    def _checkpoint(self, area: Area, remote_id: str) -> tuple[int, str | None, bool]:
        """The folder's number (0: the archive does not know it), from where the task would go on, has it content."""
        rows = select(
            "SELECT f.id, c.state, c.enumerating, c.with_content FROM archive_folder f"
            " LEFT JOIN checkpoint c ON c.folder_id = f.id AND c.task_id = ?"
            " WHERE f.mailbox_id = ? AND f.area = ? AND f.remote_id = ?",
            (self._run.task_id, self._mailbox_id, area.value, remote_id),
        )
        if not rows:
            return 0, None, True
        folder_id, state, enumerating, with_content = rows[0]
        return int(folder_id), None if enumerating else state, bool(with_content)

    def _placed(self, folder_id: int, remote_ids: Iterable[str] | None) -> dict[str, str]:
        """Remote id -> change key of what lies in the folder; all of it, or these."""
        sql = "SELECT remote_id, change_key FROM placement WHERE folder_id = ? AND closed IS NULL"
        if remote_ids is None:
            return dict(select(sql, (folder_id,)))
        return dict(select_in(sql + " AND remote_id IN ({values})", remote_ids, folder_id))

    def _lacking(self, folder_id: int, seen: Iterable[str]) -> int:
        """How many known items have no content yet, of those not counted already."""
        rows = select(
            "SELECT p.remote_id FROM placement p JOIN message m ON m.id = p.message_id"
            " WHERE p.folder_id = ? AND p.closed IS NULL AND m.sha256 IS NULL",
            (folder_id,),
        )
        return len({row[0] for row in rows} - set(seen))
