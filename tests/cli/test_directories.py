"""Which directories a site's engine asks, as its configuration has them; nothing is connected to yet."""

import pytest

from mse_tui.cli.engine import build_directory
from mse_tui.config.configuration import Configuration
from mse_tui.engine.halts import DatabaseHalts
from mse_tui.exchange.ews import connect
from mse_tui.home import Home
from mse_tui.terms import GroupKind

EXCHANGE = {"endpoint": "https://mail.invalid/EWS/Exchange.asmx", "user": "svc", "password_env": "MSE_TUI_TEST_SECRET"}
DOMAIN = {"servers": ["dc1.invalid"], "user": "svc@example.com", "password_env": "MSE_TUI_TEST_SECRET"}
CLOUD = {"tenant": "example.onmicrosoft.com", "client_id": "app", "secret_env": "MSE_TUI_TEST_SECRET"}


@pytest.mark.parametrize(
    ("tables", "kinds"),
    [
        ({}, {GroupKind.EXCHANGE}),
        ({"active_directory": DOMAIN}, {GroupKind.EXCHANGE, GroupKind.ACTIVE_DIRECTORY}),
        (
            {"active_directory": DOMAIN, "microsoft365": CLOUD},
            set(GroupKind) - {GroupKind.UNKNOWN, GroupKind.ADDRESSES},
        ),
        ({"site": {"binding": "microsoft_365"}, "microsoft365": CLOUD}, {GroupKind.MICROSOFT_365}),
    ],
)
def test_the_directories_are_those_of_the_configuration(
    store: Home, monkeypatch: pytest.MonkeyPatch, tables: dict[str, object], kinds: set[GroupKind]
) -> None:
    monkeypatch.setenv("MSE_TUI_TEST_SECRET", "hunter2")
    configuration = Configuration.model_validate({"exchange": EXCHANGE, **tables})
    halts = DatabaseHalts()
    exchange = connect(configuration.exchange, halts)
    directory = build_directory(configuration, exchange, halts)
    assert directory.kinds == configuration.directories == kinds
    directory.close()
    exchange.close()
