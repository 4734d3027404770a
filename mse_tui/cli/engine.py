"""mse-tui engine: the site's engine without a screen, as a service runs it."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

import click

from mse_tui.cli.logs import log_to_stderr
from mse_tui.cli.service import notify
from mse_tui.cli.session import Session, pass_session
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import TaskType

if TYPE_CHECKING:
    from mse_tui.config import Configuration
    from mse_tui.engine.engine import Engine
    from mse_tui.exchange.mailbox import AccountHalts, Exchange
    from mse_tui.features.permissions_sync import PermissionsSync
    from mse_tui.home import Home

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_SILENT_SECONDS = 20.0
"""How long the engine's tick may take before the service manager's watchdog is told nothing more."""


@click.command()
@pass_session
def engine(session: Session) -> None:
    """Run the site's tasks until SIGTERM or Ctrl+C.

    The first signal stops gracefully, at the next item of each running mailbox; the second one at once. Whatever was
    committed stays, and the next start goes on from there. Logs go to standard error.
    """
    from mse_tui.monitoring.service import Monitoring

    log_to_stderr(session.verbose)
    site = session.served_site()
    configuration = session.configuration()
    with signals_stop() as told, Monitoring(configuration, site):
        running = build_engine(session.home, configuration)
        running.start()
        log.info("Engine of site %s (%s) started", site.description, site.code)
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
    log.info("Engine stopped")


def build_engine(home: "Home", configuration: "Configuration") -> "Engine":
    """The site's engine over its configured Exchange organisation; not started yet."""
    from mse_tui.engine.engine import Engine
    from mse_tui.engine.halts import DatabaseHalts
    from mse_tui.exchange.ews import connect
    from mse_tui.features import FEATURES

    halts = DatabaseHalts()
    exchange = connect(configuration.exchange, halts)
    features = {**FEATURES, TaskType.PERMISSIONS_SYNC: build_permissions_sync(configuration, exchange, halts)}
    return Engine(home, configuration, exchange, features=features)


def build_permissions_sync(
    configuration: "Configuration", exchange: "Exchange", halts: "AccountHalts"
) -> "PermissionsSync":
    """Permissions Sync that asks Active Directory where it is configured, else Exchange alone.

    Raises Problem secret-unreadable, configuration-invalid.
    """
    from mse_tui.directory.exchange_groups import ExchangeGroups
    from mse_tui.directory.exchange_trustees import ExchangeTrustees, SiteTrustees
    from mse_tui.features.permissions_sync import PermissionsSync

    by_address = ExchangeTrustees(exchange, ExchangeGroups(exchange))
    if configuration.active_directory is None:
        return PermissionsSync(SiteTrustees(by_address))
    from mse_tui.directory.active_directory import ActiveDirectory
    from mse_tui.directory.ad_trustees import ActiveDirectoryFullAccess, ActiveDirectoryTrustees

    directory = ActiveDirectory(configuration.active_directory, halts)
    by_identifier = ActiveDirectoryTrustees(directory.accounts, directory)
    return PermissionsSync(SiteTrustees(by_address, by_identifier), ActiveDirectoryFullAccess(directory.accounts))


class Told:
    """Counts the signals that asked this process to end."""

    def __init__(self) -> None:
        self._first = Event()
        self._again = Event()

    def tell(self) -> None:
        (self._again if self._first.is_set() else self._first).set()

    def wait_first(self, seconds: float | None = None) -> bool:
        """Wait for the first one; whether it came."""
        return self._first.wait(seconds)

    def again(self) -> bool:
        """Whether a second one came."""
        return self._again.is_set()


@contextmanager
def signals_stop() -> Iterator[Told]:
    """Within the block SIGTERM, SIGINT and SIGHUP are counted instead of ending the process."""
    told = Told()

    def handler(_number: int, _frame: FrameType | None) -> None:
        told.tell()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield told
    finally:
        for number, old in before.items():
            signal.signal(number, old)
