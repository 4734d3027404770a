"""The cloud on the wire: an ASGI endpoint, with the faults that are armed for it."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from mse_tui.sandbox.cloud.answers import Answer, CloudError, Question, json_answer
from mse_tui.sandbox.cloud.service import Cloud
from mse_tui.sandbox.faults import ANSWER_FAULTS, LINK_FAULTS, TRANSFER_FAULTS, Fault, FaultKind, Faults
from mse_tui.sandbox.wire import Connection, Statistics, body_of, connection_of, send_answer, send_spoilt

FOREIGN_ORIGIN = "https://elsewhere.example"
"""Where the links of a foreign-link fault lead."""

_CODES = {
    FaultKind.TOO_MANY_REQUESTS: (429, "TooManyRequests"),
    FaultKind.UNAVAILABLE: (503, "serviceNotAvailable"),
    FaultKind.SERVER_BUSY: (503, "serviceNotAvailable"),
    FaultKind.UNAUTHORIZED: (401, "InvalidAuthenticationToken"),
    FaultKind.FORBIDDEN: (403, "Authorization_RequestDenied"),
}


class CloudEndpoint:
    """Everything below / that is not Exchange Web Services."""

    def __init__(self, cloud: Cloud, faults: Faults, statistics: Statistics) -> None:
        self._cloud = cloud
        self._faults = faults
        self._statistics = statistics
        self._threads = ThreadPoolExecutor(4, "sandbox-cloud")
        cloud.graph.interrupt = self._interruption

    def close(self) -> None:
        """Wait for the calls under way and end the threads."""
        self._threads.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        question = Question(
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True)),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            body=await body_of(receive),
        )
        connection = connection_of(scope)
        operation = self._cloud.operation(question.path)
        if latency := self._faults.latency_ms(operation):
            await asyncio.sleep(latency / 1000)
        if fault := self._faults.take(ANSWER_FAULTS, operation):
            await self._fail(send, connection, fault)
            return
        started = time.perf_counter()
        answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._cloud.handle, question)
        self._statistics.count(operation, time.perf_counter() - started, len(question.body), len(answer.body))
        if operation == "token" and answer.status != 200:
            self._statistics.refuse()
        if fault := self._faults.take(LINK_FAULTS, operation):
            answer = _spoilt(answer, fault)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        if fault := self._faults.take(TRANSFER_FAULTS, operation):
            await send_spoilt(send, connection, headers, answer, fault)
        else:
            await send_answer(send, answer.status, headers, answer.body)

    async def _fail(self, send: Send, connection: Connection, fault: Fault) -> None:
        if fault.kind is FaultKind.RESET:
            await connection.reset()
            return
        answer = _failure(fault)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await send_answer(send, answer.status, headers, answer.body)

    def _interruption(self, operation: str) -> Answer | None:
        """An answer in place of the right one to an entry of a batch, where a fault strikes it."""
        fault = self._faults.take(_CODES, operation)
        return None if fault is None else _failure(fault)


def _failure(fault: Fault) -> Answer:
    status, code = _CODES[fault.kind]
    wait = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    return json_answer(status, CloudError(status, code, "On purpose.").content, wait)


def _spoilt(answer: Answer, fault: Fault) -> Answer:
    """A page whose link leads elsewhere, or that lacks its last row; any other answer as it is."""
    content = json.loads(answer.body) if answer.status == 200 else None
    if not isinstance(content, dict) or "value" not in content:
        return answer
    if fault.kind is FaultKind.LOST_ROW and isinstance(content["value"], list):
        content["value"] = content["value"][:-1]
    elif fault.kind is FaultKind.FOREIGN_LINK and "@odata.nextLink" in content:
        path = content["@odata.nextLink"].split("/", 3)[3]
        content["@odata.nextLink"] = f"{FOREIGN_ORIGIN}/{path}"
    return json_answer(200, content, answer.headers)
