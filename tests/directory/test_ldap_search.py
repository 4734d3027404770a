"""Whole answers: what a server says about pages, ranges and results is believed only where it fits together."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.conv import escape_filter_chars

from mse_tui.directory.ldap_failures import ServerFailed, failure_of_result
from mse_tui.directory.ldap_search import Search, begins, contains, equal
from mse_tui.reasons import Problem, Reason

PAGED = "1.2.840.113556.1.4.319"
DONE = {"type": "searchResDone", "result": 0, "description": "success", "message": ""}


class Canned:
    """A connection that answers with what a test gives it, one answer a question."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.result = self.response = None

    def search(self, *_, **__):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.response, self.result = answer


def search(*answers):
    return Search(Canned(*answers), "dc1", time.monotonic() + 60)


def row(name="CN=a,DC=x", **values):
    return {"type": "searchResEntry", "raw_dn": name.encode(), "raw_attributes": values}


def page(*rows, cookie=b""):
    return list(rows), {**DONE, "controls": {PAGED: {"value": {"cookie": cookie, "size": 0}}}}


def ranged(**values):
    return [row(**values)], DONE


def names(found):
    return [entry.name for entry in found]


def refused(action):
    with pytest.raises((Problem, ServerFailed)) as caught:
        action()
    return getattr(caught.value, "problem", caught.value).reason


def test_pages_are_read_to_the_last():
    found = search(page(row("CN=a"), cookie=b"1"), page(cookie=b"2"), page(row("CN=b"))).entries("DC=x", "(a=b)", [])
    assert names(found) == ["CN=a", "CN=b"]


def test_references_to_other_servers_are_no_entries():
    reference = {"type": "searchResRef", "uri": ["ldap://elsewhere/DC=y"]}
    assert names(search(page(row("CN=a"), reference)).entries("DC=x", "(a=b)", [])) == ["CN=a"]


def test_an_answer_without_a_word_about_pages_is_not_whole():
    assert refused(lambda: list(search(([row()], DONE)).entries("DC=x", "(a=b)", []))) is Reason.RESPONSE_BROKEN


@pytest.mark.parametrize("code", [3, 4, 11])
def test_limits_in_any_page_make_no_answer(code):
    cut = ([row()], {**page()[1], "result": code, "description": "limit"})
    asked = search(page(row(), cookie=b"1"), cut).entries("DC=x", "(a=b)", [])
    assert refused(lambda: list(asked)) is Reason.DIRECTORY_INCOMPLETE


@pytest.mark.parametrize("error", [IndexError("x"), ValueError("x"), OSError("x"), TimeoutError("timed out")])
def test_whatever_the_library_stumbles_over_is_no_answer(error):
    asked = search(page(row(), cookie=b"1"), error).entries("DC=x", "(a=b)", [])
    assert refused(lambda: list(asked)) in (Reason.RESPONSE_BROKEN, Reason.DIRECTORY_UNREACHABLE, Reason.TIMEOUT)


def test_an_answer_to_something_else_is_no_answer():
    other = ([row()], {**DONE, "type": "extendedResp"})
    assert refused(lambda: search(other).read("DC=x", [])) is Reason.RESPONSE_BROKEN


def values(*answers):
    return list(search(*answers).values("CN=g", "member"))


def test_ranges_are_read_to_the_last():
    assert values(ranged(**{"member;range=0-1": (b"a", b"b")}), ranged(**{"member;range=2-*": (b"c",)})) == [
        b"a",
        b"b",
        b"c",
    ]
    assert values(ranged(**{"Member;Range=0-*": (b"a",)})) == [b"a"]
    assert values(ranged(member=(b"a", b"b"))) == [b"a", b"b"]
    assert values(ranged()) == []


@pytest.mark.parametrize(
    "second",
    [
        ranged(),
        ranged(**{"member;range=1-*": (b"b", b"c")}),
        ranged(**{"member;range=3-*": (b"d",)}),
        ranged(**{"member;range=2-4": (b"c",)}),
        ranged(**{"member;range=2-1": ()}),
        ([], DONE),
        ([], {**DONE, "result": 32, "description": "noSuchObject"}),
        ([], {**DONE, "result": 4, "description": "sizeLimitExceeded"}),
    ],
)
def test_ranges_that_do_not_fit_together_are_no_answer(second):
    reason = refused(lambda: values(ranged(**{"member;range=0-1": (b"a", b"b")}), second))
    assert reason in (Reason.RESPONSE_BROKEN, Reason.SERVER_ERROR, Reason.DIRECTORY_INCOMPLETE)


def test_a_first_range_that_says_more_than_it_has_is_no_answer():
    assert refused(lambda: values(ranged(**{"member;range=0-1499": (b"a",)}))) is Reason.RESPONSE_BROKEN


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, Reason.SERVER_ERROR),
        (3, Reason.DIRECTORY_INCOMPLETE),
        (4, Reason.DIRECTORY_INCOMPLETE),
        (8, Reason.CONFIGURATION_INVALID),
        (10, Reason.DIRECTORY_INCOMPLETE),
        (11, Reason.DIRECTORY_INCOMPLETE),
        (13, Reason.CONFIGURATION_INVALID),
        (50, Reason.ACCESS_DENIED),
        (51, Reason.DIRECTORY_UNREACHABLE),
        (52, Reason.DIRECTORY_UNREACHABLE),
        (80, Reason.SERVER_ERROR),
    ],
)
def test_results_have_reasons(code, reason):
    failure = failure_of_result(code, "description", "message", "dc1")
    problem = failure.problem if isinstance(failure, ServerFailed) else failure
    assert problem.reason is reason and "dc1" in problem.happened and problem.remedy


@pytest.mark.parametrize("make", [equal, begins, contains])
def test_a_nul_is_no_text(make):
    with pytest.raises(Problem) as caught:
        make("cn", "Level1\0")
    assert caught.value.reason is Reason.INVALID


@given(st.text().filter(lambda text: "\0" not in text))
def test_nothing_in_a_value_ends_its_filter(text):
    for condition in (equal("cn", text), begins("cn", text), contains("cn", text)):
        inner = condition.removeprefix("(cn=").removesuffix(")").strip("*")
        assert not set(inner) & set("()*\0")
        assert inner == escape_filter_chars(text).strip("*")


@given(st.binary())
def test_octets_are_escaped_one_by_one(octets):
    escaped = "".join(f"\\{octet:02x}" for octet in octets)
    assert equal("objectGUID", octets) == f"(objectGUID={escaped})"
