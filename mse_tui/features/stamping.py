"""Placing folder-based retention stamps: what the policies of the folders that a message lies in say of it.

A message that lies in several folders of a mailbox is kept by the one that keeps longest. A message that its owner
has moved to where no policy adjusts retention loses the task's stamp; one that was deleted, also one that lies in
Deleted Items where nothing is said of those, keeps it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mse_tui.archive.retention import after
from mse_tui.archive.stamps import Stamps, StampText
from mse_tui.archive.statements import chunked, select_in
from mse_tui.archive.verdicts import limits_of, received_in
from mse_tui.features.feature import MailboxRun
from mse_tui.features.policies import Governed, Policies

_AT_A_TIME = 2000
"""Items looked up together."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What the server says lies in the folders whose policies adjust retention."""

    folders: set[str] = field(default_factory=set)
    """Remote ids of the folders that were listed whole."""
    items: dict[str, str] = field(default_factory=dict)
    """Remote id of an item -> of the folder that it lies in."""


class Stamping:
    """The stamps of one task in one mailbox, in one run."""

    def __init__(  # noqa: PLR0913 (what stamps are made of)
        self,
        run: MailboxRun,
        policies: Policies,
        stamps: Stamps,
        listing: Listing,
        moment: datetime,
        *,
        dry_run: bool,
    ) -> None:
        """`moment` is the run's own: what is due, hidden and stamped is so at this time."""
        self._run = run
        self.mailbox_id = stamps.mailbox_id
        self.moment = moment
        self._policies = policies
        self._stamps = stamps
        self._listing = listing
        self._dry_run = dry_run
        self._default_days = limits_of(stamps.mailbox_id).default_days
        self._wanted: set[int] = set()
        """Messages that keep a stamp, or have got one, in this run."""

    def covers(self, remote_id: str) -> bool:
        """Whether an item lies in a folder whose policy adjusts retention."""
        return remote_id in self._listing.items

    def place(self, remote_ids: Iterable[str]) -> None:
        """Stamp the archive's messages of these items, which are in the listing."""
        for ids in chunked(list(remote_ids), _AT_A_TIME):
            self._run.journal.boundary()
            wanted = self._texts(self._lying(self._messages(ids)))
            self._wanted |= wanted.keys()
            changes = self._stamps.changes(wanted)
            self._count(changes)
            if changes and not self._dry_run:
                received = received_in(self.mailbox_id, changes)
                entries = {each: (text, after(received[each], self._default_days)) for each, text in changes.items()}
                self._stamps.put(entries, self.moment)

    def withdraw(self) -> None:
        """End the stamps on messages that lie where no policy adjusts retention, and nowhere else in the mailbox."""
        doubtful = [each for each in self._stamps.in_force if each not in self._wanted]
        moved = [
            message_id
            for message_id, lying in self._lying(doubtful, as_archived=True).items()
            if not any(each and each.policy.adjustment.adjusts for each in lying)
        ]
        if moved:
            self._run.journal.count("stamps_ended", len(moved))
            if not self._dry_run:
                self._stamps.end(moved, self.moment)

    def _count(self, changes: Mapping[int, StampText]) -> None:
        again = len(changes.keys() & self._stamps.in_force.keys())
        for counter, number in (("restamped", again), ("stamped", len(changes) - again)):
            if number:
                self._run.journal.count(counter, number)

    def _messages(self, remote_ids: Sequence[str]) -> list[int]:
        rows = select_in(
            "SELECT DISTINCT p.message_id FROM archive_folder f JOIN placement p ON p.folder_id = f.id"
            " WHERE f.mailbox_id = ? AND p.closed IS NULL AND p.remote_id IN ({values})",
            remote_ids,
            self.mailbox_id,
        )
        return list(dict.fromkeys(row[0] for row in rows))

    def _lying(self, message_ids: Iterable[int], *, as_archived: bool = False) -> dict[int, list[Governed | None]]:
        """Message -> what holds where it lies in the mailbox, None for a folder without a policy.

        Where an item was just listed, that is where it is, else where the archive last saw it; a place in a folder
        that was listed, but without the item, is none. `as_archived`: as the archive last saw it, whatever was listed.
        """
        found: dict[int, list[Governed | None]] = defaultdict(list)
        listing = Listing() if as_archived else self._listing
        for message_id, remote_id, folder_id in select_in(
            "SELECT p.message_id, p.remote_id, f.remote_id FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
            " WHERE f.mailbox_id = ? AND p.closed IS NULL AND p.message_id IN ({values})",
            message_ids,
            self.mailbox_id,
        ):
            lies_in = listing.items.get(remote_id)
            if lies_in is None and folder_id not in listing.folders:
                lies_in = folder_id
            governed = self._policies.of(lies_in) if lies_in is not None else None
            if lies_in is not None and not (governed and governed.counts_as_gone):
                found[message_id].append(governed)
        return found

    def _texts(self, lying: Mapping[int, Sequence[Governed | None]]) -> dict[int, StampText]:
        received = received_in(self.mailbox_id, lying)
        texts = {message_id: self._text(places, received[message_id]) for message_id, places in lying.items()}
        return {message_id: text for message_id, text in texts.items() if text is not None}

    def _text(self, places: Sequence[Governed | None], received: datetime) -> StampText | None:
        """What the policies of all places come to; a place whose policy says nothing keeps as the default does."""
        speaking = [each for each in places if each and each.policy.adjustment.adjusts]
        dates = [each.policy.adjustment.dates(received) for each in speaking]
        default = after(received, self._default_days)
        silent = len(places) - len(speaking)
        expire = _latest([expire for expire, _ in dates] + [None] * silent)
        purge = _latest([default if purge is None else purge for _, purge in dates] + [default] * silent)
        if all(purge is None for _, purge in dates):
            purge = None
        if expire is None and purge is None:
            return None
        words = dict.fromkeys(f"{each.source}: {each.policy}" for each in speaking)
        return StampText("; ".join(words), expire, purge)


def _latest(dates: Sequence[datetime | None]) -> datetime | None:
    """The latest of all; None where one of them is never."""
    latest: datetime | None = None
    for date in dates:
        if date is None:
            return None
        latest = date if latest is None or date > latest else latest
    return latest
