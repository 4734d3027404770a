"""Retention & holds at the keyboard."""

import pytest

from mse_tui.actions import holds, retention
from mse_tui.actions.definitions import create_definition
from mse_tui.app import MseTuiApp
from mse_tui.archive.approvals import approvals
from mse_tui.features import FEATURES
from mse_tui.store import queries
from mse_tui.store.retention import PurgeRecord
from mse_tui.terms import TaskType
from mse_tui.widgets.form import ManyGroup
from mse_tui.widgets.inputs import Button
from tests.screens.conftest import Keys
from tests.screens.seed import NOW

INBOX = {"folder": "Inbox", "policy": {"exchange_delete_after_days": 90, "archive_purge_after_days": 2555}}


@pytest.fixture
def purging(seeded) -> int:
    return create_definition(TaskType.MANAGED_FOLDERS, "Seven years", {"well_known_folders": [INBOX]})


async def at_retention(pilot) -> Keys:
    keys = Keys(pilot)
    await keys.see("Recent activity")
    await keys.press("8")
    await keys.see("Retention & holds")
    return keys


async def test_settings_are_made_for_the_archive_and_for_a_mailbox(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = await at_retention(pilot)
        await keys.see("The archive keeps everything")
        await keys.press("e", "tab")
        await keys.type("30")
        await keys.press("ctrl+s")
        await keys.see("30 d")
        await keys.press("c")
        await keys.type("ann.lindqvist@fjordline.example")
        await keys.press("tab", "tab", "tab")
        await keys.type("2555")
        await keys.press("ctrl+s")
        await keys.see("NOT APPROVED")
        assert retention.effective_limits().minimum_days == 30
        assert [row.address for row in retention.all_settings()] == ["", "ann.lindqvist@fjordline.example"]


async def test_a_hold_is_placed_and_lifted(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = await at_retention(pilot)
        await keys.press("right", "c")
        await keys.type("Case 7")
        await keys.press("tab")
        await keys.type("ann.lindqvist@fjordline.example")
        await keys.press("ctrl+s")
        await keys.see("in force")
        assert [row.name for row in holds.all_holds()] == ["Case 7"]
        await keys.press("D")
        await keys.see("Lift the hold 'Case 7'?")
        await keys.press("enter")
        assert len(holds.all_holds()) == 1, "it cancels by default"
        await keys.press("D", "j", "enter")
        await keys.miss("in force")
        assert holds.all_holds() == []


async def test_an_approval_shows_what_is_approved_and_takes_a_second_person(
    app: MseTuiApp, purging: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = await at_retention(pilot)
        await keys.press("right", "right", "A")
        screen = await keys.see("after 2555 days")
        assert "Any edit voids the" in screen, "what is approved and the question stand together"
        await keys.press("escape")
        await keys.miss("Any edit voids the")
        await keys.press("A", "enter")
        assert approvals() == [], "it cancels by default"
        await keys.press("A", "j", "enter")
        await keys.see("an approval takes a second")
        await keys.press("enter")
        monkeypatch.setattr("mse_tui.actions.approvals.who", lambda: "eve")
        await keys.press("A", "j", "enter")
        await keys.miss("NOT APPROVED")
        assert [row.approved_by for row in approvals()] == ["eve"]


async def test_a_tab_says_that_it_lists_the_first_of_many(app: MseTuiApp) -> None:
    record = {"size": 1, "mailboxes": "[]", "because": "it was due", "quarantined": NOW, "purged": NOW}
    PurgeRecord.insert_many([record] * 1001).execute()
    async with app.run_test(size=(80, 24)) as pilot:
        keys = await at_retention(pilot)
        await keys.see("by default never purged")
        await keys.press("left")
        await keys.see("the first 1,000 of 1,001")
        await keys.press("left")
        await keys.see("by default never purged")


async def test_a_message_says_what_becomes_of_it(app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        await keys.see("never, as things stand")
        await keys.see("no retention ends")


async def test_policies_are_filled_into_the_form(app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("5", "c")
        await keys.see("Which type?")
        types = list(FEATURES)
        await keys.press(*["j"] * types.index(TaskType.MANAGED_FOLDERS), "enter")
        await keys.see("New definition: Managed Folders")
        await keys.type("Short")
        (managed,) = [one for one in app.screen.query(ManyGroup) if one.spot.title == "Managed folders"]
        managed.query_one("#add", Button).focus()
        await keys.press("enter")
        await keys.type("Keep")
        await keys.press("tab", "tab", "tab", "tab", "tab", "tab")
        await keys.type("400")
        await keys.press("ctrl+s")
        await keys.see("Short")
        (row,) = [each for each in queries.definitions() if each.name == "Short"]
        (folder,) = row.settings["managed_folders"]
        assert folder["name"] == "Keep" and 400 in folder["policy"].values()
