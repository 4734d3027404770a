"""Whom a permission names: the people behind accounts and groups, and who has Full Access. The seams; who answers is
Active Directory (`ad_trustees`), Exchange (`exchange_trustees`), and for Exchange Online what would stand beside them.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from mse_tui.access.trustees import Trustee
from mse_tui.directory.directory import Group, Membership
from mse_tui.reasons import Problem, Reason

_UNSEEN = (Reason.FOREIGN_MEMBER, Reason.MEMBER_UNREADABLE)


@dataclass(frozen=True, slots=True)
class People:
    """Who is behind a trustee."""

    addresses: tuple[str, ...]
    """Primary SMTP addresses, lower case, each once."""
    group: str = ""
    """The group that they are in, as people know it; '' where the trustee is a person."""
    left_out: tuple[str, ...] = ()
    """Addresses of members whom the group does not let in (disabled, mailbox elsewhere), but whom its Deny is about."""
    unseen: int = 0
    """Members about whom nothing is known here."""


@dataclass(frozen=True, slots=True)
class FullAccess:
    """Who may open a mailbox as its owner does."""

    allowed: tuple[Trustee, ...]
    denied: tuple[Trustee, ...]
    """Deny wins, over whatever else lets them in."""
    everybody_denied: bool = False
    """Nobody but the owner has it, whoever is allowed."""
    ignored: Counter[Reason] = field(default_factory=Counter)
    """Entries that say nothing about a person, by why: the owner's own, Windows's accounts, inherited ones."""


class GroupUnknown(Problem):
    """Who is in a group is not known."""

    def __init__(self, problem: Problem, group: str) -> None:
        super().__init__(problem.reason, problem.happened, problem.remedy)
        self.group = group
        """As `People.group`."""


class TrusteeResolver(Protocol):
    """Whoever knows the people behind trustees."""

    def people(self, trustee: Trustee) -> People:
        """The people behind a trustee, all of them, read fresh.

        Raises Problem trustee-unknown where nobody is behind it (any more); any other Problem means that it is not
        known, and nobody may be let in by it; GroupUnknown where it is known which group it is.
        """
        ...


class FullAccessSource(Protocol):
    """Whoever knows who has Full Access."""

    def full_access(self, address: str) -> FullAccess:
        """Who has Full Access to the mailbox with this address.

        Raises Problem full-access-unknown where it can't be known, mailbox-not-found, and when nobody could be asked.
        """
        ...


class GroupExpander(Protocol):
    """What of a `GroupDirectory` is needed here."""

    def group(self, text: str) -> Group:
        """As `GroupDirectory.group`."""
        ...

    def members(self, key: str) -> Membership:
        """As `GroupDirectory.members`."""
        ...


def expanded(found: Membership, group: str) -> People:
    """The people of a group."""
    return People(
        addresses=tuple(member.address for member in found.included),
        group=group,
        left_out=tuple(skipped.entry.lower() for skipped in found.skipped if "@" in skipped.entry),
        unseen=sum(skipped.reason in _UNSEEN for skipped in found.skipped),
    )


def unknown(trustee: Trustee, happened: str = "") -> Problem:
    """Nobody is behind this trustee (any more)."""
    return Problem(Reason.TRUSTEE_UNKNOWN, happened or f"Nobody is behind {trustee.label} any more.")
