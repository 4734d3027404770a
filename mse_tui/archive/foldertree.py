"""The folder tree of one area as a task last saw it on the server: kept with the hierarchy's checkpoint."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass

from mse_tui.exchange.rows import FolderChanges, FolderRow


@dataclass(frozen=True, slots=True)
class FolderTree:
    """All folders below an area's root, by remote id, whether a task covers them or not."""

    root_id: str
    folders: Mapping[str, FolderRow]

    @classmethod
    def read(cls, text: str) -> "FolderTree":
        """From the form in which a checkpoint keeps it."""
        kept = json.loads(text)
        rows = (FolderRow(*values) for values in kept["folders"])
        return cls(kept["root"], {row.remote_id: row for row in rows})

    def written(self) -> str:
        """In the form in which a checkpoint keeps it."""
        rows = [astuple(row) for row in self.folders.values()]
        return json.dumps({"root": self.root_id, "folders": rows}, ensure_ascii=False, separators=(",", ":"))

    def changed(self, pages: Iterable[FolderChanges]) -> "FolderTree":
        """The tree after these pages of changes; what hangs on a removed folder goes with it."""
        folders = dict(self.folders)
        removed: set[str] = set()
        for page in pages:
            for row in page.changed:
                folders[row.remote_id] = row
                removed.discard(row.remote_id)
            for remote_id in page.removed:
                folders.pop(remote_id, None)
                removed.add(remote_id)
        tree = FolderTree(self.root_id, folders)
        kept = {key: row for key, row in folders.items() if not any(up in removed for up in tree.upwards(key))}
        return FolderTree(self.root_id, kept)

    def upwards(self, remote_id: str) -> Iterator[str]:
        """The folder's parent, its parent's parent, and so on up to, and not with, the root."""
        seen = {remote_id}
        row = self.folders.get(remote_id)
        while row is not None and row.parent_id not in seen and row.parent_id != self.root_id:
            yield row.parent_id
            seen.add(row.parent_id)
            row = self.folders.get(row.parent_id)

    def names(self, remote_id: str) -> tuple[str, ...]:
        """The folder's path as names, from the top."""
        above = [self.folders[up].name for up in self.upwards(remote_id) if up in self.folders]
        return (*reversed(above), self.folders[remote_id].name)

    def parent(self, remote_id: str) -> str | None:
        """The parent's remote id; None at the top, where the parent is the root or is not in the tree."""
        parent_id = self.folders[remote_id].parent_id
        return parent_id if parent_id in self.folders else None
