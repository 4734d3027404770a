"""The practice organisation's directory in the cloud: users, groups and contacts as Microsoft Entra ID holds them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from mse_tui.sandbox.company import Company, company
from mse_tui.sandbox.mailstore import MailStore

LICENSED = ("EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_FOUNDATION")
"""Service plans of somebody with a mailbox licence, as most subscriptions bring them."""

PLAN_IDS = {
    "EXCHANGE_S_STANDARD": "9aaf7827-d63c-4b61-89c3-182f06f82e5c",
    "EXCHANGE_S_ENTERPRISE": "efb87545-963c-4e0d-99df-69c6916d9eb0",
    "EXCHANGE_S_FOUNDATION": "113feb6c-3fe4-4440-bddc-54d774bf0318",
    "EXCHANGE_S_ARCHIVE_ADDON": "176a09a6-7ec5-4039-ac02-b2791c6ba793",
}
"""Ids of service plans (Microsoft's list of product names and service plan identifiers); others get made-up ones."""


@dataclass(slots=True)
class User:
    """A user; shared, room and equipment mailboxes are users whose accounts are disabled."""

    id: str
    name: str
    address: str
    """Primary SMTP address; '' where there is none."""
    aliases: tuple[str, ...] = ()
    purpose: str = "user"
    """The mailbox's: user, linked, shared, room, equipment or others; '' where there is no mailbox."""
    enabled: bool = True
    plans: tuple[str, ...] = LICENSED
    department: str = ""
    title: str = ""
    guest: bool = False
    plan_status: str = "Enabled"
    """capabilityStatus of its plans."""


@dataclass(slots=True)
class Contact:
    """A mail contact: somebody outside."""

    id: str
    name: str
    address: str


@dataclass(slots=True)
class Device:
    """A device, which may be a member of a security group too."""

    id: str
    name: str


@dataclass(slots=True)
class Group:
    """A group. `kind`: unified, distribution, mail-security, security, or dynamic (a dynamic distribution list)."""

    id: str
    name: str
    address: str = ""
    aliases: tuple[str, ...] = ()
    kind: str = "distribution"
    members: tuple[str, ...] = ()
    """Ids of direct members; those of a dynamic list are its computed ones."""
    hidden: bool = False
    """Its membership is hidden: without Member.Read.Hidden it looks empty."""


Entry = User | Group | Contact | Device


@dataclass(slots=True)
class Tenant:
    """One tenant's directory. Dynamic distribution lists are Exchange's alone: Graph does not know them."""

    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Tenant":
        """A tenant with these entries, in this order."""
        return cls({entry.id: entry for entry in entries})

    def users(self) -> Iterator[User]:
        """All users."""
        return (entry for entry in self.entries.values() if isinstance(entry, User))

    def groups(self) -> Iterator[Group]:
        """All groups that Graph shows."""
        return (entry for entry in self.entries.values() if isinstance(entry, Group) and entry.kind != "dynamic")

    def exchange_groups(self) -> Iterator[Group]:
        """All groups with an address: those that Exchange shows."""
        return (entry for entry in self.entries.values() if isinstance(entry, Group) and entry.address)

    def members(self, group: Group) -> list[Entry]:
        """The direct members that Graph shows."""
        found = [self.entries[key] for key in group.members if key in self.entries]
        return [one for one in found if not (isinstance(one, Group) and one.kind == "dynamic")]

    def transitive_members(self, group: Group) -> list[Entry]:
        """Everybody below the group, groups included, each once."""
        found: dict[str, Entry] = {}
        waiting = [group]
        while waiting:
            for member in self.members(waiting.pop(0)):
                if member.id in found:
                    continue
                found[member.id] = member
                if isinstance(member, Group):
                    waiting.append(member)
        return list(found.values())

    def groups_with(self, key: str) -> list[Group]:
        """The groups that this entry is a direct member of."""
        return [group for group in self.groups() if key in group.members]

    def transitive_groups_with(self, key: str) -> list[Group]:
        """The groups that this entry is a member of, however deep."""
        found: dict[str, Group] = {}
        waiting = [key]
        while waiting:
            for group in self.groups_with(waiting.pop(0)):
                if group.id not in found:
                    found[group.id] = group
                    waiting.append(group.id)
        return list(found.values())


def stable_id(address: str) -> str:
    """The id of whoever has this address; the same at every start."""
    return str(uuid5(NAMESPACE_DNS, address.lower()))


def tenant_of(store: MailStore, firm: Company | None = None) -> Tenant:
    """The directory of an organisation: its mailboxes and groups as they are now, guests and contacts.

    Who has a mailbox and is not disabled has a licence, unless the mailbox's setting `licensed` says otherwise.
    """
    firm = firm or company()
    users: list[Entry] = list(_users(store))
    outside: list[Entry] = [
        User(stable_id(one.address), one.name, one.address, purpose="", plans=(), guest=True) for one in firm.guests()
    ]
    known = {one.address for one in firm.guests()}
    outside += [
        Contact(stable_id(one.address), one.name, one.address)
        for one in firm.correspondents
        if one.address not in known
    ]
    groups = [
        Group(
            id=stable_id(row["address"]),
            name=row["name"],
            address=row["address"],
            aliases=tuple(row["aliases"]),
            kind=row.get("kind", "distribution"),
            members=tuple(stable_id(address) for address in [*row["members"], *row.get("outside", ())]),
        )
        for row in store.setting(0, "groups") or []
    ]
    return Tenant.of([*users, *outside, *groups])


def _users(store: MailStore) -> Iterator[User]:
    addresses: dict[int, list[str]] = defaultdict(list)
    settings: dict[tuple[int, str], Any] = {}
    with store.reading() as connection:
        for row in connection.execute("SELECT mailbox, address FROM alias ORDER BY address"):
            addresses[row["mailbox"]].append(row["address"])
        for row in connection.execute("SELECT mailbox, key, value FROM setting WHERE key IN ('person', 'licensed')"):
            settings[row["mailbox"], row["key"]] = json.loads(row["value"])
    for mailbox in store.mailboxes():
        person = settings.get((mailbox.id, "person")) or {}
        is_person = mailbox.kind == "user" and not mailbox.disabled
        yield User(
            id=stable_id(mailbox.address),
            name=mailbox.name,
            address=mailbox.address,
            aliases=tuple(one for one in addresses[mailbox.id] if one != mailbox.address),
            purpose=mailbox.kind,
            enabled=is_person,
            plans=LICENSED if settings.get((mailbox.id, "licensed"), is_person) else (),
            department=person.get("department", ""),
            title=person.get("title", ""),
        )
