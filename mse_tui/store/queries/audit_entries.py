"""Who did what: the entries of the audit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mse_tui.store.models import Audit
from mse_tui.store.queries.rows import AuditRow


@dataclass(frozen=True, slots=True)
class AuditWanted:
    """Which entries are wanted; everything that is given holds together."""

    who: str = ""
    """Part of who did it."""
    what: str = ""
    """Part of the action or the subject."""
    since: datetime | None = None
    until: datetime | None = None
    """Before it."""


def audit(limit: int = 100, offset: int = 0, who: str = "", wanted: AuditWanted = AuditWanted()) -> list[AuditRow]:
    """The newest audit entries, of one person where one is named; of these what is wanted."""
    found = _entries(who)
    if wanted.who:
        found = found.where(Audit.who.contains(wanted.who))
    if wanted.what:
        found = found.where(Audit.action.contains(wanted.what) | Audit.subject.contains(wanted.what))
    if wanted.since is not None:
        found = found.where(Audit.moment >= wanted.since)
    if wanted.until is not None:
        found = found.where(Audit.moment < wanted.until)
    found = found.order_by(Audit.moment.desc(), Audit.id.desc()).limit(limit).offset(offset)
    return [_entry(row) for row in found]


def audit_count(who: str = "") -> int:
    """How many entries `audit` has."""
    return int(_entries(who).count())


def audit_entry(entry_id: int) -> AuditRow | None:
    """One entry; None when it was pruned."""
    row = Audit.get_or_none(Audit.id == entry_id)
    return None if row is None else _entry(row)


def _entries(who: str) -> Any:
    found = Audit.select()
    return found.where(Audit.who == who) if who else found


def _entry(row: Any) -> AuditRow:
    return AuditRow(
        id=row.id,
        moment=row.moment,
        who=row.who,
        action=row.action,
        subject=row.subject,
        before=row.before,
        after=row.after,
    )
