"""Distribution groups of an Exchange organisation, expanded by Exchange itself over EWS."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from mse_tui.directory.directory import Group, Level, Member, Membership, SkippedEntry
from mse_tui.exchange.mailbox import Exchange
from mse_tui.exchange.rows import DirectoryEntry, MailboxIdentity
from mse_tui.reasons import Problem, Reason

_GROUP = "PublicDL"
_KIND = "distribution group"


class ExchangeGroups:
    """`GroupDirectory` for a site without another one. EWS knows groups by their address alone, so that is the key."""

    def __init__(self, exchange: Exchange, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """The organisation is closed by its owner."""
        self._exchange = exchange
        self._now = now

    def find(self, text: str, limit: int = 50) -> list[Group]:
        """Groups whose name or address begins with the text, as far as Exchange lists them."""
        if not text.strip():
            return []
        return [_group(entry) for entry in self._exchange.find_groups(text.strip())[:limit]]

    def browse(self, where: str = "") -> Level:
        """Nothing: Exchange Web Services list no groups, they only find them."""
        if where:
            raise Problem(Reason.NOT_FOUND, f"Exchange has no container {where!r}.")
        return Level((), ())

    def group(self, text: str) -> Group:
        """The group with this address. Raises Problem group-not-found."""
        address = text.strip().lower()
        if "@" not in address:
            raise Problem(Reason.GROUP_NOT_FOUND, f"{text.strip()!r} is not the address of a distribution group.")
        found = self._exchange.find_groups(address)
        if len(found) != 1:
            raise Problem(Reason.GROUP_NOT_FOUND, f"Exchange has no distribution group with the address {address}.")
        return _group(found[0])

    def members(self, key: str) -> Membership:
        """All members of the group with this address, nested groups expanded, each once; see `GroupDirectory.members`.

        Every group must expand to its end: one that fails makes the whole answer an error.
        """
        group = self.group(key)
        included: dict[str, Member] = {}
        skipped: dict[str, SkippedEntry] = {}
        waiting, seen = deque([group.address]), {group.address}
        while waiting:
            for entry in self._exchange.expand(waiting.popleft()):
                if entry.kind == _GROUP and entry.address:
                    if entry.address not in seen:
                        seen.add(entry.address)
                        waiting.append(entry.address)
                elif entry.kind == "Mailbox" and entry.address:
                    included.setdefault(entry.address, Member(entry.address, entry.name))
                else:
                    reason = _skipped(entry)
                    skipped.setdefault(reason.entry, reason)
        return Membership(
            included=tuple(sorted(included.values())),
            skipped=tuple(entry for _, entry in sorted(skipped.items())),
            resolved_at=self._now(),
            resolved_by=f"{_KIND}, expanded by Exchange",
            group=group,
        )

    def standing(self, address: str) -> SkippedEntry | None:
        """None: Exchange decides when the mailbox is opened."""
        return None

    def mailbox(self, text: str) -> MailboxIdentity:
        """The mailbox with this address: Exchange Web Services know no other names."""
        return self._exchange.resolve(text)

    def close(self) -> None:
        """Nothing of its own is open."""


def _group(entry: DirectoryEntry) -> Group:
    return Group(key=entry.address, name=entry.name or entry.address, address=entry.address, kind=_KIND)


def _skipped(entry: DirectoryEntry) -> SkippedEntry:
    name = entry.address or entry.name
    if not entry.address:
        message = f"{name} has no internet mail address in the distribution group."
        return SkippedEntry(name, Reason.ADDRESS_INVALID, message)
    if entry.kind == "Contact":
        return SkippedEntry(name, Reason.CONTACT, f"{name} is a contact, with a mailbox in another organisation.")
    if entry.kind in ("OneOff", "Unknown"):
        return SkippedEntry(name, Reason.MAILBOX_ELSEWHERE, f"{name} has no mailbox in this organisation.")
    return SkippedEntry(name, Reason.NO_MAILBOX, f"{name} is no person's mailbox ({entry.kind}).")
