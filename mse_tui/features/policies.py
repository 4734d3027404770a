"""Which policy each folder of a mailbox has: the nearest up the tree."""

from collections.abc import Mapping
from dataclasses import dataclass

from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.retention import nearest
from mse_tui.exchange.rows import FolderRow
from mse_tui.features.managed_definition import FolderPolicy, ManagedFoldersDefinition

_MAIL_CLASS = "ipf.note"
_OF_DELETED_ITEMS = "deleteditems"
_NOT_LOOKED_INTO = frozenset({"searchfolders"})


@dataclass(frozen=True, slots=True)
class Governed:
    """A mail folder and the policy that holds for it."""

    remote_id: str
    path: str
    policy: FolderPolicy
    source: str
    """Which policy it is, in words."""
    total: int
    """Messages, as the server counts them."""
    in_deleted_items: bool
    by_default: bool
    """No folder up the tree has a policy of its own."""

    @property
    def counts_as_gone(self) -> bool:
        """What lies here has been deleted by its owner or a task, and nothing else is said of it."""
        return self.in_deleted_items and self.by_default and not self.policy.adjustment.adjusts


class Policies:
    """The policies of one mailbox's folders. Folders for appointments, contacts, tasks and notes have none."""

    def __init__(self, tree: FolderTree, definition: ManagedFoldersDefinition, managed: Mapping[str, str]) -> None:
        """`managed`: remote id of each managed folder -> its path in the definition."""
        self._tree = tree
        self._policies: list[tuple[FolderPolicy, str]] = [(definition.default_policy, "the default policy")]
        self._of: dict[str, int] = {}
        distinguished = {row.distinguished: each for each, row in tree.folders.items() if row.distinguished}
        for known in definition.well_known_folders:
            if (remote_id := distinguished.get(known.folder.distinguished)) is not None:
                self._enter(remote_id, known.policy, str(known.folder))
        by_path = {each.path: each for each in definition.managed_folders}
        for remote_id, path in managed.items():
            if remote_id in tree.folders:
                self._enter(remote_id, by_path[path].policy, f"managed folder {by_path[path].name}")

    def of(self, remote_id: str) -> Governed | None:
        """What holds for a folder; None for one that is not in the tree or not for mail."""
        row = self._tree.folders.get(remote_id)
        above = [remote_id, *self._tree.upwards(remote_id)]
        if row is None or not _is_mail(row) or self._distinguished(above) & _NOT_LOOKED_INTO:
            return None
        number = nearest(above, self._of)
        policy, source = self._policies[number or 0]
        path = "/".join(self._tree.names(remote_id))
        deleted = _OF_DELETED_ITEMS in self._distinguished(above)
        return Governed(remote_id, path, policy, source, row.total_count, deleted, by_default=number is None)

    def folders(self) -> list[Governed]:
        """All mail folders, by path."""
        found = [governed for each in self._tree.folders if (governed := self.of(each)) is not None]
        return sorted(found, key=lambda each: (each.path.casefold(), each.remote_id))

    def _enter(self, remote_id: str, policy: FolderPolicy, source: str) -> None:
        self._of[remote_id] = len(self._policies)
        self._policies.append((policy, source))

    def _distinguished(self, remote_ids: list[str]) -> set[str]:
        return {row.distinguished for each in remote_ids if (row := self._tree.folders.get(each)) is not None}


def _is_mail(row: FolderRow) -> bool:
    folder_class = row.folder_class.casefold()
    return not folder_class or folder_class == _MAIL_CLASS or folder_class.startswith(_MAIL_CLASS + ".")
