"""Tables of replicated calendars: appointments with all their versions, and how far each task has read.

What is live is what is open: a version's [opened, closed) is half-open in pass stamps, as placements' are.
"""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from mse_tui.store.models import ArchiveMailbox, Row, Task, UtcField


class Calendar(Row):
    """One calendar of a mailbox."""

    id = AutoField()
    mailbox = ForeignKeyField(ArchiveMailbox, backref="calendars", on_delete="RESTRICT")
    remote_id = TextField()
    name = TextField()
    is_default = BooleanField(default=False)
    opened = BigIntegerField()
    closed = BigIntegerField(null=True)
    """When it was gone from Exchange."""
    read = BigIntegerField(null=True)
    """Stamp of the last pass that read it to its end; NULL = none has yet."""

    class Meta:
        indexes = ((("mailbox", "remote_id"), True),)


class Appointment(Row):
    """A single appointment or a whole series, under the server's id."""

    id = AutoField()
    calendar = ForeignKeyField(Calendar, backref="appointments", on_delete="RESTRICT", index=False)
    remote_id = TextField()
    uid = TextField()
    entered = BigIntegerField()
    """Stamp of the pass that saw it first."""

    class Meta:
        indexes = ((("calendar", "remote_id"), True),)


class AppointmentVersion(Row):
    """An appointment as it was between two passes; at most one version is open."""

    id = AutoField()
    appointment = ForeignKeyField(Appointment, backref="versions", on_delete="RESTRICT")
    calendar = ForeignKeyField(Calendar, on_delete="RESTRICT", index=False)
    change_key = TextField()
    digest = BlobField()
    """Of all that people see of it: equal digests, no new version."""
    subject = TextField(default="")
    location = TextField(default="")
    organizer = TextField(default="")
    starts = UtcField()
    """Of an all-day appointment: its first day's midnight in UTC, whatever its zone."""
    ends = UtcField()
    over = UtcField(null=True)
    """The end of its last occurrence; NULL = endless."""
    zone = CharField(default="")
    """IANA name of the zone that it was made in; '' where that is not known."""
    is_series = BooleanField(default=False)
    is_all_day = BooleanField(default=False)
    is_meeting = BooleanField(default=False)
    is_cancelled = BooleanField(default=False)
    sensitivity = CharField(default="Normal")
    show_as = CharField(default="Busy")
    has_attachments = BooleanField(default=False)
    lacks_attachments = BooleanField(default=False)
    """It has attachments that the definition did not want when it was read."""
    opened = BigIntegerField()
    closed = BigIntegerField(null=True)

    class Meta:
        constraints = [SQL("CHECK (closed IS NULL OR closed >= opened)")]


AppointmentVersion.add_index(
    AppointmentVersion.appointment,
    unique=True,
    where=AppointmentVersion.closed.is_null(),
    name="appointment_version_open",
)
AppointmentVersion.add_index(
    AppointmentVersion.calendar, AppointmentVersion.starts, name="appointment_version_calendar_starts"
)


ICALENDAR = 0
ORIGINAL = 1
FIRST_ATTACHMENT = 2
"""Positions of a version's contents."""


class AppointmentContent(Row):
    """What the archive keeps of a version: its iCalendar, what the server gave, and its attachments."""

    version = ForeignKeyField(AppointmentVersion, backref="contents", on_delete="RESTRICT", index=False)
    position = IntegerField()
    """ICALENDAR, ORIGINAL (what the server gave), or from FIRST_ATTACHMENT on the attachments in their order."""
    sha256 = BlobField(index=True)
    size = BigIntegerField()
    name = TextField(default="")
    content_type = CharField(default="")
    content_id = TextField(default="")

    class Meta:
        primary_key = CompositeKey("version", "position")
        without_rowid = True


class CalendarCheckpoint(Row):
    """How far one task has read one calendar."""

    id = AutoField()
    task = ForeignKeyField(Task, on_delete="CASCADE", index=False)
    calendar = ForeignKeyField(Calendar, on_delete="RESTRICT")
    state = TextField(null=True)
    """The server's sync state; NULL = from the beginning."""
    batch = BigIntegerField(default=0)
    """Committed batches of this calendar; compared and set at each commit."""
    enumerating = BooleanField(default=True)
    """A full enumeration is under way: what was here before is in `calendar_removal` until it is seen."""

    class Meta:
        indexes = ((("task", "calendar"), True),)


class CalendarRemoval(Row):
    """An appointment seen gone, or not seen yet, in a pass under way; its version closes when the pass ends."""

    task = ForeignKeyField(Task, on_delete="CASCADE", index=False)
    appointment = ForeignKeyField(Appointment, on_delete="RESTRICT")

    class Meta:
        primary_key = CompositeKey("task", "appointment")
        without_rowid = True


class CalendarUnfinished(Row):
    """An item of a calendar that failed or was skipped; looked at again at each pass."""

    task = ForeignKeyField(Task, on_delete="CASCADE", index=False)
    calendar = ForeignKeyField(Calendar, on_delete="RESTRICT")
    remote_id = TextField()
    reason = CharField()
    message = TextField(default="")
    subject = TextField(default="")
    starts = UtcField(null=True)
    over = UtcField(null=True)
    """With `starts`: when it takes place, to tell whether a window has come to cover it."""
    attempts = IntegerField(default=1)
    first_seen = UtcField()

    class Meta:
        primary_key = CompositeKey("task", "calendar", "remote_id")
        without_rowid = True


CALENDAR_MODELS: tuple[type[Row], ...] = (
    Calendar, Appointment, AppointmentVersion, AppointmentContent, CalendarCheckpoint, CalendarRemoval,
    CalendarUnfinished,
)  # fmt: skip
