"""Leases: who may do a thing until when. A row each, taken by a conditional update, renewed by a thread of its own.

Ends are by the database's clock. Every taking raises the fence, so that a holder that was away (suspended, cut off)
finds at its next commit that another has taken over.
"""

import logging
import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from mse_tui.engine.clock import Clock, SystemClock
from mse_tui.engine.full_disk import FULL_DISK
from mse_tui.reasons import Problem, Reason
from mse_tui.store import database
from mse_tui.store.live_leases import is_live, live_keys
from mse_tui.store.models import Lease
from mse_tui.store.processes import Process, this_process

log = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
RENEW_SECONDS = 8.0
_CLOCK_JUMP_SECONDS = 2.0
_LOOK_SECONDS = 1.0

Now = Callable[[], datetime]


class HeldLease:
    """A lease that this process took. It is the fence of every commit made under it."""

    def __init__(self, leases: "Leases", key: str, fence: int, seconds: float) -> None:
        self.key = key
        self.fence = fence
        self.seconds = seconds
        self.lost = False
        """Another has it, as far as this process has noticed."""
        self._leases = leases

    def check(self) -> None:
        """Inside the committing transaction: raises Problem lease-lost unless this is still the holder's lease."""
        if self.lost or not self._leases.is_held(self):
            self.lost = True
            raise Problem(Reason.LEASE_LOST, f"The lease {self.key} ended or was taken over.")

    def release(self) -> None:
        """Give it back; harmless when it is another's by now."""
        self._leases.release(self)


class Leases:
    """What one owner (an engine in a process) takes, renews and gives back. Thread-safe."""

    def __init__(
        self,
        owner: str | None = None,
        *,
        process: Process | None = None,
        now: Now = database.now,
        clock: Clock | None = None,
    ) -> None:
        self.owner = owner or secrets.token_hex(8)
        self._process = process or this_process()
        self._now = now
        self._clock = clock or SystemClock()
        self._held: dict[str, HeldLease] = {}
        self._lock = Lock()

    def take(self, key: str, holder: str, seconds: float = LEASE_SECONDS) -> HeldLease | None:
        """Take a lease if it is free, run out, or its process on this host is dead; None when another holds it."""
        with database.writing():
            moment = self._now()
            row = Lease.get_or_none(Lease.key == key)
            if row is not None and is_live(row, moment):
                return None
            fence = (row.fence if row is not None else 0) + 1
            values = {
                "owner": self.owner,
                "holder": holder,
                "fence": fence,
                "until": moment + timedelta(seconds=seconds),
                "host": self._process.host,
                "pid": self._process.pid,
                "pid_started": self._process.started,
            }
            if row is None:
                Lease.insert(key=key, **values).execute()
            else:
                Lease.update(**values).where(Lease.key == key, Lease.fence == row.fence).execute()
        held = HeldLease(self, key, fence, seconds)
        with self._lock:
            self._held[key] = held
        return held

    def holder(self, key: str) -> str:
        """Who holds a lease now, for people; '' when it is free."""
        row = Lease.get_or_none(Lease.key == key)
        return str(row.holder) if row is not None and is_live(row, self._now()) else ""

    def live_keys(self, prefix: str) -> set[str]:
        """The keys under a prefix that someone holds now."""
        return live_keys(prefix, self._now())

    def is_held(self, held: HeldLease) -> bool:
        """Whether the lease is still this holder's by the database."""
        return bool(
            Lease.select()
            .where(
                Lease.key == held.key,
                Lease.owner == self.owner,
                Lease.fence == held.fence,
                Lease.until > self._now(),
            )
            .exists()
        )

    def renew(self, held: HeldLease) -> bool:
        """Put the end off. False, and the lease is lost, when another has taken it meanwhile.

        One that ran out unnoticed (a suspended machine, a clock set forward) is renewed while no other took it.
        One that its holder has given back meanwhile is no loss.
        """
        with database.writing():
            renewed = (
                Lease.update(until=self._now() + timedelta(seconds=held.seconds))
                .where(Lease.key == held.key, Lease.owner == self.owner, Lease.fence == held.fence)
                .execute()
            )
        if renewed or not self.forget(held):
            return True
        held.lost = True
        return False

    def release(self, held: HeldLease) -> None:
        """Give a lease back, so that the next one need not wait for its end."""
        self.forget(held)
        with database.writing():
            Lease.update(owner="", holder="").where(
                Lease.key == held.key, Lease.owner == self.owner, Lease.fence == held.fence
            ).execute()

    def held(self) -> list[HeldLease]:
        """What this owner holds, as far as it knows."""
        with self._lock:
            return list(self._held.values())

    def forget(self, held: HeldLease) -> bool:
        """Renew it no more (its taking was rolled back, or another has it); whether it was still to be renewed."""
        with self._lock:
            known = self._held.get(held.key) is held
            if known:
                del self._held[held.key]
            return known


class Renewer:
    """The thread that renews all leases of an owner, by the monotonic clock; at once when the wall clock jumps."""

    def __init__(
        self,
        leases: Leases,
        lost: Callable[[HeldLease], None],
        *,
        clock: Clock | None = None,
        every: float = RENEW_SECONDS,
    ) -> None:
        self._leases = leases
        self._lost = lost
        self._clock = clock or SystemClock()
        self._every = every
        self._seen_offset = 0.0
        self._end = Event()
        self._thread = Thread(target=self._renew, name="lease-renewer", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._seen_offset = self._offset()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is held runs out by itself unless it is released."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def _renew(self) -> None:
        due = self._clock.monotonic() + self._every
        while not self._end.wait(min(_LOOK_SECONDS, self._every)):
            jumped = abs(self._offset() - self._seen_offset) > _CLOCK_JUMP_SECONDS
            if not jumped and self._clock.monotonic() < due:
                continue
            if jumped:
                log.warning("The clock was set; renewing all leases")
            self._seen_offset = self._offset()
            if self._renew_all():
                due = self._clock.monotonic() + self._every

    def _offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _renew_all(self) -> bool:
        """True when every lease was looked at; a failing database is tried again at the next look."""
        for held in self._leases.held():
            try:
                with database.keep_connection():
                    renewed = self._leases.renew(held)
            except Exception as error:
                if not FULL_DISK.is_cause(error):
                    log.exception("The lease %s could not be renewed", held.key)
                return False
            FULL_DISK.written()
            if not renewed:
                log.error("The lease %s was taken over", held.key)
                self._lost(held)
        return True


def process_label(what: str) -> str:
    """How a lease says to people who holds it: what, on which host, in which process."""
    return f"{what} on {this_process().host.partition('/')[0]} (process {os.getpid()})"
