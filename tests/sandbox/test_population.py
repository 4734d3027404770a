"""A filled organisation: what is in it, and how long filling takes."""

import time

import pytest

from mse_tui.sandbox.content import render
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.population import Extent, populate, sample_messages


@pytest.fixture
def store(tmp_path):
    with MailStore(tmp_path / "mail.db", render) as opened:
        yield opened


def items_by_folder(store, address):
    mailbox = store.mailbox(address)
    return {folder: store.items(folder.id) for folder in store.folders(mailbox.id)}


def test_exactly_as_many_items_as_asked_for_besides_calendars(store):
    populate(store, Extent(people=4, messages=1_111, mean_bytes=3_000))
    people = [one for one in store.mailboxes() if one.kind == "user" and not one.disabled]
    found = [
        len(items)
        for one in people
        for folder, items in items_by_folder(store, one.address).items()
        if folder.folder_class != "IPF.Appointment"
    ]
    assert (len(people), sum(found)) == (4, 1_111)


def test_the_first_mailbox_has_what_real_ones_have(store):
    populate(store, Extent(people=2, messages=1_500, mean_bytes=3_000))
    folders = items_by_folder(store, "ceo@nordlicht.example")
    primary = [one for one in folders if one.area == "primary"]
    visible = [one for one in primary if one.folder_class not in ("", "IPF.Appointment")]
    assert len(visible) == 22
    classes = {row["item_class"] for items in folders.values() for row in items}
    assert {"IPM.Note", "IPM.Contact", "IPM.Task", "IPM.StickyNote", "IPM.Appointment"} <= classes
    mails = [items for one, items in folders.items() if one.folder_class != "IPF.Appointment"]
    loaded = {store.content(row) for items in mails for row in items if row["blob"] is not None}
    assert loaded == set(sample_messages())
    with_items = [one.name for one, items in folders.items() if items and not one.distinguished]
    assert len(with_items) >= 10


def test_folders_speak_their_owners_language(store):
    populate(store, Extent(people=6, messages=0))
    names = {folder.name for one in store.mailboxes() for folder in store.folders(one.id)}
    assert {"Inbox", "Posteingang", "Boîte de réception", "受信トレイ", "תיבת דואר נכנס", "Skrzynka odbiorcza"} <= names


def test_the_same_extent_fills_the_same(tmp_path):
    def fingerprint(name):
        with MailStore(tmp_path / name, render) as store:
            populate(store, Extent(people=2, messages=300, seed=9))
            with store.reading() as connection:
                columns = "folder, subject, message_id, received, size, flag, categories, start_at"
                return [tuple(row) for row in connection.execute(f"SELECT {columns} FROM item ORDER BY id")]

    assert fingerprint("one.db") == fingerprint("two.db")


def test_more_people_than_the_data_names(store):
    populate(store, Extent(people=40, messages=80))
    assert len([one for one in store.mailboxes() if one.kind == "user" and not one.disabled]) == 40
    assert len({one.name for one in store.mailboxes()}) > 40


def test_progress_is_told(store):
    told = []
    populate(store, Extent(people=3, messages=90), told.append)
    assert told == sorted(told)
    assert told[-1] == 90


@pytest.mark.slow
def test_ten_thousand_messages_take_about_a_second(store):
    begun = time.process_time()
    populate(store, Extent(people=1, messages=10_000))
    assert time.process_time() - begun < 5
