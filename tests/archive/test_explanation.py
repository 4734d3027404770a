"""Explaining retention: what applies to a message, which decides, and what happens when."""

import time
from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from mse_tui.archive.approvals import definition_subject
from mse_tui.archive.explanation import explain_message
from mse_tui.archive.holds import HoldScope
from mse_tui.store.database import now
from mse_tui.store.retention import Hold, RetentionStamp
from tests.archive.conftest import ArchivedMailbox
from tests.archive.test_purge import (  # noqa: F401 (fixtures)
    RECEIVED,
    ann,
    approve,
    archived,
    bob,
    clock,
    definition,
    purge,
    setting,
    stamp,
)


@pytest.fixture(autouse=True)
def oslo() -> Iterator[None]:
    """The machine is in Oslo, an hour ahead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Oslo")
        time.tzset()
        yield
    time.tzset()


def told(message: int, day: float, mailbox: ArchivedMailbox | None = None) -> dict[str, str]:
    lines = explain_message(message, mailbox and mailbox.row.id).lines(RECEIVED + timedelta(days=day))
    return dict(reversed(lines))


def test_without_any_rule_it_stays(archived, ann):  # noqa: F811
    assert told(archived(1, ann), 1)["Purge"] == "never, as things stand"


def test_before_and_after_it_is_due(archived, ann, purge):  # noqa: F811
    message = archived(1, ann)
    setting(default_days=10, quarantine_days=5)
    assert told(message, 1)["Purge"] == "due on 2024-03-11, then 5 days in quarantine: gone about 2024-03-16"
    assert told(message, 11)["Purge"].startswith("due since 2024-03-11")
    purge(11)
    assert told(message, 12)["Purge"] == "in quarantine since 2024-03-12, gone for good on 2024-03-17"
    assert told(message, 12)["Decides"] == "the default retention of 10 days"


def test_a_hold_decides_and_frees_what_is_set_aside(archived, ann, purge):  # noqa: F811
    message = archived(1, ann)
    setting(default_days=10)
    purge(11)
    Hold.create(name="Case 7", scope=HoldScope.ARCHIVE, placed=now(), placed_by="eve")
    lines = told(message, 12)
    assert lines["Decides"] == "the hold 'Case 7'"
    assert lines["Purge"].startswith("not while the hold 'Case 7' stands; it is set aside, and is released")
    assert "placed" in lines["Hold"]


def test_stamps_are_told_with_what_was_before_them(archived, ann):  # noqa: F811
    message, by = archived(1, ann), definition("Seven years")
    old = stamp(message, ann, 5, by=by)
    RetentionStamp.update(ended=now()).where(RetentionStamp.id == old.id).execute()
    stamp(message, ann, 20, by=by, expire=7)
    lines = told(message, 1)
    assert "waits for a second person's approval" in lines["Decides"]
    assert "out of view 2024-03-08 13:00; purge 2024-03-21 13:00, originally never" in lines["Stamp"]
    assert "ended" in lines["Former stamp"]
    approve(definition_subject(by.id))
    assert told(message, 1)["Purge"].startswith("due on 2024-03-21")


@pytest.mark.parametrize("restricted", [True, False])
def test_a_person_is_told_only_what_is_their_mailboxs_own(archived, ann, bob, restricted):  # noqa: F811
    message = archived(1, ann, bob)
    setting(ann, default_days=10)
    setting(bob, default_days=20)
    Hold.create(name="Case 7", scope=HoldScope.MAILBOX, mailbox=bob.row, placed=now(), placed_by="eve")
    text = str(explain_message(message, ann.row.id if restricted else None).lines(RECEIVED))
    assert ("bob@" in text) is ("Case 7" in text) is not restricted


def test_programs_are_told_in_utc_and_so_that_they_see_it(archived, ann):  # noqa: F811
    message = archived(1, ann)
    lines = dict(explain_message(message).lines(RECEIVED, UTC))
    assert lines["Mailbox"].endswith("received 2024-03-01 12:00 UTC")
