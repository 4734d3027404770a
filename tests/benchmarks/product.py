"""The product as measured: a site with one replication task, its engine in this process.

Reads a line from standard input for each execution and answers with its outcome as a line of JSON.
"""

import argparse
import json
import resource
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from mse_tui.actions.commands import run_now
from mse_tui.actions.definitions import create_definition
from mse_tui.actions.opening import open_site
from mse_tui.actions.schedules import create_schedule
from mse_tui.actions.tasks import create_task
from mse_tui.cli.engine import build_engine
from mse_tui.config.loading import load_configuration
from mse_tui.engine.schedules import one_off
from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.terms import Light, TaskType
from tests.benchmarks.bare_loop import Outcome, peak_mb

_LOOK_SECONDS = 0.1
"""Rarely enough not to weigh on what is measured, which is the time that the mailbox's own result tells."""
_FAR = datetime(2199, 1, 1)  # noqa: DTZ001 (a local time in the zone of its schedule)
_EVERYTHING: dict[TaskType, dict[str, object]] = {
    TaskType.FOLDER_REPLICATION: {"skip_private": False, "include_vault_shortcuts": True},
    TaskType.CALENDAR_REPLICATION: {},
}
_CONFIGURATION = """[site]
description = "Benchmark"
[exchange]
endpoint = "{url}"
auth = "basic"
user = "{user}"
password_file = "password"
requests_in_flight = {in_flight}
"""


def prepare(home: Home, given: argparse.Namespace) -> int:
    """Write the configuration and create the task; its id."""
    secret = home.path / "password"
    secret.touch(mode=0o600)
    secret.write_text(given.password + "\n")
    home.config.write_text(_CONFIGURATION.format(url=given.url, user=given.user, in_flight=given.in_flight))
    open_site(home)
    task_type = TaskType(given.type)
    return create_task(
        "Benchmark",
        site_id=queries.sites()[0].id,
        task_type=task_type,
        definition_id=create_definition(task_type, "Everything", _EVERYTHING[task_type]),
        schedule_id=create_schedule("Never", one_off(_FAR, "UTC")),
        group=given.address,
    )


def execute(task: int) -> Outcome:
    """Run the task once; the time is the mailbox's, from its start to its last commit."""
    before = queries.executions_count(task)
    cpu = _cpu_seconds()
    run_now(task)
    while queries.executions_count(task) == before:
        time.sleep(_LOOK_SECONDS)
    while (row := queries.executions_of(task, 0, 1)[0]).finished is None:
        time.sleep(_LOOK_SECONDS)
    (result,) = queries.mailbox_results(row.id)
    if result.light is not Light.GREEN or result.duration is None:
        raise SystemExit(f"the execution ended {result.light}: {result.message}")
    return Outcome(
        result.counters.get("items_seen", 0),
        result.counters.get("bytes", 0),
        result.duration.total_seconds(),
        _cpu_seconds() - cpu,
        peak_mb(),
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--in-flight", type=int, default=2)
    options.add_argument("--type", choices=list(_EVERYTHING), default=TaskType.FOLDER_REPLICATION.value)
    for name in ("url", "user", "password", "address", "home"):
        options.add_argument(f"--{name}", required=True)
    given = options.parse_args()
    home = Home.open(Path(given.home))
    task = prepare(home, given)
    engine = build_engine(home, load_configuration(home.config))
    engine.start()
    try:
        for _ in sys.stdin:
            print(json.dumps(asdict(execute(task))), flush=True)
    finally:
        engine.stop(graceful=True)
        engine.join()


if __name__ == "__main__":
    main()
