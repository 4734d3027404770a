"""mse-tui engine: the site's engine without a screen, as a service runs it."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from mse_tui.cli.logs import log_to_stderr
from mse_tui.cli.service import notify
from mse_tui.cli.session import Session, pass_session
from mse_tui.cli.signals import signals_stop
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import GroupKind, SiteBinding, TaskType

if TYPE_CHECKING:
    from mse_tui.config.configuration import Configuration
    from mse_tui.directory.directory import GroupDirectory
    from mse_tui.directory.site_directory import SiteDirectory
    from mse_tui.engine.engine import Engine
    from mse_tui.exchange.mailbox import AccountHalts, Exchange
    from mse_tui.features.permissions_sync import PermissionsSync
    from mse_tui.home import Home
    from mse_tui.store.queries import SiteRow

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_SILENT_SECONDS = 20.0
"""How long the engine's tick may take before the service manager's watchdog is told nothing more."""


@click.command()
@pass_session
def engine(session: Session) -> None:
    """Run the site's tasks until SIGTERM or Ctrl+C.

    The first signal stops gracefully, at the next item of each running mailbox; the second one at once. Whatever was
    committed stays, and the next start goes on from there. Logs go to standard error, and into the home for
    mse-tui log --engine and the Logs screen.
    """
    log_to_stderr(session.verbose)
    site = session.served_site()
    configuration = session.configuration()
    with signals_stop() as told, serving(session.home, configuration, site) as running:
        notify("READY=1")
        while running.running() and not told.wait_first(_LOOK_SECONDS):
            if running.silent_seconds() < _SILENT_SECONDS:
                notify("WATCHDOG=1")
        if not running.running():
            raise Problem(Reason.ENGINE_RUNNING_ELSEWHERE, "Another engine has taken the site over; this one ended.")
        log.info("Stopping: running mailboxes end at their next item; another signal stops at once")
        notify("STOPPING=1")
        running.stop(graceful=True)
        while not running.join(0.2):
            notify("WATCHDOG=1")
            if told.again():
                log.warning("Stopping at once")
                running.stop(graceful=False)
                running.join()
                break


@contextmanager
def serving(home: "Home", configuration: "Configuration", site: "SiteRow") -> "Iterator[Engine]":
    """The site's engine, running, and what the configuration wants beside it: metrics, alarms, retrieval.

    Raises Problem engine-running-elsewhere, configuration-invalid, secret-unreadable.
    """
    from mse_tui.monitoring.service import Monitoring

    running = build_engine(home, configuration)
    running.start()
    try:
        with Monitoring(configuration, site, search_index=home.search_index), _web(home, configuration):
            yield running
    finally:
        running.stop(graceful=True)
        running.join()


def _web(home: "Home", configuration: "Configuration") -> AbstractContextManager[object]:
    """The retrieval service, where the engine is to serve it."""
    if not configuration.web.in_engine:
        return nullcontext()
    from mse_tui.cli.web import build_web

    return build_web(home, configuration)


def build_engine(home: "Home", configuration: "Configuration") -> "Engine":
    """The site's engine over its configured Exchange organisation; not started yet."""
    from mse_tui.engine.engine import Engine
    from mse_tui.engine.halts import DatabaseHalts
    from mse_tui.exchange.ews import connect
    from mse_tui.features import FEATURES

    halts = DatabaseHalts()
    exchange = connect(configuration.exchange, halts)
    directory = build_directory(configuration, exchange, halts)
    features = {**FEATURES, TaskType.PERMISSIONS_SYNC: build_permissions_sync(directory)}
    return Engine(home, configuration, exchange, features=features, directory=directory)


def build_directory(configuration: "Configuration", exchange: "Exchange", halts: "AccountHalts") -> "SiteDirectory":
    """The directories that the configuration names, and Exchange's own groups, behind one.

    Raises Problem secret-unreadable, configuration-invalid.
    """
    from mse_tui.directory.exchange_groups import ExchangeGroups
    from mse_tui.directory.site_directory import SiteDirectory

    binding = configuration.site.binding
    directories: dict[GroupKind, GroupDirectory] = {}
    resolve_address = exchange.resolve
    if configuration.active_directory is not None:
        from mse_tui.directory.active_directory import ActiveDirectory

        directories[GroupKind.ACTIVE_DIRECTORY] = ActiveDirectory(configuration.active_directory, halts)
    if configuration.microsoft365 is not None:
        from mse_tui.directory.microsoft365 import Microsoft365Directory

        cloud = Microsoft365Directory(configuration.microsoft365, halts)
        directories[GroupKind.MICROSOFT_365] = cloud
        if binding is SiteBinding.MICROSOFT_365:
            resolve_address = cloud.resolve_address
    if binding is SiteBinding.EXCHANGE_SERVER:
        directories[GroupKind.EXCHANGE] = ExchangeGroups(exchange)
    return SiteDirectory(resolve_address, binding, directories)


def build_permissions_sync(directory: "SiteDirectory") -> "PermissionsSync":
    """Permissions Sync that asks Active Directory by identifier where it is configured, else the site by address."""
    from mse_tui.directory.site_trustees import AddressTrustees, SiteTrustees
    from mse_tui.features.permissions_sync import PermissionsSync

    by_address = AddressTrustees(directory)
    active_directory: Any = directory.of_kind(GroupKind.ACTIVE_DIRECTORY)
    if active_directory is None:
        return PermissionsSync(by_address)
    from mse_tui.directory.ad_trustees import ActiveDirectoryFullAccess, ActiveDirectoryTrustees

    accounts = active_directory.accounts
    trustees = SiteTrustees(by_address, ActiveDirectoryTrustees(accounts, active_directory))
    return PermissionsSync(trustees, ActiveDirectoryFullAccess(accounts))
