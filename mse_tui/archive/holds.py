"""Litigation holds: what they cover. What is on hold is never deleted, purged or hidden.

A hold covers the whole archive, a mailbox, what a search finds (now and later), or one message. Placing and lifting
are a person's affair (`actions.holds`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from mse_tui.archive.statements import select, select_in
from mse_tui.exchange.rows import ItemRow
from mse_tui.store.models import from_micros, moment_at, to_micros
from mse_tui.terms import INTERNAL


class HoldScope(StrEnum):
    ARCHIVE = "archive"
    MAILBOX = "mailbox"
    SEARCH = "search"
    MESSAGE = "message"


class HoldSearch(BaseModel):
    """What a search hold covers: messages that meet all that is given; parts of texts, any case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: str = Field("", title="Sender", description="Part of the sender's address.")
    recipients: str = Field("", title="Recipients", description="Part of the recipients as shown.")
    subject: str = Field("", title="Subject", description="Part of the subject.")
    received_from: AwareDatetime | None = Field(
        None, title="Received from", description="Only what was received at this time or later."
    )
    received_until: AwareDatetime | None = Field(
        None, title="Received until", description="Only what was received before this time."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "HoldSearch":
        if not any(value for value in self.model_dump().values()):
            raise ValueError("give at least one of sender, recipients, subject, received from, received until")
        if self.received_from and self.received_until and self.received_from >= self.received_until:
            raise ValueError("received from is not before received until")
        return self

    def covers(self, message: "HeldMessage") -> bool:
        """Whether a message meets all that is given. Without a received date it meets any period: rather hold it."""
        texts = (
            (self.sender, message.sender), (self.recipients, message.recipients), (self.subject, message.subject)
        )  # fmt: skip
        if any(wanted.casefold() not in has.casefold() for wanted, has in texts):
            return False
        return not message.received or any(self._in_period(each) for each in message.received)

    def _in_period(self, received: int) -> bool:
        after = self.received_from is None or received >= to_micros(self.received_from)
        return after and (self.received_until is None or received < to_micros(self.received_until))


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """What a search hold looks at."""

    sender: str
    recipients: str
    subject: str
    received: tuple[int, ...]
    """Microseconds since 1970; of each of its placements that has a received date."""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One hold."""

    id: int
    name: str
    scope: HoldScope
    mailbox_id: int | None
    """Set for a mailbox hold, and for a search within one mailbox."""
    message_id: int | None = field(metadata=INTERNAL)
    placement_id: int | None
    """The number of a hold's one message, by which the archive's commands know it."""
    search: HoldSearch | None
    placed: datetime
    placed_by: str
    lifted: datetime | None
    lifted_by: str


_HOLD = (
    "SELECT id, name, scope, mailbox_id, message_id,"
    " (SELECT MAX(p.id) FROM placement p WHERE p.message_id = hold.message_id), search, placed, placed_by, lifted,"
    " lifted_by FROM hold"
)  # fmt: skip


def holds(*, lifted: bool = False) -> list[HoldRow]:
    """The holds in force, oldest first; with `lifted` also those that were."""
    return [_row(values) for values in select(_HOLD + ("" if lifted else " WHERE lifted IS NULL") + " ORDER BY id")]


def on_hold(mailbox_id: int, message_id: int) -> HoldRow | None:
    """The first hold that covers a message in a mailbox; None: it is on no hold."""
    found = held_in(mailbox_id, [message_id])
    return found[message_id][0] if found else None


def held_in(mailbox_id: int, message_ids: Iterable[int]) -> dict[int, list[HoldRow]]:
    """Of these messages, those on hold in a mailbox, each with its holds."""
    ids = list(message_ids)
    return _held(ids, dict.fromkeys(ids, frozenset({mailbox_id})))


def held_anywhere(message_ids: Iterable[int]) -> dict[int, list[HoldRow]]:
    """Of these messages, those that any mailbox which has them holds, each with its holds."""
    ids = list(message_ids)
    where: dict[int, set[int]] = defaultdict(set)
    for message_id, mailbox_id in select_in(
        "SELECT DISTINCT p.message_id, f.mailbox_id FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
        " WHERE p.message_id IN ({values})",
        ids,
    ):
        where[message_id].add(mailbox_id)
    return _held(ids, {message_id: frozenset(where[message_id]) for message_id in ids})


def would_be_held(mailbox_id: int, rows: Sequence[ItemRow]) -> set[str]:
    """Remote ids of items that a hold would cover if the archive had them."""
    in_force = [hold for hold in holds() if hold.scope is not HoldScope.MESSAGE]
    where = frozenset({mailbox_id})
    return {row.remote_id for row in rows if any(_covers(hold, 0, where, _shown_by(row)) for hold in in_force)}


def _shown_by(row: ItemRow) -> HeldMessage:
    received = () if row.received is None else (to_micros(row.received),)
    return HeldMessage(row.sender, row.recipients, row.subject, received)


def _held(message_ids: list[int], where: dict[int, frozenset[int]]) -> dict[int, list[HoldRow]]:
    in_force = holds() if message_ids else []
    if not in_force:
        return {}
    searching = any(hold.scope is HoldScope.SEARCH for hold in in_force)
    shown = _shown(message_ids) if searching else {}
    found: dict[int, list[HoldRow]] = {}
    for message_id in message_ids:
        covering = [hold for hold in in_force if _covers(hold, message_id, where[message_id], shown.get(message_id))]
        if covering:
            found[message_id] = covering
    return found


def _covers(hold: HoldRow, message_id: int, mailbox_ids: frozenset[int], shown: HeldMessage | None) -> bool:
    match hold.scope:
        case HoldScope.ARCHIVE:
            return True
        case HoldScope.MAILBOX:
            return hold.mailbox_id in mailbox_ids
        case HoldScope.MESSAGE:
            return hold.message_id == message_id
        case HoldScope.SEARCH:
            elsewhere = hold.mailbox_id is not None and hold.mailbox_id not in mailbox_ids
            return not elsewhere and hold.search is not None and shown is not None and hold.search.covers(shown)


def _shown(message_ids: Iterable[int]) -> dict[int, HeldMessage]:
    ids = list(message_ids)
    received: dict[int, list[int]] = defaultdict(list)
    for message_id, moment in select_in(
        "SELECT DISTINCT message_id, received FROM placement WHERE received IS NOT NULL AND message_id IN ({values})",
        ids,
    ):
        received[message_id].append(moment)
    return {
        message_id: HeldMessage(sender, recipients, subject, tuple(received[message_id]))
        for message_id, sender, recipients, subject in select_in(
            "SELECT id, sender, recipients, subject FROM message WHERE id IN ({values})", ids
        )
    }


def _row(values: Sequence[Any]) -> HoldRow:
    id, name, scope, mailbox_id, message_id, placement_id, search, placed, placed_by, lifted, lifted_by = values
    return HoldRow(
        id=id,
        name=name,
        scope=HoldScope(scope),
        mailbox_id=mailbox_id,
        message_id=message_id,
        placement_id=placement_id,
        search=HoldSearch.model_validate_json(search) if search else None,
        placed=from_micros(placed),
        placed_by=placed_by,
        lifted=moment_at(lifted),
        lifted_by=lifted_by,
    )
