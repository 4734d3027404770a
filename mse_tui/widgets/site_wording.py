"""How a site's state reads on the screens and in commands."""

from collections.abc import Iterator
from datetime import datetime

from mse_tui.actions.pruning import Pruning
from mse_tui.store.queries import SiteRow
from mse_tui.widgets.wording import absolute, count


def maintenance_now(row: SiteRow) -> str:
    """'until 2026-03-02 11:00 (begun by ann)'; '' where the site is in no maintenance."""
    if row.maintenance_until is None:
        return ""
    begun = f" (begun by {row.maintenance_by})" if row.maintenance_by else ""
    return f"until {absolute(row.maintenance_until)}{begun}"


def engine_now(row: SiteRow) -> str:
    """Who runs the site, or lives and can't; '' where no engine does either."""
    return row.engine or (f"silent, since it can't write: {row.silent}" if row.silent else "")


def kept_said(found: Pruning) -> Iterator[tuple[str, str]]:
    """For how long records are kept and what there is, a name and a sentence each."""
    executions = count(found.executions, "execution")
    entries = count(found.audit_entries, "entry", "entries")
    yield "Executions kept", f"{found.executions_days} days; {executions}{_since(found.oldest_execution)}"
    yield "Audit kept", f"{found.audit_days} days; {entries}{_since(found.oldest_audit_entry)}"


def _since(oldest: datetime | None) -> str:
    return f", the oldest of {absolute(oldest)}" if oldest is not None else ""


def would_go_said(executions: int, entries: int) -> str:
    """What the next pruning would delete; '' for nothing."""
    if not executions and not entries:
        return ""
    parts = [count(executions, "execution")] if executions else []
    parts += [count(entries, "audit entry", "audit entries")] if entries else []
    return f"{' and '.join(parts)} would be deleted at the engine's next pruning."
