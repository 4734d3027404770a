"""Calendar Replication: a mailbox's calendars into the archive, in full first, then what changes.

A replica: an appointment that is deleted in Exchange leaves it at the next pass; its earlier versions stay readable
as history. Whatever interrupts a pass, the next execution resumes it from the last committed batch.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from mse_tui.features.calendar_definition import CalendarReplicationDefinition, ReplicatedCalendars
from mse_tui.features.calendar_listing import CalendarLimits
from mse_tui.features.calendar_pass import CalendarPass
from mse_tui.features.feature import MailboxRun
from mse_tui.features.foreseen_calendars import ForeseenCalendars
from mse_tui.store.database import faults_explained, keep_connection
from mse_tui.terms import TaskType

__all__ = ["CALENDAR_REPLICATION", "CalendarReplication", "CalendarReplicationDefinition", "ReplicatedCalendars"]


class CalendarReplication:
    """The task type CAL."""

    task_type = TaskType.CALENDAR_REPLICATION
    destructive = False
    definition: type[BaseModel] = CalendarReplicationDefinition
    counters: Mapping[str, str] = {
        "calendars_seen": "Calendars covered",
        "calendars_added": "Calendars added",
        "calendars_renamed": "Calendars renamed",
        "calendars_removed": "Calendars removed",
        "items_seen": "Appointments looked at",
        "items_added": "Appointments added",
        "items_changed": "Appointments changed",
        "items_removed": "Appointments removed",
        "items_known": "Appointments known and unchanged",
        "bytes": "Bytes of content taken in",
        "submissions": "Submissions to the archive",
        "calendars_would_be_added": "Calendars that would be added",
        "calendars_would_be_renamed": "Calendars that would be renamed",
        "calendars_would_be_removed": "Calendars that would be removed",
        "items_would_be_added": "Appointments that would be added",
        "items_would_be_changed": "Appointments that would be changed",
        "items_would_be_removed": "Appointments that would be removed",
        "bytes_would_be_taken_in": "Bytes of content that would be taken in",
    }

    def __init__(self, limits: CalendarLimits = CalendarLimits()) -> None:  # noqa: B008 (frozen)
        self._limits = limits

    def process(self, run: MailboxRun) -> None:
        """Run or resume one pass over the mailbox's calendars.

        Raises Problem, Stopped, Cancelled; what was committed before holds, and the next call goes on from there.
        """
        if not isinstance(run.definition, CalendarReplicationDefinition):
            raise TypeError(f"{type(run.definition).__name__} is not a Calendar Replication definition")
        with keep_connection(), faults_explained():
            CalendarPass(run, run.definition, self._limits).run()

    def foresee(self, run: MailboxRun) -> None:
        """What a pass would find to do, by the task's own checkpoints; no appointment is fetched."""
        if not isinstance(run.definition, CalendarReplicationDefinition):
            raise TypeError(f"{type(run.definition).__name__} is not a Calendar Replication definition")
        with keep_connection(), faults_explained():
            ForeseenCalendars(run, run.definition).run()


CALENDAR_REPLICATION = CalendarReplication()
