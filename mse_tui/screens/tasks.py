"""The list of tasks: all, or one type's; filter, sort, and what they can be told."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from textual import on
from textual.widget import Widget
from textual.widgets import Input, Static

from mse_tui.actions.tasks import create_task
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.screens.task_commands import TaskCommands
from mse_tui.screens.task_lines import TASK_COLUMNS, task_line
from mse_tui.store import queries
from mse_tui.store.queries import TaskRow
from mse_tui.terms import Light, TaskType
from mse_tui.text import printable
from mse_tui.widgets.commands import (
    FILTERING,
    TASK_COMMANDS,
    TASK_NEW,
    TASKS_SORT,
    TASKS_TYPE,
)
from mse_tui.widgets.lines import Column, Line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import LEFT_OUT, count, in_local_time

_NO_TASKS = " No tasks. Press c to create one."
_NEVER = datetime.max.replace(tzinfo=UTC)
_GROUP_AT_MOST = 40
_LIGHT_ORDER = (Light.RED, Light.ORANGE, Light.NONE, Light.GREEN)


def _by_description(task: TaskRow) -> Any:
    return task.description.casefold()


def _by_next(task: TaskRow) -> Any:
    return task.next_execution or _NEVER


def _by_light(task: TaskRow) -> Any:
    return _LIGHT_ORDER.index(task.light), task.description.casefold()


def _by_status(task: TaskRow) -> Any:
    return task.status.value, task.description.casefold()


_ORDERS = {
    "description": _by_description,
    "light, problems first": _by_light,
    "next execution": _by_next,
    "status": _by_status,
}


_SHOWN_BY = {
    "description": "Task",
    "light, problems first": "Light",
    "next execution": "Next execution",
    "status": "Status",
}


def _columns(order: str, reverse: bool) -> tuple[Column, ...]:
    """With a mark at the one that the list is sorted by."""
    mark = "v" if reverse else "^"
    return tuple(
        replace(one, title=f"{one.title} {mark}") if one.title == _SHOWN_BY[order] else one for one in TASK_COLUMNS
    )


def _detail(task: TaskRow) -> str:
    """What narrow lists have no column for, and what it does or did last."""
    group = task.group_name or task.group
    group = group if len(group) <= _GROUP_AT_MOST else f"{group[: _GROUP_AT_MOST - 1]}…"
    last = in_local_time(task.latest_detail)
    if task.light is not task.result:
        last = f"{last}; {LEFT_OUT}"
    return f"{group}  {task.schedule}, {task.site}" + (f"\n{task.description}: {last}" if last else "")


class TasksScreen(TaskCommands, LiveScreen[list[TaskRow]]):
    """All tasks or one type's."""

    KEYS = (*TASK_COMMANDS[:1], TASK_NEW, *TASK_COMMANDS[1:], FILTERING[0], TASKS_SORT, TASKS_TYPE, *FILTERING[1:])
    FOR_A_LINE = TASK_COMMANDS
    MARKS = True
    PLACE = "tasks"
    HELP_TEXT = (
        "All tasks. Enter opens one; space marks several, and a command then goes to all that are marked. A task whose"
        " status is Unknown was created and never executed."
    )

    def __init__(self) -> None:
        super().__init__()
        self._type: TaskType | None = None
        self._order = "description"
        self._reverse = False

    def body(self) -> Iterable[Widget]:
        """A title, the list, and the latest detail of the task under the cursor."""
        yield Static("", classes="title", id="title", markup=False)
        yield PagedList(_columns(self._order, self._reverse), id="tasks", empty=_NO_TASKS)
        yield Static("", classes="note -three", id="detail", markup=False)

    def load(self) -> list[TaskRow]:
        """All of them: marks outlast the choice of a type."""
        return queries.tasks_of_type(None)

    def show(self, data: list[TaskRow]) -> None:
        """In the chosen order."""
        tasks = self.query_one("#tasks", PagedList)
        listed = [task for task in data if self._type in (None, task.type)]
        hidden = {str(task.id) for task in data} - {str(task.id) for task in listed}
        ordered = sorted(listed, key=_ORDERS[self._order], reverse=self._reverse)
        tasks.set_lines([task_line(task, self.now) for task in ordered], hidden)
        tasks.set_empty(" No task of this type. Press t for the next one, 2 for all." if hidden else _NO_TASKS)
        tasks.set_columns(_columns(self._order, self._reverse))
        self._show_title()
        self._show_detail(tasks.current)

    def _show_title(self) -> None:
        tasks, kind = self.query_one("#tasks", PagedList), self._type.label if self._type else "All types"
        listed = sum(self._type in (None, task.type) for task in self.shown or ())
        number_of = f"{tasks.count} of {count(listed, 'task')}" if tasks.filter_text else count(listed, "task")
        order = f"by {self._order}{', reversed' if self._reverse else ''}"
        self._set("title", f"{kind}: {number_of}, {order}")

    def _set(self, name: str, text: str) -> None:
        widget = self.query_one(f"#{name}", Static)
        if str(widget.content) != (text := printable(text, keep_newlines=True)):
            widget.update(text)

    def _show_detail(self, line: Line | None) -> None:
        task = self._task_of(line.key) if line else None
        self._set("detail", _detail(task) if task else "")

    def _task_of(self, key: str) -> TaskRow | None:
        return next((task for task in self.shown or () if str(task.id) == key), None)

    def show_type(self, task_type: TaskType | None) -> None:
        """List this type's tasks only; None: all."""
        self._type = task_type
        self.reload()

    def show_all(self) -> None:
        """All types, without a filter."""
        super().show_all()
        if self._type is not None:
            self.show_type(None)

    def chosen_ids(self) -> Sequence[int]:
        """The marked ones, else the one under the cursor."""
        return [task.id for task in self._chosen()]

    def chosen_types(self) -> Collection[TaskType]:
        """Their types."""
        return {task.type for task in self._chosen()}

    def paused_types(self) -> Collection[TaskType]:
        """The types of those that are paused."""
        return {task.type for task in self._chosen() if task.paused}

    def _chosen(self) -> list[TaskRow]:
        rows = {str(task.id): task for task in self.shown or ()}
        return [rows[one.key] for one in self.query_one("#tasks", PagedList).chosen if one.key in rows]

    def tasks_told(self, tasks: Sequence[TaskRow]) -> None:
        """Their marks have done their work."""
        self.query_one("#tasks", PagedList).unmark({str(task.id) for task in tasks})

    @on(PagedList.Moved)
    def _moved(self, event: PagedList.Moved) -> None:
        self._show_detail(event.line)

    @on(Input.Changed, "#filter")
    def _narrowed(self) -> None:
        self.call_after_refresh(self._show_title)

    def _filter(self, text: str) -> None:
        super()._filter(text)
        self._show_title()

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        self.tui.open_task(int(event.line.key))

    @leads_to(create_task)
    def action_task_new(self) -> None:
        """Step by step."""
        self.tui.new_task()

    def action_tasks_sort(self) -> None:
        """The same order from its other end; then the next one."""
        names = list(_ORDERS)
        if self._reverse:
            self._order = names[(names.index(self._order) + 1) % len(names)]
        self._reverse = not self._reverse
        if self.shown is not None:
            self.show(self.shown)

    def action_tasks_type(self) -> None:
        """All, then each type."""
        types = [None, *TaskType]
        self.show_type(types[(types.index(self._type) + 1) % len(types)])
