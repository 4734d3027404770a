"""What a Calendar Replication task can be told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class ReplicatedCalendars(StrEnum):
    """Which calendars of a mailbox are replicated."""

    DEFAULT = "default only"
    ALL = "all calendars"


@dataclass(frozen=True, slots=True)
class Period:
    """The time that a window covers; None: without end on that side."""

    begins: datetime | None
    ends: datetime | None

    def covers(self, starts: datetime, over: datetime | None) -> bool:
        """Whether something that takes place from `starts` until `over` (None: for ever) lies in it, at least partly.

        What has no length counts as the moment at which it starts.
        """
        if self.ends is not None and starts >= self.ends:
            return False
        return self.begins is None or over is None or over > self.begins or starts >= self.begins


class CalendarReplicationDefinition(BaseModel):
    """What a Calendar Replication task replicates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calendars: ReplicatedCalendars = Field(
        ReplicatedCalendars.DEFAULT,
        title="Calendars",
        description="The mailbox's own calendar, or all calendars that its owner has made as well.",
    )
    days_back: int | None = Field(
        None,
        ge=0,
        le=36_500,
        title="Window: days back",
        description="Take in appointments of so many days before today and later; empty: however old they are.",
    )
    days_ahead: int | None = Field(
        None,
        ge=0,
        le=36_500,
        title="Window: days ahead",
        description="Take in appointments that begin within so many days from today; empty: however far ahead.",
    )
    attachments: bool = Field(True, title="Attachments", description="Replicate what is attached to appointments too.")

    @property
    def wants_all(self) -> bool:
        return self.calendars is ReplicatedCalendars.ALL

    def period_at(self, now: datetime) -> Period:
        """The window as it is at an aware time."""
        back, ahead = self.days_back, self.days_ahead
        return Period(
            None if back is None else now - timedelta(days=back),
            None if ahead is None else now + timedelta(days=ahead),
        )
