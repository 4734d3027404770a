"""What an execution writes down: its mailboxes, where it stands, and its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import fn

from mse_tui.directory.directory import Member, SkippedEntry
from mse_tui.engine.claims import Claim, plan_after
from mse_tui.engine.journal import Outcome, left_out
from mse_tui.engine.schedules import read_settings
from mse_tui.engine.summing_up import done_said, summed_up
from mse_tui.exchange.waits import Wait
from mse_tui.reasons import Reason, explain
from mse_tui.store.database import keep_connection, writing
from mse_tui.store.models import (
    Command,
    Execution,
    LockWait,
    MailboxHealth,
    MailboxResult,
    Progress,
    Schedule,
    Task,
    to_micros,
)
from mse_tui.store.queries import totals
from mse_tui.store.queries.executions import interrupted_message
from mse_tui.terms import RESOLVING, Light, Status, Verb


def begin_resolving(claim: Claim, now: datetime) -> None:
    """The execution asks who is in its group."""
    with writing():
        _show(claim, now, position=0, total=0, address="", mailbox_started=None, phase=RESOLVING, paces="[]")
        _detail(claim, RESOLVING.capitalize())


def wait_for_group(claim: Claim, wait: Wait | None, now: datetime) -> None:
    """What the answer waits for; None, no longer. From any thread."""
    values: dict[str, Any] = {"waiting": "", "waiting_since": None, "waiting_until": None, "updated": now}
    if wait is not None:
        values.update(waiting=wait.said, waiting_since=wait.since, waiting_until=wait.until)
    with keep_connection(), writing():
        Progress.update(values).where(Progress.task == claim.task_id).execute()
        _detail(claim, ": ".join(filter(None, (RESOLVING.capitalize(), values["waiting"]))))


def begin_group(claim: Claim, total: int, skipped: Sequence[SkippedEntry], now: datetime) -> None:
    """The group is resolved: how many mailboxes there are, and a row for each entry that is none."""
    with writing():
        Execution.update(mailboxes=total).where(Execution.id == claim.execution_id).execute()
        _show(claim, now, position=0, total=total, address="", mailbox_started=None, paces="[]")
        for number, entry in enumerate(skipped, start=total + 1):
            MailboxResult.create(
                execution=claim.execution_id,
                position=number,
                address=entry.entry,
                started=now,
                finished=now,
                light=(told := left_out(entry)).light,
                reason=told.reason,
                message=told.message,
            )


def begin_mailbox(claim: Claim, member: Member, position: int, total: int, now: datetime) -> int:
    """A mailbox's turn begins; gives its result's id. `position` counts from 1."""
    with writing():
        result = MailboxResult.create(
            execution=claim.execution_id, position=position, address=member.address, started=now
        )
        _show(claim, now, position=position, total=total, address=member.address, mailbox_started=now)
        _detail(claim, f"{member.address} ({position} of {total} mailboxes)")
    return int(result.id)


def go_on_with_mailbox(claim: Claim, member: Member, position: int, total: int, now: datetime) -> None:
    """A mailbox that was waited for gets its turn."""
    with writing():
        _show(claim, now, position=position, total=total, address=member.address, mailbox_started=now)
        _detail(claim, f"{member.address} ({position} of {total} mailboxes)")


def stand_still(claim: Claim, why: str, detail: str, now: datetime) -> None:
    """The execution waits, and for what. When it goes on waiting for another, it has waited since before."""
    since = fn.COALESCE(Progress.waiting_since, to_micros(now))
    values = {"phase": "", "waiting": why, "waiting_since": since, "waiting_until": None, "updated": now}
    with writing():
        Progress.update(values).where(Progress.task == claim.task_id).execute()
        _detail(claim, detail)


def note_health(claim: Claim, address: str, outcome: Outcome, now: datetime) -> None:
    """Keep up how the mailbox fares in this task; an expected skip is neither success nor failure.

    Where all was done but what waits for a person's approval, it was processed successfully.
    """
    done = outcome.light is Light.GREEN or outcome.reason == Reason.APPROVAL_MISSING
    row = {"task": claim.task_id, "address": address, "execution": claim.execution_id, "finished": now}
    since = MailboxHealth.since_success
    fared: dict[Any, Any] = {"since_success": since + 1}
    if done:
        fared = {"last_success": now, "since_success": 0}
    elif outcome.light is Light.NONE:
        fared = {}
    first = {"since_success": int(not done and outcome.light is not Light.NONE)}
    insert = MailboxHealth.insert({**row, "light": outcome.light, **fared, **first})
    update = {"execution": claim.execution_id, "finished": now, "light": outcome.light, **fared}
    insert.on_conflict(conflict_target=[MailboxHealth.task, MailboxHealth.address], update=update).execute()


def forget_left(claim: Claim) -> None:
    """Every mailbox of the group had its turn: those that had none are in the group no more."""
    MailboxHealth.delete().where(
        MailboxHealth.task == claim.task_id, MailboxHealth.execution != claim.execution_id
    ).execute()


def forget_health(claim: Claim, addresses: Sequence[str]) -> None:
    """These are in the group no more: how they fared is no trouble of the task's."""
    MailboxHealth.delete().where(
        MailboxHealth.task == claim.task_id, MailboxHealth.address.in_(list(addresses))
    ).execute()


def count_processed(claim: Claim, processed: int) -> None:
    """How many mailboxes are done with."""
    Execution.update(processed=processed).where(Execution.id == claim.execution_id).execute()


def end(claim: Claim, outcome: Outcome, processed: int, now: datetime) -> Outcome:
    """Write an execution's end, the task's light and its next execution; gives what the task summary log says.

    `outcome` adds to what the mailboxes' results say. Raises Problem lease-lost when another engine has taken the
    task over, which then has written an end of its own.
    """
    with writing():
        claim.lease.check()
        close_open_results(claim.execution_id, Reason(outcome.reason or Reason.STOPPED), outcome.message, now)
        whole = summary(claim.execution_id, outcome)
        ended = (
            Execution.update(
                finished=now, processed=processed, light=whole.light, reason=whole.reason, message=whole.message
            )
            .where(Execution.id == claim.execution_id, Execution.finished.is_null())
            .execute()
        )
        if ended:
            _end_task(claim.task_id, whole, now)
            _end_commands(claim.task_id, whole, now)
    return whole


def close_open_results(execution_id: int, reason: Reason, message: str, now: datetime) -> None:
    """Mailboxes whose turn never came to an end."""
    MailboxResult.update(finished=now, light=Light.ORANGE, reason=reason, message=message).where(
        MailboxResult.execution == execution_id, MailboxResult.finished.is_null()
    ).execute()


def summary(execution_id: int, outcome: Outcome) -> Outcome:
    """The whole of an execution from the parts: its mailboxes' results, and what befell it itself."""
    rows: Any = (
        MailboxResult.select(
            MailboxResult.light,
            MailboxResult.reason,
            MailboxResult.message,
            MailboxResult.position > Execution.mailboxes,
        )
        .join(Execution)
        .where(MailboxResult.execution == execution_id, MailboxResult.reason != Reason.PAUSED)
        .order_by(MailboxResult.position, MailboxResult.id)
        .tuples()
    )
    found = [(Outcome(Light(light), reason, message), is_entry) for light, reason, message, is_entry in rows]
    mailboxes, entries = ([one for one, is_entry in found if bool(is_entry) is wanted] for wanted in (False, True))
    return summed_up(mailboxes, outcome, entries, done_said(totals(execution_id)[0]))


def _end_task(task_id: int, whole: Outcome, now: datetime) -> None:
    row: Any = Task.select(Task, Schedule).join(Schedule).where(Task.id == task_id).first()
    values: dict[str, Any] = {
        "status": Status.SCHEDULED,
        "light": whole.light,
        "last_finished": now,
        "latest_detail": f"Last execution: {row.last_started:%Y-%m-%d %H:%M} UTC, {whole.light.word}",
    }
    if row.next_execution is not None and row.next_execution <= now:
        # A task never overlaps itself: the starts that came while it ran have passed.
        values["next_execution"] = plan_after(read_settings(row.schedule.settings), now, row.last_started)
    Task.update(**values).where(Task.id == task_id).execute()
    Progress.delete().where(Progress.task == task_id).execute()
    LockWait.delete().where(LockWait.task == task_id).execute()


def _end_commands(task_id: int, whole: Outcome, now: datetime) -> None:
    Command.update(finished=now, outcome=f"{whole.light.word}: {whole.message}".strip()).where(
        Command.task == task_id,
        Command.verb.in_((Verb.RUN, Verb.STOP)),
        Command.taken.is_null(False),
        Command.finished.is_null(),
    ).execute()


def end_interrupted(execution: Any, now: datetime) -> None:
    """The end of an execution whose engine died; its task waits for its next execution."""
    message = interrupted_message(execution.processed, execution.mailboxes)
    close_open_results(execution.id, Reason.INTERRUPTED, explain(Reason.INTERRUPTED).happened, now)
    whole = summary(execution.id, Outcome(Light.ORANGE, str(Reason.INTERRUPTED), message))
    Execution.update(finished=now, light=whole.light, reason=whole.reason, message=whole.message).where(
        Execution.id == execution.id
    ).execute()
    _end_task(execution.task_id, whole, now)
    _end_commands(execution.task_id, whole, now)


def _show(claim: Claim, now: datetime, **values: Any) -> None:
    """What runs now; the pace goes on from mailbox to mailbox."""
    still: dict[str, Any] = {"waiting": "", "waiting_since": None, "waiting_until": None}
    fresh = {"phase": "", "folder": "", "items": 0, "expected": 0, "bytes": 0, **still, "updated": now, **values}
    fresh["execution"] = claim.execution_id
    insert = Progress.insert({"task": claim.task_id, **fresh})
    insert.on_conflict(conflict_target=[Progress.task], update=fresh).execute()


def _detail(claim: Claim, text: str) -> None:
    Task.update(latest_detail=text).where(Task.id == claim.task_id).execute()
