"""Keeping the search index in step with the ledger: what came is read and entered, what went is forgotten.

Nothing says in between what is still to be done: index and ledger are compared, so whatever dies, is killed or is
restored from a backup, the next look finds the difference. What comes gets growing numbers, so most looks are about the
last ones; a thorough look compares all.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mse_tui.archive.packs import Packs
from mse_tui.archive.search_index import Entry, Interrupted, SearchIndex, open_index, remove_index
from mse_tui.archive.search_sources import SOURCES, Source
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now
from mse_tui.store.models import from_micros

log = logging.getLogger(__name__)

GRACE = timedelta(days=1)
"""How long words that were replaced may lie in the index's file, unless something is purged."""
_COMPARED = 2000
"""Entries that are compared at a time."""
_AT_A_TIME = 500
"""Entries in one transaction of the index, as long as their text is not longer than:"""
_CHARACTERS = 4_000_000

Advance = Callable[[int, int], None]
"""(what is done, of how many)"""


@dataclass(slots=True)
class IndexReport:
    """What one round did."""

    indexed: int = 0
    unreadable: int = 0
    """Of those, what could not be read: what the ledger shows of it is indexed."""
    forgotten: int = 0
    """Purged since."""
    reached: int = 0
    """All was looked at up to this number."""
    finished: bool = False
    """All was."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the index is."""

    messages: int
    """In the index, with versions of appointments."""
    waiting: int
    """Those in the archive that are not yet in the index."""
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
        """`ending` is asked between entries; once it says yes, the round ends there."""
        self._packs = packs
        self._path = path
        self._ending = ending
        self._advance = advance
        self._clock = clock
        self._done = self._total = 0

    def run(self, above: int | None = None) -> IndexReport:
        """Bring what has numbers above the given one into step: 0 means all; None what came since the last time.

        A damaged index is thrown away and begun anew. Raises Problem archive-unreadable, disk-full; what was entered
        until then is kept.
        """
        report = IndexReport()
        with self._mending(), open_index(self._path) as index:
            begin = {each: settled(index, each) if above is None else max(above, each.first) for each in SOURCES}
            self._done, self._total = 0, sum(each.above(number)[0] for each, number in begin.items())
            report.finished = all(self._compare(index, each, number, report) for each, number in begin.items())
        return report

    def expunge(self, grace: timedelta = timedelta(0)) -> int:
        """Overwrite the words of messages that were purged or replaced; returns how many messages those were.

        With `grace` only once the first of them was so long ago. Raises Problem disk-full.
        """
        with self._mending(), open_index(self._path, ending=self._ending) as index:
            since = index.forgotten_since()
            if since is not None and since <= self._clock() - grace:
                return index.expunge()
        return 0

    def words_left(self) -> int:
        """Messages whose words are not yet overwritten. Raises Problem search-index-damaged."""
        with open_index(self._path) as index:
            return index.words_left()

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

    def _compare(self, index: SearchIndex, source: Source, above: int, report: IndexReport) -> bool:
        """Enter and forget what differs in numbers above the given one; whether all of the source was looked at."""
        while above < source.beyond and not self._ending():
            rows = source.rows(above, _COMPARED)
            last = rows[-1][0] if len(rows) == _COMPARED else source.beyond
            there = dict(rows)
            known = index.between(above + 1, last)
            gone = known.keys() - there.keys()
            if gone:
                index.forget(gone, self._clock())
                report.forgotten += len(gone)
            wanted = {number: print_ for number, print_ in rows if known.get(number) != (print_, True)}
            self._done += len(rows) - len(wanted)
            for batch in self._batches(source, wanted):
                report.indexed += index.put(batch, self._clock())
                report.unreadable += sum(not entry.whole for entry in batch)
                self._done += len(batch)
                self._advance(self._done, self._total)
            if self._ending():
                return False
            report.reached = above = last
        return above >= source.beyond

    def _batches(self, source: Source, wanted: dict[int, bytes]) -> Iterator[list[Entry]]:
        """What is to be entered, a transaction's worth at a time."""
        batch: list[Entry] = []
        characters = 0
        for entry in source.entries(self._packs, wanted):
            batch.append(entry)
            characters += len(entry.gist.body)
            if len(batch) >= _AT_A_TIME or characters >= _CHARACTERS or self._ending():
                yield batch
                if self._ending():
                    return
                batch, characters = [], 0
        if batch:
            yield batch


def settled(index: SearchIndex, source: Source) -> int:
    """The greatest number of a source up to which everything is in the index.

    The database gives a message's number anew once it is purged and was the last; so this is the greatest number whose
    entry still is of what has it.
    """
    below = source.beyond
    while newest := index.newest(source.first, below, 100):
        there = source.fingerprints([number for number, _ in newest])
        for number, print_ in newest:
            if there.get(number) == print_:
                return number
        below = newest[-1][0]
    return source.first


def freshness(path: Path) -> Freshness:
    """How far the index is. Raises Problem search-index-damaged, archive-unreadable."""
    with open_index(path) as index:
        entries, words_left = index.count(), index.words_left()
        waiting = [each.above(settled(index, each)) for each in SOURCES]
    stamps = [since for number, since in waiting if number and since is not None]
    up_to = from_micros(min(stamps)) if stamps else None
    return Freshness(entries, sum(number for number, _ in waiting), up_to, words_left)
