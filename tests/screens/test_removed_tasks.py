"""What removed tasks did stays on the screens, and is said to be theirs."""

from mse_tui.app import MseTuiApp
from mse_tui.store.models import Execution, Task
from tests.screens.conftest import Keys


async def test_what_a_removed_task_did_is_shown_as_that(app: MseTuiApp) -> None:
    task = Task.get(Task.description == "Shared mailboxes")
    number = Execution.select().where(Execution.task == task.id).order_by(Execution.id.desc()).get().id
    Task.delete().where(Task.id == task.id).execute()
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Shared mailboxes (removed)")
        await keys.press("4")
        await keys.see("Task summary log")
        await keys.see("Shared mailboxes (removed)")
        app.open_execution(number)
        await keys.see("Mailbox")
        await keys.see("Shared mailboxes (removed)  ")
        await keys.press("R")
        await app.workers.wait_for_complete()
        assert [one.message for one in app._notifications] == ["The task was removed; it can't be told anything."]
