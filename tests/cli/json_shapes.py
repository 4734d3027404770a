"""What JSON looks like: a line a value, its path and what it is; the pages and the tests speak of shapes so."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)?)?")
_MAPS = {
    "after", "before", "categories", "content", "counters", "counts", "limits", "refused", "search", "settings",
    "skipped", "unreached",
}  # fmt: skip
"""Mappings whose keys are data."""
_EMPTY = "nothing here"


def shape(value: Any) -> list[str]:
    """Such as ['[].id: number', '[].next: text or null'], in the order in which the values come."""
    found: dict[str, set[str]] = {}
    for path, kind in _walk("", value):
        found.setdefault(path, set()).add(kind)
    full = {path for path in found if any(other.startswith((f"{path}.", f"{path}[")) for other in found)}
    return [f"{path}: {_merged(each)}" for path, each in found.items() if not (path in full and each == {_EMPTY})]


def _merged(kinds: set[str]) -> str:
    """Times among texts are texts; what is sometimes nothing says so."""
    if "text" in kinds:
        kinds = kinds - {"time"}
    rest = sorted(kinds - {"null", _EMPTY}) or [_EMPTY] * (_EMPTY in kinds)
    return " or ".join([*rest, *(["null"] if "null" in kinds else [])])


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        is_data = path.rpartition(".")[2].rstrip("[]") in _MAPS
        if is_data and not value:
            yield f"{path}.*", _EMPTY
        for key, one in value.items():
            if is_data:
                yield f"{path}.*", _kind(one)
            else:
                yield from _walk(f"{path}.{key}" if path else str(key), one)
    elif isinstance(value, list):
        if not value:
            yield f"{path}[]", _EMPTY
        for one in value:
            yield from _walk(f"{path}[]", one)
    else:
        yield path, _kind(value)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | Mapping):
        return "value"
    return "time" if _TIME.fullmatch(value) and "-" in value else "text"
