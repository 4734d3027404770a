"""Numbers over time, drawn with block characters."""

import itertools
from collections.abc import Sequence

_STEPS = " ▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """One line; the newest values where there are more than fit. The largest fills its cell."""
    return (columns(values, width, 1) or [""])[0]


def columns(values: Sequence[float], width: int, height: int) -> list[str]:
    """A chart of `height` lines, top first, one column a value, from zero to the largest.

    Where there are more values than `width`, neighbours share a column: the largest of them shows.
    """
    if not values or width < 1 or height < 1:
        return []
    shown = _gathered(values, width)
    largest = max(shown)
    parts = len(_STEPS) - 1
    heights = [round(value / largest * height * parts) if largest > 0 else 0 for value in shown]
    heights = [max(filled, 1) if value > 0 else 0 for filled, value in zip(heights, shown, strict=True)]
    return [
        "".join(_STEPS[min(max(filled - row * parts, 0), parts)] for filled in heights)
        for row in range(height - 1, -1, -1)
    ]


def _gathered(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    edges = [len(values) * position // width for position in range(width + 1)]
    return [max(values[start:end]) for start, end in itertools.pairwise(edges)]
