"""What the cloud's services take and give: requests and answers in JSON."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mse_tui.sandbox.ews.soap import Reply

Answer = Reply


@dataclass(frozen=True, slots=True)
class Question:
    """One request, however it came: on its own or within a batch."""

    method: str
    path: str
    """Decoded, without the query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""

    def json(self) -> Any:
        """The body. Raises CloudError BadRequest."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise CloudError(400, "BadRequest", "The body is not JSON.") from error


class CloudError(Exception):
    """An error as Graph and the Admin API word it."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code

    @property
    def answer(self) -> Answer:
        """The HTTP answer."""
        return json_answer(self.status, self.content)

    @property
    def content(self) -> dict[str, Any]:
        """The body."""
        inner = {"request-id": str(uuid.uuid4()), "date": "2026-11-01T00:00:00"}
        return {"error": {"code": self.code, "message": str(self), "innerError": inner}}


def json_answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"content-type": "application/json; charset=utf-8", **(headers or {})}, body)
