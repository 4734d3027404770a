"""Trustees by their address, asked of the Exchange organisation; and a site's whole way of asking."""

from mse_tui.access.trustees import Trustee
from mse_tui.directory.trustees import GroupExpander, People, TrusteeResolver, expanded, unknown
from mse_tui.exchange.mailbox import Exchange
from mse_tui.reasons import Problem, Reason


class ExchangeTrustees:
    """`TrusteeResolver` by address, asked of the Exchange organisation."""

    def __init__(self, exchange: Exchange, groups: GroupExpander) -> None:
        """`groups` expands by address: Exchange itself, or Microsoft 365."""
        self._exchange = exchange
        self._groups = groups

    def people(self, trustee: Trustee) -> People:
        """As `TrusteeResolver.people`."""
        if not trustee.address:
            raise unknown(trustee, f"{trustee.label} has no mail address, and no Active Directory is configured.")
        try:
            return People((self._exchange.resolve(trustee.address).address.lower(),))
        except Problem as problem:
            if problem.reason not in (Reason.MAILBOX_NOT_FOUND, Reason.ADDRESS_INVALID):
                raise
        return self._members(trustee)

    def _members(self, trustee: Trustee) -> People:
        try:
            found = self._groups.members(self._groups.group(trustee.address).key)
        except Problem as problem:
            if problem.reason is Reason.GROUP_NOT_FOUND:
                raise unknown(trustee) from problem
            raise
        return expanded(found, trustee.address)


class SiteTrustees:
    """`TrusteeResolver` of a site: Active Directory by identifier where it is configured, Exchange by address else."""

    def __init__(self, exchange: TrusteeResolver, active_directory: TrusteeResolver | None = None) -> None:
        self._exchange = exchange
        self._active_directory = active_directory

    def people(self, trustee: Trustee) -> People:
        """As `TrusteeResolver.people`. What Active Directory does not know Exchange may know by its address."""
        if self._active_directory is not None and trustee.sid:
            try:
                return self._active_directory.people(trustee)
            except Problem as problem:
                if problem.reason is not Reason.TRUSTEE_UNKNOWN or not trustee.address:
                    raise
        return self._exchange.people(trustee)
