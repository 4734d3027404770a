"""Telling the audit's head to the log as it grows: the system's log keeps what no one with the database can change."""

import logging

from mse_tui.access import audit_chain

log = logging.getLogger(__name__)


class AuditHeads:
    """One site's chain, as the engine last told it."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._told = ""

    def tell(self) -> None:
        """Log the head if it is another one than before."""
        head = audit_chain.head(self._site)
        if head.digest and head.digest != self._told:
            subjects = {"site": self._site, "audit_head": head.digest}
            log.info("Audit: %d entries, head %s", head.entries, head.digest, extra=subjects)
            self._told = head.digest
