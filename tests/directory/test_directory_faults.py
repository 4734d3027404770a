"""An Active Directory that fails: no part of an answer ever passes for the whole one, no password is tried twice."""

import logging
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.directory import ldap_search, ldap_servers
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.certificates import Authority
from tests.directory.conftest import PASSWORD_VARIABLE
from tests.support.relay import Cut, Fault, Relay
from tests.support.samba.domain import BASE, HOST, PERSON_PASSWORD, SERVICE_PASSWORD
from tests.support.stripping import PROTOCOL_ERROR, SUCCESS, Stripping

WHERE_A_WIRE_BREAKS = {Reason.DIRECTORY_UNREACHABLE, Reason.RESPONSE_BROKEN, Reason.TIMEOUT}


@pytest.fixture
def small_pages(monkeypatch):
    """Answers in many pages and ranges, though the groups are small."""
    monkeypatch.setattr(ldap_search, "PAGE", 2)
    monkeypatch.setattr(ldap_search, "RANGE", 2)


def faults():
    places = st.one_of(
        st.builds(lambda part: {"part": part}, st.floats(0, 1, exclude_max=True)),
        st.builds(lambda records: {"records": records}, st.integers(1, 60)),
    )
    return st.tuples(st.sampled_from([Cut.CLOSE, Cut.RESET]), places)


def test_no_part_of_an_answer_comes_out_wherever_the_wire_is_cut(domain_controller, opened, small_pages):
    with Relay(domain_controller.ldaps_port) as relay:
        servers = (f"localhost:{relay.port}",)
        whole = opened(domain_controller, servers=servers)
        key = whole.group("Level1").key
        wanted = whole.members(key)
        everything = relay.passed
        ends = set()

        @given(faults())
        def wherever(fault):
            how, place = fault
            part = place.pop("part", None)
            relay.fault = Fault(how, None if part is None else int(part * everything), **place)
            directory = opened(domain_controller, servers=servers)
            try:
                found = directory.members(key)
            except Problem as problem:
                assert problem.reason in WHERE_A_WIRE_BREAKS
                assert problem.remedy
                ends.add(problem.reason)
            else:
                assert (found.included, found.skipped) == (wanted.included, wanted.skipped)
            finally:
                relay.fault = None
                directory.close()

        wherever()
        assert ends


def test_another_server_gives_the_whole_answer_wherever_the_first_is_cut(domain_controller, opened, small_pages):
    with Relay(domain_controller.ldaps_port) as relay:
        servers = (f"localhost:{relay.port}", f"localhost:{domain_controller.ldaps_port}")
        whole = opened(domain_controller)
        key = whole.group("Level1").key
        wanted = whole.members(key)

        @given(st.integers(0, 60))
        def wherever(records):
            relay.fault = Fault(Cut.CLOSE, records=records)
            directory = opened(domain_controller, servers=servers)
            found = directory.members(key)
            directory.close()
            assert (found.included, found.skipped) == (wanted.included, wanted.skipped)

        wherever()


def test_a_server_that_falls_silent_is_given_up(domain_controller, opened):
    with Relay(domain_controller.ldaps_port) as relay:
        relay.fault = Fault(Cut.STALL, records=8)
        began = time.monotonic()
        with pytest.raises(Problem) as caught:
            opened(domain_controller, servers=(f"localhost:{relay.port}",), timeout_seconds=1).group("Level1")
        assert caught.value.reason is Reason.TIMEOUT
        assert time.monotonic() - began < 5


def test_a_server_that_stands_in_has_its_own_time(domain_controller, opened):
    with Relay(domain_controller.ldaps_port) as relay:
        relay.fault = Fault(Cut.STALL, octets=0)
        servers = (f"localhost:{relay.port}", f"localhost:{domain_controller.ldaps_port}")
        directory = opened(domain_controller, servers=servers, timeout_seconds=2, answer_seconds=1)
        assert directory.group("Level1").key == opened(domain_controller).group("Level1").key


def test_a_server_that_takes_no_sign_in_is_given_up(domain_controller, opened):
    with Relay(domain_controller.ldaps_port) as relay:
        relay.fault = Fault(Cut.STALL, octets=0)
        with pytest.raises(Problem) as caught:
            opened(domain_controller, servers=(f"localhost:{relay.port}",), timeout_seconds=1).group("Level1")
        assert caught.value.reason is Reason.TIMEOUT


def test_patience_with_a_whole_answer_ends(domain_controller, opened, small_pages, monkeypatch):
    directory = opened(domain_controller, answer_seconds=5)
    key = directory.group("Level1").key
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(ldap_search.time, "monotonic", lambda: next(clock))
    with pytest.raises(Problem) as caught:
        directory.members(key)
    assert caught.value.reason is Reason.TIMEOUT


def test_a_controller_stopped_in_mid_answer_gives_no_part(spare_domain_controller, opened, small_pages):
    directory = opened(spare_domain_controller)
    key = directory.group("Domain Users").key
    stopping = threading.Timer(0.05, spare_domain_controller.stop)
    stopping.start()
    with pytest.raises(Problem) as caught:
        for _ in range(1000):
            directory.members(key)
    stopping.join()
    spare_domain_controller.start()
    assert caught.value.reason in WHERE_A_WIRE_BREAKS


def test_a_controller_that_comes_back_is_asked_again(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    wanted = directory.group("Level1")
    spare_domain_controller.stop()
    with pytest.raises(Problem) as caught:
        directory.group("Level1")
    assert caught.value.reason is Reason.DIRECTORY_UNREACHABLE
    spare_domain_controller.start()
    assert directory.group("Level1") == wanted


def test_a_kept_connection_that_ended_is_not_a_failure(domain_controller, opened):
    with Relay(domain_controller.ldaps_port) as relay:
        directory = opened(domain_controller, servers=(f"localhost:{relay.port}",))
        wanted = directory.group("Level1")
        relay.drop()
        assert directory.group("Level1") == wanted
        assert relay.connections == 2


def test_looking_up_as_one_types_signs_in_once(domain_controller, opened, monkeypatch):
    with Relay(domain_controller.ldaps_port) as relay:
        directory = opened(domain_controller, servers=(f"localhost:{relay.port}",))
        for text in ("l", "le", "lev"):
            directory.find(text)
        assert relay.connections == 1
        monkeypatch.setattr(ldap_servers, "KEPT_SECONDS", -1.0)
        directory.find("leve")
        assert relay.connections == 2


def test_many_ask_at_once_and_each_gets_his_own_answer(domain_controller, opened):
    directory = opened(domain_controller)
    names = ["Level1", "Prime", "news", "AllKinds", "Hash", "Lodz"]
    wanted = {name: directory.members(directory.group(name).key).included for name in names}
    with ThreadPoolExecutor(6) as threads:
        asked = [
            (name, threads.submit(lambda name=name: directory.members(directory.group(name).key))) for name in names * 4
        ]
        for name, answer in asked:
            assert answer.result().included == wanted[name]


def test_the_password_is_in_no_log_and_no_error(domain_controller, opened, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    said = []
    for password, more in (
        (SERVICE_PASSWORD, {}),
        (SERVICE_PASSWORD, {"encryption": "none"}),
        (SERVICE_PASSWORD, {"servers": ("localhost:1",)}),
        ("Wr0ng-of-the-tests", {}),
    ):
        monkeypatch.setenv(PASSWORD_VARIABLE, password)
        directory = opened(domain_controller, **more)
        try:
            directory.group("Level1")
            directory.accounts.sign_in("alice", PERSON_PASSWORD)
        except Problem as problem:
            said += traceback.format_exception(problem)
        said.append(repr(directory) + repr(vars(directory)))
    assert said and "of-the-tests" not in caplog.text + "".join(said)


def test_a_server_that_is_down_does_not_stand_in_the_way_twice(domain_controller, opened, caplog):
    with Relay(1) as dead:
        servers = (f"localhost:{dead.port}", f"localhost:{domain_controller.ldaps_port}")
        directory = opened(domain_controller, servers=servers)
        directory.group("Level1")
        directory.close()
        caplog.clear()
        directory.group("Level1")
    assert "failed" not in caplog.text


def test_a_name_that_is_not_known_is_told(domain_controller, opened):
    with pytest.raises(Problem) as caught:
        opened(domain_controller, servers=("dc.invalid",)).group("Level1")
    assert caught.value.reason is Reason.SERVER_NAME_UNKNOWN and "dc.invalid" in caught.value.happened


def test_all_servers_down_names_each(opened, domain_controller):
    with Relay(1) as one, Relay(1) as other:
        servers = (f"localhost:{one.port}", f"localhost:{other.port}")
    with pytest.raises(Problem) as caught:
        opened(domain_controller, servers=servers).group("Level1")
    assert caught.value.reason is Reason.DIRECTORY_UNREACHABLE
    assert "None of the 2 directory servers answered" in caught.value.happened
    assert "doctor" in caught.value.remedy


def test_a_wrong_password_is_tried_once(domain_controller, opened, halts, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with Relay(domain_controller.ldaps_port) as relay, Relay(domain_controller.ldaps_port) as other:
        servers = (f"localhost:{relay.port}", f"localhost:{other.port}")
        with pytest.raises(Problem) as caught:
            opened(domain_controller, servers=servers).group("Level1")
        assert caught.value.reason is Reason.PASSWORD_REFUSED
        assert "wrong user name or password" in caught.value.happened
        for directory in (opened(domain_controller, servers=servers), opened(domain_controller, servers=servers)):
            for _ in range(2):
                with pytest.raises(Problem) as caught:
                    directory.members("5f9eb9ff-cf02-47b7-8c84-20c1a17ad058")
                assert caught.value.reason is Reason.ACCOUNT_HALTED
        assert (relay.connections, other.connections, halts.calls) == (1, 0, 1)


def test_threads_that_begin_together_try_a_wrong_password_once(domain_controller, opened, halts, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    directory = opened(domain_controller)
    reasons = []

    def ask():
        try:
            directory.group("Level1")
        except Problem as problem:
            reasons.append(problem.reason)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reasons) == [Reason.ACCOUNT_HALTED] * 5 + [Reason.PASSWORD_REFUSED]
    assert halts.calls == 1


def test_why_an_account_is_refused_is_told(spare_domain_controller, opened):
    account = f"CN=svc-blind,OU=Service Accounts,{BASE}"
    spare_domain_controller.change("replace", account, "userAccountControl", "66050")
    with pytest.raises(Problem) as caught:
        opened(spare_domain_controller, user="svc-blind@ad.test.example").group("Level1")
    assert caught.value.reason is Reason.PASSWORD_REFUSED
    assert "the account is disabled" in caught.value.happened


def test_a_halted_account_is_not_used_on_a_connection_that_is_open(domain_controller, opened, halts):
    directory = opened(domain_controller)
    directory.group("Level1")
    halts.halted = lambda key: "refused elsewhere"
    with pytest.raises(Problem) as caught:
        directory.group("Level1")
    assert caught.value.reason is Reason.ACCOUNT_HALTED


@pytest.fixture
def certified(spare_domain_controller):
    """Gives the domain controller another certificate for the test."""

    def _certified(issuer=spare_domain_controller.authority, hosts=(HOST, "localhost", "127.0.0.1"), expired=False):
        spare_domain_controller.stop()
        spare_domain_controller.certify(*issuer.issue(hosts=hosts, expired=expired))
        return spare_domain_controller.start()

    yield _certified
    _certified()


@pytest.mark.parametrize(
    ("issued", "told", "encryption"),
    [
        ({"expired": True}, "has expired", "ldaps"),
        ({"expired": True}, "has expired", "starttls"),
        ({"hosts": ("elsewhere.example",)}, "Hostname mismatch", "ldaps"),
        ({"issuer": Authority("Somebody else's")}, "issuer certificate", "ldaps"),
    ],
)
def test_a_bad_certificate_is_refused_before_the_password_is_sent(certified, opened, halts, issued, told, encryption):
    with pytest.raises(Problem) as caught:
        opened(certified(**issued), encryption=encryption).group("Level1")
    assert caught.value.reason is Reason.CERTIFICATE_REFUSED
    assert told in caught.value.happened and "[exchange]" not in caught.value.remedy
    assert halts.calls == 0


def test_the_environment_does_not_choose_whom_to_trust(domain_controller, opened, tmp_path, monkeypatch):
    other = tmp_path / "other.pem"
    other.write_bytes(Authority("Another").pem)
    for variable in ("SSL_CERT_FILE", "LDAPTLS_CACERT", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(domain_controller.ca_file))
    monkeypatch.setenv("LDAPTLS_REQCERT", "never")
    with pytest.raises(Problem) as caught:
        opened(domain_controller, ca_file=other).group("Level1")
    assert caught.value.reason is Reason.CERTIFICATE_REFUSED


def test_starttls_gives_the_same_answer(domain_controller, opened):
    group = opened(domain_controller, encryption="starttls").group("Level1")
    assert group == opened(domain_controller).group("Level1")


@pytest.mark.parametrize("result", [PROTOCOL_ERROR, SUCCESS])
def test_who_strips_starttls_hears_no_password(opened, domain_controller, halts, result):
    with Stripping(result) as server:
        with pytest.raises(Problem) as caught:
            opened(domain_controller, servers=(f"localhost:{server.port}",), encryption="starttls").group("Level1")
        assert caught.value.reason is Reason.ENCRYPTION_MISSING
        assert server.heard
        assert b"S3rvice" not in server.heard and b"svc-mse" not in server.heard
    assert halts.calls == 0


def test_a_plain_connection_is_refused_by_a_hardened_server(domain_controller, opened, halts):
    with pytest.raises(Problem) as caught:
        opened(domain_controller, encryption="none").group("Level1")
    assert caught.value.reason is Reason.CONFIGURATION_INVALID and "encryption" in caught.value.remedy
    assert halts.calls == 0
