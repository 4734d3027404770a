"""What is written down of a task's group: each answer once, which one is good, and what each execution found."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mse_tui.directory.answers import digest, membership_kept, membership_to_keep
from mse_tui.directory.directory import GroupReference, Membership
from mse_tui.store.groups import ExecutionGroup, GroupAnswer
from mse_tui.store.models import Task


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer that the run before went by."""

    id: int
    mailboxes: int
    resolved: datetime
    membership: Membership


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept."""

    id: int
    confirmed_by: str
    """Who has said that it is right and has not been taken at his word yet; '' nobody."""


def last_accepted(task_id: int) -> Accepted | None:
    """The task's last good answer; None before there is one."""
    row: Any = (
        GroupAnswer.select()
        .where(GroupAnswer.task == task_id, GroupAnswer.accepted.is_null(False))
        .order_by(GroupAnswer.accepted.desc(), GroupAnswer.id.desc())
        .first()
    )
    if row is None:
        return None
    return Accepted(row.id, row.mailboxes, row.resolved, membership_kept(json.loads(row.answer)))


def keep(task_id: int, found: Membership) -> Kept:
    """Keep an answer: a new row, or the one that includes the same mailboxes."""
    values = {"answer": json.dumps(membership_to_keep(found)), "resolved": found.resolved_at}
    known_already = known(task_id, found)
    if known_already is None:
        row = GroupAnswer.create(task=task_id, digest=_digest(found), mailboxes=len(found.included), **values)
        return Kept(row.id, "")
    GroupAnswer.update(**values).where(GroupAnswer.id == known_already.id).execute()
    return known_already


def known(task_id: int, found: Membership) -> Kept | None:
    """The kept answer that includes the same mailboxes; None where there is none."""
    row: Any = GroupAnswer.get_or_none(GroupAnswer.task == task_id, GroupAnswer.digest == _digest(found))
    return None if row is None else Kept(row.id, row.confirmed_by if row.confirmed is not None else "")


def _digest(found: Membership) -> str:
    return digest(member.address for member in found.included)


def accept(task_id: int, answer_id: int, group: GroupReference, now: datetime) -> None:
    """An execution goes by this answer: it is the last good one, and a confirmation of it is used up."""
    GroupAnswer.update(accepted=now, confirmed=None, confirmed_by="").where(GroupAnswer.id == answer_id).execute()
    Task.update(group_kind=group.kind, group_key=group.key, group_name=group.name).where(Task.id == task_id).execute()


def record(execution_id: int, answer: Kept, found: Membership, before: Accepted | None, confirmed_by: str) -> None:
    """What an execution found, and who joined and left since the run before."""
    now_in = {member.address for member in found.included}
    then_in = now_in if before is None else {member.address for member in before.membership.included}
    _record(
        execution_id,
        answer.id,
        found,
        before=None if before is None else before.mailboxes,
        joined=json.dumps(sorted(now_in - then_in)),
        departed=json.dumps(sorted(then_in - now_in)),
        confirmed_by=confirmed_by,
    )


def record_stale(execution_id: int, last: Accepted) -> None:
    """An execution goes by the last good answer, because the directory could not be asked."""
    _record(execution_id, last.id, last.membership, before=last.mailboxes, stale=True)


def _record(execution_id: int, answer_id: int, found: Membership, **values: Any) -> None:
    ExecutionGroup.create(
        execution=execution_id,
        answer=answer_id,
        kind=found.kind,
        name="" if found.group is None else found.group.name,
        resolved_by=found.resolved_by,
        resolved=found.resolved_at,
        mailboxes=len(found.included),
        **values,
    )
