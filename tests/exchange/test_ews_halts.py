"""A refused password is tried once for the whole site, and never again by itself."""

import threading

import pytest

from mse_tui.exchange.ews import connect
from mse_tui.exchange.rows import Area
from mse_tui.reasons import Problem, Reason
from tests.exchange.canned import (
    PASSWORD_VARIABLE,
    Answer,
    Canned,
    content_server,
    entries,
    fault,
    opened,
    settings,
    success,
)

REFUSED = Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})


def ask_from_many_threads(exchange, number=12):
    reasons, start = [], threading.Barrier(number)

    def ask(index):
        start.wait()
        try:
            with exchange.mailbox(f"user{index}@example.com", threading.Event()) as mailbox:
                mailbox.root(Area.PRIMARY)
        except Problem as problem:
            reasons.append(problem.reason)

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return reasons


def test_many_threads_make_one_attempt(halts):
    with Canned(lambda _: Answer(status=401, headers=REFUSED.headers, delay=0.2)) as server:
        exchange = connect(settings(server.url), halts)
        reasons = ask_from_many_threads(exchange)
        exchange.close()
    assert len(server.asked) == 1
    assert sorted(reasons) == [Reason.ACCOUNT_HALTED] * 11 + [Reason.PASSWORD_REFUSED]
    assert halts.calls == 1


def test_a_halted_account_is_not_tried_after_a_restart_either(halts):
    with Canned(lambda _: REFUSED) as server:
        ask_from_many_threads(connect(settings(server.url), halts), 1)
        assert ask_from_many_threads(connect(settings(server.url), halts), 3) == [Reason.ACCOUNT_HALTED] * 3
        with pytest.raises(Problem) as caught:
            connect(settings(server.url), halts).resolve("ann@example.com")
    assert caught.value.reason is Reason.ACCOUNT_HALTED
    assert len(server.asked) == 1


def test_another_password_is_another_account(halts, monkeypatch):
    folder = entries(
        "GetFolder", success("GetFolder", "<m:Folders><t:Folder><t:FolderId Id='R'/></t:Folder></m:Folders>")
    )
    answers = [REFUSED, Answer(body=folder)]
    with Canned(lambda _: answers.pop(0)) as server:
        ask_from_many_threads(connect(settings(server.url), halts), 1)
        monkeypatch.setenv(PASSWORD_VARIABLE, "the right one")
        with opened(connect(settings(server.url), halts)) as mailbox:
            assert mailbox.root(Area.PRIMARY).remote_id == "R"
    (key,) = halts.said
    assert "hunter2" not in key


def test_a_person_lets_the_account_be_tried_again(halts):
    with Canned(lambda _: REFUSED) as server:
        exchange = connect(settings(server.url), halts)
        ask_from_many_threads(exchange, 2)
        halts.said.clear()
        assert sorted(ask_from_many_threads(exchange, 4)) == [Reason.ACCOUNT_HALTED] * 3 + [Reason.PASSWORD_REFUSED]
        exchange.close()
    assert len(server.asked) == 2


def test_a_password_that_expires_in_the_middle_halts_too(halts):
    good = [3]

    def answer(asked):
        good[0] -= 1
        return content_server({one: b"x" for one in asked.ids})(asked) if good[0] >= 0 else REFUSED

    with (
        Canned(answer) as server,
        opened(connect(settings(server.url, requests_in_flight=2), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        list(mailbox.fetch([(f"i{n}", 4 * 1024 * 1024) for n in range(20)]))
    assert caught.value.reason in (Reason.PASSWORD_REFUSED, Reason.ACCOUNT_HALTED)
    assert len(server.asked) <= 5, "no more than what was in flight"


def test_an_expired_password_is_a_refused_one(halts):
    with Canned(lambda _: Answer(status=500, body=fault("ErrorPasswordExpired"))) as server:
        reasons = ask_from_many_threads(connect(settings(server.url), halts), 3)
    assert sorted(reasons) == [Reason.ACCOUNT_HALTED] * 2 + [Reason.PASSWORD_REFUSED]


@pytest.mark.parametrize(("auth", "offered"), [("ntlm", 'Basic realm="x"'), ("basic", "NTLM, Negotiate")])
def test_a_way_to_sign_in_that_is_not_offered_is_no_refusal(halts, auth, offered):
    with (
        Canned(lambda _: Answer(status=401, headers={"WWW-Authenticate": offered})) as server,
        opened(connect(settings(server.url, auth=auth), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.root(Area.PRIMARY)
    assert caught.value.reason is Reason.CONFIGURATION_INVALID
    assert "does not offer" in caught.value.happened and halts.calls == 0


def test_passwords_beyond_latin_1(halts, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "żółć")
    with Canned(lambda _: REFUSED) as server:
        ask_from_many_threads(connect(settings(server.url), halts), 1)
    import base64

    sent = base64.b64decode(server.asked[0].headers["Authorization"].split()[1]).decode()
    assert sent == "svc@example.com:żółć"


def test_the_password_is_nowhere_to_be_seen(halts, caplog):
    caplog.set_level("DEBUG")
    with Canned(lambda _: REFUSED) as server:
        exchange = connect(settings(server.url), halts)
        ask_from_many_threads(exchange, 1)
    assert "hunter2" not in caplog.text + repr(vars(exchange)) + repr(exchange._server.settings)
