"""Whatever a person types, a real Active Directory is never asked for more than that."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.reasons import Problem, Reason
from tests.support.samba.domain import BASE, PERSON_PASSWORD

REFUSED = {Reason.GROUP_NOT_FOUND, Reason.GROUP_AMBIGUOUS, Reason.INVALID}

_NAMES = ["Level 1", "Level1", "news@test.example", "Twins", "alice", f"CN=Level 1,OU=Groups,{BASE}", "Łódź 東京 🙂"]
_ATTACKS = [
    *(
        "*",
        "Lev*",
        "*@*",
        ")(objectClass=*",
        "*)(objectClass=*",
        "x)(|(cn=*",
        "x))(|(objectClass=*)",
        "\\2a",
        "\\",
        "\\2",
    ),
    *(
        "*)(&",
        "!(cn=x)",
        "(cn=*)",
        "\0",
        "Level1\0",
        "Level1\0*",
        "&",
        "|",
        "CN=*",
        "<GUID=*>",
        "<WKGUID=x,DC=x>",
        "=",
        ",",
    ),
    *(f"CN=Level 1\\,OU=Groups,{BASE}", f"CN=*,OU=Groups,{BASE}", f",{BASE}", BASE, f"OU=Groups,{BASE}", "OU=Groups"),
    *("%00", "\ud7ff", "\u202e", "ﬀ", "İ", "ß", "\u00ad", "K"),
]
_pieces = st.one_of(
    st.sampled_from(_NAMES),
    st.sampled_from(_ATTACKS),
    st.text('*()\\=,+#;<>" &|!\0aL1@', max_size=6),
    st.text(max_size=4),
)
typed = st.lists(_pieces, min_size=1, max_size=3).map("".join)
"""What people and attackers type: names that are there, filters and names in pieces, anything."""
several = st.lists(typed, min_size=8, max_size=8)


def folded(text):
    """As a directory compares texts: whatever the case, runs of spaces as one."""
    return re.sub(" +", " ", text.casefold()).strip()


@pytest.fixture(scope="module")
def all_groups(domain_controller):
    """All groups: key -> every text that names it, read by an administrator's own tools."""
    return domain_controller.groups()


@given(texts=several)
def test_a_text_names_one_group_or_none(texts, directory, all_groups):
    for text in texts:
        try:
            found = directory.group(text)
        except Problem as problem:
            assert problem.reason in REFUSED, text
            continue
        wanted = {folded(text), folded(text.rpartition("\\")[2]), folded(text.strip(" {}"))}
        assert wanted & {folded(name) for name in all_groups[found.key]}, text


@given(texts=several)
def test_what_is_looked_up_has_the_text_in_it(texts, directory, all_groups):
    for text in texts:
        if "\0" in text:
            # A server may read a text up to its first NUL, and everything begins with nothing.
            with pytest.raises(Problem) as caught:
                directory.find(text)
            assert caught.value.reason is Reason.INVALID
            continue
        for found in directory.find(text):
            assert any(folded(text) in folded(name) for name in all_groups[found.key]), text


@given(texts=several)
def test_a_container_is_the_one_that_was_named_or_none(texts, directory):
    for text in texts:
        if not text:
            continue
        try:
            level = directory.browse(text)
        except Problem as problem:
            assert problem.reason in (Reason.NOT_FOUND, Reason.INVALID), text
            continue
        for row in (*level.branches, *level.groups):
            assert folded(row.where).endswith(folded(re.sub(r"\s*([,=])\s*", r"\1", text))), text


@given(texts=several)
def test_nobody_signs_in_with_a_pattern(texts, directory):
    for text in texts:
        found = directory.accounts.sign_in(text, PERSON_PASSWORD)
        is_alice = folded(text.rpartition("\\")[2]) in ("alice", "alice@ad.test.example", "alice@test.example")
        assert found is None or is_alice, text


@given(texts=several)
def test_nothing_typed_is_somebody_elses_mailbox(texts, directory):
    for text in texts:
        with pytest.raises(Problem) as caught:
            directory.accounts.mailbox_access(text)
        assert caught.value.reason in (Reason.MAILBOX_NOT_FOUND, Reason.INVALID)
        if "\0" not in text:
            assert directory.standing(text) is None


@given(texts=st.lists(st.text(max_size=30), max_size=5))
def test_what_is_no_identifier_is_nobodys(texts, directory):
    assert directory.accounts.by_sid([*texts, "S-1-5-*", "S-1-5-21-0)(objectSid=*"]) == {}
