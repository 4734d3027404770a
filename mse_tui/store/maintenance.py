"""A site's maintenance as its row keeps it."""

import json
from datetime import datetime
from functools import lru_cache

from mse_tui.maintenance import Maintenance
from mse_tui.store.models import Site
from mse_tui.windows import WeeklyWindow


def maintenance_of(site: Site) -> Maintenance:
    """When the site of this row rests."""
    return Maintenance(_read(site.maintenance_windows), site.maintenance_until, site.maintenance_windows_from)


@lru_cache(maxsize=16)
def _read(windows: str) -> tuple[WeeklyWindow, ...]:
    """Asked for each task of a list."""
    return Maintenance.of(json.loads(windows)).windows


def windows_of(site: Site) -> tuple[str, ...]:
    """Its weekly windows as people write them."""
    return tuple(json.loads(site.maintenance_windows))


def rests_until(site: Site, moment: datetime) -> datetime | None:
    """The end of the maintenance that the site is in at a time; None where it is in none."""
    end = maintenance_of(site).free_from(moment)
    return None if end == moment else end
