"""Searching the archive: what the index finds, as far as the person who looks may see it, newest first.

The index only says which messages have the words. Where they lie, whether they still are what was indexed, and who may
see them is asked of the ledger each time: what was purged, moved or denied a moment ago is so here too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from mse_tui.access.sight import Sight
from mse_tui.archive.packs import Packs
from mse_tui.archive.search_hits import AppointmentHits, Hit, MessageHits, Where
from mse_tui.archive.search_index import Interrupted, Match, SearchIndex, open_index
from mse_tui.archive.search_query import Query
from mse_tui.archive.snippets import snippet
from mse_tui.archive.views import View

__all__ = ["PAGE", "Hit", "Page", "Place", "Search", "search"]

PAGE = 50
"""Hits of a page, unless another number is asked for."""
_FIRST_LOOK, _LONGEST_LOOK = 100, 4000
"""Messages that are looked at together: a few at first, more the rarer they are to be shown."""
_AFTER_ALL = 1 << 62


@dataclass(frozen=True, slots=True)
class Place:
    """How far a search has come: hits after this one follow."""

    id: int
    mailbox_id: int

    def __str__(self) -> str:
        return f"{self.id}.{self.mailbox_id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Some hits, newest first."""

    hits: tuple[Hit, ...]
    more: Place | None
    """Where the next page begins; None: these were the last."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, by whom, in which mailboxes and view."""

    query: Query
    sights: Mapping[int, Sight]
    """Mailbox -> what the person may see of it; no other is looked at. What the query says of mailboxes is in it."""
    view: View = field(default_factory=View.full)
    after: Place | None = None
    """Where the page before ended; None: this is the first."""
    limit: int = PAGE


def search(path: Path, packs: Packs, wanted: Search, *, cancelled: Callable[[], bool] = lambda: False) -> Page:
    """A page of what is found. Raises Problem search-index-damaged; Interrupted once `cancelled` says yes."""
    with open_index(path, ending=cancelled) as index:
        found = list(islice(_Looking(index, wanted).hits(), wanted.limit + 1))
    shown = found[: wanted.limit]
    snippets: dict[str, str] = {}
    for _, hit in shown:
        if cancelled():
            raise Interrupted
        if hit.key not in snippets:  # the whole texts of a page may be more than there is memory
            snippets[hit.key] = snippet(hit.text(packs), wanted.query.terms)
    hits = tuple(replace(hit, snippet=snippets[hit.key]) for _, hit in shown)
    return Page(hits, shown[-1][0] if len(found) > len(shown) else None)


class _Looking:
    """One search."""

    def __init__(self, index: SearchIndex, wanted: Search) -> None:
        self._index = index
        self._wanted = wanted
        where = Where(wanted.sights, wanted.view, wanted.query.folder)
        self._messages = MessageHits(where)
        self._appointments = AppointmentHits(where)

    def hits(self) -> Iterator[tuple[Place, Hit]]:
        """All that is found and may be seen, each with its place; snippets are left empty."""
        after = self._wanted.after or Place(_AFTER_ALL, 0)
        below, look = after.id + 1, _FIRST_LOOK
        while matches := self._index.matches(self._wanted.query, below, look):
            hits = self._hits_of(matches)
            for match in matches:
                for hit in hits.get(match.number, ()):
                    if match.id < after.id or hit.mailbox_id > after.mailbox_id:
                        yield Place(match.id, hit.mailbox_id), replace(hit, received=match.received)
            if len(matches) < look:
                return
            below, look = matches[-1].id, min(2 * look, _LONGEST_LOOK)

    def _hits_of(self, matches: Sequence[Match]) -> dict[int, list[Hit]]:
        """Number -> a hit a mailbox, in the order of the mailboxes."""
        messages = {match.number: match.fingerprint for match in matches if not match.is_appointment}
        appointments = [match.number for match in matches if match.is_appointment]
        return {**self._messages.hits(messages), **self._appointments.hits(appointments)}
