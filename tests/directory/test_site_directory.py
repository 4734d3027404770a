"""Which directory is asked about which group, and what a site refuses."""

from datetime import UTC, datetime

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from mse_tui.directory.directory import Group, GroupReference, Level, Member, Membership, SkippedEntry
from mse_tui.directory.references import Given, check_group, given
from mse_tui.directory.site_directory import SiteDirectory
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import GroupKind, SiteBinding

AD, CLOUD = GroupKind.ACTIVE_DIRECTORY, GroupKind.MICROSOFT_365
SERVER, ONLINE = SiteBinding.EXCHANGE_SERVER, SiteBinding.MICROSOFT_365
SALES = "CN=Sales,OU=Groups,DC=example,DC=com"
GUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
ANNA = "CN=Anna,OU=Staff,DC=example,DC=com"


class Organisation:
    """Exchange with a few mailboxes; fails at the call that the test says."""

    def __init__(self, *names, fails_at=None):
        self.known = {f"{name}@example.com" for name in names}
        self.fails_at = fails_at
        self.calls = 0

    def resolve(self, address):
        self.calls += 1
        if self.calls == self.fails_at:
            raise Problem(Reason.SERVER_UNREACHABLE, "Down.")
        if address not in self.known:
            raise Problem(Reason.MAILBOX_NOT_FOUND, f"No mailbox has the address {address}.")
        return MailboxIdentity("", address, address.partition("@")[0].title())


class Groups:
    """A directory of groups in memory."""

    def __init__(self, *groups, members=("anna",)):
        self.groups = {group.key: group for group in groups}
        self.names = members
        self.owners = {"anna@corp.local": "anna@example.com", ANNA: "anna@example.com"}
        self.problem = None
        self.fallen = SkippedEntry("x", Reason.NOT_LICENSED, "No licence.")
        self.closed = False

    def find(self, text, limit=50):
        return [group for group in self.groups.values() if text.casefold() in group.name.casefold()][:limit]

    def browse(self, where=""):
        return Level((), tuple(self.groups.values()))

    def group(self, text):
        if self.problem is not None:
            raise self.problem
        for group in self.groups.values():
            if text in (group.key, group.where, group.address):
                return group
        raise Problem(Reason.GROUP_NOT_FOUND, f"There is no group {text!r}.")

    def members(self, key):
        return Membership(
            tuple(Member(f"{name}@example.com", name) for name in self.names), (), datetime.now(UTC), "security group"
        )

    def standing(self, address):
        return self.fallen

    def mailbox(self, text):
        if self.problem is not None:
            raise self.problem
        if text in self.owners:
            return MailboxIdentity("", self.owners[text], "Anna")
        raise Problem(Reason.MAILBOX_NOT_FOUND, f"No mailbox is called {text!r}.")

    def close(self):
        self.closed = True


def sales(key=GUID, name="Sales", address="sales@example.com", where=SALES):
    return Group(key, name, address, where, "security group")


def resolve(directory, text):
    return directory.resolve(GroupReference(text))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("anna@example.com", Given.ADDRESSES),
        ("anna@example.com; berta@example.com", Given.ADDRESSES),
        ("cn=x@example.com", Given.ADDRESSES),
        ("cn=x@example.com, ou=y@example.com", Given.ADDRESSES),
        (" ; ", Given.ADDRESSES),
        (SALES, Given.DISTINGUISHED_NAME),
        (r"  cn=\#1 Berg\, Anna (x) \\ é,ou=a@b,dc=example,dc=com", Given.DISTINGUISHED_NAME),
        ("CN = Sales , DC = example , DC = com", Given.DISTINGUISHED_NAME),
        (GUID, Given.GUID),
        ("{" + GUID.upper() + "}", Given.GUID),
        ("Sales", Given.NAME),
        ("Sales, North (DC=1)", Given.NAME),
    ],
)
def test_what_a_person_gave_is_told_by_its_looks(text, kind):
    assert given(text) is kind


@pytest.mark.parametrize("text", [SALES, GUID, "Sales", "sales@example.com"])
def test_a_group_is_found_by_its_name_guid_distinguished_name_or_address(text):
    found = resolve(SiteDirectory(Organisation("berta").resolve, directories={AD: Groups(sales())}), text)
    assert [member.address for member in found.included] == ["anna@example.com"]
    assert found.reference(text) == GroupReference(text, AD, GUID, "Sales")


def test_a_group_found_before_is_asked_for_by_its_key_though_everything_else_changed():
    renamed = sales(name="Vertrieb", address="vertrieb@example.com", where="CN=Vertrieb,OU=Neu,DC=example,DC=com")
    other = sales(key="other")
    directory = SiteDirectory(Organisation().resolve, directories={AD: Groups(other, renamed)})
    found = directory.resolve(GroupReference(SALES, AD, GUID, "Sales"))
    assert found.group == renamed


def test_one_address_is_a_mailbox_first_then_a_group():
    groups = Groups(sales(address="anna@example.com"), members=("carl", "dora"))
    assert resolve(SiteDirectory(Organisation("anna").resolve, directories={AD: groups}), "anna@example.com").kind == (
        GroupKind.ADDRESSES
    )
    found = resolve(SiteDirectory(Organisation().resolve, directories={AD: groups}), "Anna <anna@example.com>")
    assert len(found.included) == 2


def test_a_member_may_be_given_by_the_name_that_he_signs_in_with():
    directory = SiteDirectory(Organisation("anna", "berta").resolve, directories={AD: Groups()})
    found = resolve(directory, "anna@corp.local; berta@example.com; nobody@corp.local")
    assert [(one.address, one.entry) for one in found.included] == [
        ("anna@example.com", "anna@corp.local"),
        ("berta@example.com", ""),
    ]
    assert [one.entry for one in found.skipped] == ["nobody@corp.local"]


@pytest.mark.parametrize("text", ["anna@corp.local", ANNA, f" {ANNA} "])
def test_a_mailbox_is_known_by_its_owners_names(text):
    directory = SiteDirectory(Organisation("anna").resolve, directories={AD: Groups()})
    assert directory.mailbox(text).address == "anna@example.com"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nobody@corp.local", Reason.MAILBOX_NOT_FOUND),
        ("Anna", Reason.MAILBOX_NOT_FOUND),
        ("a@b.example; c@d.example", Reason.ADDRESS_INVALID),
        ("CN=Nobody,DC=example,DC=com", Reason.MAILBOX_NOT_FOUND),
    ],
)
def test_what_names_no_mailbox_is_refused(text, reason):
    directory = SiteDirectory(Organisation("anna").resolve, directories={AD: Groups()})
    with pytest.raises(Problem) as error:
        directory.mailbox(text)
    assert error.value.reason is reason


def test_without_a_directory_addresses_are_known_and_distinguished_names_say_what_to_configure():
    directory = SiteDirectory(Organisation("anna").resolve)
    assert directory.mailbox("anna@example.com").address == "anna@example.com"
    with pytest.raises(Problem) as error:
        directory.mailbox(ANNA)
    assert error.value.reason is Reason.DIRECTORY_MISSING


def test_what_is_neither_mailbox_nor_group_is_named():
    directory = SiteDirectory(Organisation().resolve, directories={AD: Groups(sales())})
    (skipped,) = resolve(directory, "nobody@example.com").skipped
    assert (skipped.entry, skipped.reason) == ("nobody@example.com", Reason.MAILBOX_NOT_FOUND)


def test_a_directory_that_cannot_be_asked_is_an_error_not_a_group_that_is_not_there():
    groups = Groups(sales())
    groups.problem = Problem(Reason.DIRECTORY_UNREACHABLE, "Down.")
    directory = SiteDirectory(Organisation().resolve, directories={AD: groups, CLOUD: Groups(sales())})
    with pytest.raises(Problem) as error:
        resolve(directory, "sales@example.com")
    assert error.value.reason is Reason.DIRECTORY_UNREACHABLE


def test_the_other_directory_is_asked_when_the_sites_own_does_not_know():
    directory = SiteDirectory(Organisation().resolve, directories={AD: Groups(), CLOUD: Groups(sales(key="cloud"))})
    assert resolve(directory, "sales@example.com").reference("x") == GroupReference("x", CLOUD, "cloud", "Sales")


def test_exchange_is_asked_about_its_groups_where_no_active_directory_is():
    own = sales("sales@example.com", where="")
    exchange = {GroupKind.EXCHANGE: Groups(own)}
    found = resolve(SiteDirectory(Organisation().resolve, directories=exchange), "sales@example.com")
    assert found.reference("x") == GroupReference("x", GroupKind.EXCHANGE, "sales@example.com", "Sales")
    both = SiteDirectory(Organisation().resolve, directories={**exchange, AD: Groups(sales())})
    assert both.find("sales") == [sales()]
    assert both.resolve(found.reference("x")).kind is GroupKind.EXCHANGE


def test_several_groups_of_one_name_are_listed_never_guessed():
    second = sales(key="second", where="CN=Sales,OU=Old,DC=example,DC=com")
    directory = SiteDirectory(
        Organisation().resolve, directories={AD: Groups(sales(), second, sales("third", "Sales North"))}
    )
    with pytest.raises(Problem) as error:
        resolve(directory, "sales")
    assert error.value.reason is Reason.GROUP_AMBIGUOUS
    assert SALES in error.value.happened
    assert second.where in error.value.happened
    assert resolve(directory, "sales north").group.key == "third"
    with pytest.raises(Problem) as error:
        resolve(directory, "Marketing")
    assert error.value.reason is Reason.GROUP_NOT_FOUND


class TestASiteBoundToMicrosoft365:
    """It refuses groups of Active Directory and says what to use instead."""

    @pytest.mark.parametrize("group", [GroupReference(SALES), GroupReference("x", AD, GUID, "Sales")])
    def test_when_the_task_runs(self, group):
        directory = SiteDirectory(Organisation().resolve, ONLINE, {AD: Groups(sales()), CLOUD: Groups(sales())})
        with pytest.raises(Problem) as error:
            directory.resolve(group)
        assert error.value.reason is Reason.GROUP_REFUSED
        assert "Microsoft 365 group" in error.value.remedy

    def test_when_the_task_is_saved(self):
        with pytest.raises(Problem) as error:
            check_group(SALES, ONLINE, {CLOUD})
        assert error.value.reason is Reason.GROUP_REFUSED
        check_group("sales@example.com", ONLINE, {CLOUD})
        check_group(GUID, ONLINE, {CLOUD})

    def test_a_name_and_an_address_mean_its_own_groups(self):
        directory = SiteDirectory(
            Organisation().resolve, ONLINE, {AD: Groups(sales()), CLOUD: Groups(sales(key="cloud"))}
        )
        for text in ("Sales", "sales@example.com"):
            assert resolve(directory, text).kind is CLOUD
        assert directory.find("sal") == [sales(key="cloud")]


@pytest.mark.parametrize("text", [SALES, GUID, "Sales"])
def test_a_site_without_a_directory_says_what_to_configure(text):
    with pytest.raises(Problem) as error:
        resolve(SiteDirectory(Organisation().resolve), text)
    assert error.value.reason is Reason.DIRECTORY_MISSING
    assert "active_directory" in error.value.remedy
    with pytest.raises(Problem) as saved:
        check_group(text, SERVER, set())
    assert saved.value.reason is (Reason.ADDRESS_INVALID if text == "Sales" else Reason.DIRECTORY_MISSING)
    assert "active_directory" in saved.value.remedy


def test_what_the_engine_may_know_is_not_refused_while_none_has_started():
    check_group(SALES, SERVER, None)
    check_group(GUID, SERVER, None)


def test_the_account_is_asked_of_the_directory_that_the_site_is_bound_to():
    directories = {AD: Groups(), CLOUD: Groups()}
    directories[CLOUD].fallen = None
    assert SiteDirectory(Organisation().resolve, SERVER, directories).standing("x") == directories[AD].fallen
    assert SiteDirectory(Organisation().resolve, ONLINE, directories).standing("x") is None
    assert SiteDirectory(Organisation().resolve).standing("x") is None


def test_finding_and_browsing_begin_with_the_sites_own_directory():
    own, other = sales("own", "Sales A"), sales("other", "Sales B")
    directory = SiteDirectory(Organisation().resolve, SERVER, {CLOUD: Groups(other), AD: Groups(own)})
    assert directory.find("sales") == [own, other]
    assert directory.find("sales", 1) == [own]
    assert directory.browse() == Level((), (own,))
    with pytest.raises(Problem) as error:
        SiteDirectory(Organisation().resolve).find("sales")
    assert error.value.reason is Reason.DIRECTORY_MISSING
    directory.close()


@for_all(number=st.integers(1, 12), fails_at=st.integers(1, 30))
def test_a_failure_at_any_address_gives_an_error_never_a_shorter_list(number, fails_at):
    names = [f"user{n}" for n in range(number)]
    text = "; ".join(f"{name}@example.com" for name in [*names, "nobody"])
    organisation = Organisation(*names, fails_at=fails_at)
    try:
        found = resolve(SiteDirectory(organisation.resolve), text)
    except Problem as problem:
        assert problem.reason is Reason.SERVER_UNREACHABLE
        assert fails_at <= number + 1
    else:
        assert len(found.included) == number
        assert fails_at > number + 1
