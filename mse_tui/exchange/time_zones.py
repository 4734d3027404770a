"""Time zones of appointments: Exchange's Windows names as IANA names (CLDR's table, as exchangelib carries it)."""

import logging
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from exchangelib.winzone import MS_TIMEZONE_TO_IANA_MAP

log = logging.getLogger(__name__)

_UTC_NAMES = frozenset({"utc", "etc/utc", "tzone://microsoft/utc", "coordinated universal time", "gmt", "z"})
_BY_LOWER = {name.lower(): iana for name, iana in MS_TIMEZONE_TO_IANA_MAP.items()}


@cache
def iana_zone(name: str) -> str:
    """The IANA name of a Windows or IANA zone name, 'UTC' for UTC; '' for one that nobody knows.

    Custom zones (`tzone://Microsoft/Custom`) have no name: their times are kept in UTC.
    """
    wanted = name.strip()
    if not wanted:
        return ""
    if wanted.lower() in _UTC_NAMES:
        return "UTC"
    found = str(_BY_LOWER.get(wanted.lower(), wanted))
    try:
        ZoneInfo(found)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.info("the time zone %r is not known; its times are kept in UTC", name)
        return ""
    return found
