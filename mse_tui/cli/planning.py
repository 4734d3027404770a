"""mse-tui planning: how long tasks take, whether they keep up, what more would cost."""

from datetime import timedelta

import click

from mse_tui.cli.completion import of_tasks
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.engine.capacity import forecast
from mse_tui.engine.planning import plan_of, plans
from mse_tui.widgets.planning_facts import forecast_facts, measured_facts, slowest_facts, took
from mse_tui.widgets.wording import lasted, number, utc_now


@click.command()
@click.argument("task", required=False, shell_complete=of_tasks)
@click.option("--more-mailboxes", "more", type=click.IntRange(1), default=None, help="What so many more would cost.")
@click.option("--every", type=click.IntRange(1), default=None, help="How many tasks finish in so many minutes.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def planning(session: Session, task: str | None, more: int | None, every: int | None, as_json: bool) -> None:
    """Whether tasks finish before their next execution is due, from what was measured.

    With TASK: its pace, its slowest mailboxes, and the answers to --more-mailboxes and --every.
    """
    session.site()
    if task is None:
        if more or every:
            raise click.UsageError("--more-mailboxes and --every are about one task: name it.")
        _all(as_json)
        return
    plan = plan_of(session.task(task).id, utc_now())
    assert plan is not None, "it was found a moment ago"
    wanted = timedelta(minutes=every) if every else None
    found = forecast(plan.capacity, plan.mailboxes, more or 0, wanted)
    if as_json:
        emit_json({"plan": plan, "forecast": found})
        return
    facts = [*measured_facts(plan), *slowest_facts(plan.capacity)]
    if more or wanted:
        facts += forecast_facts(found, more or 0, wanted)
    fields([("Task", plan.task.description), *((fact.label, fact.value) for fact in facts)])


def _all(as_json: bool) -> None:
    rows = plans(utc_now())
    if as_json:
        emit_json(rows)
        return
    if not rows:
        click.echo("No tasks. Create one with: mse-tui task new")
        return
    headings = ("task", "in time", "takes", "interval", "mailboxes")
    table(
        headings,
        [
            (row.task.description, row.capacity.fit.value, took(row.capacity.usual_seconds),
             lasted(row.capacity.usual_interval) or "-", number(row.mailboxes) if row.mailboxes else "-")
            for row in rows
        ],
    )  # fmt: skip
