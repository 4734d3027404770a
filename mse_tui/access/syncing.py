"""From what Exchange says to the synced grants of one archive: planned as a whole, applied in one transaction.

Only synced grants are touched, and of those only the ones of sources that were read. What is not known lets nobody in:
while a trustee can't be resolved nothing new is granted and no Deny is lifted, but what was revoked goes at once.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from mse_tui.access.grants import WHOLE, FolderKey, Grant, record
from mse_tui.access.rights import Origin, Right, Source
from mse_tui.store.access import AccessChange, AccessGrant
from mse_tui.store.database import now


@dataclass(frozen=True, slots=True)
class GrantKey:
    """What makes two grants of one archive the same."""

    person: str
    folder: FolderKey
    source: Source | None
    """None: by hand."""
    via: str = ""
    denies: bool = False


@dataclass(frozen=True, slots=True)
class WantedGrant:
    """What somebody is to have."""

    right: Right
    path: str = ""


@dataclass(slots=True)
class Found:
    """What Exchange says of one mailbox, and what of it is not known."""

    wanted: dict[GrantKey, WantedGrant] = field(default_factory=dict)
    sources: set[Source] = field(default_factory=set)
    """Those that were read; what comes from others stays as it is."""
    unread: set[FolderKey] = field(default_factory=set)
    """Folders whose permissions could not be read: what they gave stays."""
    unresolved: set[str] = field(default_factory=set)
    """Addresses and names of trustees whose people are not known: what they gave stays."""
    unnamed: bool = False
    """There are such trustees of whom no address or name is known: whatever is not found again may be theirs."""
    is_complete: bool = True
    """False: nothing new is granted and no Deny is lifted."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Whose grants are synchronised, and for whom that is told."""

    id: int
    """0: it has none yet."""
    address: str
    who: str
    """The task."""


@dataclass(slots=True)
class AccessPlan:
    """What will be different."""

    granted: list[Grant] = field(default_factory=list)
    """New ones, without a number yet."""
    changed: list[tuple[Grant, Right]] = field(default_factory=list)
    """A grant as it is, and the right that it is to have."""
    revoked: list[Grant] = field(default_factory=list)
    kept: int = 0
    withheld: int = 0
    """What was not granted, or not lifted, because not everything is known."""
    people_before: int = 0
    people_after: int = 0
    losing: frozenset[str] = frozenset()
    """People who will see less than before, whatever else they have."""


def plan(archive: Archive, existing: Sequence[Grant], found: Found) -> AccessPlan:
    """Compare what an archive's grants are with what they are to be."""
    planned = AccessPlan()
    moment = now()
    after = [kept for each in existing if (kept := _keep(each, found, planned)) is not None]
    known = {_key_of(each) for each in existing}
    for key, wanted in found.wanted.items():
        if key in known:
            continue
        if not found.is_complete and not key.denies:
            planned.withheld += 1
        else:
            planned.granted.append(_new(archive, key, wanted, moment))
    reach_before, reach_after = _reach(existing), _reach(after + planned.granted)
    planned.people_before, planned.people_after = len(reach_before), len(reach_after)
    planned.losing = frozenset(
        person for person, reach in reach_before.items() if not _covers(reach_after.get(person), reach)
    )
    return planned


def apply(planned: AccessPlan, archive: Archive) -> None:
    """Make the grants what was planned and enter each change; inside the caller's transaction."""
    for each in planned.revoked:
        AccessGrant.delete().where(AccessGrant.id == each.id).execute()
    for each, right in planned.changed:
        AccessGrant.update(right=right.value, since=now()).where(AccessGrant.id == each.id).execute()
    for each in planned.granted:
        AccessGrant.create(
            mailbox=archive.id, person=each.person, area=each.folder.area, remote_id=each.folder.remote_id,
            folder=each.path, right=each.right.value, denies=each.denies, origin=each.origin.value,
            source=each.source.value if each.source else "", via=each.via, since=each.since, granted_by=archive.who,
        )  # fmt: skip
    _record(planned, archive, dry_run=False)


def report(planned: AccessPlan, archive: Archive) -> None:
    """Enter what a run would have changed, in place of what an earlier dry run of the same task said."""
    same = (AccessChange.mailbox == archive.address) & (AccessChange.who == archive.who)
    AccessChange.delete().where(same & AccessChange.dry_run).execute()
    _record(planned, archive, dry_run=True)


def _record(planned: AccessPlan, archive: Archive, *, dry_run: bool) -> None:
    for each in planned.revoked:
        record("revoked", each, archive.who, dry_run=dry_run)
    for each, right in planned.changed:
        record("changed", replace(each, right=right), archive.who, before=each.right.value, dry_run=dry_run)
    for each in planned.granted:
        record("granted", each, archive.who, dry_run=dry_run)


def _keep(each: Grant, found: Found, planned: AccessPlan) -> Grant | None:
    """The grant as it will be; None where it goes."""
    if each.origin is not Origin.SYNCED or each.source not in found.sources:
        return each
    wanted = found.wanted.get(_key_of(each))
    if wanted is None:
        if _is_uncertain(each, found):
            planned.withheld += each.denies
            planned.kept += 1
            return each
        planned.revoked.append(each)
        return None
    if wanted.right is each.right:
        planned.kept += 1
        return each
    if not found.is_complete and wanted.right.rank > each.right.rank:
        planned.withheld += 1
        planned.kept += 1
        return each
    planned.changed.append((each, wanted.right))
    return replace(each, right=wanted.right)


def _is_uncertain(each: Grant, found: Found) -> bool:
    """Whether it is not known that a grant which was not found again is gone."""
    if each.denies and not found.is_complete:
        return True
    if each.source is Source.FOLDER and each.folder in found.unread:
        return True
    return found.unnamed or (each.via or each.person) in found.unresolved


def _key_of(each: Grant) -> GrantKey:
    return GrantKey(each.person, each.folder, each.source, each.via, each.denies)


def _new(archive: Archive, key: GrantKey, wanted: WantedGrant, moment: datetime) -> Grant:
    return Grant(
        id=0,
        mailbox_id=archive.id,
        mailbox=archive.address,
        person=key.person,
        folder=key.folder,
        path=wanted.path,
        below=False,
        right=wanted.right,
        denies=key.denies,
        origin=Origin.SYNCED,
        source=key.source,
        via=key.via,
        since=moment,
        granted_by=archive.who,
    )


Reach = Mapping[FolderKey, Right]
"""What one person sees: folder (or the whole archive) -> how much of it."""


def _reach(grants: Iterable[Grant]) -> dict[str, Reach]:
    """What everybody sees by these grants; who sees nothing is left out."""
    allowed: dict[str, dict[FolderKey, Right]] = {}
    denied: dict[str, set[FolderKey]] = {}
    for each in grants:
        if each.denies:
            denied.setdefault(each.person, set()).add(each.folder)
            continue
        rights = allowed.setdefault(each.person, {})
        right = rights.get(each.folder)
        rights[each.folder] = each.right if right is None or each.right.includes(right) else right
    reached = {person: _without(rights, denied.get(person, set())) for person, rights in allowed.items()}
    return {person: reach for person, reach in reached.items() if reach}


def _without(rights: Reach, denied: Set[FolderKey]) -> Reach:
    return {} if WHOLE in denied else {folder: right for folder, right in rights.items() if folder not in denied}


def _covers(after: Reach | None, before: Reach) -> bool:
    if after is None:
        return False
    whole = after.get(WHOLE)
    for folder, right in before.items():
        reached = [each for each in (whole, after.get(folder)) if each is not None]
        if not any(each.includes(right) for each in reached):
            return False
    return True
