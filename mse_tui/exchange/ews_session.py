"""One mailbox's conversation with the server: who may sign in, what an answer is worth, and how a wait ends."""

import concurrent.futures
import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from lxml import etree

from mse_tui.config.exchange import ExchangeSettings
from mse_tui.exchange import waits
from mse_tui.exchange.ews_calls import Calls, Request
from mse_tui.exchange.ews_errors import ServerError, ServerProblem, failure_of, failure_of_status
from mse_tui.exchange.ews_rows import parse, parse_stream, response_messages
from mse_tui.exchange.ews_transport import Connection, ConnectionPool
from mse_tui.exchange.gate import Gate, account_key
from mse_tui.exchange.mailbox import AccountHalts, Cancelled, WaitObserver
from mse_tui.exchange.retry import Breaker, Deadline, Pace, Persistence, Transient
from mse_tui.exchange.wire import Reply, TooLong, ahead_of, tls_context
from mse_tui.exchange.wire_errors import failure_of_exception
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

T = TypeVar("T")

ERROR_PAGE_LIMIT = 1024 * 1024
LOOK = 0.2
"""Seconds between two looks at the stop event while a request is under way."""


class Server:
    """What all mailboxes of a site share: the account, the breaker, the pause that the server asked for."""

    def __init__(self, settings: ExchangeSettings, halts: AccountHalts) -> None:
        self.settings = settings
        self._secret = settings.secret()
        self._tls = tls_context(None if settings.ca_file is None else str(settings.ca_file))
        self.breaker = Breaker()
        self.pace = Pace()
        key = account_key(settings.endpoint, settings.user, self._secret.get_secret_value())
        self.gate = Gate(halts, key, settings.user, "exchange")

    def connect(self) -> Connection:
        """A new connection; it opens with its first request."""
        return Connection(self.settings, self._secret, self._tls)


class Session:
    """Requests in one mailbox's name (or in none: address ''). Thread-safe; each request has a connection to itself."""

    def __init__(
        self, server: Server, address: str, cancel: threading.Event, on_wait: WaitObserver | None = None
    ) -> None:
        settings = server.settings
        self.address = address
        self.settings = settings
        self.calls = Calls(address, settings.version, impersonate=settings.impersonation)
        self._server = server
        self._persistence = Persistence(
            cancel, breaker=server.breaker, server_pace=server.pace, on_wait=on_wait, mailbox=address
        )
        self._connections = ConnectionPool(server.connect)
        self.clock_ahead: float | None = None
        """Seconds by which this machine's clock is ahead of the server's, by its last answer."""
        self._log = logging.LoggerAdapter(log, {"mailbox": address})
        threads = concurrent.futures.ThreadPoolExecutor
        self._single = threads(max_workers=2, thread_name_prefix="ews")
        self._contents = threads(max_workers=settings.requests_in_flight, thread_name_prefix="ews-content")

    def deadline(self) -> Deadline:
        """The patience of one call."""
        return Deadline(self.settings.retry_seconds)

    def parallel(self) -> int:
        """How many content requests to keep in flight now: fewer while the server asks to slow down."""
        wanted = self.settings.requests_in_flight
        return min(self._persistence.pace.parallel(wanted), self._server.pace.parallel(wanted))

    def ask(self, request: Request, read: Callable[[list[etree._Element]], T]) -> T:
        """Send a request, as often as it takes, and read the entries of its answer.

        Raises Problem, SyncStateInvalid, and Cancelled as soon as the stop event is set.
        """
        persisting = partial(self.persist, lambda: self.attempt(request, read), self.deadline())
        return self.wait_for(self._single.submit(copy_context().run, persisting))

    def submit(self, work: Callable[[], T]) -> "concurrent.futures.Future[T]":
        """Have a content request's work done by one of the threads that keep them in flight."""
        return self._contents.submit(copy_context().run, work)

    def wait_for(self, future: "concurrent.futures.Future[T]") -> T:
        """The outcome of work under way; the stop event ends the wait, and the requests that it waits for."""
        while not future.done():
            if self._persistence.ended:
                self._connections.abort()
                raise Cancelled
            if waits.is_ended():
                raise Cancelled  # the connections are others' too
            concurrent.futures.wait([future], timeout=LOOK)
        return future.result()

    def persist(self, attempt: Callable[[], T], deadline: Deadline) -> T:
        """Repeat an attempt until it succeeds or patience ends; for the threads of `submit`."""
        return self._persistence.run(attempt, deadline)

    def attempt(self, request: Request, read: Callable[[list[etree._Element]], T], limit: int | None = None) -> T:
        """Send a request once and read the entries of its whole answer.

        An answer of content alone is given the `limit` of bytes beyond which it is dropped (TooLong), and is parsed
        as it comes in.
        """

        def take(reply: Reply) -> T:
            root = parse(reply.read()) if limit is None else parse_stream(reply.chunks(limit))
            return read(_entries(root, request.operation))

        return self.attempt_raw(request, take)

    def attempt_raw(self, request: Request, take: Callable[[Reply], T]) -> T:
        """Send a request once; `take` reads the answer off the wire. Raises Transient where another try may help."""
        self._persistence.check()
        endpoint = self.settings.endpoint
        with self._server.gate.sign_in(self._persistence.check), self._connections.connection() as connection:
            reused = connection.used
            try:
                with connection.posting(request.body, request.headers) as reply:
                    self.clock_ahead = ahead_of(reply.headers.get("Date", ""))
                    self._judge(reply, request)
                    self._server.gate.accepted()
                    return take(reply)
            except Problem as problem:
                if isinstance(problem, ServerProblem) and problem.reason is Reason.PASSWORD_REFUSED:
                    raise self._server.gate.refused(problem.happened, problem.remedy) from problem
                raise
            except (Transient, Cancelled, TooLong):
                raise
            except Exception as error:
                failure = failure_of_exception(error, endpoint)
                self._persistence.check()
                if reused and isinstance(failure, Transient) and failure.problem.reason is Reason.SERVER_UNREACHABLE:
                    failure.wait = 0.0
                self._log.info("%s failed: %s", request.operation, failure)
                raise failure from error

    def _judge(self, reply: Reply, request: Request) -> None:
        """Let an answer with entries through; raise for any other."""
        if reply.status == 200:
            return
        if reply.status == 401:
            raise self._refusal(reply)
        failure: Problem | Transient = failure_of_status(reply.status, reply.headers, self.settings.endpoint)
        if reply.status == 500:
            # Exchange sends its SOAP faults with this status; what is no SOAP is the web server's own page.
            try:
                _entries(parse(reply.read(ERROR_PAGE_LIMIT)), request.operation)
            except Transient as worded:
                if worded.problem.reason is not Reason.RESPONSE_BROKEN:
                    raise
        self._log.info("%s was answered with HTTP %s", request.operation, reply.status)
        raise failure

    def _refusal(self, reply: Reply) -> Problem:
        """What a 401 means: a refused account, or a way of signing in that the server does not offer."""
        offered = {part.split(" ")[0].lower() for part in reply.headers.get("WWW-Authenticate", "").split(", ") if part}
        schemes = offered & {"basic", "ntlm", "negotiate"}
        wanted = {"basic"} if self.settings.auth == "basic" else {"ntlm", "negotiate"}
        if schemes and not schemes & wanted:
            return Problem(
                Reason.CONFIGURATION_INVALID,
                f"The server does not offer {self.settings.auth.upper()} sign-in, only {', '.join(sorted(schemes))}.",
                "Set [exchange] auth to what the server offers.",
            )
        return self._server.gate.refused(
            f"{self.settings.endpoint} refused the user {self.settings.user} or its password (HTTP 401)."
        )

    def close(self) -> None:
        """End what is under way and close the connections."""
        self._persistence.close()
        self._connections.close()
        for threads in (self._single, self._contents):
            threads.shutdown(wait=False, cancel_futures=True)


def _entries(root: etree._Element, operation: str) -> list[etree._Element]:
    """The entries of an answer; raises what a fault in their place means, Transient where the answer is broken."""
    messages = response_messages(root, operation)
    if isinstance(messages, ServerError):
        raise failure_of(messages)
    return messages
