"""What a calendar pass hands to the ledger: calendars as they are being read, and what came of each appointment."""

from dataclasses import dataclass, field
from datetime import datetime

from mse_tui.exchange.calendars import Appointment, AppointmentRow
from mse_tui.exchange.rows import ItemFailure
from mse_tui.reasons import Reason


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What failed or was skipped in a calendar before."""

    reason: Reason
    subject: str = ""
    starts: datetime | None = None
    over: datetime | None = None
    """When it takes place, where that was the reason; `over` None: it never ends."""


@dataclass(slots=True)
class CalendarReading:
    """One calendar as a task reads it: its checkpoint, kept in step with the database by the ledger."""

    calendar_id: int
    checkpoint_id: int
    remote_id: str
    name: str
    state: str | None
    batch: int
    enumerating: bool
    expected: int = 0
    """Single appointments and series that the server said lie in it."""
    unfinished: dict[str, Unfinished] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Present:
    """The open version of an appointment."""

    version_id: int
    appointment_id: int
    change_key: str
    digest: bytes
    has_attachments: bool
    lacks_attachments: bool


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One item seen present, with what became of it; none of the three: it is known as it is."""

    remote_id: str
    subject: str = ""
    appointment: Appointment | None = None
    failure: ItemFailure | None = None
    skipped: Unfinished | None = None

    @classmethod
    def known(cls, row: AppointmentRow) -> "CalendarEntry":
        """The archive has it as it is."""
        return cls(row.remote_id, row.subject)

    @property
    def size(self) -> int:
        """Bytes that it brings."""
        if self.appointment is None:
            return 0
        return len(self.appointment.original) + sum(len(each.content) for each in self.appointment.attachments)


@dataclass(slots=True)
class CalendarPart:
    """A page of one calendar, or a part of one; an item comes at most once in it."""

    calendar: CalendarReading
    entries: list[CalendarEntry] = field(default_factory=list)
    removed: tuple[str, ...] = ()
    state: str | None = None
    """The state to go on from; None while the page is not whole."""
    last: bool = False
    """The calendar has been read to its end."""

    @property
    def submits(self) -> bool:
        """Whether it brings anything to the archive, beyond a checkpoint."""
        return bool(self.entries or self.removed)

    @property
    def moves_on(self) -> bool:
        """Whether the checkpoint changes."""
        return self.state is not None and (
            self.state != self.calendar.state or (self.last and self.calendar.enumerating)
        )
