"""What Exchange's permissions of one mailbox come to: which people, which folders, how much, and what is not known."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mse_tui.access.grants import WHOLE, FolderKey, archives_through, as_person
from mse_tui.access.rights import Right, Source
from mse_tui.access.syncing import Found, GrantKey, WantedGrant
from mse_tui.access.trustees import Trustee
from mse_tui.archive.foldertree import FolderTree
from mse_tui.directory.trustees import FullAccess, FullAccessSource, GroupUnknown, People, TrusteeResolver
from mse_tui.exchange.permissions import Delegate, FolderPermission, FolderPermissions, TrusteeKind
from mse_tui.exchange.rows import Area, ItemFailure
from mse_tui.features.feature import MailboxRun
from mse_tui.features.mailbox_tree import read_tree
from mse_tui.features.permissions_definition import PermissionsSyncDefinition
from mse_tui.reasons import Problem, Reason

_FOLDERS_AT_ONCE = 100
_NOBODY = People(())
_ENDS_ALL = (Reason.PASSWORD_REFUSED, Reason.ACCOUNT_HALTED)
"""What every other question would meet as well."""


class TrusteesOfRun:
    """The people behind trustees, each trustee asked for once; who is not known is remembered and told."""

    def __init__(
        self, run: MailboxRun, resolver: TrusteeResolver, found: Found, definition: PermissionsSyncDefinition
    ) -> None:
        self._run = run
        self._resolver = resolver
        self._found = found
        self._definition = definition
        self._owner = as_person(run.identity.address)
        self._known: dict[str, People | Problem] = {}

    def people(self, trustee: Trustee) -> People:
        """Who is let in by a trustee, without the mailbox's owner; nobody where that is not known or not wanted."""
        answer = self._asked(trustee)
        if isinstance(answer, Problem):
            self._tell(trustee, answer)
            return _NOBODY
        if answer.group and not self._definition.expand_groups:
            self._run.journal.skip(Reason.TRUSTEE_GROUP)
            return _NOBODY
        return People(self._others(answer.addresses), answer.group)

    def kept_out(self, trustee: Trustee) -> People:
        """Who is kept out by a trustee: groups are always expanded, and to members whom they would not let in too."""
        answer = self._asked(trustee)
        if isinstance(answer, Problem):
            self._tell(trustee, answer)
            return _NOBODY
        if answer.unseen:
            what = f"{answer.unseen} members of {trustee.label} can't be seen, and they are denied."
            self._tell(trustee, Problem(Reason.MEMBER_UNREADABLE, what))
        return People(self._others((*answer.addresses, *answer.left_out)), answer.group)

    def _others(self, addresses: Iterable[str]) -> tuple[str, ...]:
        return tuple(address for address in addresses if as_person(address) != self._owner)

    def _asked(self, trustee: Trustee) -> People | Problem:
        key = trustee.sid or trustee.address
        if key not in self._known:
            try:
                answer: People | Problem = self._believed(self._resolver.people(trustee))
            except Problem as problem:
                if problem.reason in _ENDS_ALL:
                    raise
                answer = problem
            self._known[key] = answer
            if isinstance(answer, People) and answer.group:
                self._run.journal.count("groups_expanded")
        return self._known[key]

    def _believed(self, people: People) -> People:
        """Raises GroupUnknown for a group that is empty now, and through which people have access to many archives."""
        if not people.group or people.addresses or people.left_out or people.unseen:
            return people
        archives = archives_through(people.group)
        if self._definition.believes_empty(archives):
            return people
        happened = (
            f"it has no members now, and people have their access to {archives} archives, or are kept out of them,"
            " through it. If that is right, take it out of the permissions in Exchange, or let 100 percent lose access"
            " for one execution."
        )
        raise GroupUnknown(Problem(Reason.TRUSTEE_UNRESOLVED, happened), people.group)

    def _tell(self, trustee: Trustee, problem: Problem) -> None:
        if problem.reason is Reason.TRUSTEE_UNKNOWN:
            self._run.journal.skip(problem.reason)
        elif not self._found.unresolved & {trustee.label, trustee.address}:
            self._found.is_complete = False
            group = problem.group if isinstance(problem, GroupUnknown) else ""
            self._found.unresolved |= {trustee.label, trustee.address, trustee.name, group} - {""}
            self._found.unnamed |= not (trustee.address or group)
            self._run.journal.fail(trustee.label, Reason.TRUSTEE_UNRESOLVED, f"{trustee.label}: {problem.happened}")


@dataclass(slots=True)
class PermissionsReading:
    """Reads one mailbox's permissions from their sources."""

    run: MailboxRun
    definition: PermissionsSyncDefinition
    resolver: TrusteeResolver
    full_access: FullAccessSource | None
    found: Found = field(default_factory=Found)

    def read(self) -> Found:
        """All that is wanted. Raises Problem where the mailbox can't be read, Stopped, Cancelled."""
        sources = self.definition.sources
        trustees = TrusteesOfRun(self.run, self.resolver, self.found, self.definition)
        tree = read_tree(self.run.mailbox) if sources & {Source.FOLDER, Source.DELEGATE} else None
        if tree is not None and Source.FOLDER in sources:
            self._read_folders(tree, trustees)
        if tree is not None and Source.DELEGATE in sources:
            self._read_delegates(tree, trustees)
        if Source.FULL_ACCESS in sources:
            self._read_full_access(trustees)
        return self.found

    # --- folders

    def _read_folders(self, tree: FolderTree, trustees: TrusteesOfRun) -> None:
        journal, ids = self.run.journal, list(tree.folders)
        journal.progress(phase="folder permissions", expected=len(ids))
        for start in range(0, len(ids), _FOLDERS_AT_ONCE):
            journal.boundary()
            part = ids[start : start + _FOLDERS_AT_ONCE]
            for answer in self.run.mailbox.permissions.of_folders(part):
                if isinstance(answer, ItemFailure):
                    self._unread(tree, answer)
                else:
                    path = "/".join(tree.names(answer.folder_id))
                    self._enter_folder(answer, path, trustees)
            journal.advance(len(part), 0)
        self.found.sources.add(Source.FOLDER)

    def _unread(self, tree: FolderTree, failure: ItemFailure) -> None:
        """A folder that went meanwhile has no permissions; what can't be read otherwise stays as it was."""
        if failure.reason in (Reason.ITEM_NOT_FOUND, Reason.FOLDER_NOT_FOUND):
            self.run.journal.skip(Reason.FOLDER_NOT_FOUND)
            return
        self.found.unread.add(_key(failure.remote_id))
        self.run.journal.fail("/".join(tree.names(failure.remote_id)), failure.reason, failure.message)

    def _enter_folder(self, permissions: FolderPermissions, path: str, trustees: TrusteesOfRun) -> None:
        """A person's own entry decides; without one, what their groups give. As Exchange itself has it."""
        journal = self.run.journal
        journal.count("folders_read")
        journal.count("entries_read", len(permissions.entries) + len(permissions.unknown))
        if permissions.unknown:
            journal.skip(Reason.TRUSTEE_UNKNOWN, len(permissions.unknown))
        own: dict[str, Right | None] = {}
        by_group: dict[tuple[str, str], Right] = {}
        for entry in permissions.entries:
            if entry.kind is not TrusteeKind.NAMED:
                if entry.right is not None:
                    journal.skip(Reason.TRUSTEE_EVERYBODY)
                continue
            people = trustees.people(entry.trustee)
            if not people.group:
                own.update((person, entry.right) for person in people.addresses)
            elif entry.right is not None:
                by_group.update(_in_group(people, entry, by_group))
        key = _key(permissions.folder_id)
        for person, right in own.items():
            if right is not None:
                self._want(person, key, Source.FOLDER, WantedGrant(right, path))
        for (person, group), right in by_group.items():
            if person not in own:
                self._want(person, key, Source.FOLDER, WantedGrant(right, path), via=group)

    # --- delegates

    def _read_delegates(self, tree: FolderTree, trustees: TrusteesOfRun) -> None:
        self.run.journal.progress(phase="delegates")
        answer = self.run.mailbox.permissions.delegates()
        self.run.journal.count("entries_read", len(answer.delegates) + answer.unknown)
        if answer.unknown:
            self.run.journal.skip(Reason.TRUSTEE_UNKNOWN, answer.unknown)
        standard = {row.distinguished: remote_id for remote_id, row in tree.folders.items() if row.distinguished}
        for delegate in answer.delegates:
            people = trustees.people(delegate.trustee)
            for name in delegate.levels:
                if name in standard:
                    path = "/".join(tree.names(standard[name]))
                    self._enter_delegate(delegate, name, people, _key(standard[name]), path)
        self.found.sources.add(Source.DELEGATE)

    def _enter_delegate(self, delegate: Delegate, name: str, people: People, key: FolderKey, path: str) -> None:
        right = delegate.right_in(name)
        if right is None:
            if delegate.levels[name] == "Custom" and not self.definition.folder_permissions:
                self.run.journal.skip(Reason.LEVEL_CUSTOM)
            return
        for person in people.addresses:
            self._want(person, key, Source.DELEGATE, WantedGrant(right, path), via=people.group)

    # --- Full Access

    def _read_full_access(self, trustees: TrusteesOfRun) -> None:
        journal, address = self.run.journal, self.run.identity.address
        journal.progress(phase="full access")
        if self.full_access is None:
            journal.warn(Reason.FULL_ACCESS_UNKNOWN, "This site has no directory that could tell who has Full Access.")
            return
        try:
            answer = self.full_access.full_access(address)
        except Problem as problem:
            if problem.reason in _ENDS_ALL:
                raise
            # There may be a Deny that is not known: until it is, nobody new is let in by anything.
            self.found.is_complete = False
            journal.warn(Reason.FULL_ACCESS_UNKNOWN, problem.happened)
            return
        self._enter_full_access(answer, trustees)
        self.found.sources.add(Source.FULL_ACCESS)

    def _enter_full_access(self, answer: FullAccess, trustees: TrusteesOfRun) -> None:
        journal = self.run.journal
        journal.count("entries_read", len(answer.allowed) + len(answer.denied) + answer.ignored.total())
        for reason, number in answer.ignored.items():
            journal.skip(reason, number)
        denied: set[str] = set()
        for trustee in answer.denied:
            people = trustees.kept_out(trustee)
            denied.update(as_person(person) for person in people.addresses)
            self._want_whole(people, denies=True)
        for trustee in () if answer.everybody_denied else answer.allowed:
            people = trustees.people(trustee)
            allowed = tuple(person for person in people.addresses if as_person(person) not in denied)
            self._want_whole(People(allowed, people.group), denies=False)

    def _want_whole(self, people: People, *, denies: bool) -> None:
        for person in people.addresses:
            self._want(person, WHOLE, Source.FULL_ACCESS, WantedGrant(Right.READ), via=people.group, denies=denies)

    def _want(  # noqa: PLR0913 (each is a part of a grant)
        self,
        person: str,
        folder: FolderKey,
        source: Source,
        wanted: WantedGrant,
        *,
        via: str = "",
        denies: bool = False,
    ) -> None:
        self.found.wanted[GrantKey(as_person(person), folder, source, via, denies)] = wanted


def _in_group(
    people: People, entry: FolderPermission, given: dict[tuple[str, str], Right]
) -> Iterable[tuple[tuple[str, str], Right]]:
    """What the entry of a group gives its members, or what they have through a group of the same name, if more."""
    assert entry.right is not None
    for person in people.addresses:
        before = given.get((as_person(person), people.group))
        right = before if before is not None and before.includes(entry.right) else entry.right
        yield (as_person(person), people.group), right


def _key(folder_id: str) -> FolderKey:
    return FolderKey(Area.PRIMARY.value, folder_id)
