"""Creating managed folders, once each: they are known by their identity, whatever their owners call them.

Where the owner deleted one, it is created once more; deleted a second time, it stays so. A folder of that name that is
there already is taken over.
"""

from collections.abc import Mapping

from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.managed_folders import ManagedFolderRow, keep, managed_in
from mse_tui.exchange.rows import FolderRow
from mse_tui.features.feature import MailboxRun
from mse_tui.features.managed_definition import ManagedFolderPolicy, ManagedFoldersDefinition
from mse_tui.reasons import Reason
from mse_tui.store.database import writing

_DELETED_ITEMS = "deleteditems"


class ManagedCreation:
    """The managed folders of one definition in one mailbox."""

    def __init__(self, run: MailboxRun, definition: ManagedFoldersDefinition, mailbox_id: int, origin: int) -> None:
        """`origin` is the definition's number."""
        self._run = run
        self._definition = definition
        self._mailbox_id = mailbox_id
        self._origin = origin

    def ensure(self, tree: FolderTree) -> tuple[FolderTree, dict[str, str]]:
        """Create what is missing; the tree with it, and remote id -> path in the definition of those there are.

        In a dry run nothing is created, only counted.
        """
        known = managed_in(self._mailbox_id, self._origin)
        managed: dict[str, str] = {}
        for wanted in self._definition.managed_folders:
            row = self._present(tree, wanted, known.get(wanted.path))
            if row is not None:
                managed[row.remote_id] = wanted.path
                tree = _with(tree, row)
        return tree, managed

    def _present(
        self, tree: FolderTree, wanted: ManagedFolderPolicy, known: ManagedFolderRow | None
    ) -> FolderRow | None:
        if known is not None and _is_there(tree, known.remote_id):
            return tree.folders[known.remote_id]
        parent_id = _parent_of(tree, wanted)
        if parent_id is None:
            self._run.journal.warn(Reason.FOLDER_NOT_FOUND, f"There is no folder {wanted.parent!r} in this mailbox.")
            return None
        there = _child(tree, parent_id, wanted.name)
        if there is not None:
            self._keep(wanted, there, recreated=known is not None and known.recreated)
            return there
        if known is not None and known.recreated:
            self._leave(known)
            return None
        counter = "folders_recreated" if known is not None else "folders_created"
        return self._create(parent_id, wanted, counter)

    def _create(self, parent_id: str, wanted: ManagedFolderPolicy, counter: str) -> FolderRow | None:
        run = self._run
        row = None
        if not self._definition.dry_run:
            with writing():
                run.fence.check()
            row = run.mailbox.editing.create_folder(parent_id, wanted.name)
            self._keep(wanted, row, recreated=counter == "folders_recreated")
        run.journal.count(counter)
        return row

    def _leave(self, known: ManagedFolderRow) -> None:
        self._run.journal.skip(Reason.FOLDER_LEFT_DELETED)
        if not known.abandoned and not self._definition.dry_run:
            left = ManagedFolderRow(known.path, known.remote_id, recreated=True, abandoned=True)
            keep(self._mailbox_id, self._origin, left, self._run.fence)

    def _keep(self, wanted: ManagedFolderPolicy, row: FolderRow, *, recreated: bool) -> None:
        if not self._definition.dry_run:
            kept = ManagedFolderRow(wanted.path, row.remote_id, recreated, abandoned=False)
            keep(self._mailbox_id, self._origin, kept, self._run.fence)


def _is_there(tree: FolderTree, remote_id: str) -> bool:
    """In the tree, and not thrown away with Deleted Items."""
    above: Mapping[str, FolderRow] = {up: tree.folders[up] for up in tree.upwards(remote_id) if up in tree.folders}
    return remote_id in tree.folders and all(row.distinguished != _DELETED_ITEMS for row in above.values())


def _parent_of(tree: FolderTree, wanted: ManagedFolderPolicy) -> str | None:
    """The remote id of the folder that a managed folder is to be created in."""
    parent_id = tree.root_id
    for name in filter(None, wanted.parent.split("/")):
        row = _child(tree, parent_id, name)
        if row is None:
            return None
        parent_id = row.remote_id
    return parent_id


def _child(tree: FolderTree, parent_id: str, name: str) -> FolderRow | None:
    """By name, or at the top by the name that a folder has in every mailbox."""
    folded = name.casefold()
    for row in tree.folders.values():
        if row.parent_id == parent_id and row.name.casefold() == folded:
            return row
    known = folded.replace(" ", "")
    for row in tree.folders.values():
        if row.parent_id == parent_id == tree.root_id and row.distinguished == known:
            return row
    return None


def _with(tree: FolderTree, row: FolderRow) -> FolderTree:
    return tree if row.remote_id in tree.folders else FolderTree(tree.root_id, {**tree.folders, row.remote_id: row})
