"""The ledger: one transaction a batch that enters what was seen of a mailbox, exactly once.

What a batch brings is packed and forced to disk first; then one transaction checks the fence, compares and sets the
checkpoints' batch numbers, seals the pack, and enters messages, placements, states and the task's sequence.
Nothing is ever erased: a placement that is over gets its end. What was purged is not let in again.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from peewee import DatabaseError

from mse_tui.archive.arrivals import Offered, Resolution, envelope_of, resolve
from mse_tui.archive.fence import Fence
from mse_tui.archive.packs import Packs, PackSeal, seal
from mse_tui.archive.planning import Current, Messages, Plan, Planner, description
from mse_tui.archive.reading import Entry, FolderPart, Tally
from mse_tui.archive.stamps import carry_over
from mse_tui.archive.statements import execute, execute_many, insert_returning, select, select_in
from mse_tui.archive.tombstones import latest_tombstone, purged_contents, purged_envelopes, remember_items
from mse_tui.exchange.rows import ItemRow
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import as_problem, writing

log = logging.getLogger(__name__)

_ATTEMPTS = 3

Known = list[dict[str, Current]]
"""For each part of a batch, the open placements of its items by remote id."""


@dataclass(frozen=True, slots=True)
class PassKey:
    """Which pass a batch belongs to."""

    task_id: int
    mailbox_id: int
    stamp: int


class _Outdated(Exception):
    """Something was purged meanwhile: content that was to be reused may no longer be there. Resolve again."""


class Ledger:
    """Enters one pass of one task over one mailbox. For the run's own thread."""

    def __init__(self, key: PassKey, packs: Packs, fence: Fence, *, wants_content: bool) -> None:
        self.key = key
        self._packs = packs
        self._fence = fence
        self._wants_content = wants_content

    def commit(self, parts: Sequence[FolderPart]) -> Tally:
        """Enter a batch of one part a folder. Raises Problem lease-lost, disk-full, archive-unreadable, ...

        After an error nothing of the batch is entered, and the folders' readings are as before.
        """
        try:
            for _ in range(_ATTEMPTS):
                known = [_known(part) for part in parts]
                refused = _refuse_purged(self.key.mailbox_id, parts, known, wants_content=self._wants_content)
                resolution = resolve(self.key.mailbox_id, _offered(parts, known), self._packs)
                try:
                    return self._enter(parts, known, refused, resolution, self._pack(resolution))
                except _Outdated:
                    log.info("Content that a batch reuses was moved or purged meanwhile; it is looked at again")
        except DatabaseError as error:
            raise as_problem(error) or error from error
        raise Problem(Reason.CONTENT_MISSING, "Content that new items share kept disappearing from the archive.")

    def _pack(self, resolution: Resolution) -> PackSeal | None:
        if not resolution.new:
            return None
        with self._packs.writer() as writer:
            for digest, offered in resolution.new.items():
                writer.add(offered.arrival.rewound(), size=offered.arrival.size, sha256=digest)
            return writer.finish()

    def _enter(
        self,
        parts: Sequence[FolderPart],
        known: Known,
        refused: "_Refused",
        resolution: Resolution,
        pack: PackSeal | None,
    ) -> Tally:
        submits = any(part.submits and part.folder.checkpoint_id is not None for part in parts)
        whole = False
        try:
            with writing():
                self._fence.check()
                _advance(parts)
                if latest_tombstone(self.key.mailbox_id) != refused.latest:
                    raise _Outdated
                _hold(resolution)
                if pack is not None:
                    seal(pack)
                messages = Messages(_enter_messages(resolution), _Bare(self.key.mailbox_id, parts, known))
                planner = Planner(self.key.task_id, self.key.stamp, messages, wants_content=self._wants_content)
                for part, current in zip(parts, known, strict=True):
                    planner.add(part, current)
                _apply(planner.plan)
                remember_items(self.key.mailbox_id, refused.items)
                if submits:
                    count_submission(self.key.task_id)
                whole = True
        except DatabaseError as error:
            if not (whole and _committed(parts)):
                raise
            log.warning("A commit was reported as failed, but is in the database: %s", error)
        _follow(parts, planner.plan)
        planner.tally.counts["submissions"] += submits
        return planner.tally


def count_submission(task_id: int) -> None:
    """Inside a transaction that submits: the task's sequence grows by one."""
    execute("UPDATE task SET sequence = sequence + 1 WHERE id = ?", (task_id,))


def current_placements(folder_id: int, remote_ids: Iterable[str]) -> dict[str, Current]:
    """Open placements of these items in a folder, by remote id."""
    sql = (
        "SELECT p.remote_id, p.id, p.message_id, p.change_key, p.item_class, p.sensitivity, p.received, p.is_read,"
        " p.flag, p.categories, p.importance, m.sha256 IS NOT NULL, m.internet_message_id, m.subject, m.sender, m.sent"
        " FROM placement p JOIN message m ON m.id = p.message_id"
        " WHERE p.closed IS NULL AND p.folder_id = ? AND p.remote_id IN ({values})"
    )
    return {
        row[0]: Current(row[1], row[2], row[3], (*row[4:7], bool(row[7]), *row[8:11]), bool(row[11]), row[12:16])
        for row in select_in(sql, remote_ids, folder_id)
    }


def lacking(folder_id: int, rows: Sequence[ItemRow]) -> set[str]:
    """Of the items listed, those whose content the archive does not have as they are now."""
    sql = (
        "SELECT p.remote_id, p.change_key FROM placement p JOIN message m ON m.id = p.message_id"
        " WHERE m.sha256 IS NOT NULL AND p.closed IS NULL AND p.folder_id = ? AND p.remote_id IN ({values})"
    )
    had = dict(select_in(sql, [row.remote_id for row in rows], folder_id))
    return {row.remote_id for row in rows if had.get(row.remote_id) != row.change_key}


def _known(part: FolderPart) -> dict[str, Current]:
    ids = [entry.row.remote_id for entry in part.entries]
    ids += [remote_id for remote_id, _, _ in part.read_flags]
    return current_placements(part.folder.folder_id, ids + part.removed)


@dataclass(slots=True)
class _Refused:
    """Items of a batch that are purged messages, each with its tombstone."""

    latest: int
    """The mailbox's latest tombstone when they were looked for."""
    items: list[tuple[ItemRow, int]] = field(default_factory=list)


def _refuse_purged(mailbox_id: int, parts: Sequence[FolderPart], known: Known, *, wants_content: bool) -> _Refused:
    """Let the entries that are purged messages be skipped, and take their content away."""
    refused = _Refused(latest_tombstone(mailbox_id))
    if not refused.latest:
        return refused
    entries = {entry.row.remote_id: entry for part in parts for entry in part.entries}
    offered = [(entry.row, entry.arrival) for entry in entries.values() if entry.arrival is not None]
    tombstones = purged_contents(mailbox_id, offered)
    if not wants_content:
        current = {remote_id for each in known for remote_id in each}
        bare = [entry.row for entry in entries.values() if entry.arrival is None and not _is_known(entry, current)]
        tombstones.update(purged_envelopes(mailbox_id, bare))
    for remote_id, tombstone in tombstones.items():
        entry = entries[remote_id]
        entry.arrival, entry.skipped = None, Reason.PURGED
        refused.items.append((entry.row, tombstone))
    return refused


def _is_known(entry: Entry, current: set[str]) -> bool:
    return entry.row.remote_id in current or entry.skipped is not None or entry.failure is not None


def _offered(parts: Sequence[FolderPart], known: Known) -> list[Offered]:
    offered = []
    for part, current in zip(parts, known, strict=True):
        for entry in part.entries:
            if entry.arrival is not None:
                own = current.get(entry.row.remote_id)
                message = own.message if own is not None and own.has_content else None
                offered.append(Offered(entry.row, entry.arrival, message))
    return offered


def _advance(parts: Sequence[FolderPart]) -> None:
    """Compare and set every folder's batch number, with its state where the page is whole."""
    rows = []
    for part in parts:
        folder = part.folder
        if folder.checkpoint_id is None:
            continue
        state = folder.state if part.state is None else part.state
        enumerating = folder.enumerating and not (part.last and part.state is not None)
        rows.append((state, enumerating, folder.checkpoint_id, folder.batch))
    touched = execute_many(
        "UPDATE checkpoint SET batch = batch + 1, state = ?, enumerating = ? WHERE id = ? AND batch = ?", rows
    )
    if touched != len(rows):
        raise Problem(Reason.LEASE_LOST, "Another run has moved a folder of this mailbox on; this one ends.")


def _hold(resolution: Resolution) -> None:
    """Content that is reused must not have gone since it was looked up; from here on it can't."""
    reused = set(resolution.known.values())
    sql = "SELECT m.id FROM message m JOIN blob b ON b.sha256 = m.sha256 WHERE m.id IN ({values})"
    if reused and {row[0] for row in select_in(sql, reused)} != reused:
        raise _Outdated


def _enter_messages(resolution: Resolution) -> dict[bytes, int]:
    """Insert what is new, unless another mailbox's run was first; digest -> message for all of the batch."""
    execute_many(
        "INSERT INTO message (sha256, size, internet_message_id, subject, sender, recipients, sent, has_attachments,"
        " canonical) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
        [
            (digest, new.arrival.size, *description(new.row), resolution.canonical.get(digest))
            for digest, new in resolution.new.items()
        ],
    )
    learned = [(canonical, message) for message, canonical in resolution.learned.items()]
    execute_many("UPDATE message SET canonical = ? WHERE id = ?", learned)
    by_digest = dict(resolution.known)
    entered = select_in("SELECT sha256, id FROM message WHERE sha256 IN ({values})", resolution.new)
    by_digest.update((bytes(digest), message) for digest, message in entered)
    by_digest.update((digest, by_digest[same]) for digest, same in resolution.alias.items())
    return by_digest


class _Bare:
    """Messages kept without content: found by all that they show, else entered."""

    def __init__(self, mailbox_id: int, parts: Sequence[FolderPart], known: Known) -> None:
        rows = [
            entry.row
            for part, current in zip(parts, known, strict=True)
            for entry in part.entries
            if entry.arrival is None
            and entry.original is None
            and entry.skipped is None
            and entry.row.remote_id not in current
        ]
        self._found = _bare_messages(mailbox_id, rows)

    def __call__(self, row: ItemRow) -> int:
        key = (*envelope_of(row), row.size)
        message = self._found.get(key)
        if message is None:
            message = self._found[key] = insert_returning(
                "INSERT INTO message (size, internet_message_id, subject, sender, recipients, sent, has_attachments)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (row.size, *description(row)),
            )
        return message


def _bare_messages(mailbox_id: int, rows: Sequence[ItemRow]) -> dict[tuple[object, ...], int]:
    """Messages of this mailbox without content that show what one of the items shows: it may have been moved."""
    base = (
        "SELECT m.internet_message_id, m.subject, m.sender, m.sent, m.size, m.id FROM message m"
        " WHERE m.sha256 IS NULL AND EXISTS (SELECT 1 FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        " WHERE p.message_id = m.id AND f.mailbox_id = ?)"
    )
    ids = {row.message_id for row in rows} - {""}
    subjects = {row.subject for row in rows if not row.message_id}
    found = [
        *select_in(base + " AND m.internet_message_id IN ({values})", ids, mailbox_id),
        *select_in(base + " AND m.internet_message_id = '' AND m.subject IN ({values})", subjects, mailbox_id),
    ]
    return {tuple(row[:5]): row[5] for row in found}


def _apply(plan: Plan) -> None:
    execute_many("UPDATE placement SET closed = ? WHERE id = ?", plan.closed)
    execute_many(_INSERT_PLACEMENT, plan.opened)
    execute_many(_UPDATE_PLACEMENT, plan.changed)
    execute_many("UPDATE placement SET message_id = ? WHERE id = ?", plan.pointed)
    execute_many(_UPDATE_MESSAGE, plan.described)
    execute_many("UPDATE placement SET is_read = ?, change_key = ? WHERE id = ?", plan.read)
    execute_many(_DELETE_REMOVAL, plan.present)
    execute_many(_INSERT_REMOVAL, plan.removals)
    execute_many(_DELETE_UNFINISHED, plan.settled)
    execute_many(_PUT_UNFINISHED, plan.unfinished)
    carry_over(plan.bared)
    execute_many(_DELETE_BARED, [(bare, bare) for bare, _ in plan.bared])


_INSERT_PLACEMENT = (
    "INSERT INTO placement (folder_id, remote_id, message_id, change_key, item_class, sensitivity, received, is_read,"
    " flag, categories, importance, opened) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_PLACEMENT = (
    "UPDATE placement SET change_key = ?, item_class = ?, sensitivity = ?, received = ?, is_read = ?, flag = ?,"
    " categories = ?, importance = ? WHERE id = ?"
)
_UPDATE_MESSAGE = (
    "UPDATE message SET internet_message_id = ?, subject = ?, sender = ?, recipients = ?, sent = ?,"
    " has_attachments = ? WHERE id = ?"
)
_INSERT_REMOVAL = "INSERT INTO removal (task_id, folder_id, remote_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_DELETE_REMOVAL = "DELETE FROM removal WHERE task_id = ? AND folder_id = ? AND remote_id = ?"
_DELETE_UNFINISHED = "DELETE FROM unfinished WHERE task_id = ? AND folder_id = ? AND remote_id = ?"
_PUT_UNFINISHED = (
    "INSERT INTO unfinished (task_id, folder_id, remote_id, reason, message, subject, attempts, first_seen)"
    " VALUES (?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT (task_id, folder_id, remote_id) DO UPDATE SET"
    " reason = excluded.reason, message = excluded.message, subject = excluded.subject, attempts = attempts + 1"
)
_DELETE_BARED = (
    "DELETE FROM message WHERE id = ? AND sha256 IS NULL AND NOT EXISTS (SELECT 1 FROM placement WHERE message_id = ?)"
)


def _committed(parts: Sequence[FolderPart]) -> bool:
    """After a commit whose outcome is unknown: did it happen? The batch number tells."""
    folder = parts[0].folder
    if folder.checkpoint_id is None:
        return False
    rows = select("SELECT batch FROM checkpoint WHERE id = ?", (folder.checkpoint_id,))
    return bool(rows) and rows[0][0] == folder.batch + 1


def _follow(parts: Sequence[FolderPart], plan: Plan) -> None:
    """Bring the folders' readings in step with what was committed."""
    folders = {part.folder.folder_id: part.folder for part in parts}
    for part in parts:
        part.folder.batch += 1
        if part.state is not None:
            part.folder.state = part.state
            part.folder.enumerating = part.folder.enumerating and not part.last
    for _, folder_id, remote_id in plan.settled:
        folders[folder_id].unfinished.pop(remote_id, None)
    for _, folder_id, remote_id, reason, *_ in plan.unfinished:
        folders[folder_id].unfinished[remote_id] = Reason(reason)
    for _, folder_id, _ in plan.removals:
        folders[folder_id].has_removals = True
