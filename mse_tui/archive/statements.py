"""Bulk statements for the archive: many rows a call, in chunks that every SQLite accepts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from peewee import __exception_wrapper__  # type: ignore[attr-defined]

from mse_tui.store.models import database

T = TypeVar("T")

CHUNK = 400
"""Values in one IN list; SQLite may have been built with a limit of 999 variables."""


def chunked(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The values in slices of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def marks(values: Sequence[Any]) -> str:
    """As many placeholders as there are values, for an IN list."""
    return ", ".join("?" * len(values))


def select(sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """All rows of a query, as plain tuples."""
    return list(database.execute_sql(_placed(sql), parameters).fetchall())


def select_in(sql: str, values: Iterable[Any], *leading: Any) -> Iterator[Any]:
    """Rows of a query with one IN list, written {values} and last in the query, over any number of values."""
    for chunk in chunked(list(values)):
        yield from select(sql.format(values=marks(chunk)), (*leading, *chunk))


def execute(sql: str, parameters: Sequence[Any] = ()) -> int:
    """One statement; returns how many rows it touched."""
    return int(database.execute_sql(_placed(sql), parameters).rowcount)


def execute_many(sql: str, rows: Iterable[Sequence[Any]]) -> int:
    """One statement over many rows; returns how many rows it touched in all. No rows: no statement."""
    listed = rows if isinstance(rows, list) else list(rows)
    if not listed:
        return 0
    with __exception_wrapper__:
        cursor = database.connection().cursor()
        cursor.executemany(_placed(sql), listed)
        return int(cursor.rowcount)


def insert_returning(sql: str, parameters: Sequence[Any]) -> int:
    """Insert one row and return its id; the statement ends in RETURNING id."""
    return int(database.execute_sql(_placed(sql), parameters).fetchone()[0])


def _placed(sql: str) -> str:
    return sql if database.param == "?" else sql.replace("?", database.param)
