"""An engine in a process of its own that kills itself, as by a power cut, at a chosen commit to the database.

Run as: python -m tests.engine.kill_child HOME RECORD [before|after N]
Executes all tasks of the home once: prints 'told' when they are about to begin, at the end how many commits it took.
RECORD gets a line before and one after each commit that raised a task's sequence, forced to disk: what the process
itself knows to have submitted.
"""

import os
import signal
import sqlite3
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from mse_tui.actions.commands import run_now
from mse_tui.actions.opening import open_site
from mse_tui.config.loading import load_configuration
from mse_tui.engine.engine import Engine
from mse_tui.engine.halts import DatabaseHalts
from mse_tui.exchange.ews import connect
from mse_tui.features.folder_replication import FolderReplication
from mse_tui.features.submission import BatchLimits
from mse_tui.home import Home
from mse_tui.reasons import Problem
from mse_tui.store import queries
from mse_tui.terms import TaskType

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
SMALL_BATCHES = BatchLimits(items=7, size=20_000, seconds=60)


class Trace:
    """Sees every statement of every connection before SQLite executes it."""

    def __init__(self, record: Path, when: str, number: int) -> None:
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._when = when
        self._number = number
        self._lock = Lock()
        self._committed_at = None
        self.commits = 0

    def connection(self, *arguments, **options):
        """A connection as sqlite3.connect gives, watched."""
        opened = _connect(*arguments, **options)
        state = {"submits": False, "committing": False, "last": False}
        opened.set_trace_callback(lambda sql: self._see(opened, sql.lstrip().upper(), state))
        return opened

    def _see(self, connection, sql, state):
        with self._lock:
            if state["committing"] and state["submits"]:
                self._note(b"done\n")
                state["submits"] = False
            state["committing"] = False
            if state["last"] or self._is_long_committed():
                self._die()
            if sql.startswith("UPDATE TASK SET SEQUENCE"):
                state["submits"] = True
            if sql.startswith("ROLLBACK"):
                state["submits"] = False
            # A write outside a transaction is a commit of its own.
            if sql.startswith("COMMIT") or (sql.startswith(WRITES) and not connection.in_transaction):
                self._at_commit(state)

    def _at_commit(self, state):
        self.commits += 1
        due = self.commits == self._number
        if due and self._when == "before":
            self._die()
        if state["submits"]:
            self._note(b"begin\n")
        state["committing"] = True
        if due and self._when == "after":
            state["last"], self._committed_at = True, time.monotonic()

    def _is_long_committed(self):
        """Its connection was closed after the commit to be killed after: another one's next statement will do."""
        return self._committed_at is not None and time.monotonic() - self._committed_at > 0.05

    def _note(self, line):
        os.write(self._record, line)
        os.fsync(self._record)

    def _die(self):
        os.kill(os.getpid(), signal.SIGKILL)


_connect = sqlite3.connect


def main() -> None:
    home, record = Home.open(Path(sys.argv[1])), Path(sys.argv[2])
    when, number = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 3 else ("", 0)
    trace = Trace(record, when, number)
    sqlite3.connect = trace.connection
    open_site(home)
    configuration = load_configuration(home.config)
    features = {TaskType.FOLDER_REPLICATION: FolderReplication(SMALL_BATCHES)}
    engine = Engine(home, configuration, connect(configuration.exchange, DatabaseHalts()), features=features)
    tasks = [task.id for task in queries.tasks_of_type(None)]
    before = {task: newest(task) for task in tasks}
    engine.start()
    for task in tasks:
        with suppress(Problem):  # told before the last kill, and running already
            run_now(task)
    print("told", flush=True)
    while not all(has_ended(task, before[task]) for task in tasks):
        time.sleep(0.02)
    engine.stop()
    engine.join()
    print(trace.commits)


def newest(task):
    """The id of the task's newest execution, 0 for none."""
    return next((row.id for row in queries.executions_of(task, 0, 1)), 0)


def has_ended(task, before):
    """Whether an execution later than `before` has ended."""
    rows = queries.executions_of(task, 0, 1)
    return bool(rows) and rows[0].id > before and rows[0].finished is not None


if __name__ == "__main__":
    main()
