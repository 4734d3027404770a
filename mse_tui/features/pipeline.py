"""Reading a mailbox's items with requests always in flight: one thread lists, one fetches, the run's own commits.

The lister stays a few pages ahead; the fetcher asks for the content of all pages that are listed in one go and hashes
it; its answers wait, bounded by bytes, until the run has packed and committed what came before. Order is kept.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence, Set
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from threading import Thread

from mse_tui.archive.arrivals import Arrival
from mse_tui.archive.ledger import PassKey, lacking
from mse_tui.archive.passes import without_content
from mse_tui.archive.reading import FolderReading
from mse_tui.archive.stubs import originals, registered
from mse_tui.archive.tombstones import purged_items
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import Content, ItemChanges, ItemFailure, ItemRow
from mse_tui.features.changes import Refused, pages_of
from mse_tui.features.channel import Channel
from mse_tui.features.scope import ItemScope
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import keep_connection

_AHEAD = 2048
"""Items that the lister may be ahead, and that are fetched in one go."""
_IN_HAND = 12 << 20
"""Bytes of content that wait for the run to take them."""
_HANDFUL = 1 << 20
"""Bytes of content that the run takes at once."""
_LOOKED_AGAIN = 500
"""Items looked at again in one request."""


@dataclass(frozen=True, slots=True)
class Page:
    """Items of one folder as listed; the contents of `wanted` follow it, in that order."""

    folder: FolderReading
    rows: Sequence[ItemRow]
    skipped: dict[str, Reason] = field(default_factory=dict)
    wanted: Sequence[ItemRow] = ()
    originals: dict[str, int] = field(default_factory=dict)
    """Remote id -> message of the original, of the items that are stubs of ours."""
    read_flags: Sequence[tuple[str, str, bool]] = ()
    removed: Sequence[str] = ()
    state: str | None = None
    """The state to go on from; None where items were looked at again, outside the server's own order."""
    last: bool = False


@dataclass(frozen=True, slots=True)
class StillSkipped:
    """Items that were skipped before, are not changed, and are skipped again."""

    folder: FolderReading
    reasons: Counter[Reason]


@dataclass(frozen=True, slots=True)
class StillFailing:
    """Items looked at again that the server can't show, even without content."""

    folder: FolderReading
    failures: Sequence[ItemFailure]


@dataclass(frozen=True, slots=True)
class Filled:
    """All that the folder lacked of content has been listed for fetching."""

    folder: FolderReading


@dataclass(frozen=True, slots=True)
class Restarted:
    """The server refused the folder's state; what follows is the folder from its beginning."""

    folder: FolderReading


@dataclass(frozen=True, slots=True)
class Lost:
    """The folder can't be read in this pass; what has been listed of it holds."""

    folder: FolderReading
    problem: Problem


@dataclass(frozen=True, slots=True)
class Arrived:
    """One item's content, hashed."""

    remote_id: str
    arrival: Arrival


Event = Page | StillSkipped | StillFailing | Filled | Restarted | Lost


class Lister:
    """Lists what there is to do in folders, one after the other, and what of it needs content."""

    def __init__(self, mailbox: Mailbox, key: PassKey, items: ItemScope, *, wants_content: bool) -> None:
        self._mailbox = mailbox
        self._mailbox_id = key.mailbox_id
        self._task_id = key.task_id
        self._items = items
        self._wants_content = wants_content

    def events(self, folders: Sequence[FolderReading]) -> Iterator[Event]:
        for folder in folders:
            yield from self._unfinished(folder)
            if folder.lacks_content:
                yield from self._lacking(folder)
            yield from self._changes(folder)

    def _unfinished(self, folder: FolderReading) -> Iterator[Event]:
        skipped: Counter[Reason] = Counter()
        again: list[str] = []
        for remote_id, reason in folder.unfinished.items():
            if self._items.still_skips(reason):
                skipped[reason] += 1
            else:
                again.append(remote_id)
        if skipped:
            yield StillSkipped(folder, skipped)
        for start in range(0, len(again), _LOOKED_AGAIN):
            yield from self._look_again(folder, again[start : start + _LOOKED_AGAIN])

    def _lacking(self, folder: FolderReading) -> Iterator[Event]:
        after = ""
        while ids := without_content(self._task_id, folder.folder_id, after, _LOOKED_AGAIN):
            yield from self._look_again(folder, ids)
            after = ids[-1]
        yield Filled(folder)

    def _look_again(self, folder: FolderReading, remote_ids: Sequence[str]) -> Iterator[Event]:
        rows: list[ItemRow] = []
        failures: list[ItemFailure] = []
        for answer in self._mailbox.headers(remote_ids):
            if isinstance(answer, ItemRow):
                rows.append(answer)
            else:
                failures.append(answer)
        if failures:
            yield StillFailing(folder, failures)
        if rows:
            skipped, originals = self._skipped(rows), self._originals(rows)
            settled = skipped.keys() | originals.keys()
            wanted = [row for row in rows if row.remote_id not in settled] if self._wants_content else []
            yield Page(folder, rows, skipped, wanted, originals)

    def _changes(self, folder: FolderReading) -> Iterator[Event]:
        for page in pages_of(partial(self._mailbox.item_changes, folder.remote_id), folder.state):
            match page:
                case Refused():
                    yield Restarted(folder)
                case Problem():
                    yield Lost(folder, page)
                case ItemChanges():
                    yield self._page(folder, page)

    def _page(self, folder: FolderReading, changes: ItemChanges) -> Page:
        removed = tuple(dict.fromkeys(changes.removed))
        gone = set(removed)
        rows = {row.remote_id: row for row in changes.changed if row.remote_id not in gone}
        flags = {flag[0]: flag for flag in changes.read_flags if flag[0] not in gone and flag[0] not in rows}
        listed = list(rows.values())
        skipped, originals = self._skipped(listed), self._originals(listed)
        wanted = self._wanted(folder, listed, skipped.keys() | originals.keys())
        read_flags = tuple(flags.values())
        return Page(folder, listed, skipped, wanted, originals, read_flags, removed, changes.state, changes.last)

    def _skipped(self, rows: Sequence[ItemRow]) -> dict[str, Reason]:
        reasons = ((row.remote_id, self._items.skips(row)) for row in rows)
        skipped = {remote_id: reason for remote_id, reason in reasons if reason is not None}
        purged = purged_items(self._mailbox_id, [row for row in rows if row.remote_id not in skipped])
        unknown = {row.remote_id: Reason.STUB_UNKNOWN for row in _unknown_stubs(rows)}
        return {**skipped, **dict.fromkeys(purged, Reason.PURGED), **unknown}

    def _originals(self, rows: Sequence[ItemRow]) -> dict[str, int]:
        """Of the items that are stubs of this mailbox's messages, the message that each stands for."""
        stubs = {row.remote_id: row.stub for row in rows if row.stub}
        if not stubs:
            return {}
        messages = originals(self._mailbox_id, stubs.values())
        return {remote_id: messages[key] for remote_id, key in stubs.items() if key in messages}

    def _wanted(self, folder: FolderReading, rows: Sequence[ItemRow], known: Set[str]) -> Sequence[ItemRow]:
        candidates = [row for row in rows if row.remote_id not in known]
        if not self._wants_content or not candidates:
            return ()
        needed = lacking(folder.folder_id, candidates)
        return [row for row in candidates if row.remote_id in needed]


def _unknown_stubs(rows: Sequence[ItemRow]) -> list[ItemRow]:
    """Stubs whose originals the archive knows nothing of: what they say must not pass for the message."""
    marked = [row for row in rows if row.stub]
    known = registered(row.stub for row in marked) if marked else set()
    return [row for row in marked if row.stub not in known]


def read_ahead(
    mailbox: Mailbox, lister: Lister, folders: Sequence[FolderReading]
) -> Generator[Event | Arrived | ItemFailure, None, None]:
    """Events of all folders, each page followed by the contents that it wants; listed and fetched ahead.

    Ends both threads when it is closed or ends. Raises what they raised, after all that came before.
    """
    listed: Channel[Event] = Channel(_AHEAD)
    fetched: Channel[Event | Arrived | ItemFailure] = Channel(_IN_HAND)

    def list_all() -> Generator[tuple[Event, int], None, None]:
        for event in lister.events(folders):
            yield event, 1 + len(event.rows) if isinstance(event, Page) else 1

    def run_lister() -> None:
        with keep_connection():
            listed.fill(list_all)

    def run_fetcher() -> None:
        fetched.fill(lambda: _fetch(mailbox, listed))

    threads = (
        Thread(target=copy_context().run, args=(run_lister,), name=f"list {mailbox.address}", daemon=True),
        Thread(target=copy_context().run, args=(run_fetcher,), name=f"fetch {mailbox.address}", daemon=True),
    )
    for thread in threads:
        thread.start()
    try:
        while events := fetched.take(_HANDFUL):
            yield from events
    finally:
        fetched.abandon()
        listed.abandon()
        for thread in threads:
            thread.join()


def _fetch(
    mailbox: Mailbox, listed: Channel[Event]
) -> Generator[tuple[Event | Arrived | ItemFailure, int], None, None]:
    """Fetch for all pages that are listed at the time; hand events and contents on in order, with their weight."""
    while events := listed.take(_AHEAD):
        wanted = [(row.remote_id, row.size) for event in events if isinstance(event, Page) for row in event.wanted]
        answers = mailbox.fetch(wanted) if wanted else iter(())
        try:
            for event in events:
                yield event, 1
                if isinstance(event, Page):
                    for _ in event.wanted:
                        answer = next(answers)
                        if isinstance(answer, Content):
                            yield Arrived(answer.remote_id, Arrival.of(answer.stream, answer.size)), answer.size
                        else:
                            yield answer, 1
        finally:
            if isinstance(answers, Generator):
                answers.close()
