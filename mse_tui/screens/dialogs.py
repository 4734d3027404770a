"""Questions: each is answered by a key and returns a value."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.widgets.input import Selection

from mse_tui.reasons import Problem
from mse_tui.text import printable
from mse_tui.widgets.commands import CANCEL, CHOICE_BEFORE, CHOICE_NEXT, CLOSE, SUBMIT, Command, bindings
from mse_tui.widgets.facts import Facts, Prose
from mse_tui.widgets.inputs import QuietInput
from mse_tui.widgets.lines import Cell, Column, Fact, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import in_local_time, number

Answer = TypeVar("Answer")

_MOST = 10_000_000


class Offered(PagedList):
    """What there is to choose from."""

    ONE_CLICK = True


class Choice(ModalScreen[Answer | None], Generic[Answer]):
    """Pick one; the first is the default. Escape answers None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((CANCEL, CHOICE_NEXT, CHOICE_BEFORE))

    def __init__(
        self,
        title: str,
        text: str,
        choices: Sequence[tuple[str, Answer]],
        *,
        names: Sequence[str] = (),
        warning: bool = False,
    ) -> None:
        """`names`: all that it is about, a line each; where they are more than fit, Up goes through them."""
        super().__init__(classes="-warning" if warning else None)
        self._title = title
        self._text = text
        self._choices = tuple(choices)
        self._names = tuple(names)

    def compose(self) -> ComposeResult:
        """Title, names, text, choices."""
        with Vertical(classes="dialog"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            if self._names:
                yield PagedList([Column("", 60, grows=True)], heading=False, id="names", classes="-chained")
            yield self.text_widget()
            apart = "" if self._text or self._names else " -apart"
            yield Offered([Column("", 60, grows=True)], heading=False, id="choices", classes=f"-chained{apart}")

    def text_widget(self) -> Widget:
        """What there is to say."""
        text = Static(printable(self._text, keep_newlines=True), classes="dialog-text", markup=False)
        text.display = bool(self._text)
        return text

    def on_mount(self) -> None:
        """The first choice has the cursor."""
        for names in self.query("#names").results(PagedList):
            names.set_lines([line(number, name) for number, name in enumerate(self._names)])
        choices = self.query_one("#choices", PagedList)
        choices.set_lines([line(number, label) for number, (label, _) in enumerate(self._choices)])
        choices.focus()

    @on(PagedList.Opened, "#choices")
    def _chosen(self, event: PagedList.Opened) -> None:
        event.stop()
        self.dismiss(self._choices[int(event.line.key)][1])

    def action_choice_next(self) -> None:
        """The choice below."""
        self._step(1)

    def action_choice_before(self) -> None:
        """The choice above."""
        self._step(-1)

    def _step(self, by: int) -> None:
        choices = self.query_one("#choices", PagedList)
        choices.focus()
        choices.move_to(choices.cursor + by)

    def action_cancel(self) -> None:
        """No answer."""
        self.dismiss(None)


Check = Callable[[str], str]
"""What is wrong with an answer; '' for nothing."""


def refusal(read: Callable[[str], object]) -> Check:
    """The check that refuses what `read` raises a Problem about."""

    def check(answer: str) -> str:
        try:
            read(answer)
        except Problem as problem:
            return f"{problem.happened} {problem.remedy}"
        return ""

    return check


def number_wrong(answer: str) -> str:
    """Refuses what is no number from 0 to ten million."""
    if answer.isdecimal() and len(answer) <= len(str(_MOST)) and int(answer) <= _MOST:
        return ""
    return f"{answer!r} is not a whole number from 0 to {number(_MOST)}."


class Question(ModalScreen[str | None]):
    """Type one line. An answer that is refused stays there, with why. Escape answers None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((SUBMIT, CANCEL))

    def __init__(
        self, title: str, text: str, value: str = "", placeholder: str = "", check: Check = lambda _: ""
    ) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._value = value
        self._placeholder = placeholder
        self._check = check

    def compose(self) -> ComposeResult:
        """Title, text, the input."""
        with Vertical(classes="dialog"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            yield Static(printable(self._text, keep_newlines=True), classes="dialog-text", markup=False)
            yield QuietInput(self._value, placeholder=self._placeholder, id="answer")
            yield Static("", classes="entry-error", id="refused", markup=False)
            yield Static("Enter takes it, Esc cancels", classes="dialog-hint", markup=False)

    def on_descendant_focus(self) -> None:
        """All of it is selected, and what is longer than its field shows its start."""
        answer = self.query_one(Input)
        answer.selection = Selection(len(answer.value), 0)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Take what stands there, if it is an answer."""
        answer = self.query_one(Input).value.strip()
        if wrong := self._check(answer):
            refused = self.query_one("#refused", Static)
            refused.update(printable(wrong))
            refused.display = True
        else:
            self.dismiss(answer)

    def action_cancel(self) -> None:
        """No answer."""
        self.dismiss(None)


class Inspection(Choice[Answer]):
    """Something to look at before it is decided about: Up goes through it."""

    def __init__(self, title: str, facts: Sequence[Fact], text: str, choices: Sequence[tuple[str, Answer]]) -> None:
        super().__init__(title, text, choices, warning=True)
        self._facts = tuple(facts)

    def text_widget(self) -> Widget:
        """The facts, then what there is to say."""
        shown = Facts(id="inspected", classes="-chained")
        shown.set_facts(self._facts)
        return Vertical(shown, super().text_widget(), classes="inspection")


class Notice(Choice[bool]):
    """Something that a person must have read, however long: Up goes through it."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title, text, [("Close", True)])

    def text_widget(self) -> Widget:
        """The text, scrollable."""
        prose = Prose(id="text", classes="dialog-text -chained")
        prose.set_text(self._text)
        return prose


def problem_notice(problem: Problem, title: str = "That did not work") -> Notice:
    """What went wrong and what to do about it."""
    return Notice(title, f"{in_local_time(problem.happened)}\n\n{problem.remedy}\n\n[{problem.reason}]")


class FactsDialog(ModalScreen[Command | None]):
    """Facts over a screen. Answers a command of the screen below whose key was pressed, None where it was closed."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((CLOSE,))

    def __init__(self, title: str, facts: Sequence[Fact], commands: Sequence[Command] = ()) -> None:
        """`commands`: those of the screen below that are for what is shown."""
        super().__init__()
        self._title = title
        self._facts = tuple(facts)
        self._commands = tuple(commands)

    def compose(self) -> ComposeResult:
        """The facts, scrollable; what can be done about them."""
        with Vertical(classes="dialog -wide"):
            yield Static(printable(f"{self._title} - Esc closes"), classes="dialog-title", markup=False)
            yield Facts()
            if self._commands:
                said = "  ".join(f"{one.first_key} {one.label}" for one in self._commands)
                yield Static(said, classes="dialog-hint", markup=False)

    def on_key(self, event: events.Key) -> None:
        """A command's key leads to the command."""
        chosen = next((one for one in self._commands if event.key in one.key.split(",")), None)
        if chosen is not None:
            event.stop()
            self.dismiss(chosen)

    def on_mount(self) -> None:
        """Fill it."""
        facts = self.query_one(Facts)
        facts.set_facts(self._facts)
        facts.focus()

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)


class Picker(ModalScreen[Any]):
    """Pick a line of a list by typing a part of it. Escape answers None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((CANCEL,))

    def __init__(self, title: str, entries: Sequence[tuple[str, str, Any]]) -> None:
        """`entries`: (label, description, value)"""
        super().__init__()
        self._title = title
        self._entries = tuple(entries)

    def compose(self) -> ComposeResult:
        """The input narrows the list under it."""
        with Vertical(classes="dialog -wide"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            yield QuietInput(placeholder="type to narrow", id="answer")
            yield Offered(
                [Column("", 26), Column("", 8, 2), Column("", 40, 3, grows=True)], heading=False, empty="Nothing."
            )

    def on_mount(self) -> None:
        """All of them at first."""
        self.query_one(PagedList).set_lines(
            [
                line(number, Cell(label, Tone.STRONG), *self._described(text))
                for number, (label, text, _) in enumerate(self._entries)
            ]
        )
        self.query_one(Input).focus()

    @staticmethod
    def _described(text: str) -> tuple[Cell, Cell]:
        key, _, description = text.partition("\t") if "\t" in text else ("", "", text)
        return Cell(key, Tone.ACCENT), Cell(description, Tone.DIM)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        found = self.query_one(PagedList)
        found.filter(event.value)
        found.move_to(0)

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(PagedList).action_list_open()

    def key_down(self) -> None:
        """From the input into the list."""
        if self.query_one(Input).has_focus:
            self.query_one(PagedList).action_list_down()

    def key_up(self) -> None:
        """From the input into the list."""
        if self.query_one(Input).has_focus:
            self.query_one(PagedList).action_list_up()

    @on(PagedList.Opened)
    def _chosen(self, event: PagedList.Opened) -> None:
        event.stop()
        self.dismiss(self._entries[int(event.line.key)][2])

    def action_cancel(self) -> None:
        """No answer."""
        self.dismiss(None)
