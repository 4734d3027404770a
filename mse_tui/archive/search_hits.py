"""Where what the index finds lies, and whether the person who looks may see it there: asked of the ledger each time."""

# ruff: noqa: S608 (the conditions put into SQL are the archive's own; every value is a parameter)

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mse_tui.access.grants import FolderKey
from mse_tui.access.rights import Right
from mse_tui.access.sight import Sight
from mse_tui.archive import views
from mse_tui.archive.gist import gist_of
from mse_tui.archive.packs import Packs
from mse_tui.archive.search_index import APPOINTMENTS
from mse_tui.archive.search_sources import appointment_texts, message_fingerprint
from mse_tui.archive.sights import may_be_read
from mse_tui.archive.statements import select, select_in
from mse_tui.archive.views import View, ViewKind
from mse_tui.exchange.rows import Area
from mse_tui.reasons import Problem
from mse_tui.store.models import from_micros, moment_at, to_micros
from mse_tui.terms import PRIVATE_SENSITIVITIES


@dataclass(frozen=True, slots=True)
class Hit:
    """One message in one mailbox, where it lies or lay last; or an appointment, as it is or was last."""

    placement_id: int
    """0: it is an appointment."""
    version_id: int
    """Of an appointment; 0: it is a message."""
    mailbox_id: int
    address: str
    folder: str
    """Path, or the calendar's name; of a folder that is gone, the last it had."""
    subject: str
    sender: str
    """Or organiser."""
    received: datetime
    """When it was received, else sent, else archived; of an appointment its start. To the second; hits follow it."""
    closed: datetime | None
    """When it was gone from this folder; None: it is there, as last replicated."""
    sha256: str
    """Hex; '' where only metadata were archived, and of appointments."""
    snippet: str
    """Some of its text, as the sender wrote it; '' where there is none to be read."""

    @property
    def is_appointment(self) -> bool:
        return bool(self.version_id)

    @property
    def key(self) -> str:
        """The same for hits with the same text."""
        return f"appointment {self.version_id}" if self.is_appointment else self.sha256

    def text(self, packs: Packs) -> str:
        """Its whole text; '' where there is none to be read."""
        try:
            if self.is_appointment:
                return appointment_texts(packs, self.version_id)[1]
            if not self.sha256:
                return ""
            with packs.open(bytes.fromhex(self.sha256)) as content:
                return gist_of(content).body
        except Problem:
            return ""


@dataclass(frozen=True, slots=True)
class Where:
    """What is looked at."""

    sights: Mapping[int, Sight]
    """Mailbox -> what the person may see of it; no other is looked at."""
    view: View
    folder: str
    """A folder's path or the end of one, any case, with all that lies below; '' for all."""


class _Hits:
    """What the finders of both kinds share: the mailboxes, read once a search."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._mailboxes = {
            id: (address, full_from)
            for id, address, full_from in select("SELECT id, address, full_from FROM archive_mailbox")
        }

    def _by_mailbox(self, sql: str, ids: Sequence[int]) -> dict[int, list[int]]:
        """Mailbox -> what of it the query names, of those that are looked at, in the order of the mailboxes."""
        found: dict[int, list[int]] = defaultdict(list)
        for id, mailbox_id in select_in(sql, ids):
            if mailbox_id in self._where.sights:
                found[mailbox_id].append(id)
        return dict(sorted(found.items()))


class MessageHits(_Hits):
    """Messages where they lie."""

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self._paths: dict[int, dict[int, str]] = {}

    def hits(self, found: Mapping[int, bytes]) -> dict[int, list[Hit]]:
        """Of messages with the fingerprints under which they were found: message -> a hit a mailbox."""
        sql = (
            "SELECT x.id, f.mailbox_id FROM placement x JOIN archive_folder f ON f.id = x.folder_id"
            " WHERE x.message_id IN ({values})"
        )
        hits: dict[int, list[Hit]] = defaultdict(list)
        for mailbox_id, placement_ids in self._by_mailbox(sql, list(found)).items():
            for message_id, hit in self._seen(mailbox_id, placement_ids, found).items():
                hits[message_id].append(hit)
        return hits

    def _seen(self, mailbox_id: int, placement_ids: Sequence[int], found: Mapping[int, bytes]) -> dict[int, Hit]:
        """Message -> where it lies, else lay last, of these placements that the view and the person's sight show.

        Without messages that are no longer what was found, but another one under the same number.
        """
        sight = self._where.sights[mailbox_id]
        address, full_from = self._mailboxes[mailbox_id]
        spans, moments = self._where.view.spans("x", full_from)
        readable, parameters = may_be_read(sight, "x")
        paths = self._paths_of(mailbox_id, sight)
        rows = select_in(
            "SELECT x.id, x.message_id, x.folder_id, x.closed, m.sha256, m.internet_message_id, m.subject, m.sender,"
            ' m."sent"'
            f" FROM placement x JOIN message m ON m.id = x.message_id WHERE {spans} AND {readable}"
            " AND x.id IN ({values})",
            placement_ids,
            *moments,
            *parameters,
        )
        best: dict[int, Hit] = {}
        for id, message_id, folder_id, closed, sha256, *envelope in rows:
            if folder_id not in paths or message_fingerprint(sha256, envelope) != found[message_id]:
                continue
            digest = "" if sha256 is None else bytes(sha256).hex()
            _, subject, sender, _ = envelope
            hit = Hit(
                id,
                0,
                mailbox_id,
                address,
                paths[folder_id],
                subject,
                sender,
                from_micros(0),
                moment_at(closed),
                digest,
                "",
            )
            if message_id not in best or _rank(hit) > _rank(best[message_id]):
                best[message_id] = hit
        return best

    def _paths_of(self, mailbox_id: int, sight: Sight) -> dict[int, str]:
        """Folder -> path, of those that are looked into."""
        if mailbox_id not in self._paths:
            every = views.folder_paths(mailbox_id, View.full(), sight)
            self._paths[mailbox_id] = {id: path for id, path in every.items() if lies_in(path, self._where.folder)}
        return self._paths[mailbox_id]


class AppointmentHits(_Hits):
    """Appointments in their calendars: as they are, were last, or were at the time that is looked at."""

    def hits(self, numbers: Sequence[int]) -> dict[int, list[Hit]]:
        """Number -> the hit, of those that may be seen."""
        sql = (
            "SELECT v.id, c.mailbox_id FROM appointment_version v JOIN calendar c ON c.id = v.calendar_id"
            " WHERE v.id IN ({values})"
        )
        found = self._by_mailbox(sql, [number - APPOINTMENTS for number in numbers])
        return {
            APPOINTMENTS + hit.version_id: [hit]
            for mailbox_id, version_ids in found.items()
            for hit in self._seen(mailbox_id, version_ids)
        }

    def _seen(self, mailbox_id: int, version_ids: Sequence[int]) -> list[Hit]:
        sight = self._where.sights[mailbox_id]
        address, full_from = self._mailboxes[mailbox_id]
        spans, moments = self._where.view.spans("v", full_from)
        latest = _LATEST if self._where.view.kind is ViewKind.FULL else "1"
        rows = select_in(
            "SELECT v.id, v.subject, v.organizer, v.closed, v.sensitivity, c.name, c.remote_id"
            " FROM appointment_version v JOIN calendar c ON c.id = v.calendar_id"
            f" WHERE (v.closed IS NULL OR v.closed > v.opened) AND {spans} AND {latest} AND v.id IN ({{values}})",
            version_ids,
            *moments,
        )
        return [
            Hit(0, id, mailbox_id, address, calendar, subject, organizer, from_micros(0), moment_at(closed), "", "")
            for id, subject, organizer, closed, sensitivity, calendar, remote_id in rows
            if lies_in(calendar, self._where.folder) and _may_read(sight, remote_id, sensitivity)
        ]


_LATEST = (
    "NOT EXISTS (SELECT 1 FROM appointment_version w WHERE w.appointment_id = v.appointment_id"
    " AND w.opened > v.opened AND (w.closed IS NULL OR w.closed > w.opened))"
)


def _may_read(sight: Sight, calendar: str, sensitivity: str) -> bool:
    is_private = sensitivity.lower() in PRIVATE_SENSITIVITIES
    return sight.right_in(FolderKey(Area.PRIMARY, calendar)) is Right.READ and (sight.sees_private or not is_private)


def lies_in(path: str, wanted: str) -> bool:
    """Whether names one after the other in a path are those that are wanted: 'in:Old' has all below any 'Old'."""
    return f"/{wanted.casefold()}/" in f"/{path.casefold()}/" if wanted else True


def _rank(hit: Hit) -> tuple[bool, int, int]:
    return (hit.closed is None, 0 if hit.closed is None else to_micros(hit.closed), hit.placement_id)
