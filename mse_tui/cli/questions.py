"""Questions about groups from the command line: to the site's engine, or answered here while none runs."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from mse_tui.access.roles import Role, require
from mse_tui.actions import requests
from mse_tui.cli.session import Session
from mse_tui.exchange.waits import listening
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import keep_connection
from mse_tui.text import printable
from mse_tui.widgets.wording import in_local_time

if TYPE_CHECKING:
    from mse_tui.engine.group_questions import GroupQuestions

_ANSWERED_WITHIN = 600.0
_LOOK_SECONDS = 0.1
_TELL_SECONDS = 15.0
"""How often the same wait is told."""


def ask(
    session: Session, kind: str, arguments: Mapping[str, Any], *, within: float = _ANSWERED_WITHIN
) -> dict[str, Any]:
    """The answer, as JSON values, with the seconds that it took. Raises the Problem that was met, or timeout."""
    site = session.site()
    require(Role.OPERATOR)
    if queries.engine_holder(site.code):
        asked = requests.ask_for_mailbox(arguments["text"]) if kind == "find_mailbox" else requests.ask(kind, arguments)
        return _ask_engine(asked, within)
    return _answer_here(session, site.id, kind, arguments, within)


def _ask_engine(request: int, within: float) -> dict[str, Any]:
    deadline, telling = monotonic() + within, _Telling(within)
    try:
        while (answer := requests.answer(request)) is None:
            if monotonic() > deadline:
                raise Problem(
                    Reason.TIMEOUT, f"The site's engine did not answer within {within:.0f} seconds.", "Look at its log."
                )
            telling.of(requests.waits_for(request))
            Event().wait(_LOOK_SECONDS)
    except BaseException:
        requests.withdraw(request)
        raise
    return answer


@contextmanager
def telling_waits(within: float = _ANSWERED_WITHIN) -> Iterator[None]:
    """Within the block, what is asked from here says on standard error that it waits, and for what; the log does not.

    Who waits for `within` seconds alone is not told.
    """
    telling, retries = _Telling(within), logging.getLogger("mse_tui.exchange.retry")
    before = retries.level
    retries.setLevel(logging.ERROR)
    try:
        with listening(lambda wait: telling.of("" if wait is None else wait.said), Event()):
            yield
    finally:
        retries.setLevel(before)


class _Telling:
    """Says what is waited for, when that is news or has lasted."""

    def __init__(self, within: float) -> None:
        self._is_patient = within >= _ANSWERED_WITHIN
        self._told = ""
        self._next = 0.0

    def of(self, waiting: str) -> None:
        """'' where nothing is waited for."""
        if not self._is_patient or not waiting or (waiting == self._told and monotonic() < self._next):
            return
        click.echo(printable(f"Waiting: {in_local_time(waiting)} Ctrl+C ends it."), err=True)
        self._told, self._next = waiting, monotonic() + _TELL_SECONDS


def _answer_here(
    session: Session, site_id: int, kind: str, arguments: Mapping[str, Any], within: float
) -> dict[str, Any]:
    began = monotonic()
    with _questions(session, site_id) as questions:

        def answering() -> dict[str, Any]:
            with telling_waits(within):
                return questions.by_kind[kind](arguments)

        answer = _within(within, answering)
    return {**answer, "seconds": round(monotonic() - began, 3)}


@contextmanager
def _questions(session: Session, site_id: int) -> Iterator["GroupQuestions"]:
    """Who answers where no engine runs; whatever is still asked at the end is ended."""
    from mse_tui.cli.engine import build_directory
    from mse_tui.engine.clock import SystemClock
    from mse_tui.engine.group_cache import GroupCache, scope_of
    from mse_tui.engine.group_questions import GroupQuestions
    from mse_tui.engine.halts import DatabaseHalts
    from mse_tui.exchange.ews import connect

    configuration = session.configuration()
    halts, clock = DatabaseHalts(), SystemClock()
    exchange = connect(configuration.exchange, halts)
    directory = build_directory(configuration, exchange, halts)
    cache = GroupCache(
        session.home.cache / "groups", directory, scope=scope_of(session.site().code, configuration), now=clock.now
    )
    try:
        yield GroupQuestions(site_id, directory, cache, clock)
    finally:
        cache.close()
        directory.close()
        exchange.close()


def _within(seconds: float, answering: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer of a thread that is waited for no longer than this. Raises Problem timeout, and what it raises."""
    answered: SimpleQueue[dict[str, Any] | Exception] = SimpleQueue()

    def work() -> None:
        try:
            with keep_connection():
                answered.put(answering())
        except Exception as error:  # noqa: BLE001 (raised again where it is waited for)
            answered.put(error)

    Thread(target=work, name="question", daemon=True).start()
    try:
        answer = answered.get(timeout=seconds)
    except Empty:
        raise Problem(Reason.TIMEOUT, f"There was no answer within {seconds:.0f} seconds.") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
