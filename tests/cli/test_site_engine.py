"""The engine inside the screens: what the configuration wants beside an engine is there as long as it runs."""

import socket
from collections.abc import Iterator

import pytest
import requests

from mse_tui.actions.opening import open_site
from mse_tui.cli.screens import SiteEngine
from mse_tui.config.configuration import Configuration
from mse_tui.config.loading import load_configuration
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.lease_keys import engine_key
from mse_tui.store.models import Lease
from tests.support.waiting import until


@pytest.fixture
def metrics(store: Home, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the configuration says that metrics are served."""
    monkeypatch.setenv("UNUSED", "secret")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store.config.write_text(
        '[exchange]\nendpoint = "http://localhost:1/EWS/Exchange.asmx"\nauth = "basic"\nuser = "service"\n'
        f'password_env = "UNUSED"\n[metrics]\nport = {port}\n'
    )
    return f"http://127.0.0.1:{port}/metrics"


@pytest.fixture
def make_engine(store: Home, metrics: str) -> Iterator[object]:
    open_site(store)
    made = []

    def make() -> SiteEngine:
        def configuration() -> Configuration:
            return load_configuration(store.config)

        made.append(SiteEngine(store, queries.sites()[0], configuration))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def is_served(metrics: str) -> bool:
    try:
        return requests.get(metrics, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def test_metrics_are_served_while_the_engine_runs(make_engine, metrics) -> None:
    engine = make_engine()
    assert not is_served(metrics)
    engine.start()
    assert engine.running() and is_served(metrics)
    engine.stop()
    assert not engine.running() and not is_served(metrics)
    engine.start()
    assert engine.running() and is_served(metrics)


def test_a_second_engine_is_told_of_the_first_not_of_its_port(make_engine, metrics) -> None:
    make_engine().start()
    with pytest.raises(Problem) as refused:
        make_engine().start()
    assert refused.value.reason is Reason.ENGINE_RUNNING_ELSEWHERE
    assert is_served(metrics)


def test_an_engine_that_another_has_taken_over_leaves_nothing_behind_that_answers(make_engine, metrics) -> None:
    engine = make_engine()
    engine.start()
    lease = Lease.key == engine_key(queries.sites()[0].code)
    Lease.update(owner="another", holder="another engine", fence=Lease.fence + 1).where(lease).execute()
    until(lambda: not is_served(metrics), seconds=30)
    assert not engine.running() and engine.holder() == "another engine"
    Lease.update(owner="", holder="").where(lease).execute()
    engine.start()
    assert engine.running() and is_served(metrics)


def test_an_engine_whose_port_is_taken_does_not_run(make_engine, metrics) -> None:
    port = int(metrics.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        engine = make_engine()
        with pytest.raises(Problem) as refused:
            engine.start()
    assert refused.value.reason is Reason.CONFIGURATION_INVALID
    assert not engine.running()
    until(lambda: engine.holder() == "")
    engine.start()
    assert is_served(metrics)
