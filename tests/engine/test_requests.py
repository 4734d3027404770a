"""What changes a mailbox is done once each time that it is asked, whatever ends the engine or refuses its answer."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from peewee import DatabaseError

from mse_tui.engine.recovery import recover_requests
from mse_tui.engine.requests import Requests
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.home import Home
from mse_tui.reasons import Reason
from mse_tui.store.database import database
from mse_tui.store.models import EngineRequest
from tests.engine.fakes import FakeExchange, RunningClock, make_site

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Asked:
    """A site with requests and what was done for each."""

    def __init__(self) -> None:
        self.site = make_site()
        self.done: list[Any] = []
        self.end = Event()

    def requests(self, work: Callable[[], None] = lambda: None) -> Requests:
        def do(arguments: Any) -> dict[str, Any]:
            self.done.append(arguments["number"])
            work()
            return {"restored": 1, "problems": []}

        return Requests(self.site.id, FakeExchange(), {"restore": do, "rehydrate": do}, RunningClock(), self.end)

    def ask(self, kind: str, number: int = 1) -> int:
        arguments = json.dumps({"number": number})
        return EngineRequest.create(site=self.site, kind=kind, arguments=arguments, asked_by="anna", asked=NOON).id

    def answer(self, request: int) -> Any:
        row = EngineRequest.get_by_id(request)
        return json.loads(row.answer) if row.answered else None


@pytest.fixture
def asked(store: Home) -> Asked:
    return Asked()


def refuse_answers() -> None:
    database.execute_sql(
        "CREATE TRIGGER full BEFORE UPDATE OF answered ON engine_request"
        " BEGIN SELECT RAISE(ABORT, 'database is full'); END"
    )


@pytest.mark.parametrize("kind", ["restore", "rehydrate"])
def test_an_answer_that_cannot_be_written_is_written_later_and_the_work_not_done_again(asked: Asked, kind: str) -> None:
    requests = asked.requests()
    first = asked.ask(kind, 1)
    refuse_answers()
    for _ in range(2):
        with pytest.raises(DatabaseError):
            requests.answer_new()
    database.execute_sql("DROP TRIGGER full")
    second = asked.ask(kind, 2)
    requests.answer_new()
    assert asked.done == [1, 2]
    assert asked.answer(first)["restored"] == asked.answer(second)["restored"] == 1


def test_a_restore_during_which_the_engine_died_is_told_and_not_begun_again(asked: Asked) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    request = asked.ask("restore")
    with pytest.raises(KeyboardInterrupt):
        asked.requests(die).answer_new()
    recover_requests(asked.site.id, NOON)
    asked.requests().answer_new()
    assert asked.done == [1]
    assert asked.answer(request)["problem"]["reason"] == Reason.INTERRUPTED


def test_a_restore_during_which_the_engine_ends_is_told(asked: Asked) -> None:
    def end() -> None:
        raise Cancelled

    request = asked.ask("restore")
    asked.requests(end).answer_new()
    assert asked.answer(request)["problem"]["reason"] == Reason.INTERRUPTED


def test_what_is_journalled_goes_on_with_the_next_engine(asked: Asked) -> None:
    def end() -> None:
        raise Cancelled

    request = asked.ask("rehydrate")
    asked.requests(end).answer_new()
    recover_requests(asked.site.id, NOON)
    assert asked.answer(request) is None
    asked.requests().answer_new()
    assert asked.answer(request)["restored"] == 1
