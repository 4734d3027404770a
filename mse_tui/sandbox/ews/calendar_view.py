"""CalendarView: the single appointments and occurrences between two moments."""

from typing import Any

from mse_tui.sandbox.ews.shapes import ItemShape
from mse_tui.sandbox.ews.soap import EwsError, Request
from mse_tui.sandbox.records import FolderRecord, MailboxRecord


def calendar_view_xml(
    request: Request, mailbox: MailboxRecord, folder: FolderRecord, view: Any, shape: ItemShape
) -> str:
    """The RootFolder element of what lies in a calendar view."""
    raise EwsError("ErrorCalendarInvalidTimeZone")
