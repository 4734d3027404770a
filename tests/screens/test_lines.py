"""Columns stay straight whatever is in them: what is drawn is as wide as terminals make it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mse_tui.widgets.lines import Cell, Column, fit, layout, line, widest

SIGNS = (
    "👩",
    "👍",
    "❤",
    "☎",
    "🏳",
    "🌈",
    "⚠",
    "1",
    "a",
    "é",
    "会",
    "\u0301",
    "ש",
    "\ufe0f",
    "\u200d",
    "\u200c",
    "क",
    "्",
    "🏽",
    "🏿",
    "⃣",
)
NAMES = (
    "会議メモ 東京支社", "Cafe\u0301", "👩\u200d👩\u200d👧 family",
    "👍🏽 ❤\ufe0f ☎\ufe0f", "🏳\ufe0f\u200d🌈", "1\ufe0f⃣",
    "שלום", "한국어",
)  # fmt: skip


def apart(text: str) -> int:
    """How wide a text is in a terminal that joins nothing: each character by itself."""
    return sum(map(cell_len, text))


@given(st.lists(st.sampled_from(SIGNS), max_size=12).map("".join), st.integers(2, 30))
def test_what_is_drawn_is_equally_wide_in_every_terminal(text: str, width: int) -> None:
    drawn = fit(text, width)
    assert cell_len(drawn) == apart(drawn) == width
    assert not set(drawn) & {"\u200d", "\ufe0f", "🏽", "🏿"}


@pytest.mark.parametrize("name", NAMES)
def test_a_column_is_as_wide_as_what_is_drawn_in_it(name: str) -> None:
    columns = (Column("", 40), Column("", 8))
    (width, _) = layout(columns, 78, widest(columns, [line("1", name, Cell("end"))]))
    assert fit(name, width).rstrip() == fit(name, 40).rstrip()
    assert "…" not in fit(name, width)
