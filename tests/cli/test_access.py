"""Who may open which archive, from the command line: grant, list, explain, revoke; each audited."""

import json

import pytest

from mse_tui.access.grants import FolderKey
from mse_tui.access.rights import Right
from mse_tui.access.syncing import Archive, Found, GrantKey, Source, WantedGrant, apply, plan
from mse_tui.home import Home
from mse_tui.store.models import ArchiveMailbox, Audit
from mse_tui.terms import EXIT_USAGE
from tests.cli.conftest import Command
from tests.cli.test_archive_as import ANN, BOB, EVE, Site


@pytest.fixture
def site(home: Home) -> Site:
    return Site(home)


def actions() -> list[tuple[str, str]]:
    return [(row.action, row.subject) for row in Audit.select().order_by(Audit.id)]


def test_a_grant_opens_the_archive_and_a_revocation_closes_it(site: Site, mse_tui: Command) -> None:
    given = mse_tui("access", "grant", EVE, ANN, "--folder", "sent items", "--yes")
    assert given.out.startswith(f"{EVE} may see (read): Sent")
    assert "sent" in mse_tui("archive", "ls", ANN, "Sent Items", "--as", EVE).out
    assert "manual" in mse_tui("access", "list", ANN, "--person", EVE).out
    assert mse_tui("access", "revoke", EVE, ANN).code == EXIT_USAGE, "the whole archive was never given"
    assert mse_tui("access", "revoke", EVE, ANN, "--folder", "Sent Items", "--yes").code == 0
    assert mse_tui("archive", "ls", ANN, "--as", EVE).code == EXIT_USAGE
    assert [each for each in actions() if "access" in each[0]] == [("grant access", ANN), ("revoke access", ANN)]
    changes = json.loads(mse_tui("access", "changes", "--person", EVE, "--json").out)
    assert [each["what"] for each in changes] == ["revoked", "granted"]


def test_an_address_of_nobody_who_is_known_here_is_doubted(site: Site, mse_tui: Command) -> None:
    doubt = "Nothing of bbo@nowhere.example is archived here: is the address right?"
    assert doubt in mse_tui("access", "grant", "bbo@nowhere.example", ANN, "--what-if").err
    assert doubt in mse_tui("access", "grant", "bbo@nowhere.example", ANN, "--yes").err
    ArchiveMailbox.create(guid="bob", address=BOB, display_name="Bob")
    assert "is archived here" not in mse_tui("access", "grant", BOB, ANN, "--yes").err


def test_a_denial_beats_grants_until_it_is_lifted(site: Site, mse_tui: Command) -> None:
    mse_tui("access", "grant", BOB, ANN, "--deny")
    assert mse_tui("archive", "ls", ANN, "--as", BOB).code == EXIT_USAGE
    assert f"{BOB} is denied this archive." in mse_tui("access", "explain", BOB, ANN).out
    mse_tui("access", "revoke", BOB, ANN, "--deny", "--yes")
    assert mse_tui("archive", "ls", ANN, "--as", BOB).code == 0
    assert ("deny access", ANN) in actions() and ("lift denial", ANN) in actions()


@pytest.mark.parametrize(
    ("person", "arguments", "verdict"),
    [
        (ANN, [], "owns this archive and sees all of it."),
        (EVE, [], "may see nothing of this archive."),
        (BOB, [], "reads 1 folder of this archive and knows of 1 folder, without private items."),
        (BOB, ["--folder", "Inbox"], "reads this folder."),
        (BOB, ["--folder", "Sent Items"], "may not see this folder."),
        ("carl@example.com", [], "reads the whole archive, without private items."),
        ("dora@example.com", [], "reads the whole archive but 1 denied folder, without private items."),
        ("dora@example.com", ["--folder", "Inbox"], "may not see this folder."),
    ],
)
def test_explains_what_somebody_may_see(
    site: Site, mse_tui: Command, person: str, arguments: list[str], verdict: str
) -> None:
    assert mse_tui("access", "explain", person, ANN, *arguments).out.splitlines()[0] == f"{person} {verdict}"


def test_explains_a_message(site: Site, mse_tui: Command) -> None:
    def explained(person: str, subject: str) -> str:
        return mse_tui("access", "explain", person, ANN, "--message", str(site.number(subject))).out.splitlines()[0]

    assert explained(BOB, "open") == f"{BOB} may read this message."
    assert explained(BOB, "secret") == f"{BOB} may not read this message: it is private, which only its owner sees."
    assert explained(BOB, "sent") == f"{BOB} may not read this message: its folder is out of reach."
    assert explained(ANN, "secret") == f"{ANN} may read this message."


def test_what_comes_from_exchange_is_not_revoked_by_hand(site: Site, mse_tui: Command) -> None:
    key = GrantKey(EVE, FolderKey("", ""), Source.FULL_ACCESS, "helpdesk@example.com")
    archive = Archive(site.mailbox, ANN, "task 'Permissions'")
    apply(plan(archive, [], Found({key: WantedGrant(Right.READ)}, {Source.FULL_ACCESS})), archive)
    listed = mse_tui("access", "list", "--person", EVE).out
    assert "full access through helpdesk@example.com" in listed and "task 'Permissions'" in listed
    refused = mse_tui("access", "revoke", EVE, ANN)
    assert refused.code == EXIT_USAGE and "taken back there" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("grant", ANN, ANN),
        ("grant", "no address", ANN),
        ("grant", f"{BOB};{EVE}", ANN),
        ("grant", EVE, "nobody@example.com"),
        ("grant", EVE, ANN, "--folder", "No such folder"),
        ("explain", EVE, ANN, "--message", "4711"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    site: Site, mse_tui: Command, arguments: tuple[str, ...]
) -> None:
    before = mse_tui("access", "list", "--json").out
    assert mse_tui("access", *arguments).code == EXIT_USAGE
    assert mse_tui("access", "list", "--json").out == before
