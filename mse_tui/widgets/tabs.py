"""The names of a screen's tabs on one line."""

from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from mse_tui.widgets.bars import BAR_STYLES


class TabLine(Widget, can_focus=False):
    """'Options | Information | Logs', the present one lit."""

    COMPONENT_CLASSES = BAR_STYLES
    ALLOW_SELECT = False

    present = reactive("")

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, tabs: tuple[tuple[str, str], ...], present: str) -> None:
        super().__init__()
        self._tabs = tabs
        self.set_reactive(TabLine.present, present)

    def render(self) -> Text:
        """All of them, the present one lit."""
        text = Text(" ", no_wrap=True, overflow="crop")
        for name, label in self._tabs:
            style = "bar--place" if name == self.present else "bar--dim"
            text.append(f" {label} ", self.get_component_rich_style(style, partial=True))
            text.append(" ")
        return text

    def on_click(self, event: events.Click) -> None:
        """The tab under the mouse."""
        place = 1
        for name, label in self._tabs:
            if place <= event.x < place + len(label) + 2:
                self.post_message(self.Chosen(name))
            place += len(label) + 3
