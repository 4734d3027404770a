"""The stub registry: what storage management took out of mailboxes, and how far each change has come.

A row is first the journal of a change: committed before the item is touched, moved on after each step that has
happened, so that whoever finds it knows what may have been done and what is still to do.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum
from typing import Any, BinaryIO

from mse_tui.archive.statements import execute, execute_many, insert_returning, select, select_in
from mse_tui.exchange.editing import STUB_HEADER, Disposal
from mse_tui.reasons import Reason
from mse_tui.store.database import now
from mse_tui.store.models import from_micros, moment_at, to_micros


class StubState(StrEnum):
    """How far the change of an item has come."""

    WRITING = "writing"
    """The item may or may not be marked yet."""
    MARKED = "marked"
    """The item is marked; attachments may still have to come or go."""
    COMPLETE = "complete"
    DELETING = "deleting"
    DELETED = "deleted"
    RESTORING = "restoring"
    """The original is being put back beside the stub."""
    RESTORED = "restored"
    LOST = "lost"
    """The stub, or its mark, is no longer in the mailbox."""


LIVE = (StubState.WRITING, StubState.MARKED, StubState.COMPLETE, StubState.RESTORING)
"""A mailbox holds, or may hold, a stub instead of the message: its content must stay in the archive."""
RECOVERABLE = timedelta(days=30)
"""How long a stub that is lost still holds its original back: its owner may bring it back from Recoverable Items."""
UNFINISHED = (StubState.WRITING, StubState.MARKED, StubState.DELETING)
RESTORABLE = (StubState.COMPLETE, StubState.MARKED, StubState.RESTORING, StubState.LOST)


@dataclass(frozen=True, slots=True)
class PlannedRemoval:
    """One attachment that is to leave an item, as it was confirmed."""

    part: int
    """Its place among the attachments of the archived original."""
    attachment_id: str
    name: str
    content_type: str
    size: int
    sha256: str
    """Hex, of the archive's copy."""
    is_item: bool
    stub_id: str
    """Content id of the small attachment in its place; '' where there is to be none."""


@dataclass(frozen=True, slots=True)
class StubRecord:
    """One row of the registry."""

    id: int
    key: str
    mailbox_id: int
    message_id: int
    folder_id: int
    task_id: int | None
    definition: str
    action: str
    state: StubState
    remote_id: str
    change_key: str
    plan: tuple[PlannedRemoval, ...]
    restore: str
    true_size: int
    stub_size: int
    began: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class NewStub:
    """A change about to begin."""

    key: str
    mailbox_id: int
    message_id: int
    folder_id: int
    task_id: int | None
    definition: str
    action: str
    remote_id: str
    change_key: str
    plan: Sequence[PlannedRemoval]
    true_size: int


_COLUMNS = (
    "s.id, s.key, s.mailbox_id, s.message_id, s.folder_id, s.task_id, s.definition, s.action, s.state, s.remote_id,"
    " s.change_key, s.plan, s.restore, s.true_size, s.stub_size, s.began, s.ended"
)


def new_key() -> str:
    """An archive id that nobody can guess."""
    return secrets.token_hex(16)


def begin(stubs: Sequence[NewStub], state: StubState) -> list[int]:
    """Inside a transaction: journal changes before they are made; returns their ids."""
    moment = to_micros(now())
    return [
        insert_returning(
            "INSERT INTO stub (key, mailbox_id, message_id, folder_id, task_id, definition, action, state, remote_id,"
            " change_key, plan, restore, true_size, stub_size, began, ended)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, 0, ?, NULL) RETURNING id",
            (
                stub.key, stub.mailbox_id, stub.message_id, stub.folder_id, stub.task_id, stub.definition, stub.action,
                str(state), stub.remote_id, stub.change_key, _written(stub.plan), stub.true_size, moment,
            ),
        )
        for stub in stubs
    ]  # fmt: skip


def forget(stub_ids: Sequence[int]) -> None:
    """Inside a transaction: these changes were refused, nothing has happened to the items."""
    execute_many("DELETE FROM stub_link WHERE stub_id = ?", [(each,) for each in stub_ids])
    execute_many("DELETE FROM stub WHERE id = ?", [(each,) for each in stub_ids])


def move_on(stub_ids: Sequence[int], state: StubState) -> None:
    """Inside a transaction: these changes have come so far."""
    moment = to_micros(now())
    execute_many("UPDATE stub SET state = ?, ended = ? WHERE id = ?", [(str(state), moment, each) for each in stub_ids])


def complete(done: Mapping[int, tuple[str, int]]) -> None:
    """Inside a transaction: stub id -> (change key, size) of items that are stubs now."""
    moment = to_micros(now())
    execute_many(
        "UPDATE stub SET state = ?, change_key = ?, stub_size = ?, ended = ? WHERE id = ?",
        [(str(StubState.COMPLETE), key, size, moment, each) for each, (key, size) in done.items()],
    )


def moved(stub_id: int, remote_id: str) -> None:
    """Inside a transaction: the stub has another item id now."""
    execute("UPDATE stub SET remote_id = ? WHERE id = ?", (remote_id, stub_id))


def begin_restore(stub_id: int, token: str) -> None:
    """Inside a transaction: the original is about to be put back; `token` marks what comes of it."""
    execute(
        "UPDATE stub SET state = ?, restore = ?, ended = ? WHERE id = ?",
        (str(StubState.RESTORING), token, to_micros(now()), stub_id),
    )


def name_restore(stub_id: int, token: str) -> None:
    """Inside a transaction: what was deleted is about to be put back; `token` marks what comes of it."""
    execute("UPDATE stub SET restore = ? WHERE id = ?", (token, stub_id))


def deletion_of(mailbox_id: int, message_id: int, remote_id: str) -> StubRecord | None:
    """The latest deletion of a message from a mailbox that was not undone; first of the item with this id."""
    rows = select(
        f"SELECT {_COLUMNS} FROM stub s WHERE s.mailbox_id = ? AND s.message_id = ? AND s.state = ?"  # noqa: S608 (columns of ours)
        " ORDER BY s.remote_id = ? DESC, s.id DESC LIMIT 1",
        (mailbox_id, message_id, str(StubState.DELETED), remote_id),
    )
    return _record(rows[0]) if rows else None


def with_keys(mailbox_id: int, keys: Iterable[str]) -> list[StubRecord]:
    """The rows of a mailbox's stubs with these keys, of those that are known."""
    sql = f"SELECT {_COLUMNS} FROM stub s WHERE s.mailbox_id = ? AND s.key IN ({{values}})"  # noqa: S608 (columns of ours)
    return list(map(_record, select_in(sql, set(keys), mailbox_id)))


def record(stub_id: int) -> StubRecord | None:
    """One row, or None."""
    rows = select(f"SELECT {_COLUMNS} FROM stub s WHERE s.id = ?", (stub_id,))  # noqa: S608 (columns of ours)
    return _record(rows[0]) if rows else None


def in_mailbox(mailbox_id: int, states: Iterable[StubState]) -> list[StubRecord]:
    """A mailbox's rows in these states, oldest first."""
    rows = select_in(
        f"SELECT {_COLUMNS} FROM stub s WHERE s.mailbox_id = ? AND s.state IN ({{values}})",  # noqa: S608 (columns of ours)
        [str(each) for each in states],
        mailbox_id,
    )
    return sorted(map(_record, rows), key=lambda each: each.id)


def originals(mailbox_id: int, keys: Iterable[str]) -> dict[str, int]:
    """Key -> message of the originals of a mailbox's stubs, of those that are known."""
    sql = "SELECT s.key, s.message_id FROM stub s WHERE s.mailbox_id = ? AND s.key IN ({values})"
    return dict(select_in(sql, set(keys), mailbox_id))


def registered(keys: Iterable[str]) -> set[str]:
    """Those of these keys that the registry has, of whichever mailbox."""
    return {key for (key,) in select_in("SELECT key FROM stub WHERE key IN ({values})", set(keys))}


def deleted_by_policies(mailbox_id: int) -> set[str]:
    """Keys of a mailbox's stubs that managed folders have deleted where they lay, and that were not looked for since.

    Their owner may have copied them.
    """
    rows = select(
        "SELECT DISTINCT s.key FROM stub s JOIN expiry e ON e.message_id = s.message_id AND e.mailbox_id = s.mailbox_id"
        " AND e.remote_id = s.remote_id AND e.state = 'deleted' AND e.how <> ? WHERE s.mailbox_id = ? AND s.state = ?",
        (str(Disposal.DELETED_ITEMS), mailbox_id, str(StubState.COMPLETE)),
    )
    return {key for (key,) in rows}


def why_kept(message_ids: Iterable[int]) -> dict[int, str]:
    """Message -> why stubs keep it from being purged, in words.

    Of these messages, those in whose place some mailbox holds a stub, or may get one back that it has lost.
    """
    wanted = set(message_ids)
    sql = "SELECT message_id, state, ended FROM stub WHERE message_id IN ({values})"
    forgotten = to_micros(now() - RECOVERABLE)
    live = _replaced_unknown(wanted)
    lost: set[int] = set()
    for message_id, state, ended in select_in(sql, wanted):
        if state in LIVE:
            live.add(message_id)
        elif state == StubState.LOST and (ended is None or ended > forgotten):
            lost.add(message_id)
    kept = dict.fromkeys(lost, "a stub of it may come back from Recoverable Items")
    return kept | dict.fromkeys(live, "a stub of it lies in a mailbox")


def _replaced_unknown(message_ids: set[int]) -> set[int]:
    """Of these messages, those in whose place a stub lies that no registry knows: they may be its original."""
    sql = (
        "SELECT p.message_id FROM placement p"
        " JOIN unfinished u ON u.folder_id = p.folder_id AND u.remote_id = p.remote_id AND u.reason = ?"
        " WHERE p.closed IS NULL AND p.message_id IN ({values})"
    )
    return {message_id for (message_id,) in select_in(sql, message_ids, str(Reason.STUB_UNKNOWN))}


def has_stub_header(stream: BinaryIO) -> bool:
    """Whether a message that a file holds is a stub of ours; leaves the file at its beginning."""
    try:
        return STUB_HEADER in BytesHeaderParser(policy=compat32).parse(stream)
    finally:
        stream.seek(0)


def _written(plan: Sequence[PlannedRemoval]) -> str:
    return json.dumps([asdict(each) for each in plan], ensure_ascii=False)


def _record(row: Sequence[Any]) -> StubRecord:
    values = dict(zip(StubRecord.__dataclass_fields__, row, strict=True))
    values["state"] = StubState(values["state"])
    values["plan"] = tuple(PlannedRemoval(**each) for each in json.loads(values["plan"]))
    values["began"] = from_micros(values["began"])
    values["ended"] = moment_at(values["ended"])
    return StubRecord(**values)
