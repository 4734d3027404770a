"""The end of a purged message: its places go, a record and tombstones stay, its bytes are left to compaction."""

import json
from dataclasses import dataclass
from datetime import datetime

from mse_tui.archive.statements import execute, execute_many, insert_returning, select
from mse_tui.archive.tombstones import envelope_digest
from mse_tui.reasons import Reason
from mse_tui.store.models import to_micros


@dataclass(frozen=True, slots=True)
class Buried:
    """What is said of a message in the record of its purge."""

    message_id: int
    canonical: bytes | None
    """Its canonical digest; None for a message without content."""
    because: str
    quarantined: datetime
    purged: datetime


def bury(buried: Buried) -> None:
    """Inside a transaction: a message leaves the archive in every mailbox that had it, for good.

    Items of it that still lie in Exchange are entered as skipped with each task that reads their folder. Records of
    stubs that are no more go with it; records of expiry and lifted holds lose their reference to it. What it said is
    kept nowhere.
    """
    (message,) = select(
        "SELECT sha256, size, internet_message_id, subject, sender, sent FROM message WHERE id = ?",
        (buried.message_id,),
    )
    sha256, size, *envelope = message
    record_id = _record(buried, sha256, size)
    for (mailbox_id,) in select(
        "SELECT DISTINCT f.mailbox_id FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        " WHERE p.message_id = ?",
        (buried.message_id,),
    ):
        tombstone_id = insert_returning(
            "INSERT INTO tombstone (mailbox_id, record_id, sha256, canonical, envelope) VALUES (?, ?, ?, ?, ?)"
            " RETURNING id",
            (mailbox_id, record_id, sha256, buried.canonical, envelope_digest(tuple(envelope))),
        )
        _skip_items(buried, mailbox_id, tombstone_id)
    execute("UPDATE expiry SET message_id = NULL WHERE message_id = ?", (buried.message_id,))
    for table in ("placement", "retention_stamp", "quarantine", "stub"):
        execute(f"DELETE FROM {table} WHERE message_id = ?", (buried.message_id,))  # noqa: S608
    execute("DELETE FROM message WHERE id = ?", (buried.message_id,))


def newest_record() -> int:
    """Another one than before: something was purged since."""
    return int(select("SELECT COALESCE(MAX(id), 0) FROM purge_record")[0][0])


def _record(buried: Buried, sha256: bytes | None, size: int) -> int:
    places = select(
        "SELECT DISTINCT m.address, p.received FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        " JOIN archive_mailbox m ON m.id = f.mailbox_id WHERE p.message_id = ? ORDER BY m.address",
        (buried.message_id,),
    )
    addresses = list(dict.fromkeys(address for address, _ in places))
    received = max((received for _, received in places if received is not None), default=None)
    return insert_returning(
        "INSERT INTO purge_record (sha256, size, received, mailboxes, because, quarantined, purged)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            sha256,
            size,
            received,
            json.dumps(addresses),
            buried.because,
            to_micros(buried.quarantined),
            to_micros(buried.purged),
        ),
    )


def _skip_items(buried: Buried, mailbox_id: int, tombstone_id: int) -> None:
    """Its items in the mailbox are known as purged, and skipped by every task that reads their folders."""
    items = select(
        "SELECT p.folder_id, p.remote_id, p.change_key FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        " WHERE p.message_id = ? AND f.mailbox_id = ? AND p.closed IS NULL",
        (buried.message_id, mailbox_id),
    )
    execute_many(
        "INSERT INTO tombstone_item (mailbox_id, remote_id, change_key, tombstone_id) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (mailbox_id, remote_id) DO UPDATE SET change_key = excluded.change_key,"
        " tombstone_id = excluded.tombstone_id",
        [(mailbox_id, remote_id, change_key, tombstone_id) for _, remote_id, change_key in items],
    )
    execute_many(
        "INSERT INTO unfinished (task_id, folder_id, remote_id, reason, message, subject, attempts, first_seen)"
        " SELECT DISTINCT c.task_id, c.folder_id, ?, ?, '', '', 1, ? FROM checkpoint c WHERE c.folder_id = ?"
        " ON CONFLICT (task_id, folder_id, remote_id) DO UPDATE SET reason = excluded.reason, subject = ''",
        [(remote_id, Reason.PURGED.value, to_micros(buried.purged), folder_id) for folder_id, remote_id, _ in items],
    )
