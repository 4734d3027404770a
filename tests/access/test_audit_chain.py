"""The audit shows when somebody has been at it."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mse_tui.access import audit_chain
from mse_tui.access.audit_chain import Entry
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import Audit

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def write(entries: int, site: str = "A", start: datetime = START) -> None:
    for number in range(entries):
        moment = start + timedelta(days=number)
        audit_chain.append(site, Entry(moment, "ann", "change task", f"Sales {number}", '{"a": 1}', '{"a": 2}'))


def test_what_was_written_verifies(store: Home) -> None:
    write(5)
    found = audit_chain.verify("A")
    assert found.clean
    assert (found.checked, found.pruned, found.head.entries) == (5, 0, 5)
    assert found.head == audit_chain.head("A")


def test_an_emptied_audit_is_found(store: Home) -> None:
    """A site's first entry is of its own making."""
    found = audit_chain.verify("A")
    assert (found.empty, found.clean) == (True, False)
    assert audit_chain.head("A") == audit_chain.Head(0, "")


@pytest.mark.parametrize("column", ["moment", "who", "action", "subject", "before", "after", "digest"])
def test_a_changed_entry_is_found(store: Home, column: str) -> None:
    write(5)
    value = b"\0" * 32 if column == "digest" else 7 if column == "moment" else "bob"
    Audit.update({column: value}).where(Audit.id == 3).execute()
    assert audit_chain.verify("A").broken_at == 3


def test_an_entry_taken_out_is_found(store: Home) -> None:
    write(5)
    Audit.delete().where(Audit.id == 2).execute()
    assert audit_chain.verify("A").broken_at == 3


def test_the_oldest_entry_taken_out_is_found(store: Home) -> None:
    write(5)
    Audit.delete().where(Audit.id == 1).execute()
    assert audit_chain.verify("A").broken_at == 2


def test_text_moved_from_one_part_to_the_next_is_found(store: Home) -> None:
    audit_chain.append("A", Entry(START, "ann", "removetask", "x", "", ""))
    Audit.update(action="remove", subject="taskx").execute()
    assert audit_chain.verify("A").broken_at == 1


def test_entries_cut_off_at_the_end_are_found_against_a_head_kept_elsewhere(store: Home) -> None:
    write(5)
    kept = audit_chain.head("A").digest
    assert audit_chain.verify("A", kept).clean
    write(1, start=START + timedelta(days=9))
    assert audit_chain.verify("A", kept.upper()).clean, "the audit may have grown since"
    Audit.delete().where(Audit.id >= 5).execute()
    assert audit_chain.verify("A").clean
    found = audit_chain.verify("A", kept)
    assert found.foreign_head
    assert not found.clean


def test_sites_have_chains_of_their_own(store: Home) -> None:
    write(3)
    write(2, site="B")
    write(1, start=START + timedelta(days=9))
    Audit.update(who="bob").where(Audit.site == "B", Audit.subject == "Sales 0").execute()
    assert audit_chain.verify("A").clean
    assert not audit_chain.verify("B").clean


def test_pruned_by_age_the_rest_verifies(store: Home) -> None:
    write(1_200)
    assert audit_chain.prune(START + timedelta(days=1_100)) == 1_100
    found = audit_chain.verify("A")
    assert found.clean
    assert (found.checked, found.pruned, found.head.entries) == (100, 1_100, 1_200)
    write(1, start=START + timedelta(days=2_000))
    assert audit_chain.verify("A").clean
    assert audit_chain.prune(START + timedelta(days=9_000)) == 101
    assert audit_chain.head("A").entries == 1_201
    write(1, start=START + timedelta(days=9_001))
    assert audit_chain.verify("A").clean


def test_the_head_at_the_last_pruned_entry_is_still_known(store: Home) -> None:
    write(3)
    kept = audit_chain.head("A").digest
    write(1, start=START + timedelta(days=9))
    audit_chain.prune(START + timedelta(days=8))
    assert audit_chain.verify("A", kept).clean


def test_a_clock_set_back_prunes_nothing_from_the_middle(store: Home) -> None:
    write(3)
    write(1, start=START - timedelta(days=400))
    write(2, start=START + timedelta(days=5))
    assert audit_chain.prune(START - timedelta(days=1)) == 0
    assert audit_chain.verify("A").clean


@given(texts=some.tuples(*[some.text(max_size=20)] * 5), moment=some.datetimes(timezones=some.just(UTC)))
def test_any_text_reads_back_as_it_was_sealed(
    tmp_path_factory: pytest.TempPathFactory, texts: tuple[str, str, str, str, str], moment: datetime
) -> None:
    open_database(tmp_path_factory.mktemp("home") / "mse-tui.db")
    try:
        audit_chain.append("A", Entry(moment, *texts))
        audit_chain.append("A", Entry(moment, *texts))
        assert audit_chain.verify("A").clean
    finally:
        close_database()


_SITE = (
    "INSERT INTO site (code, description, binding, host_name, host_os, version, enabled, created)"
    " VALUES ('A', '', 'exchange_server', '', '', '', 1, 0)"
)
_UNCHAINED = """
DROP TABLE audit;
DROP TABLE audit_anchor;
DELETE FROM schema_migration WHERE name LIKE '0007%';
CREATE TABLE audit (id INTEGER NOT NULL PRIMARY KEY, moment INTEGER NOT NULL, who VARCHAR(255) NOT NULL,
    action VARCHAR(255) NOT NULL, subject TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL);
CREATE INDEX audit_moment ON audit (moment);
INSERT INTO audit VALUES (1, 5, 'ann', 'create site', 'Höfe', '', '{}'), (4, 6, 'bob', 'run now', 'x', '', '');
"""


def test_entries_of_an_older_version_are_chained_when_it_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "mse-tui.db"
    open_database(path).execute_sql(_SITE)
    close_database()
    plain = sqlite3.connect(path)
    plain.executescript(_UNCHAINED)
    plain.close()
    open_database(path)
    try:
        found = audit_chain.verify("A")
        assert found.clean
        assert found.checked == 2
        audit_chain.append("A", Entry(START, "ann", "stop", "x", "", ""))
        assert audit_chain.verify("A").clean
    finally:
        close_database()
