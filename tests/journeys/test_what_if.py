"""task run --what-if against a practice server: it does nothing, and the execution does what it foresaw."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mse_tui.actions.definitions import create_definition, set_definition
from mse_tui.actions.schedules import create_schedule
from mse_tui.actions.tasks import create_task
from mse_tui.cli.main import run
from mse_tui.config.loading import load_configuration
from mse_tui.engine.leases import Leases
from mse_tui.engine.schedules import one_off
from mse_tui.exchange.ews import connect
from mse_tui.features.feature import WOULD
from mse_tui.sandbox.churn import churn
from mse_tui.store import queries
from mse_tui.store.database import open_database
from mse_tui.store.lease_keys import mailbox_key
from mse_tui.store.models import Audit
from mse_tui.terms import TaskType
from tests.exchange.canned import Halts, opened
from tests.journeys.conftest import FAR, SiteUnderTest

DELETING = {"dry_run": False, "action": "delete", "older_than_days": 1}
LOOKED_AT = ("folders_seen", "folders_added", "items_added", "items_changed", "items_removed")


class Foreseeing:
    """A site whose tasks are looked at before they run."""

    def __init__(self, site: SiteUnderTest, capsys: pytest.CaptureFixture[str]) -> None:
        self.site = site
        self.addresses = [row.address for row in site.server.store.mailboxes()][:2]
        self._capsys = capsys

    def what_if(self, description: str, *options: str, code: int | None = 0) -> dict[str, Any]:
        before = self._everything()
        found = run(["--home", str(self.site.home.path), "task", "run", description, "--what-if", "--json", *options])
        told = self._capsys.readouterr()
        assert found == code, told.err
        assert self._everything() == before
        return dict(json.loads(told.out))

    def task(self, task_type: TaskType, description: str, settings: Mapping[str, Any]) -> int:
        return create_task(
            description,
            site_id=queries.sites()[0].id,
            task_type=task_type,
            definition_id=create_definition(task_type, f"for {description}", settings),
            schedule_id=create_schedule(f"at times, {description}", one_off(FAR, "UTC")),
            group="; ".join(self.addresses),
        )

    def _everything(self) -> tuple[object, ...]:
        """The site's rows but leases, questions to the engine and looks; every mailbox as the server has it."""
        database = open_database(self.site.home.database)
        tables = database.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        rows = {
            name: list(database.execute_sql(f'SELECT * FROM "{name}"').fetchall())
            for (name,) in tables
            if name not in ("lease", "site", "engine_request", "halted_account", "audit")
        }
        rows["audit"] = [row.id for row in Audit.select().where(~Audit.action.startswith("look at "))]
        store = self.site.server.store
        mailboxes = [
            (folder.id, [tuple(row) for row in store.items(folder.id)])
            for mailbox in store.mailboxes()
            for folder in store.folders(mailbox.id)
        ]
        return rows, mailboxes, sorted(path.name for path in self.site.home.archive.rglob("*.pack"))


@pytest.fixture
def foreseeing(site: SiteUnderTest, capsys: pytest.CaptureFixture[str]) -> Iterator[Foreseeing]:
    return Foreseeing(site, capsys)


def totals(rows: list[Mapping[str, Any]]) -> dict[str, int]:
    """By the names that they have once it is done."""
    return {name: sum(row["counters"].get(WOULD.get(name, name), 0) for row in rows) for name in LOOKED_AT}


def done(site: SiteUnderTest, task: int) -> dict[str, int]:
    (outcome,) = site.run(task)
    assert outcome.execution.light.value == "green"
    return {name: sum(row.counters.get(name, 0) for row in outcome.results) for name in LOOKED_AT}


@pytest.mark.slow
def test_replication_does_what_was_foreseen(site: SiteUnderTest, foreseeing: Foreseeing) -> None:
    task = site.task("Folders", foreseeing.addresses)
    first = foreseeing.what_if("Folders")
    assert {row["mode"] for row in first["mailboxes"]} == {"full"}
    with site.engine():
        assert totals(first["mailboxes"]) == done(site, task)
        assert totals(foreseeing.what_if("Folders")["mailboxes"])["items_added"] == 0
        churn(site.server.store, 60, 7)
        second = foreseeing.what_if("Folders")
        assert {row["mode"] for row in second["mailboxes"]} == {"differential"}
        foreseen, came = totals(second["mailboxes"]), done(site, task)
        assert foreseen["items_added"] >= came["items_added"] > 0
        assert foreseen["folders_seen"] == came["folders_seen"]
        assert totals(foreseeing.what_if("Folders")["mailboxes"])["items_added"] == 0


@pytest.mark.slow
def test_calendars_storage_retention_and_permissions_are_looked_at_and_left(
    site: SiteUnderTest, foreseeing: Foreseeing
) -> None:
    site.task("Folders", foreseeing.addresses)
    calendars = foreseeing.task(TaskType.CALENDAR_REPLICATION, "Calendars", {})
    foreseeing.task(
        TaskType.STORAGE_MANAGEMENT, "Storage", {"dry_run": False, "action": "delete", "older_than_days": 1}
    )
    policy = {"exchange_delete_after_days": 1, "include_unread": True}
    foreseeing.task(
        TaskType.MANAGED_FOLDERS, "Retention",
        {"dry_run": False, "well_known_folders": [{"folder": "Inbox", "policy": policy}]},
    )  # fmt: skip
    foreseen = totals(foreseeing.what_if("Calendars")["mailboxes"])
    storage = foreseeing.what_if("Storage")
    assert sum(row["counters"].get("would_be_deleted", 0) for row in storage["mailboxes"]) > 0
    assert all(row["message"].startswith("Dry run, nothing was changed") for row in storage["mailboxes"])
    assert all("Would be deleted" in one["message"] for row in storage["mailboxes"] for one in row["would_change"])
    assert any(row["would_change"] for row in storage["mailboxes"])
    retention = foreseeing.what_if("Retention")
    assert sum(row["counters"].get("items_due", 0) for row in retention["mailboxes"]) > 0
    assert all(row["counters"]["dry_run"] == 1 for row in retention["mailboxes"])
    with site.engine():
        assert foreseen["items_added"] == done(site, calendars)["items_added"] > 0


def test_only_the_chosen_mailboxes_are_looked_at_and_one_that_is_worked_on_is_named(
    site: SiteUnderTest, foreseeing: Foreseeing
) -> None:
    site.task("Folders", foreseeing.addresses)
    chosen = foreseeing.addresses[1]
    assert [row["address"] for row in foreseeing.what_if("Folders", "--mailbox", chosen)["mailboxes"]] == [chosen]
    assert len(foreseeing.what_if("Folders", "--first", "1")["mailboxes"]) == 1
    with opened(connect(load_configuration(site.home.config).exchange, Halts()), chosen) as mailbox:
        held = Leases().take(mailbox_key(mailbox.identity().guid), "another task")
    assert held is not None
    told = foreseeing.what_if("Folders", code=2)
    assert [row["reason"] for row in told["mailboxes"]] == ["", "mailbox-locked"]
    held.release()


@pytest.mark.parametrize(
    ("before", "change", "code", "reason"),
    [
        ("; nobody@nordlicht.example", {}, 1, "mailbox-not-found"),
        ("", {"password": "wrong"}, 2, "password-refused"),
        (None, {}, 2, "group-empty"),
    ],
)
def test_what_comes_before_the_mailboxes_is_foreseen(
    site: SiteUnderTest, foreseeing: Foreseeing, before: str | None, change: dict[str, Any], code: int, reason: str
) -> None:
    group = "nobody@nordlicht.example" if before is None else foreseeing.addresses[0] + before
    task = site.task("Folders", [group])
    site.configure(**change)
    told = foreseeing.what_if("Folders", code=code)
    assert (told["reason"], bool(told["message"])) == (reason, True)
    database = open_database(site.home.database)
    database.execute_sql("DELETE FROM halted_account")
    with site.engine():
        (outcome,) = site.run(task)
    assert (outcome.execution.light.exit_code, outcome.execution.reason) == (code, reason)
    came, foreseen = (message.partition(", ")[0] for message in (outcome.execution.message, told["message"]))
    assert came == foreseen.replace(" would be", "")


def test_a_definition_is_looked_at_as_it_is_now(site: SiteUnderTest, foreseeing: Foreseeing) -> None:
    site.task("Folders", foreseeing.addresses)
    everything = totals(foreseeing.what_if("Folders")["mailboxes"])["items_added"]
    set_definition(queries.definitions()[0].id, {"exclude_inbox": True})
    assert totals(foreseeing.what_if("Folders")["mailboxes"])["items_added"] < everything
