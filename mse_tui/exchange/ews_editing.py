"""Changing one mailbox over Exchange Web Services: the Editing protocol."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import BinaryIO, TypeVar

from lxml import etree

from mse_tui.exchange.editing import (
    Changed,
    Disposal,
    ItemChange,
    ItemDetails,
    ItemQuery,
    MailboxSpace,
    Mark,
    NewAttachment,
    NewItem,
)
from mse_tui.exchange.ews_calls import Request
from mse_tui.exchange.ews_edit_calls import EditCalls
from mse_tui.exchange.ews_edit_rows import changed_item, detached_from, details_of, found_page, space_of
from mse_tui.exchange.ews_errors import ServerProblem, failure_of
from mse_tui.exchange.ews_fetch import Collector, item_failure
from mse_tui.exchange.ews_rows import error_of, folder_row, only
from mse_tui.exchange.ews_session import Session
from mse_tui.exchange.ews_stream import ContentReader, ContentTooLarge
from mse_tui.exchange.retry import Transient
from mse_tui.exchange.rows import FolderRow, ItemFailure, ItemRow
from mse_tui.exchange.wire import Reply
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

Answer = TypeVar("Answer")

DETAILS = 200
"""Items in one GetItem without bodies."""
BODIES = 20
"""Items in one GetItem with bodies, and in one UpdateItem that brings bodies."""
FOLDERS = 20
"""Folders in one FindItem."""
DELETED = 200
"""Items in one DeleteItem or MoveItem, attachments in one DeleteAttachment."""


class EwsEditing:
    """Changes to one mailbox over EWS."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls = EditCalls(session.calls)
        self._collector = Collector(session)

    def find(self, folder_id: str, query: ItemQuery) -> Iterator[tuple[ItemRow, ...]]:
        """Pages of a folder's items that meet the query, latest received last."""
        yield from self._pages(folder_id, query, 0)

    def find_in(self, folder_ids: Sequence[str], query: ItemQuery) -> Iterator[tuple[ItemRow, ...]]:
        """Pages of what `find` gives of each of these folders, asked for together."""
        for start in range(0, len(folder_ids), FOLDERS):
            part = folder_ids[start : start + FOLDERS]
            request = self._calls.find_items(part, query, 0)
            answers = self._session.ask(request, partial(_first_pages, wanted=len(part)))
            for folder_id, answer in zip(part, answers, strict=True):
                if answer is None:
                    yield from self._pages(folder_id, query, 0)
                    continue
                rows, offset, last = answer
                if rows:
                    yield tuple(rows)
                if not last:
                    yield from self._pages(folder_id, query, offset)

    def _pages(self, folder_id: str, query: ItemQuery, offset: int) -> Iterator[tuple[ItemRow, ...]]:
        last = False
        while not last:
            request = self._calls.find_items([folder_id], query, offset)
            rows, offset, last = self._ask_about_folder(request, partial(_found, start=offset))
            if rows:
                yield tuple(rows)

    def details(self, remote_ids: Sequence[str], *, body: bool = False) -> list[ItemDetails | ItemFailure]:
        """Items as they are now, in the order asked."""
        return self._in_batches(
            remote_ids,
            BODIES if body else DETAILS,
            lambda ids: self._calls.get_details(ids, body=body),
            lambda _, message: details_of(message),
        )

    def update(self, changes: Sequence[ItemChange]) -> list[Changed | ItemFailure]:
        """Change items in place; see `Editing.update`."""
        by_id = {change.remote_id: change for change in changes}
        return self._in_batches(
            list(by_id),
            BODIES,
            lambda ids: self._calls.update_items([by_id[each] for each in ids]),
            lambda _, message: changed_item(message),
        )

    def attach(self, additions: Sequence[tuple[str, Sequence[NewAttachment]]]) -> list[Changed | ItemFailure]:
        """Attach files, one request an item, with the session's number of requests in flight."""
        window: deque[Future[Changed | ItemFailure]] = deque()
        answers: list[Changed | ItemFailure] = []
        session = self._session
        try:
            for remote_id, attachments in additions:
                while len(window) >= session.parallel():
                    answers.append(session.wait_for(window.popleft()))
                window.append(session.submit(self._attaching(remote_id, attachments)))
            while window:
                answers.append(session.wait_for(window.popleft()))
        finally:
            for future in window:
                future.cancel()
        return answers

    def _attaching(self, remote_id: str, attachments: Sequence[NewAttachment]) -> Callable[[], Changed | ItemFailure]:
        def work() -> Changed | ItemFailure:
            repeated = False

            def attempt() -> Changed | ItemFailure:
                nonlocal repeated
                known, owed = self._owed(remote_id, attachments) if repeated else (None, attachments)
                repeated = True
                if not owed:
                    assert known is not None
                    return known
                request = self._calls.create_attachments(remote_id, owed)
                return self._session.attempt(request, lambda messages: _attached(remote_id, messages, len(owed)))

            try:
                return self._session.persist(attempt, self._session.deadline())
            except ServerProblem as problem:
                return item_failure(remote_id, problem)

        return work

    def _owed(
        self, remote_id: str, attachments: Sequence[NewAttachment]
    ) -> tuple[Changed | None, Sequence[NewAttachment]]:
        """After an attempt whose outcome is unknown: what the item does not have yet."""
        details = self._session.attempt(
            self._calls.get_details([remote_id], body=False), lambda messages: details_of(only(messages))
        )
        there = {each.content_id for each in details.attachments}
        now = Changed(details.row.remote_id, details.row.change_key)
        return now, [each for each in attachments if each.content_id not in there]

    def attachment(self, attachment_id: str) -> BinaryIO | ItemFailure:
        """The bytes of an attached file, decoded off the wire."""
        allowed = self._session.settings.max_item_bytes

        def attempt() -> BinaryIO | ItemFailure:
            reader = ContentReader(allowed, "Content")

            def take(reply: Reply) -> None:
                reader.read(reply.chunks())

            try:
                self._session.attempt_raw(self._calls.get_attachment(attachment_id), take)
                if reader.error is not None:
                    failure = failure_of(reader.error)
                    if isinstance(failure, Transient):
                        raise failure
                    return item_failure(attachment_id, failure)
            except BaseException:
                reader.close()
                raise
            return reader.stream()

        try:
            session = self._session
            return session.wait_for(session.submit(lambda: session.persist(attempt, session.deadline())))
        except ContentTooLarge:
            happened = f"The attachment is larger than the {allowed:,} bytes that the site allows."
            return ItemFailure(attachment_id, Reason.ITEM_TOO_LARGE, happened)

    def detach(self, attachment_ids: Sequence[str]) -> list[Changed | ItemFailure]:
        """Take attachments out, in the order asked."""
        return self._in_batches(
            attachment_ids, DELETED, self._calls.delete_attachments, lambda _, message: detached_from(message)
        )

    def delete(self, remote_ids: Sequence[str], how: Disposal) -> list[Changed | ItemFailure]:
        """Delete items; see `Editing.delete`."""
        return self._in_batches(
            remote_ids,
            DELETED,
            lambda ids: self._calls.delete_items(ids, how),
            lambda remote_id, _: Changed(remote_id, ""),
        )

    def move(self, remote_ids: Sequence[str], folder_id: str) -> list[Changed | ItemFailure]:
        """Move items into a folder; see `Editing.move`."""
        return self._in_batches(
            remote_ids,
            DELETED,
            lambda ids: self._calls.move_items(ids, folder_id),
            lambda _, message: changed_item(message),
        )

    def create(self, folder_id: str, item: NewItem) -> Changed | ItemFailure:
        """Put an item into a folder; a repeated request finds by its restore mark what an earlier one put there."""
        token = item.marks.get(Mark.RESTORE, "")
        repeated = False

        def attempt() -> Changed:
            nonlocal repeated
            if repeated and token:
                query = ItemQuery(mark=(Mark.RESTORE, token))
                request = self._calls.find_items([folder_id], query, 0)
                rows, *_ = self._session.attempt(request, partial(_found, start=0))
                if rows:
                    return Changed(rows[0].remote_id, rows[0].change_key)
            repeated = True
            request = self._calls.create_item(folder_id, item)
            return self._session.attempt(request, lambda messages: changed_item(only(messages)))

        session = self._session
        try:
            return session.wait_for(session.submit(lambda: session.persist(attempt, session.deadline())))
        except ServerProblem as problem:
            return item_failure(item.state.remote_id, problem)

    def folder(self, remote_id: str) -> FolderRow:
        """One folder as it is now."""
        return self._ask_about_folder(self._calls.get_folder(remote_id), _folders)[0]

    def subfolders(self, parent_id: str) -> list[FolderRow]:
        """The folders directly below one."""
        return self._ask_about_folder(self._calls.find_folders(parent_id), _folders)

    def create_folder(self, parent_id: str, name: str, folder_class: str = "IPF.Note") -> FolderRow:
        """A new folder, or the one of that name that is there already."""
        request = self._calls.create_folder(parent_id, name, folder_class)
        try:
            made = self._ask_about_folder(request, _folders)[0]
        except ServerProblem as problem:
            named = [row for row in self.subfolders(parent_id) if row.name.casefold() == name.casefold()]
            if problem.code != "ErrorFolderExists" or not named:
                raise
            return named[0]
        return self.folder(made.remote_id)

    def clock_ahead(self) -> float | None:
        """As the header of the last answer tells; see `Editing.clock_ahead`."""
        return self._session.clock_ahead

    def space(self) -> MailboxSpace:
        """How much room the mailbox takes, and may take, as far as its root folder says it."""
        return self._session.ask(self._calls.get_space(), space_of)

    def _in_batches(
        self,
        ids: Sequence[str],
        size: int,
        request: Callable[[Sequence[str]], Request],
        read: Callable[[str, etree._Element], Answer],
    ) -> list[Answer | ItemFailure]:
        """One answer an id, in order; a batch is repeated only for what is still owed of it."""
        session, answers = self._session, list[Answer | ItemFailure]()
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            answers.extend(session.wait_for(session.submit(self._batch(part, request, read))))
        return answers

    def _batch(
        self,
        ids: Sequence[str],
        request: Callable[[Sequence[str]], Request],
        read: Callable[[str, etree._Element], Answer],
    ) -> Callable[[], list[Answer | ItemFailure]]:
        return lambda: self._collector.collect(ids, request, read, self._session.deadline())

    def _ask_about_folder(self, request: Request, read: Callable[[list[etree._Element]], Answer]) -> Answer:
        try:
            return self._session.ask(request, read)
        except ServerProblem as problem:
            if problem.reason is Reason.ITEM_NOT_FOUND:
                # The folder is what was asked for by its id.
                raise Problem(Reason.FOLDER_NOT_FOUND, problem.happened) from problem
            raise


def _first_pages(messages: list[etree._Element], wanted: int) -> list[tuple[list[ItemRow], int, bool] | None]:
    """The first page of each folder; None where it was refused: then that folder is asked about alone."""
    if len(messages) != wanted:
        raise broken(f"The server's answer has {len(messages)} entries where {wanted} folders were asked about.")
    return [found_page(each, 0) if error_of(each) is None else None for each in messages]


def _found(messages: list[etree._Element], start: int) -> tuple[list[ItemRow], int, bool]:
    """A page of the one folder that was asked about."""
    return found_page(only(messages), start)


def _folders(messages: list[etree._Element]) -> list[FolderRow]:
    """The folders in the answer about one folder or its subfolders."""
    message = only(messages)
    listed = message.find("{*}Folders")
    if listed is None:
        listed = message.find("{*}RootFolder/{*}Folders")
    return [] if listed is None else [folder_row(each, {}) for each in listed]


def _attached(remote_id: str, messages: list[etree._Element], wanted: int) -> Changed | ItemFailure:
    """The item after its attachments came; one that was refused stands for all."""
    if len(messages) != wanted:
        raise broken(f"The server answered {len(messages)} attachments where {wanted} were sent.")
    change_key = ""
    for message in messages:
        error = error_of(message)
        if error is not None:
            failure = failure_of(error)
            if isinstance(failure, Transient):
                raise failure
            return item_failure(remote_id, failure)
        identity = message.find("{*}Attachments/*/{*}AttachmentId")
        change_key = change_key if identity is None else identity.get("RootItemChangeKey", change_key)
    return Changed(remote_id, change_key)
