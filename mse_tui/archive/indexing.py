"""Keeping the search index in step with the ledger: what came is read and entered, what went is forgotten.

Nothing says in between what is still to be done: index and ledger are compared, so whatever dies, is killed or is
restored from a backup, the next look finds the difference. Messages get growing numbers, so most looks are about the
last ones; a thorough look compares all.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mse_tui.archive.gist import Gist, gist_of
from mse_tui.archive.packs import Packs
from mse_tui.archive.search_index import Entry, Interrupted, SearchIndex, open_index, remove_index
from mse_tui.archive.statements import select, select_in
from mse_tui.archive.tombstones import envelope_digest
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now
from mse_tui.store.models import from_micros

log = logging.getLogger(__name__)

GRACE = timedelta(days=1)
"""How long words of purged messages may lie in the index's file; as long as their content in a condemned pack."""
_COMPARED = 2000
"""Messages that are compared at a time."""
_AT_A_TIME = 500
"""Messages in one transaction of the index, as long as their text is not longer than:"""
_CHARACTERS = 4_000_000
_OF_ONE_MESSAGE = (Reason.CONTENT_DAMAGED, Reason.CONTENT_MISSING)
_BEYOND = 1 << 62
_LEDGER_COLUMNS = "id, sha256, internet_message_id, subject, sender, sent"


Advance = Callable[[int, int], None]
"""(messages that are done, of how many)"""


@dataclass(slots=True)
class IndexReport:
    """What one round did."""

    indexed: int = 0
    unreadable: int = 0
    """Of those, messages whose content could not be read: what the ledger shows of them is indexed."""
    forgotten: int = 0
    reached: int = 0
    """Up to this message's number all were looked at."""
    finished: bool = False
    """All were."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the index is."""

    messages: int
    """In the index."""
    waiting: int
    """Messages in the archive that are not yet in the index."""
    up_to: datetime | None
    """All that was archived until then is in it; None: all there is."""
    words_left: int
    """Purged messages that are no longer found, but whose words are not yet overwritten."""


class Indexing:
    """Brings one archive's index up to date. `run` may be called at any time, by any process."""

    def __init__(
        self,
        packs: Packs,
        path: Path,
        *,
        ending: Callable[[], bool] = lambda: False,
        advance: Advance = lambda *_: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`ending` is asked between messages; once it says yes, the round ends there."""
        self._packs = packs
        self._path = path
        self._ending = ending
        self._advance = advance
        self._clock = clock

    def run(self, above: int | None = None) -> IndexReport:
        """Bring messages with numbers above the given one into step: 0 means all; None those that came since last time.

        A damaged index is thrown away and begun anew. Raises Problem archive-unreadable, disk-full; what was entered
        until then is kept.
        """
        report = IndexReport()
        with self._mending(), open_index(self._path) as index:
            self._compare(index, settled(index) if above is None else above, report)
        return report

    def expunge(self) -> int:
        """Overwrite the words of messages that were purged a day ago or longer; returns how many messages those were.

        Raises Problem disk-full.
        """
        with self._mending(), open_index(self._path, ending=self._ending) as index:
            since = index.forgotten_since()
            if since is not None and since <= self._clock() - GRACE:
                return index.expunge()
        return 0

    @contextmanager
    def _mending(self) -> Iterator[None]:
        try:
            yield
        except Interrupted:
            log.debug("A round of indexing was ended before its time")
        except Problem as problem:
            if problem.reason is not Reason.SEARCH_INDEX_DAMAGED:
                raise
            log.warning("%s It is made anew.", problem.happened)
            remove_index(self._path)

    def _compare(self, index: SearchIndex, above: int, report: IndexReport) -> None:
        """Enter and forget what differs in messages with numbers above the given one."""
        done, total = 0, int(select("SELECT COUNT(*) FROM message WHERE id > ?", (above,))[0][0])
        while not self._ending():
            rows = select(
                f"SELECT {_LEDGER_COLUMNS} FROM message WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
                (above, _COMPARED),
            )
            last = rows[-1][0] if len(rows) == _COMPARED else _BEYOND
            there = {row[0]: fingerprint(row) for row in rows}
            known = index.between(above + 1, last)
            gone = known.keys() - there.keys()
            if gone:
                index.forget(gone, self._clock())
                report.forgotten += len(gone)
            wanted = {id: print_ for id, print_ in there.items() if known.get(id) != (print_, True)}
            done += len(rows) - len(wanted)
            for batch in self._batches(wanted):
                report.indexed += index.put(batch, self._clock())
                report.unreadable += sum(not entry.whole for entry in batch)
                done += len(batch)
                self._advance(done, total)
            if self._ending():
                return
            report.reached = above = last
            if last == _BEYOND:
                report.finished = True
                return

    def _batches(self, wanted: dict[int, bytes]) -> Iterator[list[Entry]]:
        """What is to be entered, a transaction's worth at a time."""
        batch: list[Entry] = []
        characters = 0
        for entry in self._entries(wanted):
            batch.append(entry)
            characters += len(entry.gist.body)
            if len(batch) >= _AT_A_TIME or characters >= _CHARACTERS:
                yield batch
                batch, characters = [], 0
        if batch:
            yield batch

    def _entries(self, wanted: dict[int, bytes]) -> Iterator[Entry]:
        for row in select_in(_MESSAGES, sorted(wanted)):
            if self._ending():
                return
            yield self._entry(row, wanted[row[0]])

    def _entry(self, row: Sequence[Any], print_: bytes) -> Entry:
        id, sha256, subject, sender, recipients, received = row
        said = Gist()
        whole = True
        if sha256 is not None:
            try:
                with self._packs.open(bytes(sha256)) as content:
                    said = gist_of(content)
            except Problem as problem:
                if problem.reason not in _OF_ONE_MESSAGE:
                    raise
                log.info("Message %s is indexed by what the ledger shows of it: %s", id, problem)
                whole = False
        gist = Gist(
            _both(said.subject, subject),
            _both(said.sender, sender),
            _both(said.recipients, recipients),
            said.body,
            said.attachments,
        )
        return Entry(id, print_, from_micros(received or 0), gist, whole)


_MESSAGES = (
    "SELECT m.id, m.sha256, m.subject, m.sender, m.recipients, COALESCE("
    "(SELECT MAX(p.received) FROM placement p WHERE p.message_id = m.id), m.sent,"
    " (SELECT MIN(p.opened) FROM placement p WHERE p.message_id = m.id))"
    " FROM message m WHERE m.id IN ({values}) ORDER BY m.id"
)


def fingerprint(row: Sequence[Any]) -> bytes:
    """What tells a message from others: its content's digest, else that of its envelope."""
    _, sha256, *envelope = row
    return bytes(sha256) if sha256 is not None else envelope_digest(tuple(envelope))


def fingerprints(message_ids: Sequence[int]) -> dict[int, bytes]:
    """Message -> its fingerprint now, of those that the archive still has."""
    sql = f"SELECT {_LEDGER_COLUMNS} FROM message WHERE id IN ({{values}})"  # noqa: S608
    return {row[0]: fingerprint(row) for row in select_in(sql, message_ids)}


def settled(index: SearchIndex) -> int:
    """The greatest message number up to which every message is in the index.

    The database gives a number anew once the message that had it last is purged; so this is the greatest number whose
    entry still is of the message that has it.
    """
    below: int | None = None
    while newest := index.newest(below, 100):
        there = fingerprints([id for id, _ in newest])
        for id, print_ in newest:
            if there.get(id) == print_:
                return id
        below = newest[-1][0]
    return 0


def freshness(path: Path) -> Freshness:
    """How far the index is. Raises Problem search-index-damaged, archive-unreadable."""
    with open_index(path) as index:
        done, messages, words_left = settled(index), index.count(), index.words_left()
    waiting, first = select("SELECT COUNT(*), MIN(id) FROM message WHERE id > ?", (done,))[0]
    opened = select("SELECT MIN(opened) FROM placement WHERE message_id = ?", (first,))[0][0] if waiting else None
    return Freshness(messages, waiting, None if opened is None else from_micros(opened), words_left)


def _both(one: str, other: str) -> str:
    """What the message says and what the server showed of it, once where that is the same."""
    return one if not other or other in one else f"{one}\n{other}".strip()
