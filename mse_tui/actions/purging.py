"""What the purge has set aside and done, and doing now what the engine does every hour."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit
from mse_tui.archive.approvals import ARCHIVE
from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs
from mse_tui.archive.purge import Purge, PurgeReport
from mse_tui.archive.statements import select, select_in
from mse_tui.store import queries
from mse_tui.store.database import reading
from mse_tui.store.models import from_micros, moment_at
from mse_tui.store.queries import SiteRow


@dataclass(frozen=True, slots=True)
class PurgeTotals:
    """How many messages are set aside, and how many were purged."""

    quarantined: int
    purged: int


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A message that is set aside for its purge."""

    placement_id: int
    """One of its places, to open it by."""
    mailboxes: str
    since: datetime
    until: datetime
    because: str


@dataclass(frozen=True, slots=True)
class PurgedRow:
    """The record of a purged message."""

    id: int
    size: int
    received: datetime | None
    mailboxes: str
    because: str
    quarantined: datetime
    purged: datetime


def purge_totals() -> PurgeTotals:
    """How many there are of what `quarantined` and `purged` list."""
    ((set_aside, gone),) = select("SELECT (SELECT COUNT(*) FROM quarantine), (SELECT COUNT(*) FROM purge_record)")
    return PurgeTotals(set_aside, gone)


def quarantined(limit: int = 1000) -> list[QuarantinedRow]:
    """Messages that are set aside, those first that go first; nothing of what they say."""
    with reading():
        rows = select(
            "SELECT message_id, since, until, because FROM quarantine ORDER BY until, message_id LIMIT ?", (limit,)
        )
        places: dict[int, tuple[int, set[str]]] = {}
        for message_id, placement_id, address in select_in(
            "SELECT p.message_id, p.id, b.address FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
            " JOIN archive_mailbox b ON b.id = f.mailbox_id WHERE p.message_id IN ({values})",
            [row[0] for row in rows],
        ):
            places.setdefault(message_id, (placement_id, set()))[1].add(address)
    return [
        QuarantinedRow(places[id][0], ", ".join(sorted(places[id][1])), from_micros(since), from_micros(until), because)
        for id, since, until, because in rows
    ]


def purged(limit: int = 1000) -> list[PurgedRow]:
    """Records of what was purged, the latest first."""
    rows = select(
        "SELECT id, size, received, mailboxes, because, quarantined, purged FROM purge_record"
        " ORDER BY purged DESC, id DESC LIMIT ?",
        (limit,),
    )
    return [
        PurgedRow(
            id, size, moment_at(received), ", ".join(json.loads(boxes)), because,
            from_micros(since), from_micros(at),
        )
        for id, size, received, boxes, because, since, at in rows
    ]  # fmt: skip


@needs(Role.DESTRUCTIVE)
def purge_now(packs: Packs, site: SiteRow, index: Path, *, what_if: bool = False) -> PurgeReport:
    """Both stages of the purge, as the engine's housekeeping does them; quarantine is never cut short.

    What is purged leaves the search index (of that file) too, which a running engine does by itself. With `what_if`
    only what that would be; nothing is changed.
    """
    if what_if:
        return Purge(packs, site.code).foresee()
    report = Purge(packs, site.code).run()
    audit("run purge", ARCHIVE, after=f"{report.set_aside} set aside, {report.purged} purged")
    if report.purged and index.exists() and not queries.engine_holder(site.code):
        keeper = Indexing(packs, index)
        keeper.run(above=0)
        keeper.expunge()
    return report
