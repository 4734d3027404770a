"""One task: Options | Information | Logs."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from textual import on, work
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from mse_tui.access.roles import Role
from mse_tui.actions.checks import needed_for, settings_model
from mse_tui.actions.contents import shown_progress
from mse_tui.actions.going_live import task_going_live
from mse_tui.actions.tasks import set_task
from mse_tui.engine.schedules import ScheduleSettings, describe, next_executions
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import Choice, Picker
from mse_tui.screens.group import GroupScreen
from mse_tui.screens.group_lines import group_facts
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.screens.task_commands import TaskCommands
from mse_tui.screens.task_lines import EXECUTION_COLUMNS, execution_line, now_shown, share_shown, status_cell
from mse_tui.store import queries
from mse_tui.store.queries import DefinitionRow, ExecutionRow, ProgressRow, TaskInformation, TaskRow
from mse_tui.terms import Status, TaskType
from mse_tui.text import printable
from mse_tui.widgets.advice import Advice
from mse_tui.widgets.commands import FINDING, GROUP_MEMBERS, TABS, TASK_CHANGE, TASK_COMMANDS
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Fact, Line, Tone, light_cell
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.progress_words import pace, time_left, wait_words
from mse_tui.widgets.settings_facts import settings_facts
from mse_tui.widgets.tabs import TabLine
from mse_tui.widgets.wording import LEFT_OUT, count, in_local_time, lasted, next_start, number, size, when, when_in

_PACE_WIDTH = 40
_TABS = ("options", "information", "logs")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is read for this screen."""

    information: TaskInformation
    settings: tuple[Fact, ...]
    """The definition's, in words."""


def _for_its_type(screen: "TaskInformationScreen") -> frozenset[Role]:
    return needed_for(screen.shown.information.task.type) if screen.shown is not None else frozenset()


class TaskInformationScreen(TaskCommands, LiveScreen[Shown]):
    """All about one task."""

    KEYS = (*TASK_COMMANDS[:4], TASK_CHANGE, GROUP_MEMBERS, *TASK_COMMANDS[4:], *TABS, *FINDING)
    PLACE = "tasks"
    HELP_TEXT = (
        "Options: what the task was created with; only its schedule and its definition can be changed (e)."
        " Information: what it does now and has done. Logs: one entry an execution; Enter opens it."
    )

    def __init__(self, task_id: int, tab: str = "information") -> None:
        super().__init__()
        self._task_id = task_id
        self._tab = tab

    def body(self) -> Iterable[Widget]:
        """A title, the tabs, and what the chosen one shows."""
        yield Static("", classes="title", id="title", markup=False)
        yield TabLine((("options", "Options"), ("information", "Information"), ("logs", "Logs")), self._tab)
        with ContentSwitcher(initial=self._tab):
            yield Facts(id="options")
            yield Facts(id="information")
            yield PagedList(EXECUTION_COLUMNS, id="logs", empty=" Not executed yet. Press R to run it now.")
        yield Advice()

    def on_mount(self) -> None:
        """The chosen tab has the cursor."""
        super().on_mount()
        self._show_tab(self._tab)

    def load(self) -> Shown:
        """The task, from one moment."""
        found = queries.task_information(self._task_id)
        if found is None:
            raise Problem(Reason.NOT_FOUND, "This task has been removed.", "Esc goes back.")
        if found.progress is not None:
            (progress,) = shown_progress([found.progress])
            found = replace(found, progress=progress)
        try:
            model = settings_model(found.task.type)
        except Problem:
            model = None
        return Shown(found, tuple(settings_facts(model, found.definition.settings)))

    def show(self, data: Shown) -> None:
        """All three tabs."""
        found = data.information
        title = printable(f"{found.task.description}  {found.task.type.label}")
        widget = self.query_one("#title", Static)
        if str(widget.content) != title:
            widget.update(title)
        self.query_one("#options", Facts).set_facts(self._options(data))
        self.query_one("#information", Facts).set_facts(self._information(found))
        self.query_one("#logs", PagedList).set_pages(found.executions, self._executions)

    def _executions(self, offset: int, limit: int) -> Sequence[Line]:
        now = self.now
        return [execution_line(row, now) for row in queries.executions_of(self._task_id, offset, limit)]

    def _options(self, data: Shown) -> list[Fact]:
        task = data.information.task
        schedule = ScheduleSettings.model_validate(data.information.schedule.settings)
        zone = ZoneInfo(schedule.zone)
        coming = "\n".join(when_in(moment, self.now, zone) for moment in next_executions(schedule, self.now, 5))
        return [
            Fact("Description", task.description),
            Fact("Site", task.site),
            Fact("Type", f"{task.type.value}  {task.type.label}"),
            Fact("Schedule", f"{task.schedule}: {describe(schedule)}"),
            Fact("Next five", coming or "none"),
            Fact("Group", task.group),
            *([Fact("  is", f"{task.group_name}, of {task.group_kind.label}")] if task.group_name else ()),
            Fact(""),
            Fact("Definition", f"{task.definition} (revision {data.information.definition.revision})"),
            *(Fact(f"  {fact.label}", fact.value, fact.tone) for fact in data.settings),
        ]

    def _information(self, found: TaskInformation) -> list[Fact]:
        task, now = found.task, self.now
        facts = [
            Fact("Status", _status(task), status_cell(task).tone),
            *_lights(task),
            Fact("Command", task.told or "none"),
            Fact("Latest detail", in_local_time(task.latest_detail) or "-"),
            Fact("Sequence", f"{number(task.sequence)} submissions to the archive"),
        ]
        if found.progress is not None:
            facts += [Fact(""), *progress_facts(found.progress, now)]
        if found.last is not None:
            facts += [Fact(""), *self._last(found.last)]
        if found.group is not None:
            facts += group_facts(found.group, now)
        if found.doubted is not None:
            looked = "who left" if found.doubted.group.before else "who is in it"
            facts.append(Fact("  to confirm", f"m shows {looked}; C there says that it is right.", Tone.BAD))
        return [
            *facts,
            Fact(
                "Next execution",
                "paused" if task.paused else next_start(task.next_execution, now, task.maintenance_until),
            ),
            Fact(""),
            Fact("Created", f"{when(task.created, now)} by {task.created_by}"),
            Fact("Last modified", f"{when(task.modified, now)} by {task.modified_by}"),
        ]

    def _last(self, last: ExecutionRow) -> list[Fact]:
        if last.runs:
            return [Fact("Running since", when(last.started, self.now))]
        light = light_cell(last.light)
        ended = f"{light.text}, {last.processed} of {count(last.mailboxes, 'mailbox', 'mailboxes')}"
        took = f", took {lasted(last.duration)}" if last.duration else ""
        return [
            Fact("Last execution", when(last.started, self.now) + took),
            Fact("  ended", ended, light.tone),
            Fact("  message", in_local_time(last.message) or "-"),
        ]

    # --- commands ------------------------------------------------------------------------------------------------

    def action_group_members(self) -> None:
        """Who is in the task's group."""
        self.app.push_screen(GroupScreen(self._task_id))

    def chosen_ids(self) -> Sequence[int]:
        """This one."""
        return [self._task_id]

    def chosen_types(self) -> Collection[TaskType]:
        """Its type."""
        return {self.shown.information.task.type} if self.shown is not None else ()

    def paused_types(self) -> Collection[TaskType]:
        """Its type, if it is paused."""
        return self.chosen_types() if self.shown is not None and self.shown.information.task.paused else ()

    @on(PagedList.Moved, "#logs")
    def _moved(self, event: PagedList.Moved) -> None:
        self.query_one(Advice).show(event.line)

    @on(PagedList.Opened, "#logs")
    def _open(self, event: PagedList.Opened) -> None:
        self.tui.open_execution(int(event.line.key))

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._show_tab(event.name)

    def _show_tab(self, name: str) -> None:
        self._tab = name
        self.query_one(ContentSwitcher).current = name
        self.query_one(TabLine).present = name
        self.query_one(Advice).display = name == "logs"
        self.query_one(f"#{name}").focus()

    def action_tab_options(self) -> None:
        """What it was created with."""
        self._show_tab("options")

    def action_tab_information(self) -> None:
        """What it does and did."""
        self._show_tab("information")

    def action_tab_logs(self) -> None:
        """Its executions."""
        self._show_tab("logs")

    def action_tab_next(self) -> None:
        """The next tab, around."""
        self._show_tab(_TABS[(_TABS.index(self._tab) + 1) % len(_TABS)])

    def action_tab_previous(self) -> None:
        """The tab before, around."""
        self._show_tab(_TABS[(_TABS.index(self._tab) - 1) % len(_TABS)])

    @leads_to(set_task, roles=_for_its_type)
    @work(exclusive=True, group="ask")
    async def action_task_change(self) -> None:
        """Another schedule, or another definition."""
        if self.shown is None:
            return
        task = self.shown.information.task
        choices = [("Another schedule", "schedule"), ("Another definition", "definition")]
        text = f"Schedule: {task.schedule}\nDefinition: {task.definition}"
        what = await self.app.push_screen_wait(Choice(f"Change {task.description!r}", text, choices))
        if what == "schedule":
            await self._change_schedule(task.id)
        elif what == "definition":
            await self._change_definition(task)

    async def _change_schedule(self, task_id: int) -> None:
        if (rows := await self.tui.asked(queries.schedules)) is None:
            return
        entries = [(row.name, _described(row.settings), row.id) for row in rows]
        chosen = await self.app.push_screen_wait(Picker("Which schedule?", entries))
        if chosen is not None:
            self.tui.act(partial(set_task, task_id, schedule_id=chosen))

    async def _change_definition(self, task: TaskRow) -> None:
        if (rows := await self.tui.asked(partial(queries.definitions, task.type))) is None:
            return
        entries = [(row.name, f"revision {row.revision}", row.id) for row in rows]
        chosen = await self.app.push_screen_wait(Picker("Which definition?", entries))
        if chosen is None or not await self._is_meant(task, next(row for row in rows if row.id == chosen)):
            return
        self.tui.act(partial(set_task, task.id, definition_id=chosen))

    async def _is_meant(self, task: TaskRow, definition: DefinitionRow) -> bool:
        live = task_going_live(task.description, task.type, definition.name, definition.settings)
        if live is None or definition.id == task.definition_id:
            return True
        choices = [("No, leave it", False), ("Yes, change it", True)]
        return bool(await self.app.push_screen_wait(Choice(live.question, "", choices, warning=True)))


def _described(settings: object) -> str:
    return describe(ScheduleSettings.model_validate(settings))


def _mailbox(progress: ProgressRow) -> str:
    return f"{progress.position} of {progress.total}: {progress.address}" if progress.position else "none yet"


def progress_facts(progress: ProgressRow, now: datetime) -> list[Fact]:
    """What runs now, in words."""
    rate = progress.items_per_second
    of_expected = f" of {number(progress.expected)} ({progress.share:.0%})" if progress.share is not None else ""
    items = f"{number(progress.items)}{of_expected}"
    facts = [
        Fact("Progress", share_shown(progress.share_of_all, 24), Tone.ACCENT),
        Fact("Mailbox", _mailbox(progress)),
        Fact("  items", items + (f", {rate:,.0f} items/s" if rate is not None else "")),
        Fact("  size", size(progress.bytes)),
        Fact("  doing", now_shown(progress) or "-"),
    ]
    if progress.throttled_seconds:
        facts.append(
            Fact("  throttled", f"{count(progress.throttled_seconds, 'second')} of this mailbox's turn so far")
        )
    further = (
        ("  pace", pace(progress, now, _PACE_WIDTH), Tone.ACCENT),
        ("  time left", time_left(progress, now), Tone.PLAIN),
        ("  waiting", wait_words(progress, now), Tone.WARN),
    )
    return [*facts, *(Fact(label, text, tone) for label, text, tone in further if text)]


def _lights(task: TaskRow) -> list[Fact]:
    """How the last execution ended; and the task's own light, where mailboxes that it left out make that another."""
    result = light_cell(task.result)
    facts = [Fact("Result", result.text, result.tone)]
    if task.light is not task.result:
        light = light_cell(task.light)
        facts.append(Fact("Light", f"{light.text}: {LEFT_OUT}", light.tone))
    return facts


def _status(task: TaskRow) -> str:
    text = status_cell(task).text
    return f"{text}: created, never executed" if text == Status.UNKNOWN.value else text
