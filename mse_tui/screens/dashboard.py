"""The dashboard: problems first, what runs, what comes, how much there is, what happened."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from textual import events, on, work
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.access.roles import missing, needed
from mse_tui.actions.contents import shown_progress
from mse_tui.actions.sites import disable_site, enable_site
from mse_tui.actions.tasks import create_task
from mse_tui.screens.dialogs import Choice
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to, needs_said
from mse_tui.screens.task_lines import HELD_BACK, RUNNING_COLUMNS, running_lines
from mse_tui.screens.troubles import (
    TROUBLE_COLUMNS,
    TROUBLE_COMMANDS,
    TroubleCommands,
    TroublesScreen,
    by_key,
    trouble_lines,
)
from mse_tui.store import queries
from mse_tui.store.queries import ActivityRow, Overview, SiteRow, TaskRow, Trouble, UpcomingRow
from mse_tui.terms import Light, TaskType
from mse_tui.text import printable
from mse_tui.widgets.commands import LOG_OPEN, RUN_AGAIN, TASK_NEW, TASK_RESYNC, TASK_STOP, Command
from mse_tui.widgets.lines import Cell, Column, Line, Tone, light_cell, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.site_wording import engine_now, maintenance_now
from mse_tui.widgets.wording import absolute, clock, in_local_time, lasted, number, relative, when

VIEW_ALL = "all"
_BESIDE = 6
"""Cells of the screen's width that no note has: its indent, and the scroll bar."""
_HIGH = 30
"""So many lines the screen needs beside what needs attention, so that every section is seen."""
_UPCOMING, _UPCOMING_AT_MOST = 3, 12
_AROUND = 4
"""Lines above and below the sections: the header, the keys, and the note."""
_TROUBLES = 4
"""Shown at most, so that what runs is seen as well."""


class DashboardScreen(TroubleCommands, LiveScreen[Overview]):
    """What needs a person, at a glance."""

    KEYS = (
        *TROUBLE_COMMANDS,
        TASK_NEW,
        Command("next-section", "tab", "Next section", "Go on to the next list; j and k go through all of them."),
        TASK_STOP,
        TASK_RESYNC,
    )
    PLACE = "dashboard"
    HELP_TEXT = (
        "Problems first, then what runs now, what comes next, how many definitions and tasks each type has, the"
        " sites, and recent activity. Enter opens the line under the cursor; R, x, F and o are about its task: R runs"
        " what failed again, o shows the engine's log."
    )

    def __init__(self) -> None:
        super().__init__()
        self._touched = False
        self._wrapped_to = 0

    def body(self) -> Iterable[Widget]:
        """The sections; empty ones are hidden."""
        with VerticalScroll(can_focus=False):
            yield _list("troubles", TROUBLE_COLUMNS)
            yield _list("running", RUNNING_COLUMNS)
            with Horizontal(id="middle"):
                with Vertical(classes="section left"):
                    yield _list(
                        "types",
                        (
                            Column("Exchange tasks", 26),
                            Column("Defs", 4, right=True),
                            Column("Tasks", 5, right=True),
                        ),
                    )
                with Vertical(classes="section"):
                    yield _list("upcoming", (Column("Next", 17), Column("", 13, 2), Column("", 22, grows=True)))
                    yield _list("sites", (Column("Exchange sites", 28), Column("", 30, grows=True)))
            yield _list(
                "recent",
                (
                    Column("Recent activity", 16),
                    Column("", 12, 4),
                    Column("", 9),
                    Column("", 26, grows=True),
                    Column("", 11, 3, right=True),
                    Column("", 40, 5, grows=True),
                ),
            )
        yield Static("", id="detail", classes="note -two", markup=False)

    def on_mount(self) -> None:
        """Sections that have nothing yet stay hidden."""
        super().on_mount()
        for one in self.query(PagedList):
            one.display = False

    def load(self) -> Overview:
        """Everything from one moment."""
        found = queries.dashboard(recent=10, upcoming=_UPCOMING_AT_MOST, moment=self.now)
        return replace(found, running=shown_progress(found.running))

    def show(self, data: Overview) -> None:
        """Fill the sections; the first time, the first one takes the cursor."""
        now = self.now
        troubles = self._present_troubles(data)
        self._wrapped_to = self._room_beside(troubles)
        self._fill("troubles", _troubles(troubles, self._wrapped_to))
        self._fill("running", [one for row in data.running for one in running_lines(row, now)])
        self._fill("types", [_type_line(one.type, one.definitions, one.tasks) for one in data.types])
        self._fill("sites", [_site(one, now) for one in data.sites])
        recent = [_activity(one, now) for one in data.recent]
        self._fill("recent", [*recent, _last_line(data)])
        coming = data.upcoming[: self._room_for_upcoming(data)]
        self._fill("upcoming", [_upcoming(one, now) for one in coming] or [_nothing_next()])
        if self.focused is None or not self.focused.display or not self._touched:
            self._focus_first()
        self._show_detail()
        if isinstance(self.focused, PagedList):
            self.call_after_refresh(self.focused.show_cursor)

    def _room_for_upcoming(self, data: Overview) -> int:
        """How much of what comes next is said: more than a few where the other sections leave the room."""
        others = ("troubles", "running", "recent")
        counts = [self.query_one(f"#{name}", PagedList).count for name in others]
        taken = _AROUND + sum(count + 2 for count in counts if count)
        beside = len(data.sites) + 4
        types = len(data.types) + 2
        room = self.size.height - taken - beside - (types if self.has_class("-narrow") else 0)
        return max(_UPCOMING, min(_UPCOMING_AT_MOST, room))

    def _room_beside(self, troubles: Sequence[Trouble]) -> int:
        """The width that what to do is wrapped to; 0 where the screen is too low for more lines."""
        shown = min(len(troubles), _TROUBLES)
        return self.size.width - _BESIDE if self.size.height >= _HIGH + 2 * shown else 0

    def on_resize(self) -> None:
        """What to do is wrapped anew, and more or less of what comes next is said."""
        if self.shown is not None:
            self.show(self.shown)

    def _present_troubles(self, data: Overview) -> Sequence[Trouble]:
        """That no engine runs is no trouble while one is being started."""
        return [one for one in data.troubles if one.reason or one.task_id or not self.tui.engine_begins]

    def on_key(self, _event: events.Key) -> None:
        """From now on the cursor stays where the person has it; until then it is on what comes first."""
        self._touched = True

    @on(PagedList.Moved)
    @on(events.DescendantFocus)
    def _show_detail(self) -> None:
        """The whole sentence about the line under the cursor: its column has little room, or none."""
        section = self.focused
        current = section.current if isinstance(section, PagedList) else None
        text = printable(in_local_time(self._sentence(section.id or "", current.key))) if section and current else ""
        detail = self.query_one("#detail", Static)
        if str(detail.content) != text:
            detail.update(text)

    def _sentence(self, section: str, key: str) -> str:
        if section == "troubles":
            trouble = self._troubles_by_key.get(key)
            return f"{trouble.subject}: {trouble.message}" if trouble is not None else ""
        if section == "recent" and self.shown is not None:
            for row in self.shown.recent:
                if str(row.execution.id) == key:
                    return f"{row.execution.task}: {_said_last(row)}"
        return ""

    def _focus_first(self) -> None:
        for section in self.query(PagedList):
            if section.display:
                if not section.has_focus:  # focusing what has it draws it all anew
                    section.focus()
                return

    def _fill(self, name: str, lines: list[Line]) -> None:
        section = self.query_one(f"#{name}", PagedList)
        section.set_lines(lines)
        if section.display != bool(lines):
            section.display = bool(lines)

    def chosen_trouble(self) -> Trouble | None:
        """The one under the cursor, where the cursor is among them."""
        section = self.query_one("#troubles", PagedList)
        current = section.current if section.has_focus else None
        return self._troubles_by_key.get(current.key) if current is not None else None

    def chosen_troubles(self) -> Sequence[Trouble]:
        """The marked ones where the cursor is among them, else the one under it."""
        section = self.query_one("#troubles", PagedList)
        return [
            self._troubles_by_key[one.key]
            for one in section.chosen
            if one.key in self._troubles_by_key and section.has_focus
        ]

    @property
    def _troubles_by_key(self) -> Mapping[str, Trouble]:
        return by_key(self.shown.troubles) if self.shown is not None else {}

    def absent(self) -> frozenset[str]:
        """A line that is about no task: of a type, of a site."""
        about_tasks = (RUN_AGAIN, LOG_OPEN, TASK_STOP, TASK_RESYNC)
        return super().absent() | (frozenset() if self._meant() else {one.id for one in about_tasks})

    def chosen_ids(self) -> Sequence[int]:
        """The tasks of the marked lines of the section with the cursor, else of the line under it."""
        return list(self._meant())

    def chosen_types(self) -> Collection[TaskType]:
        """The types of those tasks."""
        return set(self._meant().values())

    def _meant(self) -> dict[int, TaskType]:
        """Those tasks by id, with their types."""
        section = self.focused
        if not isinstance(section, PagedList) or self.shown is None:
            return {}
        if section.id == "troubles":
            found = self.chosen_troubles()
            return {one.task_id: one.type for one in found if one.task_id is not None and one.type is not None}
        rows = {
            "running": {str(one.task_id): (one.task_id, one.type) for one in self.shown.running},
            "upcoming": {str(one.task_id): (one.task_id, one.type) for one in self.shown.upcoming},
            "recent": {
                str(one.execution.id): (one.execution.task_id, one.execution.type)
                for one in self.shown.recent
                if one.execution.task_id is not None
            },
        }.get(section.id or "", {})
        return dict(rows[one.key] for one in section.chosen if one.key in rows)

    def tasks_told(self, tasks: Sequence[TaskRow]) -> None:
        """Marks have done their work."""
        for section in self.query(PagedList):
            section.unmark()

    @on(PagedList.Opened, "#troubles")
    def _open_trouble(self, event: PagedList.Opened) -> None:
        if event.line.key == VIEW_ALL:
            self.app.push_screen(TroublesScreen())
        elif (trouble := self.chosen_trouble()) is not None:
            self.open_trouble(trouble)

    @on(PagedList.Opened, "#running")
    @on(PagedList.Opened, "#upcoming")
    def _open_task(self, event: PagedList.Opened) -> None:
        if event.line.key:
            self.tui.open_task(int(event.line.key))

    @on(PagedList.Opened, "#types")
    async def _open_type(self, event: PagedList.Opened) -> None:
        await self.tui.show_tasks(TaskType(event.line.key))

    @on(PagedList.Opened, "#recent")
    async def _open_execution(self, event: PagedList.Opened) -> None:
        if event.line.key == VIEW_ALL:
            await self.tui.go_to("log")
        else:
            self.tui.open_execution(int(event.line.key))

    @on(PagedList.Opened, "#sites")
    def _open_site(self, event: PagedList.Opened) -> None:
        assert self.shown is not None
        site = next(one for one in self.shown.sites if str(one.id) == event.line.key)
        self._show_site(site)

    @work(exclusive=True, group="ask")
    async def _show_site(self, site: SiteRow) -> None:
        now = self.now
        text = "\n".join(
            (
                f"Code {site.code}, {site.binding.label}, version {site.version or '-'}",
                f"Host {site.host_name or '-'} ({site.host_os or '-'})",
                f"Created {when(site.created, now)}; last active {when(site.last_active, now)}",
                f"Engine: {engine_now(site) or 'none runs'}",
                f"Maintenance: {maintenance_now(site) or 'not now'}",
            )
        )
        change = disable_site if site.enabled else enable_site
        verb = "Disable: none of its tasks starts any more" if site.enabled else "Enable"
        choices = [("Close", False), (verb, True)]
        if lacking := missing(needed(change), self.tui.roles):
            text += f"\n\nTo {'disable' if site.enabled else 'enable'} it {needs_said(lacking)}."
            del choices[1:]
        if await self.app.push_screen_wait(Choice(f"Site {site.description}", text, choices)):
            self.tui.act(partial(change, site.id))

    @leads_to(create_task)
    def action_task_new(self) -> None:
        """Step by step."""
        self.tui.new_task()

    def action_next_section(self) -> None:
        """The next list."""
        self.focus_next(PagedList)


def _list(name: str, columns: tuple[Column, ...]) -> PagedList:
    return PagedList(columns, id=name, classes="section -chained")


def _troubles(troubles: Sequence[Trouble], width: int) -> list[Line]:
    """The worst ones, and how many there are beside them."""
    lines = trouble_lines(troubles[:_TROUBLES], width)
    if (more := len(troubles) - _TROUBLES) > 0:
        lines.append(line(VIEW_ALL, Cell(f"{number(more)} more: Enter shows all", Tone.ACCENT)))
    return lines


def _type_line(task_type: TaskType, definitions: int, tasks: int) -> Line:
    tone = Tone.PLAIN if definitions or tasks else Tone.DIM
    cells = (task_type.label, number(definitions), number(tasks))
    return line(task_type.value, *(Cell(text, tone) for text in cells))


def _upcoming(row: UpcomingRow, now: datetime) -> Line:
    far = Cell(f"({relative(row.at, now)})", Tone.DIM)
    return line(
        row.task_id,
        clock(row.at, now),
        Cell(HELD_BACK, Tone.WARN) if row.maintenance_until else far,
        Cell(row.task, Tone.STRONG),
        copies=row.task,
    )


def _nothing_next() -> Line:
    return line("", Cell("Nothing planned", Tone.DIM))


def _site(row: SiteRow, now: datetime) -> Line:
    if not row.enabled:
        state = Cell("disabled: none of its tasks starts", Tone.WARN)
    elif row.maintenance_until:
        state = Cell(f"until {clock(row.maintenance_until, now)} in maintenance: no task runs", Tone.WARN)
    elif row.engine:
        state = Cell(row.engine.removeprefix("mse-tui "), Tone.PLAIN)
    elif row.silent:
        state = Cell(f"engine silent: {row.silent}", Tone.WARN)
    else:
        state = Cell(f"no engine; last active {when(row.last_active, now)}", Tone.WARN)
    return line(row.id, Cell(row.description, Tone.STRONG), state, copies=row.description)


def _activity(row: ActivityRow, now: datetime) -> Line:
    execution = row.execution
    running = execution.runs
    return line(
        execution.id,
        absolute(execution.started),
        Cell(f"({relative(execution.started, now)})", Tone.DIM),
        Cell("running", Tone.ACCENT) if running else light_cell(execution.light),
        Cell(execution.shown_task, Tone.STRONG),
        Cell(lasted(execution.duration), Tone.DIM),
        Cell(
            in_local_time(_said_last(row)),
            Tone.PLAIN if execution.light is not Light.GREEN else Tone.DIM,
        ),
    )


def _said_last(row: ActivityRow) -> str:
    return row.latest_detail if row.execution.runs else row.execution.message


def _last_line(data: Overview) -> Line:
    if data.recent:
        return line(VIEW_ALL, Cell("View all", Tone.ACCENT))
    text = "Press 2 for the tasks" if any(one.tasks for one in data.types) else "Press c: new task"
    return line(VIEW_ALL, "-", "", "", Cell(text, Tone.ACCENT))
