"""One execution: its columns and totals are what its type counts."""

import json
from typing import Any

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.store.models import Execution, MailboxResult
from tests.screens.conftest import Keys
from tests.screens.seed import NOW, addresses

STUBBED = {"scanned": 115, "matched": 74, "confirmed": 61, "bytes_freed": 2_621_440}


def execution_of(task_type: str, counters: dict[str, Any], **values: Any) -> int:
    execution = Execution.create(
        task_name="Tidy up", task_type=task_type, trigger="schedule", started=NOW, finished=NOW, definition="{}",
        mailboxes=1, processed=1, light="green",
    )  # fmt: skip
    MailboxResult.create(
        execution=execution, position=1, address=addresses(1)[0], started=NOW, finished=NOW, light="green",
        counters=json.dumps(counters), **values,
    )  # fmt: skip
    return int(execution.id)


@pytest.mark.parametrize(
    ("task_type", "counters", "headings", "row", "totals"),
    [
        ("MSM", {**STUBBED, "stubbed": 61}, ("Seen", "Match", "Stubbed", "Freed"), ("115", "74", "61", "2.5 MiB"),
         "115 seen, 74 match, 61 confirmed, 61 stubbed, 2.5 MiB freed"),
        ("MSM", {"scanned": 115, "matched": 74, "dry_run": 1, "would_be_stubbed": 74, "bytes_would_be_freed": 2621440},
         ("To stub", "To free"), ("74", "2.5 MiB"), "115 seen, 74 match, 74 to stub, 2.5 MiB to free"),
        ("MGF", {"items_due": 125, "confirmed": 125, "items_deleted": 125, "stamped": 7}, ("Due", "Deleted"),
         ("125",), "125 due, 125 confirmed, 125 deleted, 7 stamped"),
        ("MPS", {"entries_read": 12, "people_after": 4, "granted": 3}, ("People", "Granted", "Revoked"), ("4", "3"),
         "12 entries, 4 people, 3 granted"),
        ("CAL", {"items_seen": 31, "items_added": 30}, ("Seen", "Added"), ("31", "30"), "31 seen, 30 added"),
    ],
    ids=["stubbed", "dry run", "deleted", "granted", "calendars"],
)  # fmt: skip
async def test_the_columns_are_what_the_type_counts(
    app: MseTuiApp,
    task_type: str,
    counters: dict[str, int],
    headings: tuple[str, ...],
    row: tuple[str, ...],
    totals: str,
) -> None:
    number = execution_of(task_type, counters)
    async with app.run_test(size=(140, 40)) as pilot:
        keys = Keys(pilot)
        app.open_execution(number)
        screen = await keys.see(addresses(1)[0])
        lines = screen.splitlines()
        heading = next(line for line in lines if "Mailbox " in line and "Result" in line)
        result = next(line for line in lines if line.strip().startswith(addresses(1)[0]))
        assert [each for each in headings if each not in heading] == []
        assert [each for each in row if each not in result] == []
        assert totals in " ".join(screen.split())


async def test_a_dry_run_lists_what_it_would_change(app: MseTuiApp) -> None:
    listed = [
        {"item": "Inbox: Old plans, received 2020-02-01", "reason": "dry-run", "message": "Would be deleted, 2 KiB."}
    ]
    number = execution_of("MGF", {"items_due": 1, "dry_run": 1}, failures=json.dumps(listed))
    async with app.run_test(size=(140, 40)) as pilot:
        keys = Keys(pilot)
        app.open_execution(number)
        screen = await keys.see(addresses(1)[0])
        assert "1 failed" not in screen
        await keys.press("enter")
        screen = await keys.see("Would be changed")
        assert "Inbox: Old plans, received 2020-02-01: Would be deleted, 2 KiB." in screen
        assert "Failed items" not in screen
