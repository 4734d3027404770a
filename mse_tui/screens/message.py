"""One archived message: envelope, where it lay, text, attachments; and into an .eml file."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from textual import work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.access.roles import missing
from mse_tui.actions.archive_reading import Reading
from mse_tui.actions.naming import mailbox_address
from mse_tui.actions.restoring import ROLES_TO_REPLACE, Target, ask_to_restore
from mse_tui.archive.views import MessagePlace, MessageView
from mse_tui.features.restoring import Collision
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import Choice, Notice, Question
from mse_tui.screens.engine_question import wait_for_answer
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to, needs_said
from mse_tui.text import printable
from mse_tui.widgets.commands import FINDING, HEADERS, RESTORE_MESSAGE, SAVE_MESSAGE
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Fact, Tone
from mse_tui.widgets.wording import absolute, size, when

_SHOWN_BYTES = 2_000_000
"""A longer message's text is shown only as far as this reaches; the file has all of it."""
_SHOWN_TEXT = 200_000


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """What is read of a message."""

    row: MessageView
    history: tuple[MessagePlace, ...]
    retention: tuple[tuple[str, str], ...]
    """What becomes of it: name and sentence."""
    headers: tuple[tuple[str, str], ...]
    text: str
    attachments: tuple[tuple[str, str, int], ...]
    """Name, type, bytes."""
    trouble: str
    """Why there is no content to show; '' if there is."""


class MessageScreen(LiveScreen[ShownMessage]):
    """One message where it lay."""

    KEYS = (SAVE_MESSAGE, RESTORE_MESSAGE, HEADERS, *FINDING)
    PLACE = "archive"
    HELP_TEXT = "One archived message. w writes it to a file exactly as the server gave it; y copies a line."

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
            until = f"until {absolute(place.closed)}" if place.closed else "now"
            facts.append(Fact("Lay in", f"{place.path}  from {absolute(place.opened)} {until}"))
        return [*facts, *(Fact(name, text) for name, text in data.retention)]

    def _content(self, data: ShownMessage) -> list[Fact]:
        facts = [Fact("Attached", f"{name}  {kind}  {size(length)}") for name, kind, length in data.attachments]
        if data.trouble:
            return [*facts, Fact(""), Fact("Content", data.trouble, Tone.WARN)]
        if self._all_headers:
            facts += [Fact(""), *(Fact(name, value) for name, value in data.headers)]
        return [*facts, Fact(""), *(Fact("" if place else "Text", text)
                                    for place, text in enumerate(_paragraphs(data.text)))]  # fmt: skip

    def action_message_headers(self) -> None:
        """All header lines, or none."""
        self._all_headers = not self._all_headers
        if self.shown is not None:
            self.show(self.shown)

    @leads_to(ask_to_restore)
    @work(exclusive=True, group="ask")
    async def action_message_restore(self) -> None:
        """Ask where to, then have the engine put it back."""
        if self.shown is None:
            return
        own = self._look.mailbox.address
        text = "It comes back as it was: received date, flags, categories. The engine does it."
        choices = [
            ("Cancel", ""),
            ("To where it lay, unless it is there already", "skip"),
            ("To where it lay, beside what is there", "copy"),
            ("To where it lay; what is there goes to Recoverable Items", "replace"),
            ("To another mailbox...", "other"),
        ]
        if lacking := missing(ROLES_TO_REPLACE, self.tui.roles):
            choices = [(label, answer) for label, answer in choices if answer != "replace"]
            text += f" To replace what is there {needs_said(lacking)}."
        chosen = await self.app.push_screen_wait(Choice(f"Restore to {own}?", text, choices))
        address = await self._ask_address() if chosen == "other" else ""
        if chosen == "other":
            chosen = "skip" if address else ""
        if chosen:
            self._restore(Target(address, collision=Collision(chosen)))

    async def _ask_address(self) -> str:
        text = "Its address, or whose it is. The message goes to the folder of the same name, made if need be."
        answer = await self.app.push_screen_wait(Question("Restore to which mailbox?", text))
        return answer or ""

    def _restore(self, target: Target) -> None:
        if self.tui.nobody_runs_tasks:
            self.notify("No engine runs: it would have to put the message back.", severity="warning", markup=False)
            return

        def restored() -> Mapping[str, Any] | None:
            named = replace(target, address=mailbox_address(target.address)) if target.address else target
            return wait_for_answer(ask_to_restore([self._placement_id], named))

        self.tui.act(restored, self._restored)

    def _restored(self, answer: Mapping[str, Any] | None) -> None:
        if answer is None:
            self.notify("The engine has not answered yet; the audit says what was asked.", markup=False)
        elif answer["restored"]:
            self.notify("The message is back.", markup=False)
        else:
            self.app.push_screen(Notice("Not restored", "\n".join(answer["problems"])))

    @work(exclusive=True, group="ask")
    async def action_message_save(self) -> None:
        """Ask where, then write."""
        if self.shown is None:
            return
        proposed = str(Path.cwd() / file_name(self.shown.row))
        text = "The message as the server gave it, byte for byte. An existing file is not overwritten."
        answer = await self.app.push_screen_wait(Question("Write to which file?", text, proposed))
        if answer:
            path = Path(answer).expanduser()
            self.tui.act(
                lambda: write_message(self._look, self._placement_id, path),
                lambda written: self.notify(f"{size(written)} written to {path}", markup=False),
            )


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
            raw = stream.read(_SHOWN_BYTES)
    except Problem as problem:
        return ShownMessage(row, history, retention, (), "", (), f"{problem.happened} {problem.remedy}")
    parsed = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(parsed, EmailMessage)
    return ShownMessage(row, history, retention, _headers(parsed), _text(parsed), _attachments(parsed), "")


def _headers(message: EmailMessage) -> tuple[tuple[str, str], ...]:
    return tuple((name, " ".join(str(value).split())) for name, value in message.raw_items())


def _text(message: EmailMessage) -> str:
    try:
        body = message.get_body(("plain", "html"))
        if body is None:
            return ""
        content = body.get_content()
    except (LookupError, ValueError, KeyError, AttributeError) as error:
        return f"(The text can't be decoded: {error})"
    text = content if isinstance(content, str) else repr(content)
    if body.get_content_type() == "text/html":
        text = text_of_html(text)
    return text[:_SHOWN_TEXT] + ("\n(the rest is in the file: w)" if len(text) > _SHOWN_TEXT else "")


def _attachments(message: EmailMessage) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (part.get_filename() or "(no name)", part.get_content_type(), _length(part))
        for part in message.walk()
        if part.get_content_disposition() == "attachment" or (part.get_filename() and not part.is_multipart())
    )


def _length(part: object) -> int:
    payload = part.get_payload(decode=True) if isinstance(part, EmailMessage) else None
    return len(payload) if isinstance(payload, bytes) else 0


def _paragraphs(text: str) -> list[str]:
    return text.replace("\r\n", "\n").rstrip().split("\n")


class _Text(HTMLParser):
    """The text of an HTML body; nothing is fetched, scripts and styles are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("script", "style", "head"):
            self._hidden += 1
        elif tag in ("br", "p", "div", "tr", "li", "h1", "h2", "h3"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "head"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def text_of_html(html: str) -> str:
    """HTML as plain text."""
    parser = _Text()
    parser.feed(html)
    return re.sub(r"\n{3,}", "\n\n", "".join(parser.parts)).strip()


def file_name(row: MessageView) -> str:
    """A file name that says which message it is and is safe on any file system."""
    subject = re.sub(r"[^\w\- ]+", "", row.subject).strip()[:60] or "message"
    day = f"{row.received.astimezone():%Y-%m-%d} " if row.received else ""
    return f"{day}{subject}.eml"


def write_message(reading: Reading, placement_id: int, path: Path) -> int:
    """Write a message's MIME to a new file, for its owner alone; gives the bytes written. Audited as an export."""
    [(_, stream)] = reading.export([placement_id], str(path))
    written = 0
    with stream:
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                while block := stream.read(1 << 20):
                    written += file.write(block)
        except OSError as error:
            raise Problem(
                Reason.INVALID, f"{path} can't be written: {error.strerror}.", "Choose another file name."
            ) from error
    return written
