"""Reading folder permissions and delegates over EWS: levels, single rights, everybody, entries of who is gone."""

import pytest

from mse_tui.access.rights import Right
from mse_tui.access.trustees import Trustee
from mse_tui.exchange.ews import connect
from mse_tui.exchange.permissions import Delegates, TrusteeKind
from mse_tui.exchange.rows import Area, ItemFailure
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.server import SandboxServer
from tests.exchange.canned import (
    PASSWORD_VARIABLE,
    Answer,
    Canned,
    Halts,
    entries,
    envelope,
    error,
    opened,
    settings,
    success,
)

BOB = (
    "<t:SID>S-1-5-21-1-2-3-1001</t:SID><t:PrimarySmtpAddress>Bob@Example.com</t:PrimarySmtpAddress>"
    "<t:DisplayName>Bob</t:DisplayName>"
)


def permission(user, level, rights="", calendar=""):
    return (
        f"<t:{calendar}Permission><t:UserId>{user}</t:UserId>{rights}"
        f"<t:{calendar}PermissionLevel>{level}</t:{calendar}PermissionLevel></t:{calendar}Permission>"
    )


def folder(*permissions, calendar="", unknown=""):
    kind = f"{calendar}Folder"
    inner = "".join(permissions)
    return success(
        "GetFolder",
        f"<m:Folders><t:{kind}><t:FolderId Id='F'/><t:PermissionSet><t:{calendar}Permissions>{inner}"
        f"</t:{calendar}Permissions>{unknown}</t:PermissionSet></t:{kind}></m:Folders>",
    )


def read(halts, *messages, ids=("F",)):
    """What the server's entries come to."""
    with (
        Canned(lambda _: Answer(body=entries("GetFolder", *messages))) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
    ):
        found = mailbox.permissions.of_folders(ids)
        assert b'FieldURI="folder:PermissionSet"' in server.asked[0].body
        return found


@pytest.mark.parametrize(
    ("level", "rights", "right"),
    [
        ("None", "", None),
        ("Reviewer", "", Right.READ),
        ("Owner", "", Right.READ),
        ("Contributor", "", Right.FOLDER),
        ("Custom", "<t:ReadItems>FullDetails</t:ReadItems>", Right.READ),
        ("Custom", "<t:IsFolderVisible>true</t:IsFolderVisible><t:ReadItems>None</t:ReadItems>", Right.FOLDER),
        ("Custom", "<t:IsFolderOwner>1</t:IsFolderOwner><t:ReadItems>None</t:ReadItems>", Right.FOLDER),
        ("Custom", "<t:CanCreateItems>true</t:CanCreateItems><t:EditItems>All</t:EditItems>", None),
        ("Editor", "<t:ReadItems>None</t:ReadItems>", None),
        ("AlmightyEditor", "", None),
        ("Custom", "<t:ReadItems>SomethingNew</t:ReadItems>", None),
    ],
)
def test_what_an_entry_lets_see(halts, level, rights, right):
    (found,) = read(halts, folder(permission(BOB, level, rights)))
    (entry,) = found.entries
    assert (entry.kind, entry.level, entry.right) == (TrusteeKind.NAMED, level, right)
    assert entry.trustee == Trustee("S-1-5-21-1-2-3-1001", "bob@example.com", "Bob")


@pytest.mark.parametrize(
    ("level", "right"),
    [
        ("FreeBusyTimeOnly", Right.TIMES),
        ("FreeBusyTimeAndSubjectAndLocation", Right.OUTLINE),
        ("Reviewer", Right.READ),
        ("None", None),
    ],
)
def test_a_calendar_shows_by_degrees(halts, level, right):
    (found,) = read(halts, folder(permission(BOB, level, calendar="Calendar"), calendar="Calendar"))
    assert found.entries[0].right is right


def test_everybody_strangers_and_entries_of_who_is_gone_are_told_apart(halts):
    unknown = "<t:UnknownEntries><t:UnknownEntry>NT User:S-1-5-21-9</t:UnknownEntry></t:UnknownEntries>"
    users = (
        "<t:DistinguishedUser>Default</t:DistinguishedUser>",
        "<t:DistinguishedUser>Anonymous</t:DistinguishedUser>",
        "<t:ExternalUserIdentity>eve@elsewhere.example</t:ExternalUserIdentity>",
    )
    (found,) = read(halts, folder(*(permission(user, "Reviewer") for user in users), unknown=unknown))
    assert [each.kind for each in found.entries] == [TrusteeKind.DEFAULT, TrusteeKind.ANONYMOUS, TrusteeKind.EXTERNAL]
    assert found.unknown == ("NT User:S-1-5-21-9",)


def test_a_folder_that_cannot_be_read_does_not_cost_the_others(halts):
    found = read(halts, error("GetFolder", "ErrorItemNotFound"), folder(permission(BOB, "Editor")), ids=("A", "B"))
    assert isinstance(found[0], ItemFailure) and found[0].remote_id == "A"
    assert found[1].folder_id == "B" and found[1].entries


def test_a_folder_without_permissions_is_a_broken_answer_and_not_an_empty_one(halts):
    with pytest.raises(Problem) as met:
        read(halts, success("GetFolder", "<m:Folders><t:Folder><t:FolderId Id='F'/></t:Folder></m:Folders>"))
    assert met.value.reason is Reason.RESPONSE_BROKEN


def delegates_answer(inner, klass="Success"):
    return envelope(f'<m:GetDelegateResponse ResponseClass="{klass}">{inner}</m:GetDelegateResponse>')


@pytest.mark.parametrize(
    "answer",
    [
        delegates_answer("<m:ResponseCode>NoError</m:ResponseCode><m:DeliverMeetingRequests>NoForward"
                         "</m:DeliverMeetingRequests>"),
        delegates_answer("<m:MessageText>x</m:MessageText><m:ResponseCode>ErrorDelegateMissingConfiguration"
                         "</m:ResponseCode>", "Error"),
    ],
)  # fmt: skip
def test_a_mailbox_without_delegates(halts, answer):
    with (
        Canned(lambda _: Answer(body=answer)) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
    ):
        assert mailbox.permissions.delegates() == Delegates(())
    assert b"<t:EmailAddress>ann@example.com</t:EmailAddress>" in server.asked[0].body


def test_another_refusal_is_no_empty_list(halts):
    refusal = delegates_answer(
        "<m:MessageText>x</m:MessageText><m:ResponseCode>ErrorAccessDenied</m:ResponseCode>", "Error"
    )
    with (
        Canned(lambda _: Answer(body=refusal)) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as met,
    ):
        mailbox.permissions.delegates()
    assert met.value.reason is Reason.ACCESS_DENIED


def test_delegates_with_their_levels_and_those_who_are_gone(halts):
    name = "DelegateUserResponseMessageType"
    known = (
        f'<m:{name} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:DelegateUser><t:UserId>{BOB}'
        "</t:UserId><t:DelegatePermissions><t:CalendarFolderPermissionLevel>Editor</t:CalendarFolderPermissionLevel>"
        "<t:InboxFolderPermissionLevel>None</t:InboxFolderPermissionLevel><t:TasksFolderPermissionLevel>Custom"
        "</t:TasksFolderPermissionLevel></t:DelegatePermissions><t:ViewPrivateItems>true</t:ViewPrivateItems>"
        f"</m:DelegateUser></m:{name}>"
    )
    gone = (
        f'<m:{name} ResponseClass="Error"><m:MessageText>x</m:MessageText><m:ResponseCode>ErrorDelegateNoUser'
        f"</m:ResponseCode></m:{name}>"
    )
    with (
        Canned(lambda _: Answer(body=entries("GetDelegate", known, gone))) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
    ):
        found = mailbox.permissions.delegates()
    (bob,) = found.delegates
    assert found.unknown == 1 and bob.views_private and bob.trustee.address == "bob@example.com"
    assert [bob.right_in(name) for name in ("calendar", "inbox", "tasks", "notes")] == [Right.READ, None, None, None]


def test_against_the_practice_organisation(tmp_path, monkeypatch):
    grace = "grace.whitfield@nordlicht.example"
    with SandboxServer(tmp_path, people=25, messages=600, mean_bytes=3000) as server:
        user, password = server.service_account
        monkeypatch.setenv(PASSWORD_VARIABLE, password)
        with opened(connect(settings(server.url, user=user), Halts()), grace) as mailbox:
            folders = mailbox.folder_changes(Area.PRIMARY, None).changed
            found = mailbox.permissions.of_folders([each.remote_id for each in folders])
            delegates = mailbox.permissions.delegates()
    named = {
        folder.distinguished or folder.name: {each.trustee.address: each.right for each in one.entries}
        for folder, one in zip(folders, found, strict=True)
    }
    assert len(found) == len(folders) > 15
    assert named["inbox"]["birgit.hansen@nordlicht.example"] is Right.READ
    assert named["Harbour Light"]["sophie.daubigne@nordlicht.example"] is None
    assert named["calendar"]["geschaeftsleitung@nordlicht.example"] is Right.READ
    (birgit,) = delegates.delegates
    assert birgit.right_in("calendar") is Right.READ and birgit.right_in("tasks") is None
