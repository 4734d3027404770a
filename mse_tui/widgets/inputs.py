"""Input fields that keep still: no blinking, one line high."""

from collections.abc import Iterator, Sequence, Set
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from mse_tui.text import printable


class QuietInput(Input):
    """A one-line input whose cursor does not blink."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(printable(value), compact=True, **options)
        self.cursor_blink = False


class Switch(Widget, can_focus=True):
    """Yes or no: '[x] label'. Space or Enter changes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "flip", "Change", show=False)]

    value = reactive(False)

    class Changed(Message):
        """It was changed by a person."""

        def __init__(self, switch: "Switch") -> None:
            super().__init__()
            self.switch = switch

        @property
        def control(self) -> "Switch":
            """For handlers by id."""
            return self.switch

    def __init__(self, label: str, value: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = printable(label)
        self.set_reactive(Switch.value, value)

    def render(self) -> Text:
        """A box that reads without colour."""
        return Text(f"[{'x' if self.value else ' '}] {self._label}", no_wrap=True, overflow="ellipsis")

    def action_flip(self) -> None:
        """The other way round."""
        self.value = not self.value
        self.post_message(self.Changed(self))

    def on_click(self) -> None:
        """As with space."""
        self.action_flip()


class Chooser(Widget, can_focus=True):
    """One of a few: '< daily >'. Left and right (or space) go through them, Enter goes on to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "step(1)", "Next", show=False),
        Binding("left,h", "step(-1)", "Before", show=False),
        Binding("enter", "app.focus_next", "Go on", show=False),
    ]

    index = reactive(0)

    class Changed(Message):
        """Another one was chosen by a person."""

        def __init__(self, chooser: "Chooser") -> None:
            super().__init__()
            self.chooser = chooser

        @property
        def control(self) -> "Chooser":
            """For handlers by id."""
            return self.chooser

    def __init__(
        self,
        choices: Sequence[tuple[str, Any]],
        value: Any = None,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._choices = tuple(choices)
        chosen = next((place for place, (_, one) in enumerate(self._choices) if one == value), 0)
        self.set_reactive(Chooser.index, chosen)

    @property
    def value(self) -> Any:
        """What is chosen."""
        return self._choices[self.index][1]

    def render(self) -> Text:
        """Arrows say that there are others; with the focus, which key leads to them."""
        hint = "  Space changes it" if self.has_focus else ""
        return Text(f"< {printable(self._choices[self.index][0])} >{hint}", no_wrap=True, overflow="ellipsis")

    def action_step(self, by: int) -> None:
        """The next one, around."""
        self.index = (self.index + by) % len(self._choices)
        self.post_message(self.Changed(self))

    def on_click(self) -> None:
        """As with space."""
        self.action_step(1)


class Several(Widget, can_focus=True):
    """Some of a few: '[x] Mon [ ] Tue'. Left and right move, space changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "step(1)", "Next", show=False),
        Binding("left,h", "step(-1)", "Before", show=False),
        Binding("space,enter", "flip", "Change", show=False),
    ]

    index = reactive(0)

    class Changed(Message):
        """One was ticked, or no longer is."""

        def __init__(self, several: "Several") -> None:
            super().__init__()
            self.several = several

        @property
        def control(self) -> "Several":
            """For handlers by id."""
            return self.several

    def __init__(self, choices: Sequence[tuple[str, Any]], chosen: Set[Any] = frozenset()) -> None:
        super().__init__()
        self._choices = tuple(choices)
        self._chosen = set(chosen)

    @property
    def values(self) -> list[Any]:
        """The ticked ones, in their order."""
        return [one for _, one in self._choices if one in self._chosen]

    def render(self) -> Text:
        """Each with its box; the present one is underlined while the focus is here."""
        return Text("\n", no_wrap=True, overflow="ellipsis").join(self._rows(self.size.width))

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """As many rows as they need."""
        return len(list(self._rows(width)))

    def _rows(self, width: int) -> Iterator[Text]:
        row = Text()
        for place, (label, value) in enumerate(self._choices):
            box = "x" if value in self._chosen else " "
            present = self.has_focus and place == self.index
            choice = Text(f"[{box}]{printable(label)}", "underline" if present else "")
            if row and row.cell_len + 1 + choice.cell_len > width:
                yield row
                row = Text()
            row = Text.assemble(row, " ", choice) if row else choice
        yield row

    def action_step(self, by: int) -> None:
        """The next one, around."""
        self.index = (self.index + by) % len(self._choices)

    def action_flip(self) -> None:
        """Tick it, or take the tick away."""
        self._chosen ^= {self._choices[self.index][1]}
        self.refresh()
        self.post_message(self.Changed(self))


class Button(Widget, can_focus=True):
    """'[ Save ]': Enter or space presses it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "press", "Press", show=False)]

    class Pressed(Message):
        """It was pressed."""

        def __init__(self, button: "Button") -> None:
            super().__init__()
            self.button = button

        @property
        def control(self) -> "Button":
            """For handlers by id."""
            return self.button

    def __init__(self, label: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._label = printable(label)

    def get_content_width(self, *_sizes: Any) -> int:
        """As wide as its text."""
        return len(self._label) + 4

    def render(self) -> Text:
        """Its text in square brackets."""
        return Text(f"[ {self._label} ]", no_wrap=True)

    def action_press(self) -> None:
        """Tell the screen."""
        self.post_message(self.Pressed(self))

    def on_click(self) -> None:
        """As with Enter."""
        self.action_press()
