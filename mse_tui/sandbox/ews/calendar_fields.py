"""Properties of calendar items that follow from others: kind, times, recurrence, exceptions."""

from typing import Any

from mse_tui.sandbox.ews.render import Render
from mse_tui.sandbox.ews.soap import EwsError, Request

CALENDAR_RENDERS: dict[str, Render] = {}


def update_occurrence(request: Request, element: Any, updates: Any) -> str:
    raise EwsError("ErrorItemNotFound")


def delete_occurrence(request: Request, element: Any) -> None:
    raise EwsError("ErrorItemNotFound")
