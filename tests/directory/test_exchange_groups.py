"""Distribution groups expanded by Exchange: over the wire against the practice server, and with answers that lie."""

import pytest
from lxml import etree

from mse_tui.config.exchange import ExchangeSettings
from mse_tui.directory.exchange_groups import ExchangeGroups
from mse_tui.exchange import retry
from mse_tui.exchange.ews import connect
from mse_tui.exchange.ews_groups import _members
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.server import SandboxServer
from tests.exchange.canned import Answer, Canned, Halts, entries, error, settings, success
from tests.support.cloud import address

PASSWORD = "MSE_TUI_TEST_EXCHANGE_PASSWORD"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.02)
    monkeypatch.setenv(PASSWORD, "hunter2")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=25, messages=0) as running:
        yield running


@pytest.fixture
def groups(server, monkeypatch):
    server.faults.clear()
    user, password = server.service_account
    monkeypatch.setenv(PASSWORD, password)
    exchange = connect(
        ExchangeSettings(endpoint=server.url, auth="basic", user=user, password_env=PASSWORD, retry_seconds=1), Halts()
    )
    yield ExchangeGroups(exchange)
    exchange.close()


def refused(question, *arguments):
    with pytest.raises(Problem) as caught:
        question(*arguments)
    return caught.value


def names(membership):
    return [member.address.partition("@")[0] for member in membership.included]


def test_nested_groups_are_expanded_and_cycles_cut(groups):
    found = groups.members(address("rufbereitschaft"))
    assert names(found) == ["alon.bar-sade", "ines.benali", "ole.claassen", "service", "tom.okafor-lindqvist"]
    assert found.resolved_by == "distribution group, expanded by Exchange" and found.skipped == ()


def test_an_alias_names_the_group_and_its_key_is_the_primary_address(groups):
    assert groups.group(address("Sales")).key == address("vertrieb")
    assert names(groups.members(address("sales"))) == names(groups.members(address("vertrieb")))


def test_an_empty_group_has_nobody(groups):
    assert groups.members(address("noch-leer")).included == ()


def test_groups_are_found_as_one_types(groups):
    assert [group.name for group in groups.find("prod")] == ["Produktion"]
    assert [group.name for group in groups.find("s", limit=1)] != []
    assert groups.find("no such thing") == groups.find("  ") == []
    assert groups.browse().groups == ()


@pytest.mark.parametrize("text", [address("nobody"), address("grace.whitfield"), "Vertrieb", "", "vertrieb@nordlicht"])
def test_what_is_no_group(groups, text):
    assert refused(groups.group, text).reason is Reason.GROUP_NOT_FOUND


@pytest.mark.parametrize("failing", range(3))
def test_one_nested_group_that_fails_makes_the_whole_answer_an_error(groups, server, failing):
    whole = names(groups.members(address("projekt-leuchtfeuer")))
    assert len(whole) == 11
    server.faults.inject("503", operation="ExpandDL", skip=failing)
    assert refused(groups.members, address("projekt-leuchtfeuer")).reason is Reason.SERVER_ERROR
    server.faults.clear()
    server.faults.inject("half-response-without-length", operation="ExpandDL", skip=failing)
    assert refused(groups.members, address("projekt-leuchtfeuer")).reason is Reason.RESPONSE_BROKEN


def listing(mailboxes, *, last="true", total=None):
    count = len(mailboxes) if total is None else total
    inside = "".join(
        f"<t:Mailbox><t:Name>{name}</t:Name><t:EmailAddress>{where}</t:EmailAddress>"
        f"<t:RoutingType>{'EX' if where.startswith('/o=') else 'SMTP'}</t:RoutingType>"
        f"<t:MailboxType>{kind}</t:MailboxType></t:Mailbox>"
        for name, where, kind in mailboxes
    )
    end = "" if last is None else f' IncludesLastItemInRange="{last}"'
    return f'<m:DLExpansion TotalItemsInView="{count}"{end}>{inside}</m:DLExpansion>'


FOUND = (
    '<m:ResolutionSet TotalItemsInView="1" IncludesLastItemInRange="true"><t:Resolution><t:Mailbox>'
    "<t:Name>Team</t:Name><t:EmailAddress>team@example.com</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>"
    "<t:MailboxType>PublicDL</t:MailboxType></t:Mailbox></t:Resolution></m:ResolutionSet>"
)


def asked(expansion):
    """Ask a server that expands the group 'team' so."""

    def answer(request):
        if request.operation == "ResolveNames":
            return Answer(body=entries("ResolveNames", success("ResolveNames", FOUND)))
        return Answer(body=entries("ExpandDL", expansion))

    with Canned(answer) as server:
        exchange = connect(settings(server.url, retry_seconds=0), Halts())
        try:
            return ExchangeGroups(exchange).members("team@example.com")
        finally:
            exchange.close()


def test_everybody_is_listed_with_what_they_are():
    found = asked(
        success(
            "ExpandDL",
            listing(
                [
                    ("Ann", "Ann@example.com", "Mailbox"),
                    ("Ann again", "ann@example.com", "Mailbox"),
                    ("Contact", "c@elsewhere.example", "Contact"),
                    ("Folder", "folder@example.com", "PublicFolder"),
                    ("Stranger", "s@elsewhere.example", "OneOff"),
                    ("Old", "/o=Example/cn=old", "Mailbox"),
                ]
            ),
        )
    )
    assert [member.address for member in found.included] == ["ann@example.com"]
    assert {one.entry: one.reason for one in found.skipped} == {
        "c@elsewhere.example": Reason.CONTACT,
        "folder@example.com": Reason.NO_MAILBOX,
        "s@elsewhere.example": Reason.MAILBOX_ELSEWHERE,
        "Old": Reason.ADDRESS_INVALID,
    }


@pytest.mark.parametrize(
    "inside",
    [
        listing([("Ann", "ann@example.com", "Mailbox")], last="false"),
        listing([("Ann", "ann@example.com", "Mailbox")], last=None),
        listing([("Ann", "ann@example.com", "Mailbox")], total=2),
        "",
    ],
)
def test_an_expansion_that_is_not_whole_is_an_error(inside):
    with pytest.raises(Problem) as caught:
        asked(success("ExpandDL", inside))
    assert caught.value.reason is Reason.RESPONSE_BROKEN


@pytest.mark.parametrize(("name", "kinds"), [("response", {"Mailbox"}), ("response-02", {"Mailbox", "PublicDL"})])
def test_expansions_of_microsofts_examples_are_read(shared, name, kinds):
    root = etree.parse(shared / "ews-samples" / f"ExpandDL.{name}.xml")
    entries = _members(root.find(".//{*}ExpandDLResponseMessage"))
    assert {entry.kind for entry in entries} == kinds
    assert all("@" in entry.address and entry.name for entry in entries)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ErrorNameResolutionNoResults", Reason.GROUP_NOT_FOUND),
        ("ErrorNameResolutionMultipleResults", Reason.GROUP_AMBIGUOUS),
        ("ErrorAccessDenied", Reason.ACCESS_DENIED),
        ("ErrorServerBusy", Reason.THROTTLED),
    ],
)
def test_errors_of_an_expansion(code, reason):
    with pytest.raises(Problem) as caught:
        asked(error("ExpandDL", code))
    assert caught.value.reason is reason
