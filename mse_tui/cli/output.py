"""How commands print: tables, traffic lights with a word beside, JSON. All text from outside is escaped first."""

import dataclasses
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import click

from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import as_problem
from mse_tui.terms import Light
from mse_tui.text import printable

_GLYPHS = {Light.GREEN: "●", Light.ORANGE: "▲", Light.RED: "✖", Light.NONE: "○"}
_ASCII = {Light.GREEN: "o", Light.ORANGE: "!", Light.RED: "x", Light.NONE: "-"}
_COLOURS = {Light.GREEN: "green", Light.ORANGE: "yellow", Light.RED: "red", Light.NONE: None}
_WORDS = {Light.NONE: "never run"}


def light(value: Light) -> str:
    """Glyph and word, such as '● success'; plain letters where the terminal's encoding has no glyphs."""
    return f"{_glyph(value)} {_WORDS.get(value, value.word)}"


def coloured(value: Light, text: str) -> str:
    """The text in the light's colour; click leaves the colour out where the output is no terminal."""
    return click.style(text, fg=_COLOURS[value]) if _COLOURS[value] and not _no_colour() else text


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], lights: Sequence[Light] | None = None) -> None:
    """Print columns as wide as needed; the last one is cut to the terminal's width, not when piped."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(_width(row[column]) for row in [list(headings), *cells]) for column in range(len(headings))]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo(_line(headings, widths, room).upper())
    for number, row in enumerate(cells):
        text = _line(row, widths, room)
        click.echo(coloured(lights[number], text) if lights is not None else text)


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Print 'name  value' lines, the values in one column."""
    written = [(name, printable(str(value))) for name, value in pairs]
    width = max((_width(name) for name, _ in written), default=0)
    for name, value in written:
        click.echo(f"{_padded(name, width)}  {value}".rstrip())


def emit_json(value: object) -> None:
    """Print rows (frozen dataclasses), mappings and lists of them as JSON; times in ISO 8601, UTC."""
    click.echo(as_json_text(value), nl=False)


def as_json_text(value: object) -> str:
    """What `emit_json` prints."""
    return json.dumps(_jsonable(value), indent=2, ensure_ascii=True) + "\n"


@contextmanager
def progress(label: str, as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """Takes (done, total), and shows a bar on standard error where a person looks on."""
    if as_json or not sys.stderr.isatty():
        yield lambda *_: None
        return
    with click.progressbar(length=1000, label=label, file=sys.stderr) as bar:
        yield lambda done, total: bar.update(1000 * done // max(total, 1) - bar.pos)


def full_disk(error: BaseException, written: Path) -> Problem | None:
    """The Problem disk-full of a command that ends because what it writes finds no space; no task is concerned."""
    found = as_problem(error, written) if isinstance(error, OSError) else None
    remedy = "Free space there or write elsewhere, and give the command again."
    return found and Problem(found.reason, found.happened, remedy)


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Writing a file that a person named. Raises Problem disk-full, invalid (it can't be written)."""
    try:
        yield
    except OSError as error:
        if (full := full_disk(error, path)) is not None:
            raise full from error
        raise Problem(Reason.INVALID, f"{path} can't be written: {error.strerror}.", "Name another file.") from error


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown = [field.name for field in dataclasses.fields(value) if not field.metadata.get("internal")]
        return {name: _jsonable(getattr(value, name)) for name in shown}
    if isinstance(value, Mapping):
        return {str(_jsonable(key)): _jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.value if isinstance(value, Enum) else value


def _line(cells: Sequence[str], widths: Sequence[int], room: int | None) -> str:
    text = "  ".join(_padded(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()
    if room is None or _width(text) <= room:
        return text
    while _width(text) > room - 1:
        text = text[:-1]
    return text + "~"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns on a terminal; wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _glyph(value: Light) -> str:
    glyph = _GLYPHS[value]
    try:
        glyph.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _ASCII[value]
    return glyph


def _no_colour() -> bool:
    return bool(os.environ.get("NO_COLOR"))
