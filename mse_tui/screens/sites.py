"""Sites: what each is bound to, where its engine runs, which accounts are halted; enable, disable, try again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.sites import disable_site, enable_site
from mse_tui.screens.dialogs import Choice
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.store import queries
from mse_tui.store.queries import HaltRow, SiteRow
from mse_tui.widgets.commands import FILTERING, RETRY, SITE_ENABLE
from mse_tui.widgets.facts import Fact, Facts
from mse_tui.widgets.lines import Cell, Column, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import count, number, relative, when


@dataclass(frozen=True, slots=True)
class Shown:
    """What is read."""

    sites: tuple[SiteRow, ...]
    halted: tuple[HaltRow, ...]


class SitesScreen(LiveScreen[Shown]):
    """All sites; the one under the cursor in full below."""

    KEYS = (SITE_ENABLE, RETRY, *FILTERING)
    PLACE = "sites"
    HELP_TEXT = (
        "One site is one installed engine. e enables or disables the one under the cursor: none of a disabled site's"
        " tasks starts. Ctrl+T lets accounts be tried again whose password was refused."
    )

    def body(self) -> Iterable[Widget]:
        """The list above, one site's facts below."""
        yield Static("Sites", classes="title", markup=False)
        yield PagedList(
            (
                Column("Site", 28, grows=True),
                Column("State", 14),
                Column("Tasks", 5, 3, right=True),
                Column("Last active", 14, 2),
                Column("Version", 10, 4),
                Column("Code", 8, 5),
            ),
            id="sites",
            empty=" No site yet.",
        )
        yield Facts(id="facts", classes="half")

    def load(self) -> Shown:
        """All of them."""
        return Shown(tuple(queries.sites()), tuple(queries.halted_accounts()))

    def show(self, data: Shown) -> None:
        """By age."""
        now = self.now
        self.query_one("#sites", PagedList).set_lines(
            [_line(row, relative(row.last_active, now)) for row in data.sites]
        )
        self._show_facts()

    @property
    def _current(self) -> SiteRow | None:
        current = self.query_one("#sites", PagedList).current
        found = self.shown.sites if self.shown else ()
        return next((row for row in found if current and str(row.id) == current.key), None)

    @on(PagedList.Moved, "#sites")
    def _show_facts(self) -> None:
        current, halted = self._current, self.shown.halted if self.shown else ()
        facts = list(_facts(current, halted, when(current.last_active, self.now))) if current else []
        self.query_one("#facts", Facts).set_facts(facts)

    @leads_to(enable_site, disable_site)
    @work(exclusive=True, group="ask")
    async def action_site_enable(self) -> None:
        """Enable at once; ask before disabling."""
        if (current := self._current) is None:
            return
        if not current.enabled:
            self.tui.act(lambda: enable_site(current.id))
            return
        title = f"Disable the site {current.description!r}?"
        text = f"None of its {count(current.tasks, 'task')} starts until it is enabled; what runs, runs on to its end."
        if await self.app.push_screen_wait(Choice(title, text, [("Cancel", False), ("Disable", True)])):
            self.tui.act(lambda: disable_site(current.id))


def _line(row: SiteRow, active: str) -> Line:
    return line(
        row.id,
        Cell(row.description, Tone.STRONG),
        _state(row),
        number(row.tasks),
        Cell(active or "never", Tone.DIM),
        row.version,
        Cell(row.code, Tone.DIM),
    )


def _state(row: SiteRow) -> Cell:
    if not row.enabled:
        return Cell("! disabled", Tone.WARN)
    return Cell("+ engine runs", Tone.GOOD) if row.engine else Cell("! no engine", Tone.WARN)


def _facts(row: SiteRow, halted: Iterable[HaltRow], active: str) -> Iterator[Fact]:
    yield Fact("Code", row.code)
    yield Fact("Bound to", row.binding.replace("_", " "))
    yield Fact("Engine", row.engine or "none runs: its schedules rest", Tone.PLAIN if row.engine else Tone.WARN)
    yield Fact("Last active", active)
    yield Fact("Host", f"{row.host_name} ({row.host_os})")
    yield Fact("Version", row.version)
    for one in halted:
        yield Fact("Halted account", f"{one.account}: {one.message}", Tone.BAD)
