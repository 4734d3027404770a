"""The journal of what managed folders tasks take out of mailboxes: written before the server is asked, then settled.

What is settled stays as the record of it for as long as the archive keeps the message.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mse_tui.archive.fence import Fence
from mse_tui.archive.holds import held_in
from mse_tui.archive.stamps import Origin
from mse_tui.archive.statements import execute, execute_many, insert_returning, select
from mse_tui.archive.stub_registry import StubFilter
from mse_tui.store.database import now, writing
from mse_tui.store.models import to_micros


@dataclass(frozen=True, slots=True)
class Planned:
    """An item that is about to leave a mailbox, as it was confirmed."""

    message_id: int
    folder: str
    remote_id: str
    change_key: str
    how: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A journal entry."""

    id: int
    remote_id: str
    message_id: int | None


def plan(
    mailbox_id: int, origin: Origin, items: Sequence[Planned], fence: Fence
) -> tuple[list[tuple[Planned, int]], list[Planned]]:
    """Enter what is about to be done, in one transaction that looks at the holds once more.

    Returns the items with their journal entries, and those that a hold has come to cover meanwhile.
    """
    with writing():
        fence.check()
        held = held_in(mailbox_id, [each.message_id for each in items])
        free = [each for each in items if each.message_id not in held]
        moment = to_micros(now())
        entered = [(each, _enter(mailbox_id, origin, each, moment)) for each in free]
    return entered, [each for each in items if each.message_id in held]


def settle(done: Iterable[int], kept: Iterable[int]) -> None:
    """Close entries: the item is gone from its folder, or is where it was."""
    moment = to_micros(now())
    with writing():
        for state, ids in (("deleted", done), ("kept", kept)):
            execute_many(
                "UPDATE expiry SET state = ?, settled = ? WHERE id = ? AND state = 'planned'",
                [(state, moment, each) for each in ids],
            )


def begun(mailbox_id: int, task_id: int) -> list[Begun]:
    """What a task was about to do in a mailbox when it was interrupted."""
    rows = select(
        "SELECT id, remote_id, message_id FROM expiry WHERE mailbox_id = ? AND task = ? AND state = 'planned'"
        " ORDER BY id",
        (mailbox_id, task_id),
    )
    return [Begun(*row) for row in rows]


def originals(wanted: StubFilter) -> list[int]:
    """The archive's numbers of the messages that managed folders have deleted and nobody has put back; as they went.

    The filter is meant as for what storage management has deleted; stubs' own numbers and states say nothing here.
    """
    conditions = ["e.state = 'deleted'"]
    values: list[object] = []
    for condition, value in (
        ("e.mailbox_id = ?", wanted.mailbox_id),
        ("e.definition_name = ?", wanted.definition or None),
        ("x.folder_id = ?", wanted.folder_id),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.text:
        columns = ("m.subject", "m.sender") if wanted.in_contents else ()
        conditions.append("(" + " OR ".join([*(f"INSTR(CASEFOLD({each}), ?)" for each in columns), "0"]) + ")")
        values += [wanted.text.casefold()] * len(columns)
    sql = (
        "SELECT MAX(x.id) FROM expiry e JOIN message m ON m.id = e.message_id"
        " JOIN placement x ON x.message_id = e.message_id AND x.remote_id = e.remote_id"
        " JOIN archive_folder f ON f.id = x.folder_id AND f.mailbox_id = e.mailbox_id WHERE "
    )
    rows = select(f"{sql}{' AND '.join(conditions)} GROUP BY e.id ORDER BY e.id", values)
    return [number for (number,) in rows]


def definitions() -> set[str]:
    """Names of the definitions that have deleted something."""
    return {name for (name,) in select("SELECT DISTINCT definition_name FROM expiry WHERE state = 'deleted'")}


def put_back(mailbox_id: int, message_id: int, remote_id: str) -> bool:
    """Inside a transaction: the item's message is in the mailbox again; whether it had been deleted."""
    return bool(
        execute(
            "UPDATE expiry SET state = 'restored' WHERE mailbox_id = ? AND message_id = ? AND remote_id = ?"
            " AND state = 'deleted'",
            (mailbox_id, message_id, remote_id),
        )
    )


def _enter(mailbox_id: int, origin: Origin, item: Planned, moment: int) -> int:
    return insert_returning(
        "INSERT INTO expiry (task, definition, definition_name, mailbox_id, message_id, folder, remote_id, change_key,"
        " how, state, planned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?) RETURNING id",
        (
            origin.task_id, origin.definition_id, origin.definition_name, mailbox_id, item.message_id, item.folder,
            item.remote_id, item.change_key, item.how, moment,
        ),
    )  # fmt: skip
