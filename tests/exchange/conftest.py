"""The password that the tests' configurations refer to, and a mailbox of the practice organisation."""

import pytest

from mse_tui.exchange import retry
from tests.exchange.canned import PASSWORD_VARIABLE, Halts
from tests.support.one_mailbox import mailbox, owner, server

__all__ = ["mailbox", "owner", "server"]


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """Where the server names no time, the first wait is half a second: too long for a test of many failures."""
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.02)


@pytest.fixture
def halts():
    return Halts()
