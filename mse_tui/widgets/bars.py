"""The one line above a screen (where one is, who runs the engine) and the one below it (the keys)."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from rich.text import Text
from textual.widget import Widget

from mse_tui.text import printable
from mse_tui.widgets.commands import LIST_UNMARK, MODES, Command
from mse_tui.widgets.lines import Tone

BAR_STYLES = {f"bar--{name}" for name in ("place", "key", "good", "warn", "bad", "dim", "plain", "strong", "accent")}


class HeaderBar(Widget, can_focus=False):
    """The places with their keys, the present one lit, and the engine's state."""

    COMPONENT_CLASSES = BAR_STYLES
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._engine = ("", Tone.DIM)
        self._mode = ""

    def show(self, mode: str, engine: str, tone: Tone) -> None:
        """Draw again if anything is different."""
        if (mode, (engine, tone)) != (self._mode, self._engine):
            self._mode, self._engine = mode, (engine, tone)
            self.refresh()

    def render(self) -> Text:
        """The line: names give way to short ones, then to keys alone, before the engine's state does."""
        engine = printable(self._engine[0])
        places = self._places(self.size.width - len(engine) - 1)
        room = max(0, self.size.width - places.cell_len - len(engine) - 1)
        style = self.get_component_rich_style(f"bar--{self._engine[1]}", partial=True)
        return Text.assemble(places, " " * room, (engine, style), " ", no_wrap=True, overflow="crop")

    def _places(self, room: int) -> Text:
        return next((text for text in self._arrangements() if text.cell_len <= room), self._drawn({}, 1))

    def _arrangements(self) -> Iterator[Text]:
        """From the one with most to read to the one that needs least room."""
        full = {one.id: one.label for one in MODES}
        short = {one.id: one.short or one.label for one in MODES}
        for names in (full, short):
            yield self._drawn(names, 2)
            yield self._drawn(names, 1)
        for named in range(len(MODES) - 1, 0, -1):
            yield self._drawn({one.id: short[one.id] for one in MODES[:named]}, 2)

    def _drawn(self, names: Mapping[str, str], gap: int) -> Text:
        """Each place's key, and its name if it has one here, with so many cells behind; the present one's always."""
        text = Text(" ")
        for command in MODES:
            name = names.get(command.id, "")
            if command.id == f"mode.{self._mode}":
                text.right_crop(1)
                style = self.get_component_rich_style("bar--place", partial=True)
                text.append(f" {command.key} {command.label} ", style).append(" " * (gap - 1))
            else:
                text.append(command.key, self.get_component_rich_style("bar--plain", partial=True))
                label = f" {name}{' ' * gap}" if name else " "
                text.append(label, self.get_component_rich_style("bar--dim", partial=True))
        return text


class KeyBar(Widget, can_focus=False):
    """The keys of a screen, as many as fit."""

    COMPONENT_CLASSES = BAR_STYLES
    ALLOW_SELECT = False

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__()
        self._commands = tuple(one for one in commands if one.footer)
        self._refused: Mapping[str, str] = {}
        self._marked = ""
        self._absent: Collection[str] = ()

    def show(self, refused: Mapping[str, str], marked: str = "", absent: Collection[str] = ()) -> None:
        """`refused`: why, by the ids of the commands that are not to be had now; `marked`: how many lines are.

        `absent`: the ids of the commands that would do nothing here now.
        """
        if (refused, marked, absent) != (self._refused, self._marked, self._absent):
            self._refused, self._marked, self._absent = refused, marked, absent
            self.refresh()

    def render(self) -> Text:
        """The most needed first, then those not to be had, under why; those that don't fit are in the help."""
        text = Text(" ", no_wrap=True, overflow="crop")
        if self._marked:
            text.append(f"{self._marked}  ", self.get_component_rich_style("bar--accent", partial=True))
            self._append(text, [LIST_UNMARK], "bar--key")
        commands = [one for one in self._commands if one.id not in self._absent]
        self._append(text, [one for one in commands if one.id not in self._refused], "bar--key")
        for reason in dict.fromkeys(self._refused.values()):
            refused = [one for one in commands if self._refused.get(one.id) == reason]
            first = f"{reason}: {refused[0].first_key} {refused[0].label}" if refused else ""
            if first and text.cell_len + len(first) <= self.size.width:
                text.append(f"{reason}: ", self.get_component_rich_style("bar--warn", partial=True))
                self._append(text, refused, "bar--dim")
        return text

    def _append(self, text: Text, commands: Sequence[Command], key: str) -> None:
        key_style = self.get_component_rich_style(key, partial=True)
        label_style = self.get_component_rich_style("bar--dim", partial=True)
        for command in commands:
            if text.cell_len + len(command.first_key) + len(command.label) + 1 > self.size.width:
                break
            text.append(command.first_key, key_style)
            text.append(f" {command.label}  ", label_style)
