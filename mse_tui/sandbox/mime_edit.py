"""Changing MIME: headers, the body, attachments. What isn't changed is written again as it was read."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from email import policy
from email.encoders import encode_base64
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message
from email.utils import formataddr
from io import BytesIO
from typing import Any

from mse_tui.sandbox.mime import attachment_parts, parse
from mse_tui.sandbox.records import Person


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """An attachment to be added."""

    name: str
    content: bytes
    """Of an attached message: its MIME."""
    content_type: str = "application/octet-stream"
    content_id: str = ""
    content_location: str = ""
    inline: bool = False

    @property
    def is_item(self) -> bool:
        """Whether it is an attached message."""
        return self.content_type == "message/rfc822"


def write(message: Message) -> bytes:
    """MIME with CRLF line ends."""
    out = BytesIO()
    generator = BytesGenerator(out, mangle_from_=False, policy=policy.compat32.clone(linesep="\r\n", max_line_length=0))
    generator.flatten(message)
    return out.getvalue()


def set_header(message: Message, name: str, value: str) -> None:
    """Set a header to one text, encoded where need be; '' removes it."""
    if not value:
        del message[name]
        return
    flat = " ".join(value.split("\r\n")).replace("\n", " ").replace("\r", " ")
    encoded: Any = flat if flat.isascii() else Header(flat, "utf-8", maxlinelen=10_000).encode()
    if name in message:
        message.replace_header(name, encoded)
    else:
        message[name] = encoded


def set_body(message: Message, kind: str, text: str) -> None:
    """Give a message another body (HTML or Text); its attachments stay."""
    attached = [part for part in attachment_parts(message) if part is not message]
    body = _text_part(kind, text)
    if attached:
        _become_mixed(message, [body, *attached])
        return
    _drop_content_headers(message)
    for name, value in body.items():
        message[name] = value
    message.set_payload(body.get_payload())


def add_attachments(message: Message, added: Sequence[NewAttachment]) -> None:
    """Add attachments behind those that are there."""
    if message.get_content_type() != "multipart/mixed" or not message.is_multipart():
        # A copy, since taking the payload out would decode it.
        inner = deepcopy(message)
        for name in {each for each in inner if not each.lower().startswith("content-")}:
            del inner[name]
        _become_mixed(message, [inner])
    for each in added:
        message.attach(_attachment_part(each))


def remove_attachment(message: Message, position: int) -> None:
    """Take one attachment out, by its place among all."""
    _remove(message, attachment_parts(message)[position])


def compose_message(headers: dict[str, str], body: tuple[str, str] | None, added: Sequence[NewAttachment]) -> bytes:
    """A new message of headers, body (kind, text) and attachments."""
    message = Message()
    for name, value in headers.items():
        set_header(message, name, value)
    message["MIME-Version"] = "1.0"
    part = _text_part(*(body or ("Text", "")))
    if added:
        _become_mixed(message, [part, *(_attachment_part(each) for each in added)])
    else:
        for name, value in part.items():
            message[name] = value
        message.set_payload(part.get_payload())
    return write(message)


def people_text(people: Sequence[Person]) -> str:
    """People as an address header has them."""
    return ", ".join(formataddr((person.name, person.address)) for person in people)


def _text_part(kind: str, text: str) -> Message:
    part = Message()
    part["Content-Type"] = f'text/{"html" if kind == "HTML" else "plain"}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "base64"
    carrier = Message()
    carrier.set_payload(text.encode("utf-8", "replace"))
    encode_base64(carrier)
    part.set_payload(carrier.get_payload())
    return part


def _attachment_part(added: NewAttachment) -> Message:
    part = Message()
    part["Content-Type"] = added.content_type if "/" in added.content_type else "application/octet-stream"
    if added.is_item:
        part.set_payload([parse(added.content)])
    else:
        part.set_payload(added.content)
        encode_base64(part)
    if added.name and not added.is_item:
        part.add_header(
            "Content-Disposition",
            "inline" if added.inline else "attachment",
            filename=added.name if added.name.isascii() else ("utf-8", "", added.name),
        )
    else:
        part["Content-Disposition"] = "attachment"
    if added.content_id:
        part["Content-ID"] = f"<{added.content_id}>"
    if added.content_location:
        part["Content-Location"] = added.content_location
    return part


def _become_mixed(message: Message, parts: Sequence[Message]) -> None:
    _drop_content_headers(message)
    message["Content-Type"] = "multipart/mixed"
    message.set_payload(list(parts))


def _drop_content_headers(message: Message) -> None:
    for name in [each for each in message if each.lower().startswith("content-")]:
        del message[name]


def _remove(container: Message, doomed: Message) -> bool:
    if container is doomed:
        _drop_content_headers(container)
        container["Content-Type"] = 'text/plain; charset="utf-8"'
        container.set_payload("")
        return True
    if not container.is_multipart():
        return False
    children: list[Any] = container.get_payload()  # type: ignore[assignment]
    for child in children:
        if child is doomed:
            container.set_payload([each for each in children if each is not doomed])
            return True
        if isinstance(child, Message) and _remove(child, doomed):
            return True
    return False
