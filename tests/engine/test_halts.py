"""A refused password is an alarm until another one is accepted, and is not tried again even then."""

import pytest

from mse_tui.engine.halts import DatabaseHalts, clear_halts
from mse_tui.exchange.gate import Gate, account_key
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries

ENDPOINT = "https://mail.example.com/EWS/Exchange.asmx"


def gate(password: str, *, user: str = "svc", service: str = "exchange") -> Gate:
    """What a process makes that reads the configuration with this password."""
    return Gate(DatabaseHalts(), account_key(ENDPOINT, user, password), user, service)


def sign_in(opened: Gate, *, right: bool) -> None:
    with opened.sign_in(lambda: None):
        if not right:
            raise opened.refused("The server refused its password.")
        opened.accepted()


def refuse(opened: Gate) -> None:
    with pytest.raises(Problem) as told:
        sign_in(opened, right=False)
    assert told.value.reason is Reason.PASSWORD_REFUSED


def alarms() -> list[str]:
    return [trouble.reason for trouble in queries.troubles()]


def test_a_corrected_password_ends_the_alarm(store: Home) -> None:
    refuse(gate("wrong"))
    assert alarms() == ["account-halted"]
    sign_in(gate("right"), right=True)
    assert alarms() == []


def test_an_engine_that_goes_on_with_the_right_password_ends_the_alarm(store: Home) -> None:
    running = gate("right")
    sign_in(running, right=True)
    refuse(gate("wrong"))
    assert alarms() == ["account-halted"]
    running.look()
    assert alarms() == []


def test_a_corrected_user_name_ends_the_alarm(store: Home) -> None:
    refuse(gate("right", user="scv"))
    sign_in(gate("right"), right=True)
    assert alarms() == []


def test_a_second_wrong_password_leaves_the_alarm(store: Home) -> None:
    refuse(gate("wrong"))
    refuse(gate("wrong too"))
    assert alarms() == ["account-halted"] * 2
    sign_in(gate("right"), right=True)
    assert alarms() == []


def test_another_service_that_accepts_its_account_ends_no_alarm(store: Home) -> None:
    refuse(gate("wrong"))
    sign_in(gate("right", service="active-directory"), right=True)
    assert alarms() == ["account-halted"]


def test_a_refused_password_is_not_tried_again_and_is_an_alarm_where_it_comes_back(store: Home) -> None:
    refuse(gate("wrong"))
    sign_in(gate("right"), right=True)
    with pytest.raises(Problem) as told:
        sign_in(gate("wrong"), right=True)
    assert told.value.reason is Reason.ACCOUNT_HALTED
    assert alarms() == ["account-halted"]


def test_a_person_lets_all_be_tried_again(store: Home) -> None:
    refuse(gate("wrong"))
    sign_in(gate("right"), right=True)
    assert clear_halts() == ["svc"]
    sign_in(gate("wrong"), right=True)


def test_no_bare_line_of_a_log_stands_beside_a_refusal(store: Home, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING"):
        refuse(gate("wrong"))
    assert not caplog.records
