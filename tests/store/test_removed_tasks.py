"""The change of the tables that lets executions outlast their tasks: nothing is lost, whenever it is cut off."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import MIGRATIONS, _read_write, close_database, open_database
from mse_tui.store.models import Task
from mse_tui.terms import Light, TaskType
from tests.conftest import REPOSITORY

BEFORE = "0011_maintenance"
ROWS = """
INSERT INTO site (id, code, description, binding, host_name, host_os, version, enabled, created)
    VALUES (1, 'S', 'Site', 'exchange_server', '', '', '', 1, 0);
INSERT INTO definition VALUES (1, 'MFR', 'All', '{}', 1, 0, 'ann', 0, 'ann');
INSERT INTO schedule VALUES (1, 'Nightly', '{}', 0, 'ann', 0, 'ann');
INSERT INTO task (id, description, site_id, type, definition_id, schedule_id, "group", created, created_by, modified,
    modified_by, paused, status, light, latest_detail, sequence)
    VALUES (7, 'Sales', 1, 'MFR', 1, 1, 'ann@example.com', 0, 'ann', 0, 'ann', 0, 'Scheduled', 'red', '', 3);
INSERT INTO execution VALUES (5, 7, 'schedule', '', 1000000, 2000000, '{"a": 1}', 2, 2, 'red', 'timeout', 'Late.');
INSERT INTO execution VALUES (6, 7, 'run now', 'ann', 3000000, NULL, '{}', 1, 0, 'none', '', '');
INSERT INTO mailbox_result VALUES (1, 5, 1, 'ann@example.com', 1000000, 2000000, 'red', 'timeout', 'Late.', 'full',
    '{"items_seen": 4}', '{}', '[]');
INSERT INTO execution_group (execution_id, kind, name, resolved_by, resolved, mailboxes, joined, departed, stale,
    confirmed_by) VALUES (5, 'addresses', '', 'addresses', 0, 2, '[]', '[]', 0, '');
"""
CUT = """
import os, signal, sys
from pathlib import Path
from mse_tui.store import database as module
from peewee import SqliteDatabase
left, plain = int(sys.argv[2]), SqliteDatabase.execute_sql
def counted(self, sql, *more, **options):
    global left
    done = plain(self, sql, *more, **options)
    if "execution" in sql or "foreign_key" in sql:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return done
SqliteDatabase.execute_sql = counted
module.open_database(Path(sys.argv[1]))
"""


@pytest.fixture
def old(home: Home) -> Path:
    """A database of the version before, with a task that was executed."""
    database = _read_write(home.database)
    Runner(database, str(MIGRATIONS), table_name="schema_migration").up(BEFORE)
    database.close()
    with closing(sqlite3.connect(home.database)) as plain:
        plain.executescript(ROWS)
    return home.database


def check_all_is_there(path: Path) -> None:
    """And as it was; then the task goes, and its executions stay."""
    opened = open_database(path)
    assert [(row.id, row.task_id, row.task) for row in queries.executions_of(7)] == [(6, 7, "Sales"), (5, 7, "Sales")]
    assert opened.execute_sql("PRAGMA foreign_key_check").fetchall() == []
    Task.delete().where(Task.id == 7).execute()
    running, ended = queries.executions_of(None)
    assert (ended.task_id, ended.shown_task, ended.type) == (None, "Sales (removed)", TaskType.FOLDER_REPLICATION)
    assert (ended.light, ended.reason, ended.message, ended.processed) == (Light.RED, "timeout", "Late.", 2)
    assert running.finished is None
    detail = queries.execution_detail(5)
    assert detail is not None
    assert detail.group is not None
    assert (detail.results, detail.definition, detail.group.mailboxes) == (1, {"a": 1}, 2)
    (result,) = queries.mailbox_results(5)
    assert (result.address, result.counters) == ("ann@example.com", {"items_seen": 4})
    close_database()


def test_a_database_of_the_version_before_keeps_all_of_it(old: Path) -> None:
    check_all_is_there(old)


@pytest.mark.parametrize("statement", range(1, 9))
def test_cut_off_at_any_statement_it_is_done_at_the_next_start(old: Path, tmp_path: Path, statement: int) -> None:
    copy = tmp_path / "cut" / "mse-tui.db"
    copy.parent.mkdir()
    shutil.copy(old, copy)
    ended = subprocess.run([sys.executable, "-c", CUT, str(copy), str(statement)], check=False, cwd=REPOSITORY)
    assert ended.returncode == -signal.SIGKILL
    check_all_is_there(copy)
