"""A mailbox's calendars over EWS.

SyncFolderItems finds single appointments and series; GetItem of a series tells its rule and which occurrences were
changed or deleted; GetItem of those tells what is different in them; GetAttachment brings what is attached.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from lxml import etree

from mse_tui.exchange import ews_appointments as read
from mse_tui.exchange.calendars import (
    Appointment,
    AppointmentChanges,
    Attachment,
    AttachmentContent,
    CalendarRow,
    Event,
)
from mse_tui.exchange.ews_appointments import Master
from mse_tui.exchange.ews_calendar_calls import get_appointments, get_attachments, sync_appointments
from mse_tui.exchange.ews_calls import PAGE, Calls, Request
from mse_tui.exchange.ews_fetch import BATCH_BYTES, READ_AHEAD, Collector, batches
from mse_tui.exchange.ews_rows import change_id, changes, decode_base64, only, page_end
from mse_tui.exchange.ews_session import Session
from mse_tui.exchange.rows import Area, FolderChanges, FolderRow, ItemFailure
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

BATCH = 50
"""Appointments in one request: a series with attendees may be some hundred kilobytes."""

_CALENDAR_CLASS = "ipf.appointment"
_SPLITS = (Reason.RESPONSE_BROKEN, Reason.TIMEOUT)


class EwsCalendars:
    """The calendars of one mailbox."""

    def __init__(
        self,
        session: Session,
        default: Callable[[], FolderRow],
        folder_changes: Callable[[Area, str | None], FolderChanges],
    ) -> None:
        """`default` gives the default calendar's folder."""
        self._session = session
        self._default = default
        self._folder_changes = folder_changes

    def folders(self, *, all_calendars: bool) -> list[CalendarRow]:
        """The default calendar, or all that were not deleted; see `Calendars.folders`."""
        default = self._default()
        found = [CalendarRow(default.remote_id, default.name, True, default.total_count)]
        if all_calendars:
            others = (row for row in self._live_folders() if row.remote_id != default.remote_id)
            rows = [row for row in others if _is_calendar(row)]
            rows.sort(key=lambda row: (row.name.casefold(), row.remote_id))
            found += [CalendarRow(row.remote_id, row.name, False, row.total_count) for row in rows]
        return found

    def changes(self, calendar_id: str, state: str | None) -> AppointmentChanges:
        """The next page of changes of one calendar."""
        request = sync_appointments(self._session.calls, calendar_id, state, PAGE)
        try:
            return self._session.ask(request, partial(_page, since=state))
        except Problem as problem:
            if problem.reason is Reason.ITEM_NOT_FOUND:
                raise Problem(Reason.FOLDER_NOT_FOUND, problem.happened) from problem
            raise

    def fetch(self, remote_ids: Sequence[str], *, attachments: bool) -> Iterator[Appointment | ItemFailure]:
        """Appointments in the order asked, with the session's number of requests in flight.

        What is attached follows when its appointment's turn comes, so that only a little of it is in memory.
        """
        session, fetch = self._session, _Fetch(self._session)
        window = deque[Future[list[Appointment | ItemFailure]]]()

        def next_answers() -> Iterator[Appointment | ItemFailure]:
            answers = session.wait_for(window.popleft())
            return self._with_attachments(fetch, answers) if attachments else iter(answers)

        try:
            for start in range(0, len(remote_ids), BATCH):
                while len(window) >= session.parallel() + READ_AHEAD:
                    yield from next_answers()
                window.append(session.submit(partial(fetch.appointments, remote_ids[start : start + BATCH])))
            while window:
                yield from next_answers()
        finally:
            for future in window:
                future.cancel()

    def _with_attachments(
        self, fetch: "_Fetch", answers: Sequence[Appointment | ItemFailure]
    ) -> Iterator[Appointment | ItemFailure]:
        for group in _by_attached_size(answers):
            if any(map(_attached, group)):
                yield from self._session.wait_for(self._session.submit(partial(fetch.complete, group)))
            else:
                yield from group

    def _live_folders(self) -> list[FolderRow]:
        """The mailbox's folders, without those in Deleted Items."""
        pages: list[FolderChanges] = []
        while not pages or not pages[-1].last:
            pages.append(self._folder_changes(Area.PRIMARY, pages[-1].state if pages else None))
        rows = {row.remote_id: row for page in pages for row in page.changed}
        for page in pages:
            for gone in page.removed:
                rows.pop(gone, None)
        return [row for row in rows.values() if not _is_deleted(row, rows)]


def _is_calendar(row: FolderRow) -> bool:
    folder_class = row.folder_class.lower()
    return folder_class == _CALENDAR_CLASS or folder_class.startswith(_CALENDAR_CLASS + ".")


def _is_deleted(row: FolderRow, rows: Mapping[str, FolderRow]) -> bool:
    seen: set[str] = set()
    while row.parent_id in rows and row.remote_id not in seen:
        seen.add(row.remote_id)
        row = rows[row.parent_id]
        if row.distinguished == "deleteditems":
            return True
    return False


def _page(messages: list[etree._Element], since: str | None) -> AppointmentChanges:
    """One page of SyncFolderItems."""
    message = only(messages)
    end = page_end(message, "IncludesLastItemInRange", since)
    changed, removed = [], []
    for kind, change in changes(message):
        if kind in ("Create", "Update"):
            changed.append(read.appointment_row(change[0]))
        elif kind == "Delete":
            removed.append(change_id(change)[0])
        elif kind != "ReadFlagChange":  # a read mark says nothing of an appointment
            raise broken(f"The server's answer has a change of an unknown kind: {kind}.")
    return AppointmentChanges(tuple(changed), tuple(removed), end.state, end.last)


class _Fetch:
    """One batch of appointments: the items, their changed occurrences, their attachments."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._collector = Collector(session)

    def appointments(self, remote_ids: Sequence[str]) -> list[Appointment | ItemFailure]:
        """One answer an id, in order, with changed occurrences and without the attachments' content."""
        masters = self._collect(remote_ids, get_appointments, lambda _, message: read.master(_item(message)))
        occurrences = self._occurrences([each for each in masters if isinstance(each, Master)])
        return [each if isinstance(each, ItemFailure) else _assembled(each, occurrences) for each in masters]

    def complete(self, answers: Sequence[Appointment | ItemFailure]) -> list[Appointment | ItemFailure]:
        """The same with the attachments' content, or why a part of it could not be had."""
        contents = self._contents(answers)
        return [each if isinstance(each, ItemFailure) else _completed(each, contents) for each in answers]

    def _occurrences(self, masters: Iterable[Master]) -> "dict[str, tuple[Event, etree._Element] | ItemFailure]":
        """By id, the changed occurrences of series."""
        wanted = [remote_id for each in masters for remote_id in each.changed]
        found: dict[str, tuple[Event, etree._Element] | ItemFailure] = {}
        for start in range(0, len(wanted), BATCH):
            ids = wanted[start : start + BATCH]
            answers = self._collect(ids, get_appointments, lambda _, message: _occurrence(message))
            found.update(zip(ids, answers, strict=True))
        return found

    def _contents(self, answers: Sequence[Appointment | ItemFailure]) -> "dict[str, bytes | ItemFailure]":
        """By id, the content of all their attachments."""
        wanted = {attachment.remote_id: attachment.size for each in answers for attachment in _attached(each)}
        allowed = self._session.settings.max_item_bytes
        found: dict[str, bytes | ItemFailure] = {
            remote_id: _too_large(remote_id, allowed) for remote_id, size in wanted.items() if size > allowed
        }
        for batch in batches((remote_id, size) for remote_id, size in wanted.items() if remote_id not in found):
            ids = [remote_id for remote_id, _ in batch]
            came = self._collect(ids, get_attachments, lambda _, message: _content(message))
            found.update(zip(ids, came, strict=True))
        return found

    def _collect(
        self,
        ids: Sequence[str],
        request: Callable[[Calls, Sequence[str]], Request],
        take: "Callable[[str, etree._Element], Answer]",
    ) -> "list[Answer | ItemFailure]":
        """As `Collector.collect`; an answer that can't be read whole is asked for in halves, down to its cause."""
        try:
            answers = self._collector.collect(
                ids, lambda owed: request(self._session.calls, owed), take, self._session.deadline()
            )
        except Problem as problem:
            if problem.reason not in _SPLITS:
                raise
            if len(ids) == 1:
                return [self._collector.unreadable(ids[0], problem)]
            log.warning("%d appointments in one answer: %s", len(ids), problem.happened)
            middle = len(ids) // 2
            return self._collect(ids[:middle], request, take) + self._collect(ids[middle:], request, take)
        self._collector.readable()
        return answers


def _assembled(
    master: Master, occurrences: "Mapping[str, tuple[Event, etree._Element] | ItemFailure]"
) -> Appointment | ItemFailure:
    """The whole, or why a part of it could not be had: an appointment is never kept in pieces."""
    changed: list[tuple[datetime, Event]] = []
    elements = [master.element]
    for remote_id, original_start in master.changed.items():
        occurrence = occurrences[remote_id]
        if isinstance(occurrence, ItemFailure):
            return ItemFailure(master.remote_id, occurrence.reason, f"A changed occurrence: {occurrence.message}")
        changed.append((original_start, occurrence[0]))
        elements.append(occurrence[1])
    return Appointment(
        remote_id=master.remote_id,
        change_key=master.change_key,
        event=master.event,
        recurrence=master.recurrence,
        changed=tuple(sorted(changed, key=lambda pair: pair[0])),
        deleted=master.deleted,
        attachments=(),
        original=read.original(elements),
        over=master.over,
    )


def _completed(appointment: Appointment, contents: "Mapping[str, bytes | ItemFailure]") -> Appointment | ItemFailure:
    attached: list[AttachmentContent] = []
    for attachment in _attached(appointment):
        content = contents[attachment.remote_id]
        if isinstance(content, ItemFailure):
            return ItemFailure(
                appointment.remote_id, content.reason, f"The attachment {attachment.name!r}: {content.message}"
            )
        attached.append(AttachmentContent(attachment, content))
    return replace(appointment, attachments=tuple(attached))


def _attached(answer: Appointment | ItemFailure) -> list[Attachment]:
    """The attachments of an appointment and of its changed occurrences, each once."""
    if isinstance(answer, ItemFailure):
        return []
    events = [answer.event, *(event for _, event in answer.changed)]
    return list({each.remote_id: each for event in events for each in event.attachments}.values())


def _by_attached_size(answers: Sequence[Appointment | ItemFailure]) -> Iterator[list[Appointment | ItemFailure]]:
    """In their order, as many together as have a few megabytes attached."""
    group: list[Appointment | ItemFailure] = []
    size = 0
    for answer in answers:
        more = sum(each.size for each in _attached(answer))
        if group and size + more > BATCH_BYTES:
            yield group
            group, size = [], 0
        group.append(answer)
        size += more
    if group:
        yield group


def _item(message: etree._Element) -> etree._Element:
    item = message.find("{*}Items/*")
    if item is None or not read.is_appointment(item):
        raise broken("An entry of the server's answer has no appointment.")
    return item


def _occurrence(message: etree._Element) -> tuple[Event, etree._Element]:
    item = _item(message)
    return read.event(item), item


def _content(message: etree._Element) -> bytes:
    attachment = message.find("{*}Attachments/*")
    if attachment is None:
        raise broken("An entry of the server's answer has no attachment.")
    encoded = read.attachment_content(attachment)
    return b"" if encoded is None else decode_base64(encoded)


def _too_large(remote_id: str, allowed: int) -> ItemFailure:
    return ItemFailure(
        remote_id, Reason.ITEM_TOO_LARGE, f"It is larger than the {allowed:,} bytes that the site allows."
    )
