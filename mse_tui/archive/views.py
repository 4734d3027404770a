"""What the archive shows: mailboxes, their folders and messages, as they are, ever were, or were at a time.

A view decides what is seen: Live (as last replicated), Full (everything ever seen, where it was), or as of a time.
Rows are frozen; none of these functions changes anything or reads content.
"""

# ruff: noqa: S608 (the conditions put into SQL are this module's own; every value is a parameter)

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from mse_tui.access.sight import ADMINISTRATOR, Sight
from mse_tui.archive.sights import may_be_read
from mse_tui.archive.statements import select, select_in
from mse_tui.archive.trees import Place, Tree
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import from_micros, moment_at, to_micros
from mse_tui.terms import INTERNAL


class ViewKind(StrEnum):
    LIVE = "live"
    FULL = "full"
    AS_OF = "as of"


@dataclass(frozen=True, slots=True)
class View:
    """Which part of the archive's history is looked at."""

    kind: ViewKind
    at: datetime | None = None

    @classmethod
    def live(cls) -> "View":
        """The mailbox as last replicated."""
        return cls(ViewKind.LIVE)

    @classmethod
    def full(cls) -> "View":
        """Every folder and message ever seen, where it was; without the history that a reset has hidden."""
        return cls(ViewKind.FULL)

    @classmethod
    def as_of(cls, moment: datetime) -> "View":
        """The mailbox as it had been replicated at an aware time; history that a reset has hidden stays hidden."""
        if moment.tzinfo is None:
            raise Problem(Reason.INVALID, f"The time {moment} has no time zone.", "Give it a time zone.")
        return cls(ViewKind.AS_OF, moment.astimezone(UTC))

    def __str__(self) -> str:
        return self.kind.value if self.at is None else f"as of {self.at.isoformat(timespec='seconds')}"

    def spans(self, table: str, full_from: int | None) -> tuple[str, list[int]]:
        """The SQL condition on a table's opened and closed columns, and its parameters."""
        if self.kind is ViewKind.LIVE:
            return f"{table}.closed IS NULL", []
        conditions: list[str] = []
        parameters: list[int] = []
        if self.at is not None:
            conditions.append(f"{table}.opened <= ? AND ({table}.closed IS NULL OR {table}.closed > ?)")
            parameters += [to_micros(self.at)] * 2
        if full_from is not None:
            conditions.append(f"({table}.closed IS NULL OR {table}.closed > ?)")
            parameters.append(full_from)
        return " AND ".join(conditions) or "1", parameters


@dataclass(frozen=True, slots=True)
class MailboxView:
    """One archived mailbox."""

    id: int
    guid: str
    address: str
    display_name: str
    full_from: datetime | None
    """Earlier history is hidden by a reset; None: nothing is."""
    folders: int
    """Folders in the Live view."""
    last_replicated: datetime | None
    """Stamp of the latest completed pass."""


@dataclass(frozen=True, slots=True)
class FolderView:
    """One folder in a view."""

    id: int
    parent_id: int | None
    """None at the top of the tree."""
    area: str
    """primary or archive (the online archive mailbox)"""
    name: str
    path: str
    """Names from the top, joined by /; without the root's own name."""
    depth: int
    distinguished: str
    folder_class: str
    messages: int
    bytes: int
    """Sum of the messages' sizes; 0 where sizes were not asked for."""
    opened: datetime
    closed: datetime | None
    """When it was gone from this place; None: still there."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message where it lay."""

    placement_id: int
    """The number by which people and commands know it."""
    folder_id: int
    message_id: int = field(metadata=INTERNAL)
    remote_id: str
    sha256: str
    """Hex; '' where only metadata were wanted."""
    size: int
    subject: str
    sender: str
    recipients: str
    sent: datetime | None
    received: datetime | None
    has_attachments: bool
    internet_message_id: str
    item_class: str
    sensitivity: str
    is_read: bool
    flag: str
    categories: str
    """JSON list."""
    importance: str
    opened: datetime
    closed: datetime | None
    """When it was gone from this folder; None: still there."""


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """One stay of a message in a folder."""

    placement_id: int
    folder_id: int
    path: str
    """As the folder was called when the message came."""
    opened: datetime
    closed: datetime | None


_MESSAGE = (
    "SELECT p.id, p.folder_id, p.message_id, p.remote_id, m.sha256, m.size, m.subject, m.sender, m.recipients,"
    ' m."sent", p.received, m.has_attachments, m.internet_message_id, p.item_class, p.sensitivity, p.is_read, p.flag,'
    " p.categories, p.importance, p.opened, p.closed"
)


def mailboxes() -> list[MailboxView]:
    """All archived mailboxes by address."""
    rows = select(
        "SELECT m.id, m.guid, m.address, m.display_name, m.full_from,"
        " (SELECT COUNT(*) FROM folder_place fp JOIN archive_folder f ON f.id = fp.folder_id"
        "  WHERE f.mailbox_id = m.id AND fp.closed IS NULL AND f.distinguished NOT LIKE '%msgfolderroot'),"
        ' (SELECT MAX(stamp) FROM "pass" WHERE mailbox_id = m.id AND completed)'
        " FROM archive_mailbox m ORDER BY m.address"
    )
    return [
        MailboxView(id, guid, address, name, moment_at(full_from), folders, moment_at(last))
        for id, guid, address, name, full_from, folders, last in rows
    ]


def archived(rows: Iterable[MailboxView]) -> list[MailboxView]:
    """Those of the mailboxes of which something was archived: of others the archive has just grants."""
    known = {row[0] for row in select("SELECT mailbox_id FROM archive_folder UNION SELECT mailbox_id FROM calendar")}
    return [row for row in rows if row.id in known]


def mailbox(text: str) -> MailboxView:
    """The mailbox with this address, guid or number. Raises Problem not-found, invalid (several have the address)."""
    found = named(text, mailboxes())
    if found is not None:
        return found
    raise Problem(Reason.NOT_FOUND, f"The archive has no mailbox {text!r}.", "mse-tui archive ls shows what there is.")


def named(text: str, among: Sequence[MailboxView]) -> MailboxView | None:
    """The one of these mailboxes with this address, guid or number; None where none is.

    Raises Problem invalid where several have the address: it was given to somebody new.
    """
    wanted = text.strip().casefold()
    found = [each for each in among if wanted in (each.guid.casefold(), str(each.id))]
    found = found or [each for each in among if wanted == each.address.casefold()]
    if len(found) > 1:
        numbers = ", ".join(map(str, sorted(each.id for each in found)))
        raise Problem(
            Reason.INVALID,
            f"{len(found)} archived mailboxes have the address {found[0].address}: numbers {numbers}.",
            "Name the one that is meant by its number; mse-tui archive ls tells when each was replicated last.",
        )
    return found[0] if found else None


def folders(mailbox_id: int, view: View, *, sizes: bool = False, sight: Sight = ADMINISTRATOR) -> list[FolderView]:
    """The folder tree in a view, depth first, each level in mail programs' order, with numbers of messages and bytes.

    Bytes are 0 unless `sizes` asks for them, which takes a second for some 300,000 messages. Of what the sight does
    not show nothing is told: a folder in a hidden one stands at the top, under its own name.
    """
    tree = _tree(mailbox_id, view, sight)
    totals = _totals(mailbox_id, view, sizes, sight)
    return [_folder_row(tree, place, depth, *totals.get(place.folder_id, (0, 0))) for place, depth in tree.walk()]


def folder(mailbox_id: int, path: str, view: View, sight: Sight = ADMINISTRATOR) -> FolderView:
    """The folder with this path (any case) or number in a view. Raises Problem not-found, invalid (several)."""
    tree = _tree(mailbox_id, view, sight)
    wanted = path.strip("/").casefold()
    found = [
        (place, depth)
        for place, depth in tree.walk()
        if wanted in (tree.path(place.folder_id).casefold(), str(place.folder_id))
    ]
    if not found:
        raise Problem(
            Reason.NOT_FOUND, f"There is no folder {path!r} in this view.", "mse-tui archive ls MAILBOX lists folders."
        )
    if len(found) > 1:
        numbers = ", ".join(str(place.folder_id) for place, _ in found)
        raise Problem(Reason.INVALID, f"Several folders have the path {path!r}.", f"Give its number: {numbers}.")
    place, depth = found[0]
    return _folder_row(tree, place, depth, message_count(place.folder_id, view, sight), 0)


def folder_paths(mailbox_id: int, view: View, sight: Sight = ADMINISTRATOR) -> dict[int, str]:
    """Folder -> its path in a view; of one that is gone, the last that it had."""
    tree = _tree(mailbox_id, view, sight)
    return {place.folder_id: tree.path(place.folder_id) for place, _ in tree.walk()}


def messages(
    folder_id: int, view: View, offset: int = 0, limit: int = 100, sight: Sight = ADMINISTRATOR
) -> list[MessageView]:
    """A page of a folder's messages in a view, latest received first; a stable order."""
    condition, parameters = _within(folder_id, view, sight)
    rows = select(
        f"{_MESSAGE} FROM (SELECT x.id AS wanted FROM placement x WHERE x.folder_id = ? AND {condition}"
        " ORDER BY x.received DESC, x.id DESC LIMIT ? OFFSET ?)"
        " JOIN placement p ON p.id = wanted JOIN message m ON m.id = p.message_id"
        " ORDER BY p.received DESC, p.id DESC",
        [folder_id, *parameters, limit, offset],
    )
    return [_message_row(row) for row in rows]


def all_messages(folder_id: int, view: View, sight: Sight = ADMINISTRATOR) -> Iterator[MessageView]:
    """Every message of a folder in a view as it is now, whatever changes while they are read; latest first."""
    condition, parameters = _within(folder_id, view, sight)
    rows = select(
        f"SELECT x.id FROM placement x WHERE x.folder_id = ? AND {condition} ORDER BY x.received DESC, x.id DESC",
        [folder_id, *parameters],
    )
    ids = [row[0] for row in rows]
    for start in range(0, len(ids), 200):
        part = ids[start : start + 200]
        found = {
            row[0]: _message_row(row)
            for row in select_in(
                _MESSAGE + " FROM placement p JOIN message m ON m.id = p.message_id WHERE p.id IN ({values})", part
            )
        }
        yield from (found[id] for id in part if id in found)


def message_count(folder_id: int, view: View, sight: Sight = ADMINISTRATOR) -> int:
    """How many messages `messages` has."""
    condition, parameters = _within(folder_id, view, sight)
    row = select(f"SELECT COUNT(*) FROM placement x WHERE x.folder_id = ? AND {condition}", [folder_id, *parameters])
    return int(row[0][0])


def message(placement_id: int) -> MessageView:
    """One message where it lay. Raises Problem not-found."""
    rows = select(f"{_MESSAGE} FROM placement p JOIN message m ON m.id = p.message_id WHERE p.id = ?", [placement_id])
    if not rows:
        raise Problem(
            Reason.NOT_FOUND,
            f"The archive has no message {placement_id}.",
            "mse-tui archive ls MAILBOX FOLDER lists messages.",
        )
    return _message_row(rows[0])


def remote_folder(folder_id: int) -> str:
    """The id that the server has for a folder. Raises Problem not-found."""
    rows = select("SELECT remote_id FROM archive_folder WHERE id = ?", [folder_id])
    if not rows:
        raise Problem(Reason.NOT_FOUND, f"The archive has no folder {folder_id}.")
    return str(rows[0][0])


def is_readable(placement_id: int, sight: Sight) -> bool:
    """Whether the sight shows a message of its mailbox where it lay."""
    condition, parameters = may_be_read(sight, "x")
    return bool(select(f"SELECT 1 FROM placement x WHERE x.id = ? AND {condition}", [placement_id, *parameters]))


def shows_message(mailbox_id: int, message_id: int, sight: Sight) -> bool:
    """Whether the sight shows a message of its mailbox somewhere."""
    condition, parameters = may_be_read(sight, "x")
    sql = (
        "SELECT 1 FROM placement x JOIN archive_folder f ON f.id = x.folder_id"
        f" WHERE x.message_id = ? AND f.mailbox_id = ? AND {condition} LIMIT 1"
    )
    return bool(select(sql, [message_id, mailbox_id, *parameters]))


def number_of(message_id: int, mailbox_id: int | None = None) -> int | None:
    """The number by which people know a message (in a mailbox): of its latest place. None where it has none."""
    rows = select(
        "SELECT MAX(p.id) FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        " WHERE p.message_id = ? AND (? IS NULL OR f.mailbox_id = ?)",
        [message_id, mailbox_id, mailbox_id],
    )
    return rows[0][0] if rows else None


def placements_with(sha256: bytes) -> list[int]:
    """Placements of the message with this content, open ones before others. Raises Problem not-found (none)."""
    rows = select(
        "SELECT p.id FROM message m JOIN placement p ON p.message_id = m.id WHERE m.sha256 = ?"
        " ORDER BY p.closed IS NOT NULL, p.id",
        [sha256],
    )
    if not rows:
        raise Problem(
            Reason.NOT_FOUND, f"No message has the content {sha256.hex()}.", "Look the message up with archive ls."
        )
    return [int(row[0]) for row in rows]


def mailbox_of(placement_id: int) -> MailboxView:
    """Whose mailbox a message lay in. Raises Problem not-found."""
    rows = select(
        "SELECT f.mailbox_id FROM placement p JOIN archive_folder f ON f.id = p.folder_id WHERE p.id = ?",
        [placement_id],
    )
    if not rows:
        message(placement_id)
    return mailbox(str(rows[0][0]))


def history(placement_id: int, sight: Sight = ADMINISTRATOR) -> list[MessagePlace]:
    """Every stay of a message in the mailbox, earliest first, with the folder's path at the time it came."""
    rows = select(
        "SELECT p.id, p.folder_id, p.opened, p.closed, f.mailbox_id FROM placement p"
        " JOIN archive_folder f ON f.id = p.folder_id JOIN placement w ON w.message_id = p.message_id"
        " JOIN archive_folder wf ON wf.id = w.folder_id AND wf.mailbox_id = f.mailbox_id"
        " WHERE w.id = ? ORDER BY p.opened, p.id",
        [placement_id],
    )
    if not rows:
        return []
    places = [each for each in _places(rows[0][4], "1", []) if sight.right_of(each.folder_id) is not None]
    return [
        MessagePlace(id, folder_id, Tree.at(places, opened).path(folder_id), from_micros(opened), moment_at(closed))
        for id, folder_id, opened, closed, _ in rows
        if sight.right_of(folder_id) is not None
    ]


def _tree(mailbox_id: int, view: View, sight: Sight) -> Tree:
    condition, parameters = view.spans("fp", _full_from(mailbox_id))
    places = _places(mailbox_id, condition, parameters)
    return Tree.latest(place for place in places if sight.right_of(place.folder_id) is not None)


def _places(mailbox_id: int, condition: str, parameters: Sequence[Any]) -> list[Place]:
    rows = select(
        "SELECT fp.folder_id, fp.parent_id, fp.name, fp.opened, fp.closed, f.area, f.distinguished, f.folder_class"
        " FROM folder_place fp JOIN archive_folder f ON f.id = fp.folder_id"
        f" WHERE f.mailbox_id = ? AND {condition} ORDER BY fp.opened, fp.id",
        [mailbox_id, *parameters],
    )
    return [Place(*row) for row in rows]


def _totals(mailbox_id: int, view: View, sizes: bool, sight: Sight) -> dict[int, tuple[int, int]]:
    """Folder -> number and bytes of its messages."""
    condition, parameters = _both(view.spans("p", _full_from(mailbox_id)), may_be_read(sight, "p"))
    total, join = ("SUM(m.size)", " JOIN message m ON m.id = p.message_id") if sizes else ("0", "")
    rows = select(
        f"SELECT p.folder_id, COUNT(*), {total} FROM archive_folder f JOIN placement p ON p.folder_id = f.id{join}"
        f" WHERE f.mailbox_id = ? AND {condition} GROUP BY p.folder_id",
        [mailbox_id, *parameters],
    )
    return {folder_id: (count, size) for folder_id, count, size in rows}


def _both(one: tuple[str, list[int]], other: tuple[str, list[Any]]) -> tuple[str, list[Any]]:
    return (f"{one[0]} AND {other[0]}", one[1] + other[1]) if other[0] != "1" else one


def _within(folder_id: int, view: View, sight: Sight) -> tuple[str, list[Any]]:
    """The condition on a folder's placements; nothing where the folder itself is not in the view."""
    rows = select(
        "SELECT m.full_from FROM archive_folder f JOIN archive_mailbox m ON m.id = f.mailbox_id WHERE f.id = ?",
        [folder_id],
    )
    if not rows:
        return "0", []
    full_from = rows[0][0]
    condition, parameters = view.spans("fp", full_from)
    visible = select(f"SELECT 1 FROM folder_place fp WHERE fp.folder_id = ? AND {condition}", [folder_id, *parameters])
    return _both(view.spans("x", full_from), may_be_read(sight, "x")) if visible else ("0", [])


def _full_from(mailbox_id: int) -> int | None:
    rows = select("SELECT full_from FROM archive_mailbox WHERE id = ?", [mailbox_id])
    return rows[0][0] if rows else None


def _folder_row(tree: Tree, place: Place, depth: int, count: int, size: int) -> FolderView:
    return FolderView(
        id=place.folder_id,
        parent_id=tree.parent(place),
        area=place.area,
        name=place.name,
        path=tree.path(place.folder_id),
        depth=depth,
        distinguished=place.distinguished,
        folder_class=place.folder_class,
        messages=count,
        bytes=size,
        opened=from_micros(place.opened),
        closed=moment_at(place.closed),
    )


def _message_row(row: Sequence[Any]) -> MessageView:
    """From the columns of `_MESSAGE`, which stand in the order of the fields."""
    values = dict(zip(MessageView.__dataclass_fields__, row, strict=True))
    values["sha256"] = bytes(values["sha256"]).hex() if values["sha256"] is not None else ""
    for name in ("sent", "received", "opened", "closed"):
        values[name] = moment_at(values[name])
    for name in ("has_attachments", "is_read"):
        values[name] = bool(values[name])
    return MessageView(**values)
