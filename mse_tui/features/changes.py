"""Walking along the server's pages of changes, and beginning anew where it refuses the state."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Protocol, TypeVar

from mse_tui.exchange.mailbox import SyncStateInvalid
from mse_tui.reasons import Problem, Reason

_REFUSALS = 2
"""How often the server may refuse the state of a folder before the pass fails."""


class ChangePage(Protocol):
    """One page of what has changed in a folder since a state."""

    @property
    def state(self) -> str: ...

    @property
    def last(self) -> bool: ...


Page = TypeVar("Page", bound=ChangePage)


class Refused(Enum):
    """The server refused the state; what follows is the folder from its beginning."""

    STATE = "state"


def pages_of(changes: Callable[[str | None], Page], state: str | None) -> Iterator[Page | Refused | Problem]:
    """A folder's pages from a state to the last. `changes` reads the page that follows a state, None being the first.

    A Problem comes last: the folder is not there (any more). Raises the others, and SyncStateInvalid where the server
    refuses even the beginning, or again and again.
    """
    refused, last = 0, False
    while not last:
        try:
            page = changes(state)
        except SyncStateInvalid:
            refused += 1
            if state is None or refused > _REFUSALS:
                raise
            state = None
            yield Refused.STATE
            continue
        except Problem as problem:
            if problem.reason is not Reason.FOLDER_NOT_FOUND:
                raise
            yield problem
            return
        state, last = page.state, page.last
        yield page
