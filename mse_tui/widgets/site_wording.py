"""How a site's state reads on the screens and in commands."""

from mse_tui.store.queries import SiteRow
from mse_tui.widgets.wording import absolute


def maintenance_now(row: SiteRow) -> str:
    """'until 2026-03-02 11:00 (begun by ann)'; '' where the site is in no maintenance."""
    if row.maintenance_until is None:
        return ""
    begun = f" (begun by {row.maintenance_by})" if row.maintenance_by else ""
    return f"until {absolute(row.maintenance_until)}{begun}"
