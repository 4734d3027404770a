"""How facts are broken into lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rich.cells import cell_len

from mse_tui.widgets.wrapping import wrapped


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("the text goes on", ["the text", "goes on"]),
        ("application/vnd.office-document", ["applicatio", "n/vnd.", "office-", "document"]),
        ("text/calendar", ["text/", "calendar"]),
        ("exactly-10", ["exactly-10"]),
    ],
)
def test_lines_are_broken_at_spaces_else_behind_signs(text: str, lines: list[str]) -> None:
    assert list(wrapped(text, 10)) == lines


@given(some.text(some.sampled_from("ab/.- 会\u0301"), max_size=60), some.integers(4, 12))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int) -> None:
    lines = list(wrapped(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
