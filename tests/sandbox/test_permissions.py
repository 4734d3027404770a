"""Folder permissions of the practice organisation, as the documentation has them and the schemas allow."""

import shutil

import pytest

from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import Caller
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.population import Extent, populate
from tests.sandbox.conftest import render
from tests.sandbox.ews_rig import NS, Rig, distinguished, folder_id, get_folder

GRACE, BIRGIT = "grace.whitfield@nordlicht.example", "birgit.hansen@nordlicht.example"


@pytest.fixture(scope="module")
def populated(tmp_path_factory):
    """The company's mail store, as nobody has changed it."""
    path = tmp_path_factory.mktemp("firm") / "mail.db"
    with MailStore(path, render) as store:
        populate(store, Extent(people=25, messages=600))
    return path


@pytest.fixture
def firm(populated, tmp_path):
    with MailStore(shutil.copy(populated, tmp_path), render) as store:
        yield store


@pytest.fixture
def grace(firm, schemas):
    """Grace Whitfield herself, at her mailbox."""
    return Rig(EwsService(firm), Caller(GRACE), schemas)


def shown(rig, folder):
    """Whom a folder's permissions name -> level and what they may read; the unknown ones under ''."""
    (message,) = rig.ok(get_folder(folder, "IdOnly", "folder:PermissionSet"))
    found = {}
    for entry in message.iterfind(".//t:PermissionSet/*/*", NS):
        if entry.tag.endswith("UnknownEntry"):
            found[""] = entry.text
            continue
        user = entry.findtext("t:UserId/t:PrimarySmtpAddress", namespaces=NS)
        user = user or entry.findtext("t:UserId/t:DistinguishedUser", namespaces=NS)
        level = entry.findtext("t:PermissionLevel", namespaces=NS)
        level = level or entry.findtext("t:CalendarPermissionLevel", namespaces=NS)
        found[user] = (level, entry.findtext("t:ReadItems", namespaces=NS))
    return found


def permit(rig, folder, entries, kind="Folder"):
    """UpdateFolder with a PermissionSet; the response code."""
    calendar = "Calendar" if kind == "CalendarFolder" else ""
    return rig.error(
        f"<m:UpdateFolder><m:FolderChanges><t:FolderChange>{folder}<t:Updates><t:SetFolderField>"
        f'<t:FieldURI FieldURI="folder:PermissionSet"/><t:{kind}><t:PermissionSet><t:{calendar}Permissions>{entries}'
        f"</t:{calendar}Permissions></t:PermissionSet></t:{kind}></t:SetFolderField></t:Updates></t:FolderChange>"
        "</m:FolderChanges></m:UpdateFolder>"
    )


def entry(user, level, rights="", calendar=""):
    who = (
        f"<t:DistinguishedUser>{user}</t:DistinguishedUser>"
        if user in ("Default", "Anonymous")
        else f"<t:PrimarySmtpAddress>{user}</t:PrimarySmtpAddress>"
    )
    return (
        f"<t:{calendar}Permission><t:UserId>{who}</t:UserId>{rights}"
        f"<t:{calendar}PermissionLevel>{level}</t:{calendar}PermissionLevel></t:{calendar}Permission>"
    )


def test_the_company_has_assistants_shared_folders_and_entries_of_who_has_left(grace):
    assert shown(grace, distinguished("calendar")) == {
        "Default": ("FreeBusyTimeAndSubjectAndLocation", "TimeAndSubjectAndLocation"),
        "Anonymous": ("None", "None"),
        BIRGIT: ("Editor", "FullDetails"),
        "geschaeftsleitung@nordlicht.example": ("Reviewer", "FullDetails"),
    }
    inbox = shown(grace, distinguished("inbox"))
    assert inbox[BIRGIT] == ("Reviewer", "FullDetails") and inbox[""].startswith("NT User:S-1-5-21-")
    assert shown(grace, distinguished("sentitems")) == {"Default": ("None", "None"), "Anonymous": ("None", "None")}


def test_permissions_are_replaced_by_levels_or_by_single_rights(grace):
    folder = distinguished("drafts")
    entries = entry("Default", "None") + entry(BIRGIT, "Author")
    assert permit(grace, folder, entries) == "NoError"
    assert shown(grace, folder) == {"Default": ("None", "None"), BIRGIT: ("Author", "FullDetails")}
    rights = "<t:IsFolderVisible>true</t:IsFolderVisible><t:ReadItems>FullDetails</t:ReadItems>"
    assert permit(grace, folder, entry(BIRGIT, "Custom", rights)) == "NoError"
    assert shown(grace, folder) == {BIRGIT: ("Custom", "FullDetails")}


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (entry(BIRGIT, "Author", "<t:ReadItems>None</t:ReadItems>"), "ErrorInvalidPermissionSettings"),
        (entry("stranger@elsewhere.example", "Author"), "ErrorInvalidUserInfo"),
        (entry(BIRGIT, "Author") + entry(BIRGIT, "Editor"), "ErrorDuplicateUserIdsSpecified"),
    ],
)
def test_what_is_wrong_with_permissions_is_said_and_changes_nothing(grace, entries, code):
    before = shown(grace, distinguished("junkemail"))
    assert permit(grace, distinguished("junkemail"), entries) == code
    assert shown(grace, distinguished("junkemail")) == before


def test_a_calendar_has_levels_of_its_own(grace):
    level = entry(BIRGIT, "FreeBusyTimeOnly", calendar="Calendar")
    assert permit(grace, distinguished("calendar"), level, "CalendarFolder") == "NoError"
    assert shown(grace, distinguished("calendar")) == {BIRGIT: ("FreeBusyTimeOnly", "TimeOnly")}
    assert permit(grace, distinguished("calendar"), entry(BIRGIT, "Author")) == "ErrorInvalidPermissionSettings"


def test_a_new_folder_begins_with_its_parents_permissions(grace):
    assert permit(grace, distinguished("notes"), entry(BIRGIT, "Reviewer")) == "NoError"
    (created,) = grace.ok(
        f"<m:CreateFolder><m:ParentFolderId>{distinguished('notes')}</m:ParentFolderId><m:Folders><t:Folder>"
        "<t:DisplayName>Below</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>"
    )
    below = folder_id(created.find(".//t:FolderId", NS).get("Id"))
    assert shown(grace, below) == {BIRGIT: ("Reviewer", "FullDetails")}


def test_a_delegates_level_is_the_one_that_the_folder_has(grace):
    def tasks_level():
        response = grace.call(
            f'<m:GetDelegate IncludePermissions="true"><m:Mailbox><t:EmailAddress>{GRACE}</t:EmailAddress></m:Mailbox>'
            "</m:GetDelegate>"
        )
        return response.findtext(".//t:TasksFolderPermissionLevel", namespaces=NS)

    assert tasks_level() == "None"
    for level, expected in (("Author", "Author"), ("PublishingEditor", "Custom")):
        assert permit(grace, distinguished("tasks"), entry(BIRGIT, level)) == "NoError"
        assert tasks_level() == expected
