"""What a person does to a site: enable, disable, allow a refused account again."""

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit
from mse_tui.engine.halts import clear_halts
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing
from mse_tui.store.models import Site


@needs(Role.OPERATOR)
def enable_site(site_id: int) -> None:
    """Let the site's tasks start again."""
    _set_enabled(site_id, True)


@needs(Role.OPERATOR)
def disable_site(site_id: int) -> None:
    """None of the site's tasks starts any more; what runs, runs on to its end."""
    _set_enabled(site_id, False)


@needs(Role.OPERATOR)
def retry_accounts() -> list[str]:
    """Say that refused accounts are right now: they are tried again. Gives the accounts."""
    with writing():
        accounts = clear_halts()
        for account in accounts:
            audit("retry account", account, before="halted", after="tried again")
    return accounts


def _set_enabled(site_id: int, enabled: bool) -> None:
    with writing():
        site = Site.get_or_none(Site.id == site_id)
        if site is None:
            raise Problem(Reason.NOT_FOUND, f"There is no site {site_id}.")
        if site.enabled == enabled:
            return
        Site.update(enabled=enabled).where(Site.id == site_id).execute()
        action = "enable site" if enabled else "disable site"
        audit(action, site.description, {"enabled": not enabled}, {"enabled": enabled})
