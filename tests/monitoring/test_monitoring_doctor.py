"""The doctor says before the engine starts what would keep it from starting, and whether mail would arrive."""

import socket
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller

from mse_tui.config.configuration import Configuration
from mse_tui.exchange.doctor import Finding, Outcome
from mse_tui.monitoring.doctor import check_monitoring


class Postbox:
    """A mail server that takes nothing: it is not to be sent anything."""

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        raise AssertionError("a mail was sent")


@pytest.fixture
def mail_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = Controller(Postbox(), hostname="127.0.0.1", port=port, ready_timeout=30)
    controller.start()
    yield port
    controller.stop()


def found(engine_runs: bool = False, **tables: dict[str, object]) -> list[Finding]:
    exchange = {"endpoint": "https://mail.example.com/EWS/Exchange.asmx", "user": "svc", "password_env": "X"}
    configuration = Configuration.model_validate({"exchange": exchange, **tables})
    return list(check_monitoring(configuration, engine_runs=engine_runs))


def test_a_port_that_something_else_has_is_told(mail_port: int) -> None:
    [taken] = found(metrics={"port": mail_port})
    assert (taken.outcome, taken.reason) == (Outcome.FAILED, "configuration-invalid")
    assert f"port {mail_port}" in taken.text
    [free] = found(metrics={"port": 0})
    assert free.outcome is Outcome.OK


def test_a_running_engine_has_the_port_itself(mail_port: int) -> None:
    assert not found(engine_runs=True, metrics={"port": mail_port})


def mail(port: int) -> dict[str, object]:
    return {"to": ["a@example.com"], "sender": "b@example.com", "server": "127.0.0.1", "port": port, "security": "none"}


def test_a_mail_server_is_reached_and_nothing_sent(mail_port: int) -> None:
    [reached] = found(mail=mail(mail_port))
    assert reached.outcome is Outcome.OK


def test_a_mail_server_that_is_not_there_is_told() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        [refused] = found(mail=mail(silent.getsockname()[1]))
    assert refused.outcome is Outcome.WARNING
    assert "nobody is told by mail" in refused.remedy


def test_what_no_host_can_be_called_is_told(mail_port: int) -> None:
    [refused] = found(mail={**mail(mail_port), "server": "mail..example.com"})
    assert refused.outcome is Outcome.WARNING and "characters that mail does not take" in refused.text
