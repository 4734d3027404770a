"""Text in lines of a width."""

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

from mse_tui.text import printable

_BREAKS = "/.-"


def wrapped(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most `width` cells, broken at spaces where there are any. Makes it printable."""
    for paragraph in printable(text, keep_newlines=True).split("\n"):
        yield from _wrapped_paragraph(paragraph, max(width, 4))


def _wrapped_paragraph(text: str, width: int) -> Iterator[str]:
    current = ""
    for word in text.split(" "):
        longer = f"{current} {word}" if current else word
        if cell_len(longer) <= width:
            current = longer
            continue
        if current:
            yield current
        *full, current = _pieces(word, width)
        yield from full
    yield current


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word in pieces of at most `width` cells, broken behind a sign such as those of paths and types if it can be."""
    start = 0
    while len(word) - start > width or cell_len(word[start:]) > width:
        piece = chop_cells(word[start : start + width], width)[0]
        behind = max(piece.rfind(sign) for sign in _BREAKS) + 1
        start += len(piece := piece[:behind] if behind * 2 >= len(piece) else piece)
        yield piece
    yield word[start:]
