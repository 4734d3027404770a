"""Many questions to Microsoft Graph in one request (JSON batching)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mse_tui.exchange.graph_errors import failure_of_answer
from mse_tui.exchange.retry import Transient
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem

LARGEST_BATCH = 20
"""Most entries in a batch."""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What one entry of a batch was answered."""

    status: int
    content: dict[str, Any]

    @property
    def code(self) -> str:
        """The error code; '' for a success."""
        error = self.content.get("error")
        return str(error.get("code") or "") if isinstance(error, dict) else ""

    @property
    def problem(self) -> Problem:
        """What an error means; not for a success."""
        failure = failure_of_answer(self.status, {}, self.content, "Microsoft Graph")
        return failure.problem if isinstance(failure, Transient) else failure


class Batch:
    """The entries of one batch, and the answers that have come so far (JSON batching, at most 20 entries)."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._waiting = {str(number): path for number, path in enumerate(paths)}
        self._answers: dict[str, BatchAnswer] = {}

    def question(self) -> dict[str, Any]:
        """A batch of what is still waiting."""
        return {"requests": [{"id": key, "method": "GET", "url": path} for key, path in self._waiting.items()]}

    def take(self, content: Mapping[str, Any], base: str) -> Problem | Transient | None:
        """Keep the answers that are final; what to raise while some are missing or may pass."""
        worst: Problem | Transient | None = None
        for entry in content.get("responses") or []:
            if not isinstance(entry, dict) or not isinstance(status := entry.get("status"), int):
                return broken("The service's answer to a batch has an entry without a status.")
            key, body = str(entry.get("id")), entry.get("body")
            failure = failure_of_answer(status, entry.get("headers") or {}, body, base) if status != 200 else None
            if isinstance(failure, Transient):
                if not isinstance(worst, Transient) or (failure.wait or 0) > (worst.wait or 0):
                    worst = failure
            elif self._waiting.pop(key, None) is not None:
                self._answers[key] = BatchAnswer(status, body if isinstance(body, dict) else {})
        return worst or (broken("The service's answer to a batch has not every entry.") if self._waiting else None)

    def answers(self) -> list[BatchAnswer]:
        """All answers, in the order asked."""
        return [self._answers[str(number)] for number in range(len(self._answers))]
