"""A group of thousands in a real Active Directory: asked for in pages and ranges, as its limits demand."""

import pytest

from mse_tui.reasons import Reason
from tests.support.reading_along import ReadingAlong
from tests.support.samba.domain import BASE, CROWD, domain

pytestmark = pytest.mark.slow

MOST_IN_A_PAGE, MOST_IN_A_RANGE = 1000, 1500
"""Active Directory's MaxPageSize and MaxValRange; Samba would give more."""


@pytest.fixture(scope="module")
def crowd(samba):
    """A domain with a group of thousands, every fiftieth of them disabled."""
    with domain("crowd") as served:
        yield served


def test_thousands_are_resolved_in_a_few_questions_of_pages_and_ranges(crowd, opened, tmp_path):
    with ReadingAlong(crowd.ldaps_port, crowd.authority, tmp_path) as along:
        directory = opened(crowd, servers=(f"localhost:{along.port}",))
        found = directory.members(directory.group("Crowd").key)
        directory.close()
        searches, answers = along.searches(), along.entries_an_answer()
    disabled = [one for one in found.skipped if one.reason is Reason.MAILBOX_DISABLED]
    assert (len(found.included), len(disabled), len(found.skipped)) == (CROWD - CROWD // 50, CROWD // 50, CROWD // 50)
    assert len({member.address for member in found.included}) == len(found.included)

    paged = [asked for asked in searches if asked.base == BASE and asked.scope == 2 and not asked.limit]
    assert paged and all(0 < asked.page <= MOST_IN_A_PAGE for asked in paged)
    assert max(answers) <= MOST_IN_A_PAGE
    ranges = [name for asked in searches for name in asked.attributes if name.startswith("member;")]
    assert ranges == [f"member;range=0-{MOST_IN_A_RANGE - 1}", f"member;range={MOST_IN_A_RANGE}-2999"]
    assert len(searches) < 15


def test_nobody_in_the_crowd_is_missing(crowd, opened):
    directory = opened(crowd)
    group = directory.group("Crowd")
    found = directory.members(group.key)
    everybody = {one.address for one in found.included} | {one.entry for one in found.skipped}
    assert everybody == {f"u{index:05d}@test.example" for index in range(CROWD)}
