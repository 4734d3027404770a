"""The audit as a chain, one a site: every entry's digest seals it and all entries before it.

Whoever can write the database can also write a whole new chain; so its head is told to the system's log as it grows,
and `verify` can be held against a head that was kept elsewhere.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from mse_tui.store.database import reading, writing
from mse_tui.store.models import Audit, AuditAnchor, to_micros

_BEGINNING = b""
"""What the first entry of a chain follows."""
_AT_A_TIME = 500
"""Entries pruned in one transaction, so that no writer waits long."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what."""

    moment: datetime
    """Aware; kept to the microsecond."""
    who: str
    action: str
    subject: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain: it stands for all of them."""

    entries: int
    """Over the chain's whole life, the pruned ones included."""
    digest: str
    """SHA-256 in hex; '' before the first entry."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along a chain found."""

    checked: int
    pruned: int
    """Entries that were let go by age; what is left begins at the digest of the last of them."""
    head: Head
    broken_at: int | None
    """Number of the first entry that does not follow from what is before it; None: all do."""
    foreign_head: bool
    """A head kept elsewhere was given, and no entry of this chain has it."""

    @property
    def clean(self) -> bool:
        return self.broken_at is None and not self.foreign_head and not self.empty

    @property
    def empty(self) -> bool:
        """There is nothing, though a site's first entry is of its own making."""
        return self.checked == self.pruned == 0


def append(site: str, entry: Entry) -> None:
    """Write one entry at the chain's end, in the caller's transaction or one of its own."""
    with writing():
        Audit.create(site=site, digest=_seal(_last_digest(site), site, entry), **asdict(entry))


def head(site: str) -> Head:
    """The chain's newest entry."""
    with reading():
        anchor = _anchor(site)
        entries = Audit.select(fn.COUNT(Audit.id)).where(Audit.site == site).scalar()
        return Head((anchor.entries if anchor else 0) + int(entries), _last_digest(site).hex())


def verify(site: str, kept_head: str = "") -> Verification:
    """Walk along a site's chain from its oldest entry.

    Finds entries that were changed, taken out, put in or reordered. Entries cut off at the end are found where
    `kept_head` (hex, as it was told to the system's log) is given: it must be the digest of an entry that is there,
    or of the last one that was pruned.
    """
    wanted = kept_head.strip().lower()
    with reading():
        anchor = _anchor(site)
        previous = bytes(anchor.digest) if anchor else _BEGINNING
        met = not wanted or previous.hex() == wanted
        checked, broken_at = 0, None
        for row in Audit.select().where(Audit.site == site).order_by(Audit.id).iterator():
            checked += 1
            entry = Entry(row.moment, row.who, row.action, row.subject, row.before, row.after)
            if _seal(previous, site, entry) != bytes(row.digest) and broken_at is None:
                broken_at = row.id
            previous = bytes(row.digest)
            met = met or previous.hex() == wanted
        pruned = int(anchor.entries) if anchor else 0
    return Verification(checked, pruned, Head(pruned + checked, previous.hex()), broken_at, not met)


def prune(before: datetime) -> int:
    """Let go of each chain's oldest entries, up to the first that is not older; how many went.

    The digest of the last one stays, so that what is left can still be verified.
    """
    sites = [row.site for row in Audit.select(Audit.site).distinct()]
    return sum(_prune(site, before) for site in sites)


def prunable(before: datetime) -> int:
    """How many entries `prune` would let go of."""
    sites = [row.site for row in Audit.select(Audit.site).distinct()]
    return sum(_oldest(site, before).count() for site in sites)


def _oldest(site: str, before: datetime) -> Any:
    """The chain's entries up to the first that is not older."""
    kept = Audit.select(fn.MIN(Audit.id)).where(Audit.site == site, Audit.moment >= before).scalar()
    entries = Audit.select().where(Audit.site == site).order_by(Audit.id)
    return entries if kept is None else entries.where(Audit.id < kept)


def _prune(site: str, before: datetime) -> int:
    pruned = 0
    while True:
        with writing():
            rows = list(_oldest(site, before).limit(_AT_A_TIME))
            if rows:
                _move_anchor(site, rows)
                Audit.delete().where(Audit.id.in_([row.id for row in rows])).execute()
        pruned += len(rows)
        if len(rows) < _AT_A_TIME:
            return pruned


def _move_anchor(site: str, rows: list[Any]) -> None:
    anchor = _anchor(site)
    entries = (anchor.entries if anchor else 0) + len(rows)
    last = rows[-1]
    values = {"digest": last.digest, "entries": entries, "until": last.moment}
    AuditAnchor.insert(site=site, **values).on_conflict(conflict_target=[AuditAnchor.site], update=values).execute()


def _anchor(site: str) -> Any:
    return AuditAnchor.get_or_none(AuditAnchor.site == site)


def _last_digest(site: str) -> bytes:
    newest = Audit.select(Audit.digest).where(Audit.site == site).order_by(Audit.id.desc()).first()
    found = newest or _anchor(site)
    return bytes(found.digest) if found else _BEGINNING


def _seal(previous: bytes, site: str, entry: Entry) -> bytes:
    """SHA-256 over the digest before and the entry's parts, as a JSON list: no two lists of parts look alike."""
    moment = to_micros(entry.moment)
    parts = [previous.hex(), site, moment, entry.who, entry.action, entry.subject, entry.before, entry.after]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()).digest()
