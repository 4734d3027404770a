"""Lines and columns of lists: what a line says, and how wide its columns become."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress

from rich.cells import cell_len, set_cell_size

from mse_tui.terms import Light
from mse_tui.text import printable

GAP = 2
"""Cells between two columns."""
_READABLE = 48
"""Cells that a growing column gets before the others get what their texts want."""
_JOINERS = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
"""The zero-width joiner, variation selectors, and the colours of skin."""


class Tone(StrEnum):
    """How a piece of text is toned; the theme says in which colour."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    ACCENT = "accent"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of a line; the text is made printable here, wherever it came from."""

    text: str = ""
    tone: Tone = Tone.PLAIN

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", printable(self.text))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list."""

    key: str
    cells: tuple[Cell, ...]
    is_note: bool = False
    """It says more of the line above, over all columns; the cursor passes by."""
    spans: bool = False
    """Its first cell is drawn over all columns."""
    advice: str = ""
    """What happened and what to do about it, for where there is room below the list."""
    copies: str = ""
    """What is copied of it: the name, address or id of what it shows; '' for all of it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "copies", printable(self.copies, keep_newlines=True))

    def contains(self, text: str, shown: Sequence[bool] = ()) -> bool:
        """Whether a cell has this text, without regard to case; `shown`: of which columns cells count, () all."""
        wanted = text.casefold()
        cells = compress(self.cells, shown) if shown and not (self.spans or self.is_note) else self.cells
        return any(wanted in cell.text.casefold() for cell in cells)

    @property
    def whole(self) -> str:
        """All its cells, separated by tabs, and the advice below."""
        return "\n".join(filter(None, ("\t".join(cell.text for cell in self.cells), printable(self.advice))))


def line(key: object, *cells: Cell | str, advice: str = "", copies: str = "") -> Line:
    """A line from cells or plain texts."""
    written = tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)
    return Line(str(key), written, advice=advice, copies=copies)


def note(key: object, text: str, tone: Tone = Tone.DIM) -> Line:
    """More about the line with this key, to stand below it."""
    return Line(str(key), (Cell(text, tone),), is_note=True)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Columns are dropped, the largest priority first, until the others fit; they never wrap."""

    title: str
    width: int
    """Cells at most; for a growing column, at least."""
    priority: int = 1
    """1 is never dropped."""
    right: bool = False
    """Numbers are aligned to the right."""
    grows: bool = False
    """It takes the room that is left."""
    if_any: bool = False
    """It is left out where no line has anything in it."""


_LIGHTS = {
    Light.GREEN: ("+", Tone.GOOD),
    Light.ORANGE: ("!", Tone.WARN),
    Light.RED: ("x", Tone.BAD),
    Light.NONE: ("-", Tone.DIM),
}


def light_cell(light: Light) -> Cell:
    """A traffic light: a glyph, a word and a colour."""
    glyph, tone = _LIGHTS[light]
    return Cell(glyph if light is Light.NONE else f"{glyph} {light.word}", tone)


def light_tone(light: Light) -> Tone:
    """The colour that goes with a light."""
    return _LIGHTS[light][1]


def bar(share: float | None, width: int) -> str:
    """A progress bar of box-drawing characters; all thin while the share is unknown."""
    done = 0 if share is None else round(share * width)
    return "━" * done + "─" * (width - done)


def steady(text: str) -> str:
    """The text as columns draw it: equally wide in terminals that join characters into one sign and in all others.

    Emoji lose the colour of their skin and what asks for another look of them; families stand beside each other.
    """
    return text if text.isascii() else _JOINERS.sub("", text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text, steady, in exactly `width` cells: cut with an ellipsis, or padded. Wide characters count for two."""
    text = steady(text)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
    return " " * (width - length) + text if right else text + " " * (width - length)


def fit_path(path: str, width: int) -> str:
    """The path in at most `width` cells: what is cut is its beginning, folder by folder, then its last name's end."""
    names = path.split("/")
    for first in range(len(names)):
        said = "/".join(names[first:]) if first == 0 else "…/" + "/".join(names[first:])
        if cell_len(said) <= width:
            return said
    return fit(names[-1], max(1, width))


def widest(columns: Sequence[Column], lines: Iterable[Line]) -> list[int]:
    """For each column, how many cells its widest text has; 0 for one that is there only if any line has something."""
    widths = [0 if column.if_any else cell_len(column.title) for column in columns]
    for one in lines:
        if one.is_note or one.spans:
            continue
        for index, cell in enumerate(one.cells[: len(widths)]):
            widths[index] = max(widths[index], cell_len(steady(cell.text)))
    return [max(width, cell_len(column.title)) if width else 0 for column, width in zip(columns, widths, strict=True)]


def layout(columns: Sequence[Column], room: int, wanted: Sequence[int] | None = None) -> list[int]:
    """Each column's width in cells, 0 for those dropped. `wanted` = the widest text in each, where it is known."""
    needs = [
        column.width if wanted is None else min(column.width, wanted[index]) for index, column in enumerate(columns)
    ]
    kept = {index for index in range(len(columns)) if not (columns[index].if_any and wanted and not wanted[index])}
    while len(kept) > 1 and sum(needs[index] + GAP for index in kept) - GAP > room:
        last = max(kept, key=lambda index: (columns[index].priority, index))
        if columns[last].priority == 1:
            break
        kept.discard(last)
    widths = [needs[index] if index in kept else 0 for index in range(len(columns))]
    spare = room - (sum(widths) + GAP * (len(kept) - 1))
    growing = [index for index in sorted(kept) if columns[index].grows]
    if spare < 0:
        _shrink(widths, growing or sorted(kept), -spare)
    elif wanted is None:
        _share_out(widths, growing, spare)
    else:
        others = [index for index in sorted(kept) if not columns[index].grows]
        for some, most in ((growing, _READABLE), (others, _READABLE), (growing, room), (others, room)):
            spare = _grow(widths, some, spare, [min(most, width) for width in wanted])
    return widths


def _shrink(widths: list[int], shrinking: list[int], missing: int) -> None:
    for index in shrinking:
        less = min(missing, max(0, widths[index] - 4))
        widths[index] -= less
        missing -= less


def _share_out(widths: list[int], growing: list[int], spare: int) -> None:
    for position, index in enumerate(growing):
        more = spare // (len(growing) - position)
        widths[index] += more
        spare -= more


def _grow(widths: list[int], growing: list[int], spare: int, wanted: Sequence[int]) -> int:
    """Give each what it wants, in turn, as long as there is room; answers how much is left."""
    for index in growing:
        more = max(0, min(spare, wanted[index] - widths[index]))
        widths[index] += more
        spare -= more
    return spare


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what there is to say; a heading where there is no value, an empty line where there is neither."""

    label: str
    value: str = ""
    tone: Tone = Tone.PLAIN
    copies: str = ""
    """What is copied of it; '' for its value, all its lines."""
    spans: bool = False
    """It has no label, and its value begins where labels do."""
