"""Folders, synchronisation and fetching, as an EWS client sees the practice organisation."""

import random

import pytest

from mse_tui.sandbox.ews.ids import IdMaker
from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import Caller
from mse_tui.sandbox.faults import FaultKind, Faults
from mse_tui.sandbox.records import DeleteType
from tests.sandbox.conftest import message, render
from tests.sandbox.ews_rig import (
    NS,
    Rig,
    changes,
    distinguished,
    folder_id,
    get_folder,
    get_item,
    mime_of,
    shape,
    sync_hierarchy,
    sync_items,
    text,
)

ALL_DISTINGUISHED = """root msgfolderroot inbox sentitems deleteditems drafts junkemail outbox calendar contacts tasks
notes journal searchfolders recoverableitemsroot recoverableitemsdeletions recoverableitemsversions
recoverableitemspurges archiveroot archivemsgfolderroot archiveinbox archivedeleteditems archiverecoverableitemsroot
archiverecoverableitemsdeletions archiverecoverableitemspurges""".split()  # noqa: SIM905


def inbox_id(rig: Rig) -> str:
    return rig.ok(get_folder(distinguished("inbox")))[0].find(".//t:FolderId", NS).get("Id")


def folder_names(message_element) -> dict[str, str]:
    return {
        each.findtext("t:DisplayName", namespaces=NS): each.find("t:FolderId", NS).get("Id")
        for each in message_element.iterfind(".//t:Folders/*", NS)
    }


def inbox_items(rig: Rig) -> list[str]:
    message_element = rig.ok(sync_items(distinguished("inbox")))[0]
    return [item for change, item in changes(message_element) if change == "Create"]


def create_folder(rig: Rig, parent: str, name: str, kind: str = "Folder") -> str:
    created = rig.ok(
        f"<m:CreateFolder><m:ParentFolderId>{parent}</m:ParentFolderId><m:Folders><t:{kind}>"
        f"<t:DisplayName>{name}</t:DisplayName></t:{kind}></m:Folders></m:CreateFolder>"
    )
    return created[0].find(".//t:FolderId", NS).get("Id")


def delete_folder(folder: str, how: str) -> str:
    return f'<m:DeleteFolder DeleteType="{how}"><m:FolderIds>{folder}</m:FolderIds></m:DeleteFolder>'


def test_every_distinguished_folder_is_there_and_says_its_name(rig: Rig) -> None:
    found = rig.ok(get_folder("".join(distinguished(name) for name in ALL_DISTINGUISHED)))
    assert [text(each, ".//t:DistinguishedFolderId") for each in found] == ALL_DISTINGUISHED


@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_folder_counts(rig: Rig, base: str) -> None:
    (found,) = rig.ok(get_folder(distinguished("inbox"), base, "folder:PermissionSet"))
    assert text(found, ".//t:TotalCount") == (None if base == "IdOnly" else "10")
    assert text(found, ".//t:UnreadCount") == (None if base == "IdOnly" else "10")
    rig.ok(get_folder(distinguished("calendar"), base, "folder:PermissionSet"))


def test_folder_life(rig: Rig) -> None:
    parent = create_folder(rig, distinguished("inbox"), "Projets &amp; idées")
    child = create_folder(rig, folder_id(parent), "2024")
    listed = rig.ok(sync_hierarchy())[0]
    state = text(listed, "m:SyncState")
    assert {parent, child} <= {folder for _, folder in changes(listed)}
    rig.ok(
        f"<m:UpdateFolder><m:FolderChanges><t:FolderChange>{folder_id(parent)}<t:Updates><t:SetFolderField>"
        '<t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>Projects</t:DisplayName></t:Folder>'
        "</t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>"
    )
    rig.ok(
        f"<m:MoveFolder><m:ToFolderId>{distinguished('msgfolderroot')}</m:ToFolderId>"
        f"<m:FolderIds>{folder_id(child)}</m:FolderIds></m:MoveFolder>"
    )
    after = rig.ok(sync_hierarchy(state))[0]
    assert sorted(changes(after)) == sorted([("Update", parent), ("Update", child)])
    assert folder_names(rig.ok(
        f'<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
        f"<m:ParentFolderIds>{distinguished('inbox')}</m:ParentFolderIds></m:FindFolder>"
    )[0]) == {"Projects": parent}  # fmt: skip
    rig.ok(delete_folder(folder_id(parent), "HardDelete"))
    rig.ok(delete_folder(folder_id(child), "MoveToDeletedItems"))
    last = rig.ok(sync_hierarchy(text(after, "m:SyncState")))[0]
    assert sorted(changes(last)) == sorted([("Delete", parent), ("Update", child)])
    assert rig.error(get_folder(folder_id(parent))) == "ErrorFolderNotFound"
    assert rig.error(sync_items(folder_id(parent))) == "ErrorFolderNotFound"
    assert changes(rig.ok(sync_hierarchy(text(last, "m:SyncState")))[0]) == []


def test_moving_out_of_the_synchronised_tree_is_a_deletion_there(rig: Rig) -> None:
    parent = create_folder(rig, distinguished("inbox"), "Outer")
    child = create_folder(rig, folder_id(parent), "Inner")
    in_inbox = text(rig.ok(sync_hierarchy(folder=distinguished("inbox")))[0], "m:SyncState")
    in_drafts = text(rig.ok(sync_hierarchy(folder=distinguished("drafts")))[0], "m:SyncState")
    rig.ok(
        f"<m:MoveFolder><m:ToFolderId>{distinguished('drafts')}</m:ToFolderId>"
        f"<m:FolderIds>{folder_id(parent)}</m:FolderIds></m:MoveFolder>"
    )
    away = changes(rig.ok(sync_hierarchy(in_inbox, distinguished("inbox")))[0])
    here = changes(rig.ok(sync_hierarchy(in_drafts, distinguished("drafts")))[0])
    assert sorted(away) == sorted([("Delete", parent), ("Delete", child)])
    assert here == [("Create", parent), ("Create", child)]


def test_standard_folders_stay(rig: Rig) -> None:
    inbox = distinguished("inbox")
    assert rig.error(delete_folder(inbox, "HardDelete")) == "ErrorDeleteDistinguishedFolder"
    assert (
        rig.error(
            f"<m:MoveFolder><m:ToFolderId>{distinguished('drafts')}</m:ToFolderId>"
            f"<m:FolderIds>{inbox}</m:FolderIds></m:MoveFolder>"
        )
        == "ErrorMoveDistinguishedFolder"
    )
    create_folder(rig, inbox, "Twice")
    assert rig.error(
        f"<m:CreateFolder><m:ParentFolderId>{inbox}</m:ParentFolderId><m:Folders><t:Folder>"
        "<t:DisplayName>twice</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>"
    ) == ("ErrorFolderExists")


def test_find_folder_restricted_and_paged(rig: Rig) -> None:
    for name in ("Alpha", "Beta", "Gamma"):
        create_folder(rig, distinguished("inbox"), name)
    find = (
        '<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>{view}{test}'
        f"<m:ParentFolderIds>{distinguished('msgfolderroot')}</m:ParentFolderIds></m:FindFolder>"
    )
    named = (
        '<m:Restriction><t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase">'
        '<t:FieldURI FieldURI="folder:DisplayName"/><t:Constant Value="MM"/></t:Contains></m:Restriction>'
    )
    assert list(folder_names(rig.ok(find.format(view="", test=named))[0])) == ["Gamma"]
    view = '<m:IndexedPageFolderView MaxEntriesReturned="{most}" Offset="{offset}" BasePoint="Beginning"/>'
    first = rig.ok(find.format(view=view.format(most=5, offset=0), test=""))[0].find("m:RootFolder", NS)
    rest = rig.ok(find.format(view=view.format(most=100, offset=5), test=""))[0].find("m:RootFolder", NS)
    assert (first.get("IncludesLastItemInRange"), rest.get("IncludesLastItemInRange")) == ("false", "true")
    assert len(first.findall(".//t:FolderId", NS)) == 5
    assert len(rest.findall(".//t:FolderId", NS)) == int(rest.get("TotalItemsInView")) - 5


def test_initial_sync_page_by_page(rig: Rig) -> None:
    state, seen, pages = "", [], 0
    while True:
        page = rig.ok(sync_items(distinguished("inbox"), state, 3))[0]
        seen += changes(page)
        state, pages = text(page, "m:SyncState"), pages + 1
        if text(page, "m:IncludesLastItemInRange") == "true":
            break
    assert pages == 4
    assert {change for change, _ in seen} == {"Create"}
    assert len({item for _, item in seen}) == 10
    assert changes(rig.ok(sync_items(distinguished("inbox"), state))[0]) == []


def test_net_changes_since_a_state(rig: Rig) -> None:
    first = rig.ok(sync_items(distinguished("inbox")))[0]
    state = text(first, "m:SyncState")
    store, ids = rig.store, IdMaker(rig.store.mailbox("bert@example.com").guid)
    inbox = store.distinguished_folder(1, "inbox")
    rows = [row["id"] for row in store.items(inbox.id)]
    store.update_item(rows[0], {"subject": "Changed"})
    store.set_read([rows[1], rows[0]], read=True)
    store.delete_item(rows[2])
    moved = store.move_item(rows[3], store.distinguished_folder(1, "drafts").id)
    back = store.move_item(moved, inbox.id)
    gone_again = store.add_item(inbox.id, message(50))
    store.delete_item(gone_again)
    arrived = store.add_item(inbox.id, message(51))
    page = rig.ok(sync_items(distinguished("inbox"), state))[0]
    assert sorted(changes(page)) == sorted(
        [
            ("Update", ids.item(rows[0])),
            ("ReadFlagChange", ids.item(rows[1])),
            ("Delete", ids.item(rows[2])),
            ("Delete", ids.item(rows[3])),
            ("Create", ids.item(back)),
            ("Create", ids.item(arrived)),
        ]
    )


def change_at_random(rig: Rig, dice: random.Random, chosen: int, step: int) -> None:
    store = rig.store
    inbox, drafts = store.distinguished_folder(1, "inbox"), store.distinguished_folder(1, "drafts")
    possible = [
        lambda: store.delete_item(chosen, DeleteType.SOFT),
        lambda: store.move_item(chosen, drafts.id),
        lambda: store.update_item(chosen, {"subject": f"s{step}"}),
        lambda: store.set_read([chosen], read=True),
        lambda: store.add_item(inbox.id, message(1000 + step)),
        lambda: store.add_item(inbox.id, message(2000 + step)),
    ]
    dice.choice(possible)()


def test_a_client_that_syncs_while_the_folder_changes_ends_with_the_folder(rig: Rig) -> None:
    store, dice = rig.store, random.Random(7)
    inbox = store.distinguished_folder(1, "inbox")
    known: dict[str, str] = {}
    state, with_subject = "", shape("IdOnly", "item:Subject")
    for step in range(120):
        page = rig.ok(sync_items(distinguished("inbox"), state, dice.choice([1, 2, 5]), with_subject))[0]
        for change in page.find("m:Changes", NS):
            item = change.find(".//*[@Id]", NS).get("Id")
            if change.tag.endswith("Delete"):
                known.pop(item, None)
            elif not change.tag.endswith("ReadFlagChange"):
                known[item] = text(change, ".//t:Subject")
        state = text(page, "m:SyncState")
        rows = store.items(inbox.id)
        if step < 90 and rows:
            change_at_random(rig, dice, dice.choice(rows)["id"], step)
    ids = IdMaker(rig.store.mailbox("bert@example.com").guid)
    assert known == {ids.item(row["id"]): row["subject"] for row in store.items(inbox.id)}


def test_states_that_are_no_states(rig: Rig) -> None:
    state = text(rig.ok(sync_items(distinguished("inbox")))[0], "m:SyncState")
    hierarchy = text(rig.ok(sync_hierarchy())[0], "m:SyncState")
    garbled = state[:20] + ("A" if state[20] != "A" else "B") + state[21:]
    for wrong in ("nonsense", garbled, hierarchy, state[:-8]):
        assert rig.error(sync_items(distinguished("inbox"), wrong)) == "ErrorInvalidSyncStateData"
    assert rig.error(sync_items(distinguished("drafts"), state)) == "ErrorInvalidSyncStateData"
    assert rig.error(sync_hierarchy(state)) == "ErrorInvalidSyncStateData"
    assert changes(rig.ok(sync_items(distinguished("inbox"), state))[0]) == []
    rig.store.invalidate_sync_states(1)
    assert rig.error(sync_items(distinguished("inbox"), state)) == "ErrorInvalidSyncStateData"


def test_sync_rejects_pages_over_512(rig: Rig) -> None:
    rig.check_requests = False
    assert rig.error(sync_items(distinguished("inbox"), most=513)) == "ErrorSchemaValidation"


def test_content_comes_back_byte_for_byte(rig: Rig) -> None:
    loaded = b"Subject: odd\nX-Odd: \xff\xfe\n\nbare newlines\nand a dot\n.\n"
    inbox = rig.store.distinguished_folder(1, "inbox")
    from mse_tui.sandbox.mime import spec_from_mime

    row = rig.store.add_item(inbox.id, spec_from_mime(loaded))
    ids = [*inbox_items(rig)]
    assert IdMaker(rig.store.mailbox("bert@example.com").guid).item(row) in ids
    got = [mime_of(each) for each in rig.ok(get_item(*ids, shape_xml=shape("IdOnly", mime=True)))]
    assert got == [*(render(str(number)) for number in range(10)), loaded]


@pytest.mark.parametrize("base", ["Default", "AllProperties"])
@pytest.mark.parametrize("body", ["HTML", "Text", "Best"])
def test_base_shapes(rig: Rig, base: str, body: str) -> None:
    ids = inbox_items(rig)
    (found, *_rest) = rig.ok(get_item(*ids, shape_xml=shape(base, body=body)))
    assert "Body of 0" in (text(found, ".//t:Body") or "")
    assert found.find(".//t:Body", NS).get("BodyType") == ("HTML" if body == "HTML" else "Text")
    assert text(found, ".//t:FileAttachment/t:Name") == "r.pdf"


def test_extended_properties_are_named_freely_and_tags_computed(rig: Rig) -> None:
    first, *_ = inbox_items(rig)
    wanted = (
        '<t:ExtendedFieldURI PropertyTag="0x001A" PropertyType="String"/>',
        '<t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/>',
        '<t:ExtendedFieldURI PropertyTag="0x0E08" PropertyType="Integer"/>',
        '<t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="none" PropertyType="String"/>',
    )
    (found,) = rig.ok(get_item(first, shape_xml=shape("IdOnly", *wanted)))
    assert [each.text for each in found.iterfind(".//t:Value", NS)] == ["IPM.Note", "16", str(len(render("0")))]


def test_ids_that_name_nothing(rig: Rig) -> None:
    ids = IdMaker(rig.store.mailbox("bert@example.com").guid)
    assert rig.error(get_item("AAMkGarbage=")) == "ErrorInvalidIdMalformed"
    assert rig.error(get_item(ids.item(99999))) == "ErrorItemNotFound"
    assert rig.error(get_folder(folder_id(ids.folder(99999)))) == "ErrorFolderNotFound"
    assert rig.error(get_item(inbox_id(rig))) == "ErrorCannotUseFolderIdForItemId"
    good, bad = rig.messages(get_item(inbox_items(rig)[0], ids.item(99999)))
    assert (good.get("ResponseClass"), bad.get("ResponseClass")) == ("Success", "Error")


def test_who_may_open_what(rig: Rig) -> None:
    store = rig.store
    anna = store.add_mailbox("anna@example.com", "Anna")
    theirs = distinguished("inbox", "anna@example.com")
    assert rig.error(get_folder(theirs)) == "ErrorAccessDenied"
    assert rig.error(get_folder(folder_id(IdMaker(anna.guid).folder(
        store.distinguished_folder(anna.id, "inbox").id
    )))) == "ErrorAccessDenied"  # fmt: skip
    store.grant_full_access(anna.id, "bert@example.com")
    rig.ok(get_folder(theirs))
    assert rig.error(get_folder(distinguished("inbox", "nobody@example.com"))) == "ErrorNonExistentMailbox"
    assert rig.error(get_folder(distinguished("inbox")), "anna@example.com") is not None
    assert rig.call(get_folder(distinguished("inbox")), "anna@example.com").findtext("detail/{*}ResponseCode") == (
        "ErrorImpersonateUserDenied"
    )
    assert rig.error(get_folder(distinguished("archiveinbox", "anna@example.com"))) == "ErrorFolderNotFound"


def test_a_service_account_impersonates(rig: Rig) -> None:
    service = Rig(rig.service, Caller("svc@example.com", may_impersonate=True), rig.checks)
    inbox = get_folder(distinguished("inbox"))
    assert service.error(inbox) == "ErrorMissingEmailAddress"
    service.ok(inbox, "B@example.com")
    assert service.error(inbox, "nobody@example.com") == "ErrorNonExistentMailbox"
    rig.store.set_mailbox(1, error="ErrorMailboxMoveInProgress")
    assert service.error(inbox, "bert@example.com") == "ErrorMailboxMoveInProgress"
    rig.store.set_mailbox(1, error="", disabled=True)
    assert service.error(inbox, "bert@example.com") == "ErrorAccountDisabled"


def test_nonsense_is_a_fault(rig: Rig) -> None:
    rig.check_requests = False
    assert rig.error("<m:Frobnicate/>") == "ErrorInvalidRequest"
    assert rig.error("<m:GetFolder/>") == "ErrorSchemaValidation"
    for body in (b"", b"<", b"<x/>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
        reply = rig.raw(body)
        assert reply.status == 500
        assert b"ErrorInvalidRequest" in reply.body


def test_faults_of_items_and_states(rig: Rig) -> None:
    ids = inbox_items(rig)
    state = text(rig.ok(sync_items(distinguished("inbox")))[0], "m:SyncState")
    faults = Faults()
    rig.service = EwsService(rig.store, faults=faults)
    faults.inject(FaultKind.POISON, item=ids[1], code="ErrorMimeContentConversionFailed")
    faults.inject(FaultKind.POISON, item=ids[2])
    faults.inject(FaultKind.VARYING_MIME)
    fetch = get_item(*ids[:4], shape_xml=shape("IdOnly", mime=True))
    codes = [text(each, "m:ResponseCode") for each in rig.messages(fetch)]
    assert codes == ["NoError", "ErrorMimeContentConversionFailed", "ErrorItemCorrupt", "NoError"]
    once, again = (mime_of(rig.messages(fetch)[0]) for _ in range(2))
    assert once != again
    assert b"Body of 0" in once
    headers = [sorted(each.split(b"\r\n\r\n")[0].split(b"\r\n"))[1:] for each in (once, again)]
    assert headers[0] == headers[1]
    faults.inject(FaultKind.INVALID_SYNC_STATE, count=1)
    assert rig.error(sync_items(distinguished("inbox"), state)) == "ErrorInvalidSyncStateData"
    rig.ok(sync_items(distinguished("inbox"), state))
