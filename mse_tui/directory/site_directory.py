"""All directories of a site behind one: who is asked about which group."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from mse_tui.directory.addresses import AddressDirectory, parse_addresses
from mse_tui.directory.directory import (
    Group,
    GroupDirectory,
    GroupReference,
    Level,
    Membership,
    SkippedEntry,
)
from mse_tui.directory.references import Given, given, missing, refused
from mse_tui.exchange.mailbox import Exchange
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import GroupKind, SiteBinding

_LISTED = 50
_LOOKED_THROUGH = 1000
"""Groups among which one with exactly the name is looked for."""


class SiteDirectory:
    """`Directory` of one site: addresses by Exchange, groups by Active Directory or Microsoft 365.

    A group resolved before is asked for by its key, of the directory that knew it then. What is new is told apart by
    its looks; one address may be a mailbox's or a group's.
    """

    def __init__(
        self,
        exchange: Exchange,
        binding: SiteBinding = SiteBinding.EXCHANGE_SERVER,
        directories: Mapping[GroupKind, GroupDirectory] | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """It owns the directories and closes them."""
        self._binding = binding
        self._directories = dict(directories or {})
        self._addresses = AddressDirectory(exchange, now)
        self._now = now

    @property
    def kinds(self) -> frozenset[GroupKind]:
        """The directories that are configured."""
        return frozenset(self._directories)

    def resolve(self, group: GroupReference) -> Membership:
        """The mailboxes of a group, by whoever knows it. Raises Problem as `Directory.resolve`."""
        if group.kind in (GroupKind.ACTIVE_DIRECTORY, GroupKind.MICROSOFT_365):
            return self._members(group.kind, group.key, group.shown)
        if group.kind is GroupKind.ADDRESSES:
            return self._addresses.resolve(group.text)
        return self._resolve_new(group.text)

    def standing(self, address: str) -> SkippedEntry | None:
        """Asked of the directory that the site is bound to, where it is configured; else Exchange decides alone."""
        own = self._directories.get(self._own_kind)
        return None if own is None else own.standing(address)

    def find(self, text: str, limit: int = _LISTED) -> list[Group]:
        """Groups of all directories, the site's own first."""
        found: list[Group] = []
        for kind in self._kinds_to_ask():
            if len(found) < limit:
                found += self._directories[kind].find(text, limit - len(found))
        return found

    def browse(self, where: str = "") -> Level:
        """What lies in a container of the site's own directory, else of the other one."""
        return self._directories[self._kinds_to_ask()[0]].browse(where)

    def close(self) -> None:
        """Close all directories."""
        for directory in self._directories.values():
            directory.close()

    @property
    def _own_kind(self) -> GroupKind:
        is_cloud = self._binding is SiteBinding.MICROSOFT_365
        return GroupKind.MICROSOFT_365 if is_cloud else GroupKind.ACTIVE_DIRECTORY

    def _kinds_to_ask(self) -> list[GroupKind]:
        """The configured directories, the site's own first. Raises Problem directory-missing when there is none."""
        kinds = self._usable_kinds()
        if not kinds:
            raise missing(GroupKind.UNKNOWN)
        return kinds

    def _usable_kinds(self) -> list[GroupKind]:
        usable = [kind for kind in self._directories if not self._is_refused(kind)]
        return sorted(usable, key=lambda kind: kind is not self._own_kind)

    def _is_refused(self, kind: GroupKind) -> bool:
        return kind is GroupKind.ACTIVE_DIRECTORY and self._binding is SiteBinding.MICROSOFT_365

    def _resolve_new(self, text: str) -> Membership:
        kind = given(text)
        if kind is Given.DISTINGUISHED_NAME:
            return self._members(GroupKind.ACTIVE_DIRECTORY, text, text)
        if kind is Given.GUID:
            return self._members(self._own_kind, text, text)
        if kind is Given.NAME:
            return self._members_by_name(text.strip())
        return self._members_by_address(text)

    def _members(self, kind: GroupKind, text: str, shown: str) -> Membership:
        if self._is_refused(kind):
            raise refused(shown)
        directory = self._directories.get(kind)
        if directory is None:
            raise missing(kind)
        group = directory.group(text)
        return replace(directory.members(group.key), kind=kind, group=group)

    def _members_by_name(self, name: str) -> Membership:
        alike: list[tuple[GroupKind, Group]] = []
        for kind in self._kinds_to_ask():
            found = self._directories[kind].find(name, _LOOKED_THROUGH)
            alike += [(kind, group) for group in found if group.name.casefold() == name.casefold()]
            if len(found) >= _LOOKED_THROUGH:
                raise Problem(Reason.GROUP_AMBIGUOUS, f"Too many groups have {name!r} in their name.")
        if not alike:
            raise Problem(
                Reason.GROUP_NOT_FOUND,
                f"No group is called {name!r}.",
                "Look for it with mse-tui group find, or give its address or distinguished name.",
            )
        if len(alike) > 1:
            where = "; ".join(group.where or group.address or group.key for _, group in alike)
            raise Problem(Reason.GROUP_AMBIGUOUS, f"{len(alike)} groups are called {name!r}: {where}.")
        kind, group = alike[0]
        return self._members(kind, group.key, name)

    def _members_by_address(self, text: str) -> Membership:
        """A mailbox's address, else a group's; a list is one of mailboxes."""
        found = self._addresses.resolve(text)
        addresses = parse_addresses(text).addresses
        if found.included or len(addresses) != 1:
            return found
        for kind in self._usable_kinds():
            try:
                return self._members(kind, addresses[0], addresses[0])
            except Problem as problem:
                if problem.reason is not Reason.GROUP_NOT_FOUND:
                    raise
        return found
