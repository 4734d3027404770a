"""Tombstones: what was purged from a mailbox's archive is never stored again for that mailbox.

A purged message is known again by its bytes, by its canonical form where the server renders it differently, and,
where only metadata are wanted, by its envelope. Items that were seen to be one are remembered with their change key,
so that they are not fetched again only to be refused.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256

from mse_tui.archive.arrivals import Arrival, Envelope, envelope_of
from mse_tui.archive.statements import execute_many, select, select_in
from mse_tui.exchange.rows import ItemRow


def latest_tombstone(mailbox_id: int) -> int:
    """Grows with each purge from a mailbox; 0: nothing was ever purged from it."""
    return int(select("SELECT COALESCE(MAX(id), 0) FROM tombstone WHERE mailbox_id = ?", (mailbox_id,))[0][0])


def purged_items(mailbox_id: int, rows: Sequence[ItemRow]) -> set[str]:
    """Remote ids of items that were seen to be purged messages and have not changed since."""
    sql = "SELECT remote_id, change_key FROM tombstone_item WHERE mailbox_id = ? AND remote_id IN ({values})"
    known = dict(select_in(sql, [row.remote_id for row in rows], mailbox_id))
    return {row.remote_id for row in rows if known.get(row.remote_id) == row.change_key}


def purged_envelopes(mailbox_id: int, rows: Sequence[ItemRow]) -> dict[str, int]:
    """Remote id -> tombstone of items that show the envelope of a purged message; for items without content."""
    envelopes = {row.remote_id: envelope_digest(envelope_of(row)) for row in rows}
    sql = "SELECT envelope, id FROM tombstone WHERE mailbox_id = ? AND envelope IN ({values})"
    known = {bytes(envelope): tombstone for envelope, tombstone in select_in(sql, envelopes.values(), mailbox_id)}
    return {remote_id: known[each] for remote_id, each in envelopes.items() if each in known}


def purged_contents(mailbox_id: int, offered: Sequence[tuple[ItemRow, Arrival]]) -> dict[str, int]:
    """Remote id -> tombstone of items whose content is that of a purged message, however it is rendered."""
    by_bytes = _by_bytes(mailbox_id, [arrival.sha256 for _, arrival in offered])
    found = {row.remote_id: by_bytes[arrival.sha256] for row, arrival in offered if arrival.sha256 in by_bytes}
    left = {row.remote_id: (row, arrival) for row, arrival in offered if row.remote_id not in found}
    alike = _alike(mailbox_id, [row for row, _ in left.values()])
    for remote_id, (_, arrival) in left.items():
        if candidates := alike.get(remote_id):
            tombstone = candidates.get(None) or candidates.get(arrival.canonical())
            if tombstone is not None:
                found[remote_id] = tombstone
    return found


def remember_items(mailbox_id: int, items: Iterable[tuple[ItemRow, int]]) -> None:
    """Inside a transaction: these items are purged messages, each with its tombstone."""
    execute_many(
        "INSERT INTO tombstone_item (mailbox_id, remote_id, change_key, tombstone_id) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (mailbox_id, remote_id) DO UPDATE SET change_key = excluded.change_key,"
        " tombstone_id = excluded.tombstone_id",
        [(mailbox_id, row.remote_id, row.change_key, tombstone) for row, tombstone in items],
    )


def envelope_digest(envelope: Envelope) -> bytes:
    """An envelope that tells nothing of the message, but is equal for the same message."""
    return sha256("\0".join(str(part) for part in envelope).encode("utf-8", "surrogatepass")).digest()


def _by_bytes(mailbox_id: int, digests: Sequence[bytes]) -> dict[bytes, int]:
    sql = "SELECT sha256, id FROM tombstone WHERE mailbox_id = ? AND sha256 IN ({values})"
    return {bytes(digest): tombstone for digest, tombstone in select_in(sql, digests, mailbox_id)}


def _alike(mailbox_id: int, rows: Sequence[ItemRow]) -> dict[str, dict[bytes | None, int]]:
    """Remote id -> canonical form -> tombstone, of purged messages with the item's envelope.

    A canonical form of None is that of a message whose metadata only were archived: the envelope is all there is.
    """
    envelopes = {row.remote_id: envelope_digest(envelope_of(row)) for row in rows}
    known: dict[bytes, dict[bytes | None, int]] = defaultdict(dict)
    sql = "SELECT envelope, canonical, id FROM tombstone WHERE mailbox_id = ? AND envelope IN ({values})"
    for envelope, canonical, tombstone in select_in(sql, envelopes.values(), mailbox_id):
        known[bytes(envelope)][None if canonical is None else bytes(canonical)] = tombstone
    return {remote_id: known[each] for remote_id, each in envelopes.items() if each in known}
