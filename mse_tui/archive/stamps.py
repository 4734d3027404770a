"""Folder-based retention stamps as the archive keeps them: what tasks' policies say of a message in a mailbox."""

from collections.abc import Iterable

from mse_tui.archive.statements import execute_many


def carry_over(replaced: Iterable[tuple[int, int]]) -> None:
    """Inside a transaction: stamps and holds of messages without content go on to those that now have it.

    `replaced` are (old message, new message); an old one may have become several.
    """
    pairs = list(replaced)
    execute_many(
        "INSERT INTO retention_stamp (mailbox_id, message_id, task, definition, definition_name, content, policy,"
        " stamped, expire_view, purge, original_purge, ended) SELECT mailbox_id, ?, task, definition, definition_name,"
        " content, policy, stamped, expire_view, purge, original_purge, ended FROM retention_stamp"
        " WHERE message_id = ? ON CONFLICT DO NOTHING",
        [(new, old) for old, new in pairs],
    )
    execute_many(
        "INSERT INTO hold (name, scope, message_id, search, placed, placed_by, lifted, lifted_by)"
        " SELECT name, scope, ?, search, placed, placed_by, lifted, lifted_by FROM hold WHERE message_id = ?",
        [(new, old) for old, new in pairs],
    )
    gone = [(old, old) for old, _ in pairs]
    unplaced = " WHERE message_id = ? AND NOT EXISTS (SELECT 1 FROM placement WHERE message_id = ?)"
    for table in ("retention_stamp", "hold", "quarantine"):
        execute_many(f"DELETE FROM {table}{unplaced}", gone)  # noqa: S608 (table names of this module)
