"""The practice organisation under nonsense, under load and over a restart."""

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree

from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import Caller
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import DeleteType, MailboxRecord
from tests.sandbox.conftest import message, render
from tests.sandbox.ews_rig import (
    NS,
    Rig,
    changes,
    distinguished,
    get_folder,
    get_item,
    ids_of,
    mime_of,
    shape,
    sync_hierarchy,
    sync_items,
    text,
)
from tests.sandbox.test_ews_calendar import WEEKLY, ZONES, series, view
from tests.sandbox.test_ews_items import (
    MARKER,
    attach,
    attachment_ids,
    bulk,
    create,
    extended,
    file,
    find,
    set_field,
    update,
)


def samples(rig: Rig) -> list[str]:
    """A request of every operation."""
    item = ids_of(rig.ok(find())[0])[0]
    (got,) = rig.ok(get_item(item))
    attachment = got.find(".//t:AttachmentId", NS).get("Id")
    folder = distinguished("drafts")
    master, _ = series(rig)
    restriction = (
        '<m:Restriction><t:Or><t:Contains ContainmentMode="Substring" ContainmentComparison="Exact">'
        '<t:FieldURI FieldURI="item:Subject"/><t:Constant Value="1"/></t:Contains><t:Exists>' + MARKER + "</t:Exists>"
        '<t:Excludes><t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/><t:Bitmask Value="1"/>'
        "</t:Excludes>"
        "</t:Or></m:Restriction>"
    )
    order = (
        '<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Size"/></t:FieldOrder></m:SortOrder>'
    )
    page = '<m:IndexedPageItemView MaxEntriesReturned="4" Offset="0" BasePoint="Beginning"/>'
    named = "<t:Folder><t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>N</t:DisplayName></t:Folder>"
    return [
        get_folder(folder + distinguished("inbox", "b@example.com")),
        get_item(item, shape_xml=shape("AllProperties", MARKER, "item:Body", mime=True, body="HTML")),
        sync_items(folder, most=5),
        sync_hierarchy(folder=distinguished("msgfolderroot")),
        find(restriction + order, view=page),
        view("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        create("<t:Subject>x</t:Subject>" + extended(MARKER, "1") + "<t:IsRead>true</t:IsRead>"),
        create(
            f"<t:Subject>x</t:Subject><t:Start>2024-03-25T09:00:00Z</t:Start><t:End>2024-03-25T10:00:00Z</t:End>{WEEKLY}{ZONES}",
            "calendar",
            "CalendarItem",
        ),
        update(item, set_field("item:Subject", "<t:Subject>y</t:Subject>") + set_field(MARKER, extended(MARKER, "2"))),
        bulk("MoveItem", item, folder="inbox"),
        bulk("CopyItem", item, folder="inbox"),
        bulk("DeleteItem", item, attributes=' DeleteType="HardDelete"'),
        f'<m:GetItem>{shape()}<m:ItemIds><t:OccurrenceItemId RecurringMasterId="{master}" InstanceIndex="2"/>'
        "</m:ItemIds></m:GetItem>",
        attach(item, file("a.txt", b"x", "<t:ContentId>c</t:ContentId>")),
        attachment_ids("GetAttachment", attachment),
        attachment_ids("DeleteAttachment", attachment),
        f"<m:CreateFolder><m:ParentFolderId>{folder}</m:ParentFolderId><m:Folders>{named}</m:Folders></m:CreateFolder>",
        f"<m:UpdateFolder><m:FolderChanges><t:FolderChange>{folder}<t:Updates><t:SetFolderField>"
        f'<t:FieldURI FieldURI="folder:DisplayName"/>{named}</t:SetFolderField></t:Updates></t:FolderChange>'
        "</m:FolderChanges></m:UpdateFolder>",
        f"<m:MoveFolder><m:ToFolderId>{folder}</m:ToFolderId><m:FolderIds>{folder}</m:FolderIds></m:MoveFolder>",
        f'<m:DeleteFolder DeleteType="SoftDelete"><m:FolderIds>{folder}</m:FolderIds></m:DeleteFolder>',
        "<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts>"
        f"<m:FolderIds>{folder}</m:FolderIds></m:MarkAllItemsAsRead>",
    ]


def damaged(body: bytes, dice: random.Random) -> bytes:
    """A request with one element or attribute lost or made nonsense."""
    root = etree.fromstring(body)
    inside = [each for each in root.iter() if each.getparent() is not None]
    chosen = dice.choice(inside[2:])
    kind = dice.randrange(5)
    if kind == 0:
        chosen.getparent().remove(chosen)
    elif kind == 1 and chosen.attrib:
        del chosen.attrib[dice.choice(list(chosen.attrib))]
    elif kind == 2 and chosen.attrib:
        chosen.set(dice.choice(list(chosen.attrib)), dice.choice(["", "-1", "zz", "\u2603"]))
    elif kind == 3:
        chosen.text = dice.choice(["", "nonsense", "-7"])
    else:
        chosen.tag = dice.choice([etree.QName(NS["t"], "Other"), etree.QName(NS["m"], "Other")])
    return etree.tostring(root)


def test_damaged_requests_get_an_ews_error(rig: Rig) -> None:
    dice = random.Random(5)
    bodies = [rig.envelope(each) for each in samples(rig)]
    crashed = set()
    for _ in range(1500):
        body = damaged(dice.choice(bodies), dice)
        reply = rig.raw(body)
        if b"ErrorInternalServerError" in reply.body:
            crashed.add(body)
    assert crashed == set()


def test_readers_and_writers_at_once(rig: Rig, bert: MailboxRecord) -> None:
    store = rig.store
    inbox, drafts = (store.distinguished_folder(bert.id, name) for name in ("inbox", "drafts"))
    assert inbox is not None and drafts is not None

    def write(number: int) -> None:
        row = store.add_item(inbox.id, message(number))
        store.update_item(row, {"flag": "Flagged"})
        moved = store.move_item(row, drafts.id)
        if number % 3 == 0:
            store.delete_item(moved, DeleteType.SOFT)

    def read(_: int) -> int:
        page = rig.ok(sync_items(distinguished("drafts"), shape_xml=shape("IdOnly", "item:Subject")))[0]
        return len(changes(page))

    with ThreadPoolExecutor(6) as pool:
        written = [pool.submit(write, number) for number in range(60)]
        seen = [pool.submit(read, number) for number in range(30)]
        for each in (*written, *seen):
            each.result()
    assert store.counts(drafts.id)[0] == 40
    assert store.counts(inbox.id)[0] == 10


def test_a_full_disk_is_told_as_such_and_ends_with_it(mail: MailStore, bert: MailboxRecord) -> None:
    inbox = mail.distinguished_folder(bert.id, "inbox")
    assert inbox is not None
    before = mail.counts(inbox.id)[0]

    def allow(more: int) -> None:
        with mail.reading() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + more}")

    allow(0)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        mail.add_items(inbox.id, (message(number) for number in range(1000)))
    allow(1000)
    mail.add_item(inbox.id, message(1))
    assert mail.counts(inbox.id)[0] == before + 1


def test_all_is_there_after_a_restart(tmp_path: Path, rig: Rig, mail: MailStore) -> None:
    first = rig.ok(sync_items(distinguished("inbox")))[0]
    state, ids = text(first, "m:SyncState"), [item for _, item in changes(first)]
    mail.close()
    with MailStore(tmp_path / "mail.db", render) as reopened:
        again = Rig(EwsService(reopened), Caller("bert@example.com"), rig.checks)
        reopened.delete_item(reopened.items(reopened.distinguished_folder(1, "inbox").id)[0]["id"])
        assert changes(again.ok(sync_items(distinguished("inbox"), state))[0]) == [("Delete", ids[0])]
        assert mime_of(again.ok(get_item(ids[1], shape_xml=shape(mime=True)))[0]) == render("1")
