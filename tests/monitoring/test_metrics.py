"""Metrics of a big site."""

from collections.abc import Callable

from mse_tui.home import Home
from mse_tui.monitoring.metrics import SiteMetrics
from mse_tui.store import queries
from mse_tui.store.models import Task, database
from tests.screens.seed import seed


def _asked(what: Callable[[], object]) -> int:
    """How many statements the database is given."""
    statements: list[str] = []
    connection = database.connection()
    connection.set_trace_callback(statements.append)
    try:
        what()
    finally:
        connection.set_trace_callback(None)
    return len(statements)


def test_a_hundred_tasks_more_are_no_question_more(store: Home) -> None:
    seed(store)
    before = _asked(lambda: list(SiteMetrics().collect()))
    template = Task.get()
    for number in range(100):
        Task.create(**{**template.__data__, "id": None, "description": f"More {number}"})
    assert _asked(lambda: list(SiteMetrics().collect())) == before > 0


def test_outcomes_are_those_of_the_newest_executions_that_ended(store: Home) -> None:
    seed(store)
    outcomes = queries.newest_outcomes()
    ended = {row.id: queries.last_ended(row.id) for row in queries.tasks_of_type()}
    assert {task: found.execution for task, found in outcomes.items()} == {k: v for k, v in ended.items() if v}
    for found in outcomes.values():
        assert (dict(found.counters), dict(found.skipped)) == queries.totals(found.execution.id)
        detail = queries.execution_detail(found.execution.id)
        assert detail is not None and dict(found.lights) == detail.lights


def test_a_run_on_other_mailboxes_does_not_hide_those_that_failed(store: Home) -> None:
    seed(store)
    Task.update(light="green").where(Task.description == "Board, office hours").execute()
    told = {
        family.name: sample.value
        for family in SiteMetrics().collect()
        for sample in family.samples
        if sample.labels.get("task") == "Board, office hours" and family.name.endswith("light")
        if "mailbox" not in sample.labels
    }
    assert told == {"mse_tui_task_light": 1, "mse_tui_task_last_execution_light": 0}
