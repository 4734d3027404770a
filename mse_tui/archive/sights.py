"""What somebody may read, as a condition on placements: the rules of `access`, where messages are listed."""

import json
from typing import Any

from mse_tui.access.rights import Standing
from mse_tui.access.sight import Sight
from mse_tui.archive.holds import held_anywhere
from mse_tui.archive.statements import select
from mse_tui.store.database import now
from mse_tui.store.models import to_micros
from mse_tui.terms import PRIVATE_SENSITIVITIES

_LISTED = "(SELECT value FROM json_each(?))"
"""Numbers in a JSON list: one parameter, however many they are."""
_PRIVATE = ", ".join(f"'{word}'" for word in PRIVATE_SENSITIVITIES)


def may_be_read(sight: Sight, table: str) -> tuple[str, list[Any]]:
    """The SQL condition on placements of the sight's mailbox, called `table`, and its parameters.

    A person reads nothing that retention has taken out of the owner's view; an administrator does.

    A delegate reads no message that is private in any folder of the mailbox, and in history none that went on to a
    folder that the delegate may not read: what its owner moved away is out of reach, wherever it lay before.
    """
    if sight.standing is Standing.ADMINISTRATOR:
        return "1", []
    if sight.standing is Standing.NOBODY:
        return "0", []
    in_view, moment = _in_view(sight.mailbox_id, table)
    if sight.standing is Standing.OWNER:
        return in_view, moment
    here, folders = _folders(sight, f"{table}.folder_id")
    elsewhere, _ = _folders(sight, "later.folder_id")
    same = "FROM placement later JOIN archive_folder lf ON lf.id = later.folder_id WHERE later.message_id ="
    condition = (
        f"{here} AND NOT EXISTS (SELECT 1 {same} {table}.message_id AND lf.mailbox_id = ?"
        f" AND LOWER(later.sensitivity) IN ({_PRIVATE}))"
        f" AND ({table}.closed IS NULL OR NOT EXISTS (SELECT 1 {same} {table}.message_id AND lf.mailbox_id = ?"
        f" AND (later.closed IS NULL OR later.closed > {table}.closed) AND NOT ({elsewhere})))"
    )
    return f"{condition} AND {in_view}", [*folders, sight.mailbox_id, sight.mailbox_id, *folders, *moment]


def _in_view(mailbox_id: int, table: str) -> tuple[str, list[Any]]:
    """The condition that retention has not taken a placement's message out of its owner's view.

    Nothing that is on hold has left it; most mailboxes have nothing that has.
    """
    moment = to_micros(now())
    expired = [
        row[0]
        for row in select(
            "SELECT message_id FROM retention_stamp WHERE mailbox_id = ? AND ended IS NULL GROUP BY message_id"
            " HAVING COUNT(expire_view) = COUNT(*) AND MAX(expire_view) <= ?",
            [mailbox_id, moment],
        )
    ]
    if not expired:
        return "1", []
    held = held_anywhere(expired)
    if len(held) == len(expired):
        return "1", []
    stamps = (
        "SELECT s.message_id FROM retention_stamp s WHERE s.mailbox_id = ? AND s.ended IS NULL GROUP BY s.message_id"
        " HAVING COUNT(s.expire_view) = COUNT(*) AND MAX(s.expire_view) <= ?"
    )
    return f"({table}.message_id NOT IN ({stamps}) OR {table}.message_id IN {_LISTED})", [
        mailbox_id, moment, json.dumps(sorted(held)),
    ]  # fmt: skip


def _folders(sight: Sight, column: str) -> tuple[str, list[str]]:
    if sight.reads_by_default:
        return f"{column} NOT IN {_LISTED}", [json.dumps(sight.unreadable())]
    return f"{column} IN {_LISTED}", [json.dumps(sight.readable())]
