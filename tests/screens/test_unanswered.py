"""Where what there is to choose from can't be read, that is said; nothing is offered to choose."""

import pytest

from mse_tui.actions.calendar_reading import CalendarReading
from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import Choice, Notice, Picker
from mse_tui.store import queries
from tests.screens.calendar_seed import seed_calendars
from tests.screens.conftest import Keys


@pytest.mark.parametrize(
    ("walk", "sign", "asked", "presses"),
    [
        (["L"], "Engine's log: 9 lines", (queries, "tasks_of_type"), ["t"]),
        (["2", "j", "enter"], "Latest detail", (queries, "schedules"), ["e", "enter"]),
        (["2", "j", "enter"], "Latest detail", (queries, "definitions"), ["e", "j", "enter"]),
        (["7", "enter"], "times in", (CalendarReading, "calendars"), ["c"]),
    ],
    ids=["tasks of the log", "schedules", "definitions", "calendars"],
)
async def test_a_list_that_cannot_be_read_is_not_offered(
    seeded: Home,
    app: MseTuiApp,
    monkeypatch: pytest.MonkeyPatch,
    walk: list[str],
    sign: str,
    asked: tuple[object, str],
    presses: list[str],
) -> None:
    def failing(*_: object) -> None:
        raise Problem(Reason.DATABASE_DAMAGED, "The database can't be read.")

    seed_calendars(seeded)
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*walk)
        await keys.see(sign)
        monkeypatch.setattr(*asked, failing)
        await keys.press(*presses)
        await keys.see("The database can't be read.")
        assert isinstance(app.screen, Notice)
        assert [each for each in app.screen_stack if isinstance(each, Choice | Picker)] == [app.screen]
