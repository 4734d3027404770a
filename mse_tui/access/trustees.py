"""Who a permission names, before it is known which people that are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trustee:
    """An account or a group, as far as Exchange or a security descriptor names it."""

    sid: str = ""
    """S-1-5-21-..., '' where only an address is known."""
    address: str = ""
    """Primary SMTP address, lower case; '' where only a SID is known."""
    name: str = ""

    @property
    def label(self) -> str:
        """What people know it by."""
        return self.address or self.name or self.sid
