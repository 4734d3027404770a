"""Times in what the engine has said read on the screens as the times beside them do: in this machine's zone."""

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.archive.explanation import explain_message
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import problem_notice
from mse_tui.screens.troubles import TroublesScreen
from mse_tui.store.models import Execution, MailboxResult, Message, Progress, Task
from tests.screens.conftest import Keys, settle, shown
from tests.screens.seed import NOW

SAID = "since 2026-03-02 06:15 UTC"
LOCAL = "since 2026-03-02 07:15"


@pytest.fixture
def said(seeded) -> None:
    """Wherever the engine says something, it says a time."""
    Task.update(latest_detail=SAID).execute()
    Execution.update(message=SAID).execute()
    MailboxResult.update(message=SAID).execute()
    Progress.update(waiting=SAID).execute()


@pytest.mark.parametrize(
    "presses",
    [
        ["1"], ["2", "j"], ["2", "j", "enter"], ["2", "j", "j", "enter"], ["2", "j", "enter", "s"], ["4", "j"],
        ["2", "j", "enter", "s", "enter", "j"], ["2", "j", "enter", "s", "enter", "j", "enter"],
    ],
    ids=["dashboard", "tasks", "task", "running task", "its log", "summary log", "execution", "result"],
)  # fmt: skip
async def test_what_the_engine_said_reads_in_local_time(said, app: MseTuiApp, presses: list[str]) -> None:
    async with app.run_test(size=(160, 50)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await keys.see(LOCAL)
        await settle(pilot)
        assert "UTC" not in "".join(shown(app).splitlines()[1:])


async def test_what_needs_attention_reads_in_local_time(said, app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        app.push_screen(TroublesScreen())
        await keys.see(LOCAL)
        await settle(pilot)
        assert "UTC" not in "".join(shown(app).splitlines()[1:])
        await keys.press("y")
        assert app.clipboard.endswith(LOCAL) or f"{LOCAL} [" in app.clipboard


async def test_what_was_refused_reads_in_local_time(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(problem_notice(Problem(Reason.INVALID, f"Resting {SAID}.", "Wait.")))
        await Keys(pilot).see(f"Resting {LOCAL}.")


def test_what_becomes_of_a_message_is_said_in_local_time(seeded) -> None:
    message = Message.select().order_by(Message.id).first()
    text = "\n".join(value for _, value in explain_message(message.id).lines(NOW))
    assert "UTC" not in text
