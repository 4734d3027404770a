"""Trustees of Exchange Server, asked of Active Directory: by security identifier, and by a mailbox's own descriptor."""

from collections import Counter
from typing import Protocol

from mse_tui.access.trustees import Trustee
from mse_tui.directory.ad_accounts import Account, MailboxAccess
from mse_tui.directory.security_descriptors import Effect, Entry, SecurityDescriptor, read_descriptor
from mse_tui.directory.trustees import FullAccess, GroupExpander, GroupUnknown, People, expanded, unknown
from mse_tui.reasons import Problem, Reason

_FULL_ACCESS = 0x0000_0001
"""The mailbox right of this name among the object-specific rights of a mailbox's descriptor."""
_GENERIC_ALL = 0x1000_0000
_DOMAIN_ACCOUNT = "S-1-5-21-"
"""How identifiers of accounts and groups of a domain begin; all others are Windows's own."""
_EVERYBODY = frozenset({"S-1-1-0", "S-1-5-11"})
"""Everyone, Authenticated Users."""


class AccountReader(Protocol):
    """What of Active Directory's accounts is needed here."""

    def by_sid(self, sids: list[str]) -> dict[str, Account]:
        """As `ad_accounts.Accounts.by_sid`."""
        ...


class ActiveDirectoryTrustees:
    """`TrusteeResolver` by security identifier, asked of Active Directory."""

    def __init__(self, accounts: AccountReader, groups: GroupExpander) -> None:
        self._accounts = accounts
        self._groups = groups

    def people(self, trustee: Trustee) -> People:
        """As `TrusteeResolver.people`."""
        account = self._accounts.by_sid([trustee.sid]).get(trustee.sid.upper()) if trustee.sid else None
        if account is None:
            raise unknown(trustee)
        if account.is_group:
            group = account.address or account.name
            try:
                return expanded(self._groups.members(account.key), group)
            except Problem as problem:
                raise GroupUnknown(problem, group) from problem
        if not account.address:
            raise unknown(trustee, f"{account.name} has no mail address.")
        return People((account.address,))


class MailboxAccessReader(Protocol):
    """What of Active Directory is needed here."""

    def mailbox_access(self, address: str) -> MailboxAccess:
        """As `ad_accounts.Accounts.mailbox_access`."""
        ...


class ActiveDirectoryFullAccess:
    """`FullAccessSource` of Exchange Server: msExchMailboxSecurityDescriptor of the mailbox's account.

    msExchDelegateListLink says in whose Outlook the mailbox appears by itself. It gives no access: a link without an
    entry in the descriptor is counted, and nobody is let in by it.
    """

    def __init__(self, accounts: MailboxAccessReader) -> None:
        self._accounts = accounts

    def full_access(self, address: str) -> FullAccess:
        """As `FullAccessSource.full_access`."""
        found = self._accounts.mailbox_access(address)
        if not found.descriptor:
            raise Problem(
                Reason.FULL_ACCESS_UNKNOWN,
                f"Active Directory shows no security descriptor of the mailbox {address}.",
                "Let the directory's account read msExchMailboxSecurityDescriptor; mse-tui doctor checks the account.",
            )
        return judge(read_descriptor(found.descriptor), found.owner, found.delegates)


def judge(descriptor: SecurityDescriptor, owner: Account, linked: tuple[Account, ...] = ()) -> FullAccess:
    """What a mailbox's descriptor says about Full Access. Raises Problem full-access-unknown where it has no list.

    Without a list everybody would have access; Exchange writes none like that, so it is not believed.
    """
    if descriptor.entries is None:
        raise Problem(Reason.FULL_ACCESS_UNKNOWN, f"The security descriptor of {owner.address} has no access list.")
    ignored: Counter[Reason] = Counter()
    allowed: dict[str, Trustee] = {}
    denied: dict[str, Trustee] = {}
    everybody_denied = False
    for entry in descriptor.entries:
        if not _is_about_full_access(entry):
            continue
        if entry.inherited:
            ignored[Reason.TRUSTEE_SYSTEM] += 1
        elif entry.effect is Effect.DENY and entry.sid in _EVERYBODY:
            everybody_denied = True
        elif not entry.sid.startswith(_DOMAIN_ACCOUNT) or entry.sid == owner.sid:
            ignored[Reason.TRUSTEE_SYSTEM] += 1
        else:
            chosen = denied if entry.effect is Effect.DENY else allowed
            chosen.setdefault(entry.sid, Trustee(sid=entry.sid))
    unbacked = sum(account.sid not in allowed for account in linked)
    if unbacked:
        ignored[Reason.LINK_WITHOUT_ACCESS] += unbacked
    return FullAccess(tuple(allowed.values()), tuple(denied.values()), everybody_denied, ignored)


def _is_about_full_access(entry: Entry) -> bool:
    """Whether an entry gives or denies Full Access itself. In doubt it denies, and never gives."""
    if entry.inherit_only or not entry.mask & (_FULL_ACCESS | _GENERIC_ALL):
        return False
    if entry.effect is Effect.ALLOW:
        return not entry.conditional and entry.object_type is None
    return entry.effect is Effect.DENY
