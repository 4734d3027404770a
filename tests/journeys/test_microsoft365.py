"""A site bound to Microsoft 365: tasks over its groups, against the practice cloud over HTTPS."""

import json
import shutil

import pytest

from mse_tui.actions.opening import open_site
from mse_tui.cli.main import run
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.models import Task
from mse_tui.terms import GroupKind, Light
from tests.journeys.conftest import SiteUnderTest
from tests.support.cloud import address

pytestmark = pytest.mark.slow

GROUP = address("archivierungspilot")


@pytest.fixture
def cloud_site(store, tmp_path):
    """A site bound to the practice cloud, whose mailboxes are on the practice server."""
    with SandboxServer(tmp_path / "organisation", people=3, messages=30, mean_bytes=3_000, tls=True) as server:
        site = SiteUnderTest(store, server)
        site.configure(ca_file=str(server.ca_file))
        application = server.cloud.application
        secret = store.path / "microsoft365.secret"
        secret.touch(mode=0o600)
        secret.write_text(application.secret)
        settings = {
            "tenant": server.cloud.domain,
            "client_id": application.client_id,
            "secret_file": "microsoft365.secret",
            "authority": server.origin,
            "graph": server.origin,
            "exchange_online": server.origin,
            "ca_file": str(server.ca_file),
        }
        text = store.config.read_text().replace("[site]\n", '[site]\nbinding = "microsoft_365"\n')
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        store.config.write_text("\n".join([f"{text}[microsoft365]\nretry_seconds = 0.2", *lines]) + "\n")
        open_site(store)
        yield site


@pytest.fixture
def mse_tui(cloud_site, capsys):
    def command(*arguments):
        capsys.readouterr()
        code = run(["--home", str(cloud_site.home.path), *arguments])
        return code, *capsys.readouterr()

    return command


def row_of(outcome, user):
    return next(row for row in outcome.results if row.address == address(user))


def processed(outcome):
    return sorted(row.address.partition("@")[0] for row in outcome.results if not row.reason)


def test_a_task_over_a_group_keeps_it_when_it_is_renamed(cloud_site, mse_tui):
    task = cloud_site.task("Pilot", [GROUP])
    with cloud_site.engine():
        (first,) = cloud_site.run(task)
        assert first.execution.light is Light.GREEN
        assert processed(first) == ["camille.lefevre", "grace.whitfield", "juergen.petersen", "messwagen", "service"]
        assert row_of(first, "cornelius.vogt").reason == Reason.MAILBOX_DISABLED
        kept = Task.get_by_id(task)
        assert (kept.group_kind, kept.group_name) == (GroupKind.MICROSOFT_365, "Archivierungspilot")
        groups = cloud_site.server.store.setting(0, "groups")
        for group in groups:
            if group["address"] == GROUP:
                group["name"] = "Renamed"
        cloud_site.server.store.put_setting(0, "groups", groups)
        assert mse_tui("group", "refresh")[0] == 0
        (second,) = cloud_site.run(task)
    assert second.execution.light is Light.GREEN
    assert Task.get_by_id(task).group_name == "Renamed"


def test_who_is_skipped_and_why_is_shown(mse_tui):
    code, out, _ = mse_tui("group", "resolve", GROUP, "--json")
    found = json.loads(out)
    assert code in (0, 1)
    assert found["resolved_by"] == "distribution list, expanded by Microsoft Graph"
    assert {entry["entry"]: entry["reason"] for entry in found["skipped"]} == {
        address("cornelius.vogt"): "mailbox-disabled",
        "h.vollmer@kuestenamt.example": "contact",
        "liv.aas@fyr-og-linse.example": "mailbox-elsewhere",
    }
    kinds = {member["address"]: member["kind"] for member in found["included"]}
    assert (kinds[address("service")], kinds[address("messwagen")]) == ("shared", "equipment")


def test_a_group_of_active_directory_is_refused_when_saved_and_when_resolved(cloud_site, mse_tui):
    name = "CN=Sales,OU=Groups,DC=nordlicht,DC=example"
    with cloud_site.engine():
        """From its start on the engine shows what the site is bound to."""
    with pytest.raises(Problem) as caught:
        cloud_site.task("Sales", [name])
    assert caught.value.reason is Reason.GROUP_REFUSED and "e-mail address" in caught.value.remedy
    _, _, err = mse_tui("group", "resolve", name)
    assert "group-refused" in err


def test_addresses_are_resolved_by_microsoft_graph(cloud_site, mse_tui):
    found = json.loads(mse_tui("group", "resolve", f"{address('ceo')}; {address('cornelius.vogt')}", "--json")[1])
    assert [(one["address"], one["entry"]) for one in found["included"]] == [
        (address("grace.whitfield"), address("ceo"))
    ]
    assert [entry["reason"] for entry in found["skipped"]] == ["mailbox-disabled"]
    assert cloud_site.server.statistics.requests("users") == 2


def test_a_licence_taken_away_since_is_noticed_at_the_mailbox(cloud_site):
    task = cloud_site.task("Pilot", [GROUP])
    store = cloud_site.server.store
    with cloud_site.engine():
        cloud_site.run(task)
        store.put_setting(store.mailbox(address("juergen.petersen")).id, "licensed", False)
        (second,) = cloud_site.run(task)
    assert row_of(second, "juergen.petersen").reason == Reason.NOT_LICENSED
    assert second.execution.light is Light.GREEN, "an expected skip does not colour the result"


def test_while_the_cloud_is_down_the_last_good_answer_serves_and_says_so(cloud_site):
    task = cloud_site.task("Pilot", [GROUP])
    with cloud_site.engine():
        (first,) = cloud_site.run(task)
    shutil.rmtree(cloud_site.home.cache)
    cloud_site.server.faults.inject("503", operation="group")
    with cloud_site.engine():
        (second,) = cloud_site.run(task)
    assert (second.execution.light, second.execution.reason) == (Light.ORANGE, Reason.GROUP_STALE)
    assert processed(second) == processed(first)


def test_a_refused_secret_is_tried_once_until_a_person_says_so(cloud_site, mse_tui):
    task = cloud_site.task("Pilot", [GROUP])
    application = cloud_site.server.cloud.application
    right, application.secret = application.secret, "expired and replaced"
    with cloud_site.engine():
        (first,) = cloud_site.run(task)
        (second,) = cloud_site.run(task)
        assert (first.execution.light, first.execution.reason) == (Light.RED, Reason.PASSWORD_REFUSED)
        assert (second.execution.light, second.execution.reason) == (Light.RED, Reason.ACCOUNT_HALTED)
        assert cloud_site.server.statistics.refused == 1
        application.secret = right
        assert mse_tui("site", "retry")[0] == 0
        (third,) = cloud_site.run(task)
    assert third.execution.light is Light.GREEN
