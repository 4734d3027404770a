"""Questions about groups from the command line: to the site's engine, or answered here while none runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from mse_tui.access.roles import Role, require
from mse_tui.actions import requests
from mse_tui.cli.session import Session
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import keep_connection

if TYPE_CHECKING:
    from mse_tui.engine.group_questions import GroupQuestions

_ANSWERED_WITHIN = 600.0
_LOOK_SECONDS = 0.1


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
    deadline = monotonic() + within
    while (answer := requests.answer(request)) is None:
        if monotonic() > deadline:
            requests.withdraw(request)
            raise Problem(
                Reason.TIMEOUT, f"The site's engine did not answer within {within:.0f} seconds.", "Look at its log."
            )
        Event().wait(_LOOK_SECONDS)
    return answer


def _answer_here(
    session: Session, site_id: int, kind: str, arguments: Mapping[str, Any], within: float
) -> dict[str, Any]:
    began = monotonic()
    with _questions(session, site_id) as questions:
        answer = _within(within, lambda: questions.by_kind[kind](arguments))
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
