"""Who did what: one entry for every create, change, removal, command and look into a person's archive."""

import json
from collections.abc import Mapping
from typing import Any

from mse_tui.access import audit_chain
from mse_tui.access.audit_chain import Entry
from mse_tui.access.people import who
from mse_tui.access.roles import Role, needs
from mse_tui.store.database import now, writing
from mse_tui.store.models import Site

__all__ = ["audit", "changes", "may_see", "verify", "who"]


def audit(action: str, subject: str, before: object = "", after: object = "", *, by: str = "") -> None:
    """Write one entry, in the transaction of the change it tells of. Mappings are kept as JSON.

    `by` names who did it where that is not the user that this process runs as.
    """
    with writing():
        entry = Entry(now(), by or who(), action, subject, _written(before), _written(after))
        audit_chain.append(_site_code(), entry)


@needs(Role.AUDITOR)
def may_see() -> None:
    """Raises Problem role-missing for those whose business the audit is not."""


@needs(Role.AUDITOR)
def verify(kept_head: str = "") -> audit_chain.Verification:
    """Check this site's audit; `kept_head` is the digest of a head that was kept elsewhere ('' for none)."""
    return audit_chain.verify(_site_code(), kept_head)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs, before and after: what an entry of a change keeps."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: before[key] for key in keys if key in before}, {key: after[key] for key in keys if key in after}


def _site_code() -> str:
    """Whose chain it is: this database's own site."""
    row = Site.select(Site.code).order_by(Site.id).first()
    return row.code if row else ""


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
