"""Conversations with Microsoft 365's services over REST: Graph, and Exchange Online's Admin API.

Requests are repeated as the service asks, within one deadline; waits and requests end when the stop event is set. A
token goes to the host of its service and to no other: not by a redirect, not by a link in an answer.
"""

import concurrent.futures
import http.cookiejar
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests

from mse_tui import __version__
from mse_tui.config.directories import Microsoft365Settings
from mse_tui.exchange import waits
from mse_tui.exchange.gate import LOOK, Gate, account_key
from mse_tui.exchange.graph_batch import LARGEST_BATCH, Batch, BatchAnswer
from mse_tui.exchange.graph_errors import failure_of_answer, failure_of_exception, foreign_host
from mse_tui.exchange.graph_tokens import Tokens, read_credential
from mse_tui.exchange.mailbox import AccountHalts, Cancelled, WaitObserver
from mse_tui.exchange.retry import Breaker, Deadline, Pace, Persistence
from mse_tui.exchange.wire import PinnedAdapter, Reply, TooLong, tls_context
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

T = TypeVar("T")

LARGEST_ANSWER = 64 * 1024 * 1024
SLOWEST = 5
"""An answer may take this many times the read timeout in all, however steadily it drips."""


class Service:
    """One of the services: its address, the scope of its tokens, and how it fares."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.scope = f"{base}/.default"
        self.breaker = Breaker()
        self.pace = Pace()


class Tenant:
    """What all conversations of a site with its tenant share: the application, its tokens, the services."""

    def __init__(self, settings: Microsoft365Settings, halts: AccountHalts) -> None:
        """No request yet. Raises Problem secret-unreadable, configuration-invalid."""
        self.settings = settings
        self.graph = Service(settings.graph)
        self.exchange_online = Service(settings.exchange_online)
        self.credential = read_credential(settings)
        self._tls = tls_context(None if settings.ca_file is None else str(settings.ca_file), "microsoft365")
        where = f"{settings.authority}/{settings.tenant}"
        key = account_key(where, settings.client_id, self.credential.fingerprint)
        self.gate = Gate(halts, key, f"application {settings.client_id}", "microsoft365")
        self._authority = self.http_session()
        self.tokens = Tokens(settings, self.credential, self.gate, self._authority)

    def http_session(self) -> requests.Session:
        """A session that trusts the configured authority alone, keeps no cookies and looks at no environment."""
        session = requests.Session()
        session.trust_env = False
        session.headers["User-Agent"] = f"mse-tui/{__version__}"
        session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        session.mount("https://", PinnedAdapter(*self._tls, max_retries=0))
        if self.settings.proxy:
            session.proxies = {"https": self.settings.proxy}
        return session

    def close(self) -> None:
        """Close the connection to the authority; conversations close their own."""
        self._authority.close()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection."""

    rows: list[Any]
    count: int | None
    """How many rows the whole collection has, where the service says so."""


class Conversation:
    """Requests to the tenant's services, one at a time or a few at once. Thread-safe."""

    def __init__(
        self, tenant: Tenant, cancel: threading.Event, on_wait: WaitObserver | None = None, mailbox: str = ""
    ) -> None:
        self._tenant = tenant
        self._http = tenant.http_session()
        self._threads = concurrent.futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix="graph")
        self._persistence = {
            service: Persistence(
                cancel, breaker=service.breaker, server_pace=service.pace, on_wait=on_wait, mailbox=mailbox
            )
            for service in (tenant.graph, tenant.exchange_online)
        }
        self._closed = False

    def deadline(self) -> Deadline:
        """The patience of one question, with all its pages."""
        return Deadline(self._tenant.settings.retry_seconds)

    def get(
        self,
        service: Service,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> dict[str, Any]:
        """The JSON object at a path of a service. Raises Problem, and Cancelled once the stop event is set."""
        request = requests.Request("GET", service.base + path, params=params, headers=dict(headers or {}))
        return self._ask(service, request, deadline)

    def pages(  # noqa: PLR0913 (what a request consists of)
        self,
        service: Service,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        content: Any = None,
        deadline: Deadline | None = None,
    ) -> Iterator[Page]:
        """A collection page by page, to its end; `content` makes each request a POST of it.

        Raises Problem as soon as any page can't be had, and response-broken for a link that leads to another host or
        round in a circle.
        """
        method, patience = ("GET" if content is None else "POST"), deadline or self.deadline()
        url, seen = service.base + path, set[str]()
        while url:
            request = requests.Request(method, url, params=params, json=content, headers=dict(headers or {}))
            answer = self._ask(service, request, patience)
            rows, count, url = answer.get("value"), answer.get("@odata.count"), answer.get("@odata.nextLink") or ""
            if not isinstance(rows, list) or not isinstance(url, str):
                raise broken("The service's answer is no page of a collection.").problem
            yield Page(rows, count if isinstance(count, int) else None)
            params = None
            if url:
                self._check_link(service, url)
                if url in seen:
                    raise broken("The service's pages go round in a circle.").problem
                seen.add(url)

    def batch(self, paths: Sequence[str], deadline: Deadline | None = None) -> list[BatchAnswer]:
        """What Graph answers to GETs of these paths (with their queries), in this order, asked for many at a time.

        Entries that may pass are asked for again; others are given as they are, errors included. Raises as `get`.
        """
        patience, answers = deadline or self.deadline(), list[BatchAnswer]()
        for start in range(0, len(paths), LARGEST_BATCH):
            part = Batch(paths[start : start + LARGEST_BATCH])
            persistence = self._persistence[self._tenant.graph]
            work = self._submit(persistence, lambda part=part: self._attempt_batch(part), patience)  # type: ignore[misc]
            self._wait_for(work, persistence)
            answers += part.answers()
        return answers

    def _attempt_batch(self, part: Batch) -> None:
        service = self._tenant.graph
        request = requests.Request("POST", f"{service.base}/v1.0/$batch", json=part.question())
        if failure := part.take(self._attempt(service, request), service.base):
            raise failure

    def close(self) -> None:
        """End what is under way."""
        self._closed = True
        for persistence in self._persistence.values():
            persistence.close()
        self._abort()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _check_link(self, service: Service, url: str) -> None:
        if urlsplit(url)[:2] != urlsplit(service.base)[:2]:
            raise foreign_host(service.base, url)

    def _ask(self, service: Service, request: requests.Request, deadline: Deadline | None) -> dict[str, Any]:
        self._check_link(service, request.url)
        persistence = self._persistence[service]
        work = self._submit(persistence, lambda: self._attempt(service, request), deadline or self.deadline())
        return self._wait_for(work, persistence)

    def _submit(
        self, persistence: Persistence, attempt: Callable[[], T], patience: Deadline
    ) -> "concurrent.futures.Future[T]":
        if self._closed:
            raise Cancelled
        return self._threads.submit(copy_context().run, persistence.run, attempt, patience)

    def _wait_for(self, future: "concurrent.futures.Future[T]", persistence: Persistence) -> T:
        while not future.done():
            if persistence.ended:
                self._abort()
                raise Cancelled
            if waits.is_ended():
                raise Cancelled  # others' requests go over the same connections
            concurrent.futures.wait([future], timeout=LOOK)
        return future.result()

    def _abort(self) -> None:
        for adapter in self._http.adapters.values():
            if isinstance(adapter, PinnedAdapter):
                adapter.abort()

    def _attempt(self, service: Service, request: requests.Request) -> dict[str, Any]:
        """Send once, and once more with a new token where the service refuses the one at hand."""
        check = self._persistence[service].check
        with self._tenant.gate.sign_in(check):
            token = self._tenant.tokens.token(service.scope, check)
        status, headers, body = self._send(service, request, token, check)
        if status == 401:
            token = self._tenant.tokens.token(service.scope, check, refused=token)
            status, headers, body = self._send(service, request, token, check)
        content = _json(body)
        if status != 200:
            failure = failure_of_answer(status, headers, content, service.base)
            log.info("%s %s was answered with HTTP %d", request.method, urlsplit(request.url).path, status)
            raise failure
        if not isinstance(content, dict):
            raise broken("The service's answer was cut off or is no JSON object.")
        return content

    def _send(
        self, service: Service, request: requests.Request, token: str, check: Callable[[], None]
    ) -> tuple[int, Mapping[str, str], bytes]:
        settings = self._tenant.settings
        prepared = self._http.prepare_request(request)
        prepared.headers["Authorization"] = f"Bearer {token}"
        proxies: dict[str, str] = dict(self._http.proxies)
        timeout = (settings.connect_timeout_seconds, settings.timeout_seconds)
        check()
        try:
            with self._http.send(
                prepared, stream=True, allow_redirects=False, timeout=timeout, proxies=proxies
            ) as response:
                body = Reply(response, SLOWEST * settings.timeout_seconds).read(LARGEST_ANSWER)
        except TooLong as error:
            raise Problem(Reason.RESPONSE_BROKEN, f"{service.base} sent far more than was asked for.") from error
        except Exception as error:
            failure = failure_of_exception(error, service.base)
            check()
            raise failure from error
        return response.status_code, response.headers, body


def _json(body: bytes) -> Any:
    """What a body says; None where it is no JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None
