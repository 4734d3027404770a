"""What happens once before anything else: the database is opened and the site has its row."""

import logging
import platform
import secrets
import socket

from mse_tui import __version__
from mse_tui.access.roles import Role, Roles, use_roles
from mse_tui.actions.audit import audit, record_beside
from mse_tui.config.loading import load_configuration
from mse_tui.config.one_table import load_roles, load_site_settings
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import keep_for_readers, now, open_database, writing
from mse_tui.store.models import Site
from mse_tui.store.queries import SiteRow, sites
from mse_tui.terms import SiteBinding

log = logging.getLogger(__name__)

_CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_LENGTH = 8


def open_site(home: Home, *, read_only: bool = False) -> SiteRow:
    """Open the home's database and give its site, creating it with a random code at the very first start.

    The configuration's description is kept with the site, and what it binds the site to, as far as it can be read.
    From then on the configuration's roles hold; of a site opened `read_only`, as one in another user's home is, the
    viewer's alone, and in a backup the auditor's, whose looks are recorded beside it.
    Raises the Problems of `open_database`, configuration-invalid (no roles can be read), role-missing.
    """
    read_only = read_only or home.read_only
    given = load_roles(home.config)
    looks = home.looks if read_only and home.backup_of else None
    use_roles(
        Roles({role: frozenset(getattr(given, role)) for role in Role}),
        read_only=read_only,
        shows_mail=looks is not None,
    )
    record_beside(looks)
    open_database(home.database, read_only=read_only)
    if read_only:
        return this_site()
    description = _description(home)
    site = _first() or _create(description or socket.gethostname())
    seen = {"host_name": socket.gethostname(), "host_os": _operating_system(), "version": __version__}
    seen |= {"description": description} if description else {}
    seen |= _bindings(home)
    if any(getattr(site, key) != value for key, value in seen.items()):
        with writing():
            Site.update(**seen).where(Site.id == site.id).execute()
    _keep_shared(home)
    return this_site()


def _keep_shared(home: Home) -> None:
    """What the group of viewers may read stays so; where that fails, the site is used all the same."""
    try:
        if group := load_site_settings(home.config).viewers_group:
            home.share(group)
            keep_for_readers()
    except Problem as problem:
        log.warning("Viewers may not be able to open the site: %s", problem)


def _description(home: Home) -> str:
    """What the configuration calls the site; '' where it doesn't, or can't be read: the engine tells what is wrong."""
    try:
        return load_site_settings(home.config).description
    except Problem:
        return ""


def _bindings(home: Home) -> dict[str, str]:
    """What the site is bound to and which directories it can ask: a task that could never run is refused when saved."""
    try:
        configuration = load_configuration(home.config)
    except Problem:
        return {}  # there is none yet, or the engine tells what is wrong with it
    return {"binding": configuration.site.binding, "directories": " ".join(sorted(configuration.directories))}


def this_site() -> SiteRow:
    """The site of the open database. Raises Problem not-found before `open_site`."""
    found = sites()
    if not found:
        raise Problem(Reason.NOT_FOUND, "This database has no site yet.", "Start mse-tui or mse-tui engine once.")
    return found[0]


def _first() -> Site | None:
    found: Site | None = Site.select().order_by(Site.id).first()
    return found


def _create(description: str) -> Site:
    with writing():
        if (site := _first()) is not None:
            return site
        code = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH))
        site = Site.create(
            code=code,
            description=description,
            binding=SiteBinding.EXCHANGE_SERVER,
            created=now(),
        )
        audit("create site", site.description, after={"code": code})
    return site


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
