"""Questions that need the engine's credentials: a row asks, the engine answers in the same row."""

import json
from collections.abc import Mapping
from typing import Any

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import who
from mse_tui.actions.opening import this_site
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import EngineRequest

KINDS = (
    "find_group", "browse", "preview", "refresh_group", "look_at_group", "find_mailbox", "test_connection",
)  # fmt: skip
"""Questions that change nothing. What changes mailboxes is asked by `actions.restoring`, which checks and audits it."""


@needs(Role.OPERATOR)
def ask(kind: str, arguments: Mapping[str, Any] | None = None) -> int:
    """Ask the engine; gives the request's id.

    'find_group' {"text"} and 'browse' {"where"} for groups to choose from; 'preview', 'refresh_group' and
    'look_at_group' (of which nothing is kept) with {"group": text} or {"task": id} for a group's mailboxes;
    'test_connection'.
    """
    if kind not in KINDS:
        raise Problem(Reason.INVALID, f"{kind!r} is not a question to the engine.", f"Ask one of: {', '.join(KINDS)}.")
    return enter(kind, arguments or {})


@needs(Role.VIEWER)
def ask_for_mailbox(text: str) -> int:
    """Ask the engine whose mailbox an address, a user principal name or a distinguished name means.

    Gives the request's id; the answer is {"address", "name"}.
    """
    return enter("find_mailbox", {"text": text})


def enter(kind: str, arguments: Mapping[str, Any]) -> int:
    """The row of a request, for actions that have made their own checks; gives its id."""
    with writing():
        row = EngineRequest.create(
            site=this_site().id, kind=kind, arguments=json.dumps(dict(arguments)), asked_by=who(), asked=now()
        )
    return int(row.id)


def answer(request_id: int) -> dict[str, Any] | None:
    """The engine's answer, or None while there is none. Raises the Problem that the engine met."""
    row = EngineRequest.get_or_none(EngineRequest.id == request_id)
    if row is None:
        raise Problem(Reason.NOT_FOUND, f"There is no request {request_id}.", "Ask again.")
    if row.answered is None:
        return None
    found: dict[str, Any] = json.loads(row.answer)
    if "problem" in found:
        problem = found["problem"]
        raise Problem(Reason(problem["reason"]), problem["happened"], problem.get("remedy"))
    return found


def waits_for(request_id: int) -> str:
    """What the engine waits for while it answers; '' where it does not wait, or has not begun."""
    row = EngineRequest.get_or_none(EngineRequest.id == request_id)
    return "" if row is None else str(row.waiting)


@needs(Role.OPERATOR)
def withdraw(request_id: int) -> None:
    """Nobody waits for this answer any more: it is not looked for, or only until the next wait."""
    with writing():
        EngineRequest.delete().where(EngineRequest.id == request_id, EngineRequest.answered.is_null()).execute()
