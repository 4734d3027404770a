"""The practice organisation's SQLite file: its tables, one connection a thread, short transactions."""

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS sequence (value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (
    mailbox INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (mailbox, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT NOT NULL UNIQUE, address TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    kind TEXT NOT NULL, disabled INTEGER NOT NULL, error TEXT NOT NULL, online_archive INTEGER NOT NULL,
    epoch INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS alias (address TEXT PRIMARY KEY, mailbox INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, parent INTEGER NOT NULL, name TEXT NOT NULL,
    distinguished TEXT NOT NULL, folder_class TEXT NOT NULL, area TEXT NOT NULL,
    added INTEGER NOT NULL, changed INTEGER NOT NULL, extended TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS folder_name ON folder (parent, name COLLATE NOCASE) WHERE parent <> 0;
CREATE INDEX IF NOT EXISTS folder_mailbox ON folder (mailbox, distinguished);
CREATE TABLE IF NOT EXISTS folder_trail (
    mailbox INTEGER NOT NULL, folder INTEGER NOT NULL, added INTEGER NOT NULL, number INTEGER NOT NULL,
    ancestors TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS folder_trail_number ON folder_trail (mailbox, number);
CREATE TABLE IF NOT EXISTS blob (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, folder INTEGER NOT NULL,
    added INTEGER NOT NULL, changed INTEGER NOT NULL, altered INTEGER NOT NULL,
    item_class TEXT NOT NULL, subject TEXT NOT NULL, sender_name TEXT NOT NULL, sender_address TEXT NOT NULL,
    recipients TEXT NOT NULL, display_to TEXT NOT NULL, message_id TEXT NOT NULL, in_reply_to TEXT NOT NULL,
    refs TEXT NOT NULL, received TEXT, sent TEXT, created TEXT NOT NULL, modified TEXT NOT NULL,
    size INTEGER NOT NULL, sensitivity TEXT NOT NULL, importance TEXT NOT NULL, is_read INTEGER NOT NULL,
    is_draft INTEGER NOT NULL, flag TEXT NOT NULL, categories TEXT NOT NULL, has_attachments INTEGER NOT NULL,
    start_at TEXT, end_at TEXT, body_seed TEXT, blob INTEGER, attachment_keys TEXT, extra TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS item_added ON item (folder, added);
CREATE INDEX IF NOT EXISTS item_changed ON item (folder, changed);
CREATE INDEX IF NOT EXISTS item_received ON item (folder, received);
CREATE INDEX IF NOT EXISTS item_unread ON item (folder) WHERE is_read = 0;
CREATE INDEX IF NOT EXISTS item_blob ON item (blob) WHERE blob IS NOT NULL;
CREATE INDEX IF NOT EXISTS item_start ON item (folder, start_at) WHERE start_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS gone (
    folder INTEGER NOT NULL, number INTEGER NOT NULL, item INTEGER NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (folder, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS occurrence (
    master INTEGER NOT NULL, original_start TEXT NOT NULL, changes TEXT, PRIMARY KEY (master, original_start)
) WITHOUT ROWID;
"""


class Database:
    """One SQLite file shared by threads (a connection each) and, if need be, by processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._guard = threading.Lock()
        self._writer = threading.RLock()
        self._connections: list[sqlite3.Connection] = []
        with self._writer:
            connection = self._connection()
            connection.executescript(_TABLES)
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT COUNT(*) FROM sequence").fetchone()[0] == 0:
                connection.execute("INSERT INTO sequence VALUES (1)")
                connection.execute("INSERT INTO setting VALUES (0, 'secret', ?)", (secrets.token_hex(16),))
            connection.execute("COMMIT")
            row = connection.execute("SELECT value FROM setting WHERE mailbox = 0 AND key = 'secret'").fetchone()
        self.secret = bytes.fromhex(row[0])
        """Signs sync states; kept in the file, so that a state outlives a restart."""

    def close(self) -> None:
        """Close every thread's connection."""
        with self._guard:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()
        self._local = threading.local()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent view of the file; nested uses share the outer one."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end, undone when an exception leaves it; nested uses join the outer one."""
        connection = self._connection()
        if connection.in_transaction:
            if not self._local.writing:
                raise RuntimeError("A write was begun inside a read of the mail store.")
            yield connection
            return
        with self._writer:
            connection.execute("BEGIN IMMEDIATE")
            self._local.writing = True
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk ends it by itself
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._local.writing = False

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-32000", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            self._local.connection = connection
            self._local.writing = False
            with self._guard:
                self._connections.append(connection)
        return connection


def take_numbers(connection: sqlite3.Connection, count: int = 1) -> int:
    """Reserve `count` change numbers; the first of them. They grow over the whole store, in commit order."""
    row = connection.execute("UPDATE sequence SET value = value + ? RETURNING value", (count,)).fetchone()
    return int(row[0]) - count + 1
