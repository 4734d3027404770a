"""The private directory in which one site keeps its database, archive, configuration, cache and logs."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from mse_tui.reasons import Problem, Reason

ENVIRONMENT_VARIABLE = "MSE_TUI_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """A site's directory: mode 0700, its user's alone."""

    path: Path

    @classmethod
    def open(cls, explicit: Path | None = None) -> "Home":
        """The directory given, else that of MSE_TUI_HOME, else the platform's user data directory.

        Creates it where it is missing and makes everything that this process creates from now on private.
        Raises Problem home-unsafe when others may use it or another user owns it.
        """
        os.umask(0o077)
        path = located(explicit).path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_private(path)
        except FileExistsError as error:
            raise Problem(
                Reason.HOME_UNSAFE, f"{path} is not a directory.", "Name a directory with --home or MSE_TUI_HOME."
            ) from error
        except OSError as error:
            raise Problem(
                Reason.HOME_UNSAFE,
                f"The data directory {path} can't be used: {error.strerror}.",
                "Name a directory that this user may write with --home or MSE_TUI_HOME.",
            ) from error
        return cls(path.resolve())

    @property
    def database(self) -> Path:
        return self.path / "mse-tui.db"

    @property
    def archive(self) -> Path:
        return self.path / "archive"

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def search_index(self) -> Path:
        """Which words stand in which archived message; may be deleted, and is made anew from the archive."""
        return self.path / "search.db"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def downloads(self) -> Path:
        """Where files lie that people are fetching."""
        return self.path / "downloads"

    @property
    def sandbox(self) -> Path:
        """Where the practice organisation keeps its mailboxes."""
        return self.path / "sandbox"


def located(explicit: Path | None = None) -> Home:
    """Where `Home.open` finds it; neither created nor looked at."""
    if explicit is not None:
        return Home(explicit.expanduser())
    if named := os.environ.get(ENVIRONMENT_VARIABLE):
        return Home(Path(named).expanduser())
    return Home(user_data_path("mse-tui", appauthor=False))


def _check_private(path: Path) -> None:
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise Problem(
            Reason.HOME_UNSAFE,
            f"The data directory {path} belongs to another user (uid {found.st_uid}).",
            "Run mse-tui as that user, or name another directory with --home.",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise Problem(
            Reason.HOME_UNSAFE,
            f"The data directory {path} may be used by others (mode {stat.S_IMODE(found.st_mode):04o}).",
            f"Make it yours alone: chmod 700 {path}",
        )
