"""Expanding groups: what a directory may answer, from a search that is simulated so that it can be large or odd."""

import gc
import tracemalloc
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.directory.ad_members import GROUPS_AT_ONCE, Expansion
from mse_tui.directory.ldap_search import Entry
from mse_tui.directory.ldap_servers import Domain
from mse_tui.reasons import Problem, Reason

ROOT = "DC=ad,DC=test,DC=example"
DOMAIN = Domain(ROOT, has_exchange=True)


def entry(name, *classes, **values):
    given = {
        "objectguid": (uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes_le,),
        "objectclass": tuple(one.encode() for one in classes or ("top", "user")),
        **{key: (value.encode(),) for key, value in values.items()},
    }
    return Entry(f"CN={name},{ROOT}", given)


def person(name):
    return entry(name, mail=f"{name}@test.example", homemdb="DB1", useraccountcontrol="512", displayname=name)


def group(name, **values):
    return entry(name, "top", "group", **values)


class Simulated:
    """Answers which objects are in which group, by the group's name; `listed` is each group's own list."""

    server = "simulated"

    def __init__(self, members, listed=None, named=()):
        self.members = members
        self.listed = listed or {}
        self.named = {one.name: one for one in named}
        self.asked = []

    def entries(self, base, condition, attributes, *, below=True):
        self.asked.append(condition)
        if "distinguishedName" in condition:
            yield from (one for name, one in self.named.items() if f"={name})" in condition)
        for name, found in self.members.items():
            if f"(memberOf=CN={name}," in condition or condition == f"(filter={name})":
                yield from found()

    def values(self, name, attribute):
        return (one.encode() for one in self.listed.get(name, ()))


def expand(search, of):
    expansion = Expansion(search, DOMAIN)
    expansion.expand(of)
    return expansion


def test_groups_of_a_level_are_asked_for_together():
    width = GROUPS_AT_ONCE + 5
    groups = [group(f"g{number}") for number in range(width)]
    members = {"top": lambda: groups} | {
        f"g{number}": (lambda one=number: [person(f"p{one}")]) for number in range(width)
    }
    search = Simulated(members)
    expansion = expand(search, group("top"))
    assert (len(expansion.members()), expansion.nested) == (width, width)
    assert len(search.asked) == 1 + 2


def test_a_group_that_holds_itself_ends():
    search = Simulated({"a": lambda: [group("b"), person("x")], "b": lambda: [group("a"), group("b"), person("x")]})
    expansion = expand(search, group("a"))
    assert [one.address for one in expansion.members()] == ["x@test.example"]
    assert len(search.asked) == 2


def test_a_member_of_another_domain_of_the_forest_is_reported():
    far = "CN=Far Away,OU=Staff,DC=child,DC=ad,DC=test,DC=example"
    search = Simulated({"a": lambda: [person("x")]}, {f"CN=a,{ROOT}": [f"CN=x,{ROOT}", far]})
    (skipped,) = expand(search, group("a")).skipped()
    assert (skipped.entry, skipped.reason) == ("Far Away", Reason.FOREIGN_MEMBER)
    assert "child.ad.test.example" in skipped.message


def test_a_member_that_memberof_does_not_show_is_found_by_name():
    hidden = person("hidden")
    search = Simulated({"a": lambda: []}, {f"CN=a,{ROOT}": [hidden.name]}, [hidden])
    assert [one.address for one in expand(search, group("a")).members()] == ["hidden@test.example"]


def test_a_member_that_nobody_shows_is_reported():
    search = Simulated({"a": lambda: []}, {f"CN=a,{ROOT}": [f"CN=gone,{ROOT}"]})
    (skipped,) = expand(search, group("a")).skipped()
    assert (skipped.entry, skipped.reason) == ("gone", Reason.MEMBER_UNREADABLE)


def test_names_are_compared_whatever_their_case():
    search = Simulated({"a": lambda: [person("x")]}, {f"CN=a,{ROOT}": [f"CN=X,{ROOT}".upper()]})
    expansion = expand(search, group("a"))
    assert len(expansion.members()) == 1 and expansion.skipped() == ()


def test_two_accounts_of_one_address_are_one_mailbox():
    twin = entry("twin", mail="X@test.example", homemdb="DB1", displayname="twin")
    assert [one.address for one in expand(Simulated({"a": lambda: [person("x"), twin]}), group("a")).members()] == [
        "x@test.example"
    ]


def test_a_dynamic_group_without_a_filter_is_an_error():
    with pytest.raises(Problem) as caught:
        expand(Simulated({}), entry("d", "msExchDynamicDistributionList"))
    assert "no filter" in caught.value.happened


def test_a_dynamic_group_is_looked_for_below_its_base():
    dynamic = entry("d", "msExchDynamicDistributionList", msexchdynamicdlfilter="(filter=d)")
    expansion = expand(Simulated({"d": lambda: [person("x"), group("g")], "g": lambda: [person("y")]}), dynamic)
    assert [one.address for one in expansion.members()] == ["x@test.example", "y@test.example"]


graphs = st.dictionaries(
    st.integers(0, 7), st.tuples(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 20))), min_size=1, max_size=8
)
"""Groups by number: the groups and the people in each; cycles, groups in many groups, groups without anybody."""


@given(graphs)
def test_whoever_can_be_reached_is_found_once(graph):
    members = {
        f"g{number}": lambda inside=inside: [
            *(group(f"g{one}") for one in sorted(inside[0])),
            *(person(f"p{one}") for one in sorted(inside[1])),
        ]
        for number, inside in graph.items()
    }
    start = min(graph)
    reached, to_do = set(), [start]
    while to_do:
        number = to_do.pop()
        if number not in reached:
            reached.add(number)
            to_do += graph.get(number, (set(), set()))[0]
    people = {one for number in reached for one in graph.get(number, (set(), set()))[1]}

    expansion = expand(Simulated(members), group(f"g{start}"))
    assert [one.address for one in expansion.members()] == sorted(f"p{one}@test.example" for one in people)
    assert expansion.nested == len(reached) - 1
    assert expansion.skipped() == ()


def peak_octets(number):
    """Peak memory of an expansion."""
    search = Simulated(
        {"a": lambda: (person(f"u{one:06d}") for one in range(number))},
        {f"CN=a,{ROOT}": (f"CN=u{one:06d},{ROOT}" for one in range(number))},
    )
    gc.collect()
    tracemalloc.start()
    try:
        members = expand(search, group("a")).members()
        peak = tracemalloc.get_traced_memory()[1]
        assert len(members) == number
        return peak
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_fifty_thousand_members_take_memory_for_the_answer_not_for_the_directory():
    small, large = peak_octets(5_000), peak_octets(50_000)
    assert large < 11 * small
    assert large / 50_000 < 1500, "octets a member, at the peak"
