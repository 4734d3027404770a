"""The calendars' part of the ledger: one transaction a batch that enters what was seen of a calendar, exactly once.

As for folders: what a batch brings is packed and forced to disk first; then one transaction checks the fence,
compares and sets the checkpoint's batch number, seals the pack, and enters versions, state and sequence. Nothing is
ever erased: a version that is over gets its end.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from peewee import DatabaseError

from mse_tui.archive.calendar_format import days_of, digest_of, icalendar_of, midnight, uid_of
from mse_tui.archive.calendar_reading import CalendarEntry, CalendarPart, CalendarReading, Present, Unfinished
from mse_tui.archive.fence import Fence
from mse_tui.archive.ledger import PassKey, count_submission
from mse_tui.archive.packs import Packs, PackSeal, held, seal
from mse_tui.archive.reading import Tally
from mse_tui.archive.statements import execute, execute_many, insert_returning, select, select_in
from mse_tui.exchange.calendars import Appointment, Event
from mse_tui.reasons import Problem, Reason
from mse_tui.store.calendars import FIRST_ATTACHMENT, ICALENDAR
from mse_tui.store.database import as_problem, now, writing
from mse_tui.store.models import to_micros

log = logging.getLogger(__name__)

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Content:
    """One content of a version, hashed."""

    sha256: bytes
    body: bytes
    name: str
    content_type: str
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An appointment as it came, rendered and hashed."""

    appointment: Appointment
    digest: bytes
    documents: tuple[Content, ...]
    """The iCalendar and what the server gave."""
    attachments: tuple[Content, ...]
    lacks_attachments: bool


class _Outdated(Exception):
    """Content that was to be reused is no longer there: store it again."""


def open_versions(calendar_id: int, remote_ids: Iterable[str]) -> dict[str, Present]:
    """Open versions of these appointments of a calendar, by remote id."""
    sql = (
        "SELECT a.remote_id, v.id, a.id, v.change_key, v.digest, v.has_attachments, v.lacks_attachments"
        " FROM appointment a JOIN appointment_version v ON v.appointment_id = a.id AND v.closed IS NULL"
        " WHERE a.calendar_id = ? AND a.remote_id IN ({values})"
    )
    return {
        row[0]: Present(row[1], row[2], row[3], bytes(row[4]), bool(row[5]), bool(row[6]))
        for row in select_in(sql, remote_ids, calendar_id)
    }


def lacking_attachments(calendar_id: int) -> list[str]:
    """Remote ids of appointments whose attachments were not wanted when they were read."""
    rows = select(
        "SELECT a.remote_id FROM appointment_version v JOIN appointment a ON a.id = v.appointment_id"
        " WHERE v.calendar_id = ? AND v.closed IS NULL AND v.lacks_attachments = ? ORDER BY a.remote_id",
        (calendar_id, True),
    )
    return [row[0] for row in rows]


class CalendarLedger:
    """Enters one pass of one task over one mailbox's calendars. For the run's own thread."""

    def __init__(self, key: PassKey, packs: Packs, fence: Fence, *, wants_attachments: bool) -> None:
        self.key = key
        self._packs = packs
        self._fence = fence
        self._wants_attachments = wants_attachments

    def commit(self, part: CalendarPart) -> Tally:
        """Enter a part. Raises Problem lease-lost, disk-full, archive-unreadable, ...

        After an error nothing of it is entered, and the calendar's reading is as before.
        """
        arrived = {
            entry.remote_id: _arrived(entry.appointment, wanted=self._wants_attachments)
            for entry in part.entries
            if entry.appointment is not None
        }
        try:
            for _ in range(_ATTEMPTS):
                present = open_versions(
                    part.calendar.calendar_id, [*(entry.remote_id for entry in part.entries), *part.removed]
                )
                batch = _Batch(self.key, part, present, arrived)
                try:
                    return self._enter(batch, self._pack(batch))
                except _Outdated:
                    log.info("Content that a batch reuses was purged meanwhile; it is stored again")
        except DatabaseError as error:
            raise as_problem(error) or error from error
        raise Problem(Reason.CONTENT_MISSING, "Content that appointments share kept disappearing from the archive.")

    def _pack(self, batch: "_Batch") -> PackSeal | None:
        batch.reused = held(batch.contents)
        with self._packs.writer() as writer:
            for digest, content in batch.contents.items():
                if digest not in batch.reused:
                    writer.add(content.body, sha256=digest)
            return writer.finish()

    def _enter(self, batch: "_Batch", pack: PackSeal | None) -> Tally:
        calendar = batch.part.calendar
        whole = False
        try:
            with writing():
                self._fence.check()
                _advance(batch.part)
                if held(batch.reused) != batch.reused:
                    raise _Outdated
                if pack is not None:
                    seal(pack)
                batch.apply()
                if batch.part.submits:
                    count_submission(self.key.task_id)
                whole = True
        except DatabaseError as error:
            if not (whole and _committed(calendar)):
                raise
            log.warning("A commit was reported as failed, but is in the database: %s", error)
        batch.follow()
        batch.tally.counts["submissions"] += batch.part.submits
        return batch.tally


class _Batch:
    """What a part changes, worked out against what is there."""

    def __init__(
        self, key: PassKey, part: CalendarPart, present: dict[str, Present], arrived: dict[str, Arrived]
    ) -> None:
        self.part = part
        self.tally = Tally()
        self.contents: dict[bytes, Content] = {}
        """What must be in the archive for it, by digest."""
        self.reused: set[bytes] = set()
        self._key = key
        self._present = present
        self._new: list[tuple[Arrived, Present | None]] = []
        self._filled: list[tuple[Arrived, Present]] = []
        self._known: list[tuple[str, int]] = []
        """(change key, version)"""
        self._settled: list[str] = []
        self._unfinished: dict[str, tuple[Unfinished, str]] = {}
        attached = _attachments_of([each for each in present.values() if each.has_attachments])
        for entry in part.entries:
            self._plan(entry, present.get(entry.remote_id), arrived.get(entry.remote_id), attached)

    def _plan(
        self,
        entry: CalendarEntry,
        present: Present | None,
        arrived: Arrived | None,
        attached: dict[int, list[bytes]],
    ) -> None:
        counts = self.tally.counts
        if entry.failure is not None:
            problem = entry.failure
            self.tally.failed.append((entry.subject or entry.remote_id, problem.reason, problem.message))
            self._unfinished[entry.remote_id] = (Unfinished(problem.reason, entry.subject), problem.message)
            return
        if entry.skipped is not None:
            self.tally.skipped[entry.skipped.reason] += 1
            self._unfinished[entry.remote_id] = (entry.skipped, "")
            return
        self._settled.append(entry.remote_id)
        if arrived is None:
            counts["items_known"] += 1
        elif present is not None and _same(arrived, present, attached):
            counts["items_known"] += 1
            self._known.append((arrived.appointment.change_key, present.version_id))
        elif present is not None and present.lacks_attachments and arrived.digest == present.digest:
            counts["items_changed"] += 1
            self._filled.append((arrived, present))
            self._take(arrived.attachments)
        else:
            counts["items_added" if present is None else "items_changed"] += 1
            self._new.append((arrived, present))
            self._take([*arrived.documents, *arrived.attachments])

    def _take(self, contents: Iterable[Content]) -> None:
        for content in contents:
            self.contents[content.sha256] = content
            self.tally.size += len(content.body)

    def apply(self) -> None:
        """Inside the transaction."""
        for arrived, present in self._new:
            _enter_version(self._key.stamp, self.part.calendar.calendar_id, arrived, present)
        for arrived, present in self._filled:
            _enter_contents(present.version_id, arrived.attachments, FIRST_ATTACHMENT)
            execute(
                "UPDATE appointment_version SET lacks_attachments = ?, change_key = ? WHERE id = ?",
                (False, arrived.appointment.change_key, present.version_id),
            )
        execute_many("UPDATE appointment_version SET change_key = ? WHERE id = ?", self._known)
        self._enter_removals()
        self._enter_unfinished()

    def _enter_removals(self) -> None:
        task, removed = self._key.task_id, set(self.part.removed)
        gone = [(task, each.appointment_id) for remote_id, each in self._present.items() if remote_id in removed]
        seen = [(task, each.appointment_id) for remote_id, each in self._present.items() if remote_id not in removed]
        execute_many("DELETE FROM calendar_removal WHERE task_id = ? AND appointment_id = ?", seen)
        execute_many(
            "INSERT INTO calendar_removal (task_id, appointment_id) VALUES (?, ?) ON CONFLICT DO NOTHING", gone
        )

    def _enter_unfinished(self) -> None:
        task, calendar = self._key.task_id, self.part.calendar
        settled = [each for each in (*self._settled, *self.part.removed) if each in calendar.unfinished]
        execute_many(
            "DELETE FROM calendar_unfinished WHERE task_id = ? AND calendar_id = ? AND remote_id = ?",
            [(task, calendar.calendar_id, remote_id) for remote_id in settled],
        )
        first_seen = to_micros(now())
        execute_many(
            _PUT_UNFINISHED,
            [
                (
                    task, calendar.calendar_id, remote_id, each.reason.value, message, each.subject,
                    None if each.starts is None else to_micros(each.starts),
                    None if each.over is None else to_micros(each.over), first_seen,
                )
                for remote_id, (each, message) in self._unfinished.items()
            ],
        )  # fmt: skip

    def follow(self) -> None:
        """Bring the calendar's reading in step with what was committed."""
        calendar = self.part.calendar
        calendar.batch += 1
        if self.part.state is not None:
            calendar.state = self.part.state
            calendar.enumerating = calendar.enumerating and not self.part.last
        for remote_id in (*self._settled, *self.part.removed):
            calendar.unfinished.pop(remote_id, None)
        for remote_id, (each, _) in self._unfinished.items():
            calendar.unfinished[remote_id] = each


_PUT_UNFINISHED = (
    "INSERT INTO calendar_unfinished (task_id, calendar_id, remote_id, reason, message, subject, starts, over,"
    " attempts, first_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)"
    " ON CONFLICT (task_id, calendar_id, remote_id) DO UPDATE SET reason = excluded.reason,"
    " message = excluded.message, subject = excluded.subject, starts = excluded.starts, over = excluded.over,"
    " attempts = attempts + 1"
)
_INSERT_VERSION = (
    "INSERT INTO appointment_version (appointment_id, calendar_id, change_key, digest, subject, location, organizer,"
    " starts, ends, over, zone, is_series, is_all_day, is_meeting, is_cancelled, sensitivity, show_as,"
    " has_attachments, lacks_attachments, opened)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)


def _arrived(appointment: Appointment, *, wanted: bool) -> Arrived:
    icalendar = icalendar_of(appointment)
    attached = [attachment for event in _events(appointment) for attachment in event.attachments]
    return Arrived(
        appointment,
        digest_of(icalendar, attached),
        (
            _content(icalendar, "", "text/calendar"),
            _content(appointment.original, "", "application/xml"),
        ),
        tuple(
            _content(each.content, each.attachment.name, each.attachment.content_type, each.attachment.content_id)
            for each in appointment.attachments
        ),
        lacks_attachments=bool(attached) and not wanted,
    )


def _content(body: bytes, name: str, content_type: str, content_id: str = "") -> Content:
    return Content(hashlib.sha256(body).digest(), body, name, content_type, content_id)


def _events(appointment: Appointment) -> list[Event]:
    return [appointment.event, *(event for _, event in appointment.changed)]


def _same(arrived: Arrived, present: Present, attached: dict[int, list[bytes]]) -> bool:
    """Whether the open version shows what came; attachments that are not wanted now are not compared."""
    if arrived.digest != present.digest:
        return False
    if arrived.lacks_attachments:
        return True
    if present.lacks_attachments:
        return False
    return [each.sha256 for each in arrived.attachments] == attached.get(present.version_id, [])


def _attachments_of(present: Sequence[Present]) -> dict[int, list[bytes]]:
    """By version, the digests of its attachments, in their order."""
    sql = (
        "SELECT version_id, position, sha256 FROM appointment_content WHERE position >= ? AND version_id IN ({values})"
    )
    found: dict[int, list[bytes]] = {}
    for version_id, _, digest in sorted(select_in(sql, [each.version_id for each in present], FIRST_ATTACHMENT)):
        found.setdefault(version_id, []).append(bytes(digest))
    return found


def _advance(part: CalendarPart) -> None:
    """Compare and set the calendar's batch number, with its state where the page is whole."""
    calendar = part.calendar
    state = calendar.state if part.state is None else part.state
    enumerating = calendar.enumerating and not (part.last and part.state is not None)
    touched = execute(
        "UPDATE calendar_checkpoint SET batch = batch + 1, state = ?, enumerating = ? WHERE id = ? AND batch = ?",
        (state, enumerating, calendar.checkpoint_id, calendar.batch),
    )
    if touched != 1:
        raise Problem(Reason.LEASE_LOST, "Another run has moved a calendar of this mailbox on; this one ends.")


def _committed(calendar: CalendarReading) -> bool:
    """After a commit whose outcome is unknown: did it happen? The batch number tells."""
    rows = select("SELECT batch FROM calendar_checkpoint WHERE id = ?", (calendar.checkpoint_id,))
    return bool(rows) and rows[0][0] == calendar.batch + 1


def _enter_version(stamp: int, calendar_id: int, arrived: Arrived, present: Present | None) -> None:
    """End the version that was open, and open one for what came."""
    appointment, event = arrived.appointment, arrived.appointment.event
    if present is not None:
        execute("UPDATE appointment_version SET closed = ? WHERE id = ?", (stamp, present.version_id))
        appointment_id = present.appointment_id
    else:
        appointment_id = insert_returning(
            "INSERT INTO appointment (calendar_id, remote_id, uid, entered) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (calendar_id, remote_id) DO UPDATE SET uid = excluded.uid, entered = excluded.entered"
            " RETURNING id",
            (calendar_id, appointment.remote_id, uid_of(appointment), stamp),
        )
    starts, ends, over = _span(appointment)
    version_id = insert_returning(
        _INSERT_VERSION,
        (
            appointment_id, calendar_id, appointment.change_key, arrived.digest, event.subject, event.location,
            event.organizer.name or event.organizer.address if event.organizer is not None else "",
            starts, ends, over, event.starts_zone, appointment.recurrence is not None, event.is_all_day,
            event.is_meeting, event.is_cancelled, _strictest(appointment), event.show_as,
            any(each.attachments for each in _events(appointment)), arrived.lacks_attachments, stamp,
        ),
    )  # fmt: skip
    _enter_contents(version_id, arrived.documents, ICALENDAR)
    _enter_contents(version_id, arrived.attachments, FIRST_ATTACHMENT)


def _enter_contents(version_id: int, contents: Sequence[Content], first: int) -> None:
    execute_many(
        "INSERT INTO appointment_content (version_id, position, sha256, size, name, content_type, content_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (version_id, position, each.sha256, len(each.body), each.name, each.content_type, each.content_id)
            for position, each in enumerate(contents, first)
        ],
    )


def _span(appointment: Appointment) -> tuple[int, int, int | None]:
    """When it starts, ends, and is over for good, in microseconds; all-day boundaries as midnights in UTC."""
    event = appointment.event
    starts, ends, over = event.starts, event.ends, appointment.over
    changed = [each.starts for _, each in appointment.changed]
    if event.is_all_day:
        first, after = days_of(event)
        starts, ends = (midnight(first), midnight(after))
        over = None if over is None else max(over, ends)
    earliest = min([starts, *changed])
    return to_micros(earliest), to_micros(ends), None if over is None else to_micros(over)


def _strictest(appointment: Appointment) -> str:
    """A series with a private occurrence is private: who may not see one may not see that it is there."""
    found = {each.sensitivity for each in _events(appointment)}
    return next((each for each in ("Private", "Personal", "Confidential") if each in found), "Normal")
