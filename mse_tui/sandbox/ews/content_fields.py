"""Properties that are read off an item's MIME: its content, bodies, headers and attachments."""

import html
import re
from base64 import b64encode
from email.message import Message

from mse_tui.sandbox.ews.render import Render, Rendering
from mse_tui.sandbox.ews.series import OccurrenceRow
from mse_tui.sandbox.ews.soap import escape
from mse_tui.sandbox.ews.values import parse_fragment, truth
from mse_tui.sandbox.mime import attachment_parts, bodies, header_text, is_inline, render_differently
from mse_tui.sandbox.records import Row

_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.IGNORECASE | re.DOTALL)
_FOLD = re.compile(r"[\r\n]+\s*")
_PREVIEW_LENGTH = 255


def mime_xml(row: Row, rendering: Rendering) -> str:
    """MimeContent."""
    data = rendering.mime(row)
    if rendering.varying:
        data = render_differently(data, rendering.turn())
    return f'<t:MimeContent CharacterSet="UTF-8">{b64encode(data).decode()}</t:MimeContent>'


def text_of(message: Message) -> str:
    """The body as plain text."""
    found = bodies(message)
    if "plain" in found:
        return found["plain"]
    return html.unescape(_TAGS.sub("", found.get("html", "")))


def body_of(message: Message, body_type: str) -> tuple[str, str]:
    """(HTML or Text, the body) as `body_type` (HTML, Text, Best) asks for it."""
    found = bodies(message)
    if body_type == "Text" or (body_type == "Best" and "html" not in found):
        return "Text", text_of(message)
    if "html" in found:
        return "HTML", found["html"]
    return "HTML", f"<html><body><pre>{html.escape(found.get('plain', ''))}</pre></body></html>"


def _body(name: str) -> Render:
    def render(row: Row, rendering: Rendering) -> str:
        if isinstance(row, OccurrenceRow) and rendering.stored(row, "item:Body"):
            own = parse_fragment(rendering.stored(row, "item:Body"))
            return f'<t:{name} BodyType="{own.get("BodyType")}">{escape(own.text or "")}</t:{name}>'
        kind, text = body_of(rendering.message(row), rendering.body_type)
        return f'<t:{name} BodyType="{kind}">{escape(text)}</t:{name}>'

    return render


def _text_body(row: Row, rendering: Rendering) -> str:
    return f'<t:TextBody BodyType="Text">{escape(text_of(rendering.message(row)))}</t:TextBody>'


def _preview(row: Row, rendering: Rendering) -> str:
    if rendering.in_list:
        return ""
    return f"<t:Preview>{escape(' '.join(text_of(rendering.message(row)).split())[:_PREVIEW_LENGTH])}</t:Preview>"


def _headers(row: Row, rendering: Rendering) -> str:
    message = rendering.message(row)
    shown = "".join(
        f'<t:InternetMessageHeader HeaderName="{escape(name)}">'
        f"{escape(_FOLD.sub(' ', str(value)))}</t:InternetMessageHeader>"
        for name, value in message.items()
    )
    return f"<t:InternetMessageHeaders>{shown}</t:InternetMessageHeaders>" if shown else ""


def attachment_keys(row: Row, count: int) -> list[int]:
    """The lasting keys of an item's attachments, in their order: as the content came, 0, 1, 2..."""
    kept = row["attachment_keys"]
    if kept is None:
        return list(range(count))
    return [int(key) for key in kept.partition(";")[0].split(",") if key]


def next_attachment_key(row: Row, count: int) -> int:
    """The key of the next attachment to be added; none is ever used twice."""
    kept = row["attachment_keys"]
    return count if kept is None else int(kept.partition(";")[2])


def payload_of(part: Message) -> bytes:
    """The bytes of an attachment; of an attached message its MIME."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], Message):
            return inner[0].as_bytes()
        return b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def is_item(part: Message) -> bool:
    """Whether an attachment is itself an item."""
    return part.get_content_type() == "message/rfc822"


def attachment_name(part: Message) -> str:
    """The name a mail client shows."""
    if is_item(part):
        inner = part.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], Message):
            return header_text(inner[0], "Subject") or "(no subject)"
    name = part.get_filename()
    if not name:
        return "attachment"
    carrier = Message()
    carrier["X"] = name
    return header_text(carrier, "X")


def attachment_xml(row: Row, rendering: Rendering, part: Message, key: int, *, inside: str = "") -> str:
    """An ItemAttachment or FileAttachment element; `inside` is its item or content."""
    content_id = header_text(part, "Content-ID").strip("<>")
    location = header_text(part, "Content-Location")
    kind = "ItemAttachment" if is_item(part) else "FileAttachment"
    return (
        f'<t:{kind}><t:AttachmentId Id="{rendering.ids.attachment(row["id"], key)}"/>'
        f"<t:Name>{escape(attachment_name(part))}</t:Name>"
        f"<t:ContentType>{escape(part.get_content_type())}</t:ContentType>"
        + (f"<t:ContentId>{escape(content_id)}</t:ContentId>" if content_id else "")
        + (f"<t:ContentLocation>{escape(location)}</t:ContentLocation>" if location else "")
        + f"<t:Size>{len(payload_of(part))}</t:Size><t:LastModifiedTime>{row['modified']}</t:LastModifiedTime>"
        f"<t:IsInline>{truth(is_inline(part))}</t:IsInline>{inside}</t:{kind}>"
    )


def _attachments(row: Row, rendering: Rendering) -> str:
    if row["body_seed"] is None and row["blob"] is None:
        return ""
    parts = attachment_parts(rendering.message(row))
    if not parts:
        return ""
    keys = attachment_keys(row, len(parts))
    shown = (attachment_xml(row, rendering, part, key) for part, key in zip(parts, keys, strict=False))
    return f"<t:Attachments>{''.join(shown)}</t:Attachments>"


CONTENT_RENDERS: dict[str, Render] = {
    "item:MimeContent": mime_xml,
    "item:Body": _body("Body"),
    "item:UniqueBody": _body("UniqueBody"),
    "item:NormalizedBody": _body("NormalizedBody"),
    "item:TextBody": _text_body,
    "item:Preview": _preview,
    "item:InternetMessageHeaders": _headers,
    "item:Attachments": _attachments,
}
