"""One archived message: envelope, where it lay, text, attachments; and into an .eml file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from textual import work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.archive_reading import Reading
from mse_tui.archive.attachments import StoredAttachment, content_of
from mse_tui.archive.names import safe_name
from mse_tui.archive.rendering import render
from mse_tui.archive.views import MessagePlace, MessageView
from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import Choice, Question
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.restoring import RestoresMessages, ToRestore
from mse_tui.text import printable
from mse_tui.widgets.commands import FINDING, HEADERS, RESTORE_MESSAGE, SAVE_ATTACHMENT, SAVE_MESSAGE
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Fact, Tone
from mse_tui.widgets.wording import absolute, size, when


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """What is read of a message."""

    row: MessageView
    history: tuple[MessagePlace, ...]
    retention: tuple[tuple[str, str], ...]
    """What becomes of it: name and sentence."""
    headers: tuple[tuple[str, str], ...]
    text: str
    attachments: Sequence[StoredAttachment]
    trouble: str
    """Why there is no content to show; '' if there is."""


class MessageScreen(RestoresMessages, LiveScreen[ShownMessage]):
    """One message where it lay."""

    KEYS = (SAVE_MESSAGE, SAVE_ATTACHMENT, RESTORE_MESSAGE, HEADERS, *FINDING)
    PLACE = "archive"
    HELP_TEXT = (
        "One archived message. w writes it to a file exactly as the server gave it, a one of its attachments; R puts it"
        " back into a mailbox; y copies a line."
    )

    def __init__(self, reading: Reading, placement_id: int) -> None:
        super().__init__()
        self._look = reading
        self._placement_id = placement_id
        self._all_headers = False

    def body(self) -> Iterable[Widget]:
        """All of it, one under the other."""
        yield Static("", classes="title", id="title", markup=False)
        yield Facts(id="message", label_width=12)

    def on_mount(self) -> None:
        """The message has the cursor."""
        super().on_mount()
        self.query_one(Facts).focus()

    def load(self) -> ShownMessage:
        """Once: a message never changes, and each reading of it is audited."""
        return self.shown if self.shown is not None else read_message(self._look, self._placement_id, self.now)

    def show(self, data: ShownMessage) -> None:
        """Envelope, history, attachments, text."""
        self.query_one("#title", Static).update(printable(data.row.subject or "(no subject)"))
        self.query_one(Facts).set_facts([*self._envelope(data), *self._content(data)])

    def _envelope(self, data: ShownMessage) -> list[Fact]:
        row, now = data.row, self.now
        facts = [
            Fact("From", row.sender or "-"),
            Fact("To", row.recipients or "-"),
            Fact("Subject", row.subject or "(no subject)", Tone.STRONG),
            Fact("Sent", when(row.sent, now)),
            Fact("Received", when(row.received, now)),
            Fact("State", ", ".join(_state(row))),
            Fact("Class", f"{row.item_class}, {size(row.size)}"),
            Fact("Message-ID", row.internet_message_id or "-"),
        ]
        for place in data.history:
            opened = absolute(place.opened)
            lasts = f"from {opened} until {absolute(place.closed)}" if place.closed else f"since {opened}"
            facts.append(Fact("Lay in" if place.closed else "Lies in", f"{place.path}  {lasts}"))
        return [*facts, *(Fact(name, text) for name, text in data.retention)]

    def _content(self, data: ShownMessage) -> list[Fact]:
        facts = [Fact("Attached", _attached(one)) for one in data.attachments]
        if data.trouble:
            return [*facts, Fact(""), Fact("Content", data.trouble, Tone.WARN)]
        if self._all_headers:
            facts += [Fact(""), *(Fact(name, value) for name, value in data.headers)]
        return [*facts, Fact(""), *(Fact("", text, spans=True) for text in _paragraphs(data.text))]

    def action_message_headers(self) -> None:
        """All header lines, or none."""
        self._all_headers = not self._all_headers
        if self.shown is not None:
            self.show(self.shown)

    def absent(self) -> frozenset[str]:
        """No attachment, nothing to write."""
        has_any = self.shown is not None and bool(self.shown.attachments)
        return super().absent() | (frozenset() if has_any else {SAVE_ATTACHMENT.id})

    def to_restore(self) -> ToRestore | None:
        """This one."""
        if self.shown is None:
            return None
        subject = self.shown.row.subject or "(no subject)"
        return ToRestore(self._look.mailbox.address, [self._placement_id], (subject,))

    @work(exclusive=True, group="ask")
    async def action_message_save(self) -> None:
        """Ask where, then write."""
        if self.shown is None:
            return
        proposed = str(Path.cwd() / _file_name(self.shown.row))
        text = "The message as the server gave it, byte for byte. An existing file is not overwritten."
        answer = await self.app.push_screen_wait(Question("Write to which file?", text, proposed))
        if answer:
            path = Path(answer).expanduser()
            self.tui.act(
                lambda: self._look.write_message(self._placement_id, path),
                lambda written: self.notify(f"{size(written)} written to {path}", markup=False),
            )

    @work(exclusive=True, group="ask")
    async def action_message_attachment(self) -> None:
        """Ask which, where it is not the only one, and where to; then write it."""
        found = self.shown.attachments if self.shown is not None else ()
        if not found:
            self.notify("This message has no attachment.", markup=False)
            return
        chosen: StoredAttachment | None = found[0]
        if len(found) > 1:
            choices = [(_attached(one), one) for one in found]
            chosen = await self.app.push_screen_wait(Choice("Which attachment?", "", choices))
        if chosen is not None:
            await self._save_attachment(chosen)

    async def _save_attachment(self, chosen: StoredAttachment) -> None:
        proposed = str(Path.cwd() / safe_name(chosen.name, ".eml" if chosen.is_item else "", otherwise="attachment"))
        text = f"{_attached(chosen)}. An existing file is not overwritten."
        answer = await self.app.push_screen_wait(Question("Write to which file?", text, proposed))
        if answer:
            path = Path(answer).expanduser()
            self.tui.act(
                lambda: self._look.write_attachment(self._placement_id, chosen, path),
                lambda written: self.notify(f"{size(written)} written to {path}", markup=False),
            )


def _attached(one: StoredAttachment) -> str:
    return f"{one.name or '(no name)'}  {one.content_type}  {size(one.size)}"


def _state(row: MessageView) -> Iterator[str]:
    """What a reader of mail would see of it: whether it was read, and what is not as usual."""
    yield "read" if row.is_read else "unread"
    if row.flag not in ("", "NotFlagged"):
        yield row.flag.lower()
    for value, name in ((row.importance, "importance"), (row.sensitivity, "sensitivity")):
        if value not in ("", "Normal"):
            yield f"{value.lower()} {name}"


def read_message(reading: Reading, placement_id: int, now: datetime) -> ShownMessage:
    """Everything that the screen shows of a message; its content's absence or damage is told, not raised."""
    row = reading.message(placement_id)
    history = tuple(reading.history(placement_id))
    retention = tuple(reading.explain(placement_id).lines(now))
    try:
        with reading.content(placement_id) as stream:
            rendered = render(stream)
            stream.seek(0)
            attachments = content_of(stream).attachments
    except Problem as problem:
        return ShownMessage(row, history, retention, (), "", (), f"{problem.happened} {problem.remedy}")
    text = rendered.text + ("\n(the rest is in the file: w)" if rendered.truncated else "")
    return ShownMessage(row, history, retention, rendered.all_headers, text, attachments, "")


def _paragraphs(text: str) -> list[str]:
    return text.replace("\r\n", "\n").rstrip().split("\n")


def _file_name(row: MessageView) -> str:
    day = f"{row.received.astimezone():%Y-%m-%d} " if row.received else ""
    return safe_name(f"{day}{row.subject or 'message'}", ".eml")
