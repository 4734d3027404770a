"""Answering what people ask and only the engine can: it alone has the site's credentials."""

import json
import logging
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from mse_tui.directory.addresses import parse_addresses
from mse_tui.engine.clock import Clock
from mse_tui.engine.group_questions import Answer, Arguments
from mse_tui.exchange.mailbox import Cancelled, Exchange
from mse_tui.exchange.waits import Wait, listening
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import as_problem, keep_connection
from mse_tui.store.models import EngineRequest, Task

log = logging.getLogger(__name__)

Answering = Callable[[Arguments], Answer]

_ONCE = ("restore",)
"""Kinds that would put the same into a mailbox again: they are begun once, whatever ends them."""


class Requests:
    """The requests to one site's engine. `answer_new` is called by one thread, which may wait for the network."""

    def __init__(
        self, site_id: int, exchange: Exchange, by_kind: Mapping[str, Answering], clock: Clock, end: Event
    ) -> None:
        """`by_kind`: what answers the questions that others know about."""
        self._site_id = site_id
        self._exchange = exchange
        self._clock = clock
        self._end = end
        self._unwritten: dict[int, Answer] = {}
        """By request, answers that are not in the database yet."""
        self._by_kind: dict[str, Answering] = {
            **by_kind,
            "test_connection": self._test_connection,
        }

    def answer_new(self) -> None:
        """Answer everything that is asked, in order; what can't be written is written at the next call."""
        self._write_answers()
        for request in list(self._new().order_by(EngineRequest.id)):
            if self._end.is_set():
                return
            ended = _ended() if request.kind in _ONCE else None
            if ended is not None:
                EngineRequest.update(answer=json.dumps(ended)).where(EngineRequest.id == request.id).execute()
            answer = self._answer(request) or ended
            if answer is not None:
                self._unwritten[request.id] = answer
                self._write_answers()

    def _write_answers(self) -> None:
        for request_id, answer in list(self._unwritten.items()):
            EngineRequest.update(answered=self._clock.now(), answer=json.dumps(answer)).where(
                EngineRequest.id == request_id
            ).execute()
            del self._unwritten[request_id]

    def _new(self) -> Any:
        return EngineRequest.select().where(
            EngineRequest.site == self._site_id, EngineRequest.answered.is_null(), EngineRequest.answer == ""
        )

    def _answer(self, request: Any) -> Answer | None:
        """None where it was broken off: nobody waits for it any more, or the engine ends and the next one answers."""
        began, left = self._clock.monotonic(), Event()
        try:
            by_kind = self._by_kind.get(request.kind)
            if by_kind is None:
                raise Problem(Reason.INVALID, f"This engine can't answer {request.kind!r}.", "Update the engine.")
            with listening(lambda wait: _tell(request, wait, left), left):
                answer = by_kind(json.loads(request.arguments))
        except Cancelled:
            return None
        except Exception as error:
            problem = error if isinstance(error, Problem) else as_problem(error)
            if problem is None:
                log.exception("The request %s failed inside", request.kind)
                problem = Problem(Reason.INTERNAL, f"{type(error).__name__}: {error}")
            return _as_answer(problem)
        return {**answer, "seconds": round(self._clock.monotonic() - began, 3)}

    def _test_connection(self, arguments: Arguments) -> Answer:
        """Open one mailbox: the one named, else the first that any task processes."""
        address = arguments.get("address") or self._any_address()
        with self._exchange.mailbox(address, self._end) as mailbox:
            identity = mailbox.identity()
        return {"address": identity.address, "name": identity.display_name, "kind": identity.kind}

    def _any_address(self) -> str:
        for task in Task.select(Task.group).where(Task.site == self._site_id).order_by(Task.id):
            if addresses := parse_addresses(task.group).addresses:
                return addresses[0]
        raise Problem(Reason.NOT_FOUND, "There is no mailbox to try.", "Name one, or create a task first.")


def _as_answer(problem: Problem) -> Answer:
    parts = {"reason": str(problem.reason), "happened": problem.happened, "remedy": problem.remedy}
    return {"problem": parts}


def _ended() -> Answer:
    """What is told of a request that was begun, and of which nothing else is known."""
    happened = "The engine ended while it did this; part of it, or all, may be done."
    return _as_answer(Problem(Reason.INTERRUPTED, happened, "Look at what is there, then ask again."))


def _tell(request: Any, wait: Wait | None, left: Event) -> None:
    """Who asked sees what is waited for; where nobody asks any more the question is dropped."""
    with keep_connection():
        waiting = "" if wait is None else wait.said
        asked = EngineRequest.update(waiting=waiting).where(EngineRequest.id == request.id).execute()
    if not asked:
        left.set()
