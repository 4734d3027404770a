"""What the queries answer with: frozen rows, safe to hand from thread to thread and to keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mse_tui.reasons import Reason
from mse_tui.terms import GroupKind, Light, SiteBinding, Status, TaskType


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How much there is of one task type."""

    type: TaskType
    definitions: int
    tasks: int


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site, and whether an engine runs it now."""

    id: int
    code: str
    description: str
    binding: SiteBinding
    host_name: str
    host_os: str
    version: str
    enabled: bool
    created: datetime
    last_active: datetime | None
    tasks: int
    engine: str
    """Who holds the site's engine lease, for people; '' when no engine is alive."""
    silent: str
    """An engine of this host that lives without renewing its lease, for people; '' when there is none."""
    maintenance_windows: tuple[str, ...]
    """Times of the week in which none of its executions starts or goes on."""
    maintenance_until: datetime | None
    """The end of the maintenance that it is in now; None where it is in none."""
    maintenance_by: str
    """Who began it; '' where a window did."""
    configuration_changed: datetime | None
    """Since when the living engine works with another configuration than the file's; None: it doesn't."""


@dataclass(frozen=True, slots=True)
class DefinitionRow:
    """Named settings of one task type."""

    id: int
    type: TaskType
    name: str
    settings: Mapping[str, Any]
    revision: int
    created: datetime
    created_by: str
    modified: datetime
    modified_by: str
    tasks: int
    """How many tasks use it."""


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """Named timing."""

    id: int
    name: str
    settings: Mapping[str, Any]
    created: datetime
    created_by: str
    modified: datetime
    modified_by: str
    tasks: int
    """How many tasks use it."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task as lists show it."""

    id: int
    description: str
    type: TaskType
    site_id: int
    site: str
    definition_id: int
    definition: str
    schedule_id: int
    schedule: str
    group: str
    """As the person gave it."""
    group_kind: GroupKind
    group_name: str
    """As last seen; '' before it is resolved, and for addresses."""
    status: Status
    """Scheduled, where it says Running but its lease has run out; `interrupted` is set then."""
    interrupted: bool
    light: Light
    """The worst of `result` and of its mailboxes' newest turns: those that a later execution left out count."""
    result: Light
    """Of the newest execution that has ended."""
    paused: bool
    runs_though_paused: bool
    """Told to run after it was paused: this execution goes on, and no other starts until the task is resumed."""
    command: str
    """What it has been told and not finished carrying out; '' if nothing."""
    resyncs_next: bool
    """Told to read everything again at its next execution."""
    latest_detail: str
    sequence: int
    next_execution: datetime | None
    maintenance_until: datetime | None
    """The end of the site's maintenance that the next execution falls into; None where it falls into none."""
    last_started: datetime | None
    last_finished: datetime | None
    created: datetime
    created_by: str
    modified: datetime
    modified_by: str

    @property
    def told(self) -> str:
        """What it is carrying out or will; '' if nothing."""
        return self.command or ("full resync at the next execution" if self.resyncs_next else "")


PACE_SECONDS = 3.0
"""The step in which the pace of what runs is kept."""


@dataclass(frozen=True, slots=True)
class UsualTurn:
    """What a mailbox's turn in a task takes, by its own last turns of the same kind (first passes apart from later)."""

    seconds: float
    """The median, without waits for the lock."""
    turns: int
    """How many were looked at."""


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """What a running task does now."""

    task_id: int
    task: str
    type: TaskType
    execution_id: int
    started: datetime
    """When the execution began."""
    address: str
    position: int
    """Which of the `total` mailboxes, from 1; 0 before the first."""
    total: int
    phase: str
    folder: str
    items: int
    expected: int
    """0 = unknown"""
    bytes: int
    mailbox_started: datetime | None
    waiting: str
    """Why it stands still; '' when it moves."""
    waiting_since: datetime | None
    """Also set while a server that has not answered is being asked again."""
    waiting_until: datetime | None
    """The end of a back-off; None where nobody can tell."""
    updated: datetime
    paces: tuple[float, ...]
    """Items a second of the execution in steps of PACE_SECONDS, oldest first, the last over at `updated`."""
    mode: str
    """full, differential, or '' while that is not known."""
    throttled_seconds: int
    """In which the server let this mailbox wait so far."""
    usual: "UsualTurn | None"
    """What this mailbox's turn takes; None where nothing is known of it."""

    @property
    def usual_end(self) -> datetime | None:
        """When this mailbox would be done if it took what it usually takes; None where that is not known."""
        if self.usual is None or self.mailbox_started is None:
            return None
        return self.mailbox_started + timedelta(seconds=self.usual.seconds)

    @property
    def share(self) -> float | None:
        """Of this mailbox's expected items, how much is done (0..1); None while unknown."""
        return min(1.0, self.items / self.expected) if self.expected > 0 else None

    @property
    def share_of_all(self) -> float | None:
        """Of all mailboxes, how much is done (0..1), the present one by its items; None before the first."""
        if not self.total or not self.position:
            return None
        return min(1.0, (self.position - 1 + (self.share or 0.0)) / self.total)

    @property
    def items_per_second(self) -> float | None:
        """Mean over this mailbox so far; None before there is a mean."""
        if self.mailbox_started is None:
            return None
        seconds = (self.updated - self.mailbox_started).total_seconds()
        return self.items / seconds if seconds > 0 and self.items else None


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One entry of the task summary log."""

    id: int
    task_id: int | None
    """None: the task was removed."""
    task: str
    type: TaskType
    trigger: str
    asked_by: str
    started: datetime
    finished: datetime | None
    """None: it runs, or its engine is gone; then its light, reason and message say so."""
    mailboxes: int
    processed: int
    light: Light
    reason: str
    message: str

    @property
    def runs(self) -> bool:
        """Whether somebody runs it now."""
        return self.finished is None and self.light is Light.NONE

    @property
    def word(self) -> str:
        """How it went."""
        return "running" if self.runs else self.light.word

    @property
    def shown_task(self) -> str:
        """The task's name; one that was removed is marked."""
        return f"{self.task} (removed)" if self.task_id is None else self.task

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it runs, and where nobody knows."""
        return self.finished - self.started if self.finished else None


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One execution beside what its task does now."""

    execution: ExecutionRow
    status: Status | None
    """None: the task was removed."""
    latest_detail: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One item that could not be processed."""

    item: str | None
    """Its folder and subject, or what else it is called by; None: withheld."""
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class MailboxResultRow:
    """One mailbox in one execution."""

    id: int
    execution_id: int
    position: int
    address: str
    started: datetime
    finished: datetime | None
    light: Light
    reason: str
    message: str
    mode: str
    counters: Mapping[str, int]
    skipped: Mapping[str, int]
    """Reason -> items."""
    failures: tuple[Failure, ...]
    would_change: tuple[Failure, ...]
    """The first items that a dry run would change."""

    @property
    def runs(self) -> bool:
        """Whether it has its turn now."""
        return self.finished is None and self.light is Light.NONE

    @property
    def word(self) -> str:
        """How it went; an expected skip and a turn that a pause cut short have no light, and say so."""
        if self.runs:
            return "running"
        if self.light is Light.NONE:
            return "paused" if self.reason == Reason.PAUSED else "skipped"
        return self.light.word

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it runs."""
        return self.finished - self.started if self.finished else None


@dataclass(frozen=True, slots=True)
class ExecutionGroupRow:
    """The group of one execution, and what changed against the run before."""

    execution_id: int
    kind: GroupKind
    name: str
    """'' for addresses."""
    resolved_by: str
    """For people: what kind of group it was and how it was resolved."""
    resolved: datetime
    """When the directory gave the answer."""
    mailboxes: int
    before: int | None
    """Mailboxes at the run before; None at the first one."""
    joined: tuple[str, ...]
    departed: tuple[str, ...]
    stale: bool
    """The directory could not be asked: this was the last good answer."""
    confirmed_by: str
    """Who had confirmed a group so small; '' where nobody had to."""


@dataclass(frozen=True, slots=True)
class DoubtedGroup:
    """An answer at which a task stopped, and which nobody has confirmed."""

    answer_id: int
    execution_id: int
    group: ExecutionGroupRow


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A mailbox in a group."""

    address: str
    name: str
    kind: str
    entry: str
    """What the group's text said, where that was another address."""


@dataclass(frozen=True, slots=True)
class SkippedMember:
    """Something in a group that is not processed."""

    entry: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """A whole membership."""

    group: ExecutionGroupRow
    included: tuple[GroupMember, ...]
    skipped: tuple[SkippedMember, ...]


@dataclass(frozen=True, slots=True)
class ExecutionDetail:
    """One execution with what it worked with; its mailboxes come from `mailbox_results`."""

    execution: ExecutionRow
    definition: Mapping[str, Any]
    """The snapshot of the definition's settings."""
    results: int
    """How many results there are so far: of mailboxes, and of entries of the group that are none."""
    lights: Mapping[Light, int]
    """How many mailboxes have ended, by light; turns that a pause cut short are none."""
    group: ExecutionGroupRow | None
    """None where it was not resolved."""


@dataclass(frozen=True, slots=True)
class TaskInformation:
    """All that the task information screen shows."""

    task: TaskRow
    definition: DefinitionRow
    schedule: ScheduleRow
    progress: ProgressRow | None
    """While it runs."""
    last: ExecutionRow | None
    """The newest execution, running or not."""
    executions: int
    group: ExecutionGroupRow | None
    """Of the newest execution that resolved it."""
    doubted: DoubtedGroup | None
    """What a person has to confirm before the task goes on; None: nothing."""


@dataclass(frozen=True, slots=True)
class UpcomingRow:
    """An execution to come."""

    task_id: int
    task: str
    type: TaskType
    at: datetime
    maintenance_until: datetime | None
    """The end of the site's maintenance that this start falls into; None where it falls into none."""


@dataclass(frozen=True, slots=True)
class HaltRow:
    """An account that is not tried again until its configuration changes or a person says so."""

    key: str
    account: str
    since: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person should look at."""

    light: Light
    """NONE: a note, at which nothing is wrong."""
    subject: str
    reason: str
    """A reason code, '' where there is none."""
    message: str
    task_id: int | None = None
    execution_id: int | None = None
    moment: datetime | None = None
    addresses: tuple[str, ...] = ()
    """The mailboxes that it is about; () where it is about a task, a site or an account as a whole."""
    type: TaskType | None = None
    """Of its task."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The dashboard, read in one go."""

    troubles: tuple[Trouble, ...]
    running: tuple[ProgressRow, ...]
    upcoming: tuple[UpcomingRow, ...]
    types: tuple[TypeCount, ...]
    sites: tuple[SiteRow, ...]
    recent: tuple[ActivityRow, ...]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who changed or looked at what."""

    id: int
    moment: datetime
    who: str
    action: str
    subject: str
    before: str
    after: str
