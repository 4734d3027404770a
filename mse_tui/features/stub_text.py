"""What a person reads of a stub: the banner over a body, the text in a body's place, the page in an attachment's place.

Pure functions of the facts. The HTML is what mail programs agree on: plain tables, styles on the elements, no scripts,
nothing loaded from anywhere, and no colours of text or ground, so that it reads on a light and on a dark one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from mse_tui.exchange.editing import Body
from mse_tui.text import printable, size_text

FIRST_LINES = 6
FIRST_CHARACTERS = 500
_BODY_TAG = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_FONT = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.45"
_BOX = f"width:100%;max-width:640px;border:1px solid #888888;border-collapse:separate;{_FONT}"
_CELL = "padding:8px 12px;text-align:left;vertical-align:top"
_NAME = f"{_CELL};word-break:break-word"
_SIZE = f"{_CELL};white-space:nowrap"


@dataclass(frozen=True, slots=True)
class RemovedAttachment:
    """An attachment that lies in the archive alone."""

    name: str
    content_type: str
    size: int
    link: str
    """Address; '' where there is none."""


@dataclass(frozen=True, slots=True)
class StubFacts:
    """What there is to say about one stub."""

    key: str
    """The archive id."""
    subject: str
    sender: str
    sent: datetime | None
    stubbed: datetime
    first_lines: str
    link: str
    """Address of the whole message; '' where there is none."""
    signs_in: bool
    """Whoever follows a link is asked to sign in."""
    removed: Sequence[RemovedAttachment]


def first_lines(text: str) -> str:
    """The beginning of a message's text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][:FIRST_LINES]
    cut = "\n".join(lines)[:FIRST_CHARACTERS]
    return cut + " ..." if len(cut) < len(" ".join(text.split())) else cut


def with_banner(body: Body, facts: StubFacts) -> Body:
    """A body under a banner that lists what was taken out."""
    if not body.is_html:
        return Body(False, f"{_banner_text(facts)}\n\n{body.text}")
    banner = f"{_banner_html(facts)}<br>\n"
    tag = _BODY_TAG.search(body.text)
    place = tag.end() if tag else 0
    return Body(True, f"{body.text[:place]}{banner}{body.text[place:]}")


def full_stub(facts: StubFacts, *, is_html: bool) -> Body:
    """What takes the place of a body."""
    return Body(True, _page(_full_html(facts))) if is_html else Body(False, _full_text(facts))


def attachment_page(facts: StubFacts, removed: RemovedAttachment) -> bytes:
    """The small page that takes the place of an attachment."""
    rows = [
        _row("File", removed.name),
        _row("Type", removed.content_type),
        _row("Size", size_text(removed.size)),
        _row("Message", facts.subject or "(no subject)"),
        _row("From", facts.sender),
        _row("Sent", _when(facts.sent)),
    ]
    action = _button(removed.link, "Open the file") if removed.link else _ask(facts)
    note = _note(facts) if removed.link else ""
    inner = (
        f'<tr><td colspan="2" style="{_CELL}"><b>This file is in the archive</b></td></tr>{"".join(rows)}'
        f'<tr><td colspan="2" style="{_CELL}">{action}{note}</td></tr>{_key_row(facts)}'
    )
    return _page(_table(inner)).encode()


def _full_html(facts: StubFacts) -> str:
    lines = escape(printable(facts.first_lines, keep_newlines=True)).replace("\n", "<br>")
    quoted = f'<tr><td colspan="2" style="{_CELL}">{lines}</td></tr>' if lines else ""
    action = _button(facts.link, "Open the message") if facts.link else _ask(facts)
    note = _note(facts) if facts.link else ""
    return _table(
        f'<tr><td colspan="2" style="{_CELL}"><b>This message is in the archive</b></td></tr>'
        f"{_row('Subject', facts.subject or '(no subject)')}{_row('From', facts.sender)}"
        f"{_row('Sent', _when(facts.sent))}{quoted}"
        f'<tr><td colspan="2" style="{_CELL}">{action}{note}</td></tr>{_listed_html(facts)}{_key_row(facts)}'
    )


def _full_text(facts: StubFacts) -> str:
    lines = ["This message is in the archive.", ""]
    lines += [f"Subject: {printable(facts.subject or '(no subject)')}", f"From: {printable(facts.sender)}"]
    lines += [f"Sent: {_when(facts.sent)}", ""]
    if facts.first_lines:
        lines += [f"> {printable(line)}" for line in facts.first_lines.splitlines()] + [""]
    lines += [f"Open the message: {facts.link}", *_note_text(facts)] if facts.link else [_ask_text(facts)]
    if facts.removed:
        lines += ["", "Attachments:", *_listed_text(facts)]
    return "\n".join([*lines, "", f"Archive id: {facts.key}", ""])


def _banner_html(facts: StubFacts) -> str:
    link = any(each.link for each in facts.removed)
    ask = "" if link else f'<tr><td colspan="2" style="{_CELL}">{_ask(facts)}</td></tr>'
    note = f'<tr><td colspan="2" style="{_CELL}">{_note(facts)}</td></tr>' if link and facts.signs_in else ""
    return _table(
        f'<tr><td colspan="2" style="{_CELL}"><b>{_banner_title(facts)}</b></td></tr>'
        f"{_listed_html(facts)}{ask}{note}{_key_row(facts)}"
    )


def _banner_text(facts: StubFacts) -> str:
    link = any(each.link for each in facts.removed)
    lines = [f"{_banner_title(facts)}:", *_listed_text(facts)]
    lines += _note_text(facts) if link else [_ask_text(facts)]
    return "\n".join([*lines, f"Archive id: {facts.key}", "-" * 60])


def _banner_title(facts: StubFacts) -> str:
    number = len(facts.removed)
    what = "1 attachment has" if number == 1 else f"{number} attachments have"
    return f"{what} been in the archive since {facts.stubbed:%Y-%m-%d}"


def _listed_html(facts: StubFacts) -> str:
    return "".join(
        f'<tr><td style="{_NAME}">{_linked(each)}</td><td style="{_SIZE}">{size_text(each.size)}</td></tr>'
        for each in facts.removed
    )


def _linked(each: RemovedAttachment) -> str:
    name = escape(printable(each.name))
    return f'<a href="{escape(each.link)}">{name}</a>' if each.link else name


def _listed_text(facts: StubFacts) -> list[str]:
    lines = []
    for each in facts.removed:
        lines.append(f"  {printable(each.name)} ({printable(each.content_type)}, {size_text(each.size)})")
        if each.link:
            lines.append(f"    {each.link}")
    return lines


def _row(title: str, value: str) -> str:
    shown = escape(printable(value))
    return f'<tr><td colspan="2" style="{_NAME}">{title}: {shown}</td></tr>' if value else ""


def _key_row(facts: StubFacts) -> str:
    key = escape(facts.key)
    return f'<tr><td colspan="2" style="{_CELL};font-size:12px;word-break:break-all">Archive id: {key}</td></tr>'


def _button(link: str, text: str) -> str:
    style = "display:inline-block;padding:8px 16px;border:1px solid #888888;text-decoration:underline"
    return f'<a href="{escape(link)}" style="{style}">{text}</a>'


def _note(facts: StubFacts) -> str:
    return "<br>You will be asked to sign in." if facts.signs_in else ""


def _note_text(facts: StubFacts) -> list[str]:
    return ["You will be asked to sign in."] if facts.signs_in else []


def _ask(facts: StubFacts) -> str:
    return escape(_ask_text(facts))


def _ask_text(facts: StubFacts) -> str:
    return f"Ask your mail administrator for it; name the archive id {facts.key}."


def _when(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _table(inner: str) -> str:
    return f'<table role="presentation" cellpadding="0" cellspacing="0" style="{_BOX}">{inner}</table>'


def _page(inner: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>In the archive</title></head>'
        f'<body style="margin:12px;color-scheme:light dark">{inner}</body></html>\n'
    )
