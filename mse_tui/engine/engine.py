"""The site's engine: its threads and how they fit together.

One thread ticks (commands, starts, waits), one renews the leases, a pool of workers processes mailboxes, one thread
answers requests, one keeps house and one the search index. What they share is in the database; `Execution` is the only
object that two of them touch.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from threading import Condition, Event, Lock, Thread
from types import TracebackType
from typing import Self

from mse_tui.archive.compaction import Compaction
from mse_tui.archive.packs import Packs
from mse_tui.archive.purge import Purge
from mse_tui.config.configuration import Configuration
from mse_tui.directory.directory import Directory
from mse_tui.directory.site_directory import SiteDirectory
from mse_tui.engine.audit_heads import AuditHeads
from mse_tui.engine.claims import Claim, Claims
from mse_tui.engine.clock import Clock, SystemClock
from mse_tui.engine.commands import Commands
from mse_tui.engine.configuration_watch import ConfigurationWatch
from mse_tui.engine.execution import SHUTDOWN, Equipment, Execution, State
from mse_tui.engine.full_disk import FULL_DISK
from mse_tui.engine.giving_back import GivingBack
from mse_tui.engine.group_cache import GroupCache, scope_of
from mse_tui.engine.group_questions import GroupQuestions
from mse_tui.engine.groups import Guard, TaskGroups
from mse_tui.engine.housekeeping import Housekeeping, ages_now, prune
from mse_tui.engine.index_rounds import IndexRounds
from mse_tui.engine.lasting import last
from mse_tui.engine.leases import HeldLease, Leases, Renewer, process_label
from mse_tui.engine.locks import MailboxLocks
from mse_tui.engine.log_file import EngineLog
from mse_tui.engine.memory import bound_arenas
from mse_tui.engine.preparing import Choice
from mse_tui.engine.recovery import recover, recover_commands, recover_requests
from mse_tui.engine.requests import Requests
from mse_tui.engine.standing import Standing
from mse_tui.engine.tick import TICK_SECONDS, Tick
from mse_tui.engine.workers import Workers
from mse_tui.exchange.mailbox import Exchange
from mse_tui.features.feature import Feature
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import close_database, data_version, faults_explained
from mse_tui.store.lease_keys import engine_key
from mse_tui.store.maintenance import rests_until
from mse_tui.store.models import Site
from mse_tui.terms import TaskType

log = logging.getLogger(__name__)

_RECOVER = 10
_ALIVE = 30
_ANSWERS = 0.2
_AUDIT_HEAD = 10
_CONFIGURATION = 10
_INDEX_TICKS = 10
_HOUSEKEEPING = 3600
_HOUSEKEEPING_ENDS_SECONDS = 30.0
_LAST_WORDS_SECONDS = 5.0
"""How long threads are waited for once nothing is left for them to do."""


class Engine:
    """One site's engine. It owns `exchange` and closes it when it ends. Not started again after its end."""

    def __init__(  # noqa: PLR0913 (what an engine is made of)
        self,
        home: Home,
        configuration: Configuration,
        exchange: Exchange,
        *,
        features: Mapping[TaskType, Feature],
        directory: Directory | None = None,
        clock: Clock | None = None,
        leases: Leases | None = None,
        tick_seconds: float = TICK_SECONDS,
        housekeeping_seconds: float = _HOUSEKEEPING,
    ) -> None:
        """The database is open and has its site. Without a `directory` Exchange alone says who is in a group."""
        self._clock = clock or SystemClock()
        self._site = Site.select().order_by(Site.id).first()
        if self._site is None:
            raise Problem(Reason.NOT_FOUND, "This database has no site yet.", "Start mse-tui once.")
        self._exchange = exchange
        self._leases = leases or Leases(clock=self._clock)
        self._renewer = Renewer(self._leases, self._lease_lost, clock=self._clock)
        self._running: dict[int, Execution] = {}
        self._rests_until: datetime | None = None
        self._changed = Condition(Lock())
        self._stopping = Event()
        self._ended = Event()
        self._at_once = Event()
        self._tick = Tick(self._clock, tick_seconds)
        self._workers = Workers(configuration.engine.workers)
        self._binding = configuration.site.binding
        self._directory = directory or SiteDirectory(exchange.resolve, self._binding, now=self._clock.now)
        self._groups = GroupCache(
            home.cache / "groups", self._directory, scope=scope_of(self._site.code, configuration), now=self._clock.now
        )
        packs = Packs(configuration.archive.directory or home.archive)
        self._equipment = self._equipped(configuration, features, packs)
        self._audit_heads = AuditHeads(self._site.code)
        self._configuration_watch = ConfigurationWatch(self._site.id, home.config, configuration, self._clock)
        self._claims = Claims(self._site.id, self._leases, self._clock)
        self._commands = Commands(self._site.id, self._claims, self._running, self._begin, self._clock)
        self._requests = self._answering(packs)
        self._housekeeping = self._keeping(home, configuration, packs)
        self._housekeeping_seconds = housekeeping_seconds
        self._keeps_index = configuration.archive.search_index
        self._index_rounds = self._indexing(home, packs)
        self._log_file = EngineLog(home.logs)
        self._threads: list[Thread] = []
        self._lease: HeldLease | None = None

    def _equipped(self, configuration: Configuration, features: Mapping[TaskType, Feature], packs: Packs) -> Equipment:
        """What executions work with."""
        guard = Guard(configuration.engine.confirm_empty_group, configuration.engine.confirm_group_below_percent)
        return Equipment(
            site=self._site.code,
            exchange=self._exchange,
            groups=TaskGroups(self._groups, guard, self._clock),
            standing=Standing(self._directory, self._clock),
            features=features,
            packs=packs,
            locks=MailboxLocks(self._leases),
            clock=self._clock,
            submit=self._workers.submit,
            ended=self._execution_ended,
            public_url=configuration.web.public_url,
        )

    def _answering(self, packs: Packs) -> Requests:
        """Whoever answers what screens and commands ask."""
        questions = GroupQuestions(self._site.id, self._directory, self._groups, self._clock)
        giving_back = GivingBack(self._exchange, packs, self._stopping)
        by_kind = {**questions.by_kind, **giving_back.by_kind}
        return Requests(self._site.id, self._exchange, by_kind, self._clock, self._stopping)

    def _keeping(self, home: Home, configuration: Configuration, packs: Packs) -> Housekeeping:
        """What is done now and then, whether tasks run or not."""
        return Housekeeping(
            {
                "pruning": lambda: prune(ages_now(home.config, configuration.engine), self._clock.now()),
                "group cache": self._groups.expire,
                "purge": Purge(packs, self._site.code, clock=self._clock.now, ending=self._stopping.is_set).run,
                "packs": Compaction(packs).run,
            }
        )

    def _indexing(self, home: Home, packs: Packs) -> IndexRounds:
        """What keeps the search index fresh."""
        return IndexRounds(
            packs,
            home.search_index,
            stopping=self._stopping,
            busy=lambda: bool(self._executions()),
            clock=self._clock,
            pause_seconds=_INDEX_TICKS * self._tick.seconds,
        )

    def start(self) -> None:
        """Take the site and begin. Raises Problem engine-running-elsewhere, which says who has it."""
        bound_arenas()
        try:
            with faults_explained():
                self._take_site()
        except BaseException:
            self._exchange.close()
            self._groups.close()
            self._directory.close()
            raise
        self._renewer.start()
        self._workers.start()
        works = {
            "tick": self._run_tick,
            "answers": self._run_answers,
            "housekeeping": self._run_housekeeping,
            "index": self._run_index,
            "end": self._run_end,
        }
        for name, work in works.items():
            thread = Thread(target=work, name=f"engine-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _take_site(self) -> None:
        key = engine_key(self._site.code)
        lease = self._leases.take(key, process_label("mse-tui engine"))
        if lease is None:
            raise Problem(
                Reason.ENGINE_RUNNING_ELSEWHERE,
                f"The site {self._site.description} has a live engine: {self._leases.holder(key)}.",
            )
        self._log_file.start()
        try:
            log.info("Engine of site %s (%s) started", self._site.description, self._site.code)
            self._show_alive()
            self._show_bindings()
            recover_commands(self._site.id, self._clock.now())
            recover_requests(self._site.id, self._clock.now())
            self._recover()
        except BaseException:
            self._log_file.stop()
            lease.release()
            raise
        self._lease = lease

    def stop(self, graceful: bool = True) -> None:
        """Begin to end; returns at once. Graceful: running mailboxes go on to their next item; else not waited for.

        What is committed stays in either case.
        """
        if not graceful:
            self._at_once.set()
        self._stopping.set()
        self._tick.end()
        with self._changed:
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; whether it has come."""
        return self._lease is None or self._ended.wait(timeout)

    def silent_seconds(self) -> float:
        """How long ago the tick last came round; a watchdog may end an engine that is silent for long."""
        return self._tick.silent_seconds()

    def running(self) -> bool:
        """Started and not ended."""
        return self._lease is not None and not self._ended.is_set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.join()

    # --- the tick

    def _run_tick(self) -> None:
        self._tick.every(self._tick.seconds, self._look)
        self._tick.every(_RECOVER, self._recover, at_once=False)
        self._tick.every(_ALIVE, self._show_alive, at_once=False)
        self._tick.every(_AUDIT_HEAD, self._audit_heads.tell)
        self._tick.every(_CONFIGURATION, self._configuration_watch.look)
        last(self._tick.run, self._stopping)

    def _look(self) -> None:
        for step in (self._look_at_maintenance, self._commands.carry_out, self._start_due, self._look_at_running):
            try:
                step()
            except Exception as error:
                if not FULL_DISK.is_cause(error):
                    log.exception("%s failed; it is tried again at the next tick", step.__name__)

    def _look_at_maintenance(self) -> None:
        self._rests_until = rests_until(Site.get_by_id(self._site.id), self._clock.now())
        for execution in self._executions():
            if self._rests_until is None:
                execution.end_rest()
            else:
                execution.rest(self._rests_until)

    def _start_due(self) -> None:
        decisions = self._claims.due(maintenance=self._rests_until is not None)
        if not decisions:
            return
        enabled = Site.get_by_id(self._site.id).enabled
        for decision in decisions:
            claim = None
            if decision.trigger is not None and enabled:
                claim = self._claims.start(decision.task_id, decision.trigger, decision=decision)
            if claim is not None:
                self._begin(claim, Choice())
            else:
                self._claims.replan(decision)

    def _begin(self, claim: Claim, choice: Choice) -> None:
        execution = Execution(claim, self._equipment, choice)
        with self._changed:
            self._running[claim.task_id] = execution
        subjects = {"site": self._site.code, "task": claim.description, "execution": claim.execution_id}
        log.info("Task begins", extra=subjects)
        execution.begin()

    def _look_at_running(self) -> None:
        for execution in self._executions():
            execution.look()

    def _recover(self) -> None:
        recover(self._site.id, self._leases, set(self._running), self._clock.now())

    def _show_alive(self) -> None:
        Site.update(last_active=self._clock.now()).where(Site.id == self._site.id).execute()

    def _show_bindings(self) -> None:
        """So that a task with a group that this site can't resolve is refused when it is saved."""
        directories = " ".join(sorted(self._directory.kinds))
        Site.update(binding=self._binding, directories=directories).where(Site.id == self._site.id).execute()

    # --- from other threads

    def _execution_ended(self, execution: Execution) -> None:
        with self._changed:
            if self._running.get(execution.claim.task_id) is execution:
                del self._running[execution.claim.task_id]
            self._changed.notify_all()

    def _lease_lost(self, lease: HeldLease) -> None:
        if lease is self._lease:
            log.critical("Another engine has taken the site over; this one ends")
            self.stop()
        for execution in self._executions():
            if lease is execution.claim.lease:
                execution.lease_lost()

    def _executions(self) -> list[Execution]:
        with self._changed:
            return list(self._running.values())

    def _run_housekeeping(self) -> None:
        while not self._stopping.wait(self._housekeeping_seconds):
            self._housekeeping.run()

    def _run_index(self) -> None:
        if self._keeps_index:
            last(self._index_rounds.run, self._stopping)

    def _run_answers(self) -> None:
        last(self._answer, self._stopping)

    def _answer(self) -> None:
        """People wait for them as they type, so they are looked for often, where anything was written."""
        seen: int | None = None
        while not self._stopping.wait(_ANSWERS):
            try:
                if (version := data_version()) != seen:
                    self._requests.answer_new()
                    seen = version
            except Exception as error:
                if not FULL_DISK.is_cause(error):
                    log.exception("Requests could not be answered; they are looked at again")

    def _run_end(self) -> None:
        """Waits to be told to stop, then ends one thing after the other; the site is free at the very end."""
        self._stopping.wait()
        try:
            try:
                self._end_threads()
            finally:
                close_database()
        except Exception:
            log.exception("The engine's end failed; what it left is put right at the next start")
        finally:
            log.info("Engine stopped")
            self._log_file.stop()
            self._ended.set()

    def _end_threads(self) -> None:
        self._thread("tick").join()
        self._end_executions()
        self._workers.stop(0.0 if self._at_once.is_set() else _LAST_WORDS_SECONDS)
        self._exchange.close()
        self._thread("answers").join(_LAST_WORDS_SECONDS)
        if not self._at_once.is_set():
            self._thread("housekeeping").join(_HOUSEKEEPING_ENDS_SECONDS)
            self._thread("index").join(_HOUSEKEEPING_ENDS_SECONDS)
        self._renewer.stop()
        for held in self._leases.held():
            if held is not self._lease:
                log.warning("The lease %s is left to run out", held.key)
        assert self._lease is not None
        self._lease.release()
        self._groups.close()
        self._directory.close()

    def _thread(self, name: str) -> Thread:
        return next(thread for thread in self._threads if thread.name == f"engine-{name}")

    def _end_executions(self) -> None:
        for execution in self._executions():
            execution.stop(SHUTDOWN)
        patience = self._clock.monotonic() + _LAST_WORDS_SECONDS
        while (left := self._executions()) and not self._at_once.is_set():
            if self._clock.monotonic() > patience and all(execution.state is State.ENDING for execution in left):
                log.error("The end of %s execution(s) could not be written; the next start does it", len(left))
                return
            for execution in left:
                execution.look()
            with self._changed:
                if self._running:
                    self._changed.wait(1.0)
