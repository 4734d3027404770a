"""Stubs: what was taken out of mailboxes; rehydrate it, or revoke its links."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.contents import StubReading
from mse_tui.actions.restoring import ask_to_rehydrate
from mse_tui.actions.stub_care import revoke
from mse_tui.archive.stub_registry import StubFilter, StubRow, StubTotals
from mse_tui.archive.stubs import RESTORABLE, StubState
from mse_tui.screens.dialogs import Choice, Question
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.terms import WITHHELD
from mse_tui.text import printable
from mse_tui.widgets.commands import FIND, STUB_REHYDRATE, STUB_REVOKE, STUBS_STATE
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, count, number, size, subject_said, when

_STATES: tuple[tuple[str, tuple[StubState, ...]], ...] = (
    ("all", ()),
    ("in mailboxes", (StubState.COMPLETE,)),
    ("under way", (StubState.WRITING, StubState.MARKED, StubState.DELETING, StubState.RESTORING)),
    ("given back", (StubState.RESTORED,)),
    ("deleted", (StubState.DELETED,)),
    ("lost", (StubState.LOST,)),
)
_NONE = " No stubs here. A task of the type Mailbox Storage Management makes them (2, c)."
_TONES = {StubState.COMPLETE: Tone.PLAIN, StubState.RESTORED: Tone.GOOD, StubState.DELETED: Tone.DIM}


@dataclass(frozen=True, slots=True)
class Shown:
    """How many there are, and what they save."""

    totals: StubTotals


class StubsScreen(LiveScreen[Shown]):
    """The stub registry, latest first; read page by page."""

    KEYS = (STUB_REHYDRATE, STUB_REVOKE, FIND, STUBS_STATE)
    FOR_A_LINE = (STUB_REHYDRATE, STUB_REVOKE)
    MARKS = True
    PLACE = "stubs"
    HELP_TEXT = (
        "What storage management took out of mailboxes. H puts originals back in the places of marked stubs (or of the"
        " one under the cursor), by way of the engine; U lets their links open nothing any more. / narrows the list by"
        " a part of the subject, the sender or the archive id; t goes from state to state."
    )

    def __init__(self) -> None:
        super().__init__()
        self._look = StubReading(StubFilter())
        self._state = 0

    def body(self) -> Iterable[Widget]:
        """The title and the list."""
        yield Static("", classes="title", id="title", markup=False)
        yield PagedList(
            (
                Column("Stubbed", 16),
                Column("State", 10),
                Column("Saved", 10, 2, right=True),
                Column("Subject", 24, grows=True),
                Column("Mailbox", 26, 3),
                Column("Definition", 18, 5),
                Column("Retrieved", 9, 6, right=True),
            ),
            id="stubs",
            empty=_NONE,
        )

    def load(self) -> Shown:
        """The totals; the list fetches what is seen."""
        return Shown(self._look.totals())

    def show(self, data: Shown) -> None:
        """How many, and what they save."""
        text = self._look.wanted.text
        narrowed = f", with {text!r}" if text else ""
        totals = f"{number(data.totals.stubs)}, {size(data.totals.saved)} saved"
        title = f"Stubs, {_STATES[self._state][0]}{narrowed}: {totals}"
        self.query_one("#title", Static).update(printable(title))
        stubs = self.query_one("#stubs", PagedList)
        stubs.set_empty(_NONE if self._look.wanted == StubFilter() else " None of these. Press 9 for all stubs.")
        stubs.set_pages(data.totals.stubs, partial(self._page, self._look))

    @staticmethod
    def _page(look: StubReading, offset: int, limit: int) -> Sequence[Line]:
        return [_line(row) for row in look.rows(offset, limit)]

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        self.tui.act(partial(self._look.row, event.line.key), self._show_stub)

    def _show_stub(self, row: StubRow) -> None:
        self.tui.show_facts(_title(row), _facts(row, self), (STUB_REHYDRATE, STUB_REVOKE))

    # --- narrowing

    def action_filter(self) -> None:
        """Ask for a text to look for: in the database, not in what is seen."""
        self._ask_text()

    @work(exclusive=True, group="ask")
    async def _ask_text(self) -> None:
        text = "Part of the subject, the sender or the archive id; empty for all."
        answer = await self.app.push_screen_wait(Question("Which stubs?", text, self._look.wanted.text))
        if answer is not None:
            self._narrow(replace(self._look.wanted, text=answer))

    def action_stubs_state(self) -> None:
        """The next state."""
        self._state = (self._state + 1) % len(_STATES)
        self._narrow(replace(self._look.wanted, states=_STATES[self._state][1]))

    def show_all(self) -> None:
        """All states, without a text."""
        if self._look.wanted != StubFilter():
            self._state = 0
            self._narrow(StubFilter())

    def _narrow(self, wanted: StubFilter) -> None:
        self._look = StubReading(wanted)
        self.query_one("#stubs", PagedList).forget_pages()
        self.reload()

    # --- giving back

    @leads_to(ask_to_rehydrate)
    @work(exclusive=True, group="ask")
    async def action_stub_rehydrate(self) -> None:
        """Ask, then have the engine put the originals back."""
        rows = [row for row in await self._chosen() if row.state in RESTORABLE]
        if not rows:
            text = (
                "None of these can be put back in a stub's place: choose stubs that are complete or lost. What was"
                " deleted comes back by mse-tui archive restore --deleted."
            )
            self.app.notify(text, markup=False)
            return
        text = (
            f"The originals take {size(sum(row.true_size for row in rows))} in their mailboxes. Each is put back beside"
            " its stub, compared with the archive, and only then the stub goes to Recoverable Items."
        )
        if any(row.state is StubState.LOST for row in rows):
            text += (
                " Lost stubs: only where the mailbox has them again; else R in the archive restores their originals."
            )
        choices = [("Cancel", False), ("Put them back", True)]
        title = f"Rehydrate {count(len(rows), 'stub')}?"
        if await self.app.push_screen_wait(Choice(title, text, choices, names=_names(rows))):
            wanted = StubFilter(ids=[row.id for row in rows])
            self.tui.act(partial(ask_to_rehydrate, wanted), lambda _: self._asked(len(rows)))

    def _asked(self, messages: int) -> None:
        text = f"The engine was asked to put back {count(messages, 'message')}; the list shows how each ends."
        if self.tui.nobody_runs_tasks:
            text += " No engine runs, so nothing happens until one does."
        self.query_one("#stubs", PagedList).unmark()
        self.app.notify(text, markup=False)

    @leads_to(revoke)
    @work(exclusive=True, group="ask")
    async def action_stub_revoke(self) -> None:
        """Ask, then revoke the links."""
        chosen = await self._chosen()
        rows = [row for row in chosen if row.links]
        if not chosen:
            return
        if not rows:
            self.app.notify("None of these has a link that still holds.", markup=False)
            return
        text = (
            f"{count(sum(row.links for row in rows), 'link')} will open nothing any more, wherever it was sent. That"
            " can't be taken back; the stubs stay, and can be rehydrated."
        )
        choices = [("Cancel", False), ("Revoke", True)]
        title = f"Revoke the links of {count(len(rows), 'stub')}?"
        if await self.app.push_screen_wait(Choice(title, text, choices, names=_names(rows), warning=True)):
            self.tui.act(partial(revoke, StubFilter(ids=[row.id for row in rows])), self._revoked)

    def _revoked(self, links: int) -> None:
        self.query_one("#stubs", PagedList).unmark()
        self.app.notify(f"{count(links, 'link')} revoked.", markup=False)

    async def _chosen(self) -> Sequence[StubRow]:
        """The marked stubs, else the one under the cursor."""
        keys = [one.key for one in self.query_one("#stubs", PagedList).chosen]
        return await self.tui.asked(lambda: [self._look.row(key) for key in keys]) or ()


def _names(rows: Sequence[StubRow]) -> list[str]:
    return [f"{_title(row)}  ({row.address})" for row in rows]


def _title(row: StubRow) -> str:
    return f"Stub {row.id}" if row.subject is None else subject_said(row.subject)


def _line(row: StubRow) -> Line:
    return line(
        row.id,
        absolute(row.began),
        Cell(str(row.state), _TONES.get(row.state, Tone.WARN)),
        Cell(size(row.saved) if row.saved else "", Tone.DIM),
        Cell(_title(row), Tone.DIM if row.subject is None else Tone.STRONG),
        row.address,
        Cell(row.definition, Tone.DIM),
        Cell(number(row.retrievals) if row.retrievals else "", Tone.DIM),
        copies=row.key,
    )


def _facts(row: StubRow, screen: StubsScreen) -> list[Fact]:
    now = screen.now
    return [
        Fact("Mailbox", row.address),
        Fact("Folder", WITHHELD if row.folder is None else row.folder or "-"),
        Fact("From", WITHHELD if row.sender is None else row.sender or "-"),
        Fact("Action", row.action),
        Fact("Definition", row.definition or "-"),
        Fact("Stubbed", when(row.began, now)),
        Fact("State", f"{row.state_said}, since {when(row.ended, now)}" if row.ended else row.state_said),
        Fact("Size", f"{size(row.true_size)} before, {size(row.stub_size)} as a stub"),
        Fact("Saved", size(row.saved)),
        Fact("Links", f"{count(row.links, 'link')} that hold; retrieved {count(row.retrievals, 'time')}"),
        Fact("Archive id", row.key),
    ]
