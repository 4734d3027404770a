"""What one run of a command shares: the home that was asked for, opened when first needed."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mse_tui.archive.packs import Packs
    from mse_tui.config.configuration import Configuration
    from mse_tui.home import Home
    from mse_tui.store.queries import DefinitionRow, ScheduleRow, SiteRow, TaskRow

COMPLETING = "_MSE_TUI_COMPLETE"
"""The variable by which a shell asks for completions, named by click."""


@dataclass
class Session:
    """One run of a command."""

    home_path: Path | None = None
    verbose: bool = False
    read_only: bool = False
    """Open the site to look at only."""
    _begins: bool = False
    _opened: "SiteRow | None" = field(default=None, repr=False)

    @cached_property
    def home(self) -> "Home":
        """The private directory. Raises Problem home-unsafe, not-found (no site is there, and none is to begin)."""
        from mse_tui.home import Home, located
        from mse_tui.reasons import Problem, Reason

        named = located(self.home_path)
        if not (self._begins or named.is_begun()):
            raise Problem(
                Reason.NOT_FOUND,
                f"There is no site at {named.path}.",
                "Correct --home or MSE_TUI_HOME. To begin a site there, write its config.toml: mse-tui site example"
                " prints one.",
            )
        return Home.open(self.home_path)

    def begin(self) -> None:
        """Let the site begin here and now where there is none; who only looks finds out instead."""
        self._begins = not self.read_only

    def site(self) -> "SiteRow":
        """The site, its database open, for a person to look at. Raises the Problems of `open_site`, role-missing."""
        from mse_tui.access.roles import Role, require

        found = self._open()
        require(Role.VIEWER)
        return found

    def served_site(self) -> "SiteRow":
        """The same for the engine itself, which runs for nobody in particular. Raises Problem read-only."""
        from mse_tui.access.roles import is_read_only
        from mse_tui.reasons import Problem, Reason, explain

        found = self._open()
        if is_read_only():
            raise Problem(Reason.READ_ONLY, explain(Reason.READ_ONLY).happened)
        return found

    def _open(self) -> "SiteRow":
        from mse_tui.actions.opening import open_site

        if self._opened is None:
            self._opened = open_site(self.home, read_only=self.read_only)
        return self._opened

    def configuration(self) -> "Configuration":
        """The site's configuration. Raises Problem configuration-invalid."""
        from mse_tui.config.loading import load_configuration

        return load_configuration(self.home.config)

    def packs(self) -> "Packs":
        """The archive's contents, the site opened. Raises the Problems of `site`, configuration-invalid."""
        from mse_tui.actions.archive_reading import packs_of

        self.site()
        return packs_of(self.home, self.configuration() if self.home.config.exists() else None)

    def task(self, text: str) -> "TaskRow":
        """The task with this description or number. Raises Problem not-found."""
        from mse_tui.reasons import Problem, Reason
        from mse_tui.store import queries

        self.site()
        found = queries.task_named(text)
        if found is None:
            raise Problem(Reason.NOT_FOUND, f"There is no task {text!r}.", "mse-tui task list shows what there is.")
        return found

    def definition(self, text: str) -> "DefinitionRow":
        """The definition with this name, TYPE/NAME or number. Raises Problem not-found, invalid (several)."""
        from mse_tui.reasons import Problem, Reason
        from mse_tui.store import queries

        self.site()
        found = [
            row
            for row in queries.definitions()
            if text.casefold() in (row.name.casefold(), f"{row.type}/{row.name}".casefold()) or text == str(row.id)
        ]
        if len(found) > 1:
            names = ", ".join(f"{row.type}/{row.name}" for row in found)
            raise Problem(Reason.INVALID, f"Several definitions are named {text!r}.", f"Say which: {names}.")
        if not found:
            raise Problem(
                Reason.NOT_FOUND, f"There is no definition {text!r}.", "mse-tui definition list shows what there is."
            )
        return found[0]

    def schedule(self, text: str) -> "ScheduleRow":
        """The schedule with this name or number. Raises Problem not-found."""
        from mse_tui.reasons import Problem, Reason
        from mse_tui.store import queries

        self.site()
        for row in queries.schedules():
            if row.name.casefold() == text.casefold() or text == str(row.id):
                return row
        raise Problem(Reason.NOT_FOUND, f"There is no schedule {text!r}.", "mse-tui schedule list shows what there is.")


pass_session = click.make_pass_decorator(Session, ensure=True)
