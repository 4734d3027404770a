"""Charts of block characters."""

from hypothesis import given
from hypothesis import strategies as some

from mse_tui.widgets.plot import columns, sparkline


def test_a_chart_stands_on_zero() -> None:
    assert columns([1, 2, 4], 10, 2) == ["  █", "▄██"]
    assert sparkline([0, 1, 8], 10) == " ▁█"


def test_what_is_more_than_nothing_shows() -> None:
    assert sparkline([1, 10_000], 10) == "▁█"
    assert columns([0, 0], 10, 1) == ["  "]
    assert columns([], 10, 3) == []


@given(
    values=some.lists(some.floats(0, 1e9), min_size=1, max_size=300), width=some.integers(1, 80),
    height=some.integers(1, 10),
)  # fmt: skip
def test_a_chart_fits_its_room_and_shows_the_largest(values: list[float], width: int, height: int) -> None:
    drawn = columns(values, width, height)
    assert len(drawn) == height
    assert {len(line) for line in drawn} == {min(width, len(values))}
    if max(values) > 0:
        assert "█" in drawn[0]
