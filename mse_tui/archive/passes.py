"""A pass: one task's run over one mailbox, resumed under the same id until it has reached its end.

Items and folders seen gone are entered as removals on the way and closed together at the end, with one stamp: an
item that was moved is never nowhere, whatever the order in which its folders were read.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mse_tui.archive.calendar_checkpoints import doubt_what_others_saw, start_calendars_over, were_read
from mse_tui.archive.fence import Fence
from mse_tui.archive.hierarchy import FOLDER_ITSELF, doubt, forget_folder, leaving_folders
from mse_tui.archive.ledger import PassKey, count_submission
from mse_tui.archive.reading import FolderReading
from mse_tui.archive.statements import execute, execute_many, insert_returning, select
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.store.archived import archive_of
from mse_tui.store.database import now, writing
from mse_tui.store.models import to_micros
from mse_tui.terms import Mode


@dataclass(frozen=True, slots=True)
class PassRecord:
    """A pass under way."""

    id: int
    key: PassKey
    began: int
    """Stamp of its first attempt; `key.stamp` is the stamp of this one."""
    mode: Mode


@dataclass(frozen=True, slots=True)
class _Last:
    id: int
    stamp: int
    began: int
    mode: Mode
    completed: bool


def begin_pass(task_id: int, identity: MailboxIdentity, fence: Fence, *, of_folders: bool = True) -> PassRecord:
    """Begin a pass, or resume the one that did not reach its end; in one transaction.

    It is a pass over the mailbox's folders, or over its calendars.
    """
    was_read, doubt_others = (
        (folders_were_read, _doubt_what_others_saw) if of_folders else (were_read, doubt_what_others_saw)
    )
    with writing():
        fence.check()
        mailbox_id, last_stamp = mailbox_record(identity)
        stamp = max(to_micros(now()), last_stamp + 1)
        execute("UPDATE archive_mailbox SET last_stamp = ? WHERE id = ?", (stamp, mailbox_id))
        last = _last_pass(task_id, mailbox_id)
        if last is not None and last.stamp < last_stamp:
            doubt_others(task_id, mailbox_id, last.stamp)
        mode = Mode.DIFFERENTIAL if was_read(task_id, mailbox_id) else Mode.FULL
        if last is None or last.completed:
            pass_id = insert_returning(
                "INSERT INTO pass (task_id, mailbox_id, stamp, began, mode, completed) VALUES (?, ?, ?, ?, ?, ?)"
                " RETURNING id",
                (task_id, mailbox_id, stamp, stamp, mode.value, False),
            )
            return PassRecord(pass_id, PassKey(task_id, mailbox_id, stamp), stamp, mode)
        mode = Mode.FULL if last.mode is Mode.FULL else mode
        execute("UPDATE pass SET stamp = ?, mode = ? WHERE id = ?", (stamp, mode.value, last.id))
        return PassRecord(last.id, PassKey(task_id, mailbox_id, stamp), last.began, mode)


def finish_pass(record: PassRecord, read: Sequence[int], fence: Fence) -> Counter[str]:
    """Close what is gone and complete the pass, in one transaction; returns the counters.

    `read` are the folders that were read to their end and have removals: only theirs are applied.
    """
    key = record.key
    counts: Counter[str] = Counter()
    with writing():
        fence.check()
        leaving = leaving_folders(key.task_id, key.mailbox_id)
        _collect_closing(key.task_id, read, leaving)
        counts["items_moved"], unaccounted = _moves(record)
        counts["items_added"] = -counts["items_moved"]
        counts["items_removed"] = unaccounted
        closed = execute("UPDATE placement SET closed = ? WHERE id IN (SELECT placement_id FROM closing)", (key.stamp,))
        counts["folders_removed"] = _close_folders(key, leaving)
        execute_many(
            "DELETE FROM removal WHERE task_id = ? AND folder_id = ?", [(key.task_id, folder_id) for folder_id in read]
        )
        execute("UPDATE pass SET completed = ? WHERE id = ?", (True, record.id))
        if closed or counts["folders_removed"]:
            count_submission(key.task_id)
            counts["submissions"] += 1
        execute("DELETE FROM closing")
    return counts


def content_complete(task_id: int, folder_id: int) -> None:
    """Note that a folder has all the content that the definition wants, unless some of it is still lacking."""
    if without_content(task_id, folder_id, "", 1):
        return
    execute("UPDATE checkpoint SET with_content = ? WHERE task_id = ? AND folder_id = ?", (True, task_id, folder_id))


def without_content(task_id: int, folder_id: int, after: str, limit: int) -> list[str]:
    """Remote ids of items in a folder that have no content yet and did not fail; in order, the next after one."""
    rows = select(
        "SELECT p.remote_id FROM placement p JOIN message m ON m.id = p.message_id"
        " WHERE p.folder_id = ? AND p.closed IS NULL AND p.remote_id > ? AND m.sha256 IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM unfinished u"
        "  WHERE u.task_id = ? AND u.folder_id = p.folder_id AND u.remote_id = p.remote_id)"
        " ORDER BY p.remote_id LIMIT ?",
        (folder_id, after, task_id, limit),
    )
    return [row[0] for row in rows]


def restart_folder(key: PassKey, folder: FolderReading, fence: Fence) -> None:
    """The server refused a folder's state: read it from the beginning, keep its history."""
    with writing():
        fence.check()
        execute(
            "UPDATE checkpoint SET state = NULL, enumerating = ?, batch = batch + 1 WHERE id = ?",
            (True, folder.checkpoint_id),
        )
        execute("DELETE FROM unfinished WHERE task_id = ? AND folder_id = ?", (key.task_id, folder.folder_id))
        doubt(key.task_id, [folder.folder_id])
    folder.state, folder.enumerating, folder.has_removals = None, True, True
    folder.batch += 1
    folder.unfinished.clear()


def start_over(task_id: int) -> None:
    """Full resync: the task's next pass over each mailbox reads everything again and reconciles; history stays."""
    with writing():
        execute(
            "UPDATE checkpoint SET state = NULL, enumerating = ?, batch = batch + 1 WHERE task_id = ?", (True, task_id)
        )
        start_calendars_over(task_id)


def mailbox_record(identity: MailboxIdentity) -> tuple[int, int]:
    """The mailbox's id and its last stamp; its address and name are brought up to date."""
    mailbox_id = archive_of(identity.guid, identity.address, identity.display_name)
    return mailbox_id, select("SELECT last_stamp FROM archive_mailbox WHERE id = ?", (mailbox_id,))[0][0]


def _last_pass(task_id: int, mailbox_id: int) -> _Last | None:
    rows = select(
        "SELECT id, stamp, began, mode, completed FROM pass WHERE task_id = ? AND mailbox_id = ?"
        " ORDER BY id DESC LIMIT 1",
        (task_id, mailbox_id),
    )
    return _Last(rows[0][0], rows[0][1], rows[0][2], Mode(rows[0][3]), bool(rows[0][4])) if rows else None


def folders_were_read(task_id: int, mailbox_id: int) -> bool:
    """Whether the task has read the mailbox's primary hierarchy before, and was not told to start over."""
    return bool(
        select(
            "SELECT 1 FROM checkpoint WHERE task_id = ? AND mailbox_id = ? AND area = 'primary'"
            " AND folder_id IS NULL AND state IS NOT NULL",
            (task_id, mailbox_id),
        )
    )


def _doubt_what_others_saw(task_id: int, mailbox_id: int, since: int) -> None:
    """Items that other tasks entered since this one's last pass are news to it.

    Its own changes will show those that are still there; one that came and went in between would show nowhere.
    What this task could not or would not enter itself is looked at again anyway.
    """
    execute(
        "INSERT INTO removal (task_id, folder_id, remote_id)"
        " SELECT c.task_id, p.folder_id, p.remote_id FROM checkpoint c"
        " JOIN placement p ON p.folder_id = c.folder_id AND p.closed IS NULL AND p.opened > ?"
        " WHERE c.task_id = ? AND c.mailbox_id = ? AND NOT EXISTS (SELECT 1 FROM unfinished u"
        "  WHERE u.task_id = c.task_id AND u.folder_id = p.folder_id AND u.remote_id = p.remote_id)"
        " ON CONFLICT DO NOTHING",
        (since, task_id, mailbox_id),
    )


def _collect_closing(task_id: int, read: Sequence[int], leaving: Sequence[int]) -> None:
    """Put the placements to be closed into a temporary table: there may be a million."""
    execute("CREATE TEMP TABLE IF NOT EXISTS closing (placement_id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL)")
    execute("DELETE FROM closing")
    execute_many(
        "INSERT INTO closing SELECT p.id, p.message_id FROM removal r JOIN placement p"
        " ON p.folder_id = r.folder_id AND p.remote_id = r.remote_id AND p.closed IS NULL"
        " WHERE r.task_id = ? AND r.folder_id = ?",
        [(task_id, folder_id) for folder_id in read],
    )
    execute_many(
        "INSERT INTO closing SELECT id, message_id FROM placement WHERE folder_id = ? AND closed IS NULL"
        " ON CONFLICT DO NOTHING",
        [(folder_id,) for folder_id in leaving],
    )


def _moves(record: PassRecord) -> tuple[int, int]:
    """(items that this attempt added and that were moved, items that are gone from the mailbox).

    A placement that ends was moved if its message got another one in this pass; each new one accounts for one.
    """
    rows = select(
        "SELECT c.gone,"
        " (SELECT COUNT(*) FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        "  WHERE p.message_id = c.message_id AND f.mailbox_id = ? AND p.closed IS NULL AND p.opened >= ?"
        "  AND p.id NOT IN (SELECT placement_id FROM closing)),"
        " (SELECT COUNT(*) FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        "  WHERE p.message_id = c.message_id AND f.mailbox_id = ? AND p.closed IS NULL AND p.opened = ?"
        "  AND p.id NOT IN (SELECT placement_id FROM closing))"
        " FROM (SELECT message_id, COUNT(*) AS gone FROM closing GROUP BY message_id) c",
        (record.key.mailbox_id, record.began, record.key.mailbox_id, record.key.stamp),
    )
    moved = sum(min(gone, now_opened) for gone, _, now_opened in rows)
    removed = sum(max(0, gone - opened) for gone, opened, _ in rows)
    return moved, removed


def _close_folders(key: PassKey, leaving: Sequence[int]) -> int:
    """Close the folders that are gone, and forget how far this task had read them."""
    closed = execute_many(
        "UPDATE folder_place SET closed = ? WHERE folder_id = ? AND closed IS NULL",
        [(key.stamp, folder_id) for folder_id in leaving],
    )
    for folder_id in leaving:
        forget_folder(key.task_id, folder_id)
        execute(
            "DELETE FROM removal WHERE task_id = ? AND folder_id = ? AND remote_id = ?",
            (key.task_id, folder_id, FOLDER_ITSELF),
        )
    return closed
