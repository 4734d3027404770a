"""Trustees by their address, asked of all that a site has; and Active Directory by identifier before that."""

from mse_tui.access.trustees import Trustee
from mse_tui.directory.directory import Directory, GroupReference
from mse_tui.directory.trustees import People, TrusteeResolver, expanded, unknown


class AddressTrustees:
    """`TrusteeResolver` by address: a mailbox's, else a group's, whichever of the site's directories knows it."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def people(self, trustee: Trustee) -> People:
        """As `TrusteeResolver.people`."""
        if not trustee.address:
            raise unknown(trustee, f"{trustee.label} has no mail address, and no Active Directory is configured.")
        found = self._directory.resolve(GroupReference(trustee.address))
        if found.group is not None:
            return expanded(found, trustee.address)
        if not found.included:
            raise unknown(trustee)
        return People((found.included[0].address,))


class SiteTrustees:
    """`TrusteeResolver` of a site with Active Directory."""

    def __init__(self, by_address: TrusteeResolver, by_identifier: TrusteeResolver) -> None:
        self._by_address = by_address
        self._by_identifier = by_identifier

    def people(self, trustee: Trustee) -> People:
        """As `TrusteeResolver.people`. Who has no identifier is asked for by address."""
        return (self._by_identifier if trustee.sid else self._by_address).people(trustee)
