"""Permissions Sync against the practice organisation: groups in groups, entries of one's own, who has left."""

from threading import Event

import pytest

from mse_tui.access.grants import grants
from mse_tui.archive.fence import NoFence
from mse_tui.directory.exchange_groups import ExchangeGroups
from mse_tui.directory.site_directory import SiteDirectory
from mse_tui.directory.site_trustees import AddressTrustees
from mse_tui.exchange.ews import connect
from mse_tui.features.feature import MailboxRun
from mse_tui.features.permissions_definition import PermissionsSyncDefinition
from mse_tui.features.permissions_sync import PermissionsSync
from mse_tui.home import Home
from mse_tui.reasons import Reason
from mse_tui.sandbox.permissions import permissions, set_level
from mse_tui.sandbox.server import SandboxServer
from mse_tui.terms import GroupKind
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, settings
from tests.features.replicating import RecordingJournal, make_task

FIRM = "nordlicht.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), people=25, messages=600, mean_bytes=3000) as running:
        yield running


@pytest.fixture
def synchronise(server, store: Home, monkeypatch):
    """Runs the feature over a mailbox of the practice organisation."""
    user, password = server.service_account
    monkeypatch.setenv(PASSWORD_VARIABLE, password)
    exchange = connect(settings(server.url, user=user, retry_seconds=30), Halts())
    directory = SiteDirectory(exchange.resolve, directories={GroupKind.EXCHANGE: ExchangeGroups(exchange)})
    feature, task = PermissionsSync(AddressTrustees(directory)), make_task("permissions").id

    def run(name: str) -> RecordingJournal:
        journal, cancel = RecordingJournal(), Event()
        with exchange.mailbox(f"{name}@{FIRM}", cancel) as mailbox:
            definition = PermissionsSyncDefinition(full_access=False)
            feature.process(
                MailboxRun(
                    task_id=task, mailbox=mailbox, identity=mailbox.identity(), definition=definition, packs=None,
                    fence=NoFence(), journal=journal, cancel=cancel,
                )
            )  # fmt: skip
        return journal

    yield run
    exchange.close()


def reading(path: str) -> set[str]:
    """Who reads a folder, by the part of the address before the @."""
    found = (each for each in grants() if each.path == path and each.right.value == "read")
    return {each.person.partition("@")[0] for each in found}


def test_a_managers_mailbox(synchronise) -> None:
    journal = synchronise("grace.whitfield")
    assert journal.failures == [] and journal.warnings == []
    assert "birgit.hansen" in reading("Inbox") and "birgit.hansen" in reading("Calendar")
    project = reading("Projects/Harbour Light")
    assert {"seun.adeyemi", "priya.raghunathan", "harald.luedemann", "camille.lefevre"} <= project
    assert "sophie.daubigne" not in project and "grace.whitfield" not in project
    assert journal.skipped[Reason.TRUSTEE_UNKNOWN] == 1, "the entry of who has left"
    assert journal.skipped[Reason.TRUSTEE_EVERYBODY] >= 1, "everybody sees when she is busy"


def test_groups_that_contain_each_other_and_one_who_is_left_out_by_name(synchronise) -> None:
    synchronise("service")
    inbox = reading("Posteingang")
    assert "tom.okafor-lindqvist" in inbox and "ole.claassen" not in inbox
    assert {each.via for each in grants()} >= {f"service-team@{FIRM}"}


def test_a_change_in_exchange_is_followed_at_once(synchronise, server) -> None:
    synchronise("anke.muehlenbeck")
    assert reading("Posteingang") == {"katarzyna.zielinska"}
    mailbox = server.store.mailbox(f"anke.muehlenbeck@{FIRM}")
    inbox = server.store.distinguished_folder(mailbox.id, "inbox")
    set_level(server.store, inbox, f"katarzyna.zielinska@{FIRM}", "None")
    set_level(server.store, inbox, f"ole.claassen@{FIRM}", "Reviewer")
    journal = synchronise("anke.muehlenbeck")
    assert reading("Posteingang") == {"ole.claassen"}
    assert (journal.counts["granted"], journal.counts["revoked"]) == (1, 1)
    assert permissions(server.store, inbox).level_of(f"ole.claassen@{FIRM}") == "Reviewer", "Exchange stays as it is"
