"""Long lists, read page by page in a thread; short ones from memory all the same."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual import work
from textual.message import Message
from textual.worker import get_current_worker

from mse_tui.reasons import Problem
from mse_tui.widgets.faults import every_fault_explained
from mse_tui.widgets.line_list import LineList
from mse_tui.widgets.lines import Column, Line, widest
from mse_tui.widgets.wording import count

PAGE = 100
"""Lines of a page that is fetched."""
_PAGES_KEPT = 12
_FIND_AT_MOST = 20_000

Fetch = Callable[[int, int], Sequence[Line]]
"""(offset, limit) -> lines; called in a thread."""


class PagedList(LineList):
    """A list whose lines are in memory (`set_lines`) or fetched as they are seen (`set_pages`)."""

    @dataclass
    class PageLoaded(Message, bubble=False):
        """A page came from its thread."""

        generation: int
        number: int
        lines: tuple[Line, ...]

    @dataclass
    class Found(Message, bubble=False):
        """A search came to a line (-1: to none)."""

        index: int
        text: str

    @dataclass
    class PageMissing(Message, bubble=False):
        """A page did not come from its thread; it may be asked for again."""

        generation: int
        number: int

    @dataclass
    class Counted(Message):
        """It is known how many lines have the text."""

        text: str
        lines: int

    @dataclass
    class Failed(Message):
        """Lines could not be fetched."""

        problem: Problem

    def __init__(self, columns: Sequence[Column], **options: Any) -> None:
        """`options` as for a LineList."""
        super().__init__(columns, **options)
        self._fetch: Fetch | None = None
        self._pages: dict[int, tuple[Line, ...]] = {}
        self._fresh: set[int] = set()
        self._asked: set[int] = set()
        self._generation = 0
        self._matches: int | None = None
        """How many lines have the text that was asked for, once that is known."""
        self._seen_widest: list[int] = []
        """The widest text of each column in all pages that have come, so that columns never shrink as one scrolls."""

    @property
    def is_paged(self) -> bool:
        """Whether its lines are fetched page by page."""
        return self._fetch is not None

    def set_lines(self, lines: Sequence[Line], hidden: Collection[str] = ()) -> None:
        """Show these lines, from memory."""
        if self._fetch is None:
            super().set_lines(lines, hidden)
            return
        self._fetch = None
        self._all, self._shown = tuple(lines), ()
        self._show()

    def set_pages(self, count: int, fetch: Fetch, known: Mapping[int, Sequence[Line]] | None = None) -> None:
        """Show `count` lines that `fetch` gives page by page; pages already shown stay until their new ones come.

        `known` are pages (by number, `PAGE` lines each) that need not be fetched.
        """
        self._told()
        self._fetch = fetch
        self._generation += 1
        self._fresh.clear()
        self._asked.clear()
        for number, lines in (known or {}).items():
            self._pages.pop(number, None)
            self._pages[number] = tuple(lines)
            self._fresh.add(number)
            self._asked.add(number)
            self._widen(self._pages[number])
        self._resize(count)
        for number in sorted(self._visible_pages()):
            self._want(number)

    def forget_pages(self) -> None:
        """Another thing is listed now: start at its top with nothing from before."""
        self._pages.clear()
        self._matches = None
        self._seen_widest = []
        self.cursor = 0
        self.scroll_to(y=0, animate=False)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show these columns from now on."""
        self._seen_widest = []
        super().set_columns(columns)
        for page in self._pages.values():
            self._widen(page)

    # --- pages ---------------------------------------------------------------------------------------------------

    def _line(self, index: int) -> Line | None:
        if self._fetch is None:
            return super()._line(index)
        number, place = divmod(index, PAGE)
        if number not in self._fresh:
            self._want(number)
        page = self._pages.get(number, ())
        return page[place] if place < len(page) else None

    def _widest(self) -> Sequence[int] | None:
        return (self._seen_widest or None) if self.is_paged else super()._widest()

    def _widen(self, lines: Sequence[Line]) -> None:
        """Take a page's texts into account, and draw all again where one of them is wider than those before."""
        found = widest(self._columns, lines)
        before = self._seen_widest or [0] * len(found)
        wider = [max(both) for both in zip(before, found, strict=True)]
        if wider != self._seen_widest and lines:
            self._seen_widest = wider
            self._revision += 1
            self.refresh()

    def _visible_pages(self) -> set[int]:
        top = self.scroll_offset.y
        return {index // PAGE for index in (top, top + max(1, self.size.height), self.cursor) if index < self._count}

    def _want(self, number: int) -> None:
        if number in self._asked or self._fetch is None or not self.is_mounted:
            return
        self._asked.add(number)
        self._load(self._generation, number, self._fetch)

    @work(thread=True, group="pages", exit_on_error=False)
    def _load(self, generation: int, number: int, fetch: Fetch) -> None:
        try:
            with every_fault_explained():
                lines = tuple(fetch(number * PAGE, PAGE))
        except Problem as problem:
            self.post_message(self.PageMissing(generation, number))
            self.post_message(self.Failed(problem))
            return
        self.post_message(self.PageLoaded(generation, number, lines))

    def on_paged_list_page_missing(self, missing: PageMissing) -> None:
        """Whoever looks at it again asks again."""
        if missing.generation == self._generation:
            self._asked.discard(missing.number)

    def on_paged_list_page_loaded(self, loaded: PageLoaded) -> None:
        """Put the page in place and draw what of it is visible."""
        if loaded.generation != self._generation:
            return
        before = self._pages.pop(loaded.number, None)
        self._pages[loaded.number] = loaded.lines
        self._widen(loaded.lines)
        self._fresh.add(loaded.number)
        for old in list(self._pages)[:-_PAGES_KEPT]:
            del self._pages[old]
            self._fresh.discard(old)
            self._asked.discard(old)
        if before != loaded.lines:
            self.refresh()
            if self.cursor // PAGE == loaded.number:
                self.post_message(self.Moved(self, self.current))

    # --- finding -------------------------------------------------------------------------------------------------

    def find(self, text: str, forward: bool = True) -> None:
        """Move to the next (or previous) line with this text, from the line beside the cursor on, once around."""
        if text != self.filter_text:
            self._matches = None
        self.filter_text = text
        if text and self._count:
            step = 1 if forward else -1
            order = [
                (self.cursor + step * away) % self._count for away in range(1, min(self._count, _FIND_AT_MOST) + 1)
            ]
            self._search(order, text, self._fetch, is_counted=self._matches is not None)

    @work(thread=True, exclusive=True, group="find", exit_on_error=False)
    def _search(self, order: list[int], text: str, fetch: Fetch | None, *, is_counted: bool) -> None:
        worker, matches = get_current_worker(), 0
        try:
            with every_fault_explained():
                for index in self._indices_of(order, text, fetch):
                    matches += 1
                    if matches == 1:
                        self.post_message(self.Found(index, text))
                    if is_counted or worker.is_cancelled:
                        return
        except Problem as problem:
            self.post_message(self.Failed(problem))
            return
        if not matches:
            self.post_message(self.Found(-1, text))
        self.post_message(self.Counted(text, matches))

    def _indices_of(self, order: list[int], text: str, fetch: Fetch | None) -> Iterator[int]:
        """Of the lines with this text."""
        shown, number = self._shown, -1
        lines: Sequence[Line] = ()
        for index in order:
            if number != index // PAGE:
                number = index // PAGE
                start = number * PAGE
                lines = shown[start : start + PAGE] if fetch is None else fetch(start, PAGE)
            if index % PAGE < len(lines) and lines[index % PAGE].contains(text):
                yield index

    @property
    def matching(self) -> str:
        """How many lines have the text that was asked for, as far as that is known."""
        if not self.is_paged:
            return super().matching
        if not self.filter_text or self._matches is None:
            return ""
        more = "at least " if self._count > _FIND_AT_MOST else ""
        return f"{more}{count(self._matches, 'line')} with {self.filter_text!r}"

    def on_paged_list_counted(self, counted: Counted) -> None:
        """Keep it; the screen says it."""
        if counted.text == self.filter_text:
            self._matches = counted.lines

    def on_paged_list_found(self, found: Found) -> None:
        """Go to the line that was found, or say that there is none."""
        if found.index < 0:
            self.app.notify(f"No line with {found.text!r}.", severity="warning", markup=False)
        else:
            self.move_to(found.index)
