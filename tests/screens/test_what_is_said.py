"""What the screens say where there is nothing to mark, nothing that ran, or room for more."""

from mse_tui.app import MseTuiApp
from mse_tui.store.models import HaltedAccount, Message
from tests.screens.conftest import Keys
from tests.screens.seed import NOW


async def test_the_help_of_a_message_has_no_keys_for_marks(app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter", "question_mark")
        screen = await keys.see("In the text")
        assert "Unmark" not in screen
        assert "Page down" in screen
        await keys.press("escape", "escape", "question_mark")
        screen = await keys.see("In lists")
        assert "Unmark" in screen


async def test_a_task_that_never_ran_is_explained_and_has_no_history_to_lose(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "enter")
        await keys.see("Unknown: created, never executed")
        await keys.press("D")
        screen = await keys.see("Remove 'Before the move'?")
        assert "Full view" not in screen


async def test_what_to_do_is_said_in_whole_where_there_is_room(app: MseTuiApp) -> None:
    HaltedAccount.create(key="a", account="svc-archive@fjordline.example", since=NOW, message="Refused.")
    async with app.run_test(size=(80, 44)) as pilot:
        keys = Keys(pilot)
        screen = await keys.see("Correct the user name or password in the configuration,")
        assert "or say that it is right with mse-tui site retry." in screen
        await keys.press("j")
        await keys.see("Shared mailboxes: 1 of 1 mailboxes failed")
        await pilot.resize_terminal(80, 24)
        await keys.miss("or say that it is right")


async def test_senders_have_their_share_of_a_wide_terminal(app: MseTuiApp) -> None:
    name = "Someone with a rather long name"
    Message.update(sender=name).execute()
    async with app.run_test(size=(140, 40)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter")
        await keys.see(name)
