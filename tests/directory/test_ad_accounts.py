"""Single accounts of a real Active Directory: trustees, access to mailboxes, people signing in."""

import pytest

from mse_tui.reasons import Problem, Reason
from tests.directory.conftest import PASSWORD_VARIABLE
from tests.support.relay import Relay
from tests.support.samba.domain import BASE, PERSON_PASSWORD

ELSEWHERE = "S-1-5-21-1111111111-2222222222-3333333333"


def test_who_may_open_a_mailbox_is_read_as_exchange_wrote_it(directory):
    access = directory.accounts.mailbox_access("Info@test.example")
    assert (access.owner.address, access.owner.is_disabled) == ("info@test.example", True)
    assert [one.address for one in access.delegates] == ["ulla@test.example"]
    # A self-relative descriptor of revision 1 with a DACL ([MS-DTYP] 2.4.6).
    assert access.descriptor[0] == 1 and int.from_bytes(access.descriptor[2:4], "little") & 0x8004 == 0x8004


def test_a_mailbox_without_a_descriptor_of_its_own(directory):
    access = directory.accounts.mailbox_access("ulla@test.example")
    assert (access.descriptor, access.delegates) == (b"", ())


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("alice@test.example", "alice@test.example"),
        ("A.OBrien@test.example", "alice@test.example"),
        ("alice@ad.test.example", "alice@test.example"),
        (f"CN=ulla,OU=Mailboxes,{BASE}", "ulla@test.example"),
        (f"cn=left, ou=Mailboxes, {BASE}", "left@test.example"),
    ],
)
def test_a_mailbox_is_named_by_address_user_principal_name_or_distinguished_name(directory, named, address):
    assert directory.mailbox(named).address == address


@pytest.mark.parametrize(
    "named",
    [
        "nobody@ad.test.example", "news@test.example", "mailless@ad.test.example", "*@ad.test.example", "", "alice",
        f"CN=nobody,OU=Mailboxes,{BASE}", f"CN=AllKinds,OU=Mailboxes,{BASE}", "CN=ulla,OU=Mailboxes,DC=other,DC=test",
    ],
)  # fmt: skip
def test_what_names_no_mailbox(directory, named):
    with pytest.raises(Problem) as caught:
        directory.mailbox(named)
    assert caught.value.reason is Reason.MAILBOX_NOT_FOUND


@pytest.mark.parametrize("address", ["nobody@test.example", "news@test.example", "*", ""])
def test_a_mailbox_that_is_not_there(directory, address):
    with pytest.raises(Problem) as caught:
        directory.accounts.mailbox_access(address)
    assert caught.value.reason is Reason.MAILBOX_NOT_FOUND


def test_identifiers_lead_to_people_and_groups(directory):
    ulla = directory.accounts.mailbox_access("ulla@test.example").owner
    kinds = directory.group("AllKinds")
    group_sid = next(
        sid for sid in sids_of(directory, ulla.sid) if directory.accounts.by_sid([sid])[sid].key == kinds.key
    )
    found = directory.accounts.by_sid([ulla.sid.lower(), group_sid, f"{ELSEWHERE}-9", "S-1-5-18", "nonsense"])
    assert found == {ulla.sid: ulla, group_sid: found[group_sid]}
    assert found[group_sid].is_group
    assert "ulla@test.example" in [one.address for one in directory.members(found[group_sid].key).included]


def sids_of(directory, near):
    """Identifiers of accounts made about when another one was."""
    domain, _, number = near.rpartition("-")
    return directory.accounts.by_sid(f"{domain}-{int(number) + step}" for step in range(-10, 20))


def test_a_linked_mailboxs_owner_leads_to_the_mailbox(directory):
    found = directory.accounts.by_sid([f"{ELSEWHERE}-4321"])
    assert found[f"{ELSEWHERE}-4321"].address == "linked@test.example"


def test_more_identifiers_than_fit_in_a_question(directory):
    ulla = directory.accounts.mailbox_access("ulla@test.example").owner
    many = [f"{ELSEWHERE}-{number}" for number in range(200)]
    assert list(directory.accounts.by_sid([*many, ulla.sid])) == [ulla.sid]


@pytest.mark.parametrize(
    "user",
    ["alice", "ALICE", "ADTEST\\alice", " alice@ad.test.example ", "alice@test.example", "A.OBrien@test.example"],
)
def test_a_person_signs_in_by_any_of_his_names(directory, user):
    person = directory.accounts.sign_in(user, PERSON_PASSWORD)
    assert person is not None and person.address == "alice@test.example"


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("", PERSON_PASSWORD),
        ("  ", PERSON_PASSWORD),
        ("ali*", PERSON_PASSWORD),
        ("*", PERSON_PASSWORD),
        ("ADTEST\\", PERSON_PASSWORD),
        ("nobody", PERSON_PASSWORD),
        ("gone", PERSON_PASSWORD),
        ("PC1$", PERSON_PASSWORD),
        ("news@test.example", PERSON_PASSWORD),
        ("alice)(cn=*", PERSON_PASSWORD),
        ("alice\0", PERSON_PASSWORD),
    ],
)
def test_nobody_else_signs_in(directory, halts, user, password):
    assert directory.accounts.sign_in(user, password) is None
    assert halts.calls == 0, "a person's own mistake does not halt the site's account"


def test_an_account_that_was_disabled_does_not_sign_in(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    person = directory.accounts.sign_in("alice", PERSON_PASSWORD)
    assert person is not None
    name = directory.accounts.mailbox_access("alice@test.example").owner.name
    dn = rf"CN={name} (CEO)\, Dr.,OU=Sales,OU=Staff,{BASE}"
    spare_domain_controller.change("replace", dn, "userAccountControl", "514")
    assert directory.accounts.sign_in("alice", PERSON_PASSWORD) is None
    spare_domain_controller.change("replace", dn, "userAccountControl", "512")


def test_a_directory_that_is_down_is_no_refusal(domain_controller, opened):
    with Relay(1) as dead:
        directory = opened(domain_controller, servers=(f"localhost:{dead.port}",))
        with pytest.raises(Problem) as caught:
            directory.accounts.sign_in("alice", PERSON_PASSWORD)
    assert caught.value.reason is Reason.DIRECTORY_UNREACHABLE


def test_nobody_signs_in_while_the_sites_own_account_is_refused(domain_controller, opened, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with pytest.raises(Problem) as caught:
        opened(domain_controller).accounts.sign_in("alice", PERSON_PASSWORD)
    assert caught.value.reason is Reason.PASSWORD_REFUSED
