"""An engine goes on with the configuration that it began with, and says so where the file has another one."""

from pathlib import Path

import pytest

from mse_tui.actions.pruning import set_pruning
from mse_tui.config.editing import set_values
from mse_tui.config.loading import load_configuration
from mse_tui.engine.clock import SystemClock
from mse_tui.engine.configuration_watch import ConfigurationWatch
from mse_tui.engine.leases import Leases
from mse_tui.store import queries
from mse_tui.store.lease_keys import engine_key
from mse_tui.store.models import Site
from tests.engine.conftest import Bench

TEXT = '[exchange]\nendpoint = "https://mail.example.com/EWS/Exchange.asmx"\nuser = "x"\npassword_file = "secret"\n'


@pytest.fixture
def watch(bench: Bench) -> ConfigurationWatch:
    """Of an engine that lives; its configuration and its password are files."""
    bench.home.config.write_text(TEXT)
    secret(bench).write_text("first")
    site = Site.get()
    Leases().take(engine_key(site.code), "an engine")
    return ConfigurationWatch(site.id, bench.home.config, load_configuration(bench.home.config), SystemClock())


def secret(bench: Bench) -> Path:
    return bench.home.path / "secret"


def told() -> list[str]:
    return [one.reason for one in queries.troubles() if one.reason == "configuration-changed"]


def test_a_changed_line_and_a_changed_password_are_told_until_they_are_as_they_were(
    bench: Bench, watch: ConfigurationWatch
) -> None:
    watch.look()
    assert not told()
    for file in (bench.home.config, secret(bench)):
        before = file.read_text()
        file.write_text(before + "[site]\n")
        watch.look()
        assert told()
        file.write_text(before)
        watch.look()
        assert not told()
    secret(bench).unlink()
    watch.look()
    assert told()


def test_what_a_running_engine_takes_up_by_itself_is_no_change(bench: Bench) -> None:
    certificate = bench.home.path / "web.pem"
    certificate.write_text("first")
    web = '[web]\ncertificate_file = "web.pem"\nkey_file = "web.pem"\npublic_url = "https://mail.example.com"\n'
    bench.home.config.write_text(TEXT + web)
    secret(bench).write_text("first")
    configuration, site = load_configuration(bench.home.config), Site.get()
    Leases().take(engine_key(site.code), "an engine")
    watch = ConfigurationWatch(site.id, bench.home.config, configuration, SystemClock())
    set_pruning(bench.home.config, executions_days=30)
    certificate.write_text("renewed")
    watch.look()
    assert not told()
    set_values(bench.home.config, "engine", {"workers": 2})
    watch.look()
    assert told()


def test_the_next_engine_begins_with_what_there_is(bench: Bench, watch: ConfigurationWatch) -> None:
    secret(bench).write_text("second")
    watch.look()
    assert told()
    again = ConfigurationWatch(Site.get().id, bench.home.config, load_configuration(bench.home.config), SystemClock())
    again.look()
    assert not told()


def test_where_no_engine_lives_there_is_nothing_to_take_up(bench: Bench, watch: ConfigurationWatch) -> None:
    secret(bench).write_text("second")
    watch.look()
    Site.update(code="OTHER").execute()
    assert not told()
