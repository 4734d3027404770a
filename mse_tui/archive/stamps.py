"""Folder-based retention stamps as the archive keeps them: what tasks' policies say of a message in a mailbox."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mse_tui.archive.fence import Fence
from mse_tui.archive.statements import chunked, execute_many, select
from mse_tui.store.database import writing
from mse_tui.store.models import from_micros, moment_at, to_micros

_AT_A_TIME = 500
"""Stamps in one transaction, so that no writer waits long."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The task and the definition that stamps come from."""

    task_id: int
    definition_id: int
    definition_name: str
    content: str
    """Digest of the definition's content, which an approval is bound to."""


@dataclass(frozen=True, slots=True)
class StampText:
    """What a stamp says."""

    policy: str
    expire_view: datetime | None
    purge: datetime | None


@dataclass(frozen=True, slots=True)
class StampRow:
    """One stamp, in force or history."""

    mailbox: str
    """Address."""
    definition_name: str
    policy: str
    stamped: datetime
    expire_view: datetime | None
    purge: datetime | None
    original_purge: datetime | None
    """The purge date without any stamp, when it was placed; None: never."""
    ended: datetime | None


class Stamps:
    """The stamps of one task in one mailbox."""

    def __init__(self, mailbox_id: int, origin: Origin, fence: Fence) -> None:
        self.mailbox_id = mailbox_id
        self._origin = origin
        self._fence = fence
        self._content: dict[int, str] = {}
        self.in_force: dict[int, StampText] = {}
        """Message -> what the task's stamp on it says."""
        for message_id, content, policy, expire_view, purge in select(
            "SELECT message_id, content, policy, expire_view, purge FROM retention_stamp"
            " WHERE mailbox_id = ? AND task = ? AND ended IS NULL",
            (mailbox_id, origin.task_id),
        ):
            self._content[message_id] = content
            self.in_force[message_id] = StampText(policy, moment_at(expire_view), moment_at(purge))

    def changes(self, wanted: Mapping[int, StampText]) -> dict[int, StampText]:
        """Of what messages are to be stamped with, what differs from the stamps in force."""
        content = self._origin.content
        return {
            message_id: text
            for message_id, text in wanted.items()
            if self.in_force.get(message_id) != text or self._content.get(message_id) != content
        }

    def put(self, changes: Mapping[int, tuple[StampText, datetime | None]], moment: datetime) -> Counter[str]:
        """Stamp messages, each with the purge date that it has without stamps; what was in force becomes history.

        Messages that were purged meanwhile are left out.
        """
        counts: Counter[str] = Counter()
        for part in chunked(list(changes), _AT_A_TIME):
            with writing():
                self._fence.check()
                counts["restamped"] += self._end(part, moment)
                entered = execute_many(_INSERT, [self._row(each, *changes[each], moment) for each in part])
            counts["stamped"] += entered
        counts["stamped"] -= counts["restamped"]
        return counts

    def end(self, message_ids: Iterable[int], moment: datetime) -> int:
        """Withdraw stamps: the task's policies no longer speak of these messages."""
        ended = 0
        for part in chunked(list(message_ids), _AT_A_TIME):
            with writing():
                self._fence.check()
                ended += self._end(part, moment)
        return ended

    def _end(self, message_ids: Iterable[int], moment: datetime) -> int:
        return execute_many(
            "UPDATE retention_stamp SET ended = ? WHERE message_id = ? AND mailbox_id = ? AND task = ?"
            " AND ended IS NULL",
            [(to_micros(moment), each, self.mailbox_id, self._origin.task_id) for each in message_ids],
        )

    def _row(self, message_id: int, text: StampText, original: datetime | None, moment: datetime) -> tuple[object, ...]:
        origin = self._origin
        dates = (None if each is None else to_micros(each) for each in (text.expire_view, text.purge, original))
        return (
            self.mailbox_id, origin.task_id, origin.definition_id, origin.definition_name, origin.content,
            text.policy, to_micros(moment), *dates, message_id,
        )  # fmt: skip


_INSERT = (
    "INSERT INTO retention_stamp (mailbox_id, message_id, task, definition, definition_name, content, policy, stamped,"
    " expire_view, purge, original_purge) SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM message WHERE id = ?"
)


def stamp_history(message_id: int) -> list[StampRow]:
    """Every stamp that a message has or had, the latest first."""
    rows = select(
        "SELECT b.address, s.definition_name, s.policy, s.stamped, s.expire_view, s.purge, s.original_purge, s.ended"
        " FROM retention_stamp s JOIN archive_mailbox b ON b.id = s.mailbox_id WHERE s.message_id = ?"
        " ORDER BY s.ended IS NOT NULL, s.id DESC",
        (message_id,),
    )
    return [
        StampRow(
            address, name, policy, from_micros(stamped), moment_at(expire_view), moment_at(purge), moment_at(original),
            moment_at(ended),
        )
        for address, name, policy, stamped, expire_view, purge, original, ended in rows
    ]  # fmt: skip


def carry_over(replaced: Iterable[tuple[int, int]]) -> None:
    """Inside a transaction: stamps and holds of messages go on to those that now are what they were.

    `replaced` are (old message, new message); an old one may have become several.
    """
    pairs = list(replaced)
    execute_many(
        "INSERT INTO retention_stamp (mailbox_id, message_id, task, definition, definition_name, content, policy,"
        " stamped, expire_view, purge, original_purge, ended) SELECT mailbox_id, ?, task, definition, definition_name,"
        " content, policy, stamped, expire_view, purge, original_purge, ended FROM retention_stamp"
        " WHERE message_id = ? ON CONFLICT DO NOTHING",
        [(new, old) for old, new in pairs],
    )
    execute_many(
        "INSERT INTO hold (name, scope, message_id, search, placed, placed_by, lifted, lifted_by)"
        " SELECT name, scope, ?, search, placed, placed_by, lifted, lifted_by FROM hold WHERE message_id = ?",
        [(new, old) for old, new in pairs],
    )
    gone = [(old, old) for old, _ in pairs]
    unplaced = " WHERE message_id = ? AND NOT EXISTS (SELECT 1 FROM placement WHERE message_id = ?)"
    for table in ("retention_stamp", "hold", "quarantine"):
        execute_many(f"DELETE FROM {table}{unplaced}", gone)  # noqa: S608 (table names of this module)
