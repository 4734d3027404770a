"""The places of the app: the screen that each begins with, imported when it is first gone to."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from textual.screen import Screen

PLACES = {
    "dashboard": ("dashboard", "DashboardScreen"),
    "tasks": ("tasks", "TasksScreen"),
    "archive": ("archive", "ArchiveScreen"),
    "calendar": ("calendar", "CalendarScreen"),
    "log": ("summary_log", "SummaryLogScreen"),
    "definitions": ("definitions", "DefinitionsScreen"),
    "schedules": ("schedules", "SchedulesScreen"),
    "stubs": ("stubs", "StubsScreen"),
    "audit": ("audit", "AuditScreen"),
    "sites": ("sites", "SitesScreen"),
    "planning": ("planning", "PlanningScreen"),
    "logs": ("logs", "LogsScreen"),
    "retention": ("retention", "RetentionScreen"),
}
"""(module, class) by the place's name in commands ('mode.tasks')."""


def first_screen(place: str) -> Callable[[], Screen[Any]]:
    """What makes the first screen of a place."""

    def make() -> Screen[Any]:
        module, name = PLACES[place]
        screen: Screen[Any] = getattr(import_module(f"mse_tui.screens.{module}"), name)()
        return screen

    return make
