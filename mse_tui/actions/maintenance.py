"""A site's maintenance: by the week, and when a person says so."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, who
from mse_tui.machine_zone import machine_zone
from mse_tui.maintenance import Maintenance
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.maintenance import maintenance_of, rests_until, windows_of
from mse_tui.store.models import Site
from mse_tui.wall_clock import instant
from mse_tui.windows import WeeklyWindow


@needs(Role.OPERATOR)
def set_maintenance_windows(site_id: int, texts: Sequence[str]) -> None:
    """Let the site rest at these times of each week; none: never by itself.

    Raises Problem not-found, invalid (what is no window, or windows that leave no time of the week free).
    """
    windows = valid_windows(texts)
    with writing():
        site = _site(site_id)
        before = windows_of(site)
        if before == windows:
            return
        Site.update(maintenance_windows=json.dumps(windows), maintenance_windows_from=None).where(
            Site.id == site_id
        ).execute()
        audit("set maintenance windows", site.description, {"windows": before}, {"windows": windows})


@needs(Role.OPERATOR)
def begin_maintenance(site_id: int, until: datetime) -> None:
    """From now until then none of the site's executions starts or goes on. Raises Problem not-found, invalid."""
    with writing():
        site = _site(site_id)
        if until <= now():
            raise Problem(Reason.INVALID, f"{until:%Y-%m-%d %H:%M} UTC has passed.", "Give a time to come.")
        Site.update(maintenance_until=until, maintenance_by=who()).where(Site.id == site_id).execute()
        audit("begin maintenance", site.description, after={"until": until.isoformat(timespec="minutes")})


@needs(Role.OPERATOR)
def end_maintenance(site_id: int) -> None:
    """End it now, whoever or whatever began it; windows count again from their next time on.

    Raises Problem not-found, invalid (there is none).
    """
    with writing():
        site, moment = _site(site_id), now()
        if (until := rests_until(site, moment)) is None:
            raise Problem(
                Reason.INVALID, f"The site {site.description} is not in maintenance.", "There is nothing to end."
            )
        windows_from = Maintenance(maintenance_of(site).windows).free_from(moment)
        Site.update(maintenance_until=None, maintenance_windows_from=windows_from).where(Site.id == site_id).execute()
        audit("end maintenance", site.description, before={"until": until.isoformat(timespec="minutes")})


def valid_windows(texts: Sequence[str]) -> tuple[str, ...]:
    """Windows as they are kept; this machine's time zone is meant where one names none. Raises Problem invalid."""
    zone = str(machine_zone())
    try:
        windows = tuple(dict.fromkeys(str(WeeklyWindow.parse(text, zone)) for text in texts))
    except ValueError as error:
        raise Problem(Reason.INVALID, f"{error}.", "Write it as in: Sun 02:00-06:00 Europe/Berlin") from error
    if Maintenance.of(windows).is_endless:
        raise Problem(
            Reason.INVALID, "These windows leave no time free: no task would ever start.", "Disable the site instead."
        )
    return windows


def time_to_come(text: str, moment: datetime) -> datetime:
    """The first time after `moment` that a person means by HH:MM, or by YYYY-MM-DD HH:MM, on this machine's clock.

    In UTC. Raises Problem invalid.
    """
    zone = machine_zone()
    try:
        if len(text.strip()) > len("HH:MM"):
            return instant(datetime.fromisoformat(text.strip()).replace(tzinfo=None), zone)
        clock = time.fromisoformat(text.strip().zfill(len("HH:MM")))
    except (ValueError, OverflowError) as error:
        raise Problem(
            Reason.INVALID, f"{text!r} is not a time.", "Write it as HH:MM, or as YYYY-MM-DD HH:MM."
        ) from error
    today = moment.astimezone(zone).date()
    days = (instant(datetime.combine(today + timedelta(days=more), clock), zone) for more in range(3))
    return next(found for found in days if found > moment).astimezone(UTC)


def _site(site_id: int) -> Site:
    site: Site | None = Site.get_or_none(Site.id == site_id)
    if site is None:
        raise Problem(Reason.NOT_FOUND, f"There is no site {site_id}.")
    return site
