"""Who has Full Access, by descriptors as Exchange writes them: judged here, and read from a real Active Directory."""

from uuid import uuid4

import pytest

from mse_tui.directory.ad_accounts import Account, MailboxAccess
from mse_tui.directory.ad_trustees import ActiveDirectoryFullAccess, ActiveDirectoryTrustees, judge
from mse_tui.directory.security_descriptors import Effect, Entry, SecurityDescriptor
from mse_tui.directory.trustees import Trustee
from mse_tui.reasons import Problem, Reason

OWN, ULLA, BOB = "S-1-5-21-1-2-3-1000", "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
FULL, READ_PERMISSIONS = 0x1, 0x20000
OWNER = Account("key", OWN, "Info", "info@test.example", is_group=False, is_disabled=True)


def allow(sid: str, mask: int = FULL, **more: object) -> Entry:
    return Entry(Effect.ALLOW, mask, sid, **more)


def deny(sid: str, mask: int = FULL, **more: object) -> Entry:
    return Entry(Effect.DENY, mask, sid, **more)


def judged(*entries: Entry, linked: tuple[Account, ...] = ()):
    return judge(SecurityDescriptor("S-1-5-10", "S-1-5-10", entries), OWNER, linked)


def sids(trustees: tuple[Trustee, ...]) -> list[str]:
    return [each.sid for each in trustees]


def test_full_access_is_given_by_its_own_bit_or_by_all_rights() -> None:
    found = judged(allow(ULLA, FULL | READ_PERMISSIONS), allow(BOB, 0x10000000), allow("S-1-5-21-1-2-3-9", 0x20006))
    assert sids(found.allowed) == [ULLA, BOB] and found.denied == () and not found.ignored


def test_the_owner_windows_and_what_is_inherited_are_ignored_and_counted() -> None:
    found = judged(
        allow("S-1-5-10"), allow("S-1-5-18"), allow("S-1-5-32-544"), allow(OWN), allow(ULLA, inherited=True),
        deny(BOB, inherited=True), allow("S-1-1-0"),
    )  # fmt: skip
    assert found.allowed == found.denied == () and not found.everybody_denied
    assert found.ignored == {Reason.TRUSTEE_SYSTEM: 7}


@pytest.mark.parametrize(
    "entry",
    [allow(ULLA, conditional=True), allow(ULLA, object_type=uuid4()), allow(ULLA, inherit_only=True), allow(ULLA, 0x2)],
)
def test_in_doubt_an_entry_gives_nothing(entry: Entry) -> None:
    assert judged(entry).allowed == ()


@pytest.mark.parametrize("entry", [deny(ULLA, conditional=True), deny(ULLA, object_type=uuid4()), deny(ULLA)])
def test_in_doubt_an_entry_denies(entry: Entry) -> None:
    assert sids(judged(entry).denied) == [ULLA]


@pytest.mark.parametrize("everybody", ["S-1-1-0", "S-1-5-11"])
def test_a_denial_of_everybody_is_one_of_everybody(everybody: str) -> None:
    assert judged(allow(ULLA), deny(everybody)).everybody_denied


def test_a_link_into_outlook_lets_nobody_in() -> None:
    bob = Account("k", BOB, "Bob", "bob@test.example", is_group=False, is_disabled=False)
    found = judged(allow(ULLA), linked=(bob,))
    assert sids(found.allowed) == [ULLA] and found.ignored == {Reason.LINK_WITHOUT_ACCESS: 1}


def test_what_cannot_be_seen_is_unknown_and_not_empty() -> None:
    class Unreadable:
        def mailbox_access(self, _: str) -> MailboxAccess:
            return MailboxAccess(OWNER, b"", ())

    for ask in (
        lambda: ActiveDirectoryFullAccess(Unreadable()).full_access("info@test.example"),
        lambda: judge(SecurityDescriptor("", "", None), OWNER),
    ):
        with pytest.raises(Problem) as met:
            ask()
        assert met.value.reason is Reason.FULL_ACCESS_UNKNOWN


# --- against a real Active Directory -----------------------------------------------------------------------------


def test_a_real_descriptor_and_the_people_behind_it(directory) -> None:
    found = ActiveDirectoryFullAccess(directory.accounts).full_access("info@test.example")
    trustees = ActiveDirectoryTrustees(directory.accounts, directory)
    assert found.ignored == {Reason.TRUSTEE_SYSTEM: 2}, "the owner's own entry and an inherited one"
    (ulla,), (everyone,) = found.allowed, found.denied
    assert trustees.people(ulla).addresses == ("ulla@test.example",)
    kinds = trustees.people(everyone)
    assert kinds.group == "kinds@test.example" and "ulla@test.example" in kinds.addresses
    assert "rita@test.example" in kinds.left_out, "whom the group would not let in its Deny keeps out all the same"


def test_a_real_directory_knows_nobody_behind_what_is_gone(directory) -> None:
    trustees = ActiveDirectoryTrustees(directory.accounts, directory)
    for sid in ("S-1-5-21-9-9-9-9999", "S-1-5-18", ""):
        with pytest.raises(Problem) as met:
            trustees.people(Trustee(sid=sid))
        assert met.value.reason is Reason.TRUSTEE_UNKNOWN


def test_permissions_sync_over_a_real_directory(directory, store) -> None:
    from mse_tui.access.grants import grants
    from mse_tui.access.rights import Right
    from tests.features.practice_permissions import Organisation, sync_with

    organisation = Organisation(address="info@test.example", folders={"inbox": {}})
    trustees = ActiveDirectoryTrustees(directory.accounts, directory)
    journal = sync_with(organisation, trustees, ActiveDirectoryFullAccess(directory.accounts))
    assert not journal.failures and not journal.warnings
    rows = {(each.person, each.denies, each.right, each.via) for each in grants()}
    assert ("ulla@test.example", True, Right.READ, "kinds@test.example") in rows
    assert not any(not denies for _, denies, _, _ in rows), "the only one allowed is denied as well: Deny wins"
