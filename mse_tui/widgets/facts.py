"""Labelled facts and running text: wrapped to the width, a line at a time."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from textual import events

from mse_tui.text import printable
from mse_tui.widgets.lines import GAP, Cell, Column, Fact, Line, Tone
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wrapping import wrapped

_LABEL = 20


class Facts(PagedList):
    """Facts, one under the other: a column of labels and one of values."""

    IS_TEXT = True

    def __init__(
        self,
        *,
        empty: str = "",
        label_width: int = _LABEL,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__((), empty=empty, heading=False, id=id, classes=classes)
        self._facts: tuple[Fact, ...] = ()
        self._label_least = self._label_width = label_width
        self._wrapped_to = 0

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these."""
        facts = tuple(facts)
        if facts != self._facts:
            self._facts = facts
            self._wrap()

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap to the new width."""
        if self._value_width() != self._wrapped_to:
            self._wrap()

    def action_list_mark(self) -> None:
        """Facts are not marked: no command is for several of them."""

    def _value_width(self) -> int:
        taken = self._label_width + GAP if self._label_width else 0
        return max(8, self._room - 1 - taken)

    @property
    def _room(self) -> int:
        """Without a scrollbar's cell, so that it cuts nothing when it comes."""
        return self.scrollable_content_region.width - (0 if self.show_vertical_scrollbar else 1)

    def _fit_labels(self) -> None:
        """As wide as the widest; none is cut while half of the width holds it."""
        if self._label_least:
            widest = max((cell_len(printable(fact.label)) for fact in self._facts), default=0)
            most = max(self._label_least, self._room // 2)
            self._label_width = max(1, min(widest, most))

    def _wrap(self) -> None:
        self._fit_labels()
        self._wrapped_to = width = self._value_width()
        if self._label_width:
            self.set_columns((Column("", self._label_width), Column("", width, grows=True)))
        else:
            self.set_columns((Column("", width, grows=True),))
        self.set_lines([one for number, fact in enumerate(self._facts) for one in self._lines_of(number, fact, width)])

    def _lines_of(self, number: int, fact: Fact, width: int) -> Iterator[Line]:
        copies = fact.copies or fact.value
        if fact.spans:
            for row, text in enumerate(wrapped(fact.value, self._room - 1)):
                yield Line(f"{number}.{row}", (Cell(text, fact.tone),), spans=True, copies=copies)
            return
        for row, text in enumerate(wrapped(fact.value, width)):
            value = Cell(text, fact.tone)
            if not self._label_width:
                yield Line(f"{number}.{row}", (value,), copies=copies)
                continue
            label = Cell(fact.label if row == 0 else "", Tone.DIM if fact.value else Tone.STRONG)
            yield Line(f"{number}.{row}", (label, value), copies=copies)


class Prose(Facts):
    """Text that came from outside, wrapped and scrollable."""

    def __init__(self, *, empty: str = "", id: str | None = None, classes: str | None = None) -> None:
        super().__init__(empty=empty, label_width=0, id=id, classes=classes)

    def set_text(self, text: str) -> None:
        """Show this."""
        self.set_facts([Fact("", text)])
