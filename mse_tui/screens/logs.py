"""Logs: what the site's engine logs, in whichever process it runs; filtered, and followed at its end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from textual import events, on, work
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from mse_tui.engine.log_lines import Level, LogFilter, LogLine
from mse_tui.engine.log_reading import LogReader, LogWatcher, Looked
from mse_tui.reasons import remedy
from mse_tui.screens.dialogs import Picker, Question
from mse_tui.screens.live import LiveScreen
from mse_tui.store import queries
from mse_tui.text import printable
from mse_tui.widgets.commands import LOGS_FOLLOW, LOGS_LEVEL, LOGS_MAILBOX, LOGS_TASK, LOGS_TEXT
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PAGE, PagedList
from mse_tui.widgets.wording import count

_COLUMNS: tuple[Column, ...] = (
    Column("When", 14),
    Column("Level", 9),
    Column("Task", 22, 4),
    Column("Mailbox", 24, 3),
    Column("Message", 26, grows=True),
)
_ABOUT = Column("Mailbox or task", 22, 3)
"""One column for what a line is about, where there is no room for two."""
_FEWER_COLUMNS: tuple[Column, ...] = (_COLUMNS[0], _COLUMNS[1], _ABOUT, Column("Message", 20, grows=True))
_FEWEST_COLUMNS: tuple[Column, ...] = (
    _COLUMNS[0], Column("", 1), Column("Mailbox or task", 15, 3), Column("Message", 20, grows=True),
)  # fmt: skip
"""Of the level its sign alone, so that the mailbox stays."""
_ROOMY, _NARROW = 110, 78
_NO_LINES = " No lines. An engine that runs logs at least its start."
_NONE_WANTED = " No such lines. Esc shows what is hidden; v shows other levels."
_LEVELS = {
    Level.ERROR: Cell("x error", Tone.BAD),
    Level.WARNING: Cell("! warning", Tone.WARN),
    Level.INFO: Cell("  info", Tone.DIM),
    Level.DEBUG: Cell("  debug", Tone.DIM),
}


@dataclass(frozen=True, slots=True)
class ShownLog:
    """What there is of the log."""

    reader: LogReader
    looked: Looked
    ends: Mapping[int, Sequence[Line]]
    """The last pages of lines, which are drawn at once where the list follows."""


class LogsScreen(LiveScreen[ShownLog]):
    """The engine's log, live."""

    KEYS = (LOGS_LEVEL, LOGS_TASK, LOGS_MAILBOX, LOGS_TEXT, LOGS_FOLLOW)
    PLACE = "logs"
    HELP_TEXT = (
        "What the site's engine logs, newest last, also where it runs as a service. With the cursor on the last line"
        " the list follows what comes; going up stops that, G or f goes on. Enter shows all of a line."
        " mse-tui log --engine prints the same."
    )

    class Grown(Message):
        """There is more of the log."""

    def __init__(self, wanted: LogFilter | None = None) -> None:
        """`wanted` is what Esc comes back to before it leaves the screen."""
        super().__init__()
        self._first_wanted = self._wanted = wanted or LogFilter()
        self._reader: LogReader | None = None
        self._watcher: LogWatcher | None = None
        self._to_end = True
        self._columns = _COLUMNS

    def body(self) -> Iterable[Widget]:
        """The title and the lines."""
        yield Static("", classes="title", id="title", markup=False)
        self._columns = _columns_for(self.app.size.width)
        yield PagedList(self._columns, id="lines", empty=_NO_LINES)

    # --- life ----------------------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        """Watch the log while it is seen."""
        if self._watcher is None:
            self._watcher = LogWatcher(self.tui.home.logs, self._tell_grown)
            self._watcher.start()
        super().on_screen_resume()

    def on_screen_suspend(self) -> None:
        """It is not seen any more."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def on_unmount(self) -> None:
        """Let go of the files."""
        self.on_screen_suspend()
        if self._reader is not None:
            self._reader.close()

    def on_resize(self, event: events.Resize) -> None:
        """What is worth its room there."""
        columns = _columns_for(event.size.width)
        if columns != self._columns:
            self._columns = columns
            self._lines.set_columns(columns)
            self.reload()

    def _tell_grown(self) -> None:
        self.post_message(self.Grown())

    @on(Grown)
    def _grown(self) -> None:
        self.reload()

    def load(self) -> ShownLog:
        """Read on."""
        reader = self._reader
        if reader is None:
            reader = self._reader = LogReader(self.tui.home.logs, self._wanted)
        looked = reader.look()
        last = max(0, looked.count - 1) // PAGE
        ends = {number: self._page(reader, number * PAGE, PAGE) for number in range(max(0, last - 1), last + 1)}
        return ShownLog(reader, looked, ends)

    def show(self, data: ShownLog) -> None:
        """The list fetches what is seen of it; at its end it stays at the end."""
        if data.reader is not self._reader:
            return
        lines, looked = self._lines, data.looked
        lines.set_empty(_NO_LINES if self._wanted == LogFilter() else _NONE_WANTED)
        following = self._to_end or self._is_at_end
        if looked.dropped and not following:
            lines.move_to(lines.cursor - looked.dropped)
        lines.set_pages(looked.count, partial(self._page, data.reader), data.ends)
        if following:
            lines.move_to(looked.count - 1)
            self._to_end = False
        self._show_title()

    def _page(self, reader: LogReader, offset: int, limit: int) -> Sequence[Line]:
        roomy = self._columns is _COLUMNS
        return [_line(offset + place, one, roomy) for place, one in enumerate(reader.lines(offset, limit))]

    @property
    def _lines(self) -> PagedList:
        return self.query_one("#lines", PagedList)

    @property
    def _is_at_end(self) -> bool:
        return self._lines.cursor >= self._lines.count - 1

    def _show_title(self) -> None:
        state = "following" if self._is_at_end else "not following (G)"
        parts = [f"Engine's log: {count(self._lines.count, 'line')}", *_described(self._wanted), state]
        title, text = self.query_one("#title", Static), printable(", ".join(parts))
        if str(title.content) != text:
            title.update(text)

    @on(PagedList.Moved, "#lines")
    def _moved(self) -> None:
        self._show_title()

    @on(PagedList.Opened, "#lines")
    def _open(self, event: PagedList.Opened) -> None:
        if (reader := self._reader) is not None:
            place = int(event.line.key)
            self.tui.act(lambda: reader.lines(place, 1), self._show_lines)

    def _show_lines(self, lines: Sequence[LogLine]) -> None:
        for one in lines:
            self.tui.show_facts("Line of the engine's log", list(_facts(one)))

    # --- what is wanted ------------------------------------------------------------------------------------------

    def _want(self, wanted: LogFilter) -> None:
        """Show these lines from now on, from the end."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if self._reader is not None:
            self._reader.close()
        self._reader = LogReader(self.tui.home.logs, wanted)
        self._to_end = True
        self._lines.forget_pages()
        self.reload()

    def _filter(self, text: str) -> None:
        """What was typed into the filter line; '' drops it."""
        typed = self.query_one("#filter", Input)
        typed.display = False
        self._lines.focus()
        self._want(replace(self._wanted, text=text))

    def action_back(self) -> None:
        """Drop what was filtered here, else leave."""
        if self._wanted != self._first_wanted:
            self._want(self._first_wanted)
        else:
            self.leave()

    def action_logs_level(self) -> None:
        """The next level, from all to errors."""
        levels = list(Level)
        following = levels[(levels.index(self._wanted.level) + 1) % len(levels)]
        self._want(replace(self._wanted, level=following))

    @work(exclusive=True, group="ask")
    async def action_logs_task(self) -> None:
        """Ask which."""
        if (tasks := await self.tui.asked(queries.tasks_of_type)) is None:
            return
        entries = [("All tasks", "", ""), *((one.description, one.type, one.description) for one in tasks)]
        chosen: str | None = await self.app.push_screen_wait(Picker("Lines about which task?", entries))
        if chosen is not None:
            self._want(replace(self._wanted, task=chosen, execution=0))

    @work(exclusive=True, group="ask")
    async def action_logs_mailbox(self) -> None:
        """Ask for a part of the address."""
        text = "A part of the address; nothing for all mailboxes."
        answer = await self.app.push_screen_wait(Question("Lines about which mailbox?", text, self._wanted.mailbox))
        if answer is not None:
            self._want(replace(self._wanted, mailbox=answer))

    def action_logs_follow(self) -> None:
        """Go to the end."""
        self._lines.action_list_last()


def _columns_for(width: int) -> tuple[Column, ...]:
    if width >= _ROOMY:
        return _COLUMNS
    return _FEWER_COLUMNS if width >= _NARROW else _FEWEST_COLUMNS


def _described(wanted: LogFilter) -> Iterator[str]:
    if wanted.level > Level.DEBUG:
        yield f"{wanted.level.word} and worse" if wanted.level < Level.ERROR else "errors"
    if wanted.task:
        yield f"task {wanted.task!r}"
    if wanted.execution:
        yield f"execution {wanted.execution}"
    if wanted.mailbox:
        yield f"mailbox {wanted.mailbox}"
    if wanted.text:
        yield f"text {wanted.text!r}"


def _line(place: int, one: LogLine, roomy: bool) -> Line:
    level = _LEVELS[one.level]
    moment = one.moment.astimezone()
    about = (one.task, one.mailbox) if roomy else (one.mailbox or one.task,)
    return line(
        place,
        Cell(f"{moment:%m-%d %H:%M:%S}", Tone.DIM),
        level,
        *(Cell(text, Tone.DIM) for text in about),
        Cell(one.message, Tone.PLAIN if one.level < Level.WARNING else level.tone),
    )


def _facts(one: LogLine) -> Iterator[Fact]:
    yield Fact("When", f"{one.moment.astimezone():%Y-%m-%d %H:%M:%S}")
    yield Fact("Level", _LEVELS[one.level].text.strip(), _LEVELS[one.level].tone)
    for label, value in (
        ("Task", one.task),
        ("Execution", str(one.execution or "")),
        ("Mailbox", one.mailbox),
        ("Reason", one.reason),
        ("What to do", remedy(one.reason)),
    ):
        if value:
            yield Fact(label, value)
    yield Fact("Says", one.message)
    yield Fact("Part", one.logger)
    if one.trace:
        yield Fact("")
        yield Fact("Traceback", one.trace)
