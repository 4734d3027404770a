"""mse-tui web: what the links in stubs lead to, served without the engine."""

import logging
from typing import TYPE_CHECKING

import click

from mse_tui.cli.logs import log_to_stderr
from mse_tui.cli.service import notify
from mse_tui.cli.session import Session, pass_session
from mse_tui.cli.signals import signals_stop

if TYPE_CHECKING:
    from mse_tui.config.configuration import Configuration
    from mse_tui.home import Home
    from mse_tui.web.application import SignIn
    from mse_tui.web.service import WebService

log = logging.getLogger(__name__)


@click.command()
@pass_session
def web(session: Session) -> None:
    """Serve what links in stubs lead to, until SIGTERM or Ctrl+C. Logs go to standard error.

    [web] in the configuration says where it listens and how people sign in. The engine can serve it as well.
    """
    log_to_stderr(session.verbose)
    site = session.served_site()
    with signals_stop() as told, build_web(session.home, session.configuration()):
        log.info("Retrieval of site %s (%s) started", site.description, site.code)
        notify("READY=1")
        told.wait_first()
        notify("STOPPING=1")
    log.info("Retrieval stopped")


def build_web(home: "Home", configuration: "Configuration") -> "WebService":
    """The retrieval service as it is configured; not listening yet. Raises Problem configuration-invalid, ..."""
    from mse_tui.actions.archive_reading import packs_of
    from mse_tui.web.service import WebService

    packs = packs_of(home, configuration)
    return WebService(configuration.web, home, packs, _sign_in(configuration))


def _sign_in(configuration: "Configuration") -> "SignIn":
    if configuration.web.sign_in == "openid" and configuration.openid is not None:
        from mse_tui.web.openid import OpenIdSignIn

        return OpenIdSignIn(configuration.openid, configuration.web.public_url)
    if configuration.web.sign_in == "ldap" and configuration.active_directory is not None:
        from mse_tui.directory.active_directory import ActiveDirectory
        from mse_tui.engine.halts import DatabaseHalts
        from mse_tui.web.signing_in import PasswordSignIn

        directory = ActiveDirectory(configuration.active_directory, DatabaseHalts())
        return PasswordSignIn(directory.accounts, configuration.web.sign_in_attempts)
    return None
