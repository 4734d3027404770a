"""How many items a pass would close in one folder or calendar, counted page by page."""

from collections.abc import Callable, Iterable, Set


class Departures:
    """What is doubted and not seen again, and what is seen gone; of the items that the archive has."""

    def __init__(self, doubted: int, doubted_of: Callable[[Iterable[str]], Set[str]]) -> None:
        """`doubted`: how many items are gone unless they are seen; `doubted_of`: which of some these are."""
        self._doubted = doubted
        self._doubted_of = doubted_of
        self._gone: set[str] = set()

    def take(self, present: Set[str], removed: Set[str]) -> None:
        """A page's items."""
        doubted = self._doubted_of([*present, *removed])
        self._doubted -= len(doubted & present)
        self._gone -= present
        self._gone |= removed - doubted

    @property
    def number(self) -> int:
        """So many by the pages taken."""
        return max(0, self._doubted) + len(self._gone)
