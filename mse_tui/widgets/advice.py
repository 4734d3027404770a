"""Two lines below a list: what happened to the line under the cursor, and what to do about it."""

from textual.widgets import Static

from mse_tui.text import printable
from mse_tui.widgets.lines import Line


class Advice(Static):
    """Shows a line's advice; always as high, so that nothing moves. Sends nothing where it says the same."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)

    def show(self, line: Line | None) -> None:
        """Say what there is to say of this line."""
        text = printable(line.advice, keep_newlines=True) if line is not None else ""
        if str(self.content) != text:
            self.update(text)
