"""The directory in which one site keeps its database, archive, configuration, cache and logs.

It is its user's alone. A group of the operating system may be given the database, the configuration and the logs to
read; the archive's content, caches, backups and secrets never.
"""

import contextlib
import grp
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from mse_tui.config.one_table import load_site_settings
from mse_tui.reasons import Problem, Reason

ENVIRONMENT_VARIABLE = "MSE_TUI_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """A site's directory: mode 0700, or 0750 where a group of viewers may read."""

    path: Path
    read_only: bool = False
    """It is another user's, given to this one to read; or on a file system that takes no writes; or a backup."""

    @classmethod
    def open(cls, explicit: Path | None = None) -> "Home":
        """The directory given, else that of MSE_TUI_HOME, else the platform's user data directory.

        Creates it where it is missing and makes everything that this process creates from now on private.
        Raises Problem home-unsafe when it is another user's and not given to this one to read, or when others may use
        it who are not in the group that the configuration names.
        """
        os.umask(0o077)
        path = located(explicit).path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            given = _is_given_to_read(path)
            if not given:
                _check_private(path)
            read_only = given or takes_no_writes(path) or cls(path).backup_marker.is_file()
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
        return cls(path.resolve(), read_only)

    def is_begun(self) -> bool:
        """Whether there is a site: a database, or the configuration of one that has not started yet."""
        try:
            return self.database.exists() or self.config.exists()
        except PermissionError:
            return True  # it is another user's, which `open` refuses in its own words

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

    @property
    def backup_marker(self) -> Path:
        """Is there in a backup: whoever makes a site of it again deletes it."""
        return self.path / "mse-tui.backup"

    @property
    def backup_of(self) -> str:
        """The code of the site whose backup this is, as the marker's first line says; '' where it is none."""
        try:
            return self.backup_marker.read_text(errors="replace").partition("\n")[0]
        except FileNotFoundError:
            return ""

    @property
    def looks(self) -> Path:
        """In a backup, which itself stays as it is: who looked into which archive, a line of JSON each."""
        return self.path / "mse-tui.looks"

    def share(self, group: str) -> None:
        """Let the members of a group of the operating system read the whole database, the configuration and the log.

        That is more than one person's roles and grants may show on the screens; archived content is not shared.

        Also files that were made since the last time. Raises Problem home-unsafe where there is no such group, or this
        user is not in it and so can't give files to it.
        """
        number = _group_number(group)
        try:
            self.logs.mkdir(mode=0o700, exist_ok=True)
            for path in (self.database, *beside(self.database), self.config, *self.logs.glob("*.log*")):
                _give(path, number, 0o640)
            for path in (self.logs, self.path):
                _give(path, number, 0o750)
        except OSError as error:
            raise Problem(
                Reason.HOME_UNSAFE,
                f"{error.filename} can't be given to the group {group!r} to read: {error.strerror}.",
                f"Put the user that runs mse-tui into that group: usermod -aG {group} USER",
            ) from error

    def out_of_reach(self, group: str) -> Path | None:
        """The first directory above this one that its group of viewers can't pass; None where they can."""
        number = _group_number(group)
        for above in reversed(self.path.parents):
            found = above.stat()
            if not (found.st_mode & stat.S_IXOTH or (found.st_gid == number and found.st_mode & stat.S_IXGRP)):
                return above
        return None


def located(explicit: Path | None = None) -> Home:
    """Where `Home.open` finds it; neither created nor looked at."""
    if explicit is not None:
        return Home(explicit.expanduser())
    if named := os.environ.get(ENVIRONMENT_VARIABLE):
        return Home(Path(named).expanduser())
    return Home(user_data_path("mse-tui", appauthor=False))


def give_as_directory(file: Path) -> None:
    """Let a new file be read by the group that may read its directory, if there is one."""
    with contextlib.suppress(OSError):
        found = file.parent.stat()
        if found.st_mode & stat.S_IRGRP:
            _give(file, found.st_gid, 0o640)


def beside(database: Path) -> tuple[Path, Path]:
    """SQLite's log of a database and the log's index: without both, who may not write can't open it."""
    return database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm")


def takes_no_writes(path: Path) -> bool:
    """Whether the file system is mounted read-only, as backups and snapshots are."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _is_given_to_read(path: Path) -> bool:
    """Whether it is another user's, who lets this one read and not write."""
    return path.stat().st_uid != os.geteuid() and _may(path, os.R_OK | os.X_OK) and not _may(path, os.W_OK)


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def _check_private(path: Path) -> None:
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise Problem(
            Reason.HOME_UNSAFE,
            f"The data directory {path} belongs to another user (uid {found.st_uid}).",
            "Run mse-tui as that user, ask to be put into the group of its viewers, or name another with --home.",
        )
    others = stat.S_IMODE(found.st_mode) & 0o077
    if others and not (others == 0o050 and _is_of_viewers(path, found.st_gid)):
        raise Problem(
            Reason.HOME_UNSAFE,
            f"The data directory {path} may be used by others (mode {stat.S_IMODE(found.st_mode):04o}).",
            f"Make it yours alone: chmod 700 {path}",
        )


def _is_of_viewers(path: Path, number: int) -> bool:
    group = load_site_settings(path / "config.toml").viewers_group
    return bool(group) and _group_number(group) == number


def _group_number(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise Problem(
            Reason.HOME_UNSAFE,
            f"[site] viewers_group names the group {group!r}, which this machine does not know.",
            f"Make it, or correct the name: groupadd --system {group}",
        ) from None


def _give(path: Path, group: int, mode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        if found.st_gid != group:
            os.chown(path, -1, group)
        if stat.S_IMODE(found.st_mode) != mode:
            path.chmod(mode)
