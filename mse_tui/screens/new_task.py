"""New task, step by step: site, schedule, type, definition, group with preview, review."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static

from mse_tui.access.roles import missing
from mse_tui.actions import commands
from mse_tui.actions.checks import LONGEST_NAME, needed_for, settings_model
from mse_tui.actions.group_preview import Preview
from mse_tui.actions.schedules import refuse_passed
from mse_tui.actions.tasks import create_task
from mse_tui.directory.references import unlisted
from mse_tui.engine.schedules import ScheduleSettings, describe
from mse_tui.features import FEATURES, takes_away
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import problem_notice
from mse_tui.screens.group_lines import answer_shown
from mse_tui.screens.group_step import GroupStep
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import needs_said, tell_lacking
from mse_tui.screens.settings_forms import new_definition, new_schedule
from mse_tui.store import queries
from mse_tui.store.queries import DefinitionRow, ScheduleRow, SiteRow
from mse_tui.terms import GroupKind, TaskType
from mse_tui.text import printable
from mse_tui.widgets.commands import FILTERING, GROUP_BROWSE, GROUP_REFRESH, LIST_OPEN, SUBMIT, Command
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.inputs import Button, Chooser, QuietInput
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.taking_facts import dry_run_fact, taking_facts
from mse_tui.widgets.wording import count

STEPS = ("site", "schedule", "type", "definition", "group", "review")
NEW = "new"
_FIRST = ((-1, "when the schedule says"), (1, "now, the first mailbox only"), (5, "now, the first 5 mailboxes only"),
          (25, "now, the first 25 mailboxes only"), (0, "now, all mailboxes"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is to choose from."""

    sites: tuple[SiteRow, ...]
    schedules: tuple[ScheduleRow, ...]
    definitions: tuple[DefinitionRow, ...]
    directories: Mapping[int, frozenset[GroupKind] | None]
    """By site: who can be asked about groups."""


@dataclass
class Draft:
    """What has been chosen so far."""

    site: SiteRow | None = None
    schedule: ScheduleRow | None = None
    type: TaskType | None = None
    definition: DefinitionRow | None = None
    group: Preview = field(default_factory=Preview)


class NewTaskScreen(LiveScreen[Stock]):
    """Six steps; Enter goes on, Esc goes back."""

    KEYS = (
        Command(LIST_OPEN.id, "enter", "Choose", "Take what is under the cursor and go on."),
        Command("back", "escape", "Back", "Go back one step; from the first one, leave without creating anything."),
        SUBMIT,
        GROUP_BROWSE,
        *FILTERING,
        GROUP_REFRESH,
    )
    PLACE = "tasks"
    HOLDS_WORK = True
    HELP_TEXT = (
        "Choose a site, a schedule, a type, a definition and a group of mailboxes; then look at all of it and save."
        " Schedules and definitions can be created on the way."
    )

    def __init__(self) -> None:
        super().__init__()
        self._draft = Draft()
        self._step = "site"
        self._want: dict[str, str] = {}
        """In which list which line is to get the cursor: what was just created, else the first that there is."""

    @property
    def begun(self) -> str:
        """The draft, once anything was chosen."""
        return "The new task that was begun" if self._draft.site is not None else ""

    # --- what it looks like --------------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """The steps' names above, the present step below."""
        yield Static("New task", classes="title", markup=False)
        yield Static("", id="steps", classes="note", markup=False)
        with ContentSwitcher(initial="step-site"):
            with Vertical(id="step-site"):
                yield PagedList((Column("Site", 30), Column("", 40, grows=True)), id="sites", empty=" No site yet.")
            with Vertical(id="step-schedule"):
                yield PagedList((Column("Schedule", 34), Column("", 30, grows=True)), id="schedules")
            with Vertical(id="step-type"):
                yield PagedList((Column("Type", 4), Column("", 30, grows=True)), id="types")
            with Vertical(id="step-definition"):
                yield PagedList((Column("Definition", 40), Column("", 30, grows=True)), id="definitions")
            yield GroupStep(id="step-group")
            with Vertical(id="step-review"):
                yield from self._review_step()

    def _review_step(self) -> Iterable[Widget]:
        yield Facts(id="review")
        with Horizontal(classes="entry-line"):
            yield Static("Description", classes="entry-title", markup=False)
            yield QuietInput(id="description")
        with Horizontal(classes="entry-line"):
            yield Static("First execution", classes="entry-title", markup=False)
            yield Chooser([(label, first) for first, label in _FIRST], -1, id="first")
        yield Static(
            "A first execution is a full one: starting with a few mailboxes shows soon whether all is well.",
            classes="note",
            markup=False,
        )
        yield Button("Save", id="save")

    def on_mount(self) -> None:
        """The first step."""
        super().on_mount()
        self._go("site")

    def load(self) -> Stock:
        """Sites, schedules, definitions; and which directories know groups."""
        return Stock(
            tuple(queries.sites()),
            tuple(queries.schedules()),
            tuple(queries.definitions()),
            queries.site_directories(),
        )

    def show(self, data: Stock) -> None:
        """Fill the lists."""
        before = self.query_one("#schedules", PagedList)
        if not before.count:
            self._want = {"schedules": str(data.schedules[0].id)} if data.schedules else {}
        create = line(NEW, Cell("+ Create new...", Tone.ACCENT), "")
        self.query_one("#sites", PagedList).set_lines([_site_line(row) for row in data.sites])
        self.query_one("#schedules", PagedList).set_lines([create, *(_schedule_line(row) for row in data.schedules)])
        self.query_one("#types", PagedList).set_lines([self._type_line(one) for one in FEATURES])
        fitting = [row for row in data.definitions if row.type is self._draft.type]
        self.query_one("#definitions", PagedList).set_lines([create, *(_definition_line(row) for row in fitting)])
        for name, wanted in self._want.items():
            self.query_one(f"#{name}", PagedList).select_key(wanted)
        self._want.clear()

    def _type_line(self, task_type: TaskType) -> Line:
        if lacking := missing(needed_for(task_type), self.tui.roles):
            text = f"{task_type.label} ({needs_said(lacking)})"
            return line(task_type.value, Cell(task_type.value, Tone.DIM), Cell(text, Tone.DIM))
        return line(task_type.value, task_type.value, task_type.label)

    @property
    def main_list(self) -> PagedList | None:
        """The present step's list."""
        return next(iter(self.query_one(f"#step-{self._step}").query(PagedList)), None)

    def _go(self, step: str) -> None:
        self._step = step
        self.query_one(ContentSwitcher).current = f"step-{step}"
        if step == "review":
            self._show_review()
        self.query_one("#steps", Static).update(self._steps_shown())
        self.show_keys()
        if step == "group":
            groups = self.query_one(GroupStep)
            groups.unlisted = self._unlisted
            groups.focus_input()
        else:
            self.query_one("#description" if step == "review" else f"#{step}s").focus()

    def refused(self) -> dict[str, str]:
        """Browsing as well, where the site's groups can't be."""
        no_browsing = {GROUP_BROWSE.id: self._unlisted} if self._unlisted else {}
        return super().refused() | no_browsing

    def absent(self) -> frozenset[str]:
        """Each step's line of keys shows those that it has."""
        elsewhere = [LIST_OPEN, *FILTERING] if self._step == "review" else [SUBMIT]
        if self._step != "group":
            elsewhere += [GROUP_BROWSE, GROUP_REFRESH]
        return super().absent() - {LIST_OPEN.id, FILTERING[0].id} | {one.id for one in elsewhere}

    @property
    def _unlisted(self) -> str:
        """Why the chosen site's groups can't be browsed; '' where they can."""
        site = self._draft.site
        if site is None or self.shown is None:
            return ""
        return unlisted(site.binding, self.shown.directories.get(site.id))

    def _steps_shown(self) -> str:
        draft = self._draft
        said = {
            "site": draft.site.description if draft.site else "",
            "schedule": draft.schedule.name if draft.schedule else "",
            "type": draft.type.value if draft.type else "",
            "definition": draft.definition.name if draft.definition else "",
            "group": draft.group.group,
            "review": "",
        }
        names = []
        for number, step in enumerate(STEPS):
            name = f"[{step}]" if step == self._step else step
            done = number < STEPS.index(self._step) and said[step]
            names.append(f"{name}: {_short(said[step])}" if done else name)
        return printable(" > ".join(names))

    # --- choosing ------------------------------------------------------------------------------------------------

    @on(PagedList.Opened, "#sites")
    def _site_chosen(self, event: PagedList.Opened) -> None:
        assert self.shown is not None
        self._draft.site = next(row for row in self.shown.sites if str(row.id) == event.line.key)
        self._go("schedule")

    @on(PagedList.Opened, "#schedules")
    def _schedule_chosen(self, event: PagedList.Opened) -> None:
        if event.line.key == NEW:
            self._create("schedules", new_schedule())
            return
        assert self.shown is not None
        chosen = next(row for row in self.shown.schedules if str(row.id) == event.line.key)
        try:
            refuse_passed(ScheduleSettings.model_validate(chosen.settings), self.now)
        except Problem as problem:
            self.app.push_screen(problem_notice(problem))
            return
        self._draft.schedule = chosen
        self._go("type")

    @on(PagedList.Opened, "#types")
    def _type_chosen(self, event: PagedList.Opened) -> None:
        chosen = TaskType(event.line.key)
        if lacking := missing(needed_for(chosen), self.tui.roles):
            tell_lacking(self.tui, lacking)
            return
        self._draft.type = chosen
        if self.shown is not None:
            fitting = [row for row in self.shown.definitions if row.type is self._draft.type]
            self._want = {"definitions": str(fitting[0].id)} if fitting else {}
            self.show(self.shown)
        self._go("definition")

    @on(PagedList.Opened, "#definitions")
    def _definition_chosen(self, event: PagedList.Opened) -> None:
        assert self._draft.type is not None
        if event.line.key == NEW:
            self._create("definitions", new_definition(self._draft.type))
            return
        assert self.shown is not None
        self._draft.definition = next(row for row in self.shown.definitions if str(row.id) == event.line.key)
        self._go("group")

    @work(exclusive=True, group="ask")
    async def _create(self, name: str, form: ModalScreen[Any]) -> None:
        created = await self.app.push_screen_wait(form)
        if created is not None:
            self._want[name] = str(created)
            self.reload()

    def action_back(self) -> None:
        """One step back; from the first one, leave."""
        found = self.main_list
        if found is not None and found.filter_text:
            self._filter("")
        elif self._step == "group" and self.query_one(GroupStep).go_back():
            return
        elif self._step == STEPS[0]:
            self.app.pop_screen()
        else:
            self._go(STEPS[STEPS.index(self._step) - 1])

    # --- the group -----------------------------------------------------------------------------------------------

    def action_group_browse(self) -> None:
        """In the group's step: the directory from its top."""
        if self._step == "group":
            self.query_one(GroupStep).browse()

    def action_group_refresh(self) -> None:
        """In the group's step: ask the directory again."""
        if self._step == "group":
            self.query_one(GroupStep).refresh_answer()

    @on(GroupStep.Taken)
    def _group_taken(self, event: GroupStep.Taken) -> None:
        self._draft.group = event.preview
        self._go("review")

    # --- review --------------------------------------------------------------------------------------------------

    def _show_review(self) -> None:
        draft = self._draft
        assert draft.site and draft.schedule and draft.type and draft.definition
        schedule = describe(ScheduleSettings.model_validate(draft.schedule.settings))
        answer = draft.group.answer
        found = answer_shown(answer, self.now) if answer is not None else "not looked up"
        self.query_one("#review", Facts).set_facts(
            [
                Fact("Site", draft.site.description),
                Fact("Schedule", f"{draft.schedule.name}: {schedule}"),
                Fact("Type", draft.type.label),
                Fact("Definition", draft.definition.name),
                *_taken(draft.definition),
                Fact("Group", draft.group.group),
                Fact("", found),
            ]
        )
        description = self.query_one("#description", Input)
        if not description.value:
            description.value = proposed_name(draft.definition.name, _group_name(draft.group))

    @on(Input.Submitted, "#description")
    def _described(self) -> None:
        self.query_one("#first", Chooser).focus()

    @on(Button.Pressed, "#save")
    def action_submit(self) -> None:
        """Save the task, and run it if that was chosen."""
        if self._step != "review":
            return
        first = self.query_one("#first", Chooser).value
        save = partial(save_task, self._draft, self.query_one("#description", Input).value, first)
        self.tui.act(save, self._saved)

    def _saved(self, task_id: int) -> None:
        self.app.pop_screen()
        self.tui.open_task(task_id)


def save_task(draft: Draft, description: str, first: int) -> int:
    """Create the task; `first`: run it now on the first n mailboxes, 0 = on all, -1 = not now."""
    assert draft.site and draft.schedule and draft.type and draft.definition
    task_id = create_task(
        description,
        site_id=draft.site.id,
        task_type=draft.type,
        definition_id=draft.definition.id,
        schedule_id=draft.schedule.id,
        group=draft.group.group,
        resolved=draft.group.resolved,
    )
    if first >= 0:
        commands.run_now(task_id, first=first or None)
    return task_id


def _taken(definition: DefinitionRow) -> list[Fact]:
    """What it takes out of mailboxes, where it takes anything; else whether it is a dry run, where it can be one."""
    if takes_away(definition.type):
        return taking_facts(settings_model(definition.type), definition.settings)
    return (
        [dry_run_fact(definition.settings, "access to archives is changed")] if "dry_run" in definition.settings else []
    )


def _group_name(group: Preview) -> str:
    return group.resolved.shown if group.resolved is not None else group.group


def proposed_name(definition: str, group: str) -> str:
    """A task's name by both, in as many whole words as it may have."""
    text = printable(f"{definition}, {group}")
    if len(text) <= LONGEST_NAME:
        return text
    return text[: LONGEST_NAME + 1].rpartition(" ")[0].rstrip(" ,;") or text[:LONGEST_NAME]


def _short(text: str) -> str:
    return text if len(text) <= 24 else text[:23] + "…"


def _site_line(row: SiteRow) -> Line:
    state = f"engine runs: {row.engine}" if row.engine else "no engine runs"
    return line(row.id, row.description, Cell(state if row.enabled else "disabled", Tone.DIM))


def _schedule_line(row: ScheduleRow) -> Line:
    return line(row.id, row.name, Cell(describe(ScheduleSettings.model_validate(row.settings)), Tone.DIM))


def _definition_line(row: DefinitionRow) -> Line:
    return line(row.id, row.name, Cell(f"used by {count(row.tasks, 'task')}, revision {row.revision}", Tone.DIM))
