"""The MIME of generated messages: headers from what the envelope is made from, bodies cut from prepared pools."""

import re
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from urllib.parse import quote

from mse_tui.sandbox.company import Language, company
from mse_tui.sandbox.pools import (
    KINDS,
    attachment_pool,
    base64_lines,
    beginning,
    encode_block,
    text_pool,
    transfer_encoding,
)
from mse_tui.sandbox.records import Person

_PLAIN_ONLY = 5_000
MEETING = "IPM.Schedule.Meeting.Request"
SIGNED = "IPM.Note.SMIME.MultipartSigned"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the messages of a thread have in common."""

    key: str
    language: Language
    subject: str
    people: tuple[Person, ...]
    """The first one began it."""
    group: Person | None
    """Recipient of what goes to everybody."""
    private: str
    spam: bool
    project: str
    document: str
    filed: bool
    """Those who get it put it into a folder of their own."""
    gap: int
    """Minutes between two messages."""


@dataclass(frozen=True, slots=True)
class Draft:
    """All that both the envelope and the body of a message are made from."""

    conversation: Conversation
    position: int
    minute: int
    charset: str
    size: int
    attachments: int
    item_class: str
    importance: str
    choice: int
    """For choices within the body."""


def addressed(draft: Draft) -> tuple[Person, list[Person], list[Person]]:
    """Sender, To and Cc: the people of the conversation answer each other in turn."""
    people = draft.conversation.people
    sender = people[draft.position % len(people)]
    if draft.conversation.group is not None:
        return sender, [draft.conversation.group], []
    others = [person for person in people if person != sender]
    return sender, others[:2], others[2:]


def subject_of(draft: Draft) -> str:
    """The subject, with 'RE: ' where it answers another message."""
    return f"RE: {draft.conversation.subject}" if draft.position else draft.conversation.subject


def message_id_of(conversation: Conversation, position: int, domain: str) -> str:
    """The Message-ID of the message at a position of a conversation."""
    digest = blake2b(f"{conversation.key}#{position}".encode(), digest_size=14).hexdigest()
    return f"<{digest}@{domain}>"


def references_of(draft: Draft, domain: str) -> list[str]:
    """The Message-IDs of all messages before it in its conversation."""
    return [message_id_of(draft.conversation, position, domain) for position in range(draft.position)]


@lru_cache(maxsize=4096)
def encoded_words(text: str) -> str:
    """Header text as RFC 2047 has it; folded where it needs more than one word."""
    if text.isascii():
        return text
    words, part = [], ""
    for ch in text:
        if len((part + ch).encode()) > 42:
            words.append(part)
            part = ""
        part += ch
    return "\r\n ".join(f"=?utf-8?B?{base64_lines(word.encode()).decode().strip()}?=" for word in [*words, part])


@lru_cache(maxsize=4096)
def _mailbox(person: Person) -> str:
    name = person.name
    if name.isascii():
        name = f'"{name}"' if re.search(r"[^\w ]", name) else name
    return f"{encoded_words(name)} <{person.address}>"


def _date(minute: int, second: int) -> str:
    moment = datetime.fromtimestamp(minute * 60 + second, UTC)
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
        f" {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} +0000"
    )


def _headers(draft: Draft, domain: str) -> list[str]:
    conversation = draft.conversation
    sender, to, cc = addressed(draft)
    second = draft.choice % 60
    server = f"ex{1 + draft.choice % 3:02d}.{domain}"
    late = second + 1 + draft.choice % 9
    lines = [
        f"Received: from {server} (10.20.{draft.choice % 200}.7) by mbx.{domain}\r\n with Microsoft SMTP Server;"
        f" {_date(draft.minute, late)}",
        f"From: {_mailbox(sender)}",
        f"To: {_comma(to)}",
        *([f"Cc: {_comma(cc)}"] if cc else []),
        f"Subject: {encoded_words(subject_of(draft))}",
        f"Thread-Topic: {encoded_words(conversation.subject)}",
        f"Date: {_date(draft.minute, second)}",
        f"Message-ID: {message_id_of(conversation, draft.position, domain)}",
    ]
    if draft.position:
        references = references_of(draft, domain)
        lines += [f"In-Reply-To: {references[-1]}", f"References: {_fold(references)}"]
    if draft.importance != "Normal":
        lines += [f"Importance: {draft.importance}", f"X-Priority: {1 if draft.importance == 'High' else 5}"]
    if conversation.private != "Normal":
        word = "Company-Confidential" if conversation.private == "Confidential" else conversation.private
        lines.append(f"Sensitivity: {word}")
    lines += [
        f"Accept-Language: {conversation.language.code}, en",
        f"Content-Language: {conversation.language.code}",
        f"X-MS-Has-Attach: {'yes' if draft.attachments else ''}",
        "MIME-Version: 1.0",
    ]
    return lines


def _comma(people: list[Person]) -> str:
    return ",\r\n ".join(map(_mailbox, people))


def _fold(ids: list[str]) -> str:
    return "\r\n ".join(ids)


def letter_mime(draft: Draft, domain: str) -> bytes:
    """A whole message."""
    boundary = f"{draft.choice:016x}"
    texts = max(700, draft.size - 1_100)
    if draft.attachments:
        texts = min(texts // 3, 2_500 + draft.choice % 9_000)
    body = _body(draft, texts, f"_000_{boundary}_")
    head = "\r\n".join(_headers(draft, domain)).encode()
    if draft.item_class == SIGNED:
        rest = [_signature(draft)]
        kind = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256'
    elif draft.attachments:
        each = max(900, (draft.size - texts - 1_100) // draft.attachments)
        rest = [_attachment(draft, number, each) for number in range(draft.attachments)]
        kind = "multipart/mixed"
    else:
        return b"".join((head, b"\r\n", body))
    if draft.item_class == SIGNED and draft.attachments:
        inner = [_attachment(draft, number, max(900, draft.size // 2)) for number in range(draft.attachments)]
        body = _multipart("multipart/mixed", f"_005_{boundary}_", [body, *inner])
    return b"".join((head, b"\r\n", _multipart(kind, f"_004_{boundary}_", [body, *rest])))


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    """An entity from its `Content-Type` on; each part begins with its own headers and ends in CRLF."""
    line = f"--{boundary}".encode()
    whole = [f'Content-Type: {kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()]
    for part in parts:
        whole += [line, b"\r\n", part, b"\r\n"]
    whole += [line, b"--\r\n"]
    return b"".join(whole)


def _body(draft: Draft, size: int, boundary: str) -> bytes:
    if draft.item_class == MEETING:
        return _multipart("multipart/alternative", boundary, [_text(draft, min(size, 3_000)), _invitation(draft)])
    if size < _PLAIN_ONLY:
        return _text(draft, size)
    parts = [_text(draft, size // 3), _text(draft, size - size // 3, html=True)]
    return _multipart("multipart/alternative", boundary, parts)


def _text(draft: Draft, size: int, *, html: bool = False) -> bytes:
    words, charset = draft.conversation.language, draft.charset
    encoding = transfer_encoding(words.code, charset)
    sender = draft.conversation.people[draft.position % len(draft.conversation.people)]
    first, last = _frame(words.code, charset, html=html)
    name = sender.name if _encodable(sender.name, charset) else sender.address
    signed = f"<p>{name}<br>\r\n{draft.conversation.project}</p>\r\n</body></html>\r\n" if html else f"{name}\r\n"
    if not _encodable(signed, charset):
        signed = "</body></html>\r\n" if html else "\r\n"
    end = encode_block(signed, charset, encoding, last=True)
    kind = f'Content-Type: text/{"html" if html else "plain"}; charset="{charset}"\r\n'
    head = f"{kind}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    room = size - len(head) - len(first) - len(last) - len(end)
    middle = text_pool(words.code, charset, html=html).cut(draft.choice >> 8, room)
    return b"".join((head, first, middle, last, end))


@cache
def _frame(code: str, charset: str, *, html: bool) -> tuple[bytes, bytes]:
    """The first and the last block of a text: greeting and goodbye."""
    words = company().languages[code]
    encoding = transfer_encoding(code, charset)
    first, last = f"{words.greeting}\r\n\r\n", f"{words.goodbye}\r\n\r\n"
    if html:
        direction = ' dir="rtl"' if code == "he" else ""
        meta = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">'
        first = f"<html{direction}><head>{meta}</head>\r\n<body>\r\n<p>{words.greeting}</p>\r\n"
        last = f"<p>{words.goodbye}</p>\r\n"
    return encode_block(first, charset, encoding), encode_block(last, charset, encoding)


@lru_cache(maxsize=4096)
def _encodable(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _attachment(draft: Draft, number: int, size: int) -> bytes:
    kind = (draft.choice >> (4 + number)) % len(KINDS)
    suffix, content_type, _ = KINDS[kind]
    name = f"{draft.conversation.document}{'' if number == 0 else f' ({number + 1})'}.{suffix}"
    head = (
        f"Content-Type: {content_type};\r\n {_parameter('name', name)}\r\n"
        f"Content-Disposition: attachment;\r\n {_parameter('filename', name)}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    return head + beginning(kind) + attachment_pool().cut((draft.choice >> 12) + number * 997, size - len(head))


def _parameter(key: str, value: str) -> str:
    return f'{key}="{value}"' if value.isascii() else f"{key}*=utf-8''{quote(value)}"


def _signature(draft: Draft) -> bytes:
    head = (
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b'Content-Disposition: attachment; filename="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head + attachment_pool().cut(draft.choice >> 10, 2_000)


def _invitation(draft: Draft) -> bytes:
    start = datetime.fromtimestamp((draft.minute // 60 + 48) * 3600, UTC)
    sender, to, cc = addressed(draft)
    lines = [
        "BEGIN:VCALENDAR",
        "METHOD:REQUEST",
        "PRODID:Microsoft Exchange Server 2010",
        "VERSION:2.0",
        "BEGIN:VEVENT",
        f"ORGANIZER;CN={sender.name}:MAILTO:{sender.address}",
        *(f"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:MAILTO:{one.address}" for one in [*to, *cc]),
        f"SUMMARY:{draft.conversation.subject.replace(',', chr(92) + ',')}",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        f"UID:{draft.conversation.key}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    head = b'Content-Type: text/calendar; charset="utf-8"; method=REQUEST\r\n'
    text = "\r\n".join(lines).encode()
    return head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b2a_qp(text, istext=True)
