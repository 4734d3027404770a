"""What is indexed for searching, by growing numbers: archived messages, and the versions of replicated appointments."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from mse_tui.archive.gist import Gist, gist_of
from mse_tui.archive.packs import Packs
from mse_tui.archive.search_index import APPOINTMENTS, Entry
from mse_tui.archive.statements import select, select_in
from mse_tui.archive.tombstones import envelope_digest
from mse_tui.reasons import Problem, Reason
from mse_tui.store.calendars import FIRST_ATTACHMENT, ICALENDAR
from mse_tui.store.models import from_micros

log = logging.getLogger(__name__)

_OF_ONE = (Reason.CONTENT_DAMAGED, Reason.CONTENT_MISSING)


class Source(Protocol):
    """One kind of things, each with a number from `first` up to `beyond`; later ones have greater numbers."""

    first: int
    beyond: int

    def rows(self, above: int, limit: int) -> list[tuple[int, bytes]]:
        """The next numbers above one, upwards, each with its fingerprint."""
        ...

    def fingerprints(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """Number -> fingerprint, of those that are there."""
        ...

    def entries(self, packs: Packs, wanted: Mapping[int, bytes]) -> Iterator[Entry]:
        """What is to be entered of these numbers and fingerprints, upwards. Raises Problem archive-unreadable."""
        ...

    def above(self, number: int) -> tuple[int, int | None]:
        """How many there are with greater numbers, and the stamp of the pass that brought the first of them."""
        ...


class Messages:
    """Archived messages, by their numbers in the ledger."""

    first, beyond = 0, APPOINTMENTS

    def rows(self, above: int, limit: int) -> list[tuple[int, bytes]]:
        found = select(f"SELECT {_MESSAGE} FROM message WHERE id > ? ORDER BY id LIMIT ?", (above, limit))  # noqa: S608 (columns of ours)
        return [(id, message_fingerprint(sha256, envelope)) for id, sha256, *envelope in found]

    def fingerprints(self, numbers: Sequence[int]) -> dict[int, bytes]:
        sql = f"SELECT {_MESSAGE} FROM message WHERE id IN ({{values}})"  # noqa: S608 (columns of ours)
        return {id: message_fingerprint(sha256, envelope) for id, sha256, *envelope in select_in(sql, numbers)}

    def entries(self, packs: Packs, wanted: Mapping[int, bytes]) -> Iterator[Entry]:
        for id, sha256, subject, sender, recipients, received in select_in(_MESSAGES, sorted(wanted)):
            said, whole = (Gist(), True) if sha256 is None else _said(packs, id, bytes(sha256))
            gist = Gist(
                _both(said.subject, subject),
                _both(said.sender, sender),
                _both(said.recipients, recipients),
                said.body,
                said.attachments,
            )
            yield Entry(id, wanted[id], from_micros(received or 0), gist, whole)

    def above(self, number: int) -> tuple[int, int | None]:
        count, first = select("SELECT COUNT(*), MIN(id) FROM message WHERE id > ?", (number,))[0]
        return count, select("SELECT MIN(opened) FROM placement WHERE message_id = ?", (first,))[0][0]


def _said(packs: Packs, id: int, sha256: bytes) -> tuple[Gist, bool]:
    """What a message says, and whether it could be read."""
    try:
        with packs.open(sha256) as content:
            return gist_of(content), True
    except Problem as problem:
        if problem.reason not in _OF_ONE:
            raise
        log.info("Message %s is indexed by what the ledger shows of it: %s", id, problem)
    return Gist(), False


_MESSAGE = "id, sha256, internet_message_id, subject, sender, sent"
_MESSAGES = (
    "SELECT m.id, m.sha256, m.subject, m.sender, m.recipients, COALESCE("
    "(SELECT MAX(p.received) FROM placement p WHERE p.message_id = m.id), m.sent,"
    " (SELECT MIN(p.opened) FROM placement p WHERE p.message_id = m.id))"
    " FROM message m WHERE m.id IN ({values}) ORDER BY m.id"
)


def message_fingerprint(sha256: bytes | None, envelope: Sequence[Any]) -> bytes:
    """What tells a message from others: its content's digest, else that of its envelope.

    The envelope is its internet message id, subject, sender and when it was sent, as the ledger has them.
    """
    return bytes(sha256) if sha256 is not None else envelope_digest(tuple(envelope))


class Appointments:
    """Versions of replicated appointments, by APPOINTMENTS and their numbers in the ledger."""

    first, beyond = APPOINTMENTS, 1 << 62

    def rows(self, above: int, limit: int) -> list[tuple[int, bytes]]:
        sql = f"SELECT {_VERSION} FROM appointment_version WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 (columns of ours)
        return [_version(row) for row in select(sql, (above - APPOINTMENTS, limit))]

    def fingerprints(self, numbers: Sequence[int]) -> dict[int, bytes]:
        sql = f"SELECT {_VERSION} FROM appointment_version WHERE id IN ({{values}})"  # noqa: S608 (columns of ours)
        return dict(_version(row) for row in select_in(sql, [number - APPOINTMENTS for number in numbers]))

    def entries(self, packs: Packs, wanted: Mapping[int, bytes]) -> Iterator[Entry]:
        numbers = [number - APPOINTMENTS for number in sorted(wanted)]
        for id, subject, location, organizer, starts in select_in(_VERSIONS, numbers):
            people, text, whole = _said_of_appointment(packs, id)
            names = select("SELECT name FROM appointment_content WHERE version_id = ? AND position >= ?",
                           (id, FIRST_ATTACHMENT))  # fmt: skip
            attachments = "\n".join(name for (name,) in names)
            gist = Gist(subject, organizer, people, f"{location}\n{text}".strip(), attachments)
            number = APPOINTMENTS + id
            yield Entry(number, wanted[number], from_micros(starts), gist, whole)

    def above(self, number: int) -> tuple[int, int | None]:
        sql = "SELECT COUNT(*), MIN(opened) FROM appointment_version WHERE id > ?"
        count, opened = select(sql, (number - APPOINTMENTS,))[0]
        return count, opened


_VERSION = "id, digest, lacks_attachments"
_VERSIONS = (
    "SELECT id, subject, location, organizer, starts FROM appointment_version WHERE id IN ({values}) ORDER BY id"
)


def _said_of_appointment(packs: Packs, id: int) -> tuple[str, str, bool]:
    """Who is in an appointment, its text, and whether it could be read."""
    try:
        return *appointment_texts(packs, id), True
    except Problem as problem:
        if problem.reason not in _OF_ONE:
            raise
        log.info("Appointment version %s is indexed by what the ledger shows of it: %s", id, problem)
    return "", "", False


def _version(row: Sequence[Any]) -> tuple[int, bytes]:
    return APPOINTMENTS + row[0], bytes(row[1]) + bytes([bool(row[2])])


SOURCES: tuple[Source, ...] = (Messages(), Appointments())
"""In the order in which they are indexed."""


def appointment_texts(packs: Packs, version_id: int) -> tuple[str, str]:
    """Who is in an appointment, one a line, and its text; both '' where its iCalendar makes no sense.

    Raises Problem content-missing, content-damaged, archive-unreadable.
    """
    from mse_tui.archive.calendar_rendering import texts_of  # noqa: PLC0415 (slow to import, and seldom needed)

    sql = "SELECT sha256 FROM appointment_content WHERE version_id = ? AND position = ?"
    for (sha256,) in select(sql, (version_id, ICALENDAR)):
        with suppress(ValueError, KeyError, StopIteration):
            return texts_of(packs.read(bytes(sha256)))
    return "", ""


def _both(one: str, other: str) -> str:
    """What the message says and what the server showed of it, once where that is the same."""
    return one if not other or other in one else f"{one}\n{other}".strip()
