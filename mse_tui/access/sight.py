"""What one person may see of one mailbox's archive: the one place where that is decided.

The owner sees everything, a delegate what grants allow and no private item; a Deny beats every grant. Who looks as
an administrator of this machine has `ADMINISTRATOR`, and an audit entry for it.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from mse_tui.access.grants import WHOLE, FolderKey, Grant, as_person, grants
from mse_tui.access.rights import Right, Standing, highest
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, FolderPlace


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see of one mailbox's archive."""

    standing: Standing
    mailbox_id: int = 0
    person: str = ""
    whole: Right | None = None
    """In every folder that is neither denied nor has more of its own."""
    folders: Mapping[FolderKey, Right] = field(default_factory=dict)
    denied: frozenset[FolderKey] = frozenset()
    numbers: Mapping[int, FolderKey] = field(default_factory=dict)
    """The folders named above that the archive has, by their numbers there."""

    @property
    def sees_everything(self) -> bool:
        return self.standing in (Standing.ADMINISTRATOR, Standing.OWNER)

    @property
    def sees_private(self) -> bool:
        return self.sees_everything

    @property
    def sees_anything(self) -> bool:
        return self.standing is not Standing.NOBODY

    @property
    def reads_by_default(self) -> bool:
        """Everything may be read but what is denied; else nothing but what is named."""
        return self.sees_everything or self.whole is Right.READ

    def right_in(self, folder: FolderKey) -> Right | None:
        """How much may be seen in a folder; None: not even that it is there."""
        if self.sees_everything:
            return Right.READ
        if folder in self.denied:
            return None
        return highest(right for right in (self.whole, self.folders.get(folder)) if right is not None)

    def right_of(self, number: int) -> Right | None:
        """The same for a folder by its number in the archive."""
        folder = self.numbers.get(number)
        if folder is None:
            return Right.READ if self.sees_everything else self.whole
        return self.right_in(folder)

    def readable(self) -> list[int]:
        """Numbers of the folders, of those that are named, whose messages may be read."""
        return sorted(number for number in self.numbers if self.right_of(number) is Right.READ)

    def unreadable(self) -> list[int]:
        """Numbers of the folders, of those that are named, whose messages may not be read."""
        return sorted(number for number in self.numbers if self.right_of(number) is not Right.READ)


ADMINISTRATOR = Sight(Standing.ADMINISTRATOR)
"""Everything, of every mailbox."""


def sight_of(person: str, mailbox_id: int) -> Sight:
    """What a person (an address) may see of a mailbox's archive now."""
    person = as_person(person)
    if is_owner(person, mailbox_id):
        return Sight(Standing.OWNER, mailbox_id, person)
    return _seen(person, mailbox_id, grants(mailbox_id=mailbox_id, person=person))


def open_to(person: str) -> list[int]:
    """The mailboxes whose archives a person may open."""
    person = as_person(person)
    owned = [row.id for row in ArchiveMailbox.select(ArchiveMailbox.id).where(_address_is(person))]
    named: dict[int, list[Grant]] = {}
    for each in grants(person=person):
        named.setdefault(each.mailbox_id, []).append(each)
    seen = {mailbox_id for mailbox_id, given in named.items() if _seen(person, mailbox_id, given).sees_anything}
    return sorted(seen.union(mailbox_id for mailbox_id in owned if is_owner(person, mailbox_id)))


def is_owner(person: str, mailbox_id: int) -> bool:
    """Whether a mailbox's archive is the person's own.

    An address that was given to somebody new names the newer mailbox: the archive of who had it before is not theirs.
    """
    newest = ArchiveMailbox.select(ArchiveMailbox.id).where(_address_is(as_person(person)))
    found = newest.order_by(ArchiveMailbox.last_stamp.desc(), ArchiveMailbox.id.desc()).first()
    return found is not None and found.id == mailbox_id


def folder_key(folder_id: int) -> FolderKey:
    """How grants name a folder of the archive."""
    row = ArchiveFolder.get_by_id(folder_id)
    return FolderKey(row.area, row.remote_id)


def deciding(person: str, mailbox_id: int, folder: FolderKey | None = None) -> list[Grant]:
    """The person's grants that bear on a folder (None: on the mailbox), those that deny first."""
    named = [each for each in grants(mailbox_id=mailbox_id, person=person)]
    if folder is not None:
        places = _parents(mailbox_id) if any(each.below for each in named) else {}
        named = [each for each in named if each.folder == WHOLE or folder in _covered(each, places)]
    return sorted(named, key=lambda each: (not each.denies, each.folder != WHOLE, each.id))


def _seen(person: str, mailbox_id: int, named: Sequence[Grant]) -> Sight:
    nobody = Sight(Standing.NOBODY, mailbox_id, person)
    if any(each.denies and each.folder == WHOLE for each in named):
        return nobody
    places = _parents(mailbox_id) if any(each.below for each in named) else {}
    rights: dict[FolderKey, list[Right]] = {}
    denied: set[FolderKey] = set()
    for each in named:
        if each.denies:
            denied.update(_covered(each, places))
        else:
            for key in _covered(each, places):
                rights.setdefault(key, []).append(each.right)
    whole = highest(rights.pop(WHOLE, ()))
    folders = {key: right for key, given in rights.items() if (right := highest(given)) is not None}
    if whole is None and not folders.keys() - denied:
        return nobody
    numbers = _numbers(mailbox_id, folders.keys() | denied)
    return Sight(Standing.DELEGATE, mailbox_id, person, whole, folders, frozenset(denied), numbers)


def _covered(each: Grant, parents: Mapping[FolderKey, FolderKey | None]) -> set[FolderKey]:
    """The folders that a grant is about."""
    covered = {each.folder}
    if not each.below or each.folder == WHOLE:
        return covered
    while more := {key for key, parent in parents.items() if parent in covered} - covered:
        covered |= more
    return covered


def _parents(mailbox_id: int) -> dict[FolderKey, FolderKey | None]:
    """Each folder's parent, where it lies or lay last."""
    rows: Any = (
        FolderPlace.select(FolderPlace.folder, FolderPlace.parent, ArchiveFolder.area, ArchiveFolder.remote_id)
        .join(ArchiveFolder, on=(FolderPlace.folder == ArchiveFolder.id))
        .where(ArchiveFolder.mailbox == mailbox_id)
        .order_by(FolderPlace.closed.is_null(), FolderPlace.closed, FolderPlace.id)
        .tuples()
    )
    keys: dict[int, FolderKey] = {}
    parents: dict[int, int | None] = {}
    for number, parent, area, remote_id in rows:
        keys[number], parents[number] = FolderKey(area, remote_id), parent
    return {key: keys.get(parents[number] or 0) for number, key in keys.items()}


def _numbers(mailbox_id: int, wanted: Set[FolderKey]) -> dict[int, FolderKey]:
    rows = ArchiveFolder.select(ArchiveFolder.id, ArchiveFolder.area, ArchiveFolder.remote_id)
    found = {row.id: FolderKey(row.area, row.remote_id) for row in rows.where(ArchiveFolder.mailbox == mailbox_id)}
    return {number: key for number, key in found.items() if key in wanted}


def _address_is(person: str) -> object:
    return ArchiveMailbox.address == person
