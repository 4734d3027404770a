"""Single accounts of Active Directory: behind security identifiers, with access to a mailbox, signing in."""

from collections.abc import Iterable
from dataclasses import dataclass

from mse_tui.directory.ad_recipients import ATTRIBUTES, has_address, is_disabled, is_group, name_of, primary_address
from mse_tui.directory.ldap_names import components, is_distinguished_name, is_within, sid_octets, sid_text
from mse_tui.directory.ldap_search import Entry, Search, all_of, any_of, equal
from mse_tui.directory.ldap_servers import DirectoryServers, Domain
from mse_tui.reasons import Problem, Reason

_AT_ONCE = 50
_ATTRIBUTES = (*ATTRIBUTES, "msExchMasterAccountSid", "sIDHistory")


@dataclass(frozen=True, slots=True)
class Account:
    """A person or a group, as a trustee or as somebody who signs in."""

    key: str
    """objectGUID; for a group what `ActiveDirectory.members` expands."""
    sid: str
    """S-1-5-21-...; '' where it has none (a distribution group)."""
    name: str
    address: str
    """Primary SMTP address, lower case; '' where it has none."""
    is_group: bool
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class MailboxAccess:
    """What the directory holds about who may open a mailbox."""

    owner: Account
    descriptor: bytes
    """msExchMailboxSecurityDescriptor: a self-relative security descriptor ([MS-DTYP] 2.4.6); b'' where none."""
    delegates: tuple[Account, ...]
    """msExchDelegateListLink: who has full access with the mailbox shown in Outlook by itself."""


class Accounts:
    """Questions about single accounts. Thread-safe. What people type is never part of a question but a value in it."""

    def __init__(self, servers: DirectoryServers) -> None:
        self._servers = servers

    def by_sid(self, sids: Iterable[str]) -> dict[str, Account]:
        """The accounts behind security identifiers (S-1-...); those unknown here are left out.

        Found as well: the account of a linked mailbox by its owner's identifier in the other forest, and a migrated
        account by an identifier that it had before. Raises Problem when the directory could not be asked.
        """
        wanted = {sid.upper(): octets for sid in sids if (octets := sid_octets(sid)) is not None}
        return self._servers.ask(lambda search, domain: _by_sid(search, domain, wanted))

    def mailbox_access(self, address: str) -> MailboxAccess:
        """Who may open the mailbox with this address, as Exchange wrote it into the directory.

        Raises Problem mailbox-not-found; and when the directory could not be asked.
        """
        return self._servers.ask(lambda search, domain: _mailbox_access(search, domain, address))

    def mailbox(self, text: str) -> Account:
        """Whose mailbox an address, a user principal name or a distinguished name means; an address counts first.

        Raises Problem mailbox-not-found; and when the directory could not be asked.
        """
        return self._servers.ask(lambda search, domain: _mailbox(search, domain, text.strip()))

    def sign_in(self, user: str, password: str) -> Account | None:
        """The person whose name and password these are; None where the directory refuses them, whatever the reason.

        The name is a user principal name, an address, or an account name with or without its domain. How often a person
        may try is for the caller to limit. Raises Problem when the directory could not be asked.
        """
        if not user.strip() or "\0" in user or not password:
            return None
        found = self._servers.ask(lambda search, domain: _people_called(search, domain, user.strip()))
        if len(found) != 1:
            return None
        person = found[0]
        return _account(person) if self._servers.accepts(person.name, password) else None

    def address_of(self, user: str, password: str) -> str | None:
        """The mail address of who signs in, '' for an account without one; None as `sign_in`."""
        account = self.sign_in(user, password)
        return None if account is None else account.address


def _by_sid(search: Search, domain: Domain, wanted: dict[str, bytes]) -> dict[str, Account]:
    attributes = ["objectSid", "sIDHistory"] + (["msExchMasterAccountSid"] if domain.has_exchange else [])
    found: dict[str, Account] = {}
    sids = list(wanted)
    for start in range(0, len(sids), _AT_ONCE):
        octets = [wanted[sid] for sid in sids[start : start + _AT_ONCE]]
        condition = any_of(equal(attribute, one) for attribute in attributes for one in octets)
        entries = list(search.entries(domain.root, condition, _ATTRIBUTES))
        # An account's own identifier counts before one that another account had or stands for.
        for attribute in attributes:
            for entry in entries:
                for value in entry.values.get(attribute.lower(), ()):
                    if (sid := sid_text(value)) in wanted:
                        found.setdefault(sid, _account(entry))
    return found


def _mailbox_access(search: Search, domain: Domain, address: str) -> MailboxAccess:
    condition = all_of(equal("objectClass", "user"), has_address(address))
    wanted = (*_ATTRIBUTES, "msExchMailboxSecurityDescriptor")
    owners = list(search.entries(domain.root, condition, wanted))
    if len(owners) != 1:
        what = "No account" if not owners else "More than one account"
        raise Problem(Reason.MAILBOX_NOT_FOUND, f"{what} in Active Directory has the address {address!r}.")
    names = [name.decode() for name in search.values(owners[0].name, "msExchDelegateListLink")]
    delegates = (search.read(name, _ATTRIBUTES) for name in names)
    return MailboxAccess(
        _account(owners[0]),
        owners[0].octets("msExchMailboxSecurityDescriptor"),
        tuple(_account(entry) for entry in delegates if entry is not None),
    )


def _mailbox(search: Search, domain: Domain, text: str) -> Account:
    found = [account for entry in _called(search, domain, text) if (account := _account(entry)).address]
    if len(found) != 1:
        what = "No mailbox" if not found else "More than one mailbox"
        raise Problem(Reason.MAILBOX_NOT_FOUND, f"{what} in Active Directory is called {text!r}.")
    return found[0]


def _called(search: Search, domain: Domain, text: str) -> list[Entry]:
    """People with this distinguished name, this address, else this user principal name; two at most."""
    person = equal("objectClass", "user")
    if is_distinguished_name(text):
        components(text)
        entry = search.read(text, _ATTRIBUTES) if is_within(text, domain.root) else None
        return [entry] if entry is not None and "user" in entry.classes else []
    for name in (has_address(text), equal("userPrincipalName", text)):
        if found := search.first(domain.root, all_of(person, name), _ATTRIBUTES, 2):
            return found
    return []


def _people_called(search: Search, domain: Domain, user: str) -> list[Entry]:
    """At most two people with this name: one is who was meant."""
    account = user.rpartition("\\")[2]
    names = [equal("sAMAccountName", account)] if account else []
    if "@" in user:
        names += [equal("userPrincipalName", user), has_address(user)]
    if not names:
        return []
    people = all_of(equal("objectClass", "user"), f"(!{equal('objectClass', 'computer')})", any_of(names))
    return search.first(domain.root, people, _ATTRIBUTES, 2)


def _account(entry: Entry) -> Account:
    sid = entry.octets("objectSid")
    return Account(
        entry.guid,
        sid_text(sid) if sid else "",
        name_of(entry),
        primary_address(entry),
        is_group(entry),
        is_disabled(entry),
    )
