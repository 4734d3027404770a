"""A few words around what was found in a message."""

import re
from collections.abc import Iterable, Iterator

from mse_tui.archive.search_query import Field, Term
from mse_tui.archive.search_words import folded, stands_alone

SHOWN = 150
"""Characters of a snippet."""
_BEFORE = 40
_LOOKED_AT = 50_000
"""Characters of a text in which it is looked for."""
_IN_TEXT = (None, Field.BODY)


def snippet(text: str, terms: Iterable[Term]) -> str:
    """One line around the first place where a term stands in the text; its beginning where none does.

    The text is as the sender wrote it: whoever shows it makes it printable first.
    """
    flat = " ".join(text[:_LOOKED_AT].split())
    start = max(0, _first_place(flat, [term for term in terms if term.field in _IN_TEXT]) - _BEFORE)
    if start:
        start = flat.find(" ", start, start + _BEFORE) + 1 or start
    shown = flat[start : start + SHOWN]
    return f"{'…' if start else ''}{shown}{'…' if start + SHOWN < len(flat) else ''}"


def _first_place(flat: str, terms: list[Term]) -> int:
    if not terms:
        return 0
    compared, places = _compared(flat)
    found = (match.start() for term in terms for match in _pattern(term).finditer(compared))
    return places[min(found, default=0)] if places else 0


def _compared(flat: str) -> tuple[str, list[int] | range]:
    """The text as words are compared, and for each character of that its place in the text."""
    if flat.isascii():
        return flat.lower(), range(len(flat))
    pieces = [folded(character).strip(" ") or (" " if character.isspace() else "") for character in flat]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), places


def _pattern(term: Term) -> re.Pattern[str]:
    words = list(_words(term.text))
    if not words:
        return re.compile(r"(?!)")
    begins = "" if stands_alone(words[0][0]) else r"(?<![^\W_])"
    ends = "" if term.prefix or stands_alone(words[-1][-1]) else r"(?![^\W_])"
    return re.compile(begins + r"[\W_]*".join(map(re.escape, words)) + ends)


def _words(text: str) -> Iterator[str]:
    """What stands between the blanks and marks of a term."""
    for match in re.finditer(r"[^\W_]+", text):
        yield match.group()
