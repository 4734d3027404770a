"""Groups of Microsoft 365, asked of the practice cloud over HTTPS."""

import importlib.util
import json
import threading

import pytest

from mse_tui.directory.cloud_people import PERSON_FIELDS
from mse_tui.directory.microsoft365 import GROUP_FIELDS, _group
from mse_tui.exchange import retry
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.cloud.tenant import Contact, Device, Group, Tenant, User, stable_id
from tests.support.cloud import address, served


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with served(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_it_was(rig, monkeypatch):
    rig.reset()
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.02)


def user(name, **changes):
    where = address(name) if changes.pop("mail", True) else ""
    return User(stable_id(name), name.title(), where, **changes)


def group(name, *members, **changes):
    where = changes.pop("mail", address(name))
    return Group(stable_id(f"group {name}"), name.title(), where, members=tuple(one.id for one in members), **changes)


def reasons(membership):
    return {entry.entry: entry.reason for entry in membership.skipped}


def refused(question, *arguments):
    with pytest.raises(Problem) as caught:
        question(*arguments)
    return caught.value


# --- who is in a group -----------------------------------------------------------------------------------------------


def test_everybody_once_at_any_depth_and_cycles_are_cut(rig):
    ann, bob, carl = user("ann"), user("bob"), user("carl")
    inner = group("inner", ann, bob, kind="security", mail="")
    middle = group("middle", inner, bob)
    outer = group("outer", middle, carl, ann)
    inner.members = (*inner.members, outer.id)
    rig.use(Tenant.of([ann, bob, carl, inner, middle, outer]))
    with rig.directory() as directory:
        found = directory.members(directory.group(outer.address).key)
    assert [member.address for member in found.included] == [address(name) for name in ("ann", "bob", "carl")]
    assert found.skipped == () and found.group.name == "Outer"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("unified", "Microsoft 365 group, expanded by Microsoft Graph"),
        ("distribution", "distribution list, expanded by Microsoft Graph"),
        ("mail-security", "mail-enabled security group, expanded by Microsoft Graph"),
        ("dynamic", "dynamic distribution list, expanded by Exchange Online"),
    ],
)
def test_it_says_what_kind_of_group_it_was_and_who_expanded_it(rig, kind, told):
    ann = user("ann")
    rig.use(Tenant.of([ann, group("team", ann, kind=kind)]))
    with rig.directory() as directory:
        found = directory.members(directory.group(f"  {address('TEAM')} ").key)
    assert found.resolved_by == told
    assert [member.address for member in found.included] == [ann.address]


def test_each_member_is_included_or_skipped_with_its_reason(rig):
    everybody = [
        user("plain"),
        user("grace", plan_status="Warning"),
        user("shared", purpose="shared", enabled=False, plans=()),
        user("room", purpose="room", enabled=False, plans=()),
        user("car", purpose="equipment", enabled=False, plans=()),
        user("special", plans=("SOME_NEW_EXCHANGE_PLAN",)),
        user("gone", enabled=False),
        user("leave", plans=()),
        user("foundation", plans=("EXCHANGE_S_FOUNDATION", "EXCHANGE_S_ARCHIVE_ADDON")),
        user("suspended", plan_status="Suspended"),
        user("admin", purpose="", plans=()),
        user("nomail", mail=False, purpose="", plans=()),
        user("guest", guest=True, purpose="", plans=()),
        Contact(stable_id("contact"), "Contact", "contact@elsewhere.example"),
        Device(stable_id("laptop"), "LAPTOP-7"),
    ]
    rig.use(Tenant.of([*everybody, group("all", *everybody)]))
    with rig.directory() as directory:
        found = directory.members(stable_id("group all"))
    kinds = {member.address.partition("@")[0]: member.kind for member in found.included}
    assert kinds == {
        "plain": "user", "grace": "user", "special": "user", "shared": "shared", "room": "room", "car": "equipment",
    }  # fmt: skip
    assert reasons(found) == {
        address("gone"): Reason.MAILBOX_DISABLED,
        address("leave"): Reason.NOT_LICENSED,
        address("foundation"): Reason.NOT_LICENSED,
        address("suspended"): Reason.NOT_LICENSED,
        address("admin"): Reason.NO_MAILBOX,
        f"{stable_id('nomail')}@nordlicht.onmicrosoft.example": Reason.NO_MAILBOX,
        address("guest"): Reason.MAILBOX_ELSEWHERE,
        "contact@elsewhere.example": Reason.CONTACT,
        "LAPTOP-7": Reason.NO_MAILBOX,
    }


def test_a_dynamic_list_judges_its_members_as_any_group_does(rig):
    members = [
        user("ann"),
        user("gone", enabled=False),
        user("leave", plans=()),
        user("room", purpose="room", enabled=False, plans=()),
        user("mailuser", purpose="", plans=()),
        Contact(stable_id("contact"), "Contact", "contact@elsewhere.example"),
    ]
    nested = group("nested", user("bob"))
    rig.use(Tenant.of([*members, user("bob"), nested, group("all", *members, nested, kind="dynamic")]))
    rig.cloud.admin_api.page_size = 2
    with rig.directory() as directory:
        found = directory.members(address("all"))
    assert [(one.address, one.kind) for one in found.included] == [
        (address("ann"), "user"),
        (address("bob"), "user"),
        (address("room"), "room"),
    ]
    assert reasons(found) == {
        address("gone"): Reason.MAILBOX_DISABLED,
        address("leave"): Reason.NOT_LICENSED,
        address("mailuser"): Reason.MAILBOX_ELSEWHERE,
        "contact@elsewhere.example": Reason.CONTACT,
    }
    assert found.resolved_by == "dynamic distribution list, expanded by Exchange Online and Microsoft Graph"


def test_dynamic_lists_inside_a_list_are_found_though_graph_does_not_show_them(rig):
    ann, bob = user("ann"), user("bob")
    dynamic = group("dynamic", bob, kind="dynamic")
    deep = group("deep", dynamic)
    outer = group("outer", ann, deep)
    rig.use(Tenant.of([ann, bob, dynamic, deep, outer]))
    with rig.directory() as directory:
        found = directory.members(outer.id)
        assert [one.address for one in found.included] == [ann.address, bob.address]
        rig.cloud.application.roles -= {"Exchange.ManageAsAppV2"}
    with rig.directory() as directory:
        found = directory.members(outer.id)
    assert [one.address for one in found.included] == [ann.address]
    assert "dynamic lists inside it were not looked for" in found.resolved_by


def test_a_group_with_pages_is_whole(rig):
    people = [user(f"u{number:04}") for number in range(2_500)]
    rig.use(Tenant.of([*people, group("big", *people, kind="unified")]))
    with rig.directory() as directory:
        found = directory.members(address("big"))
    assert [one.address for one in found.included] == [one.address for one in people]
    assert rig.asked("transitiveMembers") == 3


# --- naming a group --------------------------------------------------------------------------------------------------


def test_a_group_is_named_by_address_alias_or_key_and_keeps_its_key(rig):
    ann = user("ann")
    team = group("team", ann, aliases=(address("crew"),))
    rig.use(Tenant.of([ann, team]))
    with rig.directory() as directory:
        key = directory.group(address("crew")).key
        assert key == directory.group(address("team")).key == team.id
        team.name, team.address = "Renamed", address("renamed")
        assert directory.group(key).name == "Renamed"
        assert [one.address for one in directory.members(key).included] == [ann.address]


def test_a_group_that_is_not_there(rig):
    rig.use(Tenant.of([user("ann")]))
    with rig.directory() as directory:
        for text in (
            address("nobody"),
            stable_id("nothing"),
            "delta",
            "$count",
            "",
            "a/b",
            address("ann"),
            "x' or displayName eq 'y@z.example",
        ):
            assert refused(directory.group, text).reason is Reason.GROUP_NOT_FOUND
        assert refused(directory.members, stable_id("nothing")).reason is Reason.GROUP_NOT_FOUND
        assert refused(directory.members, f"dynamic:{address('gone')}").reason is Reason.GROUP_NOT_FOUND


def test_without_the_admin_api_an_unknown_address_says_what_could_not_be_asked(rig):
    rig.cloud.application.roles -= {"Exchange.ManageAsAppV2"}
    with rig.directory() as directory:
        problem = refused(directory.group, address("alle"))
    assert problem.reason is Reason.GROUP_NOT_FOUND
    assert "dynamic distribution list could not be asked" in problem.happened
    assert "Exchange.ManageAsAppV2" in problem.remedy


def test_a_known_dynamic_list_is_not_gone_when_it_may_not_be_asked_about(rig):
    with rig.directory() as directory:
        key = directory.group(address("alle")).key
        rig.cloud.application.roles -= {"Exchange.ManageAsAppV2"}
    with rig.directory() as directory:
        for question in (directory.group, directory.members):
            assert refused(question, key).reason is Reason.ACCESS_DENIED


def test_two_groups_with_one_address(rig):
    rig.use(Tenant.of([group("a", aliases=(address("same"),)), group("b", aliases=(address("same"),))]))
    with rig.directory() as directory:
        assert refused(directory.group, address("same")).reason is Reason.GROUP_AMBIGUOUS


def test_looking_up_as_one_types(rig):
    with rig.directory() as directory:
        assert [one.name for one in directory.find("prod")] == ["Produktion"]
        assert [one.name for one in directory.find("ruf")] == ["Rufbereitschaft"]
        assert [one.name for one in directory.find("Team")] == ["Service Team"]
        assert len(directory.find("p", limit=2)) == 2
        for text in ("", "   ", '"', "\\", 'a" OR "displayName:prod', "'", "%00", "ü" * 300):
            assert directory.find(text) == []
        level = directory.browse()
        assert level.branches == () and len(level.groups) == 10
        assert [one.name for one in level.groups] == sorted((one.name for one in level.groups), key=str.casefold)
        assert refused(directory.browse, "OU=x").reason is Reason.NOT_FOUND


# --- single mailboxes ------------------------------------------------------------------------------------------------


def test_an_alias_is_resolved_to_the_primary_address(rig):
    with rig.directory() as directory:
        found = directory.resolve_address(" CEO@Nordlicht.example ")
        assert (found.address, found.kind) == (address("grace.whitfield"), "user")
        assert directory.resolve_address(address("support")).kind == "shared"
        assert directory.resolve_address(address("raum-roter-sand")).kind == "room"
        assert directory.resolve_address(address("messwagen")).kind == "equipment"
        assert refused(directory.resolve_address, address("nobody")).reason is Reason.MAILBOX_NOT_FOUND
        assert refused(directory.resolve_address, address("cornelius.vogt")).reason is Reason.MAILBOX_DISABLED


def test_standing_is_read_fresh(rig):
    ann = user("ann")
    rig.use(Tenant.of([ann, user("room", purpose="room", enabled=False, plans=())]))
    with rig.directory() as directory:
        assert directory.standing(ann.address) is None
        ann.plans = ()
        assert directory.standing(ann.address).reason is Reason.NOT_LICENSED
        ann.enabled = False
        assert directory.standing(ann.address).reason is Reason.MAILBOX_DISABLED
        assert directory.standing(address("room")) is None
        assert directory.standing(address("unknown")) is None


# --- permissions -----------------------------------------------------------------------------------------------------


def test_members_that_the_application_may_not_see_are_an_error_not_nobody(rig):
    rig.cloud.application.roles -= {"User.Read.All"}
    with rig.directory() as directory:
        problem = refused(directory.members, address("archivierungspilot"))
    assert problem.reason is Reason.ACCESS_DENIED and "User.Read.All" in problem.remedy


def test_a_hidden_membership_is_an_error_not_nobody(rig):
    ann = user("ann")
    rig.use(Tenant.of([ann, group("secret", ann, kind="unified", hidden=True)]))
    with rig.directory() as directory:
        problem = refused(directory.members, address("secret"))
        assert problem.reason is Reason.ACCESS_DENIED and "Member.Read.Hidden" in problem.remedy
        rig.cloud.application.roles |= {"Member.Read.Hidden"}
    with rig.directory() as directory:
        assert len(directory.members(address("secret")).included) == 1


def test_without_the_permission_to_read_groups(rig):
    rig.cloud.application.roles.clear()
    with rig.directory() as directory:
        problem = refused(directory.group, address("vertrieb"))
    assert problem.reason is Reason.ACCESS_DENIED and "admin consent" in problem.remedy


def test_a_disabled_account_whose_mailbox_may_not_be_looked_at_is_listed_for_attention(rig):
    rig.cloud.application.roles -= {"MailboxSettings.Read"}
    with rig.directory() as directory:
        found = directory.members(address("archivierungspilot"))
    assert reasons(found)[address("service")] is Reason.ACCESS_DENIED
    assert address("grace.whitfield") in [one.address for one in found.included]


# --- stopping --------------------------------------------------------------------------------------------------------


def test_closing_ends_a_question_under_way(rig):
    from mse_tui.exchange.mailbox import Cancelled

    rig.server.faults.inject("latency", operation="transitiveMembers", milliseconds=3_000)
    ended = []
    with rig.directory() as directory:
        key = directory.group(address("vertrieb")).key

        def ask():
            try:
                directory.members(key)
            except Cancelled:
                ended.append(True)

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
    asking.join(10)
    assert ended == [True]


# --- what is asked and read is what Microsoft knows ------------------------------------------------------------------


def test_every_property_that_is_asked_for_is_in_microsofts_metadata(shared):
    spec = importlib.util.spec_from_file_location("graph_schema_check", shared / "graph-schema" / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    graph = module.Graph()
    assert set(PERSON_FIELDS) <= set(graph.describe("microsoft.graph.user"))
    assert set(GROUP_FIELDS) <= set(graph.describe("microsoft.graph.group"))
    assert {"servicePlanId", "service", "capabilityStatus"} <= set(graph.describe("microsoft.graph.assignedPlan"))
    assert "userPurpose" in graph.describe("microsoft.graph.mailboxSettings")
    assert "transitiveMembers" in graph.props("microsoft.graph.group")[1]


def test_groups_of_microsofts_examples_are_read(shared):
    for name in ("group-list.response.http", "group-get.response.http"):
        text = (shared / "graph-samples" / name).read_text("utf-8")
        content = json.loads(text.split("\n\n", 1)[1])
        read = [_group(row) for row in content.get("value", [content])]
        assert read and all(group.key and group.name and group.kind for group in read), name


# --- whose a mailbox is ----------------------------------------------------------------------------------------------


def test_a_mailbox_is_named_by_its_address_an_alias_or_the_name_that_its_owner_signs_in_with(rig):
    ann = user("ann", aliases=("a.berg@" + address("x").partition("@")[2],))
    guest = user("gil", guest=True)
    rig.use(Tenant.of([ann, guest]))
    signs_in = guest.address.replace("@", "_") + "#EXT#@nordlicht.onmicrosoft.example"
    with rig.directory() as directory:
        for named in (ann.address, ann.address.upper(), ann.aliases[0]):
            assert directory.mailbox(named).address == ann.address
        assert directory.mailbox(signs_in).address == guest.address
        assert refused(directory.mailbox, address("nobody")).reason is Reason.MAILBOX_NOT_FOUND
