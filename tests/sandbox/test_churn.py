"""Random changes: exactly as many as asked for, the same for the same seed, and only such as people make."""

import shutil

import pytest

from mse_tui.sandbox.churn import churn
from mse_tui.sandbox.content import render
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.population import Extent, populate

GRACE = "grace.whitfield@nordlicht.example"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("filled") / "mail.db"
    with MailStore(path, render) as store:
        extent = Extent(people=3, messages=300, mean_bytes=3_000)
        populate(store, extent)
        store.put_setting(0, "extent", extent.as_mapping())
    return path


@pytest.fixture
def copies(filled, tmp_path):
    """Opens copies of the filled store."""
    opened = []

    def another():
        path = tmp_path / f"{len(opened)}.db"
        shutil.copy(filled, path)
        opened.append(MailStore(path, render))
        return opened[-1]

    yield another
    for store in opened:
        store.close()


def fingerprint(store):
    with store.reading() as connection:
        folders = connection.execute("SELECT id, parent, name, mailbox FROM folder ORDER BY id").fetchall()
        items = connection.execute(
            "SELECT folder, subject, flag, categories, is_read, message_id FROM item ORDER BY id"
        )
        return [tuple(row) for row in folders], [tuple(row) for row in items.fetchall()]


def test_every_kind_of_change_is_made(copies):
    store = copies()
    done = churn(store, 1_500, 4)
    assert done.total == 1_500
    assert all(number > 0 for number in done.as_mapping().values()), done


def test_the_same_seed_makes_the_same_changes(copies):
    one, two, three = copies(), copies(), copies()
    before = fingerprint(one)
    churn(one, 200, 1)
    churn(two, 200, 1)
    churn(three, 200, 2)
    assert fingerprint(one) == fingerprint(two) != fingerprint(three)
    assert fingerprint(one) != before


def test_one_mailbox_only(copies):
    store = copies()
    others = [one for one in store.mailboxes() if one.address != GRACE]
    before = [(store.folders(one.id), store.count_items(one.id)) for one in others]
    churn(store, 300, 1, mailbox="ceo@nordlicht.example")
    assert [(store.folders(one.id), store.count_items(one.id)) for one in others] == before


def test_arrivals_are_new_messages_with_content(copies):
    store = copies()
    mailbox = store.mailbox(GRACE)

    def ids():
        with store.reading() as connection:
            rows = connection.execute("SELECT message_id, body_seed FROM item WHERE mailbox = ?", (mailbox.id,))
            return {row[0]: row[1] for row in rows}

    before = ids()
    first = churn(store, 100, 1, mailbox=GRACE).arrivals
    between = ids()
    second = churn(store, 100, 1, mailbox=GRACE).arrivals
    assert len(between.keys() - before.keys()) == first
    assert len(ids().keys() - between.keys()) == second
    for message_id in between.keys() - before.keys():
        assert message_id.encode() in render(between[message_id])


def test_an_empty_mailbox_gets_mail(copies):
    store = copies()
    store.add_mailbox("new@nordlicht.example", "New")
    assert churn(store, 20, 1, mailbox="new@nordlicht.example").total == 20
    assert store.count_items(store.mailbox("new@nordlicht.example").id) > 5


def test_nobody_is_refused(copies):
    with pytest.raises(LookupError, match=r"nobody@x\.example"):
        churn(copies(), 1, 1, mailbox="nobody@x.example")
