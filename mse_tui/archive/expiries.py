"""The journal of what managed folders tasks take out of mailboxes: written before the server is asked, then settled.

What is settled stays as the record of it for as long as the archive keeps the message.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mse_tui.archive.fence import Fence
from mse_tui.archive.holds import held_in
from mse_tui.archive.stamps import Origin
from mse_tui.archive.statements import execute_many, insert_returning, select
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


def _enter(mailbox_id: int, origin: Origin, item: Planned, moment: int) -> int:
    return insert_returning(
        "INSERT INTO expiry (task, definition, definition_name, mailbox_id, message_id, folder, remote_id, change_key,"
        " how, state, planned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?) RETURNING id",
        (
            origin.task_id, origin.definition_id, origin.definition_name, mailbox_id, item.message_id, item.folder,
            item.remote_id, item.change_key, item.how, moment,
        ),
    )  # fmt: skip
