"""A list by the line API: columns, a cursor, marks; only visible lines are ever drawn."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.containers import ScrollableContainer
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mse_tui.widgets.commands import LIST_KEYS, bindings
from mse_tui.widgets.lines import GAP, Column, Line, Tone, fit, layout, widest
from mse_tui.widgets.wording import count, number
from mse_tui.widgets.wrapping import wrapped

_NOTHING_MATCHES = " Nothing matches the filter. Esc shows all."


class LineList(ScrollView, can_focus=True):
    """Lines in columns with a cursor and marks."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST_KEYS)
    IS_TEXT: ClassVar[bool] = False
    """Its lines are text to be read: there is nothing to open or to mark."""
    ONE_CLICK: ClassVar[bool] = False
    """Its lines are choices: a click takes one."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {"list--heading", "list--cursor", "list--mark"} | {
        f"list--{tone}" for tone in Tone
    }

    cursor = reactive(0, repaint=False)

    @dataclass
    class Opened(Message):
        """Enter was pressed on a line."""

        list: "LineList"
        line: Line

        @property
        def control(self) -> "LineList":
            return self.list

    @dataclass
    class Moved(Message):
        """The cursor is on another line (None: there is none)."""

        list: "LineList"
        line: Line | None

        @property
        def control(self) -> "LineList":
            return self.list

    @dataclass
    class Marked(Message):
        """Other lines are marked now, or other ones of them are out of sight."""

        list: "LineList"

    @dataclass
    class Copied(Message):
        """A person wants this text elsewhere."""

        text: str

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "Nothing here.",
        heading: bool = True,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._clicked = ""
        """The key of the line that was clicked last."""
        self._columns = tuple(columns)
        self._empty = empty
        self._heading = heading
        self._all: tuple[Line, ...] = ()
        self._shown: tuple[Line, ...] = ()
        self._count = 0
        self._widths: list[int] = []
        self._laid_for: tuple[int, int] = (-1, -1)
        self._revision = 0
        self.filter_text = ""
        self._marks: dict[str, Line] = {}
        self._is_told = False
        """What it lists has been read: until then that there is nothing would not be true."""

    # --- what it shows -------------------------------------------------------------------------------------------

    @property
    def is_paged(self) -> bool:
        """Whether its lines are fetched page by page."""
        return False

    @property
    def count(self) -> int:
        """Lines shown."""
        return self._count

    @property
    def matching(self) -> str:
        """How many lines have the text that was asked for, as far as that is known: '2 of 10 lines'."""
        listed = sum(not one.is_note for one in self._all)
        return f"{number(self._count)} of {count(listed, 'line')}" if self.filter_text else ""

    @property
    def current(self) -> Line | None:
        """The line under the cursor."""
        return self._line(self.cursor) if self._count else None

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show these columns from now on."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._revision += 1
            self.refresh()

    def set_empty(self, text: str) -> None:
        """Say this where there are no lines."""
        if text != self._empty:
            self._empty = text
            self.refresh(layout=True)

    def set_lines(self, lines: Sequence[Line], hidden: Collection[str] = ()) -> None:
        """Show these lines; the cursor stays on the line with the same key, and nothing is drawn that is the same.

        Marks stay as well: on lines with the same key, and on those whose keys are `hidden` for the time being.
        """
        self._told()
        lines = tuple(lines)
        if self._marks:
            self._keep_marks({one.key: one for one in lines if not one.is_note}, hidden)
        if lines != self._all:
            self._all = lines
            self._show()

    def _told(self) -> None:
        if not self._is_told:
            self._is_told = True
            self.refresh(layout=True)

    def filter(self, text: str) -> None:
        """Show only lines with this text (in a list from memory)."""
        self.filter_text = text
        if not self.is_paged:
            self._show()
            if self._marks:
                self.post_message(self.Marked(self))

    # --- marks ---------------------------------------------------------------------------------------------------

    @property
    def marked(self) -> list[Line]:
        """The marked lines: those of the list in its order, then those that are hidden or on other pages."""
        if not self._marks:
            return []
        listed = [one for one in self._all if one.key in self._marks and not one.is_note]
        keys = {one.key for one in listed}
        return [*listed, *(one for key, one in self._marks.items() if key not in keys)]

    @property
    def marked_out_of_sight(self) -> int:
        """How many of them a filter hides (in a list from memory)."""
        return 0 if self.is_paged else len(self._marks.keys() - {one.key for one in self._shown})

    @property
    def chosen(self) -> list[Line]:
        """What a command is for: the marked lines, else the one under the cursor."""
        return self.marked or ([self.current] if self.current is not None else [])

    def unmark(self, keys: Collection[str] | None = None) -> None:
        """Take these marks away; None: all."""
        for key in list(self._marks) if keys is None else keys:
            self._marks.pop(key, None)
        self._marks_changed()

    def _keep_marks(self, lines: Mapping[str, Line], hidden: Collection[str]) -> None:
        kept = {key: lines.get(key, one) for key, one in self._marks.items() if key in lines or key in hidden}
        gone = len(kept) < len(self._marks)
        self._marks = kept
        if gone:
            self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.Marked(self))

    def _show(self) -> None:
        current = self.current
        shown = self._matching() if self.filter_text else self._all
        before, self._shown = self._shown, shown
        widths = list(self._widths)
        self._revision += 1
        self._resize(len(shown))
        if current is not None:
            index = next((place for place, one in enumerate(shown) if one.key == current.key), None)
            if index is not None:
                self.cursor = index
        if len(before) == len(shown) and widths and self._lay_out() == widths:
            self._redraw_changed(before, shown)
        else:
            self.refresh()
        if self.current != current:
            self.post_message(self.Moved(self, self.current))

    def _matching(self) -> tuple[Line, ...]:
        """The lines with the text in a column that there is room for: why a line is there must be seen."""
        room = self.scrollable_content_region.width - 1
        widths = layout(self._columns, room, widest(self._columns, self._all)) if room > 0 else ()
        shown = [bool(width) for width in widths]
        return tuple(one for one in self._all if one.contains(self.filter_text, shown))

    def _redraw_changed(self, before: tuple[Line, ...], shown: tuple[Line, ...]) -> None:
        for index, (old, new) in enumerate(zip(before, shown, strict=True)):
            if old != new:
                self._refresh_index(index)

    def _resize(self, count: int) -> None:
        changed = count != self._count
        self._count = count
        self.virtual_size = Size(0, max(count, 1) + self._heading_rows)
        self.cursor = max(0, min(self.cursor, count - 1))
        if changed:
            self.refresh(layout=True)

    @property
    def _heading_rows(self) -> int:
        return 1 if self._heading else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are, where the style says auto."""
        if not self._count:
            return len(self._said_without_lines(width))
        return self._count + self._heading_rows

    # --- drawing -------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the visible part."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if not self._count:
            said = self._said_without_lines(width)
            text = said[y] if y < len(said) else ""
            return Strip([Segment(fit(text, width), base + self._style(Tone.DIM))], width)
        if self._heading and y == 0:
            return self._render_heading(width, base)
        index = self.scroll_offset.y + y - self._heading_rows
        if index >= self._count:
            return Strip.blank(width, base)
        return self._render_index(index, width, base)

    def _said_without_lines(self, width: int) -> list[str]:
        if not self._is_told:
            return [""]
        text = _NOTHING_MATCHES if self._all and self.filter_text else self._empty
        indent = " " * (len(text) - len(text.lstrip()))
        return [f"{indent}{said}" for said in wrapped(text.strip(), width - len(indent))]

    def _render_heading(self, width: int, base: Style) -> Strip:
        style = base + self.get_component_rich_style("list--heading", partial=True)
        texts = [
            fit(column.title, cells, right=column.right)
            for column, cells in zip(self._columns, self._lay_out(), strict=True)
            if cells
        ]
        return Strip([Segment(fit(" " + (" " * GAP).join(texts), width), style)], width)

    def _render_index(self, index: int, width: int, base: Style) -> Strip:
        found = self._line(index)
        at_cursor = index == self.cursor and self.has_focus
        style = base + self.get_component_rich_style("list--cursor", partial=True) if at_cursor else base
        if found is None:
            return Strip([Segment(fit(" ...", width), style)], width)
        if found.is_note:
            text, toned = found.cells[0].text, base + self._style(found.cells[0].tone)
            return Strip([Segment("   ", base), Segment(fit(text, max(1, width - 3)), toned)], width)
        marked = found.key in self._marks
        mark = style + self.get_component_rich_style("list--mark", partial=True)
        segments = [Segment("*", mark) if marked else Segment(" ", style)]
        gap = ""
        if found.spans:
            toned = style if at_cursor else style + self._style(found.cells[0].tone)
            return Strip([*segments, Segment(fit(found.cells[0].text, width - 1), toned)], width)
        for column, cells, cell in zip(self._columns, self._lay_out(), found.cells, strict=False):
            if not cells:
                continue
            toned = style if at_cursor or cell.tone is Tone.PLAIN else style + self._style(cell.tone)
            segments.append(Segment(gap, style))
            segments.append(Segment(fit(cell.text, cells, right=column.right), toned))
            gap = " " * GAP
        return Strip(segments).adjust_cell_length(width, style)

    def _style(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"list--{tone}", partial=True)

    def _lay_out(self) -> list[int]:
        room = max(1, self.scrollable_content_region.width - 1)
        if self._laid_for != (room, self._revision):
            self._widths = layout(self._columns, room, self._widest())
            self._laid_for = (room, self._revision)
        return self._widths

    def _widest(self) -> Sequence[int] | None:
        """The widest text of each column; None where that is not known yet."""
        return widest(self._columns, self._shown)

    def _line(self, index: int) -> Line | None:
        return self._shown[index] if 0 <= index < len(self._shown) else None

    # --- the cursor ----------------------------------------------------------------------------------------------

    def move_to(self, index: int) -> None:
        """Put the cursor on a line, or on the one that a note belongs to, and make it visible."""
        index = max(0, min(index, self._count - 1))
        while index > 0 and self._is_note(index):
            index -= 1
        self.cursor = index

    def select_key(self, key: str) -> None:
        """Put the cursor on the line with this key, if it is shown (in a list from memory)."""
        for index, one in enumerate(self._shown):
            if one.key == key:
                self.cursor = index

    def watch_cursor(self, before: int, after: int) -> None:
        """Redraw both lines, no more."""
        if before == after:
            return
        self._refresh_index(before)
        self._refresh_index(after)
        self._make_visible(after)
        if self.has_focus:
            self.call_after_refresh(self.show_cursor)
        self.post_message(self.Moved(self, self.current))

    def _make_visible(self, index: int) -> None:
        room = max(1, self.scrollable_content_region.height - self._heading_rows)
        top = self.scroll_offset.y
        if index < top:
            self._scroll(index)
        else:
            while self._is_note(index + 1):
                index += 1
            if index >= top + room:
                self._scroll(index - room + 1)

    def show_cursor(self) -> None:
        """Scroll what the list stands in, where its cursor is out of sight: what is above may have grown."""
        y = self.region.y + self.cursor + self._heading_rows - self.scroll_offset.y
        for around in self.ancestors:
            if isinstance(around, ScrollableContainer) and around.max_scroll_y:
                top = y - around.content_region.y + around.scroll_offset.y
                line = Region(0, top, max(1, self.region.width), 1)
                around.scroll_to_region(line, animate=False, force=True)

    def _scroll(self, top: int) -> None:
        """Forced: lines that have just come may be the first that need a scrollbar, which is not there yet."""
        self.scroll_to(y=top, animate=False, force=True)

    def _refresh_index(self, index: int) -> None:
        self.refresh_line(index + self._heading_rows)

    def on_focus(self) -> None:
        """The cursor shows."""
        self._refresh_index(self.cursor)

    def on_blur(self) -> None:
        """The cursor hides."""
        self._refresh_index(self.cursor)

    def action_list_down(self) -> None:
        """Next line; from the last one on to the next list."""
        index = self.cursor + 1
        while self._is_note(index):
            index += 1
        if index >= self._count:
            self._leave(1)
        else:
            self.cursor = index

    def action_list_up(self) -> None:
        """Line before; from the first one back to the list before."""
        if self.cursor <= 0:
            self._leave(-1)
        else:
            self.move_to(self.cursor - 1)

    def _is_note(self, index: int) -> bool:
        """Of lines in memory; those that are fetched have none."""
        return not self.is_paged and index < self._count and self._shown[index].is_note

    def _leave(self, direction: int) -> None:
        lists = [one for one in self.screen.focus_chain if isinstance(one, LineList) and one.has_class("-chained")]
        if self in lists and 0 <= (place := lists.index(self) + direction) < len(lists):
            target = lists[place]
            target.focus()
            target.move_to(0 if direction > 0 else target.count - 1)

    def action_list_first(self) -> None:
        """First line."""
        self.move_to(0)

    def action_list_last(self) -> None:
        """Last line."""
        self.move_to(self._count - 1)

    def action_list_page_down(self) -> None:
        """One page on."""
        self.move_to(self.cursor + max(1, self.size.height - self._heading_rows - 1))

    def action_list_page_up(self) -> None:
        """One page back."""
        self.move_to(self.cursor - max(1, self.size.height - self._heading_rows - 1))

    def action_list_open(self) -> None:
        """Tell the screen that the line is to be opened."""
        if (found := self.current) is not None:
            self.post_message(self.Opened(self, found))

    def action_list_mark(self) -> None:
        """Mark or unmark the line and go on to the next."""
        if (found := self.current) is None:
            return
        if self._marks.pop(found.key, None) is None:
            self._marks[found.key] = found
        self._refresh_index(self.cursor)
        self.post_message(self.Marked(self))
        index = self.cursor + 1
        while self._is_note(index):
            index += 1
        self.move_to(index)

    def action_list_unmark(self) -> None:
        """Take all marks away."""
        self.unmark()

    def action_list_copy(self) -> None:
        """Copy what the marked lines, or the one under the cursor, are about."""
        self._copy([one.copies or one.whole for one in self.chosen])

    def action_list_copy_line(self) -> None:
        """Copy all of the marked lines, or of the one under the cursor."""
        self._copy([one.whole for one in self.chosen])

    def _copy(self, texts: Sequence[str]) -> None:
        if text := "\n".join(dict.fromkeys(texts)):
            self.post_message(self.Copied(text))

    def on_click(self, event: events.Click) -> None:
        """The mouse works too: a click moves, a second one on the same line opens; one is enough for a choice."""
        index = self.scroll_offset.y + event.y - self._heading_rows
        if not 0 <= index < self._count:
            return
        before = self.current
        self.move_to(index)
        again = self.current is not None and self.current == before and self._clicked == self.current.key
        self._clicked = self.current.key if self.current is not None else ""
        if again or self.ONE_CLICK:
            self.action_list_open()
