"""MIME of practice items: reading an envelope off it, composing, editing, rendering it differently."""

import json
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from email.utils import format_datetime, formataddr, getaddresses, parsedate_to_datetime
from typing import Any

from mse_tui.sandbox.records import ItemSpec, Person, Row

_IMPORTANCE = {"1": "High", "2": "High", "high": "High", "4": "Low", "5": "Low", "low": "Low"}
_SENSITIVITY = {"private": "Private", "personal": "Personal", "company-confidential": "Confidential"}
_BOUNDARY = re.compile(rb'boundary="?([^"\r\n;]+)"?', re.IGNORECASE)


_AS_READ = policy.compat32.clone(max_line_length=None)


def parse(data: bytes) -> Message:
    """Read MIME without changing how it would be written again; of one nested too deeply the headers alone."""
    try:
        message = message_from_bytes(data, policy=_AS_READ)
        len(list(message.walk()))
    except RecursionError:
        return BytesHeaderParser(policy=_AS_READ).parsebytes(data)
    return message


def spec_from_mime(data: bytes, **fixed: Any) -> ItemSpec:
    """An item whose content is this MIME, byte for byte, and whose envelope is read from its headers.

    `fixed` sets fields of the ItemSpec that the headers don't tell (is_read, flag, received, ...).
    """
    message = parse(data)
    sent = _date(message)
    values: dict[str, Any] = {
        "subject": header_text(message, "Subject"),
        "sender": next(iter(people(message, "From")), None),
        "to": people(message, "To"),
        "cc": people(message, "Cc"),
        "bcc": people(message, "Bcc"),
        "received": _received(message) or sent,
        "sent": sent,
        "message_id": header_text(message, "Message-ID"),
        "in_reply_to": header_text(message, "In-Reply-To"),
        "references": header_text(message, "References"),
        "importance": _IMPORTANCE.get(header_text(message, "Importance", "X-Priority")[:4].strip().lower(), "Normal"),
        "sensitivity": _SENSITIVITY.get(header_text(message, "Sensitivity").lower(), "Normal"),
        "has_attachments": any(not is_inline(part) for part in attachment_parts(message)),
        "item_class": _item_class(message),
        "mime": data,
    }
    return ItemSpec(**(values | fixed))


def header_text(message: Message, *names: str) -> str:
    """The first of these headers that is there, decoded and unfolded; '' when none is."""
    for name in names:
        value = message.get(name)
        if value is not None:
            flat = re.sub(r"[\r\n]+\s*", " ", str(value)).strip()
            try:
                return _printable(str(make_header(decode_header(flat))))
            except (LookupError, UnicodeError, ValueError):
                return _printable(flat)
    return ""


def people(message: Message, name: str) -> list[Person]:
    """The people in an address header."""
    values = [re.sub(r"[\r\n]+\s*", " ", str(value)) for value in message.get_all(name, [])]
    found = []
    try:
        pairs = getaddresses(values)
    except RecursionError:
        pairs = []
    for display, address in pairs:
        try:
            shown = str(make_header(decode_header(display)))
        except (LookupError, UnicodeError, ValueError):
            shown = display
        if address:
            found.append(Person(_printable(shown), _printable(address)))
    return found


def attachment_parts(message: Message) -> list[Message]:
    """The parts that a mail client shows as attachments, inline images among them, in order."""
    found: list[Message] = []
    _collect(message, found, top=True)
    return found


def is_inline(part: Message) -> bool:
    """Whether the body shows this attachment in its place."""
    return part.get_content_disposition() == "inline" or (
        part.get("Content-ID") is not None and part.get_content_disposition() != "attachment"
    )


def bodies(message: Message) -> dict[str, str]:
    """The text bodies that are there: 'plain' and 'html'."""
    found: dict[str, str] = {}
    attached = {id(part) for part in attachment_parts(message)}
    _collect_bodies(message, attached, found)
    return found


def compose(item: Row) -> bytes:
    """MIME for an item that has only properties."""
    to, cc, bcc = json.loads(item["recipients"]) if item["recipients"] else ([], [], [])
    message = EmailMessage(policy=policy.SMTP)
    if item["sender_address"]:
        message["From"] = formataddr((item["sender_name"], item["sender_address"]))
    for name, group in (("To", to), ("Cc", cc), ("Bcc", bcc)):
        if group:
            message[name] = ", ".join(formataddr((person[0], person[1])) for person in group)
    message["Subject"] = _one_line(item["subject"])
    when = item["sent"] or item["received"] or item["created"]
    message["Date"] = format_datetime(datetime.fromisoformat(when.replace("Z", "+00:00")).astimezone(UTC))
    if item["message_id"]:
        message["Message-ID"] = item["message_id"]
    message.set_content("")
    return message.as_bytes()


def render_differently(data: bytes, turn: int) -> bytes:
    """The same message with other boundaries and its headers in another order, as Exchange may give it."""
    head, separator, body = data.partition(b"\r\n\r\n")
    newline = b"\r\n"
    if not separator:
        head, separator, body = data.partition(b"\n\n")
        newline = b"\n"
    headers = re.split(newline + rb"(?![ \t])", head)
    if headers:
        start = turn % len(headers)
        headers = headers[start:] + headers[:start]
    out = newline.join(headers) + separator + body
    for index, boundary in enumerate(dict.fromkeys(_BOUNDARY.findall(data))):
        other = b"_%03d_%016x_" % (index, turn)
        name = re.escape(boundary)
        out = re.sub(rb'(boundary="?)' + name + rb'(?=["\s;]|$)', rb"\g<1>" + other, out, flags=re.IGNORECASE)
        out = re.sub(rb"(?m)^--" + name + rb"(?=(--)?[ \t]*\r?$)", b"--" + other, out)
    # What is malformed may be read differently after that; such a message stays as it is.
    return out if _leaves(out) == _leaves(data) else data


def _leaves(data: bytes) -> list[tuple[str, object]]:
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in parse(data).walk()]


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", text)


def _printable(text: str) -> str:
    return "".join(ch for ch in text if ch >= " " or ch == "\t").encode("utf-8", "replace").decode()


def _date(message: Message) -> datetime | None:
    return _moment(str(message.get("Date", "")))


def _received(message: Message) -> datetime | None:
    first = message.get("Received")
    return _moment(str(first).rpartition(";")[2].strip()) if first is not None else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _item_class(message: Message) -> str:
    kind = message.get_content_type()
    if kind == "multipart/signed":
        return "IPM.Note.SMIME.MultipartSigned"
    if kind in {"application/pkcs7-mime", "application/x-pkcs7-mime"}:
        return "IPM.Note.SMIME"
    if kind == "multipart/report":
        return "REPORT.IPM.Note.NDR"
    return "IPM.Note"


def _collect(part: Message, found: list[Message], *, top: bool) -> None:
    kind = part.get_content_type()
    named = part.get_filename() is not None or part.get_content_disposition() == "attachment"
    if kind == "message/rfc822" and not top:
        found.append(part)
    elif part.is_multipart():
        children: list[Any] = part.get_payload()  # type: ignore[assignment]
        for child in children:
            if isinstance(child, Message):
                _collect(child, found, top=False)
    elif named or not kind.startswith("text/"):
        found.append(part)


def _collect_bodies(part: Message, attached: set[int], found: dict[str, str]) -> None:
    if id(part) in attached:
        return
    if part.is_multipart():
        children: list[Any] = part.get_payload()  # type: ignore[assignment]
        for child in children:
            if isinstance(child, Message):
                _collect_bodies(child, attached, found)
        return
    key = "html" if part.get_content_subtype() == "html" else "plain"
    if key not in found:
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        try:
            found[key] = data.decode(part.get_content_charset() or "utf-8", "replace")
        except LookupError:
            found[key] = data.decode("utf-8", "replace")
