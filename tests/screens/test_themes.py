"""Themes where a terminal has few colours, or its own."""

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.widgets.paged_list import PagedList
from tests.screens.conftest import FakeEngine, Keys
from tests.screens.seed import NOW


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_the_line_with_the_cursor_stands_out_in_a_terminal_s_own_colours(app: MseTuiApp, theme: str) -> None:
    app.theme = theme
    await _cursor_is_in_reverse(app)


async def test_the_line_with_the_cursor_stands_out_with_sixteen_colours(
    seeded: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "standard")
    app = MseTuiApp(seeded, engine=FakeEngine(), clock=lambda: NOW)
    app.theme = "light"
    await _cursor_is_in_reverse(app)


async def _cursor_is_in_reverse(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        await keys.see("All types")
        tasks = app.screen.query_one("#tasks", PagedList)
        assert tasks.get_component_rich_style("list--cursor", partial=True).reverse
        assert not tasks.get_component_rich_style("list--dim", partial=True).color.name.startswith("bright")
