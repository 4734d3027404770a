"""What a Folder Replication definition covers: which folders of a tree, which items of a folder."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from mse_tui.archive.foldertree import FolderTree
from mse_tui.exchange.rows import FolderRow, ItemRow
from mse_tui.reasons import Reason
from mse_tui.terms import PRIVATE_SENSITIVITIES

INBOX = frozenset({"inbox", "archiveinbox"})
SENT_ITEMS = frozenset({"sentitems", "archivesentitems"})
DELETED_ITEMS = frozenset({"deleteditems", "archivedeleteditems"})
_SEARCH_FOLDERS = frozenset({"searchfolders"})
_CALENDAR_CLASS = "ipf.appointment"
_VAULT_SHORTCUT_CLASS = "ipm.note.enterprisevault.shortcut"


@dataclass(frozen=True, slots=True)
class FolderScope:
    """The folders that a definition covers: all but the excluded ones, with what is below them, and calendars."""

    excluded: frozenset[str]
    """Distinguished names, each with its subfolders."""
    patterns: tuple[str, ...]
    """Globs on paths (names joined by /), any case; what matches is excluded with its subfolders."""

    def covered(self, tree: FolderTree) -> dict[str, str]:
        """Remote id -> path of the covered folders, in the order in which to read them: by path."""
        folded = tuple(pattern.strip().strip("/").casefold() for pattern in self.patterns)
        out = {remote_id for remote_id, row in tree.folders.items() if self._excludes(tree, row, folded)}
        paths = {
            remote_id: "/".join(tree.names(remote_id))
            for remote_id, row in tree.folders.items()
            if remote_id not in out and not out.intersection(tree.upwards(remote_id)) and not is_calendar(row)
        }
        return dict(sorted(paths.items(), key=lambda each: (each[1].casefold(), each[0])))

    def _excludes(self, tree: FolderTree, row: FolderRow, patterns: tuple[str, ...]) -> bool:
        if row.distinguished in self.excluded or row.distinguished in _SEARCH_FOLDERS:
            return True
        if not patterns:
            return False
        path = "/".join(tree.names(row.remote_id)).casefold()
        return any(path == pattern or fnmatchcase(path, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class ItemScope:
    """The items that a definition skips, each for a reason that is counted."""

    skip_private: bool
    include_vault_shortcuts: bool

    def skips(self, row: ItemRow) -> Reason | None:
        """Why an item is skipped; None: it is replicated."""
        if self.skip_private and row.sensitivity.lower() in PRIVATE_SENSITIVITIES:
            return Reason.PRIVATE
        if not self.include_vault_shortcuts and is_vault_shortcut(row):
            return Reason.VAULT_SHORTCUT
        return None

    def still_skips(self, reason: Reason) -> bool:
        """Whether an item skipped for this reason need not be looked at again: nothing about it has changed."""
        return (
            reason is Reason.PURGED
            or (reason is Reason.PRIVATE and self.skip_private)
            or (reason is Reason.VAULT_SHORTCUT and not self.include_vault_shortcuts)
        )


def is_vault_shortcut(row: ItemRow) -> bool:
    """Whether an item is what Enterprise Vault has left of a message: the message itself is not in it."""
    return row.item_class.lower().startswith(_VAULT_SHORTCUT_CLASS)


def is_calendar(row: FolderRow) -> bool:
    """Whether a folder holds appointments, which calendar replication is for."""
    folder_class = row.folder_class.lower()
    return folder_class == _CALENDAR_CLASS or folder_class.startswith(_CALENDAR_CLASS + ".")
