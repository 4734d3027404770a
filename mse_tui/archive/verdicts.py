"""What is to become of archived messages: settings, stamps, holds, stubs and approvals, read and weighed together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mse_tui.archive.approvals import ARCHIVE, content_of, definition_subject, is_approved, mailbox_subject
from mse_tui.archive.holds import HoldRow, held_anywhere
from mse_tui.archive.retention import QUARANTINE_DAYS, Keeping, Limits, Stamp, keeping, last_to_let_go, leaves_view
from mse_tui.archive.statements import select, select_in
from mse_tui.archive.stubs import why_kept
from mse_tui.store.models import from_micros, moment_at


@dataclass(frozen=True, slots=True)
class MailboxVerdict:
    """What one mailbox says of one message."""

    mailbox_id: int
    address: str
    received: datetime
    """What all days are counted from: when it was received, else sent, else first archived."""
    limits: Limits
    stamps: tuple[Stamp, ...]
    keeping: Keeping


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of one message."""

    message_id: int
    mailboxes: tuple[MailboxVerdict, ...]
    holds: tuple[HoldRow, ...]
    behind_stub: str
    """In words, that a mailbox has a stub of it, or may get one back, which could not be opened without it; ''."""
    keeping: Keeping
    """By retention alone, over all mailboxes."""

    def is_due(self, now: datetime) -> bool:
        """Whether the archive may let the message go now."""
        until = self.keeping.until
        return until is not None and until <= now and not self.holds and not self.behind_stub

    @property
    def decides(self) -> str:
        """What decides, in words."""
        if self.holds:
            return f"the hold {self.holds[0].name!r}"
        if self.behind_stub:
            return self.behind_stub
        return self.keeping.because

    @property
    def quarantine_days(self) -> int:
        return max((each.limits.quarantine_days for each in self.mailboxes), default=QUARANTINE_DAYS)


def verdicts(message_ids: Iterable[int]) -> dict[int, Verdict]:
    """A verdict for each of the messages that the archive has; inside a transaction, it stays true until its end."""
    ids = list(message_ids)
    places = _places(ids)
    stamps = stamps_of(ids)
    held = held_anywhere(ids)
    stubs = why_kept(ids)
    weigh = _Scales()
    found = {}
    for message_id in ids:
        mailboxes = tuple(
            weigh.mailbox(place, stamps.get((message_id, place.mailbox_id), ())) for place in places[message_id]
        )
        whole = last_to_let_go([each.keeping for each in mailboxes])
        holds = tuple(held.get(message_id, ()))
        found[message_id] = Verdict(message_id, mailboxes, holds, stubs.get(message_id, ""), whole)
    return found


def limits_of(mailbox_id: int | None = None) -> Limits:
    """The settings that hold for a mailbox; None: for the archive as a whole."""
    return _Scales().limits(mailbox_id or 0)


def hidden_from_owner(
    mailbox_id: int, message_ids: Iterable[int], now: datetime, *, besides_task: int | None = None
) -> set[int]:
    """Of these messages of a mailbox, those that have left its owner's view; one that is on hold stays in it.

    `besides_task`: leave the stamps of this task out of it.
    """
    ids = list(message_ids)
    stamps = stamps_of(ids, mailbox_id, besides_task=besides_task)
    hidden = set()
    for (message_id, _), each in stamps.items():
        date = leaves_view(each)
        if date is not None and date <= now:
            hidden.add(message_id)
    return hidden - set(held_anywhere(hidden)) if hidden else hidden


def stamps_of(
    message_ids: Sequence[int], mailbox_id: int | None = None, *, besides_task: int | None = None
) -> dict[tuple[int, int], list[Stamp]]:
    """(message, mailbox) -> its stamps in force; of one mailbox only, where it is given."""
    found: dict[tuple[int, int], list[Stamp]] = defaultdict(list)
    approved = _Approved()
    for row in select_in(
        "SELECT message_id, mailbox_id, task, definition, definition_name, content, policy, expire_view, purge"
        " FROM retention_stamp WHERE ended IS NULL AND message_id IN ({values})",
        message_ids,
    ):
        message_id, box, task, definition, name, content, policy, expire_view, purge = row
        if mailbox_id in (None, box) and task != besides_task:
            label = f"the policy of {name!r} ({policy})"
            is_valid = purge is None or approved.by_content(definition_subject(definition), content)
            found[message_id, box].append(Stamp(label, moment_at(expire_view), moment_at(purge), is_valid))
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    mailbox_id: int
    address: str
    received: datetime


def received_in(mailbox_id: int, message_ids: Iterable[int]) -> dict[int, datetime]:
    """Message -> what its days are counted from in a mailbox: when it was received, else sent, else archived."""
    return {
        message_id: place.received
        for message_id, places in _places(list(message_ids)).items()
        for place in places
        if place.mailbox_id == mailbox_id
    }


def _places(message_ids: Sequence[int]) -> dict[int, list[_Place]]:
    """Message -> the mailboxes that have it, and the latest that it was received there."""
    dates: dict[tuple[int, int], tuple[int | None, int | None, int]] = {}
    for message_id, mailbox_id, received, sent, opened in select_in(
        "SELECT p.message_id, f.mailbox_id, p.received, m.sent, p.opened FROM placement p"
        " JOIN archive_folder f ON f.id = p.folder_id JOIN message m ON m.id = p.message_id"
        " WHERE p.message_id IN ({values})",
        message_ids,
    ):
        latest, _, first = dates.get((message_id, mailbox_id), (None, None, opened))
        latest = received if latest is None or (received is not None and received > latest) else latest
        dates[message_id, mailbox_id] = (latest, sent, min(first, opened))
    sql = "SELECT id, address FROM archive_mailbox WHERE id IN ({values})"
    addresses = dict(select_in(sql, {mailbox_id for _, mailbox_id in dates}))
    found: dict[int, list[_Place]] = {message_id: [] for message_id in message_ids}
    for (message_id, mailbox_id), moments in dates.items():
        received = next(moment for moment in moments if moment is not None)
        found[message_id].append(_Place(mailbox_id, addresses[mailbox_id], from_micros(received)))
    return found


@dataclass(slots=True)
class _Approved:
    """Whether contents are approved, each asked once."""

    _known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def by_content(self, subject: str, digest: str) -> bool:
        key = (subject, digest)
        if key not in self._known:
            self._known[key] = is_approved(subject, digest)
        return self._known[key]

    def now(self, subject: str) -> bool:
        """Whether what the subject says now is approved."""
        content = content_of(subject)
        return content is not None and self.by_content(subject, content.digest)


class _Scales:
    """Weighs mailbox by mailbox, with settings read once."""

    def __init__(self) -> None:
        rows = select(
            "SELECT COALESCE(mailbox_id, 0), minimum_days, maximum_days, default_days, quarantine_days"
            " FROM retention_setting"
        )
        self._settings: dict[int, tuple[Any, ...]] = {row[0]: tuple(row[1:]) for row in rows}
        self._approved = _Approved()
        self._defaults: dict[int, bool] = {}

    def limits(self, mailbox_id: int) -> Limits:
        own, whole = (self._settings.get(each, (None,) * 4) for each in (mailbox_id, 0))
        minimum, maximum, default, quarantine = (a if a is not None else b for a, b in zip(own, whole, strict=True))
        return Limits(minimum or 0, maximum, default, QUARANTINE_DAYS if quarantine is None else quarantine)

    def mailbox(self, place: _Place, stamps: Sequence[Stamp]) -> MailboxVerdict:
        limits = self.limits(place.mailbox_id)
        default_approved = limits.default_days is not None and self._default_approved(place.mailbox_id)
        kept = keeping(place.received, limits, stamps, default_approved=default_approved)
        return MailboxVerdict(place.mailbox_id, place.address, place.received, limits, tuple(stamps), kept)

    def _default_approved(self, mailbox_id: int) -> bool:
        if mailbox_id not in self._defaults:
            own = self._settings.get(mailbox_id, (None,) * 4)[2] is not None
            subject = mailbox_subject(mailbox_id) if own else ARCHIVE
            self._defaults[mailbox_id] = self._approved.now(subject)
        return self._defaults[mailbox_id]
