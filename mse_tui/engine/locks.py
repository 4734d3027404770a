"""One task at a time on a mailbox, across all tasks and sites; those that wait are served first come, first served."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mse_tui.engine.leases import HeldLease, Leases, Now, Renewer, process_label
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.reasons import Problem, Reason
from mse_tui.store import database
from mse_tui.store.lease_keys import mailbox_key, task_key
from mse_tui.store.models import LockWait, Task


@dataclass(frozen=True, slots=True)
class Waiting:
    """The mailbox is another's; this task stands in the queue."""

    key: str
    holder: str
    """For whom the task waits."""


class MailboxLocks:
    """The locks of mailboxes for one engine. A wait is a row, not a thread."""

    def __init__(self, leases: Leases, *, now: Now = database.now) -> None:
        self._leases = leases
        self._now = now

    def take(self, guid: str, task_id: int, holder: str) -> HeldLease | Waiting:
        """Take a mailbox, or stand in the queue for it (keeping the place if already there)."""
        key = mailbox_key(guid)
        held: HeldLease | None = None
        try:
            with database.writing():
                ahead = self._ahead(key, task_id)
                held = None if ahead else self._leases.take(key, holder)
                if held is not None:
                    self.leave(key, task_id)
                    return held
                return self._stand_in_queue(key, task_id, ahead)
        except BaseException:
            if held is not None:
                self._leases.forget(held)
            raise

    def _stand_in_queue(self, key: str, task_id: int, ahead: str) -> Waiting:
        LockWait.insert(key=key, task=task_id, since=self._now()).on_conflict_ignore().execute()
        return Waiting(key, self._leases.holder(key) or ahead)

    def waits_for(self, key: str, task_id: int) -> str:
        """For whom a waiting task still waits; '' when it would get the mailbox now."""
        with database.reading():
            return self._leases.holder(key) or self._ahead(key, task_id)

    def leave(self, key: str, task_id: int) -> None:
        """Stand in the queue no more."""
        LockWait.delete().where(LockWait.key == key, LockWait.task == task_id).execute()

    def _ahead(self, key: str, task_id: int) -> str:
        """The task that came first and still waits, '' for none. One whose engine has died waits no more."""
        rows: Any = LockWait.select(LockWait, Task).join(Task).where(LockWait.key == key).order_by(LockWait.id)
        for row in rows:
            if row.task_id == task_id:
                return ""
            if self._leases.holder(task_key(row.task_id)):
                return str(row.task.description)
        return ""


@contextmanager
def locked(mailbox: Mailbox, what: str) -> Iterator[HeldLease]:
    """Hold a mailbox's lock outside an execution, for `what`. Raises Problem mailbox-locked naming the holder."""
    leases = Leases()
    key = mailbox_key(mailbox.identity().guid)
    held = leases.take(key, process_label(what))
    if held is None:
        raise _locked_by(mailbox, leases.holder(key))
    renewer = Renewer(leases, lambda _: None)
    renewer.start()
    try:
        yield held
    finally:
        renewer.stop()
        held.release()


def refuse_locked(mailbox: Mailbox) -> None:
    """Raises Problem mailbox-locked where `locked` would."""
    if holder := Leases().holder(mailbox_key(mailbox.identity().guid)):
        raise _locked_by(mailbox, holder)


def _locked_by(mailbox: Mailbox, holder: str) -> Problem:
    return Problem(
        Reason.MAILBOX_LOCKED, f"{mailbox.address} is being processed by {holder}.", "Do it when that has ended."
    )
