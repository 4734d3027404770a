"""mse-tui without a command: the screens, with the site's engine inside or watching the one that runs already."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import click

from mse_tui.access.roles import Role, is_read_only, needs
from mse_tui.cli.engine import serving
from mse_tui.cli.logs import log_nowhere, log_to_file
from mse_tui.cli.session import Session
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries

if TYPE_CHECKING:
    from mse_tui.app import EngineHandle
    from mse_tui.config.configuration import Configuration
    from mse_tui.engine.engine import Engine
    from mse_tui.home import Home
    from mse_tui.store.queries import SiteRow

log = logging.getLogger(__name__)

STOP_SECONDS = 30.0
"""How long a stopping engine is waited for before the process ends all the same."""


class SiteEngine:
    """The site's engine as the screens know it; the configuration is read afresh at each start."""

    def __init__(self, home: "Home", site: "SiteRow", configuration: Callable[[], "Configuration"]) -> None:
        self._home = home
        self._site = site
        self._configuration = configuration
        self._engine: Engine | None = None
        self._serving = ExitStack()
        self._lock = Lock()

    def running(self) -> bool:
        """This process runs it."""
        return self._engine is not None and self._engine.running()

    def holder(self) -> str:
        """Who runs it, for people; '' when nobody does."""
        return queries.engine_holder(self._site.code)

    @needs(Role.OPERATOR)
    def start(self) -> None:
        """Run it here, with what the configuration wants beside it.

        Raises Problem engine-running-elsewhere, configuration-invalid, secret-unreadable, role-missing.
        """
        with self._lock:
            if not self.running():
                self._end()
                self._leave_to_others()
                engine = self._serving.enter_context(serving(self._home, self._configuration(), self._site))
                self._engine = engine
                Thread(target=self._end_with, args=(engine,), name="beside-engine", daemon=True).start()

    def _leave_to_others(self) -> None:
        """What makes an engine takes longer than the screens: it is not made where another one lives."""
        if holder := self.holder():
            raise Problem(
                Reason.ENGINE_RUNNING_ELSEWHERE, f"The site {self._site.description} has a live engine: {holder}."
            )

    def _end_with(self, engine: "Engine") -> None:
        """An engine that another one has taken over leaves nothing behind that answers for the site."""
        engine.join()
        with self._lock:
            if self._engine is engine:
                self._end()

    def stop(self) -> None:
        """End it gracefully; returns when it has ended."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._engine is not None:
            self._engine.stop(graceful=True)
            self._engine.join()
            self._engine = None
        self._serving.close()


def open_screens(session: Session) -> int:
    """Open the screens on the session's site; the exit code. Raises Problem on a terminal that can't show them."""
    if not ((sys.stdin.isatty() and sys.stdout.isatty()) or _is_in_browser()):
        raise click.UsageError("The screens need a terminal. Without one: mse-tui status --plain, or mse-tui engine.")
    session.begin()
    site = session.site()
    if is_read_only():
        return look(session.home)
    engine = SiteEngine(session.home, site, session.configuration)
    return show(session.home, engine, session.verbose)


def _is_in_browser() -> bool:
    """A server started this process to show its screens in a browser; Textual's own driver then is another one."""
    return "TEXTUAL_DRIVER" in os.environ


def look(home: "Home") -> int:
    """Run the screens to look at only, without an engine and without a log of their own; the exit code."""
    log_nowhere()
    if _is_in_browser():
        Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    return run_app(home)


def _end_with_parent() -> None:
    """A server that was killed tells its visitors' processes nothing; these have nothing to lose."""
    parent = os.getppid()
    while os.getppid() == parent:
        Event().wait(1)
    os._exit(0)


def show(
    home: "Home", engine: SiteEngine, verbose: bool = False, when_started: Callable[[], None] | None = None
) -> int:
    """Run the screens, and this engine inside them if it can be started; the exit code.

    `when_started` is called once it runs.
    """

    def begin() -> None:
        engine.start()
        if when_started is not None:
            when_started()

    if os.environ.get("TERM", "") not in ("", "dumb"):  # else it refuses, and logs nothing
        log_to_file(home.logs, verbose)
    return run_app(home, engine, begin)


def run_app(home: "Home", engine: "EngineHandle | None" = None, begin: Callable[[], None] | None = None) -> int:
    """Run the TUI until the person leaves, then end the engine that ran inside it. Gives the exit code.

    `begin` starts the engine; it is called once the first screen is there.

    Raises Problem invalid on a terminal that can't show screens.
    """
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise Problem(
            Reason.INVALID,
            "This terminal can't show screens (TERM is unset or 'dumb').",
            "Use the commands instead: mse-tui status --plain, mse-tui task list.",
        )
    from mse_tui.app import MseTuiApp

    app = MseTuiApp(home, engine=engine, begin=begin)
    try:
        app.run()
    finally:
        if engine is not None and engine.running():
            _end(engine)
    return app.return_code or 0


def _end(engine: "EngineHandle") -> None:
    """Stop gracefully, but no longer than a person or the machine's shutdown will wait."""
    from mse_tui.widgets.wording import SERVICE_HINT

    with _writable_stderr():
        sys.stderr.write("Stopping the engine; Ctrl-C leaves at once.\n")
    stopping = Thread(target=engine.stop, name="engine-stop", daemon=True)
    stopping.start()
    try:
        stopping.join(STOP_SECONDS)
    except KeyboardInterrupt:
        log.warning("Left before the engine had ended")
    with _writable_stderr():
        sys.stderr.write(f"The engine has ended: schedules rest now. {SERVICE_HINT}\n")


@contextlib.contextmanager
def _writable_stderr() -> Iterator[None]:
    """After a dropped line there is nobody to write to."""
    with contextlib.suppress(OSError, ValueError):
        yield
        sys.stderr.flush()
