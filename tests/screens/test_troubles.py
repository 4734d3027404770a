"""Problems first: what is wrong, what to do about it, and doing it with a key."""

from datetime import timedelta

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.store.database import now
from mse_tui.store.models import Execution, HaltedAccount, Lease, MailboxHealth, Progress, Task
from tests.screens.conftest import FakeEngine, Keys, settle, shown
from tests.screens.seed import DOMAIN, NOW
from tests.screens.test_journeys import commands_given

SUPPORT, BO, CARLA = f"support@{DOMAIN}", f"bo.akerman@{DOMAIN}", f"carla.moreau@{DOMAIN}"


async def test_a_problem_has_its_reason_what_to_do_and_a_key_that_does_it(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        screen = await keys.see("Needs attention")
        assert "[mailbox-not-found] Correct the address" in screen
        await keys.press("R")
        await keys.see("Run now: 'Shared mailboxes'")
        assert f"Again: only {SUPPORT}" in shown(app)
        await keys.press("G", "enter")
        await keys.see("told to run")
        assert commands_given() == [("Shared mailboxes", "run now", {"mailboxes": [SUPPORT], "again": True})]
        await keys.press("F")
        await keys.see("Full resync: 'Shared mailboxes'?")
        await keys.press("enter")
        assert len(commands_given()) == 1
        await keys.press("o")
        await keys.see("Engine's log: ")
        assert "task 'Shared mailboxes'" in shown(app)


async def test_the_cursor_passes_by_what_is_said_below_a_problem(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press("j", "R")
        await keys.see("Run now: 'Board, office hours'")
        await keys.press("escape", "k", "R")
        await keys.see("Run now: 'Shared mailboxes'")


async def test_a_running_and_a_coming_task_are_told_from_the_dashboard(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press("tab", "x")
        await keys.see("Stop: 'Everyone, nightly'?")
        await keys.press("escape", "tab", "tab", "R")
        await keys.see("Run now: 'Board, office hours'")


async def test_more_problems_than_fit_are_a_screen_of_their_own(app: MseTuiApp) -> None:
    for number in range(7):
        HaltedAccount.create(key=str(number), account=f"svc-{number}", since=NOW, message="The password was refused.")
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("5 more: Enter shows all")
        await keys.press("j", "j", "j", "j", "enter")
        screen = await keys.see("Needs attention: 9 things")
        assert "svc-6" in screen
        assert "What to do: Correct the user name or password" in screen
        assert "Shared mailboxes" in screen
        await keys.press("G", "R")
        await keys.see("Run now: 'Board, office hours'")
        await keys.press("escape", "enter")
        await keys.see("2 of 2 mailboxes")
        await keys.press("escape", "escape")
        await keys.see("Recent activity")


async def test_mailboxes_that_a_later_execution_left_out_are_run_again_by_name(app: MseTuiApp) -> None:
    task = Task.get(Task.description == "Everyone, nightly")
    older = Execution.select().where(Execution.task == task, Execution.finished.is_null(False)).first()
    for address in (BO, CARLA):
        MailboxHealth.create(
            task=task, address=address, execution=older.id, finished=NOW, light="red", since_success=1
        )  # fmt: skip
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("2 mailboxes failed and have had no turn since")
        await keys.press("j", "R")
        screen = await keys.see("Run now: 'Everyone, nightly'")
        assert "Again: only the 2 mailboxes that need attention" in screen
        await keys.press("G", "enter")
        await keys.see("running already")
        await keys.press("enter")


async def test_a_task_that_should_have_run_is_a_problem(seeded: Home, app: MseTuiApp) -> None:
    due = NOW - timedelta(hours=2)
    Task.update(next_execution=due).where(Task.description == "Before the move").execute()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        keys = Keys(pilot)
        screen = await keys.see("Should have started at 2026-03-02 08:30 and did not.")
        assert "[overdue]" in screen


@pytest.mark.parametrize("where", ["task", "execution", "result"])
async def test_a_mailbox_is_run_again_from_wherever_it_is_seen_to_have_failed(app: MseTuiApp, where: str) -> None:
    walk = {
        "task": ["2", "j", "enter", "s", "R"],
        "execution": ["2", "j", "enter", "s", "enter", "j", "R"],
        "result": ["2", "j", "enter", "s", "enter", "j", "enter", "R"],
    }
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*walk[where])
        await keys.see(f"Again: only {BO}")
        await keys.press("G", "enter")
        await keys.see("told to run")
    assert commands_given() == [("Board, office hours", "run now", {"mailboxes": [BO], "again": True})]


async def test_what_to_do_stands_below_the_logs(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "j", "j", "enter", "s")
        screen = await keys.see("What to do: Correct the address")
        assert "[mailbox-not-found]" in screen
        await keys.press("i")
        await keys.miss("What to do: Correct the address")
        await keys.press("4", "j", "j")
        await keys.see("Task summary log")
        assert "What to do" not in shown(app)
        await keys.press("j")
        await keys.see("What to do: Correct the address")


@pytest.mark.parametrize("kind", ["MFR", "MSM"])
@pytest.mark.parametrize("walk", [(), ("2", "G"), ("2", "G", "enter", "s", "enter"), ("2", "G", "space", "k", "space")])
async def test_what_can_be_run_has_one_order_everywhere_and_the_first_choice_runs_nothing(
    app: MseTuiApp, kind: str, walk: tuple[str, ...]
) -> None:
    Task.update(type=kind).where(Task.description == "Shared mailboxes").execute()
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press(*walk, "R")
        screen = await keys.see("Again: only")
        offered = ["Cancel", "All mailboxes", "The first mailbox only", "The first 5", "The first n", "Again: only"]
        assert sorted(offered, key=screen.index) == offered
        await keys.press("enter")
        await settle(pilot)
        assert commands_given() == []


async def test_progress_says_how_long_by_its_own_history_and_how_fast(app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        keys = Keys(pilot)
        screen = await keys.see("about 3 min left, by its last 5 executions")
        assert "▂▅▆▇▆  ▂▇█▇▆" in screen
        await keys.press("2", "j", "j", "enter")
        await keys.see("about 3 min left, by its last 5 executions")


async def test_a_back_off_and_a_lock_are_named(app: MseTuiApp) -> None:
    Progress.update(waiting="The server is busy.", waiting_until=NOW + timedelta(seconds=50)).execute()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("backs off until 10:30:50: The server is busy, ")
        since = NOW - timedelta(minutes=4)
        lock = "waits for its lock, held by 'Board'"
        Progress.update(waiting=lock, waiting_since=since, waiting_until=None, updated=now()).execute()
        await keys.press("r")
        await keys.see(f"{lock} (for 4 min)")
        await keys.press("2", "j", "j", "enter")
        await keys.see("held by 'Board' (for 4 min)")


async def test_a_site_without_an_engine_says_how_to_run_one(seeded: Home) -> None:
    Lease.update(owner="").where(Lease.key.startswith("engine:")).execute()
    app = MseTuiApp(seeded, engine=FakeEngine(holder=""), clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await Keys(pilot).see("No engine runs for this site")
        assert "E runs the engine here" in screen


async def test_what_stands_in_the_way_is_read_on_a_narrow_terminal(app: MseTuiApp) -> None:
    Progress.update(waiting="The server is busy.", waiting_until=NOW + timedelta(seconds=50)).execute()
    async with app.run_test(size=(60, 20), notifications=True) as pilot:
        await Keys(pilot).see("backs off until 10:30:50: The server is busy")
