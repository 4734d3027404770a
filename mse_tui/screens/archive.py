"""The archive: mailboxes -> folders -> messages -> message; Live, Full, or as of a date."""

from collections.abc import Iterable, Sequence

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.archive_reading import Reading, look_into, mailboxes
from mse_tui.actions.archive_search import search_archive
from mse_tui.archive.views import FolderView, MailboxView, MessageView, View, ViewKind, archived
from mse_tui.screens.access import AccessScreen
from mse_tui.screens.archive_export import export_folders
from mse_tui.screens.archive_look import Look, ViewChoice
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.mailboxes import MailboxesScreen
from mse_tui.screens.message import MessageScreen
from mse_tui.screens.restoring import RestoresMessages, ToRestore
from mse_tui.screens.roles import leads_to
from mse_tui.screens.tui import Tui
from mse_tui.text import printable
from mse_tui.widgets.commands import (
    ACCESS,
    ARCHIVE_EXPORT,
    CALENDARS,
    FILTERING,
    FINDING,
    OPEN_MAILBOX,
    RESTORE_MESSAGE,
    SEARCH,
    VIEW,
)
from mse_tui.widgets.lines import Cell, Column, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.path_title import PathTitle
from mse_tui.widgets.wording import absolute, count, number, size

_SUBJECT = 3
"""Its place among the columns of messages."""
_HELP = (
    "Live: the mailbox as last replicated. Full: every folder and message ever seen, where it was. As of: the mailbox"
    " as it was at a time. v changes the view. In lists of messages: * unread, @ attachments, F flagged, ! of high"
    " importance, - gone. Every look into a mailbox is written to the audit."
)


_MESSAGE_COLUMNS = (
    Column("", 5),
    Column("Received", 16),
    Column("From", 22, 3, grows=True),
    Column("Subject", 24, grows=True),
    Column("Size", 10, 4, right=True),
    Column("Class", 12, 6),
    Column("Gone since", 16, 5, if_any=True),
)
"""The last one of views that show what is gone."""


class ArchiveScreen(MailboxesScreen):
    """Which mailboxes the archive has."""

    KEYS = (OPEN_MAILBOX, SEARCH, CALENDARS, ACCESS, ARCHIVE_EXPORT, *FILTERING)
    FOR_A_LINE = (OPEN_MAILBOX, CALENDARS, ACCESS, ARCHIVE_EXPORT)
    PLACE = "archive"
    HELP_TEXT = _HELP

    HEADING = "Archive: mailboxes"
    EMPTY = " Nothing has been archived yet. Press 2 for the tasks, R there runs one."
    MORE = (Column("Folders", 7, right=True), Column("Full view since", 16, 5, if_any=True))

    def load(self) -> list[MailboxView]:
        """All of them."""
        return archived(mailboxes())

    def more(self, row: MailboxView) -> tuple[Cell | str, ...]:
        """How much there is, and since when."""
        return number(row.folders), Cell(absolute(row.full_from) if row.full_from else "", Tone.DIM)

    def action_access(self) -> None:
        """Who may open the archive of the mailbox under the cursor."""
        if (mailbox := self.current) is not None:
            self.app.push_screen(AccessScreen(mailbox))

    @on(PagedList.Opened)
    @leads_to(look_into)
    def action_list_open(self) -> None:
        """Open the folders of the mailbox under the cursor."""
        if (mailbox := self.current) is not None:
            self.tui.act(lambda: look_into(mailbox.id, self.tui.packs()), self._opened)

    def _opened(self, reading: Reading) -> None:
        self.app.push_screen(FoldersScreen(Look(reading)))

    @leads_to(search_archive)
    def action_search(self) -> None:
        """Search all mailboxes."""
        open_search(self.tui)

    @leads_to(look_into)
    @work(exclusive=True, group="ask")
    async def action_archive_export(self) -> None:
        """Write the marked mailbox, else the one under the cursor, into files, as it is now."""
        chosen = self.query_one("#mailboxes", PagedList).chosen
        if len(chosen) > 1:
            text = f"{len(chosen)} mailboxes are marked, and one is exported at a time. u takes the marks away."
            self.notify(text, severity="warning", markup=False)
        elif chosen:
            packs = self.tui.packs
            reading = await self.tui.asked(lambda: look_into(int(chosen[0].key), packs()))
            if reading is not None:
                await export_folders(self, reading, View.live())

    @leads_to(look_into)
    def action_calendars(self) -> None:
        """The calendars of the mailbox under the cursor."""
        from mse_tui.screens.calendar import open_calendars  # noqa: PLC0415 (what reads calendars is slow to import)

        if (mailbox := self.current) is not None:
            open_calendars(self.tui, mailbox.id)


def open_search(tui: Tui, text: str = "") -> None:
    """Search the archive, beginning with this text."""
    from mse_tui.screens.search import SearchScreen  # noqa: PLC0415 (what searches is imported when it is gone to)

    tui.push_screen(SearchScreen(text))


class FoldersScreen(ViewChoice, LiveScreen[list[FolderView]]):
    """The folder tree of one mailbox in a view."""

    KEYS = (VIEW, SEARCH, ARCHIVE_EXPORT, *FILTERING)
    FOR_A_LINE = (ARCHIVE_EXPORT,)
    MARKS = True
    PLACE = "archive"
    HELP_TEXT = _HELP
    look: Look

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look

    @leads_to(search_archive)
    def action_search(self) -> None:
        """Search this mailbox."""
        open_search(self.tui, f"mailbox:{self.look.reading.mailbox.address} ")

    def body(self) -> Iterable[Widget]:
        """The title and the tree."""
        yield Static("", classes="title", id="title", markup=False)
        yield PagedList(
            (
                Column("Folder", 44, grows=True),
                Column("Messages", 9, right=True),
                Column("Size", 10, 3, right=True),
                Column("Class", 16, 5),
                Column("Seen since", 16, 4),
                Column("Gone since", 16, 2, if_any=True),
            ),
            id="folders",
            empty=" No folders in this view. Press v for another one.",
        )

    def load(self) -> list[FolderView]:
        """The tree in the chosen view."""
        return [row for row in self.look.reading.folders(self.look.view) if row.path]

    def show(self, data: list[FolderView]) -> None:
        """Indented by depth."""
        messages = count(sum(row.messages for row in data), "message")
        text = f"{self.look.reading.mailbox.address}  {self.look}: {count(len(data), 'folder')}, {messages}"
        self.query_one("#title", Static).update(printable(text))
        self.query_one("#folders", PagedList).set_lines([_folder_line(row) for row in data])

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        self.app.push_screen(MessagesScreen(self.look, self._folder(event.line)))

    def _folder(self, shown: Line) -> FolderView:
        return next(row for row in self.shown or () if str(row.id) == shown.key)

    @leads_to(look_into)
    @work(exclusive=True, group="ask")
    async def action_archive_export(self) -> None:
        """Write the marked folders, else the one under the cursor, and all below into files, in this view."""
        listed = self.query_one("#folders", PagedList)
        tops = [self._folder(one) for one in listed.chosen]
        if tops and await export_folders(self, self.look.reading, self.look.view, tops):
            listed.unmark()


def _folder_line(row: FolderView) -> Line:
    gone = row.closed is not None
    indent = "  " * max(0, row.depth)
    return line(
        row.id,
        Cell(indent + row.name, Tone.DIM if gone else Tone.PLAIN),
        Cell(number(row.messages), Tone.PLAIN if row.messages else Tone.DIM),
        Cell(size(row.bytes) if row.bytes else "", Tone.DIM),
        Cell(row.folder_class.removeprefix("IPF."), Tone.DIM),
        Cell(absolute(row.opened), Tone.DIM),
        Cell(absolute(row.closed) if gone else "", Tone.WARN),
        copies=row.path,
    )


class MessagesScreen(RestoresMessages, ViewChoice, LiveScreen[int]):
    """The messages of one folder in a view, latest first; read page by page."""

    KEYS = (VIEW, RESTORE_MESSAGE, *FINDING)
    FOR_A_LINE = (RESTORE_MESSAGE,)
    MARKS = True
    PLACE = "archive"
    HELP_TEXT = _HELP
    look: Look

    def __init__(self, look: Look, folder: FolderView) -> None:
        super().__init__()
        self.look = look
        self._folder = folder

    def body(self) -> Iterable[Widget]:
        """The title and the messages."""
        yield PathTitle(id="title")
        yield PagedList(
            _MESSAGE_COLUMNS,
            id="messages",
            empty=" No messages in this view. Press v for another one.",
        )

    def load(self) -> int:
        """How many there are."""
        return self.look.reading.message_count(self._folder.id, self.look.view)

    def show(self, data: int) -> None:
        """The list fetches what is seen of them."""
        path = self._folder.path or self._folder.name
        view = f"{self.look}: {count(data, 'message')}"
        self.query_one("#title", PathTitle).show(self.look.reading.mailbox.address, path, view)
        messages = self.query_one("#messages", PagedList)
        messages.set_columns(_MESSAGE_COLUMNS[:-1] if self.look.view.kind is ViewKind.LIVE else _MESSAGE_COLUMNS)
        messages.set_pages(data, self._page)

    def view_changed(self) -> None:
        """Other messages: from the top."""
        self.query_one("#messages", PagedList).forget_pages()
        self.reload()

    def _page(self, offset: int, limit: int) -> Sequence[Line]:
        rows = self.look.reading.messages(self._folder.id, self.look.view, offset, limit)
        return [_message_line(row) for row in rows]

    def to_restore(self) -> ToRestore | None:
        """The marked ones, else the one under the cursor."""
        chosen = self.query_one("#messages", PagedList).chosen
        subjects = [one.cells[_SUBJECT].text for one in chosen]
        address = self.look.reading.mailbox.address
        return ToRestore(address, [int(one.key) for one in chosen], subjects) if chosen else None

    def restored(self) -> None:
        """Marks have done their work."""
        self.query_one("#messages", PagedList).unmark()

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        self.app.push_screen(MessageScreen(self.look.reading, int(event.line.key)))


def _message_line(row: MessageView) -> Line:
    gone = row.closed is not None
    signs = "".join(
        sign if shown else " "
        for sign, shown in (
            ("-", gone), ("*", not row.is_read), ("@", row.has_attachments), ("F", row.flag == "Flagged"),
            ("!", row.importance == "High"),
        )
    )  # fmt: skip
    subject_tone = Tone.DIM if gone else Tone.PLAIN if row.is_read else Tone.STRONG
    return line(
        row.placement_id,
        Cell(signs, Tone.ACCENT),
        absolute(row.received or row.sent),
        row.sender,
        Cell(row.subject or "(no subject)", subject_tone),
        Cell(size(row.size), Tone.DIM),
        Cell(row.item_class.removeprefix("IPM."), Tone.DIM),
        Cell(absolute(row.closed) if gone else "", Tone.WARN),
        copies=row.internet_message_id,
    )
