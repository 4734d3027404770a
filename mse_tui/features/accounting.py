"""What a replication's ledger tells goes into the journal, and every item seen must have come to one outcome."""

from collections.abc import Collection

from mse_tui.archive.reading import Tally
from mse_tui.features.feature import Journal
from mse_tui.reasons import Problem, Reason


class Accounting:
    """Of one pass over one mailbox, in one run."""

    def __init__(self, journal: Journal, outcomes: Collection[str], items: str) -> None:
        """`outcomes`: the counters that what is seen can come to, unless it is skipped or fails; `items`: its name."""
        self._journal = journal
        self._outcomes = outcomes
        self._items = items
        self._seen = 0
        self._settled = 0

    def tell(self, tally: Tally, seen: int = 0) -> None:
        """Enter a tally in the journal; `seen`: how many items it accounts for."""
        journal = self._journal
        for counter, number in tally.counts.items():
            if number:
                journal.count(counter, number)
        for reason, number in tally.skipped.items():
            if number:
                journal.skip(reason, number)
        for item, reason, message in tally.failed:
            journal.fail(item, reason, message)
        if seen:
            journal.count("items_seen", seen)
        if tally.size:
            journal.count("bytes", tally.size)
        self._seen += seen
        self._settled += sum(tally.counts[each] for each in self._outcomes)
        self._settled += tally.skipped.total() + len(tally.failed)
        journal.advance(seen, tally.size)

    def check(self) -> None:
        """Raises Problem conservation-broken unless each item seen came to exactly one outcome."""
        if self._seen != self._settled:
            raise Problem(
                Reason.CONSERVATION_BROKEN,
                f"{self._seen} {self._items} were seen, but {self._settled} are accounted for.",
            )
