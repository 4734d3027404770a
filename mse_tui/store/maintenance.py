"""A site's maintenance as its row keeps it."""

import json
from datetime import datetime

from mse_tui.maintenance import Maintenance
from mse_tui.store.models import Site


def maintenance_of(site: Site) -> Maintenance:
    """When the site of this row rests."""
    return Maintenance.of(windows_of(site), site.maintenance_until, site.maintenance_windows_from)


def windows_of(site: Site) -> tuple[str, ...]:
    """Its weekly windows as people write them."""
    return tuple(json.loads(site.maintenance_windows))


def rests_until(site: Site, moment: datetime) -> datetime | None:
    """The end of the maintenance that the site is in at a time; None where it is in none."""
    end = maintenance_of(site).free_from(moment)
    return None if end == moment else end
