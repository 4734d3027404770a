"""Restrictions: search expressions over properties of items and folders."""

import json
from collections.abc import Callable
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews import extended
from mse_tui.sandbox.ews.soap import QT, EwsError, Request, integer, malformed, part
from mse_tui.sandbox.records import FolderRecord

Value = str | list[str] | None
Reader = Callable[[Any], Value]
"""What a property of a row or folder is, as text; None where it has none."""
Test = Callable[[Any], bool]

_COMPARE: dict[str, Callable[[int], bool]] = {
    "IsEqualTo": lambda order: order == 0,
    "IsNotEqualTo": lambda order: order != 0,
    "IsGreaterThan": lambda order: order > 0,
    "IsGreaterThanOrEqualTo": lambda order: order >= 0,
    "IsLessThan": lambda order: order < 0,
    "IsLessThanOrEqualTo": lambda order: order <= 0,
}
_PATHS = {"FieldURI", "IndexedFieldURI", "ExtendedFieldURI"}


def test_of(expression: Any, reader: Callable[[Any], Reader]) -> Test:  # noqa: PLR0911 (a case an expression)
    """A search expression as a function; `reader` turns a path element into what reads the property.

    Raises EwsError for what can't be searched.
    """
    name = etree.QName(expression).localname
    if name in {"And", "Or"}:
        tests = [test_of(each, reader) for each in expression]
        if name == "And":
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)
    if name == "Not":
        inner = test_of(part(expression), reader)
        return lambda row: not inner(row)
    if name not in _COMPARE and name not in {"Contains", "Exists", "Excludes"}:
        raise EwsError("ErrorInvalidRestriction", f"{name} is not a search expression.")
    read = reader(part(expression))
    if name == "Exists":
        return lambda row: read(row) is not None
    if name == "Excludes":
        mask = _bitmask(expression)
        return lambda row: int(_single(read(row)) or 0) & mask == 0
    if name == "Contains":
        return _contains(expression, read)
    return _comparison(name, expression, read, reader)


def _bitmask(expression: Any) -> int:
    value = _attribute(expression, "Bitmask")
    return int(value, 16) if value.lower().startswith("0x") else integer(value)


def _attribute(expression: Any, name: str) -> str:
    element = expression.find(QT + name)
    if element is None or element.get("Value") is None:
        raise malformed(f"{name} has no value")
    value: str = element.get("Value")
    return value


def _contains(expression: Any, read: Reader) -> Test:
    wanted = _attribute(expression, "Constant")
    mode = expression.get("ContainmentMode", "FullString")
    exact = expression.get("ContainmentComparison", "Exact") in {"Exact", "IgnoreNonSpacingCharacters"}
    needle = wanted if exact else wanted.lower()

    def matches(value: str) -> bool:
        text = value if exact else value.lower()
        if mode == "FullString":
            return text == needle
        if mode == "Prefixed":
            return text.startswith(needle)
        if mode == "PrefixOnWords":
            return any(word.startswith(needle) for word in text.split())
        return needle in text

    def test(row: Any) -> bool:
        value = read(row)
        return any(matches(each) for each in (value if isinstance(value, list) else [value or ""]))

    return test


def _comparison(name: str, expression: Any, read: Reader, reader: Callable[[Any], Reader]) -> Test:
    operand = expression.find(QT + "FieldURIOrConstant")
    if operand is None or not len(operand):
        raise EwsError("ErrorInvalidRestriction")
    decide = _COMPARE[name]
    if etree.QName(operand[0]).localname in _PATHS:
        other = reader(operand[0])
        return lambda row: decide(_order(_single(read(row)), _single(other(row)) or ""))
    constant = operand[0].get("Value", "")

    def test(row: Any) -> bool:
        value = read(row)
        if isinstance(value, list):
            return any(decide(_order(each, constant)) for each in value)
        return (value is not None and decide(_order(value, constant))) or (value is None and name == "IsNotEqualTo")

    return test


def _single(value: Value) -> str | None:
    return (value[0] if value else None) if isinstance(value, list) else value


def _order(value: str | None, constant: str) -> int:
    left, right = _comparable(value or "", constant)
    return int(left > right) - int(left < right)


def _comparable(value: str, constant: str) -> tuple[Any, Any]:
    try:
        return float(value), float(constant)
    except ValueError:
        pass
    if value in {"true", "false"}:
        return value, {"1": "true", "0": "false"}.get(constant, constant)
    if value[4:5] == "-" and value.endswith("Z"):
        from mse_tui.sandbox.ews.values import utc_text  # noqa: PLC0415 (only for moments)

        return value, utc_text(constant)
    return value.lower(), constant.lower()


def folder_filter(request: Request, restriction: Any) -> Callable[[FolderRecord], bool]:
    """The test for folders that a Restriction (or None) means."""
    if restriction is None or not len(restriction):
        return lambda _folder: True
    return test_of(restriction[0], lambda path: _folder_reader(request, path))


def _folder_reader(request: Request, path: Any) -> Reader:
    if etree.QName(path).localname == "ExtendedFieldURI":
        key = extended.key_of(path)

        def read(folder: FolderRecord) -> Value:
            if key == "tag:3001":
                return folder.name
            if key == "tag:3613":
                return folder.folder_class
            pair = (json.loads(folder.extended) if folder.extended else {}).get(key)
            return pair[1] if pair else None

        return read
    uri = path.get("FieldURI", "")
    readers: dict[str, Reader] = {
        "folder:DisplayName": lambda folder: folder.name,
        "folder:FolderClass": lambda folder: folder.folder_class,
        "folder:TotalCount": lambda folder: str(request.store.counts(folder.id)[0]),
        "folder:UnreadCount": lambda folder: str(request.store.counts(folder.id)[1]),
        "folder:ChildFolderCount": lambda folder: str(request.store.counts(folder.id)[2]),
    }
    if uri not in readers:
        raise EwsError("ErrorUnsupportedPathForQuery", f"{uri} can't be searched.")
    return readers[uri]
