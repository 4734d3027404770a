"""Searching the archive: words in a line, what they find as one types, and the words around each hit."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from textual import on, work
from textual.events import Key
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from mse_tui.actions.archive_reading import Reading, look_into
from mse_tui.actions.archive_search import Asked, Found, freshness, next_page, search_archive
from mse_tui.archive.indexing import Freshness
from mse_tui.archive.search import Hit
from mse_tui.archive.search_index import Interrupted
from mse_tui.archive.search_query import unknown_field
from mse_tui.archive.views import View
from mse_tui.reasons import Problem
from mse_tui.screens.archive_look import ViewChoice, view_said
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.message import MessageScreen
from mse_tui.screens.roles import leads_to
from mse_tui.text import printable
from mse_tui.widgets.commands import OPEN_HIT, SEARCH_WORDS, VIEW
from mse_tui.widgets.faults import every_fault_explained
from mse_tui.widgets.inputs import QuietInput
from mse_tui.widgets.lines import Cell, Column, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, count, index_is_fresh

_PAUSE_SECONDS = 0.4
"""So long after the last key it is looked for: each search is audited."""
_FRESH_SECONDS = 10.0
"""So often, at most, it is asked how fresh the index is: all of it is counted for that."""
_SHORTEST = 2
_AHEAD = 15
"""Lines before the last one at which further hits are fetched."""
_HELP = (
    'Words must all be there; "side by side"; begin*. subject: from: to: body: attachment: look in one field; in: (a'
    " folder's path or name, with what is below), mailbox:, after: and before: (2026-03-01, 2026-03, 2026) say where"
    " and when. Newest first; c marks appointments, - what has gone from its folder. Down or Enter goes to the hits,"
    " / back to the words. Every search is written to the audit."
)
_HINT = ' Words, "a phrase", begin*, from:ann, attachment:offer, in:Inbox, after:2026-03-01'
_NOTHING = " Nothing is found."


@dataclass
class Looked:
    """The view that is searched."""

    view: View = field(default_factory=View.full)

    def __str__(self) -> str:
        return view_said(self.view)


class SearchScreen(ViewChoice, LiveScreen[Freshness]):
    """Messages and appointments of all mailboxes by what they say."""

    KEYS = (OPEN_HIT, SEARCH_WORDS, VIEW)
    PLACE = "archive"
    HELP_TEXT = _HELP

    @dataclass
    class Answered(Message, bubble=False):
        """A search came to its end."""

        number: int
        found: Found | None
        problem: Problem | None = None

    def __init__(self, text: str = "") -> None:
        """Begin with this text."""
        super().__init__()
        self.look = Looked()
        self._text = text
        self._typed: Timer | None = None
        self._fresh_from = 0.0
        """By the monotonic clock: before, how fresh the index is isn't asked again."""
        self._fresh_later: Timer | None = None
        self._number = 0
        """Of the newest search; what earlier ones find is dropped."""
        self._asked: Asked | None = None
        self._hits: list[Hit] = []
        self._found: Found | None = None
        """The last page of its hits."""
        self._fetching = False
        self._wants_hits = False
        """Enter was pressed: the hits get the cursor when they come."""

    def body(self) -> Iterable[Widget]:
        """The words, what they find, and what is around."""
        yield Static("", classes="title", id="title", markup=False)
        yield QuietInput(self._text, id="words", placeholder="words")
        yield Static("", id="fresh", classes="note", markup=False)
        yield PagedList(
            (
                Column("", 2),
                Column("When", 16),
                Column("From", 22, 3, grows=True),
                Column("Subject", 24, grows=True),
                Column("Mailbox", 28, 4),
                Column("Folder", 22, 5),
            ),
            id="hits",
            empty=_HINT,
        )
        yield Static("", id="where", classes="note -line", markup=False)
        yield Static("", id="around", classes="note -two", markup=False)

    def on_mount(self) -> None:
        """Begin to type, where one has ended."""
        super().on_mount()
        self._words.focus()
        self._words.cursor_position = len(self._words.value)
        self._show_hits()
        if self._text:
            self._look()

    def reload(self) -> None:
        """Now, or once it may be asked again: the newest change is never missed."""
        wait = self._fresh_from - monotonic()
        if wait <= 0:
            self._fresh_from = monotonic() + _FRESH_SECONDS
            super().reload()
        elif self._fresh_later is None:
            self._fresh_later = self.set_timer(wait, self._reload_later)

    def _reload_later(self) -> None:
        self._fresh_later = None
        if self._is_seen:
            self.reload()

    def action_refresh(self) -> None:
        """Read at once."""
        self._fresh_from = 0.0
        self.reload()

    def load(self) -> Freshness:
        """How far the index is. (What was found stays: each search is audited.)"""
        return freshness(self.tui.home)

    def show(self, data: Freshness) -> None:
        """In one line."""
        self.query_one("#fresh", Static).update(index_is_fresh(data.up_to, data.waiting))

    @property
    def _words(self) -> Input:
        return self.query_one("#words", Input)

    @property
    def _list(self) -> PagedList:
        return self.query_one("#hits", PagedList)

    # --- typing

    @on(Input.Changed, "#words")
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._wants_hits = False
        if self._typed is not None:
            self._typed.stop()
        self._typed = self.set_timer(_PAUSE_SECONDS, self._look)

    @on(Input.Submitted, "#words")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._look()
        self._wants_hits = True
        self._go_to_hits()

    def key_down(self, event: Key) -> None:
        """From the words to the hits."""
        if self._words.has_focus:
            event.stop()
            self._go_to_hits()

    def _go_to_hits(self) -> None:
        """Once they are there."""
        if self._list.count and not self._fetching:
            self._wants_hits = False
            self._list.focus()

    def action_filter(self) -> None:
        """Back to the words."""
        self._words.focus()

    def action_back(self) -> None:
        """From the hits to the words, from there to the screen before."""
        if self._list.has_focus:
            self._words.focus()
        else:
            super().action_back()

    def view_changed(self) -> None:
        """Search again."""
        self._look()

    # --- looking

    def _look(self) -> None:
        """Search for what stands there, unless that was done already."""
        if self._typed is not None:
            self._typed.stop()
        text = self._words.value.strip()
        asked = Asked(text, view=self.look.view) if len(text) >= _SHORTEST else None
        if asked == self._asked:
            return
        self._asked, self._hits, self._found = asked, [], None
        self._list.unmark()
        self._number += 1
        self._list.move_to(0)
        if asked is None:
            self.workers.cancel_group(self, "search")
            self._fetching = False
            self._show_hits()
        else:
            self._fetch(asked)

    def _fetch(self, wanted: Asked | Found) -> None:
        """The first page of what is asked, or the one after this."""
        self._fetching = True
        self._search(self._number, wanted)

    @work(thread=True, exclusive=True, group="search", exit_on_error=False)
    def _search(self, number: int, wanted: Asked | Found) -> None:
        worker = get_current_worker()
        try:
            with every_fault_explained(), suppress(Interrupted):
                self.post_message(self.Answered(number, self._look_for(wanted, lambda: worker.is_cancelled)))
        except Problem as problem:
            self.post_message(self.Answered(number, None, problem))

    def _look_for(self, wanted: Asked | Found, cancelled: Callable[[], bool]) -> Found:
        if isinstance(wanted, Found):
            return next_page(wanted, self.tui.home, self.tui.packs(), cancelled=cancelled)
        return search_archive(wanted, self.tui.home, self.tui.packs(), cancelled=cancelled)

    @on(Answered)
    def _answered(self, message: Answered) -> None:
        if message.number != self._number or not self._is_seen:
            return
        self._fetching = False
        problem = message.problem
        if message.found is not None:
            self._hits += message.found.hits
            self._found = message.found
        hint = unknown_field(message.found.asked.text) if message.found is not None and not self._hits else ""
        self._banner(f"{problem.happened} {problem.remedy}" if problem is not None else hint)
        self._show_hits()
        if self._wants_hits:
            self._go_to_hits()

    def _show_hits(self) -> None:
        more = " and more (G in the list)" if self._has_more else ""
        found = f": {count(len(self._hits), 'hit')}{more}" if self._asked is not None else ""
        self.query_one("#title", Static).update(printable(f"Search, {self.look}{found}"))
        self._list.set_empty(_HINT if self._asked is None else _NOTHING)
        self._list.set_lines([_line(number, hit) for number, hit in enumerate(self._hits)])
        self._show_around()

    # --- hits

    @on(PagedList.Moved, "#hits")
    def _moved(self) -> None:
        self._show_around()
        near_the_end = self._list.cursor >= len(self._hits) - _AHEAD
        if near_the_end and self._found is not None and self._has_more and not self._fetching:
            self._fetch(self._found)

    @property
    def _has_more(self) -> bool:
        return self._found is not None and self._found.more is not None

    def _show_around(self) -> None:
        hit = self._current
        if hit is None:
            where, around = "", ""
        else:
            gone = f", gone since {absolute(hit.closed)}" if hit.closed is not None else ""
            what = "Appointment, by its start: " if hit.is_appointment else ""
            where, around = f"{what}{hit.address}  {hit.folder or 'top of the mailbox'}{gone}", hit.snippet
        self.query_one("#where", Static).update(printable(where))
        self.query_one("#around", Static).update(printable(around))

    @property
    def _current(self) -> Hit | None:
        current = self._list.current
        return self._hits[int(current.key)] if current is not None and int(current.key) < len(self._hits) else None

    @on(PagedList.Opened, "#hits")
    @leads_to(look_into)
    def action_list_open(self) -> None:
        """Open the message or the appointment under the cursor."""
        hit = self._current
        if hit is not None and hit.is_appointment:
            self._open_appointment(hit)
        elif hit is not None:
            self.tui.act(lambda: look_into(hit.mailbox_id, self.tui.packs()), partial(self._opened, hit))

    def _open_appointment(self, hit: Hit) -> None:
        # What reads calendars is slow to import.
        from mse_tui.actions.calendar_reading import look_into_calendars  # noqa: PLC0415
        from mse_tui.machine_zone import machine_zone  # noqa: PLC0415
        from mse_tui.screens.appointment import AppointmentScreen  # noqa: PLC0415

        self.tui.act(
            lambda: look_into_calendars(hit.mailbox_id, self.tui.packs()),
            lambda reading: self.app.push_screen(AppointmentScreen(reading, hit.version_id, machine_zone())),
        )

    def _opened(self, hit: Hit, reading: Reading) -> None:
        self.app.push_screen(MessageScreen(reading, hit.placement_id))


def _line(number: int, hit: Hit) -> Line:
    gone = hit.closed is not None
    return line(
        number,
        Cell(f"{'-' if gone else ' '}{'c' if hit.is_appointment else ''}".rstrip(), Tone.ACCENT),
        absolute(hit.received),
        hit.sender,
        Cell(hit.subject or "(no subject)", Tone.DIM if gone else Tone.STRONG),
        hit.address,
        Cell(hit.folder, Tone.DIM),
    )
