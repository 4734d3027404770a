"""What small terminals show all the same: every day of a week, whole labels, the sentence about a problem."""

from datetime import timedelta

from mse_tui.app import MseTuiApp
from mse_tui.store.models import Execution, MailboxResult, Schedule, Task
from mse_tui.widgets.lines import Fact
from tests.screens.conftest import Keys, settle, until
from tests.screens.seed import NOW


async def test_every_day_of_a_weekly_schedule_is_seen_and_chosen_at_eighty_columns(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("6", "c")
        await keys.see("New schedule")
        await keys.press("tab", "right")
        await keys.see("< weekly >")
        screen = await keys.see("[ ]Sun")
        assert "[ ]Mon" in screen
        await keys.press("tab", "h", "space")
        await keys.see("[x]Sun")


async def test_labels_of_settings_are_not_cut_while_there_is_room(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 44)) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "e")
        screen = await keys.see("Exclude Inbox")
        assert "Include Enterprise Vault shortcuts" in screen
        await keys.press("escape")
        app.show_facts("Settings", [Fact("Include Enterprise Vault shortcuts", "off"), Fact("Inbox", "on")])
        await keys.see("Include Enterprise Vault shortcuts  off")


async def test_the_dashboard_says_all_of_a_problem_and_of_what_happened_last(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Shared mailboxes: 1 of 1 mailboxes failed: No mailbox has the address")
        await keys.press("tab", "tab", "tab", "tab", "tab")
        await keys.see("Everyone, nightly: 3 of 6 mailboxes: carla.moreau@")


async def test_the_tasks_say_whose_mailboxes_and_which_site_at_eighty_columns(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j")
        await keys.see("Board  Office hours, Fjordline Oslo")


async def test_the_cursor_begins_on_a_problem_that_comes_after_the_first_frame(app: MseTuiApp) -> None:
    app.engine_begins = True
    Execution.update(light="green").execute()
    MailboxResult.update(light="green").execute()
    Task.update(light="green").execute()
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await settle(pilot)
        before = app.focused
        assert before is not None and before.id != "troubles"
        Task.update(next_execution=NOW - timedelta(days=2)).execute()
        Execution.update(light="red", reason="mailbox-not-found", message="All failed").execute()
        app.on_mse_tui_app_data_changed()
        await keys.see("Needs attention")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "troubles", "the cursor on it")
        await keys.press("tab")
        app.on_mse_tui_app_data_changed()
        await settle(pilot)
        assert app.focused is not None
        assert app.focused.id != "troubles"


async def test_a_key_that_does_nothing_says_so(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("p")
        await keys.see("p does nothing here. ? for help.")
        await keys.press("tab", "tab", "x")
        await keys.see("No task under the cursor.")


async def test_the_text_of_a_mail_begins_at_the_left_border(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 30)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        screen = await keys.see("Dear Ann")
        assert "\n Dear Ann" in screen
        assert "\n the figures of week 38 are attached. The ferry to Bergen takes the freight on" in screen


async def test_a_question_without_a_text_has_no_empty_room_for_it(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 30)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "R")
        lines = (await keys.see("Run now")).splitlines()
        title = next(number for number, one in enumerate(lines) if "Run now" in one)
        assert "Cancel" in lines[title + 2]


async def test_starts_are_told_in_the_schedule_s_zone_too_where_it_is_another(app: MseTuiApp) -> None:
    Schedule.update(settings=Schedule.get(Schedule.name == "Office hours").settings.replace(
        "Europe/Oslo", "Europe/London")).where(Schedule.name == "Office hours").execute()  # fmt: skip
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "o")
        await keys.see("2026-03-02 12:00 here, 11:00 in Europe/London (in ")
