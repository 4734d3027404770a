"""A database that can't be opened for a moment (no more files, a full disk) costs what was under way, and no thread."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Event, current_thread

import pytest

from mse_tui.config.configuration import Configuration
from mse_tui.engine.leases import Leases, Renewer
from mse_tui.home import Home
from mse_tui.monitoring.service import Monitoring
from mse_tui.store import queries
from mse_tui.store.database import database, now
from mse_tui.store.models import EngineRequest, Lease, Task
from mse_tui.store.watching import DataWatcher
from mse_tui.terms import Light, Verb
from tests.engine.conftest import Bench
from tests.engine.fakes import NOON, make_definition, make_schedule, make_site, make_task, tell, until
from tests.engine.test_executions import ended, new_task, run
from tests.engine.test_index_rounds import archived, found

Refuse = Callable[..., list[str]]


@pytest.fixture
def refuse(store: Home, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Refuse connections of threads whose name begins so, the first time or so many times; lists whose it was."""
    connect = database.obj._connect

    def refuse(prefix: str | tuple[str, ...], times: int = 1) -> list[str]:
        refused: list[str] = []

        def connected() -> object:
            name = current_thread().name
            if name.startswith(prefix) and refused.count(name) < times:
                refused.append(name)
                raise OSError(24, "Too many open files")
            return connect()

        monkeypatch.setattr(database.obj, "_connect", connected)
        return refused

    return refuse


def test_an_execution_whose_turn_has_no_connection_ends_and_the_next_one_runs(bench: Bench, refuse: Refuse) -> None:
    task = new_task(bench)
    refused = refuse("worker")
    with bench.engine(workers=1):
        tell(task, Verb.RUN)
        (execution,) = ended(bench, task)
        assert execution.light == Light.RED
        assert "Too many open files" in execution.message
        assert refused
        assert run(bench, task).light == Light.GREEN


def test_an_engine_ends_where_no_turn_ever_has_a_connection(bench: Bench, refuse: Refuse) -> None:
    task = new_task(bench)
    refused = refuse("worker", 1000)
    engine = bench.engine()
    engine.start()
    tell(task, Verb.RUN)
    until(lambda: refused)
    engine.stop()
    assert engine.join(10)


def test_every_thread_of_an_engine_begins_again(bench: Bench, refuse: Refuse) -> None:
    task = new_task(bench)
    (number,) = archived("word")
    old = EngineRequest.create(
        site=bench.site, kind="x", asked_by="a", asked=NOON - timedelta(days=9), answered=NOON, answer="{}"
    )
    asked = EngineRequest.create(site=bench.site, kind="test_connection", asked_by="anna", asked=now())
    refused = refuse(("engine-tick", "engine-answers", "engine-housekeeping", "engine-index"))
    with bench.engine(housekeeping_seconds=0.1):
        assert run(bench, task).light == Light.GREEN
        assert "address" in json.loads(until(lambda: EngineRequest.get_by_id(asked.id).answer))
        until(lambda: not EngineRequest.select().where(EngineRequest.id == old.id).exists())
        until(lambda: found(bench.home, "word") == [number])
    assert set(refused) == {"engine-tick", "engine-answers", "engine-housekeeping", "engine-index"}


def test_leases_are_renewed_though_the_first_time_failed(store: Home, refuse: Refuse) -> None:
    ours = Leases("ours")
    held = ours.take("task:1", "us", seconds=5)
    assert held is not None
    first_end = Lease.get_by_id("task:1").until
    refused = refuse("lease-renewer")
    renewer = Renewer(ours, lambda _: None, every=0.05)
    renewer.start()
    try:
        until(lambda: Lease.get_by_id("task:1").until > first_end)
    finally:
        renewer.stop()
    assert refused
    held.check()


def test_monitoring_looks_again(store: Home, refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    make_site()
    looked = Event()
    monkeypatch.setattr("mse_tui.monitoring.notices.Notices.look", lambda _: looked.set() or Light.GREEN)
    configuration = Configuration.model_validate(
        {"exchange": {"endpoint": "http://localhost/EWS", "user": "service", "password_env": "UNUSED"}}
    )
    refused = refuse("monitoring")
    with Monitoring(configuration, queries.sites()[0], look_seconds=0.05):
        assert looked.wait(5)
    assert refused


class TestWatching:
    @pytest.fixture
    def task(self, store: Home) -> Task:
        return make_task(make_site(), make_schedule(), make_definition())

    def test_what_came_while_it_could_not_watch_is_told(
        self, task: Task, store: Home, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mse_tui.store.watching.QUIET_SECONDS", 0.1)
        told = Event()
        refused = refuse("data-watcher")
        watcher = DataWatcher(store.database, told.set)
        watcher.start()
        try:
            assert told.wait(5)
        finally:
            watcher.stop()
        assert refused

    def test_a_change_in_the_first_half_second_is_told(self, task: Task, store: Home) -> None:
        told, looked = Event(), Event()

        class Watcher(DataWatcher):
            def _look(self, version_now: Callable[[], object], again: bool) -> None:
                def version() -> object:
                    try:
                        return version_now()
                    finally:
                        looked.set()

                super()._look(version, again)

        watcher = Watcher(store.database, told.set)
        watcher.start()
        try:
            assert looked.wait(5)
            Task.update(latest_detail="x").execute()
            assert told.wait(10)
        finally:
            watcher.stop()
