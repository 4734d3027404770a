"""The line above each screen: every place with its key, the present one by name, and the engine's state."""

import pytest

from mse_tui.access.roles import Role
from mse_tui.app import MseTuiApp
from mse_tui.widgets.commands import MODES
from tests.screens.conftest import Keys, settle, shown

KEYS = [place.key for place in MODES]


async def header(app: MseTuiApp, width: int) -> str:
    """What the top line reads on the dashboard."""
    async with app.run_test(size=(width, 24)) as pilot:
        await Keys(pilot).see("watching")
        await settle(pilot)
        return shown(app).splitlines()[0]


@pytest.mark.parametrize("width", [60, 80, 120, 140, 200])
async def test_the_top_line_names_the_present_place_and_no_place_ever_moves(app: MseTuiApp, width: int) -> None:
    async with app.run_test(size=(width, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("watching")
        seen = set()
        for place in reversed(MODES):
            await keys.press(place.key)
            top = shown(app).splitlines()[0]
            words = top.split()
            assert [word for word in words if word in KEYS] == KEYS
            assert f" {place.key} {place.short or place.label} " in top or f" {place.label} " in top
            assert words[-1] == "watching"
            assert len(top) < width
            seen.add(tuple(top.index(f" {one.key} ") for one in MODES))
        assert len(seen) == 1


@pytest.mark.parametrize("width", [160, 200])
async def test_with_room_every_place_has_its_name_and_the_machines_zone_too(app: MseTuiApp, width: int) -> None:
    top = await header(app, width)
    assert [one.label for one in MODES if f" {one.key} {one.label} " not in top] == []
    assert "  CET, UTC+1  watching" in top


async def test_at_eighty_columns_the_first_places_have_short_names(app: MseTuiApp) -> None:
    top = await header(app, 80)
    assert top.startswith(" 1 Dash 2 Tasks 3 Archive 4 Log 5 6 7 8 9 0 W S L ")
    assert top.endswith("  UTC+1  watching")


async def test_a_long_state_of_the_engine_stays_whole(app: MseTuiApp, being) -> None:
    being(Role.VIEWER)
    top = await header(app, 80)
    assert top.endswith("viewer, watching")
    assert top.startswith(" 1 Dash 2 Tasks ")
    assert " 9 0 W S L " in top


async def test_places_and_keys_can_be_clicked(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("watching")
        lines = shown(app).splitlines()
        await pilot.click(offset=(lines[0].index("2 Tasks") + 3, 0))
        await keys.see("Board, office hours")
        await pilot.click(offset=(shown(app).splitlines()[0].index(" L ") + 1, 0))
        await keys.see("Engine's log")
        await pilot.click(offset=(shown(app).splitlines()[-1].index("v Level"), 23))
        await keys.see("info and worse")


async def test_a_second_click_on_a_line_opens_it_and_one_takes_a_choice(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        row = _row(await keys.see("Shared mailboxes"), "Shared mailboxes")
        await pilot.click(offset=(5, row))
        await settle(pilot)
        assert len(app.screen_stack) == 1
        await pilot.click(offset=(5, row))
        await keys.see("Latest detail")
        await keys.press("escape", "D")
        screen = await keys.see("Cancel")
        row = _row(screen, "Cancel")
        await pilot.click(offset=(screen.splitlines()[row].index("Cancel"), row))
        await keys.miss("Cancel")


def _row(screen: str, text: str) -> int:
    return next(number for number, one in enumerate(screen.splitlines()) if text in one)


async def test_keys_that_can_do_nothing_here_are_left_out_and_the_others_fill_the_room(app: MseTuiApp) -> None:
    async with app.run_test(size=(200, 40)) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        await keys.see("Board, office hours")
        bar = shown(app).splitlines()[-1]
        assert "F Full resync" in bar and "t Type" in bar and "Space Mark" in bar and "Enter Open" in bar
        assert "Next match" not in bar and "Esc" not in bar
        await keys.press("slash")
        await keys.type("board")
        await keys.press("enter")
        bar = shown(app).splitlines()[-1]
        assert "n Next match" in bar and "Esc Back" in bar
        await keys.press("3", "enter", "j", "enter")
        await keys.see("week 38")
        assert "R Restore" in shown(app).splitlines()[-1]
        await keys.press("escape", "k", "enter")
        await keys.see("No messages in this view")
        bar = shown(app).splitlines()[-1]
        assert "R Restore" not in bar and "v View" in bar and "Esc Back" in bar
