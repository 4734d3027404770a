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
async def test_the_top_line_has_every_places_key_and_names_the_present_one(app: MseTuiApp, width: int) -> None:
    async with app.run_test(size=(width, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("watching")
        for place in reversed(MODES):
            await keys.press(place.key)
            top = shown(app).splitlines()[0]
            words = top.split()
            assert [word for word in words if word in KEYS] == KEYS
            assert f" {place.key} {place.label} " in top
            assert words[-1] == "watching"
            assert len(top) < width


@pytest.mark.parametrize("width", [140, 200])
async def test_with_room_every_place_has_its_name(app: MseTuiApp, width: int) -> None:
    top = await header(app, width)
    assert [one.label for one in MODES if f" {one.key} {one.label} " not in top] == []


async def test_at_eighty_columns_the_first_places_have_short_names(app: MseTuiApp) -> None:
    assert (await header(app, 80)).startswith(" 1 Dashboard  2 Tasks  3 Archive  4 Log  5 Defs  6 7 8 9 0 W S L ")


async def test_a_long_state_of_the_engine_stays_whole(app: MseTuiApp, being) -> None:
    being(Role.VIEWER)
    top = await header(app, 80)
    assert top.endswith("viewer, watching")
    assert top.startswith(" 1 Dashboard  2 Tasks ")
    assert " 9 0 W S L " in top
