"""Running the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mse_tui.actions.opening import open_site
from mse_tui.cli.main import run
from mse_tui.home import Home
from mse_tui.store.database import close_database
from tests.support.one_mailbox import server

__all__ = ["server"]


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def mse_tui(home: Home, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `mse-tui --home HOME ARGUMENTS`, on a site that has begun."""
    open_site(home)
    close_database()

    def command(*arguments: str) -> Ran:
        code = run(["--home", str(home.path), *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return command


@pytest.fixture
def with_task(mse_tui: Command) -> Command:
    """The same, with a task 'Sales'."""
    for arguments in (
        ("definition", "new", "MFR", "Everything"),
        ("schedule", "new", "daily", "Nightly", "--at", "22:00", "--zone", "Europe/Berlin"),
        ("task", "new", "Sales", "--definition", "Everything", "--schedule", "Nightly", "--group", "ann@example.com"),
    ):
        assert mse_tui(*arguments).code == 0
    return mse_tui
