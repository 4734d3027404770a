"""Which commands there are, place by place: for the documentation and for checking them."""

from collections.abc import Iterator
from typing import Any

from mse_tui.screens.access import AccessScreen
from mse_tui.screens.appointment import AppointmentScreen
from mse_tui.screens.archive import ArchiveScreen, FoldersScreen, MessagesScreen
from mse_tui.screens.audit import AuditScreen
from mse_tui.screens.calendar import AgendaScreen, CalendarScreen, MonthScreen
from mse_tui.screens.dashboard import DashboardScreen
from mse_tui.screens.definitions import DefinitionsScreen
from mse_tui.screens.group import GroupScreen
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.logs import LogsScreen
from mse_tui.screens.message import MessageScreen
from mse_tui.screens.new_task import NewTaskScreen
from mse_tui.screens.planning import PlanningScreen, TaskPlanningScreen
from mse_tui.screens.retention import RetentionScreen
from mse_tui.screens.schedules import SchedulesScreen
from mse_tui.screens.search import SearchScreen
from mse_tui.screens.sites import SitesScreen
from mse_tui.screens.stubs import StubsScreen
from mse_tui.screens.summary_log import ExecutionScreen, ResultScreen, SummaryLogScreen
from mse_tui.screens.task_information import TaskInformationScreen
from mse_tui.screens.tasks import TasksScreen
from mse_tui.screens.troubles import TroublesScreen
from mse_tui.widgets.commands import EVERYWHERE, LIST_KEYS, STEPS, Command

SCREENS: dict[str, type[LiveScreen[Any]]] = {
    "Dashboard": DashboardScreen,
    "All that needs attention": TroublesScreen,
    "Tasks": TasksScreen,
    "New task": NewTaskScreen,
    "Task information": TaskInformationScreen,
    "Group of a task": GroupScreen,
    "Task summary log": SummaryLogScreen,
    "One execution": ExecutionScreen,
    "One mailbox of an execution": ResultScreen,
    "Archive: mailboxes": ArchiveScreen,
    "Archive: who may open one": AccessScreen,
    "Archive: folders": FoldersScreen,
    "Archive: messages": MessagesScreen,
    "Archive: one message": MessageScreen,
    "Archive: search": SearchScreen,
    "Definitions": DefinitionsScreen,
    "Schedules": SchedulesScreen,
    "Calendar: mailboxes": CalendarScreen,
    "Calendar: agenda": AgendaScreen,
    "Calendar: month": MonthScreen,
    "Calendar: one appointment": AppointmentScreen,
    "Retention & holds": RetentionScreen,
    "Stubs": StubsScreen,
    "Audit": AuditScreen,
    "Sites": SitesScreen,
    "Logs": LogsScreen,
    "Planning": PlanningScreen,
    "Planning: one task": TaskPlanningScreen,
}


def key_groups() -> Iterator[tuple[str, tuple[Command, ...]]]:
    """(place, its commands), first those that work everywhere and in every list."""
    yield "Everywhere", EVERYWHERE
    yield "In lists", (*LIST_KEYS, *STEPS)
    for name, screen in SCREENS.items():
        if screen.KEYS:
            yield name, screen.KEYS
