"""Items by the hundred: batches sized by bytes, a few in flight, in order, and one bad item never costs the others."""

import io
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

from lxml import etree

from mse_tui.exchange.ews_calls import Request
from mse_tui.exchange.ews_errors import WHOLE_MAILBOX, failure_of
from mse_tui.exchange.ews_rows import error_of, mime_of
from mse_tui.exchange.ews_session import Session
from mse_tui.exchange.ews_stream import ContentReader, ContentTooLarge
from mse_tui.exchange.retry import Deadline, Transient
from mse_tui.exchange.rows import Content, ItemFailure
from mse_tui.exchange.wire import Reply, TooLong
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

BATCH_BYTES = 4 * 1024 * 1024
BATCH_ITEMS = 100
LARGE = 10 * 1024 * 1024
"""Items from this size on are fetched alone and spooled to disk."""
READ_AHEAD = 1
"""Batches that may lie ready beyond those in flight."""
HOPELESS = 5
"""So many items in a row without a readable answer: it is not the items."""

_SPLITS = (Reason.RESPONSE_BROKEN, Reason.TIMEOUT)


class _Unanswered(Transient):
    """Some entries of an answer were put off by the server; the others are done."""


class Collector:
    """Asks for items in one request and repeats it only for those that are still owed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._unreadable = 0

    def collect(
        self,
        ids: Sequence[str],
        request: Callable[[Sequence[str]], Request],
        read: Callable[[str, etree._Element], Answer],
        deadline: Deadline,
        limit: int | None = None,
    ) -> "list[Answer | ItemFailure]":
        """One answer an id, in order. Raises Problem where the whole is refused, TooLong beyond `limit` bytes."""
        answers: dict[int, Answer | ItemFailure] = {}

        def attempt() -> None:
            owed = [index for index in range(len(ids)) if index not in answers]
            asked = [ids[index] for index in owed]
            messages = self._session.attempt(request(asked), lambda entries: entries, limit)
            if len(messages) != len(asked):
                raise broken(f"The server answered {len(messages)} items where {len(asked)} were asked for.")
            put_off = None
            for index, message in zip(owed, messages, strict=True):
                error = error_of(message)
                if error is None:
                    answers[index] = read(ids[index], message)
                    continue
                failure = failure_of(error)
                if isinstance(failure, Transient):
                    put_off = failure
                else:
                    answers[index] = item_failure(ids[index], failure)
            if put_off is not None:
                raise _Unanswered(put_off.problem, wait=put_off.wait, limit=put_off.limit)

        try:
            self._session.persist(attempt, deadline)
        except Problem as problem:
            if not isinstance(problem.__cause__, _Unanswered) or problem.reason is Reason.THROTTLED:
                raise
            for index, remote_id in enumerate(ids):
                answers.setdefault(index, ItemFailure(remote_id, problem.reason, problem.happened))
        return [answers[index] for index in range(len(ids))]

    def readable(self) -> None:
        """An answer could be read: what fails is the items' own fault."""
        with self._lock:
            self._unreadable = 0

    def unreadable(self, remote_id: str, problem: Problem) -> ItemFailure:
        """One item whose answer cannot be read even alone; raises the problem when it is no longer just the item."""
        with self._lock:
            self._unreadable += 1
            hopeless = self._unreadable >= HOPELESS
        if hopeless:
            raise problem
        return ItemFailure(remote_id, problem.reason, problem.happened)


def item_failure(remote_id: str, problem: Problem) -> ItemFailure:
    """A refused item; raises where the reason concerns the whole mailbox."""
    if problem.reason in WHOLE_MAILBOX:
        raise problem
    return ItemFailure(remote_id, problem.reason, problem.happened)


def batches(items: Iterable[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """Items in their order, a batch being at most so many bytes and items; a large item is a batch by itself."""
    batch: list[tuple[str, int]] = []
    size = 0
    for item in items:
        expected = max(item[1], 1024)
        if batch and (size + expected > BATCH_BYTES or len(batch) >= BATCH_ITEMS):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += expected
    if batch:
        yield batch


class Fetcher(Collector):
    """The content of many items of one mailbox."""

    def fetch(self, items: Iterable[tuple[str, int]]) -> Iterator[Content | ItemFailure]:
        """Content in the order asked, with the session's number of requests in flight."""
        window: deque[Future[list[Content | ItemFailure]]] = deque()
        session = self._session
        try:
            for batch in batches(items):
                while len(window) >= session.parallel() + READ_AHEAD:
                    yield from session.wait_for(window.popleft())
                window.append(session.submit(self._job(batch)))
            while window:
                yield from session.wait_for(window.popleft())
        finally:
            for future in window:
                future.cancel()

    def _job(self, batch: list[tuple[str, int]]) -> Callable[[], list[Content | ItemFailure]]:
        return lambda: self._batch(batch, self._session.deadline())

    def _batch(self, batch: list[tuple[str, int]], deadline: Deadline) -> list[Content | ItemFailure]:
        if len(batch) == 1 and batch[0][1] >= LARGE:
            return [self._one(*batch[0], deadline)]
        ids = [remote_id for remote_id, _ in batch]
        limit = 4 * sum(size for _, size in batch) + 4 * LARGE
        try:
            contents = self.collect(ids, self._session.calls.get_content, _content, deadline, limit)
        except TooLong:
            return self._apart(batch)
        except Problem as problem:
            if problem.reason not in _SPLITS:
                raise
            log.warning("%d items in one answer: %s", len(batch), problem.happened)
            return self._apart(batch)
        self.readable()
        return contents

    def _apart(self, batch: list[tuple[str, int]]) -> list[Content | ItemFailure]:
        """Ask in halves for what could not be had in one answer, down to the item that is the cause."""
        middle = len(batch) // 2
        answers: list[Content | ItemFailure] = []
        for part in (batch[:middle], batch[middle:]):
            if len(part) == 1:
                answers.append(self._one(*part[0], self._session.deadline()))
            elif part:
                answers.extend(self._batch(part, self._session.deadline()))
        return answers

    def _one(self, remote_id: str, size: int, deadline: Deadline) -> Content | ItemFailure:
        """One item, decoded off the wire."""
        allowed = self._session.settings.max_item_bytes
        too_large = ItemFailure(
            remote_id, Reason.ITEM_TOO_LARGE, f"The item is larger than the {allowed:,} bytes that the site allows."
        )
        if size > allowed:
            return too_large
        request = self._session.calls.get_content([remote_id])
        try:
            answer = self._session.persist(lambda: self._streamed(remote_id, request, allowed), deadline)
        except ContentTooLarge:
            return too_large
        except Problem as problem:
            if problem.reason in _SPLITS:
                return self.unreadable(remote_id, problem)
            if isinstance(problem.__cause__, _Unanswered) and problem.reason is not Reason.THROTTLED:
                return ItemFailure(remote_id, problem.reason, problem.happened)
            raise
        self.readable()
        return answer

    def _streamed(self, remote_id: str, request: Request, allowed: int) -> Content | ItemFailure:
        reader = ContentReader(allowed)

        def take(reply: Reply) -> None:
            reader.read(reply.chunks())

        try:
            self._session.attempt_raw(request, take)
            if reader.error is not None:
                failure = failure_of(reader.error)
                if isinstance(failure, Transient):
                    raise _Unanswered(failure.problem, wait=failure.wait, limit=failure.limit)
                return item_failure(remote_id, failure)
            if not reader.found or not reader.size:
                return _without_content(remote_id)
        except BaseException:
            reader.close()
            raise
        return Content(remote_id, reader.change_key, reader.size, reader.stream())


def _content(remote_id: str, message: etree._Element) -> Content | ItemFailure:
    mime = mime_of(message)
    if mime is None:
        return _without_content(remote_id)
    return Content(remote_id, mime.change_key, len(mime.data), io.BytesIO(mime.data))


def _without_content(remote_id: str) -> ItemFailure:
    return ItemFailure(remote_id, Reason.ITEM_CONVERSION_FAILED, "The server gave the item without any content.")
