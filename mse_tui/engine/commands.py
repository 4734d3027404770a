"""Carrying out what people told tasks: run now, stop, pause, resume, full resync, remove."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mse_tui.archive.passes import start_over
from mse_tui.engine.claims import Claim, Claims
from mse_tui.engine.clock import Clock
from mse_tui.engine.execution import Execution, State
from mse_tui.engine.full_disk import FULL_DISK
from mse_tui.engine.left_grants import left_by, take_back
from mse_tui.engine.preparing import Choice
from mse_tui.engine.records import end_interrupted
from mse_tui.reasons import Reason, explain
from mse_tui.store.database import writing
from mse_tui.store.maintenance import rests_until
from mse_tui.store.models import ArchiveMailbox, Command, Pass, Site, Task, from_micros, to_micros
from mse_tui.store.models import Execution as ExecutionRecord
from mse_tui.terms import Trigger, Verb

log = logging.getLogger(__name__)

Start = Callable[[Claim, Choice], None]


class Commands:
    """The commands of one site's tasks. Used by one thread; `carry_out` once a second."""

    def __init__(
        self, site_id: int, claims: Claims, running: Mapping[int, Execution], start: Start, clock: Clock
    ) -> None:
        self._site_id = site_id
        self._claims = claims
        self._running = running
        self._start = start
        self._clock = clock
        self._by_verb: dict[Verb, Callable[[Any], None]] = {
            Verb.RUN: self._run,
            Verb.STOP: self._stop,
            Verb.PAUSE: self._pause,
            Verb.RESUME: self._resume,
            Verb.RESYNC: self._resync,
            Verb.REMOVE: self._remove,
        }

    def carry_out(self) -> None:
        """Take what is new and go on with what could not be finished before, in the order in which it was asked."""
        rows: Any = (
            Command.select(Command, Task)
            .join(Task)
            .where(Task.site == self._site_id, Command.finished.is_null())
            .order_by(Command.id)
        )
        for command in list(rows):
            try:
                self._by_verb[Verb(command.verb)](command)
            except Exception as error:
                if FULL_DISK.is_cause(error):
                    return
                log.exception("The command %r to %r failed", command.verb, command.task.description)
                self._finish(command, f"{explain(Reason.INTERNAL).happened} ({error})")

    def _run(self, command: Any) -> None:
        if command.taken is not None:
            return  # its execution finishes it
        site = Site.get_by_id(self._site_id)
        if not site.enabled:
            self._finish(command, explain(Reason.SITE_DISABLED).happened)
            return
        if rests_until(site, self._now()) is not None:
            self._finish(command, explain(Reason.SITE_IN_MAINTENANCE).happened)
            return
        arguments = json.loads(command.arguments)
        with writing():  # a crash must not leave the start without its command, which would start it again
            claim = self._claims.start(command.task_id, Trigger.PERSON, command.asked_by)
            if claim is None:
                self._finish(command, explain(Reason.TASK_RUNNING).happened)
                return
            self._take(command)
        choice = Choice(
            tuple(arguments.get("mailboxes", ())), arguments.get("first"), again=arguments.get("again", False)
        )
        self._start(claim, choice)

    def _stop(self, command: Any) -> None:
        execution = self._running.get(command.task_id)
        if command.taken is not None and execution is not None:
            return  # the execution's end finishes it
        if execution is None:
            self._finish(command, "The task was not running.")
            return
        self._take(command)
        execution.stop(command.asked_by)

    def _pause(self, command: Any) -> None:
        execution = self._running.get(command.task_id)
        if command.taken is None:
            self._take(command)
            pause = {"paused": True, "paused_by": command.asked_by, "paused_since": self._now(), "passed_by": None}
            Task.update(pause).where(Task.id == command.task_id).execute()
            if execution is not None:
                execution.pause(command.asked_by)
        if execution is None or execution.state in (State.PAUSED, State.ENDED):
            self._finish(command, "The task is paused.")

    def _resume(self, command: Any) -> None:
        no_pause = {"paused": False, "paused_by": "", "paused_since": None, "passed_by": None}
        Task.update(no_pause).where(Task.id == command.task_id).execute()
        execution = self._running.get(command.task_id)
        if execution is not None:
            execution.resume()
        for pause in Command.select().where(
            Command.task == command.task_id, Command.verb == Verb.PAUSE, Command.finished.is_null()
        ):
            self._finish(pause, "The task was resumed.")
        until = rests_until(Site.get_by_id(self._site_id), self._now())
        when = f" when maintenance ends at {until:%Y-%m-%d %H:%M} UTC" if until is not None else ""
        self._finish(command, f"The task goes on{when}.")

    def _resync(self, command: Any) -> None:
        if command.task_id in self._running:
            self._take(command)
            return
        start_over(command.task_id)
        self._finish(command, "The next execution enumerates everything.")

    def _remove(self, command: Any) -> None:
        execution = self._running.get(command.task_id)
        if execution is not None:
            if command.taken is None:
                self._take(command)
                execution.stop(command.asked_by)
            return
        arguments = json.loads(command.arguments)
        keep_history, keep_grants = bool(arguments["keep_history"]), bool(arguments.get("keep_grants"))
        by = f"{command.asked_by}, removing the task {command.task.description!r}"
        remove(command.task_id, keep_history=keep_history, now=self._now(), keep_grants=keep_grants, by=by)
        log.info("Task %s removed by %s", command.task.description, command.asked_by)

    def _take(self, command: Any) -> None:
        if command.taken is None:
            command.taken = self._now()
            Command.update(taken=command.taken).where(Command.id == command.id).execute()

    def _finish(self, command: Any, outcome: str) -> None:
        now = self._now()
        Command.update(taken=command.taken or now, finished=now, outcome=outcome).where(
            Command.id == command.id
        ).execute()

    def _now(self) -> datetime:
        return self._clock.now()


def remove(task_id: int, *, keep_history: bool, now: datetime, keep_grants: bool = False, by: str = "") -> None:
    """Remove an idle task with its checkpoints. The records of what it did stay until they are pruned.

    Without `keep_history` the Full view of its mailboxes begins now, except where another task maintains the mailbox.
    Nothing of the archive's content is deleted. Without `keep_grants` what it granted and no other task follows is
    taken back, in the name of `by`.
    """
    with writing():
        if not keep_grants:
            take_back(left_by(task_id), by)
        if not keep_history:
            others = Pass.select(Pass.mailbox).where(Pass.task != task_id)
            own = Pass.select(Pass.mailbox).where(Pass.task == task_id)
            for mailbox in ArchiveMailbox.select().where(ArchiveMailbox.id.in_(own), ArchiveMailbox.id.not_in(others)):
                begins = from_micros(max(to_micros(now), mailbox.last_stamp + 1))
                ArchiveMailbox.update(full_from=begins).where(ArchiveMailbox.id == mailbox.id).execute()
        unended = (ExecutionRecord.task == task_id) & ExecutionRecord.finished.is_null()
        for execution in list(ExecutionRecord.select().where(unended)):
            end_interrupted(execution, now)
        Task.delete().where(Task.id == task_id).execute()
