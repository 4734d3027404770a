"""Giving back what was taken out of mailboxes: rehydrating stubs, restoring messages.

Whatever changes a mailbox holds that mailbox's lock and leaves an audit entry. A command does it at once, with the
site's credentials; a screen asks the engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from threading import Event

from mse_tui.access.roles import Role, needed, needs
from mse_tui.actions import requests
from mse_tui.actions.audit import audit
from mse_tui.actions.contents import are_shown, only_by_what_is_shown
from mse_tui.actions.what_if import tried
from mse_tui.archive import views
from mse_tui.archive.packs import Packs
from mse_tui.archive.stub_registry import StubFilter, StubRow, every_stub
from mse_tui.archive.stubs import RESTORABLE
from mse_tui.directory.addresses import valid_addresses
from mse_tui.engine.giving_back import Foreseen, GivingBack, RestoreReport, Target, Told
from mse_tui.exchange.mailbox import Exchange
from mse_tui.features.restoring import Collision
from mse_tui.store.database import writing

__all__ = [
    "ROLES_TO_REPLACE", "Foreseen", "RestoreReport", "Target", "ask_to_rehydrate", "ask_to_restore",
    "foresee_restore", "rehydrate", "restore", "try_to_restore",
]  # fmt: skip


@needs(Role.OPERATOR)
def rehydrate(exchange: Exchange, packs: Packs, wanted: StubFilter, *, told: Told = lambda *_: None) -> RestoreReport:
    """Put the originals of all stubs that are meant back into their mailboxes, mailbox by mailbox.

    Goes on where an earlier attempt ended. Raises Problem mailbox-locked, and those of reaching a mailbox.
    """
    meant = _restorable(wanted)
    with writing():
        _audit_rehydrate(meant)
    stub_ids = [row.id for rows in meant.values() for row in rows]
    return GivingBack(exchange, packs, Event()).rehydrate(stub_ids, told)


@needs(Role.OPERATOR)
def ask_to_rehydrate(wanted: StubFilter) -> None:
    """Have the engine do it, each mailbox by itself: one that is locked does not keep the others waiting."""
    meant = _restorable(wanted)
    with writing():
        _audit_rehydrate(meant)
        for rows in meant.values():
            requests.enter("rehydrate", {"stubs": [row.id for row in rows]})


def _restorable(wanted: StubFilter) -> dict[str, list[StubRow]]:
    """Address -> stubs that can be put back, by address."""
    by_address: dict[str, list[StubRow]] = {}
    for row in every_stub(only_by_what_is_shown(wanted)):
        if row.state in RESTORABLE:
            by_address.setdefault(row.address, []).append(row)
    return dict(sorted(by_address.items()))


def _audit_rehydrate(meant: Mapping[str, Sequence[StubRow]]) -> None:
    for address, rows in meant.items():
        audit("rehydrate", address, after={"stubs": [row.key for row in rows]})


@needs(Role.OPERATOR)
def restore(
    exchange: Exchange, packs: Packs, placement_ids: Sequence[int], target: Target, *, told: Told = lambda *_: None
) -> RestoreReport:
    """Put archived messages into a mailbox, as they lay where they are chosen. Raises Problem not-found, ..."""
    if not placement_ids:
        return RestoreReport()
    with writing():
        _audit_restore(placement_ids, target)
    return GivingBack(exchange, packs, Event()).restore(placement_ids, target, told)


@needs(Role.OPERATOR)
def ask_to_restore(placement_ids: Sequence[int], target: Target) -> int:
    """Have the engine do it; gives the request's id."""
    arguments = {"address": target.address, "path": target.path, "collision": str(target.collision)}
    with writing():
        _audit_restore(placement_ids, target)
        return requests.enter("restore", {"placements": list(placement_ids), **arguments})


@needs(Role.OPERATOR)
def try_to_restore(placement_ids: Sequence[int], target: Target) -> None:
    """Make the checks of `restore` and enter what it would, without what the messages say.

    For a transaction that is undone: no entry would be left of somebody's having read it.
    """
    _audit_restore(placement_ids, target, subjects=False)


@needs(Role.OPERATOR)
def foresee_restore(exchange: Exchange, packs: Packs, placement_ids: Sequence[int], target: Target) -> list[Foreseen]:
    """What `restore` would do with each message: the mailboxes are asked, nothing is changed.

    Folders that nobody named are told, and audited, where the person may see them. Raises Problem as `restore` does.
    """
    tried(partial(try_to_restore, placement_ids, target))
    found = GivingBack(exchange, packs, Event()).foresee_restore(placement_ids, target)
    if target.path:
        return found
    if not are_shown():
        return [replace(each, folder=None) for each in found]
    for address in sorted({views.mailbox_of(each).address for each in placement_ids}):
        audit("look into archive", address)
    return found


def _audit_restore(placement_ids: Sequence[int], target: Target, *, subjects: bool = True) -> None:
    if target.address:
        valid_addresses(target.address)
    if target.collision is Collision.REPLACE:
        _take_away()
    named: list[dict[str, object]] = []
    for placement_id in placement_ids:
        own, message = views.mailbox_of(placement_id).address, views.message(placement_id)
        if target.address and target.address.strip().lower() != own:
            _look_into_anothers(own)
        subject = {"subject": message.subject} if subjects else {}
        named.append({"number": placement_id, **subject, "from": own})
    after = {"messages": named, "folder": target.path, "collision": str(target.collision)}
    audit("restore", target.address or "the messages' own mailboxes", after=after)


@needs(Role.DESTRUCTIVE)
def _take_away() -> None:
    """What is replaced leaves its folder."""


ROLES_TO_REPLACE = needed(_take_away)
"""What it takes, beside restoring, to have what is there replaced."""


@needs(Role.AUDITOR)
def _look_into_anothers(address: str) -> None:
    """Giving somebody another's mail lets them read it."""
    audit("look into archive", address)
