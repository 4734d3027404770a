"""Planning: how long tasks take, whether they keep up with their schedules, and what more would cost."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.engine.capacity import forecast
from mse_tui.engine.planning import TaskPlan, plan_of, plans
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import Question, number_wrong
from mse_tui.screens.live import LiveScreen
from mse_tui.text import printable
from mse_tui.widgets.commands import FILTERING, PLAN_EVERY, PLAN_MORE
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.planning_facts import (
    FIT_GLYPHS,
    FIT_TONES,
    forecast_facts,
    measured_facts,
    slowest_facts,
    took,
)
from mse_tui.widgets.plot import columns
from mse_tui.widgets.wording import absolute, lasted, number

_PLOT_HEIGHT = 4
_PLOT_WIDTH = 48


class PlanningScreen(LiveScreen[list[TaskPlan]]):
    """All tasks with their pace."""

    KEYS = FILTERING
    PLACE = "planning"
    HELP_TEXT = (
        "From measured executions: how long each task takes and whether it finishes before its next execution is due."
        " Enter opens a task: its pace, slowest mailboxes, durations over time, and what more mailboxes would cost."
    )

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield Static("Planning", classes="title", markup=False)
        yield PagedList(
            (
                Column("Task", 30, grows=True),
                Column("In time?", 15),
                Column("Takes", 12, right=True),
                Column("Interval", 12, 2, right=True),
                Column("Mailboxes", 9, 3, right=True),
                Column("Each", 11, 4, right=True),
                Column("Items/min", 9, 5, right=True),
            ),
            id="plans",
            empty=" No tasks yet. Press 2, then c, to create one.",
        )

    def load(self) -> list[TaskPlan]:
        """All of them."""
        return plans(self.now)

    def show(self, data: list[TaskPlan]) -> None:
        """By description."""
        self.query_one("#plans", PagedList).set_lines([_line(plan) for plan in data])

    @on(PagedList.Opened, "#plans")
    def _open(self, event: PagedList.Opened) -> None:
        self.app.push_screen(TaskPlanningScreen(int(event.line.key)))


class TaskPlanningScreen(LiveScreen[TaskPlan]):
    """One task's pace, and what would be if."""

    KEYS = (PLAN_MORE, PLAN_EVERY)
    PLACE = "planning"
    HELP_TEXT = (
        "What was measured of this task. m asks what more mailboxes would cost; e asks how many tasks must share the"
        " group to finish in a wanted interval."
    )

    def __init__(self, task_id: int) -> None:
        super().__init__()
        self._task_id = task_id
        self._more = 0
        self._wanted: timedelta | None = None

    def body(self) -> Iterable[Widget]:
        """Facts, and a plot at their end."""
        yield Static("", id="title", classes="title", markup=False)
        yield Facts(id="facts")

    def load(self) -> TaskPlan:
        """Raises Problem not-found when the task is gone."""
        found = plan_of(self._task_id, self.now)
        if found is None:
            raise Problem(Reason.NOT_FOUND, "This task was removed.", "Press Esc to go back.")
        return found

    def show(self, data: TaskPlan) -> None:
        """All that is known."""
        self.query_one("#title", Static).update(printable(f"Planning: {data.task.description}"))
        self.query_one("#facts", Facts).set_facts(list(self._facts(data)))

    def _facts(self, plan: TaskPlan) -> Iterator[Fact]:
        yield from measured_facts(plan)
        if self._more or self._wanted:
            yield Fact("")
            found = forecast(plan.capacity, plan.mailboxes, self._more, self._wanted)
            yield from forecast_facts(found, self._more, self._wanted)
        yield Fact("")
        yield from _plot(plan)
        yield from slowest_facts(plan.capacity)

    @work(exclusive=True, group="ask")
    async def action_plan_more(self) -> None:
        """Ask how many."""
        answer = await self._ask_number(
            "How many more mailboxes?", "As large and busy as the present ones.", self._more
        )
        if answer is not None:
            self._more = answer
            self._show_again()

    @work(exclusive=True, group="ask")
    async def action_plan_every(self) -> None:
        """Ask how often."""
        present = int(self._wanted.total_seconds() // 60) if self._wanted else 0
        answer = await self._ask_number("Run it every how many minutes?", "0 forgets the question.", present)
        if answer is not None:
            self._wanted = timedelta(minutes=answer) if answer else None
            self._show_again()

    async def _ask_number(self, title: str, text: str, present: int) -> int | None:
        answer: Any = await self.app.push_screen_wait(Question(title, text, str(present or ""), check=number_wrong))
        return None if answer is None else int(answer)

    def _show_again(self) -> None:
        if self.shown is not None:
            self.show(self.shown)


def _line(plan: TaskPlan) -> Line:
    known = plan.capacity
    pace = known.later or known.first
    return line(
        plan.task.id,
        Cell(plan.task.description, Tone.STRONG),
        Cell(f"{FIT_GLYPHS[known.fit]} {known.fit.value}", FIT_TONES[known.fit]),
        took(known.usual_seconds),
        lasted(known.usual_interval) or "-",
        number(plan.mailboxes) if plan.mailboxes else "-",
        took(pace.seconds_each) if pace else "-",
        f"{pace.items_per_minute:,.0f}" if pace else "-",
        copies=plan.task.description,
    )


def _plot(plan: TaskPlan) -> Iterator[Fact]:
    history = plan.capacity.history
    if len(history) < 2:
        return
    drawn = columns([one.seconds for one in history], _PLOT_WIDTH, _PLOT_HEIGHT)
    longest = took(max(one.seconds for one in history))
    for number_, text in enumerate(drawn):
        yield Fact("Durations" if number_ == 0 else "", text + (f"  {longest}" if number_ == 0 else ""), Tone.ACCENT)
    yield Fact("", f"{absolute(history[0].started)} to {absolute(history[-1].started)}", Tone.DIM)
    yield Fact("")
