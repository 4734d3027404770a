"""The database's tables. Times are aware UTC, kept as integer microseconds; JSON is text.

Rows leave this package as frozen dataclasses (see the queries), never as models, except to the archive and the
engine, which write them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    DatabaseProxy,
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

database = DatabaseProxy()
"""The open database of this process; `store.database.open_database` fills it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def moment_at(micros: int | None) -> datetime | None:
    """The same where there may be none."""
    return None if micros is None else from_micros(micros)


class UtcField(Field):
    """An aware datetime in UTC, stored as integer microseconds since 1970."""

    field_type = "BIGINT"

    def db_value(self, value: Any) -> int | None:
        return to_micros(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> datetime | None:
        return moment_at(value)


class Row(Model):
    class Meta:
        database = database
        legacy_table_names = False


# --- what people define ------------------------------------------------------------------------------------------


class Site(Row):
    id = AutoField()
    code = CharField(unique=True)
    """Persistent and random; names the site to other sites."""
    description = TextField()
    binding = CharField()
    host_name = CharField(default="")
    host_os = CharField(default="")
    version = CharField(default="")
    enabled = BooleanField(default=True)
    created = UtcField()
    last_active = UtcField(null=True)
    directories = TextField(null=True)
    """GroupKinds of the directories that its engine is configured for, with spaces between; NULL: none has started."""
    maintenance_windows = TextField(constraints=[SQL("DEFAULT '[]'")], default="[]")
    """JSON: weekly windows in which no execution starts or goes on, as people write them."""
    maintenance_until = UtcField(null=True)
    """What a person began lasts until then."""
    maintenance_by = CharField(constraints=[SQL("DEFAULT ''")], default="")
    maintenance_windows_from = UtcField(null=True)
    """A person ended a window early: windows count again from then on."""
    configuration_changed = UtcField(null=True)
    """When the engine saw that its configuration is no longer the one that it works with."""


class Definition(Row):
    id = AutoField()
    type = CharField()
    name = CharField()
    settings = TextField()
    """JSON of the feature's pydantic Definition."""
    revision = IntegerField(default=1)
    created = UtcField()
    created_by = CharField()
    modified = UtcField()
    modified_by = CharField()

    class Meta:
        indexes = ((("type", "name"), True),)


class Schedule(Row):
    id = AutoField()
    name = CharField(unique=True)
    settings = TextField()
    """JSON of engine.schedules.ScheduleSettings."""
    created = UtcField()
    created_by = CharField()
    modified = UtcField()
    modified_by = CharField()


class Task(Row):
    id = AutoField()
    description = TextField(unique=True)
    site = ForeignKeyField(Site, backref="tasks", on_delete="RESTRICT")
    type = CharField()
    definition = ForeignKeyField(Definition, backref="tasks", on_delete="RESTRICT")
    schedule = ForeignKeyField(Schedule, backref="tasks", on_delete="RESTRICT")
    group = TextField()
    """As the person gave it: addresses separated by ; or , or a group's address, distinguished name, GUID or name."""
    created = UtcField()
    created_by = CharField()
    modified = UtcField()
    modified_by = CharField()
    paused = BooleanField(default=False)
    """Set by pause, cleared by resume: an idle paused task is not started by its schedule."""
    # what only the engine sets
    status = CharField(default="Unknown")
    light = CharField(default="none")
    latest_detail = TextField(default="")
    sequence = BigIntegerField(default=0)
    """Committed submissions, over all mailboxes and executions."""
    next_execution = UtcField(null=True)
    last_started = UtcField(null=True)
    last_finished = UtcField(null=True)
    group_kind = CharField(constraints=[SQL("DEFAULT ''")], default="")
    """GroupKind of what the group's text meant when it was first resolved."""
    group_key = CharField(constraints=[SQL("DEFAULT ''")], default="")
    """What stays the same when the group is renamed or moved; '' before it is resolved, and for addresses."""
    group_name = TextField(constraints=[SQL("DEFAULT ''")], default="")
    """As last seen."""
    paused_by = CharField(constraints=[SQL("DEFAULT ''")], default="")
    paused_since = UtcField(null=True)
    passed_by = UtcField(null=True)
    """The last start that passed since it was paused; NULL: none did."""


class Command(Row):
    """What a task has been told; the engine takes it, carries it out and says how that ended."""

    id = AutoField()
    task = ForeignKeyField(Task, backref="commands", on_delete="CASCADE")
    verb = CharField()
    arguments = TextField(default="{}")
    """JSON: run now takes {"mailboxes": [...], "first": n}; remove {"keep_history": bool, "keep_grants": bool}."""
    asked_by = CharField()
    asked = UtcField()
    taken = UtcField(null=True)
    finished = UtcField(null=True)
    outcome = TextField(default="")


class EngineRequest(Row):
    """A question that needs the engine's credentials: preview a group, test the connection."""

    id = AutoField()
    site = ForeignKeyField(Site, on_delete="CASCADE")
    kind = CharField()
    arguments = TextField(default="{}")
    asked_by = CharField()
    asked = UtcField()
    answered = UtcField(null=True)
    answer = TextField(default="")
    """JSON; {"problem": {...}} where it failed. While `answered` is NULL: what is told if the engine ends before."""
    waiting = TextField(constraints=[SQL("DEFAULT ''")], default="")
    """What the engine waits for while it answers; '' where it does not."""


# --- leases and waits --------------------------------------------------------------------------------------------


class Lease(Row):
    """Who may do a thing until when: 'engine:SITE', 'task:ID', 'mailbox:GUID'. The fence grows at every taking."""

    key = CharField(primary_key=True)
    owner = CharField(default="")
    """'' when free."""
    holder = TextField(default="")
    """For people: which task on which host."""
    fence = BigIntegerField(default=0)
    until = UtcField()
    host = CharField(default="")
    pid = IntegerField(default=0)
    pid_started = BigIntegerField(default=0)
    """The process's start time, so that a reused pid is not taken for the old process."""


class LockWait(Row):
    """A task that waits for a mailbox; first come, first served."""

    id = AutoField()
    key = CharField(index=True)
    task = ForeignKeyField(Task, on_delete="CASCADE")
    since = UtcField()

    class Meta:
        indexes = ((("key", "task"), True),)


class HaltedAccount(Row):
    """An account whose password was refused: not tried again until the configuration changes or a person says so."""

    key = CharField(primary_key=True)
    """Digest of endpoint, user and secret: a changed configuration is another key."""
    account = TextField()
    service = CharField(default="")
    """What refused it: of the accounts of one service that were refused, none is a trouble once another is accepted."""
    since = UtcField()
    ended = UtcField(null=True)
    """Another account of the service was accepted since; this one is still not tried."""
    message = TextField()


# --- what happened -----------------------------------------------------------------------------------------------


class Execution(Row):
    id = AutoField()
    task = ForeignKeyField(Task, null=True, backref="executions", on_delete="SET NULL")
    """NULL once it was removed."""
    task_name = TextField(default="")
    """The task's description, which outlasts it, as does its type."""
    task_type = CharField(default="")
    trigger = CharField()
    asked_by = CharField(default="")
    started = UtcField(index=True)
    finished = UtcField(null=True)
    definition = TextField()
    """JSON snapshot of the definition's settings that this execution works with."""
    mailboxes = IntegerField(default=0)
    processed = IntegerField(default=0)
    light = CharField(default="none")
    reason = CharField(default="")
    message = TextField(default="")

    class Meta:
        indexes = ((("task", "started"), False),)


class MailboxResult(Row):
    """One mailbox in one execution."""

    id = AutoField()
    execution = ForeignKeyField(Execution, backref="results", on_delete="CASCADE")
    position = IntegerField()
    address = CharField(index=True)
    started = UtcField()
    finished = UtcField(null=True)
    light = CharField(default="none")
    reason = CharField(default="")
    message = TextField(default="")
    mode = CharField(default="")
    counters = TextField(default="{}")
    """JSON: counter name -> number."""
    skipped = TextField(default="{}")
    """JSON: reason -> number."""
    failures = TextField(default="[]")
    """JSON: the first failed items as [{item, reason, message}]; of a dry run, those that would be changed."""

    class Meta:
        indexes = ((("execution", "position"), False),)


class MailboxHealth(Row):
    """How a mailbox has fared in a task; one row each, kept up at every end of a turn."""

    task = ForeignKeyField(Task, on_delete="CASCADE")
    address = CharField()
    execution = IntegerField()
    """The newest one that had the mailbox."""
    finished = UtcField()
    light = CharField()
    last_success = UtcField(null=True)
    since_success = IntegerField(default=0)
    """Executions since then that did not succeed; expected skips do not count."""

    class Meta:
        primary_key = CompositeKey("task", "address")


class NoticeSent(Row):
    """What people were last told of by one channel (mail, webhook)."""

    channel = CharField(primary_key=True)
    troubles = TextField()
    """JSON: what was wrong then."""
    sent = UtcField()


class Progress(Row):
    """What a running task does now; one row a task, the latest value wins."""

    task = ForeignKeyField(Task, primary_key=True, on_delete="CASCADE")
    execution = IntegerField()
    address = CharField(default="")
    position = IntegerField(default=0)
    total = IntegerField(default=0)
    phase = CharField(default="")
    folder = TextField(default="")
    items = BigIntegerField(default=0)
    expected = BigIntegerField(default=0)
    """Items that this mailbox is expected to have to look at; 0 = unknown."""
    bytes = BigIntegerField(default=0)
    mailbox_started = UtcField(null=True)
    waiting = TextField(default="")
    """Why it stands still: a lock and its holder, what the server said, a pause; '' when it moves."""
    updated = UtcField()
    paces = TextField(constraints=[SQL("DEFAULT '[]'")], default="[]")
    """JSON: items a second in steps of queries.PACE_SECONDS, oldest first, the last one over at `updated`."""
    waiting_since = UtcField(null=True)
    """When what it waits for began; also while a server that has not answered is being asked again."""
    waiting_until = UtcField(null=True)
    """The end of a back-off; NULL where nobody can tell."""


class Audit(Row):
    """Who did what; written and pruned by `access.audit_chain` alone."""

    id = AutoField()
    site = CharField(default="")
    """Code of the site whose chain it belongs to."""
    moment = UtcField(index=True)
    who = CharField()
    action = CharField()
    subject = TextField()
    before = TextField(default="")
    after = TextField(default="")
    digest = BlobField()
    """SHA-256 over the digest before it and its own parts."""

    class Meta:
        indexes = ((("site", "id"), False),)


class AuditAnchor(Row):
    """Where a chain begins now: the last entry that was pruned by age."""

    site = CharField(primary_key=True)
    digest = BlobField()
    entries = BigIntegerField()
    """Pruned so far."""
    until = UtcField()


# --- the archive -------------------------------------------------------------------------------------------------


class ArchiveMailbox(Row):
    id = AutoField()
    guid = CharField(unique=True)
    address = CharField(index=True)
    display_name = TextField(default="")
    full_from = UtcField(null=True)
    """A task removal's reset hides earlier history from the Full view; it deletes nothing."""
    last_stamp = BigIntegerField(default=0)
    """The latest pass stamp given out for this mailbox; outlives the tasks whose passes had it."""


class ArchiveFolder(Row):
    id = AutoField()
    mailbox = ForeignKeyField(ArchiveMailbox, backref="folders", on_delete="RESTRICT")
    area = CharField()
    remote_id = TextField()
    distinguished = CharField(default="")
    folder_class = CharField(default="")

    class Meta:
        indexes = ((("mailbox", "area", "remote_id"), True),)


class FolderPlace(Row):
    """Where a folder was and what it was called; half-open [opened, closed), at most one open."""

    id = AutoField()
    folder = ForeignKeyField(ArchiveFolder, backref="places", on_delete="RESTRICT")
    parent = ForeignKeyField(ArchiveFolder, null=True, backref="child_places", on_delete="RESTRICT")
    name = TextField()
    opened = BigIntegerField()
    """Pass stamp."""
    closed = BigIntegerField(null=True)

    class Meta:
        constraints = [SQL("CHECK (closed IS NULL OR closed >= opened)")]


class Message(Row):
    """One message's content and envelope; bytes once, wherever it lies."""

    id = AutoField()
    sha256 = BlobField(unique=True, null=True)
    """Of the MIME; NULL where only metadata were wanted (yet)."""
    size = BigIntegerField()
    """Bytes of MIME, or the server's own size where there is no content."""
    internet_message_id = TextField(default="", index=True)
    subject = TextField(default="")
    sender = TextField(default="")
    recipients = TextField(default="")
    sent = UtcField(null=True)
    has_attachments = BooleanField(default=False)
    canonical = BlobField(null=True)
    """Digest that is the same however the server renders the message; NULL until a comparison needs it."""


Message.add_index(
    Message.subject,
    where=Message.internet_message_id == "",
    name="message_without_internet_id",
)


class Placement(Row):
    """A message lay in a folder; half-open [opened, closed) in pass stamps. Flags are current, not history."""

    id = AutoField()
    folder = ForeignKeyField(ArchiveFolder, backref="placements", on_delete="RESTRICT", index=False)
    remote_id = TextField()
    message = ForeignKeyField(Message, backref="placements", on_delete="RESTRICT")
    change_key = TextField()
    item_class = CharField()
    sensitivity = CharField(default="Normal")
    received = UtcField(null=True)
    is_read = BooleanField(default=False)
    flag = CharField(default="NotFlagged")
    categories = TextField(default="[]")
    importance = CharField(default="Normal")
    opened = BigIntegerField()
    closed = BigIntegerField(null=True)

    class Meta:
        constraints = [SQL("CHECK (closed IS NULL OR closed >= opened)")]


# Unique while open; partial indexes that peewee's Meta cannot say.
FolderPlace.add_index(FolderPlace.folder, unique=True, where=FolderPlace.closed.is_null(), name="folder_place_open")
Placement.add_index(
    Placement.folder, Placement.remote_id, unique=True, where=Placement.closed.is_null(), name="placement_open"
)
# Covers a page of a folder in every view: what is not shown is left out without reading its row.
Placement.add_index(
    Placement.folder,
    Placement.received,
    Placement.id,
    Placement.opened,
    Placement.closed,
    name="placement_folder_received",
)


class Pass(Row):
    """One task's run over one mailbox; resumed under the same id until it is complete."""

    id = AutoField()
    task = ForeignKeyField(Task, on_delete="CASCADE")
    mailbox = ForeignKeyField(ArchiveMailbox, on_delete="RESTRICT")
    stamp = BigIntegerField()
    """Microseconds since 1970, made to grow strictly within a mailbox; renewed when the pass is resumed."""
    began = BigIntegerField()
    """The stamp of its first attempt."""
    mode = CharField()
    completed = BooleanField(default=False)

    class Meta:
        indexes = ((("mailbox", "stamp"), True), (("task", "mailbox"), False))


class Checkpoint(Row):
    """How far one task has read one folder (or one area's hierarchy: folder NULL)."""

    id = AutoField()
    task = ForeignKeyField(Task, on_delete="CASCADE")
    mailbox = ForeignKeyField(ArchiveMailbox, on_delete="RESTRICT")
    area = CharField()
    folder = ForeignKeyField(ArchiveFolder, null=True, on_delete="RESTRICT")
    state = TextField(null=True)
    """The server's sync state; NULL = from the beginning."""
    batch = BigIntegerField(default=0)
    """Committed submissions of this folder; compared and set at each commit."""
    enumerating = BooleanField(default=True)
    """A full enumeration is under way: what lay here before is in `removal` until the enumeration sees it."""
    with_content = BooleanField(default=True)
    """Whether all that was read got its content; when a definition starts to want it, what lacks it is fetched."""
    tree = TextField(null=True)
    """Hierarchy only: every folder of the area as this task last saw it, JSON."""

    class Meta:
        indexes = ((("task", "folder"), False), (("task", "mailbox", "area"), False))


Checkpoint.add_index(
    Checkpoint.task, Checkpoint.folder, unique=True, where=Checkpoint.folder.is_null(False), name="checkpoint_folder"
)
Checkpoint.add_index(
    Checkpoint.task,
    Checkpoint.mailbox,
    Checkpoint.area,
    unique=True,
    where=Checkpoint.folder.is_null(),
    name="checkpoint_hierarchy",
)


class Removal(Row):
    """An item seen gone, or not seen yet, in a pass under way.

    Its placement closes when the pass ends, so that a move leaves no gap; the row goes when the item is seen present.
    remote_id '' stands for the folder itself and all that lies in it.
    """

    task = ForeignKeyField(Task, on_delete="CASCADE", index=False)
    folder = ForeignKeyField(ArchiveFolder, on_delete="RESTRICT", index=False)
    remote_id = TextField()

    class Meta:
        primary_key = CompositeKey("task", "folder", "remote_id")
        without_rowid = True


class Unfinished(Row):
    """An item failed or skipped, entered with the checkpoint and looked at again at each pass."""

    id = AutoField()
    task = ForeignKeyField(Task, on_delete="CASCADE")
    folder = ForeignKeyField(ArchiveFolder, on_delete="RESTRICT")
    remote_id = TextField()
    reason = CharField()
    message = TextField(default="")
    subject = TextField(default="")
    attempts = IntegerField(default=1)
    first_seen = UtcField()

    class Meta:
        indexes = ((("task", "folder", "remote_id"), True),)


class Pack(Row):
    """One immutable file of content. writing -> sealed -> condemned -> (deleted: the row goes)."""

    id = AutoField()
    name = CharField(unique=True)
    state = CharField()
    bytes = BigIntegerField(default=0)
    live = BigIntegerField(default=0)
    """Bytes still referred to by a blob."""
    created = UtcField()
    condemned = UtcField(null=True)


class Blob(Row):
    """Where a content's bytes lie."""

    sha256 = BlobField(primary_key=True)
    pack = ForeignKeyField(Pack, backref="blobs", on_delete="RESTRICT")
    offset = BigIntegerField()
    length = BigIntegerField()
    """Stored (compressed) bytes."""

    class Meta:
        without_rowid = True


ALL_MODELS: tuple[type[Row], ...] = (
    Site, Definition, Schedule, Task, Command, EngineRequest,
    Lease, LockWait, HaltedAccount,
    Execution, MailboxResult, MailboxHealth, NoticeSent, Progress, Audit, AuditAnchor,
    ArchiveMailbox, ArchiveFolder, FolderPlace, Message, Placement,
    Pass, Checkpoint, Removal, Unfinished, Pack, Blob,
)  # fmt: skip
