"""The search index: which words stand in which archived message. A file of its own, made from the archive alone.

It keeps no text: FTS5 is contentless, and each entry knows of its message only the number and a fingerprint of what it
was when it was read. An entry's id holds when the message was received, so that the newest are found first without
sorting. Beside the ledger's database it lies apart: it may be big, busy or lost without anything else noticing.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mse_tui.archive.gist import Gist
from mse_tui.archive.search_query import Query
from mse_tui.archive.search_words import folded
from mse_tui.archive.statements import chunked, marks
from mse_tui.home import Home, takes_no_writes
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import as_problem, is_only_read
from mse_tui.store.models import EPOCH

VERSION = 3
"""Of the tables, and of how text is taken out of messages and folded: an index of another version is made anew."""
APPOINTMENTS = 1 << 40
"""Added to the numbers of appointments' versions, beside messages' numbers."""
SLOTS = 1 << 6
"""Ids for messages received in one second; what comes more goes into the next."""
_LATEST = (1 << 62) // SLOTS
_BUSY_SECONDS = 30
_PENDING_BYTES = 8 << 20
"""Of words that FTS5 holds in memory before it writes them."""
_LOOK_STEPS = 20_000
"""SQLite's own steps between two looks whether to go on."""
_MERGED_PAGES = 500
_UNLINKED_AT_ONCE = 5000
"""Forgotten messages whose words are held in memory together."""
_OCCURRENCES = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.occurrence USING fts5vocab('main', 'word', 'instance')"
_TABLES = f"""
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    whole INTEGER NOT NULL
);
CREATE TABLE generation (number INTEGER NOT NULL);
INSERT INTO generation VALUES (random());
CREATE TABLE forgotten (id INTEGER PRIMARY KEY, since INTEGER NOT NULL, unlinked INTEGER NOT NULL DEFAULT 0);
CREATE VIRTUAL TABLE word USING fts5(
    subject, sender, recipients, body, attachments,
    content='', columnsize=0, tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'"
);
INSERT INTO word (word, rank) VALUES ('hashsize', {_PENDING_BYTES});
"""  # noqa: S608 (a number of ours)
_OLD_TABLES = "SELECT name FROM sqlite_master WHERE name IN ('entry', 'forgotten', 'generation', 'word')"
_NO_INDEX = (
    "An index is made where the site is changed, not where it is only looked at. A backup has none: copy the site's"
    " search.db into it, or put a copy of it in place as a site of its own and run mse-tui archive index there."
)
_COLUMNS = ("subject", "sender", "recipients", "body", "attachments")


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, or a version of an appointment, as it goes into the index."""

    number: int
    """The ledger's; of an appointment's version with APPOINTMENTS added."""
    fingerprint: bytes
    """What tells it from another one that has got its number, and from itself before it changed."""
    received: datetime
    """Of an appointment when it starts."""
    gist: Gist
    whole: bool
    """False: its content could not be read, and what the ledger shows of it is all that is indexed."""


@dataclass(frozen=True, slots=True)
class Match:
    """One entry that was found."""

    id: int
    number: int
    fingerprint: bytes

    @property
    def is_appointment(self) -> bool:
        return self.number >= APPOINTMENTS

    @property
    def received(self) -> datetime:
        """To the second; of an appointment when it starts."""
        return datetime.fromtimestamp(self.id // SLOTS, EPOCH.tzinfo)


class SearchIndex:
    """An open index, for one thread."""

    def __init__(self, connection: sqlite3.Connection, ending: Callable[[], bool]) -> None:
        self._connection = connection
        self._ending = ending
        self._generation = self._one("SELECT number FROM generation")
        """Another one: somebody has cleared the index, and what was seen of it no longer holds."""
        self._room: dict[int, int] = {}
        """First id of a second that has filled its slots -> those where there was room last."""

    # --- what is in it

    def between(self, first: int, last: int) -> dict[int, tuple[bytes, bool]]:
        """Number -> fingerprint and whether it was read whole, from the first to the last number."""
        sql = "SELECT number, fingerprint, whole FROM entry WHERE number BETWEEN ? AND ?"
        return {row[0]: (row[1], bool(row[2])) for row in self._rows(sql, (first, last))}

    def newest(self, above: int, below: int, limit: int) -> list[tuple[int, bytes]]:
        """The greatest numbers between two, and their fingerprints, downwards."""
        sql = "SELECT number, fingerprint FROM entry WHERE number > ? AND number < ? ORDER BY number DESC LIMIT ?"
        return list(self._rows(sql, (above, below, limit)))

    def count(self) -> int:
        """Messages and versions of appointments in it."""
        return int(self._one("SELECT COUNT(*) FROM entry"))

    def words_left(self) -> int:
        """Messages that are forgotten, but whose words are still in the file."""
        return int(self._one("SELECT COUNT(*) FROM forgotten"))

    def forgotten_since(self) -> datetime | None:
        """When the first of those was forgotten."""
        since = self._one("SELECT MIN(since) FROM forgotten")
        return None if since is None else datetime.fromtimestamp(since, EPOCH.tzinfo)

    # --- looking

    def matches(self, query: Query, below: int, limit: int) -> list[Match]:
        """The newest entries with an id below the given one that the query's terms and times fit, downwards."""
        first = _first_id(query.after) if query.after is not None else 0
        last = min(below, _first_id(query.before)) if query.before is not None else below
        parameters: tuple[Any, ...] = (last, first, limit)
        if query.terms:
            sql = (
                "SELECT e.id, e.number, e.fingerprint FROM word w CROSS JOIN entry e ON e.id = w.rowid"
                " WHERE word MATCH ? AND w.rowid < ? AND w.rowid >= ? ORDER BY w.rowid DESC LIMIT ?"
            )
            parameters = (query.expression, *parameters)
        else:
            sql = "SELECT id, number, fingerprint FROM entry WHERE id < ? AND id >= ? ORDER BY id DESC LIMIT ?"
        return [Match(*row) for row in self._rows(sql, parameters)]

    # --- changing

    def put(self, entries: Sequence[Entry], now: datetime) -> int:
        """Enter messages, all or none of them, in place of what they were before; returns how many were entered.

        Left alone is what is in it as it is, whoever was quicker.
        """
        entered = 0
        with self._writing():
            for entry in sorted(entries, key=lambda each: each.received):
                if self._make_room(entry, now):
                    self._enter(entry)
                    entered += 1
        return entered

    def _make_room(self, entry: Entry, now: datetime) -> bool:
        """Whether there is anything to enter; what the message was before is forgotten."""
        sql = "SELECT fingerprint, whole FROM entry WHERE number = ?"
        for fingerprint, whole in self._rows(sql, (entry.number,)):
            if fingerprint == entry.fingerprint and whole >= entry.whole:
                return False
            self._forget([entry.number], now)
        return True

    def _enter(self, entry: Entry) -> None:
        id = self._free_id(entry.received)
        self._connection.execute(
            "INSERT INTO entry (id, number, fingerprint, whole) VALUES (?, ?, ?, ?)",
            (id, entry.number, entry.fingerprint, entry.whole),
        )
        self._connection.execute(
            "INSERT INTO word (rowid, subject, sender, recipients, body, attachments) VALUES (?, ?, ?, ?, ?, ?)",
            (id, *(folded(getattr(entry.gist, column)) for column in _COLUMNS)),
        )

    def forget(self, numbers: Iterable[int], now: datetime) -> None:
        """From now on these are not found; their words stay in the file until `expunge`."""
        with self._writing():
            self._forget(list(numbers), now)

    def _forget(self, numbers: Sequence[int], now: datetime) -> None:
        for part in chunked(numbers):
            self._connection.execute(
                f"INSERT INTO forgotten (id, since) SELECT id, ? FROM entry WHERE number IN ({marks(part)})",  # noqa: S608 (marks)
                (int(now.timestamp()), *part),
            )
            self._connection.execute(f"DELETE FROM entry WHERE number IN ({marks(part)})", part)  # noqa: S608 (marks)

    def expunge(self) -> int:
        """Take the words of forgotten messages out of the file; returns how many messages those were.

        Takes a look at every word in the index and a writing of it anew. Where it is ended in between, or somebody
        reads what is to be overwritten, it goes on from there the next time.
        """
        while self._unlink():
            pass
        unlinked = self._rows("SELECT id FROM forgotten WHERE unlinked")
        if not unlinked:
            return 0
        self._rewrite()
        if not self._overwritten():
            return 0
        with self._writing():
            self._connection.executemany("DELETE FROM forgotten WHERE id = ?", unlinked)
        return len(unlinked)

    def _unlink(self) -> bool:
        """Let no word lead to some of the forgotten messages any more, and say whether there were any.

        Older parts of the index still have these words.
        """
        self._connection.execute(_OCCURRENCES)
        words: dict[int, dict[str, list[str]]] = {}
        with self._writing():
            forgotten = self._rows(
                "SELECT id FROM forgotten WHERE NOT unlinked ORDER BY id LIMIT ?", (_UNLINKED_AT_ONCE,)
            )
            for id, column, term in self._connection.execute(
                "SELECT doc, col, term FROM temp.occurrence WHERE doc IN"
                " (SELECT id FROM forgotten WHERE NOT unlinked ORDER BY id LIMIT ?)",
                (_UNLINKED_AT_ONCE,),
            ):
                words.setdefault(id, {}).setdefault(column, []).append(term)
            for id, said in words.items():
                self._connection.execute(
                    "INSERT INTO word (word, rowid, subject, sender, recipients, body, attachments)"
                    " VALUES ('delete', ?, ?, ?, ?, ?, ?)",
                    (id, *(" ".join(dict.fromkeys(said.get(column, ()))) for column in _COLUMNS)),
                )
            self._connection.executemany("UPDATE forgotten SET unlinked = 1 WHERE id = ?", forgotten)
        return bool(forgotten)

    def _rewrite(self) -> None:
        """Merge all parts of the index into one, in which words without a message are no more; step by step."""
        step = -_MERGED_PAGES
        while True:
            if self._ending():
                raise Interrupted("the writing of the index anew was ended")
            before = self._connection.total_changes
            self._connection.execute("INSERT INTO word (word, rank) VALUES ('merge', ?)", (step,))
            if self._connection.total_changes - before < 2:
                return
            step = _MERGED_PAGES

    def clear(self) -> None:
        """Forget everything, and leave none of its words in the file."""
        with self._writing():
            self._connection.execute("INSERT INTO word (word) VALUES ('delete-all')")
            self._connection.execute("DELETE FROM entry")
            self._connection.execute("DELETE FROM forgotten")
            self._connection.execute("UPDATE generation SET number = random()")
            self._generation = self._one("SELECT number FROM generation")
        self._room.clear()
        self._overwritten()

    def _overwritten(self) -> bool:
        """Write what was committed over what was there before; not while somebody still reads that."""
        return not self._one("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- how

    def _free_id(self, received: datetime) -> int:
        first = _first_id(received)
        id = self._room.get(first, first)
        while True:
            last = id + SLOTS - 1
            taken = self._one(
                "SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM entry WHERE id BETWEEN ? AND ? UNION ALL"
                " SELECT MAX(id) FROM forgotten WHERE id BETWEEN ? AND ?)",
                (id, last, id, last),
            )
            if taken is None or taken < last:
                return id if taken is None else int(taken) + 1
            id += SLOTS
            self._room[first] = id

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            if self._one("SELECT number FROM generation") != self._generation:
                raise Interrupted("the index was cleared meanwhile")
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, parameters).fetchall()

    def _one(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        return self._connection.execute(sql, parameters).fetchone()[0]


@contextmanager
def open_index(path: Path, *, ending: Callable[[], bool] = lambda: False) -> Iterator[SearchIndex]:
    """The index of this file, which is made where there is none, or one of another version.

    `ending` is asked now and then, also within a long statement; once it says yes, that ends with Interrupted and
    nothing of it is done. Where the site is open to look at only, so is its index.
    Raises Problem search-index-damaged, disk-full, archive-unreadable; not-found (there is none to look at).
    """
    looks = is_only_read()
    try:
        with closing(_connect_to_look(path) if looks else _connect(path)) as connection:
            if not looks:
                _bring_up_to_date(connection)
            elif _version(connection) != VERSION:
                raise Problem(Reason.NOT_FOUND, f"The search index {path} is of another version of mse-tui.", _NO_INDEX)
            connection.set_progress_handler(lambda: int(ending()), _LOOK_STEPS)
            yield SearchIndex(connection, ending)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            raise Interrupted from error
        problem = _explained(error, path)
        if problem is None:
            raise
        raise problem from error


class Interrupted(Exception):
    """Whoever had asked no longer wants to know; or somebody has cleared the index, and one has to begin anew."""


def remove_index(path: Path) -> None:
    """Delete the file, such as a damaged one; the next who opens it finds an empty index."""
    for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        with suppress(FileNotFoundError):
            each.unlink()


def size_of(path: Path) -> int:
    """Bytes that the index takes on disk."""
    sizes = 0
    for each in (path, path.with_name(path.name + "-wal")):
        with suppress(FileNotFoundError):
            sizes += each.stat().st_size
    return sizes


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    # What power loss takes of the last commits is read from the archive again; what is deleted is overwritten.
    for pragma in ("journal_mode = wal", "synchronous = NORMAL", "secure_delete = ON", "cache_size = -8000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _connect_to_look(path: Path) -> sqlite3.Connection:
    """What nobody writes is read as it is: else SQLite would make files beside it."""
    if not path.exists():
        raise Problem(Reason.NOT_FOUND, f"There is no search index at {path}.", _NO_INDEX)
    is_fixed = Home(path.parent).backup_marker.exists() or takes_no_writes(path.parent)
    how = "mode=ro&immutable=1" if is_fixed else "mode=ro"
    return sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) != VERSION:
        for (table,) in connection.execute(_OLD_TABLES).fetchall():
            connection.execute(f"DROP TABLE {table}")
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _first_id(moment: datetime) -> int:
    """The first id of the second."""
    return min(max(int((moment - EPOCH).total_seconds()), 0), _LATEST) * SLOTS


def _explained(error: sqlite3.DatabaseError, path: Path) -> Problem | None:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Problem(Reason.SEARCH_INDEX_DAMAGED, f"The search index {path} is damaged: {error}.")
    return as_problem(error, path)
