"""A list of the mailboxes that the archive has something of."""

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from mse_tui.archive.views import MailboxView
from mse_tui.screens.live import LiveScreen
from mse_tui.widgets.lines import Cell, Column, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, when


class MailboxesScreen(LiveScreen[list[MailboxView]]):
    """Mailboxes by address, each with its last replication."""

    HEADING: ClassVar[str] = ""
    EMPTY: ClassVar[str] = ""
    """What an empty list says."""
    MORE: ClassVar[tuple[Column, ...]] = ()
    """Columns behind those that all such lists have."""

    def more(self, row: MailboxView) -> tuple[Cell | str, ...]:
        """The cells of those columns."""
        return ()

    def body(self) -> Iterable[Widget]:
        """The title and the list."""
        yield Static(self.HEADING, classes="title", markup=False)
        yield PagedList(
            (
                Column("Mailbox", 34, grows=True),
                Column("Name", 28, 2),
                Column("Replicated", 16, 3),
                Column("", 12, 4),
                *self.MORE,
            ),
            id="mailboxes",
            empty=self.EMPTY,
        )

    def show(self, data: list[MailboxView]) -> None:
        """In their order."""
        self.query_one("#mailboxes", PagedList).set_lines([self._line(row) for row in data])

    def _line(self, row: MailboxView) -> Line:
        ago = when(row.last_replicated, self.now).partition("(")
        return line(
            row.id,
            Cell(row.address, Tone.STRONG),
            row.display_name,
            absolute(row.last_replicated),
            Cell(ago[1] + ago[2], Tone.DIM),
            *self.more(row),
            copies=row.address,
        )

    @property
    def current(self) -> MailboxView | None:
        """The mailbox under the cursor."""
        current = self.query_one("#mailboxes", PagedList).current
        return next((row for row in self.shown or () if current and str(row.id) == current.key), None)
