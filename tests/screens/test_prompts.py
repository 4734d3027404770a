"""Prompts for a line: what is wrong with an answer is said in them, and they stay."""

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.screens.dialogs import number_wrong
from tests.screens.conftest import Keys


@pytest.mark.parametrize(
    ("presses", "prompt", "typed", "refused"),
    [
        (["3", "enter", "v", "j", "j", "enter"], "As of when?", "28.11.2026", "'28.11.2026' is not a date."),
        (["S", "p"], "for how many days?", "abc", "'abc' is not a whole number"),
        (["S", "m"], "No task starts or goes on until", "25:99", "'25:99' is not a time."),
        (["S", "m"], "No task starts or goes on until", "0001-01-01 00:00", "'0001-01-01 00:00' is not a time."),
        (["S", "w"], "Weekly maintenance", "Sunday", "Sunday"),
        (["0", "enter", "m"], "How many more mailboxes?", "-5", "'-5' is not a whole number"),
    ],
)
async def test_an_answer_that_is_none_stays_with_what_is_wrong_with_it(
    app: MseTuiApp, presses: list[str], prompt: str, typed: str, refused: str
) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await keys.see(prompt)
        await keys.press("ctrl+u")
        await keys.type(typed)
        await keys.press("enter")
        screen = await keys.see(refused)
        assert prompt in screen
        await keys.press("escape")
        await keys.miss(prompt)


def test_a_number_of_any_length_is_refused_and_costs_nothing() -> None:
    assert number_wrong("9" * 5000) and number_wrong("10000001")
    assert not number_wrong("10000000")


async def test_a_word_typed_where_no_field_is_leaves_one_hint_and_the_next_screen_none(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        await keys.see("Board, office hours")
        await pilot.press("e", "z", "e", "z", "e")
        screen = await keys.see("does nothing here")
        assert screen.count("does nothing here") == 1
        assert len(app._notifications) == 1
        await keys.press("slash")
        await keys.miss("does nothing here")
