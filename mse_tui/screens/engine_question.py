"""Asking the site's engine from a screen: a row asks, a thread waits for the answer, the newest question counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, cast

from textual import work
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, get_current_worker

from mse_tui.actions import requests
from mse_tui.reasons import Problem
from mse_tui.screens.tui import Tui
from mse_tui.widgets.faults import every_fault_explained

ANSWER_SECONDS = 120.0
_LOOK_SECONDS = 0.1


class EngineQuestions(Widget):
    """A widget that asks the engine; a question withdraws the one before."""

    @dataclass
    class Answered(Message):
        """The engine answered, refused (`problem`), or is not there (neither)."""

        kind: str
        arguments: Mapping[str, Any]
        answer: Mapping[str, Any] | None
        problem: Problem | None
        waited: str = ""
        """What the engine still waited for when the asker gave up."""

    @dataclass
    class Waits(Message):
        """The engine has no answer yet, for this reason."""

        kind: str
        why: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._gone = Event()

    def on_unmount(self) -> None:
        """A question under way is waited for no longer."""
        self._gone.set()

    def ask(self, kind: str, arguments: Mapping[str, Any]) -> None:
        """Ask; `Answered` comes when there is something to say, unless something else is asked meanwhile."""
        self._ask(kind, arguments)

    @work(thread=True, exclusive=True, group="question", exit_on_error=False)
    def _ask(self, kind: str, arguments: Mapping[str, Any]) -> None:
        worker = get_current_worker()
        try:
            with every_fault_explained():
                asked = requests.ask(kind, arguments)
                answer, waited = self._wait_for(asked, kind, worker)
                if answer is None:
                    requests.withdraw(asked)
        except Problem as problem:
            self._tell(worker, self.Answered(kind, arguments, None, problem))
            return
        self._tell(worker, self.Answered(kind, arguments, answer, None, waited))

    def _wait_for(self, asked: int, kind: str, worker: Worker[Any]) -> tuple[Mapping[str, Any] | None, str]:
        waited, told = 0.0, ""
        while (answer := requests.answer(asked)) is None and waited < ANSWER_SECONDS:
            waited += _LOOK_SECONDS
            if worker.is_cancelled or self._gone.wait(_LOOK_SECONDS) or self._nobody_answers():
                return None, told
            if (why := requests.waits_for(asked)) and why != told:
                self._tell(worker, self.Waits(kind, why))
                told = why
        return answer, told

    def _nobody_answers(self) -> bool:
        return cast("Tui", self.app).nobody_runs_tasks

    def _tell(self, worker: Worker[Any], message: Answered | Waits) -> None:
        if not worker.is_cancelled:
            self.post_message(message)


def wait_for_answer(request_id: int, left: Event) -> Mapping[str, Any] | None:
    """The engine's answer to a request, for a thread that may wait; None when none came before one has `left`.

    Raises its Problem.
    """
    waited = 0.0
    while (answer := requests.answer(request_id)) is None and waited < ANSWER_SECONDS:
        waited += _LOOK_SECONDS
        if left.wait(_LOOK_SECONDS):
            return None
    return answer
