"""Archived folders into files: where to is asked, how far it is is shown, Esc ends it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mse_tui.actions.archive_reading import Reading
from mse_tui.archive.export import ExportReport, GoesOn, target_at
from mse_tui.archive.names import safe_name
from mse_tui.archive.views import FolderView, View
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import Choice, Notice, Question, problem_notice
from mse_tui.screens.tui import explained
from mse_tui.text import printable
from mse_tui.widgets.commands import CANCEL, bindings
from mse_tui.widgets.lines import bar
from mse_tui.widgets.wording import count, number, size

if TYPE_CHECKING:
    from mse_tui.screens.live import LiveScreen

_SHOWN_EVERY = 0.5
_BAR = 40


class Exporting(ModalScreen[ExportReport | Problem]):
    """Writes in a thread and shows how far it is; answers what came of it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((CANCEL,))

    def __init__(self, title: str, messages: int, write: Callable[[GoesOn], ExportReport]) -> None:
        """`messages`: how many there are to write."""
        super().__init__()
        self._title = title
        self._messages = messages
        self._write = write
        self._ended = Event()
        self._so_far = ExportReport()

    def compose(self) -> ComposeResult:
        """Title, how far, how to end it."""
        with Vertical(classes="dialog"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            yield Static(self._said(), classes="dialog-text", id="so-far", markup=False)
            yield Static("Esc ends it; what is written stays", classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(_SHOWN_EVERY, self._show)
        self._run()

    def on_unmount(self) -> None:
        """Nobody waits for it any more."""
        self._ended.set()

    @work(group="export")
    async def _run(self) -> None:
        try:
            report = await asyncio.to_thread(explained, lambda: self._write(self._goes_on))
        except Problem as problem:
            self.dismiss(problem)
        else:
            self.dismiss(report)

    def _goes_on(self, so_far: ExportReport) -> bool:
        self._so_far = so_far
        return not self._ended.is_set()

    def _said(self) -> str:
        done = self._so_far.messages + self._so_far.without_content + len(self._so_far.problems)
        share = min(1.0, done / self._messages) if self._messages else None
        written = f"{number(done)} of {count(self._messages, 'message')}, {size(self._so_far.bytes)}"
        return f"{bar(share, _BAR)}\n{written}"

    def _show(self) -> None:
        self.query_one("#so-far", Static).update(self._said())

    def action_cancel(self) -> None:
        """After the message that is being written."""
        self._ended.set()


async def export_folders(
    screen: "LiveScreen[Any]", reading: Reading, view: View, tops: Sequence[FolderView] = ()
) -> bool:
    """Ask where to, then write these folders and all below them, or the whole mailbox; False where it was left."""
    tui = screen.tui
    folders = await tui.asked(lambda: _below(reading, view, tops) if tops else reading.folders(view, sizes=False))
    if folders is None:
        return False
    which = f" {tops[0].name}" if len(tops) == 1 else f" {len(tops)} folders" if tops else ""
    name = f"{reading.mailbox.address}{which}"
    messages = sum(row.messages for row in folders)
    path = await _ask_where(screen, name, _what(folders, messages, tops))
    if path is None:
        return False
    where, one_file = path

    def write(goes_on: GoesOn) -> ExportReport:
        with target_at(where, one_file=one_file) as target:
            return reading.export_folders(folders, view, target, str(where), goes_on)

    report = await tui.push_screen_wait(Exporting(f"Exporting to {where}", messages, write))
    if isinstance(report, Problem):
        tui.push_screen(problem_notice(report, "The export did not end well"))
    elif report.problems:
        left = [f"{row.subject or '(no subject)'}: {problem.happened}" for row, problem in report.problems]
        tui.push_screen(Notice("Not all could be exported", "\n".join([_told(report, where), "", *left])))
    else:
        tui.notify(_told(report, where), markup=False)
    return True


def _below(reading: Reading, view: View, tops: Sequence[FolderView]) -> list[FolderView]:
    """These folders and all below them, each once."""
    found = {row.id: row for top in tops for row in reading.folders_below(top, view)}
    return list(found.values())


def _what(folders: Sequence[FolderView], messages: int, tops: Sequence[FolderView]) -> str:
    what = "; ".join(top.path or top.name for top in tops) or "The whole mailbox"
    more = len(folders) - len(tops)
    below = f" and {count(more, 'folder')} below {'it' if len(tops) == 1 else 'them'}" if tops and more else ""
    return f"{what}{below}: {count(messages, 'message')}, byte for byte."


async def _ask_where(screen: "LiveScreen[Any]", name: str, what: str) -> tuple[Path, bool] | None:
    """The path, and whether it is one file."""
    choices = [("A file for each message (.eml), in a directory", False), ("One mbox file", True)]
    one_file = await screen.app.push_screen_wait(Choice(f"Export {name}", what, choices))
    if one_file is None:
        return None
    proposed = str(Path.cwd() / safe_name(name, ".mbox" if one_file else ""))
    title = "Write to which file?" if one_file else "Write into which directory?"
    text = "An existing file is not overwritten." if one_file else "Exporting there again writes the same files again."
    answer = await screen.app.push_screen_wait(Question(title, text, proposed))
    return (Path(answer).expanduser(), one_file) if answer else None


def _told(report: ExportReport, where: Path) -> str:
    text = f"{count(report.messages, 'message')}, {size(report.bytes)}, written to {where}."
    if report.without_content:
        text += f" {number(report.without_content)} left out: only their metadata were archived."
    return f"Ended early: {text}" if report.ended_early else text
