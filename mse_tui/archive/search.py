"""Searching the archive: what the index finds, as far as the person who looks may see it, newest first.

The index only says which messages have the words. Where they lie, whether they still are what was indexed, and who may
see them is asked of the ledger each time: what was purged, moved or denied a moment ago is so here too.
"""

# ruff: noqa: S608 (the conditions put into SQL are the archive's own; every value is a parameter)

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from mse_tui.access.sight import Sight
from mse_tui.archive import views
from mse_tui.archive.gist import gist_of
from mse_tui.archive.indexing import fingerprints
from mse_tui.archive.packs import Packs
from mse_tui.archive.search_index import Interrupted, Match, SearchIndex, open_index
from mse_tui.archive.search_query import Query
from mse_tui.archive.sights import may_be_read
from mse_tui.archive.snippets import snippet
from mse_tui.archive.statements import select, select_in
from mse_tui.archive.views import View
from mse_tui.reasons import Problem
from mse_tui.store.models import from_micros, to_micros

PAGE = 50
"""Hits of a page, unless another number is asked for."""
_FIRST_LOOK, _LONGEST_LOOK = 100, 4000
"""Messages that are looked at together: a few at first, more the rarer they are to be shown."""
_AFTER_ALL = 1 << 62
_MAILBOXES = "SELECT id, address, full_from FROM archive_mailbox"


@dataclass(frozen=True, slots=True)
class Hit:
    """One message in one mailbox, where it lies or lay last."""

    placement_id: int
    mailbox_id: int
    address: str
    folder: str
    """Path; of a folder that is gone, the last it had."""
    subject: str
    sender: str
    received: datetime
    """When it was received, else sent, else archived; to the second. Hits are in its order."""
    closed: datetime | None
    """When it was gone from this folder; None: it is there, as last replicated."""
    sha256: str
    """Hex; '' where only metadata were archived."""
    snippet: str
    """Some of its text, as the sender wrote it; '' where there is none to be read."""


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
    texts: dict[str, str] = {}
    for _, hit in shown:
        if cancelled():
            raise Interrupted
        if hit.sha256 not in texts:
            texts[hit.sha256] = _text(packs, hit.sha256)
    terms = wanted.query.terms
    hits = tuple(replace(hit, snippet=snippet(texts[hit.sha256], terms)) for _, hit in shown)
    return Page(hits, shown[-1][0] if len(found) > len(shown) else None)


class _Looking:
    """One search: what is asked of the ledger more than once is kept."""

    def __init__(self, index: SearchIndex, wanted: Search) -> None:
        self._index = index
        self._wanted = wanted
        self._mailboxes = {id: (address, full_from) for id, address, full_from in select(_MAILBOXES)}
        self._paths: dict[int, dict[int, str]] = {}

    def hits(self) -> Iterator[tuple[Place, Hit]]:
        """All that is found and may be seen, each with its place; snippets are left empty."""
        after = self._wanted.after or Place(_AFTER_ALL, 0)
        below, look = after.id + 1, _FIRST_LOOK
        while matches := self._index.matches(self._wanted.query, below, look):
            places = self._places(matches)
            for match in matches:
                for hit in places.get(match.message_id, ()):
                    if match.id < after.id or hit.mailbox_id > after.mailbox_id:
                        yield Place(match.id, hit.mailbox_id), replace(hit, received=match.received)
            if len(matches) < look:
                return
            below, look = matches[-1].id, min(2 * look, _LONGEST_LOOK)

    def _places(self, matches: Sequence[Match]) -> dict[int, list[Hit]]:
        """Message -> a hit a mailbox, in the order of the mailboxes."""
        still = fingerprints([match.message_id for match in matches])
        same = [match.message_id for match in matches if still.get(match.message_id) == match.fingerprint]
        by_mailbox: dict[int, list[int]] = defaultdict(list)
        for placement_id, mailbox_id in select_in(
            "SELECT x.id, f.mailbox_id FROM placement x JOIN archive_folder f ON f.id = x.folder_id"
            " WHERE x.message_id IN ({values})",
            same,
        ):
            if mailbox_id in self._wanted.sights:
                by_mailbox[mailbox_id].append(placement_id)
        found: dict[int, list[Hit]] = defaultdict(list)
        for mailbox_id in sorted(by_mailbox):
            for message_id, hit in self._seen(mailbox_id, by_mailbox[mailbox_id]).items():
                found[message_id].append(hit)
        return found

    def _seen(self, mailbox_id: int, placement_ids: Sequence[int]) -> dict[int, Hit]:
        """Message -> where it lies, else lay last, of these placements that the view and the person's sight show."""
        sight = self._wanted.sights[mailbox_id]
        address, full_from = self._mailboxes[mailbox_id]
        spans, moments = self._wanted.view.spans("x", full_from)
        readable, parameters = may_be_read(sight, "x")
        paths = self._paths_of(mailbox_id, sight)
        rows = select_in(
            "SELECT x.id, x.message_id, x.folder_id, x.closed, m.subject, m.sender, m.sha256"
            f" FROM placement x JOIN message m ON m.id = x.message_id WHERE {spans} AND {readable}"
            " AND x.id IN ({values})",
            placement_ids,
            *moments,
            *parameters,
        )
        best: dict[int, Hit] = {}
        for id, message_id, folder_id, closed, subject, sender, sha256 in rows:
            if folder_id not in paths:
                continue
            hit = Hit(
                id, mailbox_id, address, paths[folder_id], subject, sender, from_micros(0),
                None if closed is None else from_micros(closed), "" if sha256 is None else bytes(sha256).hex(), "",
            )  # fmt: skip
            if message_id not in best or _rank(hit) > _rank(best[message_id]):
                best[message_id] = hit
        return best

    def _paths_of(self, mailbox_id: int, sight: Sight) -> dict[int, str]:
        """Folder -> path, of those that are looked into."""
        if mailbox_id not in self._paths:
            every = views.folder_paths(mailbox_id, View.full(), sight)
            self._paths[mailbox_id] = {
                id: path for id, path in every.items() if _lies_in(path, self._wanted.query.folder)
            }
        return self._paths[mailbox_id]


def _lies_in(path: str, wanted: str) -> bool:
    """Whether names one after the other in a path are those that are wanted: 'in:Old' has all below any 'Old'."""
    return f"/{wanted.casefold()}/" in f"/{path.casefold()}/" if wanted else True


def _rank(hit: Hit) -> tuple[bool, int, int]:
    return (hit.closed is None, 0 if hit.closed is None else to_micros(hit.closed), hit.placement_id)


def _text(packs: Packs, sha256: str) -> str:
    """The text of a message; '' where there is none to be read."""
    if not sha256:
        return ""
    try:
        with packs.open(bytes.fromhex(sha256)) as content:
            return gist_of(content).body
    except Problem:
        return ""
