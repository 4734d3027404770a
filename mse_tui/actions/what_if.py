"""What actions change, in the audit's own words; and trying actions without their changing anything."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from mse_tui.store.database import writing
from mse_tui.store.models import Audit

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done, or would be."""

    action: str
    subject: str
    before: object
    """Settings as a mapping, else a text; '' for nothing."""
    after: object


class _Undone(Exception):
    """Ends a transaction that is not to hold."""


@contextmanager
def changes_within(*, what_if: bool) -> Iterator[list[Change]]:
    """All that the block does is one transaction; at its end the list holds what was done.

    With `what_if` all of it is undone: every check is made, every refusal raised, and nothing is changed. For actions
    that change nothing but the database.
    """
    found: list[Change] = []
    with suppress(_Undone), writing():
        newest = Audit.select(Audit.id).order_by(Audit.id.desc()).limit(1).scalar() or 0
        yield found
        for row in Audit.select().where(Audit.id > newest).order_by(Audit.id):
            found.append(Change(row.action, row.subject, _read(row.before), _read(row.after)))
        if what_if:
            raise _Undone


def tried(action: Callable[[], _Result]) -> _Result:
    """What an action would give, nothing of it being done; it refuses what it would refuse."""
    with changes_within(what_if=True):
        return action()


def _read(text: str) -> object:
    """A mapping as it was kept; every other text as it is."""
    with suppress(ValueError):
        if isinstance(value := json.loads(text), dict):
            return value
    return text
