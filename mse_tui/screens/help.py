"""The help: made from the declared commands, so it can't be wrong about a key."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mse_tui.widgets.commands import CLOSE, EVERYWHERE, LIST_KEYS, READING_KEYS, Command, bindings, steps_beside
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Fact, Tone


class HelpScreen(ModalScreen[None]):
    """What this screen is for, its keys, and those that work everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((CLOSE,))

    def __init__(
        self, text: str, commands: tuple[Command, ...], refused: Mapping[str, str], *, lists: bool = True
    ) -> None:
        """`refused`: why, by the ids of the commands that the person may not give; `lists`: lines can be marked."""
        super().__init__()
        self._text = text
        self._commands = commands
        self._refused = refused
        self._lists = lists

    def compose(self) -> ComposeResult:
        """A scrolling list of facts."""
        with Vertical(classes="dialog -wide -tall"):
            yield Static("Help - Esc closes", classes="dialog-title", markup=False)
            yield Facts(id="help")

    def on_mount(self) -> None:
        """Fill it."""
        facts = self.query_one(Facts)
        facts.set_facts(help_facts(self._text, self._commands, self._refused, lists=self._lists))
        facts.focus()

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)


def help_facts(
    text: str, commands: tuple[Command, ...], refused: Mapping[str, str], *, lists: bool = True
) -> list[Fact]:
    """The help of one screen as facts; what the person may not do is dim and says why.

    Where there is only text to read, the keys go through it: nothing is opened or marked.
    """
    through = (*LIST_KEYS, *steps_beside(commands)) if lists else READING_KEYS
    facts = [Fact("What it is", text), Fact("")] if text else []
    for title, group in (
        ("On this screen", commands),
        ("In lists" if lists else "In the text", through),
        ("Everywhere", EVERYWHERE),
    ):
        if group:
            facts.append(Fact(title))
            facts += [_fact(one, refused.get(one.id, "")) for one in group]
            facts.append(Fact(""))
    return facts


def _fact(command: Command, why_not: str) -> Fact:
    text = f"{command.label}: {command.help}"
    return Fact(
        f"  {command.keys_shown}", f"{text} ({why_not})" if why_not else text, Tone.DIM if why_not else Tone.PLAIN
    )
