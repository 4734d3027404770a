"""The items of the practice organisation's folders, and what changed in a folder since a change number."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from mse_tui.sandbox.database import take_numbers
from mse_tui.sandbox.folders import Folders
from mse_tui.sandbox.records import DeleteType, GoneItem, ItemSpec, Person, Row, stamp

_CHUNK = 2000

_COLUMNS = """mailbox folder added changed altered item_class subject sender_name sender_address recipients display_to
message_id in_reply_to refs received sent created modified size sensitivity importance is_read is_draft flag
categories has_attachments start_at end_at body_seed blob attachment_keys extra""".split()  # noqa: SIM905
_INSERT = f"INSERT INTO item ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_KEPT = [name for name in _COLUMNS if name not in {"mailbox", "folder", "added", "changed", "altered"}]
_COPY = (
    "INSERT INTO item (mailbox, folder, added, changed, altered, "  # noqa: S608 (columns of ours)
    f"{', '.join(_KEPT)}) SELECT ?, ?, ?, ?, ?, {', '.join(_KEPT)} FROM item WHERE id = ?"
)


class ItemMissing(LookupError):
    """No item has this row id; it was moved or deleted."""


class Items(Folders):
    """Items. Each change gives an item the next change number; moving one gives it a new row id, as EWS does."""

    def add_item(self, folder_id: int, spec: ItemSpec) -> int:
        """Add one item; its row id."""
        with self.writing() as connection:
            folder = self._folder_or_fail(folder_id)
            number = take_numbers(connection)
            row = connection.execute(_INSERT, _values(connection, folder.mailbox, folder_id, number, spec))
            assert row.lastrowid is not None
            _add_occurrences(connection, row.lastrowid, spec)
            return row.lastrowid

    def add_items(self, folder_id: int, specs: Iterable[ItemSpec]) -> int:
        """Add many items, some thousands a transaction; how many there were."""
        folder = self._folder_or_fail(folder_id)
        remaining, count = iter(specs), 0
        while chunk := list(islice(remaining, _CHUNK)):
            with self.writing() as connection:
                number = take_numbers(connection, len(chunk))
                if any(spec.overrides for spec in chunk):
                    for offset, spec in enumerate(chunk):
                        row = connection.execute(
                            _INSERT, _values(connection, folder.mailbox, folder_id, number + offset, spec)
                        )
                        assert row.lastrowid is not None
                        _add_occurrences(connection, row.lastrowid, spec)
                else:
                    connection.executemany(
                        _INSERT,
                        [
                            _values(connection, folder.mailbox, folder_id, number + offset, spec)
                            for offset, spec in enumerate(chunk)
                        ],
                    )
            count += len(chunk)
        return count

    def item(self, item_id: int) -> Row | None:
        """One item's row, or None."""
        with self.reading() as connection:
            return connection.execute("SELECT * FROM item WHERE id = ?", (item_id,)).fetchone()

    def items_by_id(self, item_ids: Sequence[int]) -> dict[int, Row]:
        """Rows of those of the items that are there."""
        found: dict[int, Row] = {}
        with self.reading() as connection:
            for start in range(0, len(item_ids), 500):
                part = item_ids[start : start + 500]
                marks = ",".join("?" * len(part))
                for row in connection.execute(f"SELECT * FROM item WHERE id IN ({marks})", part):  # noqa: S608
                    found[row["id"]] = row
        return found

    def items(self, folder_id: int, offset: int = 0, limit: int = -1) -> list[Row]:
        """Items of a folder, in the order they came into it."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT * FROM item WHERE folder = ? ORDER BY added LIMIT ? OFFSET ?", (folder_id, limit, offset)
            ).fetchall()

    def count_items(self, mailbox_id: int | None = None) -> int:
        """Items of one mailbox or of the organisation."""
        with self.reading() as connection:
            if mailbox_id is None:
                return int(connection.execute("SELECT COUNT(*) FROM item").fetchone()[0])
            return int(connection.execute("SELECT COUNT(*) FROM item WHERE mailbox = ?", (mailbox_id,)).fetchone()[0])

    def items_sorted(self, folder_id: int, column: str, descending: bool, offset: int, limit: int) -> list[Row]:
        """A page of a folder's items in the order of one column."""
        if column not in _COLUMNS:
            raise ValueError(column)
        way = "DESC" if descending else "ASC"
        with self.reading() as connection:
            return connection.execute(
                f"SELECT * FROM item WHERE folder = ? ORDER BY {column} {way}, id {way} LIMIT ? OFFSET ?",  # noqa: S608
                (folder_id, limit, offset),
            ).fetchall()

    def appointments_between(self, folder_id: int, after: str, before: str) -> list[Row]:
        """Calendar items that may lie between two moments: single ones that do, and all series begun by then."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT * FROM item WHERE folder = ? AND start_at < ?"
                " AND (end_at >= ? OR instr(extra, 'calendar:Recurrence') > 0)",
                (folder_id, before, after),
            ).fetchall()

    def update_item(self, item_id: int, values: Mapping[str, Any], *, mime: bytes | None = None) -> None:
        """Set columns of an item and, with `mime`, its content. A new change number, so a new change key.

        Raises ItemMissing.
        """
        with self.writing() as connection:
            number = take_numbers(connection)
            columns = dict(values)
            if mime is not None:
                self._drop_blob(connection, item_id)
                columns |= {"body_seed": None, "blob": _add_blob(connection, mime), "size": len(mime)}
            columns |= {"changed": number, "modified": stamp(datetime.now(UTC))}
            if set(values) != {"is_read"} or mime is not None:
                columns["altered"] = number
            sets = ", ".join(f"{name} = ?" for name in columns)
            done = connection.execute(
                f"UPDATE item SET {sets} WHERE id = ?",  # noqa: S608 (columns of ours)
                (*columns.values(), item_id),
            )
            if done.rowcount == 0:
                raise ItemMissing(item_id)

    def set_read(self, item_ids: Iterable[int], *, read: bool) -> int:
        """Mark items as read or unread; how many changed."""
        with self.writing() as connection:
            rows = self.items_by_id(list(item_ids)).values()
            return _mark(connection, [row["id"] for row in rows if bool(row["is_read"]) != read], read=read)

    def mark_all_read(self, folder_id: int, *, read: bool) -> int:
        """Mark all items of a folder as read or unread; how many changed."""
        with self.writing() as connection:
            rows = connection.execute("SELECT id FROM item WHERE folder = ? AND is_read <> ?", (folder_id, read))
            return _mark(connection, [row[0] for row in rows.fetchall()], read=read)

    def move_item(self, item_id: int, folder_id: int) -> int:
        """Move an item; its new row id. Raises ItemMissing."""
        with self.writing() as connection:
            moved = self.copy_item(item_id, folder_id)
            connection.execute("UPDATE OR REPLACE occurrence SET master = ? WHERE master = ?", (moved, item_id))
            self._remove(connection, item_id)
            return moved

    def copy_item(self, item_id: int, folder_id: int) -> int:
        """Copy an item; the copy's row id. Content is shared, not doubled. Raises ItemMissing."""
        with self.writing() as connection:
            folder = self._folder_or_fail(folder_id)
            number = take_numbers(connection)
            row = connection.execute(_COPY, (folder.mailbox, folder_id, number, number, number, item_id))
            if row.rowcount == 0 or row.lastrowid is None:
                raise ItemMissing(item_id)
            connection.execute(
                "INSERT INTO occurrence SELECT ?, original_start, changes FROM occurrence WHERE master = ?",
                (row.lastrowid, item_id),
            )
            return row.lastrowid

    def delete_item(self, item_id: int, how: DeleteType = DeleteType.HARD) -> int | None:
        """Delete an item; its new row id where it went into another folder. Raises ItemMissing."""
        with self.writing() as connection:
            item = self.item(item_id)
            if item is None:
                raise ItemMissing(item_id)
            target = self._where_deleted_goes(item, how)
            if target is None:
                connection.execute("DELETE FROM occurrence WHERE master = ?", (item_id,))
                self._remove(connection, item_id)
                return None
            return self.move_item(item_id, target)

    def empty_folder(self, folder_id: int, how: DeleteType) -> None:
        """Delete all items of a folder."""
        with self.writing() as connection:
            rows = connection.execute("SELECT id FROM item WHERE folder = ?", (folder_id,)).fetchall()
            for row in rows:
                self.delete_item(row[0], how)

    def added_since(self, folder_id: int, after: int, upto: int, limit: int) -> list[Row]:
        """Items that came into a folder after one change number and not after another, oldest first."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT * FROM item WHERE folder = ? AND added > ? AND added <= ? ORDER BY added LIMIT ?",
                (folder_id, after, upto, limit),
            ).fetchall()

    def changed_since(self, folder_id: int, known: int, after: int, upto: int, limit: int) -> list[Row | GoneItem]:
        """Items in a folder since before `known` that changed or left it after `after` and up to `upto`, oldest first.

        A row of the table item where the item is still there, else a GoneItem.
        """
        with self.reading() as connection:
            changed = connection.execute(
                "SELECT * FROM item WHERE folder = ? AND changed > ? AND changed <= ? AND added <= ?"
                " ORDER BY changed LIMIT ?",
                (folder_id, after, upto, known, limit),
            ).fetchall()
            gone = connection.execute(
                "SELECT item, added, number FROM gone WHERE folder = ? AND number > ? AND number <= ? AND added <= ?"
                " ORDER BY number LIMIT ?",
                (folder_id, after, upto, known, limit),
            ).fetchall()
        merged = [(row["changed"], row) for row in changed] + [(row[2], GoneItem(*row)) for row in gone]
        merged.sort(key=lambda pair: pair[0])
        return [row for _, row in merged[:limit]]

    def blob(self, blob_id: int) -> bytes:
        """Stored content."""
        with self.reading() as connection:
            row = connection.execute("SELECT data FROM blob WHERE id = ?", (blob_id,)).fetchone()
        if row is None:
            raise ItemMissing(blob_id)
        return bytes(row[0])

    def occurrences(self, master_id: int) -> dict[str, dict[str, str] | None]:
        """Exceptions of a series: original start -> changed properties, or None where the occurrence was deleted."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT original_start, changes FROM occurrence WHERE master = ? ORDER BY original_start", (master_id,)
            )
            return {row[0]: json.loads(row[1]) if row[1] is not None else None for row in rows}

    def set_occurrence(self, master_id: int, original_start: str, changes: Mapping[str, str] | None) -> None:
        """Change (properties as XML by field URI) or delete (None) one occurrence of a series."""
        with self.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO occurrence (master, original_start, changes) VALUES (?, ?, ?)",
                (master_id, original_start, None if changes is None else json.dumps(dict(changes))),
            )
            self.update_item(master_id, {"has_attachments": self._row_or_fail(master_id)["has_attachments"]})

    def _row_or_fail(self, item_id: int) -> Row:
        row = self.item(item_id)
        if row is None:
            raise ItemMissing(item_id)
        return row

    def _folder_or_fail(self, folder_id: int) -> Any:
        folder = self.folder(folder_id)
        if folder is None:
            raise LookupError(folder_id)
        return folder

    def _where_deleted_goes(self, item: Row, how: DeleteType) -> int | None:
        if how is DeleteType.HARD:
            return None
        folder = self._folder_or_fail(item["folder"])
        prefix = "archive" if folder.area == "archive" else ""
        name = "deleteditems" if how is DeleteType.MOVE else "recoverableitemsdeletions"
        if folder.distinguished.startswith(f"{prefix}recoverableitems"):
            name = "recoverableitemspurges"
        target = self.distinguished_folder(item["mailbox"], prefix + name)
        return None if target is None or target.id == folder.id else target.id

    def _remove(self, connection: sqlite3.Connection, item_id: int) -> None:
        item = self._row_or_fail(item_id)
        self._drop_blob(connection, item_id)
        connection.execute("DELETE FROM item WHERE id = ?", (item_id,))
        connection.execute(
            "INSERT INTO gone (folder, number, item, added) VALUES (?, ?, ?, ?)",
            (item["folder"], take_numbers(connection), item_id, item["added"]),
        )

    def _drop_blob(self, connection: sqlite3.Connection, item_id: int) -> None:
        connection.execute(
            "DELETE FROM blob WHERE id = (SELECT blob FROM item WHERE id = :item) AND NOT EXISTS"
            " (SELECT 1 FROM item WHERE item.blob = blob.id AND item.id <> :item)",
            {"item": item_id},
        )


class UnsavedRow(dict[str, Any]):
    """The row of an item that is not in the store, with its MIME."""

    mime: bytes = b""


def unsaved_row(spec: ItemSpec) -> UnsavedRow:
    """What the row of an item would be; nothing is stored."""
    values = _values(None, 0, 0, 0, spec)
    row = UnsavedRow(zip(_COLUMNS, values, strict=True))
    row["id"] = 0
    row.mime = spec.mime or b""
    return row


def _mark(connection: sqlite3.Connection, item_ids: Sequence[int], *, read: bool) -> int:
    if item_ids:
        number, now = take_numbers(connection, len(item_ids)), stamp(datetime.now(UTC))
        connection.executemany(
            "UPDATE item SET is_read = ?, changed = ?, modified = ? WHERE id = ?",
            ((read, number + offset, now, item_id) for offset, item_id in enumerate(item_ids)),
        )
    return len(item_ids)


def _add_blob(connection: sqlite3.Connection, data: bytes) -> int:
    row = connection.execute("INSERT INTO blob (data) VALUES (?)", (data,))
    assert row.lastrowid is not None
    return row.lastrowid


def _add_occurrences(connection: sqlite3.Connection, item_id: int, spec: ItemSpec) -> None:
    connection.executemany(
        "INSERT INTO occurrence (master, original_start, changes) VALUES (?, ?, ?)",
        [
            (item_id, start, None if changes is None else json.dumps(dict(changes)))
            for start, changes in spec.overrides.items()
        ],
    )


def recipients_json(to: Sequence[Person], cc: Sequence[Person], bcc: Sequence[Person]) -> str:
    """Recipients as the table keeps them: three lists of [name, address]."""
    return json.dumps([to, cc, bcc], ensure_ascii=False, separators=(",", ":")) if to or cc or bcc else ""


def display_names(people: Sequence[Person]) -> str:
    """Recipients as DisplayTo shows them."""
    return "; ".join(person.name or person.address for person in people)


def extra_json(properties: Mapping[str, str], extended: Mapping[str, Any]) -> str:
    """Further properties as the table keeps them."""
    kept = {key: value for key, value in (("p", dict(properties)), ("x", dict(extended))) if value}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) if kept else ""


def _values(
    connection: sqlite3.Connection | None, mailbox: int, folder: int, number: int, spec: ItemSpec
) -> tuple[Any, ...]:
    """The columns of a new item; without a connection its content is not stored."""
    sender = spec.sender or Person("", "")
    received = stamp(spec.received)
    now = stamp(datetime.now(UTC))
    blob = None if spec.mime is None or connection is None else _add_blob(connection, spec.mime)
    return (
        mailbox, folder, number, number, number, spec.item_class, spec.subject, sender.name, sender.address,
        recipients_json(spec.to, spec.cc, spec.bcc), display_names(spec.to), spec.message_id, spec.in_reply_to,
        spec.references, received, stamp(spec.sent), stamp(spec.created) or received or now,
        stamp(spec.created) or received or now, len(spec.mime) if spec.mime is not None else spec.size,
        spec.sensitivity, spec.importance, spec.is_read, spec.is_draft, spec.flag, "\n".join(spec.categories),
        spec.has_attachments, stamp(spec.start), stamp(spec.end), spec.body_seed, blob, None,
        extra_json(spec.properties, spec.extended),
    )  # fmt: skip
