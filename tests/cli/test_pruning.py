"""mse-tui site pruning, and what is in use is not deleted."""

import json
from datetime import timedelta

import pytest

from mse_tui.home import Home
from mse_tui.store.database import now, open_database
from mse_tui.store.models import Execution, Task
from tests.cli.conftest import Command
from tests.test_config import GOOD


@pytest.fixture
def aged(with_task: Command, home: Home) -> Command:
    """The task has executed 100 days ago and yesterday."""
    home.config.write_text(GOOD)
    open_database(home.database)
    for days in (100, 1):
        moment = now() - timedelta(days=days)
        Execution.create(task=Task.get(), trigger="schedule", started=moment, finished=moment, definition="{}")
    return with_task


def test_what_is_kept_is_shown(aged: Command) -> None:
    ran = aged("site", "pruning", "show")
    assert ran.code == 0
    assert "400 days; 2 executions, the oldest of" in ran.out
    assert "3650 days" in ran.out
    assert json.loads(aged("site", "pruning", "show", "--json").out)["executions_days"] == 400


def test_keeping_less_is_tried_confirmed_and_written(aged: Command, home: Home) -> None:
    ran = aged("site", "pruning", "set", "--executions-days", "30")
    assert ran.code == 64
    assert "1 execution would be deleted" in ran.err
    assert "--yes" in ran.err
    ran = aged("site", "pruning", "set", "--executions-days", "30", "--what-if")
    assert "Keep executions days: 400 -> 30" in ran.out
    assert home.config.read_text() == GOOD
    ran = aged("site", "pruning", "set", "--executions-days", "30", "--yes")
    assert ran.code == 0
    assert "30 days; 2 executions" in ran.out
    assert "keep_executions_days = 30" in home.config.read_text()


def test_keeping_more_is_not_asked_about(aged: Command) -> None:
    assert aged("site", "pruning", "set", "--audit-days", "5000").code == 0
    assert aged("site", "pruning", "set").code == 64


@pytest.mark.parametrize("kind", ["definition", "schedule"])
def test_what_tasks_use_is_not_removed_and_the_tasks_are_named(with_task: Command, kind: str) -> None:
    name = {"definition": "Everything", "schedule": "Nightly"}[kind]
    with_task("task", "new", "Board", "--definition", "Everything", "--schedule", "Nightly", "--group", "b@example.com")
    ran = with_task(kind, "remove", name)
    assert ran.code == 64
    assert f"The {kind} {name!r} is used by: Board, Sales." in ran.err
    assert with_task(kind, "show", name).code == 0
