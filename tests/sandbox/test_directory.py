"""Names, groups, delegates, ids and time zones, each answer valid by Microsoft's schema."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from exchangelib.properties import TimeZoneDefinition

from mse_tui.sandbox.content import render
from mse_tui.sandbox.ews.ids import IdMaker
from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import OPERATIONS, Caller
from mse_tui.sandbox.ews.zones import WINDOWS_ZONES, zone_named
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.population import Extent, populate
from tests.sandbox.ews_rig import NS, Check, Rig

GRACE = "grace.whitfield@nordlicht.example"
BIRGIT = "birgit.hansen@nordlicht.example"
JUERGEN = "juergen.petersen@nordlicht.example"


@pytest.fixture(scope="module")
def firm(tmp_path_factory) -> Iterator[MailStore]:
    with MailStore(tmp_path_factory.mktemp("firm") / "mail.db", render) as store:
        populate(store, Extent(people=25, messages=0))
        yield store


@pytest.fixture
def office(firm: MailStore, schemas: list[Check]) -> Rig:
    """The service account, at the whole company."""
    return Rig(EwsService(firm), Caller("svc-mse@nordlicht.example", may_impersonate=True), schemas)


def texts(element, path):
    return [found.text for found in element.iterfind(path, NS)]


def resolve(rig, text, full=False, scope=""):
    attributes = f' SearchScope="{scope}"' if scope else ""
    (message,) = rig.messages(
        f'<m:ResolveNames ReturnFullContactData="{str(full).lower()}"{attributes}>'
        f"<m:UnresolvedEntry>{text}</m:UnresolvedEntry></m:ResolveNames>"
    )
    return message


@pytest.mark.parametrize(
    "text",
    [GRACE, GRACE.upper(), f"smtp:{GRACE}", "ceo@nordlicht.example", "grace.whitfield@nordlicht-optik.example",
     "Grace Whitfield", "whitf", "ceo"],
)  # fmt: skip
def test_a_person_is_found_by_address_alias_and_name(office, text):
    message = resolve(office, text)
    assert message.get("ResponseClass") == "Success"
    assert texts(message, ".//t:EmailAddress") == [GRACE]
    assert texts(message, ".//t:Name") == ["Grace Whitfield"]
    assert texts(message, ".//t:MailboxType") == ["Mailbox"]


def test_full_contact_data(office):
    contact = resolve(office, GRACE, full=True).find(".//t:Contact", NS)
    assert texts(contact, ".//t:Entry")[0] == f"SMTP:{GRACE}"
    assert texts(contact, "t:JobTitle") == ["Managing Director"]
    assert texts(contact, "t:Department") == ["Management"]


def test_several_candidates_are_a_warning(office):
    message = resolve(office, "s")
    assert message.get("ResponseClass") == "Warning"
    assert texts(message, "m:ResponseCode") == ["ErrorNameResolutionMultipleResults"]
    found = texts(message, ".//t:EmailAddress")
    assert len(found) > 3
    assert len(found) == int(message.find("m:ResolutionSet", NS).get("TotalItemsInView"))


@pytest.mark.parametrize("text", ["nobody@nordlicht.example", "Qqq", "@", "whitfield@"])
def test_nobody_is_an_error(office, text):
    message = resolve(office, text)
    assert message.get("ResponseClass") == "Error"
    assert texts(message, "m:ResponseCode") == ["ErrorNameResolutionNoResults"]


def test_only_the_directory_is_searched(office):
    assert resolve(office, GRACE, scope="ActiveDirectory").get("ResponseClass") == "Success"
    assert resolve(office, GRACE, scope="Contacts").get("ResponseClass") == "Error"


def test_a_group_resolves_to_a_group(office):
    assert texts(resolve(office, "vertrieb@nordlicht.example"), ".//t:MailboxType") == ["PublicDL"]
    assert texts(resolve(office, "sales@nordlicht.example"), ".//t:Name") == ["Vertrieb"]


def expand(rig, address):
    (message,) = rig.messages(
        f"<m:ExpandDL><m:Mailbox><t:EmailAddress>{address}</t:EmailAddress></m:Mailbox></m:ExpandDL>"
    )
    return message


def members(rig, address):
    return texts(expand(rig, address), ".//t:EmailAddress")


def test_groups_are_expanded_one_level_deep(office):
    assert len(members(office, "alle@nordlicht.example")) == 25
    assert GRACE in members(office, "Geschaeftsleitung@nordlicht.example")
    assert members(office, "noch-leer@nordlicht.example") == []
    project = expand(office, "projekt-leuchtfeuer@nordlicht.example")
    assert sorted(set(texts(project, ".//t:MailboxType"))) == ["Mailbox", "PublicDL"]
    assert "cornelius.vogt@nordlicht.example" in texts(project, ".//t:EmailAddress")


def test_two_groups_contain_each_other(office):
    assert "rufbereitschaft@nordlicht.example" in members(office, "service-team@nordlicht.example")
    assert "service-team@nordlicht.example" in members(office, "rufbereitschaft@nordlicht.example")


@pytest.mark.parametrize("address", [GRACE, "nobody@nordlicht.example"])
def test_what_is_no_group_is_not_expanded(office, address):
    assert texts(expand(office, address), "m:ResponseCode") == ["ErrorNameResolutionNoResults"]


def delegates(rig, mailbox, permissions=True, users=""):
    return rig.call(
        f'<m:GetDelegate IncludePermissions="{str(permissions).lower()}">'
        f"<m:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></m:Mailbox>{users}</m:GetDelegate>",
        impersonate=mailbox,
    )


def change(rig, operation, mailbox, user, inside="", delivery=""):
    (message,) = rig.messages(
        f"<m:{operation}><m:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></m:Mailbox><m:DelegateUsers>"
        f"<t:DelegateUser><t:UserId><t:PrimarySmtpAddress>{user}</t:PrimarySmtpAddress></t:UserId>{inside}"
        f"</t:DelegateUser></m:DelegateUsers>{delivery}</m:{operation}>",
        impersonate=mailbox,
    )
    return texts(message, "m:ResponseCode")[0]


def remove(rig, mailbox, user):
    (message,) = rig.messages(
        f"<m:RemoveDelegate><m:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></m:Mailbox><m:UserIds><t:UserId>"
        f"<t:PrimarySmtpAddress>{user}</t:PrimarySmtpAddress></t:UserId></m:UserIds></m:RemoveDelegate>",
        impersonate=mailbox,
    )
    return texts(message, "m:ResponseCode")[0]


def test_delegates_are_listed_with_their_permissions(office):
    response = delegates(office, GRACE)
    assert texts(response, ".//t:PrimarySmtpAddress") == [BIRGIT]
    assert texts(response, ".//t:CalendarFolderPermissionLevel") == ["Editor"]
    assert texts(response, ".//t:InboxFolderPermissionLevel") == ["Reviewer"]
    assert texts(response, ".//t:ReceiveCopiesOfMeetingMessages") == ["true"]
    assert texts(response, "m:DeliverMeetingRequests") == ["DelegatesAndMe"]
    assert delegates(office, GRACE, permissions=False).find(".//t:DelegatePermissions", NS) is None


def test_chosen_delegates_are_listed(office):
    def user(address):
        return f"<m:UserIds><t:UserId><t:PrimarySmtpAddress>{address}</t:PrimarySmtpAddress></t:UserId></m:UserIds>"

    assert texts(delegates(office, GRACE, users=user(BIRGIT)), ".//t:PrimarySmtpAddress") == [BIRGIT]
    assert "ErrorNotDelegate" in texts(delegates(office, GRACE, users=user(JUERGEN)), ".//m:ResponseCode")


def test_a_delegate_is_added_changed_and_removed(office):
    mailbox = "camille.lefevre@nordlicht.example"
    assert delegates(office, mailbox).find("m:ResponseMessages", NS) is None
    levels = (
        "<t:DelegatePermissions><t:CalendarFolderPermissionLevel>Author</t:CalendarFolderPermissionLevel>"
        "</t:DelegatePermissions><t:ViewPrivateItems>true</t:ViewPrivateItems>"
    )
    assert change(office, "UpdateDelegate", mailbox, JUERGEN, levels) == "ErrorNotDelegate"
    assert change(office, "AddDelegate", mailbox, JUERGEN, levels) == "NoError"
    assert change(office, "AddDelegate", mailbox, JUERGEN) == "ErrorDelegateAlreadyExists"
    assert change(office, "AddDelegate", mailbox, mailbox) == "ErrorDelegateCannotAddOwner"
    assert change(office, "AddDelegate", mailbox, "x@nordlicht.example") == "ErrorDelegateNoUser"
    tasks = (
        "<t:DelegatePermissions><t:TasksFolderPermissionLevel>Editor</t:TasksFolderPermissionLevel>"
        "</t:DelegatePermissions>"
    )
    delivery = "<m:DeliverMeetingRequests>NoForward</m:DeliverMeetingRequests>"
    assert change(office, "UpdateDelegate", mailbox, JUERGEN, tasks, delivery) == "NoError"
    response = delegates(office, mailbox)
    assert texts(response, ".//t:CalendarFolderPermissionLevel") == ["Author"]
    assert texts(response, ".//t:TasksFolderPermissionLevel") == ["Editor"]
    assert texts(response, ".//t:ViewPrivateItems") == ["true"]
    assert texts(response, "m:DeliverMeetingRequests") == ["NoForward"]
    assert remove(office, mailbox, JUERGEN) == "NoError"
    assert remove(office, mailbox, JUERGEN) == "ErrorNotDelegate"
    assert delegates(office, mailbox).find("m:ResponseMessages", NS) is None


def test_delegates_of_another_mailbox_are_not_shown(office, firm, schemas):
    stranger = Rig(EwsService(firm), Caller(JUERGEN), schemas)
    response = stranger.call(
        f'<m:GetDelegate IncludePermissions="true"><m:Mailbox><t:EmailAddress>{GRACE}</t:EmailAddress></m:Mailbox>'
        "</m:GetDelegate>"
    )
    assert response.get("ResponseClass") == "Error"
    assert texts(response, "m:ResponseCode") == ["ErrorAccessDenied"]


def convert(rig, text, source, target):
    (message,) = rig.messages(
        f'<m:ConvertId DestinationFormat="{target}"><m:SourceIds><t:AlternateId Format="{source}" Id="{text}"'
        f' Mailbox="{GRACE}"/></m:SourceIds></m:ConvertId>'
    )
    found = message.find("m:AlternateId", NS)
    return texts(message, "m:ResponseCode")[0] if found is None else found.get("Id")


@pytest.mark.parametrize("target", ["EwsLegacyId", "EntryId", "HexEntryId", "StoreId", "OwaId"])
def test_ids_convert_there_and_back(office, firm, target):
    ews_id = IdMaker(firm.mailbox(GRACE).guid).item(12345)
    there = convert(office, ews_id, "EwsId", target)
    assert there != "ErrorInvalidIdMalformed"
    assert (there == ews_id) == (target == "EwsLegacyId")
    assert convert(office, there, target, "EwsId") == ews_id


@pytest.mark.parametrize(("text", "source"), [("DUMMY", "EwsId"), ("0x", "HexEntryId"), ("AAAA", "StoreId")])
def test_a_malformed_id_is_not_converted(office, text, source):
    assert convert(office, text, source, "EntryId") == "ErrorInvalidIdMalformed"


def zones(rig, attributes="", ids=()):
    inside = f"<m:Ids>{''.join(f'<t:Id>{one}</t:Id>' for one in ids)}</m:Ids>" if ids else ""
    (message,) = rig.messages(f"<m:GetServerTimeZones{attributes}>{inside}</m:GetServerTimeZones>")
    return list(message.iterfind("m:TimeZoneDefinitions/t:TimeZoneDefinition", NS))


def test_time_zones_are_listed(office):
    assert {zone.get("Id") for zone in zones(office, ' ReturnFullTimeZoneData="true"')} == set(WINDOWS_ZONES)
    (zone,) = zones(office, ' ReturnFullTimeZoneData="false"', ["Tokyo Standard Time", "No Such Time"])
    assert zone.get("Name") == "(UTC+09:00) Tokyo"
    assert len(zone) == 0


@pytest.mark.parametrize(
    ("name", "winter", "summer_month", "occurrence", "hour"),
    [
        ("W. Europe Standard Time", -60, 3, 5, 2),
        ("Eastern Standard Time", 300, 3, 2, 2),
        ("Lord Howe Standard Time", -630, 10, 1, 2),
        ("AUS Eastern Standard Time", -600, 10, 1, 2),
    ],
)
def test_changes_of_the_clock_are_those_of_the_zone(office, name, winter, summer_month, occurrence, hour):
    (element,) = zones(office, ' ReturnFullTimeZoneData="true"', [name])
    standard, daylight, period = TimeZoneDefinition.from_xml(element, account=None).get_std_and_dst(2026)
    assert period.bias_in_minutes == winter
    assert (daylight.iso_month, daylight.occurrence, daylight.time.hour) == (summer_month, occurrence, hour)
    offset = zone_named(name).utcoffset(datetime(2026, summer_month, 28, tzinfo=UTC).replace(tzinfo=None))
    assert -(winter + daylight.bias) * 60 == offset.total_seconds() or occurrence == 5
    assert standard.iso_month != daylight.iso_month


def test_every_operation_that_is_promised_is_there():
    promised = """GetFolder FindFolder CreateFolder UpdateFolder MoveFolder DeleteFolder SyncFolderHierarchy
        SyncFolderItems FindItem GetItem CreateItem UpdateItem MoveItem CopyItem DeleteItem CreateAttachment
        GetAttachment DeleteAttachment MarkAllItemsAsRead ResolveNames ExpandDL GetDelegate AddDelegate UpdateDelegate
        RemoveDelegate GetServerTimeZones ConvertId"""
    assert set(promised.split()) <= OPERATIONS.keys()
