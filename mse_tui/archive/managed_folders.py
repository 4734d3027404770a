"""The managed folders of a mailbox: which folder is which of a definition's, by identity."""

from dataclasses import dataclass

from mse_tui.archive.fence import Fence
from mse_tui.archive.statements import execute, select
from mse_tui.store.database import now, writing
from mse_tui.store.models import to_micros


@dataclass(frozen=True, slots=True)
class ManagedFolderRow:
    """A folder that a definition created in a mailbox."""

    path: str
    """As the definition says it, folded."""
    remote_id: str
    recreated: bool
    """Its owner deleted it once, and it was created again."""
    abandoned: bool
    """Its owner deleted it again, and it is left so."""


def managed_in(mailbox_id: int, definition_id: int) -> dict[str, ManagedFolderRow]:
    """Path in the definition -> the mailbox's managed folder."""
    rows = select(
        "SELECT name, remote_id, recreated, abandoned FROM managed_folder WHERE mailbox_id = ? AND definition = ?",
        (mailbox_id, definition_id),
    )
    return {
        name: ManagedFolderRow(name, remote_id, bool(again), bool(abandoned))
        for name, remote_id, again, abandoned in rows
    }


def keep(mailbox_id: int, definition_id: int, row: ManagedFolderRow, fence: Fence) -> None:
    """Enter a managed folder, or what has changed about it."""
    with writing():
        fence.check()
        execute(
            "INSERT INTO managed_folder (mailbox_id, definition, name, remote_id, created, recreated, abandoned)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mailbox_id, definition, name) DO UPDATE SET"
            " remote_id = excluded.remote_id, recreated = excluded.recreated, abandoned = excluded.abandoned",
            (mailbox_id, definition_id, row.path, row.remote_id, to_micros(now()), row.recreated, row.abandoned),
        )
