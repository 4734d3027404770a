"""Holding a mailbox's lock outside an execution: no task touches the mailbox meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from mse_tui.engine.leases import HeldLease, Leases, Renewer, mailbox_key, process_label
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.reasons import Problem, Reason


@contextmanager
def locked(mailbox: Mailbox, what: str) -> Iterator[HeldLease]:
    """Hold a mailbox's lock for `what`. Raises Problem mailbox-locked naming the holder."""
    leases = Leases()
    key = mailbox_key(mailbox.identity().guid)
    held = leases.take(key, process_label(what))
    if held is None:
        raise Problem(
            Reason.MAILBOX_LOCKED,
            f"{mailbox.address} is being processed by {leases.holder(key)}.",
            "Do it when that has ended.",
        )
    renewer = Renewer(leases, lambda lost: setattr(lost, "lost", True))
    renewer.start()
    try:
        yield held
    finally:
        renewer.stop()
        held.release()
