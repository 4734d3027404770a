"""An execution: one task's way through its mailboxes, one turn of a worker at a time.

It is no thread. A turn resolves the group or processes one mailbox and queues the next turn; an execution that waits
for a mailbox or is paused has no turn queued and holds no mailbox until it is woken.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from threading import Event, Lock

from pydantic import BaseModel

from mse_tui.archive.packs import Packs
from mse_tui.directory.directory import Member
from mse_tui.engine import records
from mse_tui.engine.claims import Claim
from mse_tui.engine.clock import Clock
from mse_tui.engine.groups import TaskGroups
from mse_tui.engine.journal import MailboxJournal, Outcome, failed, is_stop
from mse_tui.engine.leases import HeldLease
from mse_tui.engine.locks import MailboxLocks, Waiting
from mse_tui.engine.log_subjects import about
from mse_tui.engine.pace import Pace
from mse_tui.engine.preparing import Choice, ends_execution, prepare, refuse_fallen
from mse_tui.engine.standing import Standing
from mse_tui.exchange.mailbox import Exchange, Mailbox
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.exchange.waits import listening
from mse_tui.features.feature import Feature, MailboxRun
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import as_problem, keep_connection
from mse_tui.terms import Light, TaskType

log = logging.getLogger(__name__)

SHUTDOWN = "the engine's shutdown"
"""Who stops executions when their engine ends."""


class State(Enum):
    """Where an execution stands."""

    QUEUED = auto()
    """Has a turn queued or under way."""
    WAITING = auto()
    """Stands in the queue of a mailbox."""
    PAUSED = auto()
    ENDING = auto()
    """Over; its end is not in the database yet."""
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class Equipment:
    """What executions of a site work with."""

    site: str
    """Its code, for the log."""
    exchange: Exchange
    groups: TaskGroups
    standing: Standing
    features: Mapping[TaskType, Feature]
    packs: Packs
    locks: MailboxLocks
    clock: Clock
    submit: Callable[[Callable[[], None]], None]
    """Queue a worker's turn."""
    ended: Callable[["Execution"], None]
    """Told once an execution's end is in the database."""
    public_url: str = ""
    """Where people reach the site's retrieval service; '' where there is none."""


class Execution:
    """A claimed task on its way. `turn` runs in a worker, one at a time; the rest may be called by any thread."""

    def __init__(self, claim: Claim, equipment: Equipment, choice: Choice | None = None) -> None:
        self.claim = claim
        self._with = equipment
        self._choice = choice or Choice()
        self._lock = Lock()
        self._state = State.QUEUED
        self._stopped_by = ""
        self._paused_by = ""
        self._rests_until: datetime | None = None
        self._lease_lost = False
        self._cancel = Event()
        self._pace = Pace(equipment.clock)
        self._journal: MailboxJournal | None = None
        """Of the mailbox whose turn it is."""
        self._work: tuple[Feature, BaseModel] | None = None
        self._members: list[Member] = []
        self._position = 0
        self._result_id: int | None = None
        self._waits_on: Waiting | None = None
        self._waits_since: float | None = None
        self._outcome = Outcome(Light.GREEN)
        self._ending = Lock()
        self._log = self._log_about()

    @property
    def state(self) -> State:
        return self._state

    def begin(self) -> None:
        """Queue the first turn."""
        self._with.submit(self.turn)

    def stop(self, who: str) -> None:
        """End gracefully at the next boundary."""
        with self._lock:
            self._stopped_by = self._stopped_by or who
            self._cancel.set()
        self._wake(State.WAITING, State.PAUSED)

    def pause(self, who: str) -> None:
        """Give the mailbox back at the next boundary and wait to be resumed."""
        with self._lock:
            self._paused_by = who
            self._cancel.set()
        self._wake(State.WAITING, State.PAUSED)

    def resume(self) -> None:
        """Go on where it was paused."""
        with self._lock:
            self._paused_by = ""
        self._wake(State.PAUSED)

    def rest(self, until: datetime) -> None:
        """Give the mailbox back at the next boundary and wait for the end of the site's maintenance."""
        with self._lock:
            if self._rests_until == until:
                return
            self._rests_until = until
            self._cancel.set()
        self._wake(State.WAITING, State.PAUSED)

    def end_rest(self) -> None:
        """Go on where maintenance began, unless a person has paused it."""
        with self._lock:
            if self._rests_until is None:
                return
            self._rests_until = None
        self._wake(State.PAUSED)

    def lease_lost(self) -> None:
        """Another engine has taken the task over: commit and write nothing more."""
        with self._lock:
            self._lease_lost = True
            self._cancel.set()
        self._wake(State.WAITING, State.PAUSED)

    def look(self) -> None:
        """Once a second: is the mailbox that is waited for free, what does a request wait for, can an end that failed
        be written now?"""
        waits_on, journal = self._waits_on, self._journal
        if self._state is State.WAITING and waits_on is not None:
            holder = self._with.locks.waits_for(waits_on.key, self.claim.task_id)
            if not holder:
                self._wake(State.WAITING)
            elif holder != waits_on.holder:
                self._waits_on = Waiting(waits_on.key, holder)
                self._show_waiting(holder)
        elif self._state is State.ENDING:
            self._write_end()
        elif journal is not None:
            journal.write_waiting()

    def turn(self) -> None:
        """Go on: resolve the group or process one mailbox, then queue the next turn, wait, or end."""
        with about(site=self._with.site, task=self.claim.description, execution=self.claim.execution_id):
            try:
                with keep_connection():
                    self._take_turn()
            except Exception as error:  # noqa: BLE001 (without a connection: the end is written at a later look)
                self._outcome, self._state = _outcome_of_fault(error), State.ENDING

    def _take_turn(self) -> None:
        try:
            if self._goes_on():
                self._step()
        except Exception as error:  # noqa: BLE001 (an execution that fails ends)
            if is_stop(error) and self._is_asked_to_end():
                self._with.submit(self.turn)  # the group was not waited for any longer
            else:
                self._end(_outcome_of_fault(error))

    def _goes_on(self) -> bool:
        with self._lock:
            pause = self._pause()
            self._cancel = Event()
            if stopping := self._is_stopping():
                self._cancel.set()
        if stopping:
            self._end(self._stopped())
        elif pause:
            self._stand_paused(pause)
        return not (stopping or pause)

    def _stand_paused(self, pause: str) -> None:
        """Wait for no mailbox and hold no worker until it is resumed; unless that, a stop, or another pause came."""
        if self._waits_on is not None:
            self._with.locks.leave(self._waits_on.key, self.claim.task_id)
            self._waits_on = None
        records.stand_still(self.claim, f"paused by {pause}", f"Paused by {pause} {self._so_far()}", self._now())
        self._park(State.PAUSED, lambda: self._pause() == pause and not self._is_stopping())

    def _step(self) -> None:
        if self._work is None:
            self._with.exchange.look_again()
            self._prepare()
        elif not self._process(self._members[self._position]):
            return
        else:
            self._position += 1
            records.count_processed(self.claim, self._position)
        if self._position >= len(self._members) and self._choice == Choice():
            records.forget_left(self.claim)
        if self._outcome.light is Light.RED or self._position >= len(self._members):
            self._end(self._outcome)
        else:
            self._with.submit(self.turn)

    def _prepare(self) -> None:
        """The definition and the group. Raises Problem: the execution ends red, nothing is touched."""
        claim = self.claim
        records.begin_resolving(claim, self._now())
        with listening(lambda wait: records.wait_for_group(claim, wait, self._now()), self._cancel):
            work = prepare(
                claim.task_type,
                claim.settings,
                self._with.features,
                lambda destructive: self._with.groups.resolve(claim, destructive=destructive),
            )
        skipped = self._choice.skipped(work.membership)
        if self._choice.again:
            records.forget_health(claim, [entry.entry for entry in skipped])
        self._members, self._outcome = self._choice.of(work.membership.included), work.outcome
        records.begin_group(claim, len(self._members), skipped, self._now())
        self._work = (work.feature, work.definition)

    def _process(self, member: Member) -> bool:
        """One mailbox's turn; False when it is not over (it waits for the lock, or was paused)."""
        position, total = self._position + 1, len(self._members)
        if self._result_id is None:
            self._result_id = records.begin_mailbox(self.claim, member, position, total, self._now())
        else:
            records.go_on_with_mailbox(self.claim, member, position, total, self._now())
        journal = MailboxJournal(
            self.claim.task_id, self._result_id, self._with.clock, self._is_asked_to_end, self._pace
        )
        self._journal = journal
        with about(mailbox=member.address):
            try:
                outcome = self._run(member, journal)
            except Exception as error:  # noqa: BLE001 (a failing mailbox never ends the execution)
                outcome = self._outcome_of(error)
        if outcome is None:
            return False
        self._journal = None
        journal.close(outcome)
        self._result_id = None
        self._tell_how_it_ended(member, outcome)
        if outcome.reason in (Reason.PAUSED, Reason.STOPPED, Reason.INTERRUPTED):
            self._with.submit(self.turn)
            return False
        records.note_health(self.claim, member.address, outcome, self._now())
        if ends_execution(outcome):
            self._outcome = outcome
        return True

    def _tell_how_it_ended(self, member: Member, outcome: Outcome) -> None:
        told = self._log_about(member.address, outcome.reason)
        if outcome.reason == Reason.PAUSED:
            told.info("Mailbox not done yet: %s", outcome.message)
        else:
            word = "skipped" if outcome.light is Light.NONE else outcome.light.word
            told.log(outcome.level, "Mailbox done: %s", ": ".join(filter(None, (word, outcome.message))))

    def _run(self, member: Member, journal: MailboxJournal) -> Outcome | None:
        assert self._work is not None
        feature, definition = self._work
        refuse_fallen(self._with.standing, member, feature, journal)
        with self._with.exchange.mailbox(member.address, self._cancel, journal.on_wait) as mailbox:
            identity = mailbox.identity()
            lock = self._with.locks.take(identity.guid, self.claim.task_id, f"'{self.claim.description}'")
            if not isinstance(lock, Waiting):
                self._waits_on = None
                self._count_lock_wait(journal)
                try:
                    feature.process(self._mailbox_run(mailbox, identity, definition, lock, journal))
                finally:
                    lock.release()
                return journal.conclude()
        journal.suspend()
        self._journal = None
        self._wait(lock)
        return None

    def _mailbox_run(
        self,
        mailbox: Mailbox,
        identity: MailboxIdentity,
        definition: BaseModel,
        lock: HeldLease,
        journal: MailboxJournal,
    ) -> MailboxRun:
        return MailboxRun(
            task_id=self.claim.task_id,
            mailbox=mailbox,
            identity=identity,
            definition=definition,
            packs=self._with.packs,
            fence=lock,
            journal=journal,
            cancel=self._cancel,
            public_url=self._with.public_url,
        )

    def _wait(self, waiting: Waiting) -> None:
        """Hold no worker until the mailbox is free; unless a stop or a pause came meanwhile."""
        self._waits_on = waiting
        self._waits_since = self._waits_since or self._with.clock.monotonic()
        self._show_waiting(waiting.holder)
        self._park(State.WAITING, lambda: not self._is_asked_to_end())

    def _park(self, state: State, stays: Callable[[], bool]) -> None:
        """The last that a turn does: from here on any thread may wake the execution, and another turn goes on."""
        with self._lock:
            parked = stays()
            if parked:
                self._state = state
        if not parked:
            self._with.submit(self.turn)

    def _count_lock_wait(self, journal: MailboxJournal) -> None:
        if self._waits_since is not None:
            journal.count("lock_wait_seconds", round(self._with.clock.monotonic() - self._waits_since))
            self._waits_since = None

    def _show_waiting(self, holder: str) -> None:
        address = self._members[self._position].address
        where = f"{self._position + 1} of {len(self._members)} mailboxes"
        detail = f"Waits for {holder} on {address} ({where})"
        why = f"waits for its lock, held by {holder}"
        records.stand_still(self.claim, why, detail, self._now())

    def _outcome_of(self, error: Exception) -> Outcome:
        if is_stop(error):
            if self._lease_lost:
                return failed(Problem(Reason.LEASE_LOST, "Another engine took the task over."))
            if self._stopped_by:
                return Outcome(Light.ORANGE, str(self._why_stopped()), f"Stopped by {self._stopped_by}.")
            return Outcome(Light.NONE, str(Reason.PAUSED), f"Paused by {self._pause() or 'a person'}.")
        problem = _problem(error)
        if problem.reason is Reason.INTERNAL:
            self._log_about(self._members[self._position].address).error("A mailbox failed inside", exc_info=error)
        return failed(problem)

    def _wake(self, *states: State) -> None:
        with self._lock:
            woken = self._state in states
            if woken:
                self._state = State.QUEUED
        if woken:
            self._with.submit(self.turn)

    def _is_asked_to_end(self) -> bool:
        return bool(self._is_stopping() or self._pause())

    def _is_stopping(self) -> bool:
        return bool(self._stopped_by) or self._lease_lost

    def _pause(self) -> str:
        """Who or what makes it wait; '' where nothing does."""
        if self._paused_by or self._rests_until is None:
            return self._paused_by
        return f"the site's maintenance until {self._rests_until:%Y-%m-%d %H:%M} UTC"

    def _stopped(self) -> Outcome:
        message = f"Stopped by {self._stopped_by} {self._so_far()}."
        return Outcome(Light.ORANGE, str(self._why_stopped()), message)

    def _why_stopped(self) -> Reason:
        """No person stopped what ends with its engine."""
        return Reason.INTERRUPTED if self._stopped_by == SHUTDOWN else Reason.STOPPED

    def _so_far(self) -> str:
        return f"after {self._position} of {len(self._members)} mailboxes"

    def _end(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._state = State.ENDING
        self._write_end()

    def _write_end(self) -> None:
        """Written at once; when the database refuses (a full disk), again at each look until it takes it."""
        if not self._ending.acquire(blocking=False):
            return
        try:
            if self._state is State.ENDING and self._is_end_written():
                self._state = State.ENDED
                self._with.ended(self)
        finally:
            self._ending.release()

    def _is_end_written(self) -> bool:
        claim = self.claim
        try:
            try:
                whole = records.end(claim, self._outcome, self._position, self._now())
                self._tell_of_end(whole)
            except Problem as problem:
                if problem.reason is not Reason.LEASE_LOST:
                    raise
                self._log.error("Task left to another engine: %s", problem.happened)
            claim.lease.release()
        except Exception as error:  # noqa: BLE001 (whatever it is, the end must be written some time)
            self._log.error("The end of an execution can't be written yet", exc_info=error)
            return False
        return True

    def _tell_of_end(self, whole: Outcome) -> None:
        told = self._log_about(reason=whole.reason)
        told.log(whole.level, "Task ended: %s", ": ".join(filter(None, (whole.light.word, whole.message))))

    def _now(self) -> datetime:
        return self._with.clock.now()

    def _log_about(self, mailbox: str = "", reason: str = "") -> logging.LoggerAdapter[logging.Logger]:
        subjects = {"site": self._with.site, "task": self.claim.description, "execution": self.claim.execution_id}
        more = {"mailbox": mailbox, "reason": reason}
        return logging.LoggerAdapter(log, subjects | {name: value for name, value in more.items() if value})


def _outcome_of_fault(error: Exception) -> Outcome:
    problem = _problem(error)
    if problem.reason is Reason.INTERNAL:
        log.error("An execution failed inside", exc_info=error)
    return Outcome(Light.RED, str(problem.reason), problem.happened)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    return as_problem(error) or Problem(Reason.INTERNAL, f"{type(error).__name__}: {error}")
