"""Synced grants that nobody follows any more when their task goes: found, and taken back or left in force."""

import json
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from mse_tui.access.grants import Grant, grants, record
from mse_tui.access.rights import Origin, Source
from mse_tui.features.permissions_definition import PermissionsSyncDefinition
from mse_tui.store.access import AccessGrant
from mse_tui.store.database import writing
from mse_tui.store.models import ArchiveMailbox, Definition, MailboxHealth, Task
from mse_tui.terms import TaskType


def left_by(task_id: int, *, going: Collection[int] = ()) -> list[Grant]:
    """The synced grants and Denies that no task follows once this one is gone; none for a task of another type.

    Other tasks that are `going` too follow nothing.
    """
    row = Task.get_or_none(Task.id == task_id, Task.type == TaskType.PERMISSIONS_SYNC)
    if row is None:
        return []
    own = _followed(task_id)
    others = [(_followed(other), sources) for other, sources in _others({task_id, *going}).items()]
    found = []
    for mailbox in ArchiveMailbox.select():
        given = [each for each in grants(mailbox_id=mailbox.id) if each.origin is Origin.SYNCED]
        address = mailbox.address.casefold()
        if address in own or any(each.granted_by == f"task '{row.description}'" for each in given):
            kept = {source for followed, sources in others if address in followed for source in sources}
            found += [each for each in given if each.source not in kept]
    return found


def take_back(left: Collection[Grant], who: str) -> None:
    """Take these back, in the caller's transaction.

    A Deny goes with them, unless it holds back somebody who was let in otherwise: from then on it is one by hand.
    """
    going = {each.id for each in left}
    with writing():
        for each in left:
            if each.denies and _has_more(each, going):
                _by_hand(each, who)
                continue
            AccessGrant.delete().where(AccessGrant.id == each.id).execute()
            record("revoked", each, who)


def _has_more(deny: Grant, going: Collection[int]) -> bool:
    others = grants(mailbox_id=deny.mailbox_id, person=deny.person)
    return any(not each.denies and each.id not in going for each in others)


def _by_hand(deny: Grant, who: str) -> None:
    known: Any = AccessGrant.select().where(
        AccessGrant.mailbox == deny.mailbox_id,
        AccessGrant.person == deny.person,
        AccessGrant.area == deny.folder.area,
        AccessGrant.remote_id == deny.folder.remote_id,
        AccessGrant.denies,
        AccessGrant.origin == Origin.MANUAL.value,
    )
    if known.exists():
        AccessGrant.delete().where(AccessGrant.id == deny.id).execute()
    else:
        AccessGrant.update(origin=Origin.MANUAL.value, source="", via="", granted_by=who).where(
            AccessGrant.id == deny.id
        ).execute()


def _followed(task_id: int) -> set[str]:
    """Addresses, casefolded, of the mailboxes that a task had a turn with at its last executions."""
    return {
        row.address.casefold()
        for row in MailboxHealth.select(MailboxHealth.address).where(MailboxHealth.task == task_id)
    }


def _others(going: Collection[int]) -> dict[int, frozenset[Source]]:
    """Tasks that follow permissions, without these, and which of them."""
    rows: Any = Task.select(Task, Definition).join(Definition)
    found = {}
    for row in rows.where(Task.type == TaskType.PERMISSIONS_SYNC, Task.id.not_in(list(going))):
        try:
            definition = PermissionsSyncDefinition.model_validate(json.loads(row.definition.settings))
        except ValidationError:
            continue
        if not definition.dry_run:
            found[row.id] = definition.sources
    return found
