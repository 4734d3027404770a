"""What an engine has logged of the seeded site."""

from datetime import timedelta

from mse_tui.engine.log_file import FILE_NAME
from mse_tui.engine.log_lines import Level, LogLine
from mse_tui.home import Home
from tests.screens.seed import DOMAIN, HOSTILE, NOW, SITE_CODE

NIGHTLY, BOARD = "Everyone, nightly", "Board, office hours"
CARLA, BO = f"carla.moreau@{DOMAIN}", f"bo.akerman@{DOMAIN}"


def write_lines(home: Home, lines: list[LogLine]) -> None:
    """Append, as an engine of another process does."""
    home.logs.mkdir(mode=0o700, exist_ok=True)
    with (home.logs / FILE_NAME).open("a") as file:
        file.writelines(line.to_json() + "\n" for line in lines)


def log_line(minutes: float, level: Level, message: str, **about: object) -> LogLine:
    """Of so many minutes ago."""
    moment, logger = NOW - timedelta(minutes=minutes), "mse_tui.engine.execution"
    return LogLine(moment, level, logger, message, site=SITE_CODE, **about)


def seed_log(home: Home) -> None:
    """A start, two tasks, a server that asks to wait, a mailbox that needs somebody."""
    board = {"task": BOARD, "execution": 15}
    nightly = {"task": NIGHTLY, "execution": 17}
    write_lines(
        home,
        [
            log_line(300, Level.INFO, f"Engine of site Fjordline Oslo ({SITE_CODE}) started"),
            log_line(30, Level.INFO, "Task begins", **board),
            log_line(29.5, Level.INFO, "Mailbox done: success", mailbox=f"ann.lindqvist@{DOMAIN}", **board),
            log_line(29.2, Level.INFO, HOSTILE, mailbox=BO, **board),
            log_line(
                29, Level.WARNING, "Mailbox done: warning: 1 item could not be read", mailbox=BO, reason="item-corrupt",
                **board,
            ),
            log_line(29, Level.WARNING, "Task ended: warning: 2 mailboxes: 1 success, 1 warning.", **board),
            log_line(7, Level.INFO, "Task begins", **nightly),
            log_line(2, Level.WARNING, "waiting 30.0 s: The server is busy", mailbox=CARLA, **nightly),
            log_line(
                1.5, Level.ERROR, "A mailbox failed inside", mailbox=CARLA, reason="internal-error",
                trace="Traceback (most recent call last):\n  File \"x.py\", line 1\nValueError: [bold]x[/]", **nightly,
            ),
        ],
    )  # fmt: skip
