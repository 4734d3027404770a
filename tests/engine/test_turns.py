"""What comes between two steps of a turn: here a test is the workers, so that it comes exactly there."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mse_tui.engine.execution import Execution, State
from mse_tui.engine.leases import Leases
from mse_tui.engine.locks import MailboxLocks
from mse_tui.store.models import LockWait
from mse_tui.terms import Trigger
from tests.engine.conftest import Bench
from tests.engine.test_executions import new_task

GUID = "guid-anna@example.com"


class Turns:
    """One execution whose turns run when a test says so."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = bench.engine()
        self.between: Callable[[], object] = lambda: None
        self.queued: list[Callable[[], None]] = []
        claim = engine._claims.start(new_task(bench).id, Trigger.SCHEDULE)
        assert claim is not None
        equipment = replace(engine._equipment, submit=self.queued.append, ended=lambda _: None)
        self.execution = Execution(claim, equipment)
        leave = MailboxLocks.leave

        def leaves(*arguments: object) -> None:
            leave(*arguments)  # type: ignore[arg-type] (as it was called)
            self.between()

        monkeypatch.setattr(MailboxLocks, "leave", leaves)

    def go_on(self) -> None:
        while self.queued:
            self.queued.pop(0)()


@pytest.fixture
def turns(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(bench, monkeypatch)


def test_an_execution_resumed_while_it_is_being_paused_waits_on_and_goes_on(bench: Bench, turns: Turns) -> None:
    other = MailboxLocks(Leases("ours")).take(GUID, new_task(bench, description="Other").id, "'Other'")
    execution = turns.execution
    execution.begin()
    turns.go_on()
    assert execution.state is State.WAITING

    def resumed() -> None:
        turns.between = lambda: None
        execution.resume()
        turns.go_on()

    turns.between = resumed
    execution.pause("anna")
    turns.go_on()
    assert execution.state is State.WAITING
    assert LockWait.select().count() == 1
    other.release()
    execution.look()
    turns.go_on()
    assert execution.state is State.ENDED
    assert [address for _, address in bench.feature.processed] == ["anna@example.com"]


def test_an_execution_stopped_while_it_is_being_paused_ends(bench: Bench, turns: Turns) -> None:
    MailboxLocks(Leases("ours")).take(GUID, new_task(bench, description="Other").id, "'Other'")
    execution = turns.execution
    execution.begin()
    turns.go_on()

    def stopped() -> None:
        turns.between = lambda: None
        execution.stop("anna")

    turns.between = stopped
    execution.pause("anna")
    turns.go_on()
    assert execution.state is State.ENDED
