"""Searching the archive: each search leaves an audit entry with what was looked for, and shows what may be seen.

Where a person is named (an address), only the archives that person may open are searched, and of these only what the
person may see is found; else an administrator of this machine looks, and finds everything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mse_tui.access.roles import Role, needs
from mse_tui.access.sight import ADMINISTRATOR, Sight, sight_of
from mse_tui.actions.archive_reading import find_mailbox, mailboxes
from mse_tui.actions.audit import audit
from mse_tui.archive import indexing
from mse_tui.archive.indexing import Advance, Freshness, Indexing, IndexReport
from mse_tui.archive.packs import Packs
from mse_tui.archive.search import PAGE, Hit, Place, Search, search
from mse_tui.archive.search_index import open_index, remove_index
from mse_tui.archive.search_query import Query, parse
from mse_tui.archive.views import MailboxView, View
from mse_tui.config.one_table import load_archive_settings
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason, explain


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for, by whom, where."""

    text: str
    """Words, phrases and fields, as a person types them."""
    person: str | None = None
    """Address of who looks; None: an administrator."""
    mailbox: str = ""
    """Address, guid or number; it beats what the text says of it."""
    folder: str = ""
    """What the text says beats this, and the next two."""
    since: datetime | None = None
    until: datetime | None = None
    """Received before this time."""
    view: View = field(default_factory=View.full)
    after: Place | None = None
    """Where an earlier search ended; None: from the newest on."""
    limit: int = PAGE
    """Hits of a page."""

    @property
    def query(self) -> Query:
        """Raises Problem invalid."""
        said = parse(self.text)
        return replace(
            said,
            mailbox=self.mailbox or said.mailbox,
            folder=said.folder or self.folder,
            after=said.after or self.since,
            before=said.before or self.until,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search that was audited."""

    asked: Asked
    hits: tuple[Hit, ...]
    """Newest first."""
    more: Place | None
    """Where the page ended; None: it is the last."""


@needs(Role.AUDITOR)
def search_archive(asked: Asked, home: Home, packs: Packs, *, cancelled: Callable[[], bool] = lambda: False) -> Found:
    """A page of what is found, newest first. Audited, wherever it begins.

    Raises Problem invalid (nothing to look for, no date), not-found (no such mailbox), search-index-damaged,
    search-index-off; Interrupted once `cancelled` says yes.
    """
    _index_of(home)
    query = asked.query
    if query.is_empty:
        raise Problem(Reason.INVALID, "There is nothing to look for.", "Give a word, or a field such as from:ann.")
    named = _named(query, asked.person)
    looker = {"as": asked.person} if asked.person else {}
    begins = {"after": str(asked.after)} if asked.after else {}
    told = {**looker, "query": asked.text, "view": str(asked.view), **begins}
    audit("search archive", named.address if named else "all mailboxes", after=told)
    return _search(asked, home, packs, cancelled)


@needs(Role.AUDITOR)
def next_page(found: Found, home: Home, packs: Packs, *, cancelled: Callable[[], bool] = lambda: False) -> Found:
    """The page after this one, where there is more: the search that was audited goes on. Raises as `search_archive`."""
    return _search(replace(found.asked, after=found.more), home, packs, cancelled)


@needs(Role.VIEWER)
def freshness(home: Home) -> Freshness:
    """How far the index is. Raises Problem search-index-damaged, search-index-off, archive-unreadable."""
    return indexing.freshness(_index_of(home))


@needs(Role.OPERATOR)
def index_archive(
    home: Home, packs: Packs, *, rebuild: bool = False, advance: Advance = lambda *_: None
) -> tuple[IndexReport, int]:
    """Bring the index up to date, or make it anew; the engine does the former by itself. Audited.

    Returns what was done, and of how many purged messages the words have been overwritten.
    Raises Problem archive-unreadable, disk-full, search-index-off.
    """
    _index_of(home)
    if rebuild:
        _empty(home)
    keeper = Indexing(packs, home.search_index, advance=advance)
    report = keeper.run(above=0)
    if not report.finished:  # it was damaged, and is begun anew
        report = keeper.run(above=0)
    expunged = keeper.expunge()
    audit("index archive", str(home.search_index), after={"rebuild": rebuild, "indexed": report.indexed})
    return report, expunged


def _search(asked: Asked, home: Home, packs: Packs, cancelled: Callable[[], bool]) -> Found:
    query = asked.query
    named = _named(query, asked.person)
    chosen = [named] if named else mailboxes(asked.person)
    sights = {each.id: _sight(each, asked.person) for each in chosen}
    wanted = Search(query, sights, asked.view, asked.after, asked.limit)
    page = search(home.search_index, packs, wanted, cancelled=cancelled)
    return Found(asked, page.hits, page.more)


def _index_of(home: Home) -> Path:
    """The index's file; raises Problem search-index-off where the site is to have none."""
    if not load_archive_settings(home.config).search_index:
        raise Problem(Reason.SEARCH_INDEX_OFF, explain(Reason.SEARCH_INDEX_OFF).happened)
    return home.search_index


def _named(query: Query, person: str | None) -> MailboxView | None:
    return find_mailbox(query.mailbox, person) if query.mailbox else None


def _sight(mailbox: MailboxView, person: str | None) -> Sight:
    return ADMINISTRATOR if person is None else sight_of(person, mailbox.id)


def _empty(home: Home) -> None:
    try:
        with open_index(home.search_index) as index:
            index.clear()
    except Problem as problem:
        if problem.reason is not Reason.SEARCH_INDEX_DAMAGED:
            raise
        remove_index(home.search_index)
