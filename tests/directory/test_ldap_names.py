"""Distinguished names, GUIDs and security identifiers, as people and servers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.directory.ldap_names import (
    components,
    domain_of,
    guid_octets,
    guid_text,
    is_within,
    last_part,
    parent,
    shown,
    sid_octets,
    sid_text,
)
from mse_tui.reasons import Problem, Reason

GUID = "5f9eb9ff-cf02-47b7-8c84-20c1a17ad058"


@pytest.mark.parametrize(
    ("name", "own", "above"),
    [
        ("CN=Sales,OU=Groups,DC=example,DC=com", "Sales", "OU=Groups,DC=example,DC=com"),
        (r"CN=Sales\, EMEA (Köln) *\#1\+\\x,OU=G,DC=x", r"Sales, EMEA (Köln) *#1+\x", "OU=G,DC=x"),
        (r"CN=\#Hash \"q\" \<a\3Db\>\3B 100%,DC=x", '#Hash "q" <a=b>; 100%', "DC=x"),
        (r"CN=\ lead and trail\ ,DC=x", " lead and trail ", "DC=x"),
        (r"CN=ends in a backslash\\,DC=x", "ends in a backslash\\", "DC=x"),
        (r"CN=\C5\81\C3\B3d\C5\BA,DC=x", "Łódź", "DC=x"),
        ("CN=Łódź 東京 🙂,DC=x", "Łódź 東京 🙂", "DC=x"),
        ("cn = Sales , ou=G , dc=x", "Sales", "ou=G , dc=x"),
        ("CN=a=b,DC=x", "a=b", "DC=x"),
        ("CN=a+OU=b,DC=x", "a", "DC=x"),
        ("DC=x", "x", ""),
    ],
)
def test_names_are_read_as_people_read_them(name, own, above):
    assert components(name)[0].value == own == shown(name)
    assert parent(name) == above


@pytest.mark.parametrize(
    "name",
    [
        *("", "x", "CN=", "CN=,DC=x", "CN=a,,DC=x", 'CN="a",DC=x', "<GUID=abc>", "CN=<a>,DC=x", "CN=a;DC=x"),
        *(r"CN=a\zz,DC=x", r"CN=\FF,DC=x", "CN=#04036162,DC=x", "CN=a\0,DC=x", "C N=a,DC=x", "CN=a,DC=x\\"),
    ],
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(Problem) as caught:
        components(name)
    assert caught.value.reason is Reason.INVALID


def test_the_domain_is_the_names_end():
    assert domain_of("CN=a,OU=b,DC=Example,DC=com") == "example.com"
    assert domain_of("DC=odd,CN=a,DC=example,DC=com") == "example.com"


def test_a_child_domain_is_not_its_parents():
    assert domain_of("CN=a,DC=child,DC=example,DC=com") != domain_of("DC=example,DC=com")


def test_within_is_by_parts_not_by_letters():
    assert is_within("cn=a, ou=Groups,DC=X", "OU=groups,dc=x")
    assert is_within("OU=Groups,DC=x", "OU=Groups,DC=x")
    assert not is_within("CN=a,OU=AllGroups,DC=x", "OU=Groups,DC=x")
    assert not is_within("DC=x", "OU=Groups,DC=x")


@given(st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text and text.isprintable()))
def test_any_escaped_text_comes_back(text):
    escaped = "".join(f"\\{octet:02X}" for octet in text.encode())
    assert components(f"CN={escaped},DC=x")[0].value == text


@given(st.uuids())
def test_guids_go_both_ways(value):
    assert guid_text(value.bytes_le) == str(value)
    assert guid_octets(f" {{{str(value).upper()}}} ") == value.bytes_le


@pytest.mark.parametrize("text", ["", "x", GUID[:-1], "0" * 32, f"{GUID})(cn=*"])
def test_what_is_no_guid(text):
    assert guid_octets(text) is None


def test_a_well_known_identifier():
    octets = bytes.fromhex("010500000000000515000000dcf4dc3b833d2b46828ba62800020000")
    assert sid_text(octets) == "S-1-5-21-1004336348-1177238915-682003330-512"
    assert sid_octets("s-1-5-21-1004336348-1177238915-682003330-512") == octets
    assert last_part(octets) == 512


@given(st.integers(0, 2**48 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=15))
def test_identifiers_go_both_ways(authority, parts):
    text = "-".join(["S", "1", str(authority), *map(str, parts)])
    octets = sid_octets(text)
    assert octets is not None and sid_text(octets) == text


@pytest.mark.parametrize(
    "text", ["", "S-1", "S-2-5-1", "S-1-5-4294967296", "S-1-281474976710656", "S-1-5-21-", "S-1-5-*"]
)
def test_what_is_no_identifier(text):
    assert sid_octets(text) is None


@given(st.binary(max_size=80))
def test_broken_identifiers_are_refused(octets):
    try:
        assert sid_octets(sid_text(octets)) == octets
    except Problem as problem:
        assert problem.reason is Reason.RESPONSE_BROKEN
