"""What somebody may read, as a condition on placements: the rules of `access`, where messages are listed."""

from collections.abc import Sequence

from mse_tui.access.rights import Standing
from mse_tui.access.sight import PRIVATE_SENSITIVITIES, Sight

_PRIVATE = ", ".join(f"'{word}'" for word in PRIVATE_SENSITIVITIES)


def may_be_read(sight: Sight, table: str) -> tuple[str, list[int]]:
    """The SQL condition on placements of the sight's mailbox, called `table`, and its parameters.

    A delegate reads no message that is private in any folder of the mailbox, and in history none that went on to a
    folder that the delegate may not read: what its owner moved away is out of reach, wherever it lay before.
    """
    if sight.sees_everything:
        return "1", []
    if sight.standing is Standing.NOBODY:
        return "0", []
    here, elsewhere = _folders(sight, f"{table}.folder_id"), _folders(sight, "later.folder_id")
    same = "FROM placement later JOIN archive_folder lf ON lf.id = later.folder_id WHERE later.message_id ="
    condition = (
        f"{here} AND NOT EXISTS (SELECT 1 {same} {table}.message_id AND lf.mailbox_id = ?"
        f" AND LOWER(later.sensitivity) IN ({_PRIVATE}))"
        f" AND ({table}.closed IS NULL OR NOT EXISTS (SELECT 1 {same} {table}.message_id AND lf.mailbox_id = ?"
        f" AND (later.closed IS NULL OR later.closed > {table}.closed) AND NOT ({elsewhere})))"
    )
    return condition, [sight.mailbox_id, sight.mailbox_id]


def _folders(sight: Sight, column: str) -> str:
    if sight.reads_by_default:
        left_out = sight.unreadable()
        return f"{column} NOT IN ({_listed(left_out)})" if left_out else "1"
    readable = sight.readable()
    return f"{column} IN ({_listed(readable)})" if readable else "0"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers)
