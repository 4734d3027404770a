"""Sites: what each is bound to, where its engine runs, which accounts are halted; enable, disable, maintenance."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.maintenance import (
    begin_maintenance,
    end_maintenance,
    set_maintenance_windows,
    time_to_come,
    valid_windows,
)
from mse_tui.actions.pruning import Pruning, pruning, set_pruning, would_go
from mse_tui.actions.sites import disable_site, enable_site
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import Choice, Question, number_wrong, refusal
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.store import queries
from mse_tui.store.queries import HaltRow, SiteRow
from mse_tui.widgets.commands import FILTERING, RETRY, SITE_ENABLE, SITE_MAINTENANCE, SITE_PRUNING, SITE_WINDOWS
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.site_wording import engine_now, kept_said, maintenance_now, would_go_said
from mse_tui.widgets.wording import count, number, relative, utc_now, when


@dataclass(frozen=True, slots=True)
class Shown:
    """What is read."""

    sites: tuple[SiteRow, ...]
    halted: tuple[HaltRow, ...]
    pruning: Pruning | Problem
    """For how long records are kept, or why that is not known."""


class SitesScreen(LiveScreen[Shown]):
    """All sites; the one under the cursor in full below."""

    KEYS = (SITE_ENABLE, SITE_MAINTENANCE, SITE_WINDOWS, SITE_PRUNING, RETRY, *FILTERING)
    OPENS = False
    PLACE = "sites"
    HELP_TEXT = (
        "One site is one installed engine. e enables or disables the one under the cursor: none of a disabled site's"
        " tasks starts. In maintenance (m until a time, w each week) none starts or goes on either, and nothing is"
        " overdue; what is due then starts at its end if its schedule says so of missed starts. p says how long"
        " executions and audit entries are kept. Ctrl+T lets accounts be tried again whose password was refused."
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
        return Shown(tuple(queries.sites()), tuple(queries.halted_accounts()), self._kept())

    def _kept(self) -> Pruning | Problem:
        try:
            return pruning(self.tui.home.config)
        except Problem as problem:
            return problem

    def show(self, data: Shown) -> None:
        """By age."""
        now = self.now
        self.query_one("#sites", PagedList).set_lines(
            [_line(row, f"({relative(row.last_active, now)})" if row.last_active else "") for row in data.sites]
        )
        self._show_facts()

    @property
    def _current(self) -> SiteRow | None:
        current = self.query_one("#sites", PagedList).current
        found = self.shown.sites if self.shown else ()
        return next((row for row in found if current and str(row.id) == current.key), None)

    @on(PagedList.Moved, "#sites")
    def _show_facts(self) -> None:
        facts: list[Fact] = []
        if self.shown is not None and (current := self._current) is not None:
            facts = list(_facts(current, self.shown, when(current.last_active, self.now)))
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

    @leads_to(begin_maintenance, end_maintenance)
    @work(exclusive=True, group="ask")
    async def action_site_maintenance(self) -> None:
        """Begin it until a time, or end it after a question."""
        if (current := self._current) is None:
            return
        if current.maintenance_until is None:
            title = f"Maintenance of the site {current.description!r}"
            text = "No task starts or goes on until: (HH:MM, or YYYY-MM-DD HH:MM)"
            question = Question(title, text, check=refusal(lambda answer: answer and time_to_come(answer, utc_now())))
            if until := await self.app.push_screen_wait(question):
                self.tui.act(lambda: begin_maintenance(current.id, time_to_come(until, utc_now())))
            return
        title = f"End the maintenance of the site {current.description!r}?"
        text = f"In maintenance {maintenance_now(current)}. Tasks that are due start at once."
        if await self.app.push_screen_wait(Choice(title, text, [("Cancel", False), ("End it now", True)])):
            self.tui.act(lambda: end_maintenance(current.id))

    @leads_to(set_maintenance_windows)
    @work(exclusive=True, group="ask")
    async def action_site_windows(self) -> None:
        """Ask for the week's windows, those that there are to begin with."""
        if (current := self._current) is None:
            return
        title = f"Weekly maintenance of the site {current.description!r}"
        text = "No task starts or goes on in these windows. Separate them with ; and leave it empty for none."
        present, example = "; ".join(current.maintenance_windows), "Sun 02:00-06:00 Europe/Berlin"
        check = refusal(lambda answer: valid_windows(_windows(answer)))
        answer = await self.app.push_screen_wait(Question(title, text, present, example, check))
        if answer is not None:
            self.tui.act(lambda: set_maintenance_windows(current.id, _windows(answer)))

    @leads_to(set_pruning)
    @work(exclusive=True, group="ask")
    async def action_site_pruning(self) -> None:
        """Ask for how long each is kept; where something would go, ask again."""
        if self.shown is None or isinstance(now := self.shown.pruning, Problem):
            return
        config = self.tui.home.config
        executions = await self._ask_days("Keep executions and their logs", now.executions_days)
        audit = await self._ask_days("Keep audit entries", now.audit_days) if executions else None
        if executions is None or audit is None:
            return
        change = partial(set_pruning, config, executions_days=executions, audit_days=audit)

        def ask(going: tuple[int, int]) -> None:
            if text := would_go_said(*going):
                self._ask_to_prune(text, change)
            else:
                self.tui.act(change)

        self.tui.act(partial(would_go, config, executions_days=executions, audit_days=audit), ask)

    @work(exclusive=True, group="ask")
    async def _ask_to_prune(self, text: str, change: Callable[[], None]) -> None:
        choices = [("Cancel", False), ("Keep them no longer", True)]
        if await self.app.push_screen_wait(Choice("Delete old records?", text, choices, warning=True)):
            self.tui.act(change)

    async def _ask_days(self, what: str, present: int) -> int | None:
        text = "Older ones are deleted by the engine now and then; what was archived stays."
        question = Question(f"{what} for how many days?", text, str(present), check=number_wrong)
        answer = await self.app.push_screen_wait(question)
        return int(answer) if answer is not None else None


def _windows(answer: str) -> list[str]:
    return [window for window in answer.split(";") if window.strip()]


def _line(row: SiteRow, active: str) -> Line:
    return line(
        row.id,
        Cell(row.description, Tone.STRONG),
        _state(row),
        number(row.tasks),
        Cell(active or "never", Tone.DIM),
        row.version,
        Cell(row.code, Tone.DIM),
        copies=row.description,
    )


def _state(row: SiteRow) -> Cell:
    if not row.enabled:
        return Cell("! disabled", Tone.WARN)
    if row.maintenance_until:
        return Cell("! maintenance", Tone.WARN)
    if row.silent:
        return Cell("! engine silent", Tone.WARN)
    return Cell("+ engine runs", Tone.GOOD) if row.engine else Cell("! no engine", Tone.WARN)


def _facts(row: SiteRow, shown: Shown, active: str) -> Iterator[Fact]:
    yield Fact("Code", row.code)
    yield Fact("Bound to", row.binding.label)
    yield Fact("Engine", engine_now(row) or "none runs: its schedules rest", Tone.PLAIN if row.engine else Tone.WARN)
    if row.maintenance_until:
        yield Fact("Maintenance", f"{maintenance_now(row)}: no task runs", Tone.WARN)
    for window in row.maintenance_windows:
        yield Fact("Each week", f"maintenance {window}")
    yield Fact("Last active", active)
    yield Fact("Host", f"{row.host_name} ({row.host_os})")
    yield Fact("Version", row.version)
    if isinstance(shown.pruning, Problem):
        yield Fact("Pruning", str(shown.pruning), Tone.WARN)
    else:
        yield from (Fact(name, text) for name, text in kept_said(shown.pruning))
    for one in shown.halted:
        yield Fact("Halted account", f"{one.account}: {one.message}", Tone.BAD)
