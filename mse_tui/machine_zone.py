"""The time zone of this machine's clock."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import tzlocal


def machine_zone() -> ZoneInfo:
    """The zone, by its IANA name where that is known; UTC where the machine's settings contradict each other."""
    try:
        return tzlocal.reload_localzone()
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def machine_zone_name() -> str:
    """The zone's IANA name; UTC where it has none."""
    name = str(machine_zone())
    return name if name in available_timezones() else "UTC"
