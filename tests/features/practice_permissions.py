"""A mailbox's permissions in memory, people and groups behind them, and what they come to by the plainest rules."""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from mse_tui.access.rights import Right
from mse_tui.access.trustees import Trustee
from mse_tui.archive.fence import Fence, NoFence
from mse_tui.directory.trustees import FullAccess, FullAccessSource, People, TrusteeResolver, unknown
from mse_tui.exchange.permissions import Delegate, Delegates, FolderPermission, FolderPermissions, TrusteeKind
from mse_tui.exchange.rows import FolderChanges, FolderRow, ItemFailure, MailboxIdentity
from mse_tui.features.feature import MailboxRun
from mse_tui.features.permissions_definition import PermissionsSyncDefinition
from mse_tui.features.permissions_sync import PermissionsSync
from mse_tui.reasons import Problem, Reason
from tests.features.replicating import RecordingJournal, make_task

ANN = "ann@example.com"
FOLDERS = {"inbox": "Inbox", "sentitems": "Sent Items", "calendar": "Calendar", "F1": "Projects"}
"""Remote id -> path; the standard ones' distinguished names are their ids."""
_READS = ("Reviewer", "Author", "Editor")
_numbers = itertools.count(1)


@dataclass
class Organisation:
    """Ann's mailbox and who may do what in it. Everybody is named by the part of the address before the @."""

    folders: dict[str, dict[str, Right | None]] = field(default_factory=lambda: {each: {} for each in FOLDERS})
    """Folder -> trustee -> right. 'default' and 'anonymous' are everybody."""
    delegates: dict[str, dict[str, str]] = field(default_factory=dict)
    """Trustee -> standard folder -> level."""
    allowed: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    groups: dict[str, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Trustees that nobody is behind any more."""
    silent: set[str] = field(default_factory=set)
    """Trustees about whom the directory can't be asked now."""
    unread: set[str] = field(default_factory=set)
    """Folders whose permissions can't be read now."""
    full_access_known: bool = True
    address: str = ANN
    guid: str = field(default_factory=lambda: f"guid-{next(_numbers)}")

    # --- the mailbox

    def identity(self) -> MailboxIdentity:
        return MailboxIdentity(self.guid, self.address, "Ann")

    def root(self, _area: object) -> FolderRow:
        return FolderRow("root", "", "Top of Information Store", "msgfolderroot")

    def folder_changes(self, _area: object, _state: str | None) -> FolderChanges:
        rows = [
            FolderRow(key, "root", FOLDERS[key], "" if key.startswith("F") else key)
            for key in FOLDERS
            if key in self.folders
        ]
        return FolderChanges(tuple(rows), (), "state", last=True)

    @property
    def permissions(self) -> "Organisation":
        return self

    def of_folders(self, ids: list[str]) -> list[FolderPermissions | ItemFailure]:
        return [
            ItemFailure(each, Reason.ACCESS_DENIED, "refused")
            if each in self.unread
            else FolderPermissions(each, tuple(_entry(who, right) for who, right in self.folders[each].items()))
            for each in ids
        ]

    def list_delegates(self) -> Delegates:
        return Delegates(tuple(Delegate(trustee(who), levels, False) for who, levels in self.delegates.items()))

    # --- the directory

    def people(self, asked: Trustee) -> People:
        name = asked.address.partition("@")[0]
        if name in self.silent:
            raise Problem(Reason.DIRECTORY_UNREACHABLE, "The directory does not answer.")
        if name in self.gone:
            raise unknown(asked)
        if name in self.groups:
            return People(tuple(address(each) for each in sorted(self.groups[name])), asked.address)
        return People((asked.address,))

    def full_access(self, _address: str) -> FullAccess:
        if not self.full_access_known:
            raise Problem(Reason.FULL_ACCESS_UNKNOWN, "The directory shows no descriptor.")
        named = [tuple(trustee(each) for each in sorted(names)) for names in (self.allowed, self.denied)]
        return FullAccess(*named, ignored=Counter())

    # --- what it comes to

    def members(self, who: str) -> set[str]:
        return set() if who in self.gone else self.groups.get(who, {who})

    def grants(self) -> set[tuple[str, str, str, str, bool]]:
        """(person, folder path or '', right, source, denies) of all that is to be synced."""
        found = set()
        for folder, entries in self.folders.items():
            named = {who for who in entries if who not in self.groups and who not in self.gone}
            for who, right in entries.items():
                if right is None or who in ("default", "anonymous"):
                    continue
                for person in self.members(who):
                    if person == who or person not in named:
                        found.add((address(person), FOLDERS[folder], right.value, "folder permission", False))
        for who, levels in self.delegates.items():
            for folder, level in levels.items():
                if level in _READS and folder in self.folders:
                    for person in self.members(who):
                        found.add((address(person), FOLDERS[folder], "read", "delegate", False))
        denied = set().union(*(self.members(who) for who in self.denied))
        found |= {(address(each), "", "read", "full access", True) for each in denied}
        allowed = set().union(*(self.members(who) for who in self.allowed)) - denied
        found |= {(address(each), "", "read", "full access", False) for each in allowed}
        return {each for each in found if each[0] != ANN}


class PracticeMailbox:
    """The organisation as a `Mailbox`, whose `permissions` have `delegates` for a method."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self.address = organisation.address
        self.identity = organisation.identity
        self.root = organisation.root
        self.folder_changes = organisation.folder_changes

    @property
    def permissions(self) -> "PracticeMailbox":
        return self

    def of_folders(self, ids: list[str]) -> list[FolderPermissions | ItemFailure]:
        return self._organisation.of_folders(ids)

    def delegates(self) -> Delegates:
        return self._organisation.list_delegates()


def address(who: str) -> str:
    return f"{who}@example.com"


def trustee(who: str) -> Trustee:
    return Trustee(sid=f"S-1-5-21-{sum(who.encode()) * 1000 + len(who)}-{who.encode().hex()}", address=address(who))


def _entry(who: str, right: Right | None) -> FolderPermission:
    kinds = {"default": TrusteeKind.DEFAULT, "anonymous": TrusteeKind.ANONYMOUS}
    return FolderPermission(kinds.get(who, TrusteeKind.NAMED), trustee(who), "Custom", right)


UNCAPPED = {"max_revocations": 10_000, "max_revocations_percent": 100}


def sync(
    organisation: Organisation, *, task_id: int = 0, fence: Fence | None = None, knows_full_access: bool = True,
    foreseen: bool = False, **definition: object,
) -> RecordingJournal:  # fmt: skip
    """One run over Ann's mailbox, or only a look at what it would do; raises what the feature raises."""
    return sync_with(
        organisation, organisation, organisation if knows_full_access else None, task_id=task_id, fence=fence,
        foreseen=foreseen, **definition,
    )  # fmt: skip


def sync_with(
    organisation: Organisation, trustees: TrusteeResolver, source: FullAccessSource | None, *, task_id: int = 0,
    fence: Fence | None = None, foreseen: bool = False, **definition: object,
) -> RecordingJournal:  # fmt: skip
    """One run, with others to ask about people."""
    journal, mailbox = RecordingJournal(), PracticeMailbox(organisation)
    feature = PermissionsSync(trustees, source)
    (feature.foresee if foreseen else feature.process)(
        MailboxRun(
            task_id=task_id or make_task("permissions").id, mailbox=mailbox, identity=mailbox.identity(),
            definition=PermissionsSyncDefinition(**{**UNCAPPED, **definition}), packs=None, fence=fence or NoFence(),
            journal=journal, cancel=Event(),
        )
    )  # fmt: skip
    return journal
