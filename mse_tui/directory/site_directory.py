"""All directories of a site behind one: who is asked about which group."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from mse_tui.directory.addresses import AddressDirectory, parse_addresses, valid_addresses
from mse_tui.directory.directory import (
    Group,
    GroupDirectory,
    GroupReference,
    Level,
    Membership,
    SkippedEntry,
)
from mse_tui.directory.references import Given, check_text, given, missing, refused
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import GroupKind, SiteBinding

_LISTED = 50
_LOOKED_THROUGH = 1000
"""Groups among which one with exactly the name is looked for."""


class SiteDirectory:
    """`Directory` of one site: addresses by Exchange, groups by Active Directory, Microsoft 365 or Exchange.

    A group resolved before is asked for by its key, of the directory that knew it then. What is new is told apart by
    its looks; one address may be a mailbox's or a group's.
    """

    def __init__(
        self,
        resolve_address: Callable[[str], MailboxIdentity],
        binding: SiteBinding = SiteBinding.EXCHANGE_SERVER,
        directories: Mapping[GroupKind, GroupDirectory] | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """It owns the directories and closes them. `resolve_address` is that of Exchange, or Microsoft 365's."""
        self._binding = binding
        self._directories = dict(directories or {})
        self._resolve_address = resolve_address
        self._addresses = AddressDirectory(self._mailbox_with, now)

    @property
    def kinds(self) -> frozenset[GroupKind]:
        """The directories that are configured."""
        return frozenset(self._directories)

    def of_kind(self, kind: GroupKind) -> GroupDirectory | None:
        """The directory of this kind; None where it is not configured."""
        return self._directories.get(kind)

    def resolve(self, group: GroupReference) -> Membership:
        """The mailboxes of a group, by whoever knows it. Raises Problem as `Directory.resolve`."""
        check_text(group.text)
        if group.kind is GroupKind.UNKNOWN:
            return self._resolve_new(group.text)
        if group.kind is GroupKind.ADDRESSES:
            return self._addresses.resolve(group.text)
        return self._members(group.kind, group.key, group.shown)

    def standing(self, address: str) -> SkippedEntry | None:
        """Asked of the directory that the site is bound to, where it is configured; else Exchange decides alone."""
        own = self._directories.get(self._own_kind)
        return None if own is None else own.standing(address)

    def mailbox(self, text: str) -> MailboxIdentity:
        """By the site's own directory where it is configured, else by Exchange, which knows addresses alone."""
        check_text(text)
        kind = given(text)
        if kind is Given.DISTINGUISHED_NAME:
            if self._is_refused(GroupKind.ACTIVE_DIRECTORY):
                raise refused(text)
            directory = self._directories.get(GroupKind.ACTIVE_DIRECTORY)
            if directory is None:
                raise Problem(
                    Reason.DIRECTORY_MISSING,
                    "Active Directory alone knows distinguished names, and this site is not configured for it.",
                    "Name the mailbox by its address, or fill in [active_directory] in the configuration.",
                )
            return directory.mailbox(text.strip())
        if kind is not Given.ADDRESSES:
            raise Problem(
                Reason.MAILBOX_NOT_FOUND,
                f"{text.strip()!r} names no mailbox.",
                "Give its address, its user principal name or its distinguished name.",
            )
        (address, *others) = valid_addresses(text)
        if others:
            raise Problem(Reason.ADDRESS_INVALID, f"{text!r} is more than one address.", "Name one mailbox at a time.")
        own = self._directories.get(self._own_kind)
        return self._resolve_address(address) if own is None else own.mailbox(address)

    def find(self, text: str, limit: int = _LISTED) -> list[Group]:
        """Groups of all directories, the site's own first."""
        check_text(text)
        found: list[Group] = []
        for kind in self._kinds_to_ask():
            if len(found) < limit:
                found += self._directories[kind].find(text, limit - len(found))
        return found

    def browse(self, where: str = "") -> Level:
        """What lies in a container of the site's own directory, else of the other one."""
        check_text(where)
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
        """Exchange is asked about its groups where no Active Directory is, which knows them all."""
        usable = [kind for kind in self._directories if not self._is_refused(kind)]
        if GroupKind.ACTIVE_DIRECTORY in usable and GroupKind.EXCHANGE in usable:
            usable.remove(GroupKind.EXCHANGE)
        return sorted(usable, key=lambda kind: kind is not self._own_kind)

    def _is_refused(self, kind: GroupKind) -> bool:
        return kind is GroupKind.ACTIVE_DIRECTORY and self._binding is SiteBinding.MICROSOFT_365

    def _mailbox_with(self, address: str) -> MailboxIdentity:
        """The mailbox with an address; else the one whose owner signs in with it, if the site's directory knows."""
        try:
            return self._resolve_address(address)
        except Problem as problem:
            own = self._directories.get(self._own_kind)
            if problem.reason is not Reason.MAILBOX_NOT_FOUND or own is None:
                raise
            try:
                named = own.mailbox(address)
            except Problem as other:
                if other.reason is not Reason.MAILBOX_NOT_FOUND:
                    raise
                raise problem from other
        if named.address == address:
            raise Problem(Reason.MAILBOX_NOT_FOUND, f"Exchange has no mailbox with the address {address}.")
        return self._resolve_address(named.address)

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
        called = [(kind, key) for kind in self._kinds_to_ask() if (key := self._key_of_name(kind, name))]
        if len(called) == 1:
            return self._members(*called[0], name)
        if called:
            both = " and ".join(kind.label for kind, _ in called)
            raise Problem(Reason.GROUP_AMBIGUOUS, f"Groups of {both} are called {name!r}.")
        raise Problem(
            Reason.GROUP_NOT_FOUND,
            f"No group is called {name!r}.",
            "Look for it by the beginning of its name, or give its address or distinguished name.",
        )

    def _key_of_name(self, kind: GroupKind, name: str) -> str:
        """The key of the only group of a directory that is called so; '' where there is none."""
        directory = self._directories[kind]
        try:
            return directory.group(name).key
        except Problem as problem:
            if problem.reason is not Reason.GROUP_NOT_FOUND:
                raise
        alike = directory.find(name, _LOOKED_THROUGH)
        if len(alike) >= _LOOKED_THROUGH:
            raise Problem(Reason.GROUP_AMBIGUOUS, f"Too many groups have {name!r} in their name.")
        called = [group for group in alike if group.name.casefold() == name.casefold()]
        if len(called) > 1:
            where = "; ".join(group.where or group.address or group.key for group in called)
            raise Problem(Reason.GROUP_AMBIGUOUS, f"{len(called)} groups are called {name!r}: {where}.")
        return called[0].key if called else ""

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
