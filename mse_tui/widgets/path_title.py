"""The title of a list in a folder: where there is little room, the folder's path gives way, not what is behind it."""

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from mse_tui.text import printable
from mse_tui.widgets.lines import fit_path

_BETWEEN = "  "


class PathTitle(Widget, can_focus=False):
    """'anna@example.com  .../Drawings  Live view: 3 messages'"""

    DEFAULT_CLASSES = "title"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._before = self._path = self._behind = ""

    def show(self, before: str, path: str, behind: str) -> None:
        """Say this, if it is anything new."""
        said = (printable(before), printable(path), printable(behind))
        if said != (self._before, self._path, self._behind):
            self._before, self._path, self._behind = said
            self.refresh()

    def render(self) -> Text:
        """All three, the path in the room that the others leave."""
        taken = cell_len(self._before) + cell_len(self._behind) + 2 * len(_BETWEEN)
        path = fit_path(self._path, max(1, self.content_size.width - taken))
        return Text(_BETWEEN.join((self._before, path, self._behind)), no_wrap=True, overflow="ellipsis")
