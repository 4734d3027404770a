"""Entering a folder tree: which folders the archive shows, where they are and what they are called.

The whole tree as a task sees it is compared with what the archive has, so that it does not matter which task, or
which attempt of a pass, saw a change first. Folders belong to the mailbox; how far they were read, to the task.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mse_tui.archive.fence import Fence
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.ledger import PassKey, count_submission
from mse_tui.archive.reading import FolderReading
from mse_tui.archive.statements import execute, execute_many, insert_returning, select, select_in
from mse_tui.exchange.rows import FolderRow
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing

log = logging.getLogger(__name__)

FOLDER_ITSELF = ""
"""The remote id that stands for the folder itself among removals."""


@dataclass(frozen=True, slots=True)
class HierarchyReading:
    """How far a task has read the hierarchy of one area."""

    checkpoint_id: int | None
    batch: int
    state: str | None
    tree: FolderTree | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A folder tree as it was just read, and what of it the task covers."""

    area: str
    tree: FolderTree
    state: str
    covered: Mapping[str, str]
    """Remote id -> path of the folders that the definition covers now."""
    covered_before: frozenset[str]
    """Those that the same definition covered in the tree as it was read the last time."""


@dataclass(slots=True)
class _Known:
    """A folder that the archive has."""

    id: int
    distinguished: str
    folder_class: str
    place: tuple[int | None, str] | None
    """Open place: parent and name."""


@dataclass(slots=True)
class _Changes:
    """What a sighting changes; worked out before any transaction, so that an unchanged tree opens none."""

    new: list[FolderRow] = field(default_factory=list)
    described: list[tuple[str, str, int]] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)
    """Folders to be closed at the pass's end."""
    staying: list[int] = field(default_factory=list)
    """Folders that were to be closed and are there again."""
    dropped: list[int] = field(default_factory=list)
    """Folders that this task no longer reads, since they moved to where it excludes them."""
    begun: list[str] = field(default_factory=list)
    """Covered folders to be enumerated from the beginning."""
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def any(self) -> bool:
        return bool(
            self.new or self.described or self.placed or self.closed or self.leaving
            or self.staying or self.dropped or self.begun
        )  # fmt: skip


def hierarchy_reading(task_id: int, mailbox_id: int, area: str) -> HierarchyReading:
    """Where a task stands with the hierarchy of one area."""
    rows = select(
        "SELECT id, batch, state, tree FROM checkpoint"
        " WHERE task_id = ? AND mailbox_id = ? AND area = ? AND folder_id IS NULL",
        (task_id, mailbox_id, area),
    )
    if not rows:
        return HierarchyReading(None, 0, None, None)
    checkpoint_id, batch, state, tree = rows[0]
    return HierarchyReading(checkpoint_id, batch, state, FolderTree.read(tree) if tree else None)


class Hierarchy:
    """Enters the folder trees of one pass."""

    def __init__(self, key: PassKey, fence: Fence, *, wants_content: bool) -> None:
        self._key = key
        self._fence = fence
        self._wants_content = wants_content

    def enter(self, sighting: Sighting, reading: HierarchyReading) -> tuple[list[FolderReading], Counter[str]]:
        """Enter a tree in one transaction; returns the covered folders, ready to be read, and the counters."""
        known = self._known(sighting.area)
        changes = self._changes(sighting, known)
        moved_on = sighting.state != reading.state or reading.tree is None
        if changes.any or moved_on:
            with writing():
                self._fence.check()
                self._advance(sighting, reading)
                self._apply(sighting, known, changes)
                if changes.counts:
                    count_submission(self._key.task_id)
                    changes.counts["submissions"] += 1
        self._note_content(known, sighting)
        changes.counts["folders_seen"] += len(sighting.covered)
        return self._readings(sighting, known), changes.counts

    def _known(self, area: str) -> dict[str, _Known]:
        rows = select(
            "SELECT f.remote_id, f.id, f.distinguished, f.folder_class, p.id, p.parent_id, p.name"
            " FROM archive_folder f LEFT JOIN folder_place p ON p.folder_id = f.id AND p.closed IS NULL"
            " WHERE f.mailbox_id = ? AND f.area = ?",
            (self._key.mailbox_id, area),
        )
        return {row[0]: _Known(row[1], row[2], row[3], (row[5], row[6]) if row[4] else None) for row in rows}

    def _changes(self, sighting: Sighting, known: dict[str, _Known]) -> _Changes:
        changes = _Changes()
        tree = sighting.tree
        leaving = set(leaving_folders(self._key.task_id, self._key.mailbox_id))
        own, others = self._checkpoints(sighting.area)
        self._find_absent(sighting, known, leaving, changes)
        self._find_excluded(sighting, known, own, others, changes)
        going = leaving.union(changes.leaving) - others
        present = {
            remote_id: folder
            for remote_id, folder in known.items()
            if remote_id in tree.folders and folder.place is not None and folder.id not in going
        }
        shown = self._shown(sighting, present, others.union(own))
        needed = {known[remote_id].id for remote_id in shown if remote_id in known}
        changes.leaving += [folder.id for folder in present.values()]
        changes.leaving = [folder_id for folder_id in dict.fromkeys(changes.leaving) if folder_id not in needed]
        for remote_id in _top_down(tree, shown):
            row = tree.folders[remote_id]
            folder = known.get(remote_id)
            if folder is None:
                changes.new.append(row)
                changes.counts["folders_added"] += 1
                continue
            if folder.id in leaving:
                changes.staying.append(folder.id)
            if (row.distinguished, row.folder_class) != (folder.distinguished, folder.folder_class):
                changes.described.append((row.distinguished, row.folder_class, folder.id))
            self._compare_place(row, folder, tree, known, changes)
        for remote_id in sighting.covered:
            state = own.get(known[remote_id].id) if remote_id in known else None
            if state is None:
                changes.begun.append(remote_id)
        return changes

    def _checkpoints(self, area: str) -> tuple[dict[int, str | None], set[int]]:
        """Folder -> state of this task's checkpoints, and the folders that other tasks have checkpoints for."""
        rows = select(
            "SELECT folder_id, task_id, state FROM checkpoint"
            " WHERE mailbox_id = ? AND area = ? AND folder_id IS NOT NULL",
            (self._key.mailbox_id, area),
        )
        own = {folder: state for folder, task, state in rows if task == self._key.task_id}
        return own, {folder for folder, task, _ in rows if task != self._key.task_id}

    def _find_absent(self, sighting: Sighting, known: dict[str, _Known], leaving: set[int], changes: _Changes) -> None:
        for remote_id, folder in known.items():
            if folder.place is not None and remote_id not in sighting.tree.folders and folder.id not in leaving:
                changes.leaving.append(folder.id)

    def _find_excluded(
        self,
        sighting: Sighting,
        known: dict[str, _Known],
        own: dict[int, str | None],
        others: set[int],
        changes: _Changes,
    ) -> None:
        """Folders that moved to where this task excludes them; nobody else's are closed at the pass's end.

        A folder that an edit of the definition excludes was not covered before by that definition either: it keeps
        its checkpoint and stays as last replicated.
        """
        for remote_id in sighting.covered_before - set(sighting.covered):
            folder = known.get(remote_id)
            if folder is None or folder.id not in own or remote_id not in sighting.tree.folders:
                continue
            changes.dropped.append(folder.id)
            if folder.id not in others and folder.place is not None:
                changes.leaving.append(folder.id)

    def _shown(self, sighting: Sighting, present: Mapping[str, _Known], read: set[int]) -> set[str]:
        """Folders to have an open place: the covered ones, those that are kept, and all above them.

        Of the others that have one, those are kept that some task reads or that hold something: they were covered
        once. The rest only led to covered folders.
        """
        others = {remote_id: folder for remote_id, folder in present.items() if remote_id not in sighting.covered}
        holding = _holding({folder.id for folder in others.values()} - read)
        kept = {remote_id for remote_id, folder in others.items() if folder.id in read or folder.id in holding}
        shown = kept.union(sighting.covered)
        return shown | {up for each in shown for up in sighting.tree.upwards(each) if up in sighting.tree.folders}

    def _compare_place(
        self, row: FolderRow, folder: _Known, tree: FolderTree, known: dict[str, _Known], changes: _Changes
    ) -> None:
        parent = tree.parent(row.remote_id)
        parent_id = known[parent].id if parent in known else None
        if folder.place is None:
            changes.counts["folders_added"] += 1
        elif (parent is not None and parent_id is None) or folder.place[0] != parent_id:
            changes.counts["folders_moved"] += 1
        elif folder.place[1] != row.name:
            changes.counts["folders_renamed"] += 1
        else:
            return
        changes.placed.append(row.remote_id)
        if folder.place is not None:
            changes.closed.append(folder.id)

    def _advance(self, sighting: Sighting, reading: HierarchyReading) -> None:
        """Compare and set the hierarchy's batch number, with its state and the tree."""
        tree = sighting.tree.written()
        if reading.checkpoint_id is None:
            execute(
                "INSERT INTO checkpoint (task_id, mailbox_id, area, folder_id, state, batch, enumerating,"
                " with_content, tree) VALUES (?, ?, ?, NULL, ?, 1, ?, ?, ?)",
                (self._key.task_id, self._key.mailbox_id, sighting.area, sighting.state, False, True, tree),
            )
            return
        touched = execute(
            "UPDATE checkpoint SET state = ?, tree = ?, enumerating = ?, batch = batch + 1 WHERE id = ? AND batch = ?",
            (sighting.state, tree, False, reading.checkpoint_id, reading.batch),
        )
        if touched != 1:
            raise Problem(Reason.LEASE_LOST, "Another run has read this mailbox's folders meanwhile; this one ends.")

    def _apply(self, sighting: Sighting, known: dict[str, _Known], changes: _Changes) -> None:
        task_id, stamp = self._key.task_id, self._key.stamp
        for row in changes.new:
            folder_id = insert_returning(
                "INSERT INTO archive_folder (mailbox_id, area, remote_id, distinguished, folder_class)"
                " VALUES (?, ?, ?, ?, ?) RETURNING id",
                (self._key.mailbox_id, sighting.area, row.remote_id, row.distinguished, row.folder_class),
            )
            known[row.remote_id] = _Known(folder_id, row.distinguished, row.folder_class, None)
        execute_many("UPDATE archive_folder SET distinguished = ?, folder_class = ? WHERE id = ?", changes.described)
        closed = [(stamp, folder_id) for folder_id in changes.closed]
        execute_many("UPDATE folder_place SET closed = ? WHERE folder_id = ? AND closed IS NULL", closed)
        opened = [*(row.remote_id for row in changes.new), *changes.placed]
        execute_many(
            "INSERT INTO folder_place (folder_id, parent_id, name, opened) VALUES (?, ?, ?, ?)",
            [(known[each].id, *_place(sighting.tree, each, known), stamp) for each in opened],
        )
        leaving = [(task_id, folder_id, FOLDER_ITSELF) for folder_id in changes.leaving]
        execute_many("INSERT INTO removal (task_id, folder_id, remote_id) VALUES (?, ?, ?)", leaving)
        staying = [(task_id, folder_id, FOLDER_ITSELF) for folder_id in changes.staying]
        execute_many("DELETE FROM removal WHERE task_id = ? AND folder_id = ? AND remote_id = ?", staying)
        for folder_id in changes.dropped:
            forget_folder(task_id, folder_id)
        self._begin(sighting, [known[each].id for each in changes.begun])

    def _begin(self, sighting: Sighting, folder_ids: list[int]) -> None:
        """Enumerate from the beginning: what lies there now is taken to be gone until it is seen."""
        key = self._key
        execute_many(
            "INSERT INTO checkpoint (task_id, mailbox_id, area, folder_id, state, batch, enumerating, with_content)"
            " VALUES (?, ?, ?, ?, NULL, 0, ?, ?) ON CONFLICT (task_id, folder_id) WHERE folder_id IS NOT NULL"
            " DO UPDATE SET enumerating = excluded.enumerating, with_content = excluded.with_content",
            [(key.task_id, key.mailbox_id, sighting.area, each, True, self._wants_content) for each in folder_ids],
        )
        execute_many(
            "DELETE FROM unfinished WHERE task_id = ? AND folder_id = ?", [(key.task_id, each) for each in folder_ids]
        )
        doubt(key.task_id, folder_ids)

    def _note_content(self, known: dict[str, _Known], sighting: Sighting) -> None:
        """While a definition wants no content, remember which folders will lack it."""
        if self._wants_content:
            return
        execute_many(
            "UPDATE checkpoint SET with_content = ? WHERE task_id = ? AND folder_id = ? AND with_content",
            [(False, self._key.task_id, known[each].id) for each in sighting.covered],
        )

    def _readings(self, sighting: Sighting, known: dict[str, _Known]) -> list[FolderReading]:
        rows = select(
            "SELECT folder_id, id, state, batch, enumerating, with_content,"
            " EXISTS (SELECT 1 FROM removal r WHERE r.task_id = c.task_id AND r.folder_id = c.folder_id)"
            " FROM checkpoint c WHERE task_id = ? AND mailbox_id = ? AND area = ? AND folder_id IS NOT NULL",
            (self._key.task_id, self._key.mailbox_id, sighting.area),
        )
        by_folder = {row[0]: row[1:] for row in rows}
        readings = []
        for remote_id, path in sighting.covered.items():
            folder_id = known[remote_id].id
            checkpoint_id, state, batch, enumerating, with_content, has_removals = by_folder[folder_id]
            reading = FolderReading(folder_id, checkpoint_id, remote_id, path, state, batch, bool(enumerating))
            reading.expected = sighting.tree.folders[remote_id].total_count
            reading.lacks_content = self._wants_content and not with_content
            reading.has_removals = bool(has_removals)
            readings.append(reading)
        self._add_unfinished({reading.folder_id: reading for reading in readings})
        return readings

    def _add_unfinished(self, readings: dict[int, FolderReading]) -> None:
        rows = select_in(
            "SELECT folder_id, remote_id, reason FROM unfinished WHERE task_id = ? AND folder_id IN ({values})",
            readings,
            self._key.task_id,
        )
        for folder_id, remote_id, reason in rows:
            readings[folder_id].unfinished[remote_id] = Reason(reason)


def _holding(folder_ids: Iterable[int]) -> set[int]:
    """Of these folders, those in which something lies."""
    rows = select_in(
        "SELECT f.id FROM archive_folder f WHERE EXISTS"
        " (SELECT 1 FROM placement p WHERE p.folder_id = f.id AND p.closed IS NULL) AND f.id IN ({values})",
        folder_ids,
    )
    return {row[0] for row in rows}


def leaving_folders(task_id: int, mailbox_id: int) -> list[int]:
    """Folders of a mailbox that a task has seen gone and that close at its pass's end."""
    rows = select(
        "SELECT f.id FROM archive_folder f JOIN removal r ON r.folder_id = f.id"
        " WHERE f.mailbox_id = ? AND r.task_id = ? AND r.remote_id = ?",
        (mailbox_id, task_id, FOLDER_ITSELF),
    )
    return [row[0] for row in rows]


def forget_folder(task_id: int, folder_id: int) -> None:
    """Inside a transaction: a task no longer reads a folder; where it stood in it is of no use."""
    execute("DELETE FROM checkpoint WHERE task_id = ? AND folder_id = ?", (task_id, folder_id))
    execute("DELETE FROM unfinished WHERE task_id = ? AND folder_id = ?", (task_id, folder_id))
    execute(
        "DELETE FROM removal WHERE task_id = ? AND folder_id = ? AND remote_id <> ?",
        (task_id, folder_id, FOLDER_ITSELF),
    )


def doubt(task_id: int, folder_ids: Iterable[int]) -> None:
    """Inside a transaction: take all that lies in these folders to be gone until it is seen present."""
    execute_many(
        "INSERT INTO removal (task_id, folder_id, remote_id)"
        " SELECT ?, folder_id, remote_id FROM placement WHERE folder_id = ? AND closed IS NULL"
        " ON CONFLICT DO NOTHING",
        [(task_id, folder_id) for folder_id in folder_ids],
    )


def _place(tree: FolderTree, remote_id: str, known: dict[str, _Known]) -> tuple[int | None, str]:
    parent = tree.parent(remote_id)
    return (known[parent].id if parent is not None else None, tree.folders[remote_id].name)


def _top_down(tree: FolderTree, remote_ids: set[str]) -> list[str]:
    return sorted(remote_ids, key=lambda each: (sum(1 for _ in tree.upwards(each)), tree.names(each)))
