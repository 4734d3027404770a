"""Taking single items into the archive, outside the passes of folder replication.

What is entered is entered as a pass would: content packed and forced to disk first, then one transaction. A pass that
sees the item later finds it known. Nothing is closed: who takes in single items has not seen what is gone.
"""

from collections.abc import Iterable, Mapping, Sequence

from mse_tui.archive.fence import Fence
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.ledger import Ledger, PassKey
from mse_tui.archive.packs import Packs
from mse_tui.archive.passes import mailbox_record
from mse_tui.archive.reading import Entry, FolderPart, FolderReading, Tally
from mse_tui.archive.statements import execute, insert_returning, select
from mse_tui.exchange.rows import Area, MailboxIdentity
from mse_tui.store.database import now, writing
from mse_tui.store.models import to_micros


class TakingIn:
    """Enters items of one mailbox for one task. Begins with the mailbox's row; for the run's own thread."""

    def __init__(self, task_id: int, identity: MailboxIdentity, area: Area, packs: Packs, fence: Fence) -> None:
        self._area = area
        self._packs = packs
        self._fence = fence
        with writing():
            fence.check()
            mailbox_id, last_stamp = mailbox_record(identity)
            stamp = max(to_micros(now()), last_stamp + 1)
            execute("UPDATE archive_mailbox SET last_stamp = ? WHERE id = ?", (stamp, mailbox_id))
        self.key = PassKey(task_id, mailbox_id, stamp)

    def take_in(self, tree: FolderTree, items: Mapping[str, Sequence[Entry]]) -> Tally:
        """Enter items by the remote ids of their folders, which `tree` has.

        Raises Problem lease-lost, disk-full, archive-unreadable; then nothing of it is entered.
        """
        folders = self._folders(tree, items)
        ledger = Ledger(self.key, self._packs, self._fence, wants_content=True)
        parts = [
            FolderPart(_reading(folders[remote_id], remote_id, tree), entries=list(entries))
            for remote_id, entries in items.items()
            if entries
        ]
        return ledger.commit(parts) if parts else Tally()

    def _folders(self, tree: FolderTree, remote_ids: Iterable[str]) -> dict[str, int]:
        """The archive's folders, entered with their places and those above them where they are not there yet."""
        wanted = [up for each in remote_ids for up in (*reversed(list(tree.upwards(each))), each) if up in tree.folders]
        found: dict[str, int] = {}
        with writing():
            self._fence.check()
            for remote_id in dict.fromkeys(wanted):
                found[remote_id] = self._folder(tree, remote_id, found)
        return found

    def _folder(self, tree: FolderTree, remote_id: str, above: Mapping[str, int]) -> int:
        row = tree.folders[remote_id]
        known = select(
            "SELECT id FROM archive_folder WHERE mailbox_id = ? AND area = ? AND remote_id = ?",
            (self.key.mailbox_id, str(self._area), remote_id),
        )
        folder_id: int = (
            known[0][0]
            if known
            else insert_returning(
                "INSERT INTO archive_folder (mailbox_id, area, remote_id, distinguished, folder_class)"
                " VALUES (?, ?, ?, ?, ?) RETURNING id",
                (self.key.mailbox_id, str(self._area), remote_id, row.distinguished, row.folder_class),
            )
        )
        if not select("SELECT 1 FROM folder_place WHERE folder_id = ? AND closed IS NULL", (folder_id,)):
            parent = tree.parent(remote_id)
            execute(
                "INSERT INTO folder_place (folder_id, parent_id, name, opened) VALUES (?, ?, ?, ?)",
                (folder_id, above[parent] if parent is not None else None, row.name, self.key.stamp),
            )
        return folder_id


def _reading(folder_id: int, remote_id: str, tree: FolderTree) -> FolderReading:
    path = "/".join(tree.names(remote_id))
    return FolderReading(folder_id, None, remote_id, path, state=None, batch=0, enumerating=False)
