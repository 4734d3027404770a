"""A look into an archived mailbox: the view that is chosen stays from screen to screen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from textual import work

from mse_tui.actions.archive_reading import Reading
from mse_tui.archive.views import View, ViewKind
from mse_tui.screens.dialogs import Choice, Question, refusal
from mse_tui.wall_clock import moment_of
from mse_tui.widgets.wording import absolute


@dataclass
class Look:
    """One person's look into one mailbox, and the view that was chosen last."""

    reading: Reading
    view: View = field(default_factory=View.live)

    def __str__(self) -> str:
        return view_said(self.view)


def view_said(view: View) -> str:
    """How a view is called: 'Live view', 'as of 2026-03-01 12:00'."""
    if view.kind is ViewKind.AS_OF and view.at is not None:
        return f"as of {absolute(view.at)}"
    return f"{view.kind.value.capitalize()} view"


class Viewed(Protocol):
    """Something that is looked at in a view."""

    view: View


class ViewChoice:
    """A screen whose view can be changed."""

    look: Viewed
    app: Any
    reload: Callable[[], None]

    @work(exclusive=True, group="ask")
    async def action_view(self) -> None:
        """Live, Full or as of a date."""
        choices = [
            ("Live: as last replicated", "live"),
            ("Full: everything ever seen, where it was", "full"),
            ("As of a date...", "as of"),
        ]
        text = f"Now: {self.look}"
        chosen = await self.app.push_screen_wait(Choice("Which view?", text, choices))
        if chosen == "live":
            self._take(View.live())
        elif chosen == "full":
            self._take(View.full())
        elif chosen == "as of":
            await self._ask_date()

    async def _ask_date(self) -> None:
        today = f"{datetime.now().astimezone():%Y-%m-%d}"
        text = "YYYY-MM-DD (the end of that day) or YYYY-MM-DD HH:MM, in this machine's time zone."
        question = Question("As of when?", text, today, check=refusal(moment_of))
        if (answer := await self.app.push_screen_wait(question)) is not None:
            self._take(View.as_of(moment_of(answer)))

    def _take(self, view: View) -> None:
        self.look.view = view
        self.view_changed()

    def view_changed(self) -> None:
        """Another view: read again."""
        self.reload()
