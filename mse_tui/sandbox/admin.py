"""The admin endpoint: faults, statistics and changes on demand, for whoever holds the token and is on this machine."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mse_tui.sandbox.churn import churn
from mse_tui.sandbox.faults import Fault, Faults
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.wire import Statistics

Endpoint = Callable[[Request], Awaitable[Response]]


class Admin:
    """`routes` below /admin; each request carries `Authorization: Bearer TOKEN`."""

    def __init__(self, store: MailStore, faults: Faults, statistics: Statistics, token: str) -> None:
        self._store = store
        self._faults = faults
        self._statistics = statistics
        self._token = token
        self.routes = [
            self._route("/faults", self.list_faults, "GET"),
            self._route("/faults", self.add_fault, "POST"),
            self._route("/faults", self.clear_faults, "DELETE"),
            self._route("/faults/{fault_id:int}", self.remove_fault, "DELETE"),
            self._route("/stats", self.statistics, "GET"),
            self._route("/stats", self.reset_statistics, "DELETE"),
            self._route("/mailboxes", self.list_mailboxes, "GET"),
            self._route("/mailboxes/{address}", self.set_mailbox, "PATCH"),
            self._route("/churn", self.churn, "POST"),
        ]

    def _route(self, path: str, endpoint: Endpoint, method: str) -> Route:
        async def guarded(request: Request) -> Response:
            if not self._allowed(request):
                return JSONResponse({"error": "the admin token is missing or wrong"}, 403)
            try:
                return await endpoint(request)
            except (ValueError, TypeError, KeyError) as error:
                return JSONResponse({"error": str(error)}, 400)
            except LookupError as error:
                return JSONResponse({"error": str(error)}, 404)

        return Route(path, guarded, methods=[method])

    def _allowed(self, request: Request) -> bool:
        local = request.client is not None and request.client.host == "127.0.0.1"
        given = request.headers.get("authorization", "")
        return local and hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())

    async def list_faults(self, _: Request) -> Response:
        """Every armed fault, and how often it struck."""
        return JSONResponse(self._faults.listed())

    async def add_fault(self, request: Request) -> Response:
        """Arm the fault in the body."""
        fault = self._faults.add(Fault.from_mapping(await _object(request)))
        return JSONResponse(fault.as_mapping(), 201)

    async def clear_faults(self, _: Request) -> Response:
        """Disarm all."""
        self._faults.clear()
        return Response(status_code=204)

    async def remove_fault(self, request: Request) -> Response:
        """Disarm one."""
        return Response(status_code=204 if self._faults.remove(request.path_params["fault_id"]) else 404)

    async def statistics(self, _: Request) -> Response:
        """What was asked of the server."""
        return JSONResponse(self._statistics.as_mapping())

    async def reset_statistics(self, _: Request) -> Response:
        """Count from zero."""
        self._statistics.reset()
        return Response(status_code=204)

    async def list_mailboxes(self, _: Request) -> Response:
        """The mailboxes, in the order they were added."""
        rows = [
            {"address": one.address, "name": one.name, "kind": one.kind, "disabled": one.disabled, "error": one.error}
            for one in self._store.mailboxes()
        ]
        return JSONResponse(rows)

    async def set_mailbox(self, request: Request) -> Response:
        """Set `disabled`, or `error` (an EWS response code), of a mailbox; `invalidate` its sync states."""
        values = await _object(request)
        mailbox = self._store.mailbox(request.path_params["address"])
        if mailbox is None:
            return JSONResponse({"error": "no such mailbox"}, 404)
        if values.pop("invalidate", False):
            self._store.invalidate_sync_states(mailbox.id)
        self._store.set_mailbox(mailbox.id, **values)
        return Response(status_code=204)

    async def churn(self, request: Request) -> Response:
        """Make `count` random changes from `seed`, in one `mailbox` or in all; how many of each kind."""
        values = await _object(request)
        done = await run_in_threadpool(
            churn, self._store, int(values["count"]), int(values.get("seed", 1)), mailbox=values.get("mailbox")
        )
        return JSONResponse(done.as_mapping())


async def _object(request: Request) -> dict[str, Any]:
    values = await request.json()
    if not isinstance(values, dict):
        raise TypeError("the body is a JSON object")
    return values
