"""The folders of the practice organisation's mailboxes."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from mse_tui.sandbox.database import take_numbers
from mse_tui.sandbox.mailboxes import Mailboxes
from mse_tui.sandbox.records import DeleteType, FolderRecord


class FolderExists(Exception):
    """A folder with this name is already there under the same parent."""


class FolderRefused(Exception):
    """A standard folder can't be deleted or moved, nor any folder into itself."""


@dataclass(frozen=True, slots=True)
class FolderTrail:
    """Where a folder was before it was moved or deleted at change `number`."""

    folder: int
    added: int
    number: int
    ancestors: tuple[int, ...]


class Folders(Mailboxes):
    """Folder trees, with what is needed to tell what changed in them since a change number."""

    def add_folder(  # noqa: PLR0913 (each is a property of a folder)
        self,
        mailbox_id: int,
        parent_id: int,
        name: str,
        *,
        distinguished: str = "",
        folder_class: str = "IPF.Note",
        extended: str = "",
    ) -> FolderRecord:
        """Add a folder. Raises FolderExists."""
        with self.writing() as connection:
            number = take_numbers(connection)
            parent = self.folder(parent_id)
            try:
                row = connection.execute(
                    "INSERT INTO folder (mailbox, parent, name, distinguished, folder_class, area, added, changed,"
                    " extended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        mailbox_id,
                        parent_id,
                        name,
                        distinguished,
                        folder_class,
                        parent.area if parent else "primary",
                        number,
                        number,
                        extended,
                    ),
                )
            except sqlite3.IntegrityError as clash:
                raise FolderExists(name) from clash
            assert row.lastrowid is not None
            added = self.folder(row.lastrowid)
        assert added is not None
        return added

    def folder(self, folder_id: int) -> FolderRecord | None:
        """The folder with this row id."""
        with self.reading() as connection:
            row = connection.execute("SELECT * FROM folder WHERE id = ?", (folder_id,)).fetchone()
        return FolderRecord(**row) if row else None

    def distinguished_folder(self, mailbox_id: int, distinguished: str) -> FolderRecord | None:
        """A standard folder by its EWS distinguished name ('inbox')."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT * FROM folder WHERE mailbox = ? AND distinguished = ?", (mailbox_id, distinguished)
            ).fetchone()
        return FolderRecord(**row) if row else None

    def folders(self, mailbox_id: int) -> list[FolderRecord]:
        """All folders of a mailbox, parents before children."""
        with self.reading() as connection:
            rows = connection.execute("SELECT * FROM folder WHERE mailbox = ? ORDER BY id", (mailbox_id,))
            records = [FolderRecord(**row) for row in rows]
        return _parents_first(records)

    def children(self, folder_id: int) -> list[FolderRecord]:
        """The folders right below one."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM folder WHERE parent = ? ORDER BY name COLLATE NOCASE", (folder_id,)
            )
            return [FolderRecord(**row) for row in rows]

    def subtree(self, folder_id: int) -> list[FolderRecord]:
        """The folders below one, at any depth, parents before children; not the folder itself."""
        with self.reading() as connection:
            rows = connection.execute(
                "WITH RECURSIVE below (id, depth) AS (SELECT id, 0 FROM folder WHERE parent = ? UNION ALL"
                " SELECT folder.id, depth + 1 FROM folder JOIN below ON folder.parent = below.id)"
                " SELECT folder.* FROM below JOIN folder USING (id) ORDER BY depth, id",
                (folder_id,),
            )
            return [FolderRecord(**row) for row in rows]

    def counts(self, folder_id: int) -> tuple[int, int, int]:
        """Items, unread items and direct child folders of a folder."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT (SELECT COUNT(*) FROM item WHERE folder = :folder),"
                " (SELECT COUNT(*) FROM item WHERE folder = :folder AND is_read = 0),"
                " (SELECT COUNT(*) FROM folder WHERE parent = :folder)",
                {"folder": folder_id},
            ).fetchone()
        return row[0], row[1], row[2]

    def total_size(self, folder_id: int) -> int:
        """Bytes of the folder's items."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT COALESCE(SUM(size), 0) FROM item WHERE folder = ?", (folder_id,)
            ).fetchone()
        return int(row[0])

    def total_size_below(self, folder_id: int) -> int:
        """Bytes of the items of a folder and of all folders below it."""
        with self.reading() as connection:
            row = connection.execute(
                "WITH RECURSIVE below (id) AS (SELECT ? UNION SELECT folder.id FROM folder JOIN below"
                " ON folder.parent = below.id) SELECT COALESCE(SUM(size), 0) FROM item WHERE folder IN"
                " (SELECT id FROM below)",
                (folder_id,),
            ).fetchone()
        return int(row[0])

    def rename_folder(self, folder_id: int, name: str) -> None:
        """Give a folder another name. Raises FolderExists."""
        self._change_folder(folder_id, "name", name)

    def set_folder(self, folder_id: int, values: Mapping[str, str]) -> None:
        """Set a folder's name, folder_class or extended properties. Raises FolderExists."""
        with self.writing():
            for column in ("name", "folder_class", "extended"):
                if column in values:
                    self._change_folder(folder_id, column, values[column])

    def move_folder(self, folder_id: int, parent_id: int) -> None:
        """Put a folder, with all below it, under another parent. Raises FolderExists, FolderRefused."""
        with self.writing() as connection:
            folder, parent = self.folder(folder_id), self.folder(parent_id)
            if folder is None or parent is None:
                raise LookupError(folder_id if folder is None else parent_id)
            below = self.subtree(folder_id)
            if folder.distinguished or parent_id in {folder_id, *(each.id for each in below)}:
                raise FolderRefused(folder.name)
            number = self._leave_trail(connection, [folder, *below])
            try:
                connection.execute(
                    "UPDATE folder SET parent = ?, changed = ? WHERE id = ?", (parent_id, number, folder_id)
                )
            except sqlite3.IntegrityError as clash:
                raise FolderExists(folder.name) from clash
            if parent.area != folder.area:
                connection.executemany(
                    "UPDATE folder SET area = ? WHERE id = ?", [(parent.area, each.id) for each in (folder, *below)]
                )

    def delete_folder(self, folder_id: int, how: DeleteType = DeleteType.HARD) -> None:
        """Delete a folder with all below it: for good, or into Deleted Items, or its items into Recoverable Items.

        Raises FolderRefused for a standard folder.
        """
        with self.writing() as connection:
            folder = self.folder(folder_id)
            if folder is None:
                raise LookupError(folder_id)
            if folder.distinguished:
                raise FolderRefused(folder.name)
            if how is DeleteType.MOVE:
                self._into_deleted_items(folder)
                return
            doomed = [folder, *self.subtree(folder_id)]
            for each in doomed:
                self.empty_folder(each.id, how)
            self._leave_trail(connection, doomed)
            connection.executemany("DELETE FROM folder WHERE id = ?", [(each.id,) for each in doomed])
            connection.executemany("DELETE FROM gone WHERE folder = ?", [(each.id,) for each in doomed])

    def empty_folder(self, folder_id: int, how: DeleteType) -> None:
        """Delete all items of a folder."""
        raise NotImplementedError

    def trails(self, mailbox_id: int, after: int) -> list[FolderTrail]:
        """Where folders were before the moves and deletions later than a change number, oldest first."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT folder, added, number, ancestors FROM folder_trail WHERE mailbox = ? AND number > ?"
                " ORDER BY number",
                (mailbox_id, after),
            ).fetchall()
        return [
            FolderTrail(row[0], row[1], row[2], tuple(int(part) for part in row[3].split("/") if part)) for row in rows
        ]

    def latest_number(self) -> int:
        """The newest change number of the store."""
        with self.reading() as connection:
            return int(connection.execute("SELECT value FROM sequence").fetchone()[0])

    def _into_deleted_items(self, folder: FolderRecord) -> None:
        target = self.distinguished_folder(
            folder.mailbox, "deleteditems" if folder.area == "primary" else "archivedeleteditems"
        )
        assert target is not None
        taken = {child.name.lower() for child in self.children(target.id)}
        name, copy = folder.name, 1
        while name.lower() in taken:
            name, copy = f"{folder.name}{copy}", copy + 1
        if folder.parent == target.id:
            return
        if name != folder.name:
            with self.writing() as connection:
                connection.execute(
                    "UPDATE folder SET name = ? WHERE id = ?", (f"{folder.name}\0{folder.id}", folder.id)
                )
            self.move_folder(folder.id, target.id)
            self.rename_folder(folder.id, name)
        else:
            self.move_folder(folder.id, target.id)

    def _change_folder(self, folder_id: int, column: str, value: str) -> None:
        with self.writing() as connection:
            number = take_numbers(connection)
            try:
                connection.execute(
                    f"UPDATE folder SET {column} = ?, changed = ? WHERE id = ?",  # noqa: S608 (a column of ours)
                    (value, number, folder_id),
                )
            except sqlite3.IntegrityError as clash:
                raise FolderExists(value) from clash

    def _leave_trail(self, connection: sqlite3.Connection, folders: list[FolderRecord]) -> int:
        number = take_numbers(connection)
        parents = {folder.id: folder.parent for folder in self.folders(folders[0].mailbox)}
        connection.executemany(
            "INSERT INTO folder_trail (mailbox, folder, added, number, ancestors) VALUES (?, ?, ?, ?, ?)",
            [
                (each.mailbox, each.id, each.added, number, "/".join(str(a) for a in ancestors_of(each.id, parents)))
                for each in folders
            ],
        )
        return number


def ancestors_of(folder_id: int, parents: Mapping[int, int]) -> tuple[int, ...]:
    """The folders above one, nearest first."""
    above = []
    current = parents.get(folder_id, 0)
    while current:
        above.append(current)
        current = parents.get(current, 0)
    return tuple(above)


def _parents_first(records: list[FolderRecord]) -> list[FolderRecord]:
    by_parent: dict[int, list[FolderRecord]] = {}
    for record in records:
        by_parent.setdefault(record.parent, []).append(record)
    ordered: list[FolderRecord] = []
    waiting = list(reversed(by_parent.get(0, [])))
    while waiting:
        record = waiting.pop()
        ordered.append(record)
        waiting.extend(reversed(by_parent.get(record.id, [])))
    return ordered
