"""What a batch means for the ledger: decided item by item in memory, written in bulk.

Nothing here reads or writes the database, except for messages kept without content, which get their ids at once.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from mse_tui.archive.arrivals import Envelope, envelope_of
from mse_tui.archive.reading import Entry, FolderPart, FolderReading, Tally
from mse_tui.exchange.rows import ItemFailure, ItemRow
from mse_tui.reasons import Reason
from mse_tui.store.models import to_micros

ItemKey = tuple[int, int, str]
"""Task, folder, remote id."""


@dataclass(frozen=True, slots=True)
class Current:
    """An open placement, as far as a new look at its item compares with it."""

    id: int
    message: int
    change_key: str
    traits: tuple[object, ...]
    has_content: bool
    envelope: Envelope


@dataclass(slots=True)
class Plan:
    """Rows for the statements of one transaction."""

    closed: list[tuple[int, int]] = field(default_factory=list)
    opened: list[tuple[object, ...]] = field(default_factory=list)
    changed: list[tuple[object, ...]] = field(default_factory=list)
    pointed: list[tuple[int, int]] = field(default_factory=list)
    described: list[tuple[object, ...]] = field(default_factory=list)
    read: list[tuple[object, ...]] = field(default_factory=list)
    removals: list[ItemKey] = field(default_factory=list)
    present: list[ItemKey] = field(default_factory=list)
    unfinished: list[tuple[int, int, str, str, str, str, int]] = field(default_factory=list)
    settled: list[ItemKey] = field(default_factory=list)
    bared: set[tuple[int, int]] = field(default_factory=set)
    """(message without content that lost a placement, the message with content that got it)"""


@dataclass(frozen=True, slots=True)
class Messages:
    """Which message an entry has."""

    by_digest: dict[bytes, int]
    bare: Callable[[ItemRow], int]
    """The message kept without content that an item is, by all that it shows."""


class Planner:
    """Plans one batch of one task's pass; `tally` and `plan` are its result."""

    def __init__(self, task_id: int, stamp: int, messages: Messages, *, wants_content: bool) -> None:
        self.tally = Tally()
        self.plan = Plan()
        self._task_id = task_id
        self._stamp = stamp
        self._messages = messages
        self._wants_content = wants_content

    def add(self, part: FolderPart, known: dict[str, Current]) -> None:
        """Take one folder's part into the plan; `known` are the open placements of its items."""
        folder = part.folder
        for entry in part.entries:
            self._seen(folder, entry, known.get(entry.row.remote_id))
        for read_flag in part.read_flags:
            self._read_flag(folder, read_flag, known.get(read_flag[0]))
        for remote_id in part.removed:
            key = (self._task_id, folder.folder_id, remote_id)
            if remote_id in known:
                self.plan.removals.append(key)
            if remote_id in folder.unfinished:
                self.plan.settled.append(key)

    def _seen(self, folder: FolderReading, entry: Entry, current: Current | None) -> None:
        row = entry.row
        key = self._present(folder, row.remote_id)
        if entry.skipped is not None:
            self._leave(key, entry.skipped, "", row.subject)
            self.tally.skipped[entry.skipped] += 1
            if current is not None:
                self._update_traits(row, current, current.change_key)
        elif entry.failure is not None:
            self._failed(folder, key, entry.failure, row.subject)
        elif (message := self._message_of(entry, current)) is not None:
            self._settle(folder, key)
            self.tally.counts[self._place(folder, entry, current, message)] += 1
        elif current is not None:
            self._settle(folder, key)
            self.tally.counts[self._look_again(row, current)] += 1
        else:
            failure = ItemFailure(row.remote_id, Reason.INTERNAL, "The item's content was not asked for.")
            self._failed(folder, key, failure, row.subject)

    def _message_of(self, entry: Entry, current: Current | None) -> int | None:
        """The message of an item that has content, or that is known by what it shows only; else None.

        A stub stays the message that it stands for.
        """
        if entry.original is not None:
            return entry.original
        if entry.arrival is not None:
            self.tally.size += entry.arrival.size
            return self._messages.by_digest[entry.arrival.sha256]
        if self._wants_content:
            return None
        if current is None or (not current.has_content and envelope_of(entry.row) != current.envelope):
            return self._messages.bare(entry.row)
        return None

    def _place(self, folder: FolderReading, entry: Entry, current: Current | None, message: int) -> str:
        """The item is this message; returns the counter of what that means."""
        row = entry.row
        if current is None:
            self._open(folder, row, message)
            return "items_added"
        if current.message == message:
            if current.change_key != row.change_key and entry.original is None:
                self.plan.described.append((*description(row), message))
            return "items_changed" if self._update_traits(row, current, row.change_key) else "items_known"
        if not current.has_content and self._wants_content:
            self.plan.pointed.append((message, current.id))
            self.plan.bared.add((current.message, message))
            self._update_traits(row, current, row.change_key)
            return "items_changed"
        self.plan.closed.append((self._stamp, current.id))
        self._open(folder, row, message)
        return "items_changed"

    def _look_again(self, row: ItemRow, current: Current) -> str:
        """A known item whose content was not fetched: because it is unchanged, or because nobody wants it.

        Without having fetched it, the change key of content that the archive has is never moved on.
        """
        keep = current.has_content and not self._wants_content
        changed = self._update_traits(row, current, current.change_key if keep else row.change_key)
        return "items_changed" if changed else "items_known"

    def _update_traits(self, row: ItemRow, current: Current, change_key: str) -> bool:
        shown = traits(row)
        if shown == current.traits and change_key == current.change_key:
            return False
        self.plan.changed.append((change_key, *shown, current.id))
        return True

    def _open(self, folder: FolderReading, row: ItemRow, message: int) -> None:
        self.plan.opened.append((folder.folder_id, row.remote_id, message, row.change_key, *traits(row), self._stamp))

    def _read_flag(self, folder: FolderReading, read_flag: tuple[str, str, bool], current: Current | None) -> None:
        remote_id, change_key, is_read = read_flag
        key = self._present(folder, remote_id)
        reason = folder.unfinished.get(remote_id)
        if current is None:
            self.tally.skipped[reason or Reason.ITEM_NOT_FOUND] += 1
            if reason is None:
                self._leave(key, Reason.ITEM_NOT_FOUND, "The archive does not have this item yet.", "")
            return
        keep = reason is not None or (current.has_content and not self._wants_content)
        self.plan.read.append((is_read, current.change_key if keep else change_key, current.id))
        self.tally.counts["items_changed"] += 1

    def _failed(self, folder: FolderReading, key: ItemKey, failure: ItemFailure, subject: str) -> None:
        """An item that went between listing and fetching is no fault; it is looked at again all the same."""
        self._leave(key, failure.reason, failure.message, subject)
        if failure.reason is Reason.ITEM_NOT_FOUND:
            self.tally.skipped[failure.reason] += 1
        else:
            self.tally.failed.append((f"{folder.path}: {subject}", failure.reason, failure.message))

    def _present(self, folder: FolderReading, remote_id: str) -> ItemKey:
        key = (self._task_id, folder.folder_id, remote_id)
        if folder.has_removals:
            self.plan.present.append(key)
        return key

    def _leave(self, key: ItemKey, reason: Reason, message: str, subject: str) -> None:
        self.plan.unfinished.append((*key, reason.value, message, subject, self._stamp))

    def _settle(self, folder: FolderReading, key: ItemKey) -> None:
        if key[2] in folder.unfinished:
            self.plan.settled.append(key)


def traits(row: ItemRow) -> tuple[object, ...]:
    """What a placement shows of its item, as stored."""
    return (
        row.item_class,
        row.sensitivity,
        to_micros(row.received) if row.received is not None else None,
        row.is_read,
        row.flag,
        json.dumps(row.categories, ensure_ascii=False) if row.categories else "[]",
        row.importance,
    )


def description(row: ItemRow) -> tuple[object, ...]:
    """What a message shows of its content, as stored."""
    message_id, subject, sender, sent = envelope_of(row)
    return message_id, subject, sender, row.recipients, sent, row.has_attachments
