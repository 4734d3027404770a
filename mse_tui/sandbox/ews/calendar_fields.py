"""Properties of calendar items that follow from others: kind, times, recurrence, exceptions."""

from mse_tui.sandbox.ews.render import Render

CALENDAR_RENDERS: dict[str, Render] = {}
