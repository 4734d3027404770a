"""Whose mailbox a person means, asked of the site's engine."""

import json
import threading
from datetime import timedelta

import pytest

from mse_tui.actions.naming import ask_engine
from mse_tui.actions.opening import this_site
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import keep_connection, now
from mse_tui.store.models import EngineRequest, Lease
from tests.actions.conftest import Ready
from tests.support.waiting import until


def test_while_no_engine_runs_nobody_can_be_asked(ready: Ready) -> None:
    with pytest.raises(Problem) as met:
        ask_engine("ann@corp.local")
    assert met.value.reason is Reason.DIRECTORY_UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        ({"address": "ann@example.com", "name": "Ann"}, "ann@example.com"),
        ({"problem": {"reason": "mailbox-not-found", "happened": "Nobody.", "remedy": "Look."}}, None),
    ],
)
def test_the_engine_answers(ready: Ready, answer: dict[str, object], given: str | None) -> None:
    Lease.create(
        key=f"engine:{this_site().code}", owner="x", holder="engine", fence=1, until=now() + timedelta(hours=1)
    )

    def engine() -> None:
        with keep_connection():
            until(lambda: EngineRequest.select().exists())
            EngineRequest.update(answered=now(), answer=json.dumps(answer)).execute()

    thread = threading.Thread(target=engine)
    thread.start()
    try:
        if given is not None:
            assert ask_engine("ann@corp.local") == given
        else:
            with pytest.raises(Problem) as met:
                ask_engine("ann@corp.local")
            assert met.value.reason is Reason.MAILBOX_NOT_FOUND
    finally:
        thread.join()
    assert json.loads(EngineRequest.get().arguments) == {"text": "ann@corp.local"}
