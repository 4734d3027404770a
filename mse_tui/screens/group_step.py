"""The group of a new task: typed, looked up as one types, or browsed for; and who is in it before anything is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from mse_tui.actions.group_preview import NO_GROUP, Preview
from mse_tui.directory.addresses import SEPARATORS, valid_addresses
from mse_tui.directory.references import Given, check_text, given
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.engine_question import EngineQuestions
from mse_tui.screens.group_lines import FOUND_COLUMNS, MEMBER_COLUMNS, answer_lines, answer_shown, found_line
from mse_tui.screens.tui import Tui
from mse_tui.text import printable
from mse_tui.widgets.inputs import QuietInput
from mse_tui.widgets.lines import Cell, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import in_local_time

_PAUSE_SECONDS = 0.3
"""So long after the last key groups are looked for."""
_LONG_ENOUGH = 2
_HINT = (
    "A group's name, address or distinguished name; or mailbox addresses separated by ; or ,   Down chooses what is"
    " found, Enter shows who is in it."
)
_SILENT = "No engine answered, so the group is not looked up now. Enter again takes it as it is."
_MAILBOX = "No group has this address. If it is a mailbox's address: Enter takes it."
_UP = ".."


class GroupStep(EngineQuestions):
    """An input, a line of what was found, and a list: groups found, a container of the directory, or members."""

    @dataclass
    class Taken(Message):
        """The group was looked at and taken."""

        preview: Preview

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._preview: Preview | None = None
        self._groups: list[Mapping[str, str]] = []
        self._path: list[str] = []
        """The containers gone into while browsing, from the top ('') on; empty while not browsing."""
        self._typed: Timer | None = None
        self._ambiguous = ""
        """What was said of a name that several groups have, which are then shown."""
        self.unlisted = ""
        """Why there is nothing to browse; '' where there is."""

    def compose(self) -> ComposeResult:
        """Input above, list below."""
        yield Static(_HINT, classes="note", markup=False)
        yield QuietInput(id="group", placeholder="sales@example.com")
        yield Static("", id="group-note", classes="note", markup=False)
        yield PagedList(MEMBER_COLUMNS, id="group-list", empty=" ")

    def focus_input(self) -> None:
        """Begin to type."""
        self._input.focus()

    @property
    def _input(self) -> Input:
        return self.query_one("#group", Input)

    @property
    def _list(self) -> PagedList:
        return self.query_one("#group-list", PagedList)

    def _note(self, text: str) -> None:
        self.query_one("#group-note", Static).update(printable(text))

    # --- typing --------------------------------------------------------------------------------------------------

    @on(Input.Changed, "#group")
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._preview = None
        self._ambiguous = ""
        self._path.clear()
        self._show([])
        self._note("")
        if self._typed is not None:
            self._typed.stop()
        self._typed = self.set_timer(_PAUSE_SECONDS, self._look_for)

    def _look_for(self) -> None:
        text = self._input.value.strip()
        if len(text) >= _LONG_ENOUGH and _may_name_a_group(text):
            self.ask("find_group", {"text": text})

    @on(Input.Submitted, "#group")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        group = event.value.strip()
        if not group:
            self._note("Enter a group, or at least one address.")
        elif (refusal := _refusal(group)) is not None:
            self._show([])
            self._note(f"{refusal.happened} {refusal.remedy}")
        elif self._preview is not None and self._preview.group == group:
            self.post_message(self.Taken(self._preview))
        else:
            self._show_members_of(group)

    def key_down(self) -> None:
        """From the input into the list."""
        if self._input.has_focus and self._list.count:
            self._list.focus()

    def _show_members_of(self, group: str) -> None:
        if self._typed is not None:
            self._typed.stop()
        self._preview = Preview(group)
        self._note("The engine looks it up... Enter goes on without.")
        self.ask("preview", {"group": group})

    # --- commands of the screen ----------------------------------------------------------------------------------

    def browse(self) -> None:
        """Show the top of the directory, if it shows its groups."""
        if self.unlisted:
            self._note(f"{self.unlisted[0].upper()}{self.unlisted[1:]}: type what is known of the group.")
            return
        self._path = [""]
        self._browse()

    def refresh_answer(self) -> None:
        """Ask the directory again, whatever was kept of its answer."""
        group = self._input.value.strip()
        if group:
            self._preview = Preview(group)
            self._note("The directory is asked again...")
            self.ask("refresh_group", {"group": group})

    def go_back(self) -> bool:
        """One container up, out of browsing, or from the list to the input; False: there is nothing to go back from."""
        if len(self._path) > 1:
            self._path.pop()
            self._browse()
        elif self._path or not self._input.has_focus:
            self._path.clear()
            self._input.focus()
        else:
            return False
        return True

    def _browse(self) -> None:
        self._note("The directory is asked...")
        self.ask("browse", {"where": self._path[-1]})

    # --- what the engine says ------------------------------------------------------------------------------------

    @on(EngineQuestions.Waits)
    def _waits(self, message: EngineQuestions.Waits) -> None:
        message.stop()
        goes_on = " Enter goes on without." if self._preview is not None else ""
        self._note(f"{in_local_time(message.why)}{goes_on}")

    @on(EngineQuestions.Answered)
    def _answered(self, message: EngineQuestions.Answered) -> None:
        message.stop()
        if message.problem is not None:
            self._show_problem(message.kind, message.problem)
        elif message.kind == "find_group":
            self._show_found(message.answer or {})
        elif message.kind == "browse":
            self._show_level(message.answer or {})
        elif message.answer is None:
            taking = " Enter again takes the group as it is."
            self._note(f"{in_local_time(message.waited)}{taking}" if message.waited else _SILENT)
        else:
            self._show_answer(str(message.arguments["group"]), message.answer)

    def _show_problem(self, kind: str, problem: Problem) -> None:
        if kind == "find_group" and problem.reason is Reason.DIRECTORY_MISSING:
            return  # addresses are all that there is; who wants a group is told when he asks for it
        self._path.clear()
        self._show([])
        text = f"{problem.happened} {problem.remedy}"
        if problem.reason is Reason.GROUP_AMBIGUOUS and self._preview is not None:
            self._ambiguous = problem.happened
            self.ask("find_group", {"text": self._preview.group})
        if problem.reason in NO_GROUP:
            self._preview = None
        elif self._preview is not None:
            text += " Enter again takes the group as it is."
        self._note(text)

    def _show_found(self, answer: Mapping[str, Any]) -> None:
        if self._preview is not None:
            return
        self._groups = list(answer.get("groups", []))
        self._show([found_line(number, one) for number, one in enumerate(self._groups)], FOUND_COLUMNS)
        found = "Down chooses a group, Enter shows who is in it." if self._groups else self._no_group()
        self._note(f"{self._ambiguous} {found}".lstrip())

    def _no_group(self) -> str:
        return _MAILBOX if _is_address(self._input.value.strip()) else "No group is found."

    def _show_level(self, answer: Mapping[str, Any]) -> None:
        if not self._path:
            return
        branches = answer.get("branches", [])
        self._groups = list(answer.get("groups", []))
        lines = [line(_UP, Cell(_UP, Tone.ACCENT), "up")] if len(self._path) > 1 else []
        lines += [line(f"branch {one['where']}", Cell(f"{one['name']}/", Tone.ACCENT), "container") for one in branches]
        lines += [found_line(number, one) for number, one in enumerate(self._groups)]
        self._show(lines, FOUND_COLUMNS)
        empty = "" if lines else " Nothing is listed here: type the beginning of a group's name instead."
        self._note(f"{self._path[-1] or 'The top of the directory'}.{empty}")
        if lines:
            self._list.focus()

    def _show_answer(self, group: str, answer: Mapping[str, Any]) -> None:
        if self._preview is None or self._preview.group != group:
            return
        self._preview = Preview(group, answer)
        self._show(list(answer_lines(answer)))
        now = cast("Tui", self.app).clock()
        self._note(f"{answer_shown(answer, now)} Enter again takes this group.")

    def _show(self, lines: list[Line], columns: Iterable[Any] = MEMBER_COLUMNS) -> None:
        self._list.set_columns(tuple(columns))
        self._list.set_lines(lines)
        self._list.move_to(0)

    # --- choosing ------------------------------------------------------------------------------------------------

    @on(PagedList.Opened, "#group-list")
    def _opened(self, event: PagedList.Opened) -> None:
        event.stop()
        kind, _, rest = event.line.key.partition(" ")
        if self._preview is not None:
            self.post_message(self.Taken(self._preview))
        elif kind == _UP:
            self.go_back()
        elif kind == "branch":
            self._path.append(rest)
            self._browse()
        elif kind == "group":
            self._choose(self._groups[int(rest)])

    def _choose(self, group: Mapping[str, str]) -> None:
        named = (group["where"], group["address"], group["key"])
        # What can't be shown as it is can't be kept as it is shown: such a group is given by its key.
        text = next(one for one in named if one and (one == printable(one) or one == group["key"]))
        self._path.clear()
        with self._input.prevent(Input.Changed):
            self._input.value = text
        self._input.focus()
        self._show_members_of(text)


def _may_name_a_group(text: str) -> bool:
    """The beginning of a name or of an address; not a distinguished name or a list, of which one never types a part."""
    return given(text) is Given.NAME or (given(text) is Given.ADDRESSES and not set(text) & set(SEPARATORS + " "))


def _refusal(text: str) -> Problem | None:
    """Why no task could have these addresses, whatever the engine finds of the others; None for other groups."""
    try:
        check_text(text)
        if given(text) is Given.ADDRESSES:
            valid_addresses(text)
    except Problem as problem:
        return problem
    return None


def _is_address(text: str) -> bool:
    """Whether all of one address has been typed, as far as can be told by its looks."""
    try:
        return given(text) is Given.ADDRESSES and len(valid_addresses(text)) == 1
    except Problem:
        return False
