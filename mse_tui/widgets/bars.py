"""The one line above a screen (where one is, who runs the engine) and the one below it (the keys)."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from mse_tui.text import printable
from mse_tui.widgets.commands import LIST_UNMARK, MODES, Command
from mse_tui.widgets.lines import Tone

BAR_STYLES = {f"bar--{name}" for name in ("place", "key", "good", "warn", "bad", "dim", "plain", "strong", "accent")}


class Bar(Widget, can_focus=False):
    """A line of commands, each of which can be clicked."""

    COMPONENT_CLASSES = BAR_STYLES
    ALLOW_SELECT = False

    class Clicked(Message):
        """This command was clicked."""

        def __init__(self, command: Command) -> None:
            super().__init__()
            self.command = command

    def __init__(self) -> None:
        super().__init__()
        self._spots: list[tuple[int, int, Command]] = []
        """(first cell, cell behind, command), as drawn last."""

    def on_click(self, event: events.Click) -> None:
        """The command under the mouse."""
        for first, behind, command in self._spots:
            if first <= event.x < behind:
                self.post_message(self.Clicked(command))

    def _toned(self, text: Text, said: str, tone: str) -> None:
        text.append(said, self.get_component_rich_style(f"bar--{tone}", partial=True))


class HeaderBar(Bar):
    """The places with their keys, the present one lit, this machine's time zone, and the engine's state.

    Where a place stands depends on the width and on what stands to the right, never on which one is present.
    """

    def __init__(self) -> None:
        super().__init__()
        self._engine = ("", Tone.DIM)
        self._mode = ""
        self._zones: tuple[str, ...] = ()

    def show(self, mode: str, engine: str, tone: Tone, zones: tuple[str, ...] = ()) -> None:
        """Draw again if anything is different. `zones`: how the machine's zone may be said, the longest first."""
        if (mode, (engine, tone), zones) != (self._mode, self._engine, self._zones):
            self._mode, self._engine, self._zones = mode, (engine, tone), zones
            self.refresh()

    def render(self) -> Text:
        """The line: names give way to short ones, then to keys alone, before the engine's state does."""
        engine = printable(self._engine[0])
        names, gap, zone = self._arrangement(self.size.width - cell_len(engine) - 1)
        text = self._drawn(names, gap)
        text.append(" " * max(0, self.size.width - text.cell_len - len(zone) - cell_len(engine) - 1))
        self._toned(text, zone, "dim")
        self._toned(text, engine, self._engine[1])
        return text.append(" ")

    def _arrangement(self, room: int) -> tuple[Mapping[str, str], int, str]:
        """Which places have a name, the cells behind each, and the zone: the most that there is room for."""
        zones = [f"{zone}  " for zone in self._zones]
        for names, gap in _arrangements():
            for zone in zones:
                if _width(names, gap) + len(zone) <= room:
                    return names, gap, zone
        return {}, 1, ""

    def _drawn(self, names: Mapping[str, str], gap: int) -> Text:
        """Each place's key and its name if it has one here; the present one's behind all where it has none."""
        text, self._spots = Text(" ", no_wrap=True, overflow="crop"), []
        apart = ""
        for command in MODES:
            name = names.get(command.id, "")
            first = text.cell_len
            present = command.id == f"mode.{self._mode}"
            if present:
                text.right_crop(1)
                self._toned(text, f" {command.key} {name} " if name else f" {command.key} ", "place")
                text.append(" " * (gap - 1 if name else 0))
                apart = "" if name else command.label
            else:
                self._toned(text, command.key, "plain")
                self._toned(text, f" {name}{' ' * gap}" if name else " ", "dim")
            self._spots.append((first, text.cell_len, command))
        if apart:
            text.append(" ")
            self._toned(text, f" {apart} ", "place")
        return text


def _arrangements() -> Iterator[tuple[Mapping[str, str], int]]:
    """Names and gaps, from the one with most to read to the one that needs least room."""
    full = {one.id: one.label for one in MODES}
    short = {one.id: one.short or one.label for one in MODES}
    for names in (full, short):
        yield names, 2
        yield names, 1
    for named in range(len(MODES) - 1, -1, -1):
        yield {one.id: short[one.id] for one in MODES[:named]}, 1


def _width(names: Mapping[str, str], gap: int) -> int:
    """How many cells it takes, whichever place is the present one."""
    nameless = [one for one in MODES if one.id not in names]
    apart = max((len(one.label) + 3 for one in nameless), default=0)
    return 1 + sum(len(one.key) + 1 for one in MODES) + sum(len(name) + gap for name in names.values()) + apart


class KeyBar(Bar):
    """The keys of a screen, as many as fit."""

    def __init__(self, commands: Sequence[Command], others: Sequence[Command] = ()) -> None:
        """`others`: those that come behind where there is room for them."""
        super().__init__()
        self._commands = tuple(one for one in commands if one.footer)
        shown = {one.id for one in self._commands}
        self._others = tuple(one for one in (*commands, *others) if one.id not in shown)
        self._refused: Mapping[str, str] = {}
        self._marked = ""
        self._absent: Collection[str] = ()
        self._matching = ""

    def show(
        self, refused: Mapping[str, str], marked: str = "", absent: Collection[str] = (), matching: str = ""
    ) -> None:
        """`refused`: why, by the ids of the commands that are not to be had now; `marked`: how many lines are.

        `absent`: the ids of the commands that would do nothing here now; `matching`: how many lines have a text.
        """
        if (refused, marked, absent, matching) != (self._refused, self._marked, self._absent, self._matching):
            self._refused, self._marked, self._absent, self._matching = refused, marked, absent, matching
            self.refresh()

    def render(self) -> Text:
        """The most needed first, those not to be had under why, then the others; what doesn't fit is in the help."""
        text, self._spots = Text(" ", no_wrap=True, overflow="crop"), []
        if self._matching:
            self._toned(text, f"{self._matching}  ", "accent")
        if self._marked:
            self._toned(text, f"{self._marked}  ", "accent")
            self._append(text, [LIST_UNMARK], "key")
        commands = [one for one in self._commands if one.id not in self._absent]
        self._append(text, [one for one in commands if one.id not in self._refused], "key")
        for reason in dict.fromkeys(self._refused.values()):
            refused = [one for one in commands if self._refused.get(one.id) == reason]
            first = f"{reason}: {refused[0].first_key} {refused[0].label}" if refused else ""
            if first and text.cell_len + len(first) <= self.size.width:
                self._toned(text, f"{reason}: ", "warn")
                self._append(text, refused, "dim")
        hidden = {*self._absent, *self._refused}
        self._append(text, [one for one in self._others if one.id not in hidden], "key")
        return text

    def _append(self, text: Text, commands: Sequence[Command], key: str) -> None:
        for command in commands:
            if text.cell_len + len(command.first_key) + len(command.label) + 1 > self.size.width:
                break
            first = text.cell_len
            self._toned(text, command.first_key, key)
            self._toned(text, f" {command.label}  ", "dim")
            self._spots.append((first, text.cell_len - 1, command))
