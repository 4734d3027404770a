"""Metrics for Prometheus, read from the same rows as the screens whenever they are asked for."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from mse_tui.archive.indexing import freshness
from mse_tui.reasons import Problem
from mse_tui.store import queries
from mse_tui.store.database import keep_connection, reading
from mse_tui.store.queries import Outcome, TaskRow
from mse_tui.terms import Light, Status

_TASK = ("task", "type")
_MAILBOX = ("task", "mailbox")


class SiteMetrics(Collector):
    """One site's tasks and mailboxes. Values are of the newest execution that has ended; times are Unix seconds."""

    def __init__(self, search_index: Path | None = None) -> None:
        """With the path of the site's search index also how far that is."""
        self._search_index = search_index

    def collect(self) -> Iterator[Metric]:
        """All metrics, from one state of the database."""
        with keep_connection(), reading():
            tasks = queries.tasks_of_type()
            ended = queries.newest_outcomes()
            yield from self._site()
            yield from _standing(tasks)
            yield from _executions(tasks, ended)
            yield from _counters(tasks, ended)
            yield from _mailboxes()
        with keep_connection():
            yield from self._searching()

    def describe(self) -> list[Metric]:
        """Nothing in advance: registering must not need the database."""
        return []

    def _site(self) -> Iterator[Metric]:
        info = InfoMetricFamily("mse_tui_site", "The site.", labels=("code",))
        alive = GaugeMetricFamily("mse_tui_engine_up", "1 while an engine runs the site.", labels=("code",))
        resting = GaugeMetricFamily("mse_tui_site_maintenance", "1 while the site is in maintenance.", labels=("code",))
        for site in queries.sites():
            resting.add_metric((site.code,), float(site.maintenance_until is not None))
            info.add_metric((site.code,), {"description": site.description, "version": site.version})
            alive.add_metric((site.code,), float(bool(site.engine)))
        troubles = GaugeMetricFamily("mse_tui_troubles", "What needs attention.", labels=("light", "reason"))
        counted: dict[tuple[str, str], int] = {}
        for one in queries.troubles():
            key = (one.light.value, one.reason)
            counted[key] = counted.get(key, 0) + 1
        for labels, number in counted.items():
            troubles.add_metric(labels, number)
        yield from (info, alive, resting, troubles)

    def _searching(self) -> Iterator[Metric]:
        if self._search_index is None:
            return
        try:
            fresh = freshness(self._search_index)
        except Problem:
            return
        yield GaugeMetricFamily(
            "mse_tui_search_index_messages", "Messages and appointments that can be found.", fresh.messages
        )
        yield GaugeMetricFamily("mse_tui_search_index_waiting", "Those that wait to be indexed.", fresh.waiting)


def _standing(tasks: list[TaskRow]) -> Iterator[Metric]:
    light = GaugeMetricFamily(
        "mse_tui_task_light",
        "Worst of the last execution and of its mailboxes' last turns: 0 green, 1 orange, 2 red, 3 never run.",
        labels=_TASK,
    )
    result = GaugeMetricFamily("mse_tui_task_last_execution_light", "Result of the last execution.", labels=_TASK)
    running = GaugeMetricFamily("mse_tui_task_running", "1 while it runs.", labels=_TASK)
    following = GaugeMetricFamily("mse_tui_task_next_execution_timestamp_seconds", "When it is due.", labels=_TASK)
    success = GaugeMetricFamily(
        "mse_tui_task_last_success_timestamp_seconds", "End of its latest green execution.", labels=_TASK
    )
    submitted = GaugeMetricFamily("mse_tui_task_sequence", "Submissions to the archive so far.", labels=_TASK)
    succeeded = queries.last_successes()
    for row in tasks:
        labels = (row.description, row.type.value)
        light.add_metric(labels, row.light.exit_code)
        result.add_metric(labels, row.result.exit_code)
        running.add_metric(labels, float(row.status is Status.RUNNING))
        submitted.add_metric(labels, row.sequence)
        _add_time(following, labels, row.next_execution)
        _add_time(success, labels, succeeded.get(row.id))
    yield from (light, result, running, following, success, submitted)


def _executions(tasks: list[TaskRow], ended: dict[int, Outcome]) -> Iterator[Metric]:
    finished = GaugeMetricFamily("mse_tui_task_last_execution_timestamp_seconds", "When it ended.", labels=_TASK)
    took = GaugeMetricFamily("mse_tui_task_last_execution_duration_seconds", "How long it took.", labels=_TASK)
    boxes = GaugeMetricFamily(
        "mse_tui_task_last_execution_mailboxes", "Mailboxes of it by result.", labels=(*_TASK, "light")
    )
    for labels, outcome in _labelled(tasks, ended):
        if outcome.execution.duration is None:
            continue
        _add_time(finished, labels, outcome.execution.finished)
        took.add_metric(labels, outcome.execution.duration.total_seconds())
        for light in Light:
            boxes.add_metric((*labels, light.value), outcome.lights[light])
    yield from (finished, took, boxes)


def _counters(tasks: list[TaskRow], ended: dict[int, Outcome]) -> Iterator[Metric]:
    counted = GaugeMetricFamily(
        "mse_tui_task_last_execution_count", "Its counters, added up over its mailboxes.", labels=(*_TASK, "counter")
    )
    skipped = GaugeMetricFamily(
        "mse_tui_task_last_execution_skipped", "What it left out, by reason.", labels=(*_TASK, "reason")
    )
    for labels, outcome in _labelled(tasks, ended):
        for name, value in {"throttled_seconds": 0, "lock_wait_seconds": 0, **outcome.counters}.items():
            counted.add_metric((*labels, name), value)
        for reason, value in outcome.skipped.items():
            skipped.add_metric((*labels, reason), value)
    yield from (counted, skipped)


def _labelled(tasks: list[TaskRow], ended: dict[int, Outcome]) -> Iterator[tuple[tuple[str, str], Outcome]]:
    for row in tasks:
        if row.id in ended:
            yield (row.description, row.type.value), ended[row.id]


def _mailboxes() -> Iterator[Metric]:
    light = GaugeMetricFamily("mse_tui_mailbox_light", "Result of its last turn, as for tasks.", labels=_MAILBOX)
    success = GaugeMetricFamily(
        "mse_tui_mailbox_last_success_timestamp_seconds", "When it was last processed successfully.", labels=_MAILBOX
    )
    failing = GaugeMetricFamily(
        "mse_tui_mailbox_executions_since_success", "Executions since then without success.", labels=_MAILBOX
    )
    for row in queries.mailbox_health():
        labels = (row.task, row.address)
        light.add_metric(labels, row.light.exit_code)
        failing.add_metric(labels, row.since_success)
        _add_time(success, labels, row.last_success)
    yield from (light, success, failing)


def _add_time(family: GaugeMetricFamily, labels: tuple[str, str], moment: datetime | None) -> None:
    if moment is not None:
        family.add_metric(labels, moment.timestamp())


class MetricsServer:
    """Serves the metrics over HTTP until it is closed."""

    def __init__(self, address: str, port: int, search_index: Path | None = None) -> None:
        """Raises OSError where the port is taken."""
        registry = CollectorRegistry()
        registry.register(SiteMetrics(search_index))
        self._server: WSGIServer
        self._thread: Thread
        self._server, self._thread = start_http_server(port, address, registry)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
