"""Groups of a real Active Directory: found, read in full, and by whatever name a person gives."""

import pytest

from mse_tui.directory.ldap_names import shown
from mse_tui.reasons import Problem, Reason

BASE = "DC=ad,DC=test,DC=example"
GROUPS = f"OU=Groups,{BASE}"
CAROL = r"CN=\#Carol \\ \"C\" \<c\>\; a\=b\+c,OU=R&D\, (Köln) \#1,OU=Staff"


def addresses(membership):
    return [member.address.partition("@")[0] for member in membership.included]


def reasons(membership):
    return {one.entry.partition("@")[0]: one.reason for one in membership.skipped}


def members_of(directory, text):
    return directory.members(directory.group(text).key)


def test_three_levels_with_a_cycle_give_each_person_once(directory):
    found = members_of(directory, "Level1")
    assert addresses(found) == ["alice", "bob", "carol"]
    assert reasons(found) == {
        "connie": Reason.CONTACT,
        "gone": Reason.MAILBOX_DISABLED,
        "mailless": Reason.NO_MAILBOX,
        "PC1$": Reason.NO_MAILBOX,
    }
    assert found.resolved_by.startswith("universal security group with 2 groups in it, resolved by Active Directory")


def test_a_cycle_is_the_same_from_wherever_one_enters(directory):
    assert addresses(members_of(directory, "Level3")) == addresses(members_of(directory, "Level1"))


def test_a_primary_group_has_the_members_that_it_does_not_list(directory):
    assert addresses(members_of(directory, "Prime")) == ["primy"]
    assert "alice" in addresses(members_of(directory, "Domain Users"))


def test_members_are_told_by_what_they_are(directory):
    found = members_of(directory, "kinds@test.example")
    kinds = {member.address.partition("@")[0]: member.kind for member in found.included}
    assert kinds == {"info": "shared", "linked": "user", "room": "room", "ulla": "user", "van": "equipment"}
    assert reasons(found) == {
        "arbiter": Reason.NO_MAILBOX,
        "cloudroom": Reason.MAILBOX_ELSEWHERE,
        "left": Reason.MAILBOX_DISABLED,
        "mailuser": Reason.MAILBOX_ELSEWHERE,
        "onlymail": Reason.NO_MAILBOX,
        "rita": Reason.MAILBOX_ELSEWHERE,
    }


@pytest.mark.parametrize("control", ["ulla", "left"])
def test_a_mailbox_named_by_its_distinguished_name_is_a_group_of_one(directory, control):
    group = directory.group(f"CN={control},OU=Mailboxes,{BASE}")
    assert (group.kind, group.address) == ("mailbox", f"{control}@test.example")
    found = directory.members(group.key)
    assert addresses(found) == (["ulla"] if control == "ulla" else [])
    assert reasons(found) == ({} if control == "ulla" else {"left": Reason.MAILBOX_DISABLED})
    assert found.resolved_by.startswith("mailbox, resolved by Active Directory")


def test_a_member_of_another_forest_is_reported(directory):
    found = members_of(directory, "Foreign")
    assert addresses(found) == ["alice"]
    assert [(one.reason, one.entry) for one in found.skipped] == [
        (Reason.FOREIGN_MEMBER, "S-1-5-21-1111111111-2222222222-3333333333-1234")
    ]


def test_an_empty_group_is_an_answer(directory):
    found = members_of(directory, "Empty")
    assert (found.included, found.skipped) == ((), ())


def test_a_dynamic_group_is_whoever_fits_its_filter(directory):
    found = members_of(directory, "dynamic@test.example")
    assert addresses(found) == ["info", "ulla"]
    assert reasons(found) == {"left": Reason.MAILBOX_DISABLED}
    assert found.resolved_by.startswith("dynamic distribution group")


EXCHANGE_FILTER = (
    "(&(&(|(&(objectCategory=person)(objectSid=*)(!(samAccountType:1.2.840.113556.1.4.804:=3)))(&(objectCategory=person)"
    "(!(objectSid=*)))(&(objectCategory=group)(groupType:1.2.840.113556.1.4.804:=14)))(objectClass=user)(mailNickname=*)"
    "(homeMDB=*))(!(name=SystemMailbox{*}))(!(name=CAS_{*}))(!(msExchRecipientTypeDetails=16777216))"
    "(!(msExchRecipientTypeDetails=536870912))(!(msExchRecipientTypeDetails=8388608)))"
)
OLD_EXCHANGE_FILTER = "(&(!cn=SystemMailbox{*})(& (mailNickname=*) (| (msExchRecipientTypeDetails=4)(cn=ul*) )))"


@pytest.mark.parametrize(
    ("condition", "names"),
    [(EXCHANGE_FILTER, ["info", "linked", "room", "ulla", "van"]), (OLD_EXCHANGE_FILTER, ["info", "ulla"])],
)
def test_filters_are_understood_as_exchange_writes_them(spare_domain_controller, opened, condition, names):
    directory = opened(spare_domain_controller)
    group = f"CN=Dynamic,OU=Mailboxes,{BASE}"
    spare_domain_controller.change("replace", group, "msExchDynamicDLFilter", condition)
    spare_domain_controller.change("replace", f"CN=ulla,OU=Mailboxes,{BASE}", "userAccountControl", "544")
    assert addresses(members_of(directory, group)) == names


def test_a_dynamic_group_whose_filter_is_broken_is_an_error(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    spare_domain_controller.change(
        "replace", f"CN=Dynamic,OU=Mailboxes,{BASE}", "msExchDynamicDLFilter", "(&(cn=*)(mail="
    )
    with pytest.raises(Problem) as caught:
        members_of(directory, "Holds dynamic")
    assert "'Dynamic'" in caught.value.happened


def test_a_dynamic_group_in_a_group_is_expanded(directory):
    assert addresses(members_of(directory, "Holds dynamic")) == ["info", "ulla"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Level1", "Level 1"),
        ("level 1", "Level 1"),
        ("ADTEST\\Level1", "Level 1"),
        ("NEWS@test.example", "News Letter"),
        ("newsletter@test.example", "News Letter"),
        ("Twin1", "Twins"),
        (rf"CN=Sales\, EMEA (Köln) *\#1\+\\x,{GROUPS}", "Sales, EMEA (Köln) *#1+\\x"),
        ("Sales, EMEA (Köln) *#1+\\x", None),
        (rf"CN=\#Hash \"quoted\" \<a\3Db\>\3B 100%,{GROUPS}", '#Hash "quoted" <a=b>; 100%'),
        (rf"CN=\ lead and trail\ ,{GROUPS}", " lead and trail "),
        (f"cn=łódź 東京 🙂, {GROUPS.lower()}", "Łódź 東京 🙂"),
        (f"CN=News Letter , {GROUPS}", "News Letter"),
    ],
)
def test_a_group_is_found_by_whatever_names_it(directory, text, name):
    if name is None:
        # A backslash reads as DOMAIN\name: such a name is given by its distinguished name.
        with pytest.raises(Problem) as caught:
            directory.group(text)
        assert caught.value.reason is Reason.GROUP_NOT_FOUND
        return
    group = directory.group(text)
    assert group.name == name
    assert directory.group(group.key) == group
    assert directory.group(f"{{{group.key.upper()}}}") == group
    assert directory.group(group.where) == group


def test_every_group_in_the_directory_is_found_by_its_own_name_and_key(directory):
    groups = [
        group for where in (GROUPS, rf"OU=R&D\, (Köln) \#1,OU=Staff,{BASE}") for group in directory.browse(where).groups
    ]
    assert len(groups) >= 13
    for group in groups:
        assert directory.group(group.where) == group == directory.group(group.key)
        assert directory.members(group.key).resolved_by


def test_a_name_of_two_groups_is_ambiguous_and_names_both(directory):
    with pytest.raises(Problem) as caught:
        directory.group("Twins")
    assert caught.value.reason is Reason.GROUP_AMBIGUOUS
    assert f"CN=Twin,{GROUPS}" in caught.value.happened and "R&D" in caught.value.happened


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "*",
        "nobody@test.example",
        "alice@test.example",
        "00000000-0000-0000-0000-000000000000",
        f"CN=Nobody,{GROUPS}",
        f"CN=alice,OU=Sales,OU=Staff,{BASE}",
        GROUPS,
        "CN=Sales,DC=elsewhere,DC=example",
        "DOMAIN\\",
    ],
)
def test_what_is_no_group_is_not_found(directory, text):
    with pytest.raises(Problem) as caught:
        directory.group(text)
    assert caught.value.reason is Reason.GROUP_NOT_FOUND
    assert caught.value.remedy


def test_looking_up_shows_what_begins_with_the_text_first(directory):
    names = [group.name for group in directory.find("level")]
    assert names == ["Level 1", "Level 2", "Level 3"]
    names = [group.name for group in directory.find("twin")]
    assert names == ["Twins", "Twins"]
    assert [group.name for group in directory.find("letter")] == ["News Letter"]
    assert [group.name for group in directory.find("newsletter@")] == ["News Letter"]
    assert [group.name for group in directory.find("東")] == ["Łódź 東京 🙂"]
    assert [group.name for group in directory.find("dyn")] == ["Dynamic list", "Holds dynamic"]


def test_looking_up_is_limited(directory):
    assert len(directory.find("e")) > 3
    assert len(directory.find("e", limit=3)) == 3
    assert directory.find("  ") == [] == directory.find("nothing like it")


def test_a_group_is_shown_with_what_tells_it_from_others(directory):
    (group,) = directory.find("news letter")
    assert (group.address, group.kind) == ("news@test.example", "universal distribution group")
    assert group.where == f"CN=News Letter,{GROUPS}"


def test_browsing_goes_from_unit_to_unit(directory):
    top = directory.browse()
    assert {"Groups", "Staff", "Users", "Mailboxes"} <= {branch.name for branch in top.branches}
    assert not {"System", "Program Data", "LostAndFound"} & {branch.name for branch in top.branches}
    staff = directory.browse(next(branch.where for branch in top.branches if branch.name == "Staff"))
    assert [branch.name for branch in staff.branches] == ["R&D, (Köln) #1", "Sales"]
    assert [group.name for group in directory.browse(staff.branches[0].where).groups] == ["Twins"]


def test_browsing_nowhere_says_so(directory):
    with pytest.raises(Problem) as caught:
        directory.browse(f"OU=Nowhere,{BASE}")
    assert caught.value.reason is Reason.NOT_FOUND


def test_a_base_limits_what_is_looked_up_not_who_is_a_member(domain_controller, opened):
    directory = opened(domain_controller, base=f"OU=Mailboxes,{BASE}")
    assert directory.find("Level") == []
    assert [group.name for group in directory.browse().groups] == ["All kinds", "Dynamic list", "Holds dynamic"]
    assert addresses(members_of(directory, "Level1")) == ["alice", "bob", "carol"]


def test_standing_is_read_for_one_mailbox(directory):
    left = directory.standing("left@test.example")
    assert left is not None and left.reason is Reason.MAILBOX_DISABLED
    assert directory.standing("rita@test.example").reason is Reason.MAILBOX_ELSEWHERE
    for fine in ("ulla@test.example", "info@test.example", "linked@test.example", "unknown@test.example"):
        assert directory.standing(fine) is None


def test_standing_is_read_fresh(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    assert directory.standing("ulla@test.example") is None
    spare_domain_controller.change("replace", f"CN=ulla,OU=Mailboxes,{BASE}", "userAccountControl", "546")
    assert directory.standing("ulla@test.example").reason is Reason.MAILBOX_DISABLED


def test_a_renamed_and_moved_group_is_the_same_group(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    group = directory.group("news@test.example")
    before = directory.members(group.key)
    spare_domain_controller.change(
        "rename", f"CN=News Letter,{GROUPS}", rf"CN=Renamed\, moved,OU=Sales,OU=Staff,{BASE}"
    )
    after = directory.members(group.key)
    assert (after.included, after.skipped) == (before.included, before.skipped)
    assert shown(directory.group(group.key).where) == "Renamed, moved"


def test_a_deleted_group_is_an_error_not_an_empty_one(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    key = directory.group("Twin1").key
    spare_domain_controller.change("delete", f"CN=Twin,{GROUPS}")
    with pytest.raises(Problem) as caught:
        directory.members(key)
    assert caught.value.reason is Reason.GROUP_NOT_FOUND


def test_who_joins_and_leaves_shows_at_the_next_question(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    key = directory.group("Prime").key
    spare_domain_controller.change("add", f"CN=Prime,{GROUPS}", "member", f"CN=bob,OU=Sales,OU=Staff,{BASE}")
    assert addresses(directory.members(key)) == ["bob", "primy"]


def test_without_exchange_in_the_forest_a_mail_address_makes_a_candidate(samba, opened):
    from tests.support.samba.domain import domain

    with domain("plain") as served:
        found = members_of(opened(served), "Level1")
    assert addresses(found) == ["alice", "bob", "carol"]
    assert reasons(found)["gone"] is Reason.MAILBOX_DISABLED
    assert reasons(found)["mailless"] is Reason.NO_MAILBOX


def test_a_member_that_the_account_may_not_read_is_reported(spare_domain_controller, opened):
    directory = opened(spare_domain_controller)
    spare_domain_controller.hide(f"{CAROL},{BASE}")
    found = members_of(directory, "Hash")
    assert found.included == ()
    assert [one.reason for one in found.skipped] == [Reason.MEMBER_UNREADABLE]
