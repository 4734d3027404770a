"""Engines over a fake organisation."""

from datetime import datetime

import pytest

from mse_tui.config.configuration import Configuration
from mse_tui.engine.engine import Engine
from mse_tui.engine.schedules import one_off
from mse_tui.store.models import Execution, MailboxResult, Task
from tests.engine.fakes import MFR, FakeExchange, FakeFeature, RunningClock, make_definition, make_schedule, make_site


class Bench:
    """A site with an engine, and what tests look at."""

    def __init__(self, home):
        self.home = home
        self.site = make_site()
        self.schedule = make_schedule(one_off(datetime(2199, 1, 1), "UTC"))  # noqa: DTZ001 (local time)
        self.definition = make_definition()
        self.exchange = FakeExchange()
        self.feature = FakeFeature()
        self.clock = RunningClock()
        self.engines = []

    def engine(self, workers=4, search_index=True, **values):
        configuration = Configuration.model_validate(
            {
                "exchange": {"endpoint": "http://localhost/EWS", "user": "service", "password_env": "UNUSED"},
                "engine": {"workers": workers},
                "archive": {"search_index": search_index},
            }
        )
        values.setdefault("tick_seconds", 0.05)
        engine = Engine(
            self.home, configuration, self.exchange, features={MFR: self.feature}, clock=self.clock, **values
        )
        self.engines.append(engine)
        return engine

    def task(self, row):
        return Task.get_by_id(row.id)

    def executions(self, row):
        return list(Execution.select().where(Execution.task == row.id).order_by(Execution.id))

    def results(self, execution):
        return list(MailboxResult.select().where(MailboxResult.execution == execution.id).order_by(MailboxResult.id))


@pytest.fixture
def bench(store):
    found = Bench(store)
    yield found
    for engine in found.engines:
        engine.stop()
        assert engine.join(20), "the engine did not end"
