"""How long a message is kept: policies, stamps, limits and holds as arithmetic. Reads and writes nothing.

A day is 24 hours from the moment of receipt, so that no zone and no clock change moves a date. A message goes when the
last mailbox that has it lets it go; in a mailbox, the stamp that lasts longest decides; a hold beats all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

QUARANTINE_DAYS = 30
"""Between the two stages of a purge, unless the settings say otherwise."""
LONGEST_DAYS = 36_500
"""The longest that any setting or policy may say: a hundred years."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the archive's settings say for a mailbox."""

    minimum_days: int = 0
    maximum_days: int | None = None
    default_days: int | None = None
    """When what no stamp speaks of is purged; None: never."""
    quarantine_days: int = QUARANTINE_DAYS

    def is_shorter_than(self, other: "Limits") -> bool:
        """Whether anything may go sooner by these than by the others. What a default purges is approved."""
        return self.minimum_days < other.minimum_days or self.quarantine_days < other.quarantine_days

    def objection(self, days: int) -> str:
        """What is wrong with keeping a message for so many days; '' where nothing is."""
        if days < self.minimum_days:
            return f"The archive keeps for {self.minimum_days} days at least; {days} days are shorter."
        if self.maximum_days is not None and days > self.maximum_days:
            return f"The archive keeps for {self.maximum_days} days at most; {days} days are longer."
        return ""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a folder's policy says of the archive's retention, in days since received; None: nothing."""

    expire_view_days: int | None = None
    purge_days: int | None = None

    @property
    def adjusts(self) -> bool:
        return self.expire_view_days is not None or self.purge_days is not None

    def dates(self, received: datetime) -> tuple[datetime | None, datetime | None]:
        """When a message received then leaves its owner's view, and when the archive may let it go."""
        return after(received, self.expire_view_days), after(received, self.purge_days)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stamp in force, as far as it decides."""

    label: str
    """Whose it is, for people."""
    expire_view: datetime | None
    purge: datetime | None
    approved: bool
    """A second person has approved the very content that the stamp came from."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What one mailbox says of one message."""

    until: datetime | None
    """It lets the message go from then on; None: never, as things stand."""
    because: str


def after(moment: datetime, days: int | None) -> datetime | None:
    """So many times 24 hours after a moment."""
    return None if days is None else moment + timedelta(days=days)


def keeping(received: datetime, limits: Limits, stamps: Sequence[Stamp], *, default_approved: bool) -> Keeping:
    """Until when a mailbox keeps a message: the last of its stamps allows it, never before the archive's minimum.

    A stamp that nobody has approved allows nothing, whatever the others say: it may be there to keep longer.
    """
    speaking = [stamp for stamp in stamps if stamp.purge is not None]
    waiting = next((stamp for stamp in speaking if not stamp.approved), None)
    if waiting is not None:
        return Keeping(None, f"{waiting.label} waits for a second person's approval")
    if speaking:
        last = max(speaking, key=lambda stamp: stamp.purge or received)
        until, because = last.purge, last.label
    elif limits.default_days is not None:
        if not default_approved:
            return Keeping(None, "the default retention waits for a second person's approval")
        until = after(received, limits.default_days)
        because = f"the default retention of {limits.default_days} days"
    else:
        return Keeping(None, "no retention ends: there is no default, and no stamp speaks of purging")
    earliest = received + timedelta(days=limits.minimum_days)
    if until is not None and until < earliest:
        return Keeping(earliest, f"the minimum retention of {limits.minimum_days} days")
    return Keeping(until, because)


def last_to_let_go(keepings: Sequence[Keeping]) -> Keeping:
    """What holds for a message that several mailboxes have: the last one decides."""
    if not keepings:
        return Keeping(None, "no mailbox has it")
    last = keepings[0]
    for each in keepings[1:]:
        if last.until is not None and (each.until is None or each.until > last.until):
            last = each
    return last


def leaves_view(stamps: Sequence[Stamp]) -> datetime | None:
    """From when on a message is not in its owner's view: the last of the stamps decides; None: it stays."""
    dates = [stamp.expire_view for stamp in stamps]
    expiring = [date for date in dates if date is not None]
    return max(expiring) if expiring and len(expiring) == len(dates) else None


def nearest(chain: Sequence[str], policies: dict[str, int]) -> int | None:
    """Which policy a folder has: that of the nearest folder up the tree that has one, itself first.

    `chain` are the folder and those above it, nearest first; `policies` say which of them has which.
    """
    return next((policies[each] for each in chain if each in policies), None)
