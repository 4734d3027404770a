"""mse-tui --web: the screens in a browser, to look at only."""

import os
import sys
from urllib.parse import urlsplit

import click

from mse_tui.access.people import who
from mse_tui.cli.logs import log_to_stderr
from mse_tui.cli.session import Session
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import close_database


def serve_screens(session: Session, port: int, public_url: str) -> int:
    """Serve them until SIGTERM or Ctrl+C; the exit code. Raises Problem where the site can't be opened, invalid."""
    try:
        from mse_tui.browser.server import ScreensServer
    except ModuleNotFoundError as error:
        raise click.UsageError('The screens in a browser need an extra: pip install "mse-tui[browser]".') from error
    public_url = _checked(public_url)
    session.read_only = True
    site = session.site()
    close_database()
    log_to_stderr(session.verbose, quiet=True)

    def started(address: str) -> None:
        click.echo(f"The screens of the site {site.description} are at {address}, to look at only.")
        click.echo(f"There is no sign-in: whoever gets there looks at them as {who()}. Ctrl+C ends it.")

    os.environ.setdefault("TERM", "xterm-256color")
    command = [sys.executable, "-m", "mse_tui", "--home", str(session.home.path), "--read-only"]
    try:
        ScreensServer(command, port, public_url, started).serve()
    except OSError as error:
        raise Problem(
            Reason.INVALID,
            f"The port {port} can't be listened on: {error.strerror or error}.",
            "Name another one with --web-port.",
        ) from error
    return 0


def _checked(public_url: str) -> str:
    parts = urlsplit(public_url)
    if public_url and (parts.scheme not in ("https", "http") or not parts.netloc or parts.path.strip("/")):
        raise click.UsageError("--web-url is a whole address without a path, such as https://mse.example.com.")
    return public_url.rstrip("/")
