"""Messages of the practice organisation, generated from a seed: the envelope when populating, the body on demand.

A message is a function of its body seed, a short text. So a million of them take no more room than their envelopes,
and what a client fetches is the same at every fetch and after every restart.
"""

import re
from binascii import b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from math import exp
from statistics import NormalDist
from typing import NamedTuple
from urllib.parse import quote

from mse_tui.sandbox.company import Company, Correspondent, Employee, Language, company
from mse_tui.sandbox.pools import (
    KINDS,
    attachment_pool,
    base64_lines,
    beginning,
    encode_block,
    text_pool,
    transfer_encoding,
)
from mse_tui.sandbox.records import ItemSpec, Person

MEAN_BYTES = 30_000
"""Mean size of a message, unless told otherwise."""

_SPREAD = 1.2
"""Sigma of the log-normal distribution of sizes: median half of the mean, one in a thousand 20 times as large."""
_QUANTILES = 1 << 14
_SMALLEST = 1_200
_PLAIN_ONLY = 5_000
_EVERYBODY = -1
"""Owner of the conversations that everybody gets, the same bytes in each mailbox."""
_EVERYBODYS_LANGUAGE = "de"
_OTHERS = -10
"""Owner of the first of the company's other mailboxes; the next ones are below it."""
_MEETING = "IPM.Schedule.Meeting.Request"
_SIGNED = "IPM.Note.SMIME.MultipartSigned"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Letter(NamedTuple):
    """A generated message and the folder it lies in: a distinguished name, or the path of a folder people made."""

    folder: str | tuple[str, ...]
    spec: ItemSpec


class _Dice:
    """Repeatable choices out of one digest; much cheaper than seeding a random generator for each message."""

    __slots__ = ("_value",)

    def __init__(self, text: str) -> None:
        self._value = int.from_bytes(blake2b(text.encode(), digest_size=64).digest(), "big")

    def below(self, number: int) -> int:
        self._value, choice = divmod(self._value, number)
        return choice

    def chance(self, per_mille: int) -> bool:
        return self.below(1000) < per_mille


@dataclass(frozen=True, slots=True)
class _Conversation:
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
    filed: tuple[str, ...]
    gap: int
    """Minutes between two messages."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """All that both the envelope and the body of a message are made from."""

    conversation: _Conversation
    position: int
    minute: int
    charset: str
    size: int
    attachments: int
    item_class: str
    importance: str
    choice: int
    """For choices within the body."""


class Letters:
    """The messages of one organisation: all from one seed, with one mean size."""

    def __init__(self, seed: int, mean_bytes: int = MEAN_BYTES, of: Company | None = None) -> None:
        self._company = of if of is not None else company()
        self._seed = seed
        self._mean = mean_bytes
        self._sizes = _quantiles(mean_bytes)
        self._others = tuple(self._company.other_mailboxes())
        self._until = int(self._company.until.timestamp()) // 60
        self._conversation = lru_cache(maxsize=512)(self._make_conversation)

    def of_employee(self, index: int, count: int) -> Iterator[Letter]:
        """`count` messages of the n-th person's mailbox, about from the oldest to the youngest."""
        return self._letters(index, self._company.employee(index).language, count)

    def of_other(self, place: int, count: int) -> Iterator[Letter]:
        """`count` messages of the n-th of the company's other mailboxes."""
        return self._letters(_OTHERS - place, self._others[place].language, count)

    def _letters(self, owner: int, code: str, count: int) -> Iterator[Letter]:
        made, conversation = 0, 0
        while made < count:
            everybody = conversation % 40 == 39
            key = conversation // 40 if everybody else conversation
            whose, tongue = (_EVERYBODY, _EVERYBODYS_LANGUAGE) if everybody else (owner, code)
            dice = _Dice(f"{self._seed} {whose} {key}")
            length = 1 if everybody else (1, 1, 1, 2, 2, 3, 3, 4, 5, 7)[dice.below(10)]
            minute = self._begins(key, dice) if everybody else self._minute(made, count, dice)
            for position in range(min(length, count - made)):
                seed = f"L1|{self._seed}|{self._mean}|{whose}|{tongue}|{key}|{position}|{minute}"
                yield self._letter(seed, owner, code)
            made += min(length, count - made)
            conversation += 1

    def arrival(self, owner: int, code: str, number: int, moment: datetime) -> Letter:
        """A new message in a mailbox after it was filled: the first of conversation `number`, about at this moment."""
        minute = int(moment.timestamp()) // 60
        return self._letter(f"L1|{self._seed}|{self._mean}|{owner}|{code}|{number}|0|{minute}", owner, code)

    def render(self, body_seed: str) -> bytes:
        """The MIME of a message from its body seed."""
        return _mime(self._draft(body_seed), self._company.domain)

    def _minute(self, made: int, count: int, dice: _Dice) -> int:
        """When a conversation begins: in working hours mostly, evenly over the years."""
        span = self._company.years * 365 - 40
        day = self._until // 1440 - 40 - span + (made * span) // count
        if (day + 3) % 7 >= 5 and not dice.chance(150):
            day -= 2
        return day * 1440 + 390 + dice.below(690)

    def _begins(self, key: int, dice: _Dice) -> int:
        span = self._company.years * 365 - 40
        return (self._until // 1440 - 40 - (key * 11) % span) * 1440 + 480 + dice.below(300)

    def _make_conversation(self, owner: int, code: str, key: int) -> _Conversation:
        dice = _Dice(f"{self._seed} {owner} {code} {key} who")
        listed, outside = self._company.listed, self._company.correspondents
        group = None
        spam = False
        other: Employee | Correspondent
        if owner == _EVERYBODY:
            people = [listed[(0, 7, 8, 15)[dice.below(4)]].person]
            everyone = next(group for group in self._company.groups() if group.everyone)
            group = Person(everyone.name, everyone.address)
        else:
            mine = self._owner(owner)
            other = outside[dice.below(len(outside))] if dice.chance(450) else listed[dice.below(len(listed))]
            spam = isinstance(other, Correspondent) and other.spam
            code = other.language if dice.chance(600) or spam else code
            people = [other.person, mine] if spam or dice.chance(600) else [mine, other.person]
            people += [listed[dice.below(len(listed))].person for _ in range((0, 0, 0, 1, 1, 2)[dice.below(6)])]
            people = list(dict.fromkeys(people))
            if len(people) == 1:
                people.append(outside[0].person)
        words = self._company.languages[code]
        numbers = {"number": 20_000 + dice.below(9_000), "small": 2 + dice.below(27), "year": 2024 + dice.below(4)}
        project = words.projects[dice.below(len(words.projects))]
        return _Conversation(
            key=f"{self._seed}.{owner}.{key}",
            language=words,
            subject=words.subjects[dice.below(len(words.subjects))].format(project=project, **numbers),
            people=tuple(people),
            group=group,
            private=("Private", "Personal", "Private", "Confidential")[dice.below(4)] if dice.chance(25) else "Normal",
            spam=spam,
            project=project,
            document=words.documents[dice.below(len(words.documents))].format(**numbers),
            filed=("filed",) if owner != _EVERYBODY and dice.chance(450) else (),
            gap=7 + dice.below(2_000),
        )

    def _owner(self, owner: int) -> Person:
        if owner <= _OTHERS:
            other = self._others[_OTHERS - owner]
            return Person(other.name, other.address)
        return self._company.employee(owner).person

    def _draft(self, body_seed: str) -> _Draft:
        _, _, _, owner, code, key, position, minute = body_seed.split("|")
        conversation = self._conversation(int(owner), code, int(key))
        dice = _Dice(f"{conversation.key} {position}")
        size = max(_SMALLEST, self._sizes[dice.below(_QUANTILES)])
        attachments = 0
        if size > 40_000 or (size > 8_000 and dice.chance(120)):
            attachments = (1, 1, 1, 2, 2, 3)[dice.below(6)]
        item_class = "IPM.Note"
        special = dice.below(1000)
        if conversation.group is None and special < 15:
            item_class, attachments = _MEETING, 0
        elif conversation.group is None and special < 22:
            item_class = _SIGNED
        elif conversation.group is None and special < 27:
            item_class, attachments = "IPM.Note.EnterpriseVault.Shortcut", 0
        return _Draft(
            conversation=conversation,
            position=int(position),
            minute=int(minute) + int(position) * conversation.gap,
            charset=conversation.language.charsets[dice.below(3)],
            size=size,
            attachments=attachments,
            item_class=item_class,
            importance=("High", "High", "High", "Low")[dice.below(4)] if dice.chance(45) else "Normal",
            choice=dice.below(1 << 62),
        )

    def _letter(self, body_seed: str, owner: int, code: str) -> Letter:
        draft = self._draft(body_seed)
        conversation = draft.conversation
        sender, to, cc = _addressed(draft)
        dice = _Dice(f"{body_seed} {owner} state")
        age = self._until - draft.minute
        mine = sender == self._owner(owner)
        sent = datetime.fromtimestamp(draft.minute * 60 + draft.choice % 60, UTC)
        words = self._company.languages[code]
        spec = ItemSpec(
            subject=_subject(draft),
            item_class=draft.item_class,
            sender=sender,
            to=to,
            cc=cc,
            received=sent + timedelta(seconds=1 + draft.choice % 9),
            sent=sent,
            message_id=_message_id(conversation, draft.position, self._company.domain),
            in_reply_to=_message_id(conversation, draft.position - 1, self._company.domain) if draft.position else "",
            references=" ".join(_references(draft, self._company.domain)),
            size=draft.size,
            body_seed=body_seed,
            is_read=mine or not dice.chance(400 if age < 60 * 24 * 60 else 30),
            flag=("Flagged", "Flagged", "Complete")[dice.below(3)] if dice.chance(50) else "NotFlagged",
            categories=(words.categories[dice.below(len(words.categories))],) if dice.chance(80) else (),
            importance=draft.importance,
            sensitivity=conversation.private,
            has_attachments=draft.attachments > 0,
        )
        return Letter(_folder(draft, words, dice, mine=mine), spec)


def render(body_seed: str) -> bytes:
    """The MIME of a generated message, whatever organisation it belongs to. Raises ValueError for a foreign seed."""
    try:
        kind, seed, mean, _ = body_seed.split("|", 3)
        if kind != "L1":
            raise ValueError(kind)
        letters = _letters(int(seed), int(mean))
    except ValueError as error:
        raise ValueError(f"not a body seed: {body_seed!r}") from error
    return letters.render(body_seed)


_letters = lru_cache(maxsize=8)(Letters)


@cache
def _quantiles(mean: int) -> tuple[int, ...]:
    """Sizes at evenly spaced quantiles of a log-normal distribution; their mean is `mean`."""
    normal = NormalDist()
    sizes = [exp(_SPREAD * normal.inv_cdf((step + 0.5) / _QUANTILES)) for step in range(_QUANTILES)]
    factor = mean * _QUANTILES / sum(sizes)
    return tuple(int(size * factor) for size in sizes)


def _folder(draft: _Draft, words: Language, dice: _Dice, *, mine: bool) -> str | tuple[str, ...]:
    fate = dice.below(1000)
    if draft.conversation.spam:
        return "junkemail" if fate < 900 else "inbox"
    if fate < 60:
        return "deleteditems"
    if fate < 66 and mine:
        return "drafts"
    if draft.conversation.filed and (not mine or fate > 700):
        return words.paths[_Dice(draft.conversation.key).below(len(words.paths))]
    return "sentitems" if mine else "inbox"


def _addressed(draft: _Draft) -> tuple[Person, list[Person], list[Person]]:
    """Sender, To and Cc: the people of the conversation answer each other in turn."""
    people = draft.conversation.people
    sender = people[draft.position % len(people)]
    if draft.conversation.group is not None:
        return sender, [draft.conversation.group], []
    others = [person for person in people if person != sender]
    return sender, others[:2], others[2:]


def _subject(draft: _Draft) -> str:
    return f"RE: {draft.conversation.subject}" if draft.position else draft.conversation.subject


def _message_id(conversation: _Conversation, position: int, domain: str) -> str:
    digest = blake2b(f"{conversation.key}#{position}".encode(), digest_size=14).hexdigest()
    return f"<{digest}@{domain}>"


def _references(draft: _Draft, domain: str) -> list[str]:
    return [_message_id(draft.conversation, position, domain) for position in range(draft.position)]


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


def _headers(draft: _Draft, domain: str) -> list[str]:
    conversation = draft.conversation
    sender, to, cc = _addressed(draft)
    second = draft.choice % 60
    server = f"ex{1 + draft.choice % 3:02d}.{domain}"
    late = second + 1 + draft.choice % 9
    lines = [
        f"Received: from {server} (10.20.{draft.choice % 200}.7) by mbx.{domain}\r\n with Microsoft SMTP Server;"
        f" {_date(draft.minute, late)}",
        f"From: {_mailbox(sender)}",
        f"To: {_comma(to)}",
        *([f"Cc: {_comma(cc)}"] if cc else []),
        f"Subject: {encoded_words(_subject(draft))}",
        f"Thread-Topic: {encoded_words(conversation.subject)}",
        f"Date: {_date(draft.minute, second)}",
        f"Message-ID: {_message_id(conversation, draft.position, domain)}",
    ]
    if draft.position:
        references = _references(draft, domain)
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


def _mime(draft: _Draft, domain: str) -> bytes:
    boundary = f"{draft.choice:016x}"
    texts = max(700, draft.size - 1_100)
    if draft.attachments:
        texts = min(texts // 3, 2_500 + draft.choice % 9_000)
    body = _body(draft, texts, f"_000_{boundary}_")
    head = "\r\n".join(_headers(draft, domain)).encode()
    if draft.item_class == _SIGNED:
        rest = [_signature(draft)]
        kind = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256'
    elif draft.attachments:
        each = max(900, (draft.size - texts - 1_100) // draft.attachments)
        rest = [_attachment(draft, number, each) for number in range(draft.attachments)]
        kind = "multipart/mixed"
    else:
        return b"".join((head, b"\r\n", body))
    if draft.item_class == _SIGNED and draft.attachments:
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


def _body(draft: _Draft, size: int, boundary: str) -> bytes:
    if draft.item_class == _MEETING:
        return _multipart("multipart/alternative", boundary, [_text(draft, min(size, 3_000)), _invitation(draft)])
    if size < _PLAIN_ONLY:
        return _text(draft, size)
    parts = [_text(draft, size // 3), _text(draft, size - size // 3, html=True)]
    return _multipart("multipart/alternative", boundary, parts)


def _text(draft: _Draft, size: int, *, html: bool = False) -> bytes:
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


def _attachment(draft: _Draft, number: int, size: int) -> bytes:
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


def _signature(draft: _Draft) -> bytes:
    head = (
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b'Content-Disposition: attachment; filename="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head + attachment_pool().cut(draft.choice >> 10, 2_000)


def _invitation(draft: _Draft) -> bytes:
    start = datetime.fromtimestamp((draft.minute // 60 + 48) * 3600, UTC)
    sender, to, cc = _addressed(draft)
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
