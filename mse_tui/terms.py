"""The product's vocabulary: task types, states, lights, commands. Every layer may import this; it imports nothing."""

from enum import StrEnum


class TaskType(StrEnum):
    """What a task does; the value is the short name that people type and see."""

    FOLDER_REPLICATION = "MFR"
    CALENDAR_REPLICATION = "CAL"
    STORAGE_MANAGEMENT = "MSM"
    MANAGED_FOLDERS = "MGF"
    PERMISSIONS_SYNC = "MPS"

    @property
    def label(self) -> str:
        return _TYPE_LABELS[self]


_TYPE_LABELS = {
    TaskType.FOLDER_REPLICATION: "Mailbox Folder Replication",
    TaskType.CALENDAR_REPLICATION: "Calendar Replication",
    TaskType.STORAGE_MANAGEMENT: "Mailbox Storage Management",
    TaskType.MANAGED_FOLDERS: "Managed Folders",
    TaskType.PERMISSIONS_SYNC: "Mailbox Permissions Sync",
}


class SiteBinding(StrEnum):
    """What a site reaches its mailboxes through."""

    EXCHANGE_SERVER = "exchange_server"
    MICROSOFT_365 = "microsoft_365"

    @property
    def label(self) -> str:
        return {"exchange_server": "Exchange Server", "microsoft_365": "Microsoft 365"}[self.value]


class GroupKind(StrEnum):
    """Who knows a task's group; settled when it is resolved for the first time."""

    UNKNOWN = ""
    """Never resolved."""
    ADDRESSES = "addresses"
    """No group but a list of mailboxes."""
    ACTIVE_DIRECTORY = "active_directory"
    MICROSOFT_365 = "microsoft_365"
    EXCHANGE = "exchange"
    """A distribution group that Exchange Server itself expands."""

    @property
    def label(self) -> str:
        return _GROUP_LABELS[self]


_GROUP_LABELS = {
    GroupKind.UNKNOWN: "not resolved yet",
    GroupKind.ADDRESSES: "addresses",
    GroupKind.ACTIVE_DIRECTORY: "Active Directory",
    GroupKind.MICROSOFT_365: "Microsoft 365",
    GroupKind.EXCHANGE: "Exchange",
}


class Status(StrEnum):
    """Where a task stands; set by the engine only."""

    UNKNOWN = "Unknown"
    """Created, never executed."""
    SCHEDULED = "Scheduled"
    """Has executed, waits for its next execution (a finished one-off has none)."""
    RUNNING = "Running"


class Light(StrEnum):
    """Traffic light of an execution or of one mailbox in it. Never shown by colour alone."""

    NONE = "none"
    GREEN = "green"
    ORANGE = "orange"
    RED = "red"

    @property
    def word(self) -> str:
        return {"none": "-", "green": "success", "orange": "warning", "red": "error"}[self.value]

    @property
    def exit_code(self) -> int:
        """0 green, 1 orange, 2 red, 3 unknown or never run."""
        return {"green": 0, "orange": 1, "red": 2, "none": 3}[self.value]

    @staticmethod
    def worst(lights: "list[Light]") -> "Light":
        """The light of a whole from the lights of its parts; GREEN for no parts."""
        order = [Light.GREEN, Light.NONE, Light.ORANGE, Light.RED]
        return max(lights, key=order.index, default=Light.GREEN)


EXIT_USAGE = 64
EXIT_INTERRUPTED = 130
EXIT_LOCKED = 75


class Verb(StrEnum):
    """What a task can be told; a row in `command` carries it to the engine."""

    RUN = "run now"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    RESYNC = "full resync"
    REMOVE = "remove"

    @property
    def doing(self) -> str:
        """What a task does that has been told, as lists say it beside Running and Scheduled."""
        return _DOING[self]


_DOING = {
    Verb.RUN: "Starting",
    Verb.STOP: "Stopping",
    Verb.PAUSE: "Pausing",
    Verb.RESUME: "Resuming",
    Verb.RESYNC: "Resyncing",
    Verb.REMOVE: "Removing",
}


RESOLVING = "resolving the group"
"""The phase of an execution before its first mailbox."""


class Mode(StrEnum):
    """What a pass over a mailbox was: everything enumerated, or changes only."""

    FULL = "full"
    DIFFERENTIAL = "differential"


class Trigger(StrEnum):
    """Why an execution began."""

    SCHEDULE = "schedule"
    MISSED = "missed start"
    PERSON = "run now"


INTERNAL = {"internal": True}
"""Metadata of a row's field that is nobody's to see: left out of what is printed as JSON."""

PRIVATE_SENSITIVITIES = ("private", "personal")
"""Of items that are their owner's alone, in lower case."""

WITHHELD = "(for auditors)"
"""Stands for what mailboxes hold, to those who may not look into archives."""
