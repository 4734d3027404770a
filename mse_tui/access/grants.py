"""Who may open which archive, or a folder of it, as it stands: read, given and taken by hand.

What a task synchronises is applied by `access.syncing`; it never touches what is given here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mse_tui.access.rights import Origin, Right, Source
from mse_tui.reasons import Problem, Reason
from mse_tui.store.access import AccessChange, AccessGrant
from mse_tui.store.database import now, writing
from mse_tui.store.models import ArchiveMailbox


@dataclass(frozen=True, slots=True)
class FolderKey:
    """A folder as a grant names it; it need not be in the archive yet."""

    area: str
    remote_id: str


WHOLE = FolderKey("", "")
"""Stands for the whole archive."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Somebody may see a mailbox's archive or a folder of it; or, where it denies, may not."""

    id: int
    mailbox_id: int
    mailbox: str
    """Address."""
    person: str
    folder: FolderKey
    path: str
    """The folder's path when it was granted; '' for the whole archive."""
    below: bool
    """The folder's subfolders too."""
    right: Right
    denies: bool
    origin: Origin
    source: Source | None
    via: str
    """The group through which the person has it; '' where the person was named."""
    since: datetime
    granted_by: str

    @property
    def scope(self) -> str:
        """What it is about, in words."""
        if self.folder == WHOLE:
            return "whole archive"
        return f"{self.path or 'top of the mailbox'}{' and below' if self.below else ''}"

    @property
    def reason(self) -> str:
        """Where it comes from, in words."""
        words = "manual" if self.source is None else self.source.value
        return f"{words} through {self.via}" if self.via else words


@dataclass(frozen=True, slots=True)
class Change:
    """One grant that came, went or changed; or would have, in a dry run."""

    id: int
    moment: datetime
    mailbox: str
    what: str
    """granted, revoked or changed"""
    dry_run: bool
    person: str
    path: str
    right: str
    before: str
    denies: bool
    origin: str
    source: str
    via: str
    who: str


def as_person(address: str) -> str:
    """The form in which people are kept and compared."""
    return address.strip().lower()


def grants(*, mailbox_id: int | None = None, person: str | None = None) -> list[Grant]:
    """Grants of a mailbox, of a person, of both or all: by mailbox, the whole archive before folders, by person."""
    query = AccessGrant.select(AccessGrant, ArchiveMailbox.id, ArchiveMailbox.address).join(ArchiveMailbox)
    if mailbox_id is not None:
        query = query.where(AccessGrant.mailbox == mailbox_id)
    if person is not None:
        query = query.where(AccessGrant.person == as_person(person))
    order = (ArchiveMailbox.address, AccessGrant.folder, AccessGrant.person, AccessGrant.id)
    return [_grant(row) for row in query.order_by(*order)]


def archives_through(group: str) -> int:
    """How many archives have grants or Denies that came through a group."""
    through = AccessGrant.select(AccessGrant.mailbox).where(AccessGrant.via == group)
    return int(through.distinct().count())


def grant(grant_id: int) -> Grant:
    """One grant. Raises Problem not-found."""
    rows = AccessGrant.select(AccessGrant, ArchiveMailbox.id, ArchiveMailbox.address).join(ArchiveMailbox)
    found = rows.where(AccessGrant.id == grant_id).first()
    if found is None:
        raise Problem(Reason.NOT_FOUND, f"There is no grant {grant_id}.", "mse-tui access list shows what there is.")
    return _grant(found)


def give(  # noqa: PLR0913 (each is a property of a grant)
    mailbox_id: int,
    person: str,
    *,
    who: str,
    folder: FolderKey = WHOLE,
    path: str = "",
    below: bool = False,
    right: Right = Right.READ,
    denies: bool = False,
) -> int:
    """Give (or deny) a person by hand, in a transaction; what was given by hand for the same folder is replaced."""
    key = {
        "mailbox": mailbox_id, "person": as_person(person), "area": folder.area, "remote_id": folder.remote_id,
        "denies": denies, "origin": Origin.MANUAL.value, "source": "", "via": "",
    }  # fmt: skip
    values = {"below": below, "folder": path, "right": right.value, "since": now(), "granted_by": who}
    with writing():
        known = AccessGrant.get_or_none(**key)
        if known is None:
            grant_id = AccessGrant.create(**key, **values).id
            record("granted", grant(grant_id), who)
            return int(grant_id)
        AccessGrant.update(**values).where(AccessGrant.id == known.id).execute()
        record("changed", grant(known.id), who, before=known.right)
        return int(known.id)


def take(grant_id: int, *, who: str) -> Grant:
    """Take back what was given by hand, in a transaction. Raises Problem not-found, invalid (a synced one)."""
    with writing():
        found = grant(grant_id)
        if found.origin is not Origin.MANUAL:
            raise Problem(
                Reason.INVALID,
                f"{found.person} has this from Exchange ({found.reason}).",
                "Take the permission back in Exchange, or deny the person by hand.",
            )
        AccessGrant.delete().where(AccessGrant.id == grant_id).execute()
        record("revoked", found, who)
    return found


def record(what: str, about: Grant, who: str, *, before: str = "", dry_run: bool = False) -> None:
    """Enter a change, in the transaction that makes it."""
    AccessChange.create(
        moment=now(), mailbox=about.mailbox, what=what, dry_run=dry_run, person=about.person, folder=about.path,
        right=about.right.value, before=before, denies=about.denies, origin=about.origin.value,
        source=about.source.value if about.source else "", via=about.via, who=who,
    )  # fmt: skip


def changes(*, mailbox: str | None = None, person: str | None = None, limit: int = 100) -> list[Change]:
    """What came, went and changed (of the mailbox with an address, of a person), newest first; dry runs among it."""
    query = AccessChange.select()
    if mailbox is not None:
        query = query.where(AccessChange.mailbox == mailbox.strip().lower())
    if person is not None:
        query = query.where(AccessChange.person == as_person(person))
    return [_change(row) for row in query.order_by(AccessChange.id.desc()).limit(limit)]


def _grant(row: Any) -> Grant:
    return Grant(
        id=row.id,
        mailbox_id=row.mailbox_id,
        mailbox=row.mailbox.address,
        person=row.person,
        folder=FolderKey(row.area, row.remote_id),
        path=row.folder,
        below=row.below,
        right=Right(row.right),
        denies=row.denies,
        origin=Origin(row.origin),
        source=Source(row.source) if row.source else None,
        via=row.via,
        since=row.since,
        granted_by=row.granted_by,
    )


def _change(row: Any) -> Change:
    return Change(
        id=row.id,
        moment=row.moment,
        mailbox=row.mailbox,
        what=row.what,
        dry_run=row.dry_run,
        person=row.person,
        path=row.folder,
        right=row.right,
        before=row.before,
        denies=row.denies,
        origin=row.origin,
        source=row.source,
        via=row.via,
        who=row.who,
    )
