"""Active Directory as a directory of groups: the site's own, by LDAP, never through the archive."""

from collections.abc import Callable
from datetime import UTC, datetime

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.ad_accounts import Accounts
from mse_tui.directory.ad_groups import browse_level, find_groups, group_row, kind_of, the_group
from mse_tui.directory.ad_members import Expansion
from mse_tui.directory.ad_recipients import ATTRIBUTES, classify, has_address
from mse_tui.directory.directory import Group, Level, Member, Membership, SkippedEntry
from mse_tui.directory.ldap_search import Search, all_of, equal
from mse_tui.directory.ldap_servers import DirectoryServers, Domain
from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.exchange.rows import MailboxIdentity


class ActiveDirectory:
    """`GroupDirectory` of one domain. Thread-safe. Every answer is whole, or a Problem."""

    def __init__(
        self,
        settings: ActiveDirectorySettings,
        halts: AccountHalts,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Connects at the first question. Raises Problem secret-unreadable, configuration-invalid."""
        self._servers = DirectoryServers(settings, halts)
        self._base = settings.base
        self._now = now
        self.accounts = Accounts(self._servers)
        """Single people rather than groups: what permissions and sign-in need."""

    def find(self, text: str, limit: int = 50) -> list[Group]:
        """As `GroupDirectory.find`: what begins with the text first."""
        return self._servers.ask(
            lambda search, domain: [
                group_row(one) for one in find_groups(search, self._base or domain.root, text, limit)
            ]
        )

    def browse(self, where: str = "") -> Level:
        """As `GroupDirectory.browse`: organisational units and other containers, and the groups in them."""
        return self._servers.ask(lambda search, domain: browse_level(search, where or self._base or domain.root))

    def group(self, text: str) -> Group:
        """As `GroupDirectory.group`; also by name (cn, display name, account name), if only one group is called so."""
        return self._servers.ask(lambda search, domain: group_row(the_group(search, domain.root, text)))

    def members(self, key: str) -> Membership:
        """As `GroupDirectory.members`: groups of any depth, primary groups, dynamic distribution groups.

        Who comes from another domain, and who is not shown to the site's account, is skipped with that reason.
        """
        return self._servers.ask(lambda search, domain: self._members(search, domain, key))

    def standing(self, address: str) -> SkippedEntry | None:
        """As `GroupDirectory.standing`."""

        def question(search: Search, domain: Domain) -> SkippedEntry | None:
            condition = all_of(equal("objectClass", "user"), has_address(address))
            found = [
                classify(entry, has_exchange=domain.has_exchange)
                for entry in search.entries(domain.root, condition, ATTRIBUTES)
            ]
            if not found or any(isinstance(one, Member) for one in found):
                return None
            return next(one for one in found if isinstance(one, SkippedEntry))

        return self._servers.ask(question)

    def mailbox(self, text: str) -> MailboxIdentity:
        """As `GroupDirectory.mailbox`."""
        found = self.accounts.mailbox(text)
        return MailboxIdentity(guid="", address=found.address, display_name=found.name)

    def close(self) -> None:
        """Give connections back."""
        self._servers.close()

    def _members(self, search: Search, domain: Domain, key: str) -> Membership:
        group = the_group(search, domain.root, key)
        expansion = Expansion(search, domain)
        expansion.expand(group)
        groups = "1 group" if expansion.nested == 1 else f"{expansion.nested} groups"
        nested = f" with {groups} in it" if expansion.nested else ""
        return Membership(
            expansion.members(),
            expansion.skipped(),
            self._now(),
            f"{kind_of(group)}{nested}, resolved by Active Directory ({search.server})",
        )
