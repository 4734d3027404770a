"""Coverage: what a mailbox on the server has, compared item by item with what the archive shows as live.

A difference that the next execution will see by itself, since the server reports it as a change after the task's
checkpoint, is pending and no fault. Items are compared by identity: folder, item id and change key.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mse_tui.archive.marks import find_marked, of_unknown_originals
from mse_tui.archive.statements import select, select_in
from mse_tui.exchange.mailbox import Mailbox, SyncStateInvalid
from mse_tui.exchange.rows import Area, FolderRow, ItemRow
from mse_tui.reasons import Reason, explain
from mse_tui.store.archived import find_archive

MOST_NAMED = 10_000
"""Differences that a report names; the rest is counted."""
NO_FOLDER = 0
"""The folder of a difference that reading a folder again does not mend."""


class DifferenceKind(StrEnum):
    MISSING = "missing"
    """On the server, not in the archive."""
    CHANGED = "changed"
    """In both, but the item has changed on the server."""
    GONE = "gone"
    """In the archive's Live view, no longer on the server."""
    WITHOUT_CONTENT = "without content"
    """In both, but the archive has no content, though the task's definition wants it."""
    UNKNOWN_STUB = "unknown stub"
    """A stub of which the archive knows no original; in whichever folder."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that is not in the archive as it is on the server."""

    kind: DifferenceKind
    pending: bool
    """The next execution takes it up by itself."""
    folder_id: int
    path: str
    remote_id: str
    subject: str


@dataclass(slots=True)
class CoverageReport:
    """One mailbox compared."""

    address: str
    folders: int = 0
    """Covered folders."""
    items: int = 0
    """Items in them on the server."""
    archived: int = 0
    """Of those, in the archive as they are."""
    skipped: Counter[Reason] = field(default_factory=Counter)
    """Left out on purpose."""
    failed: Counter[Reason] = field(default_factory=Counter)
    """Could not be fetched; tried again at each execution."""
    not_covered: list[str] = field(default_factory=list)
    """Paths of folders that no task replicates; those of the online archive say so."""
    counts: Counter[DifferenceKind] = field(default_factory=Counter)
    """Differences that are not pending."""
    pending: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing is missing or differs but what the next execution takes up, or what is left out on purpose."""
        return not self.counts

    def add(self, difference: Difference) -> None:
        if difference.pending:
            self.pending += 1
        else:
            self.counts[difference.kind] += 1
        if len(self.differences) < MOST_NAMED:
            self.differences.append(difference)


def compare(mailbox: Mailbox) -> CoverageReport:
    """Enumerate a mailbox and compare it with the archive.

    Raises the Problems of reaching a mailbox; not-found where the archive has none of it yet.
    """
    identity = mailbox.identity()
    report = CoverageReport(identity.address)
    mailbox_id = find_archive(identity.guid)
    paths: dict[str, str] = {}
    for area in identity.areas:
        for path, folder in _tree(mailbox, area):
            paths[folder.remote_id] = path
            known = _covered(mailbox_id, area, folder.remote_id)
            if known is None and not _has_calendar(mailbox_id, folder.remote_id):
                report.not_covered.append(path if area is Area.PRIMARY else f"{path} (online archive)")
            if known is not None:
                _Comparison(mailbox, known, path, folder.remote_id, report).run()
    for stub in of_unknown_originals(find_marked(mailbox, list(paths))):
        kind, path = DifferenceKind.UNKNOWN_STUB, paths.get(stub.folder_id, "")
        report.add(Difference(kind, False, NO_FOLDER, path, stub.row.remote_id, stub.row.subject))
    return report


class _Comparison:
    """One folder, page by page; only the ids of what is in both are kept in memory."""

    def __init__(self, mailbox: Mailbox, folder_id: int, path: str, remote_id: str, report: CoverageReport) -> None:
        self._mailbox = mailbox
        self._folder_id = folder_id
        self._path = path
        self._remote_id = remote_id
        self._report = report
        self._seen: set[int] = set()
        self._found: dict[str, tuple[DifferenceKind, str]] = {}

    def run(self) -> None:
        self._report.folders += 1
        self._report.skipped.update(self._unfinished(expected=True))
        self._report.failed.update(self._unfinished(expected=False))
        state, last = None, False
        while not last:
            page = self._mailbox.item_changes(self._remote_id, state)
            self._look_at(page.changed)
            state, last = page.state, page.last
        self._look_for_gone()
        if not self._found:
            return
        pending = self._pending()
        for remote_id, (kind, subject) in self._found.items():
            waits = pending is None or remote_id in pending
            self._report.add(Difference(kind, waits, self._folder_id, self._path, remote_id, subject))

    def _look_at(self, rows: Sequence[ItemRow]) -> None:
        by_id = {row.remote_id: row for row in rows}
        self._report.items += len(by_id)
        placed = {
            remote_id: (id, change_key, digest, lacks)
            for remote_id, id, change_key, digest, lacks in select_in(
                "SELECT p.remote_id, p.id, p.change_key, m.sha256, EXISTS (SELECT 1 FROM checkpoint c"
                " WHERE c.folder_id = p.folder_id AND c.with_content) FROM placement p"
                " JOIN message m ON m.id = p.message_id"
                " WHERE p.folder_id = ? AND p.closed IS NULL AND p.remote_id IN ({values})",
                by_id,
                self._folder_id,
            )
        }
        left_out = set(
            select_in(
                "SELECT remote_id FROM unfinished WHERE folder_id = ? AND remote_id IN ({values})",
                by_id,
                self._folder_id,
            )
        )
        for remote_id, row in by_id.items():
            known = placed.get(remote_id)
            if known is not None:
                self._seen.add(known[0])
            if known is None:
                kind = DifferenceKind.MISSING
            elif known[1] != row.change_key:
                kind = DifferenceKind.CHANGED
            elif known[2] is None and known[3]:
                kind = DifferenceKind.WITHOUT_CONTENT
            else:
                self._report.archived += 1
                continue
            if (remote_id,) not in left_out:
                self._found[remote_id] = (kind, row.subject)

    def _look_for_gone(self) -> None:
        count = select("SELECT COUNT(*) FROM placement WHERE folder_id = ? AND closed IS NULL", [self._folder_id])
        if count[0][0] == len(self._seen):
            return
        for id, remote_id, subject in select(
            "SELECT p.id, p.remote_id, m.subject FROM placement p JOIN message m ON m.id = p.message_id"
            " WHERE p.folder_id = ? AND p.closed IS NULL",
            [self._folder_id],
        ):
            if id not in self._seen:
                self._found[remote_id] = (DifferenceKind.GONE, subject)

    def _pending(self) -> set[str] | None:
        """Items that the tasks' checkpoints have still before them; None: all of them."""
        pending = self._doubted()
        for state, enumerating in select(
            "SELECT state, enumerating FROM checkpoint WHERE folder_id = ?", [self._folder_id]
        ):
            if state is None or enumerating:
                return None
            try:
                pending |= self._changed_since(state)
            except SyncStateInvalid:
                return None
        return pending

    def _doubted(self) -> set[str]:
        """What others entered since a task's last pass: its next one closes what came and went in between."""
        rows = select(
            "SELECT p.remote_id FROM placement p JOIN checkpoint c ON c.folder_id = p.folder_id"
            " WHERE p.folder_id = ? AND p.closed IS NULL AND p.opened >"
            ' (SELECT MAX(s.stamp) FROM "pass" s WHERE s.task_id = c.task_id AND s.mailbox_id = c.mailbox_id)',
            [self._folder_id],
        )
        return {remote_id for (remote_id,) in rows}

    def _changed_since(self, state: str) -> set[str]:
        changed: set[str] = set()
        last = False
        while not last:
            page = self._mailbox.item_changes(self._remote_id, state)
            changed.update(row.remote_id for row in page.changed)
            changed.update(remote_id for remote_id, _, _ in page.read_flags)
            changed.update(page.removed)
            state, last = page.state, page.last
        return changed

    def _unfinished(self, *, expected: bool) -> Counter[Reason]:
        rows = select(
            "SELECT reason, COUNT(DISTINCT remote_id) FROM unfinished WHERE folder_id = ? GROUP BY reason",
            [self._folder_id],
        )
        counted = {Reason(reason): number for reason, number in rows}
        return Counter({reason: number for reason, number in counted.items() if explain(reason).expected is expected})


def _tree(mailbox: Mailbox, area: Area) -> list[tuple[str, FolderRow]]:
    """Every folder of an area with its path, in the order of the paths."""
    root = mailbox.root(area)
    folders: dict[str, FolderRow] = {}
    state, last = None, False
    while not last:
        page = mailbox.folder_changes(area, state)
        folders.update((row.remote_id, row) for row in page.changed)
        for remote_id in page.removed:
            folders.pop(remote_id, None)
        state, last = page.state, page.last
    folders.pop(root.remote_id, None)

    def path(row: FolderRow) -> str:
        names, seen = [row.name], {row.remote_id}
        while (above := folders.get(row.parent_id)) is not None and above.remote_id not in seen:
            seen.add(above.remote_id)
            names.append(above.name)
            row = above
        return "/".join(reversed(names))

    return sorted(((path(row), row) for row in folders.values()), key=lambda each: (each[0].casefold(), each[0]))


def _has_calendar(mailbox_id: int, remote_id: str) -> bool:
    """Whether a task replicates the folder as a calendar, which is not compared."""
    rows = select(
        "SELECT 1 FROM calendar c WHERE c.mailbox_id = ? AND c.remote_id = ?"
        " AND EXISTS (SELECT 1 FROM calendar_checkpoint k WHERE k.calendar_id = c.id)",
        [mailbox_id, remote_id],
    )
    return bool(rows)


def _covered(mailbox_id: int, area: Area, remote_id: str) -> int | None:
    """The folder's number where a task replicates it."""
    rows = select(
        "SELECT f.id FROM archive_folder f WHERE f.mailbox_id = ? AND f.area = ? AND f.remote_id = ?"
        " AND EXISTS (SELECT 1 FROM checkpoint c WHERE c.folder_id = f.id)",
        [mailbox_id, area.value, remote_id],
    )
    return rows[0][0] if rows else None
