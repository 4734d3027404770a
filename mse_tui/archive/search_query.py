"""What a person looks for, read from one line of text.

Words must all be there, in any of a message's fields; "a phrase" word after word; begin* whatever begins so.
subject: from: to: body: attachment: look in one field; mailbox: in: after: before: say where and when. What follows
an unknown name is looked for as it stands.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mse_tui.archive.search_words import folded, has_words
from mse_tui.reasons import Problem, Reason

LONGEST_QUERY = 1000
"""Characters."""
MOST_TERMS = 50
_TERM = re.compile(r'(?:(?P<name>[A-Za-z]+):)?(?:"(?P<phrase>[^"]*)"?(?P<star>\*?)|(?P<word>[^\s"]\S*))')
_QUOTES = str.maketrans("\u201c\u201d\u201e\u201f\u00ab\u00bb", '""""""')
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


class Field(StrEnum):
    """A part of a message that can be looked in; the value is its column in the index."""

    SUBJECT = "subject"
    FROM = "sender"
    TO = "recipients"
    BODY = "body"
    ATTACHMENT = "attachments"


_FIELDS = {
    "subject": Field.SUBJECT, "from": Field.FROM, "to": Field.TO, "cc": Field.TO, "bcc": Field.TO, "body": Field.BODY,
    "attachment": Field.ATTACHMENT,
}  # fmt: skip
_PLACES = ("mailbox", "in", "after", "before")


@dataclass(frozen=True, slots=True)
class Term:
    """A word, a phrase, or the beginning of either."""

    text: str
    """As the index compares it."""
    field: Field | None = None
    """None: in any."""
    prefix: bool = False

    @property
    def expression(self) -> str:
        """In FTS5's query language; a quoted string is taken apart as the index took the text apart."""
        quoted = '"' + self.text.replace('"', " ") + '"'
        within = f"{self.field} : " if self.field is not None else ""
        return f"{within}{quoted}{' *' if self.prefix else ''}"


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and where."""

    terms: tuple[Term, ...] = ()
    mailbox: str = ""
    """Address, guid or number; '' for all."""
    folder: str = ""
    """A folder's path or the end of one, any case, with all that lies below; '' for all."""
    after: datetime | None = None
    """Received at this time or later."""
    before: datetime | None = None
    """Received before this time."""

    @property
    def is_empty(self) -> bool:
        return self == Query()

    @property
    def expression(self) -> str:
        """In FTS5's query language; '' where there is no term."""
        return " AND ".join(term.expression for term in self.terms)


def parse(text: str) -> Query:
    """Read what a person typed. Raises Problem invalid: no date, nothing to look for in a field, too much."""
    if len(text) > LONGEST_QUERY:
        raise Problem(
            Reason.INVALID, f"What is looked for is longer than {LONGEST_QUERY} characters.", "Look for less."
        )
    terms: list[Term] = []
    places: dict[str, str] = {}
    for match in _TERM.finditer(text.translate(_QUOTES)):
        name = (match["name"] or "").lower()
        _refuse_nothing(match["word"] or "")
        if name in _PLACES:
            places[name] = match["phrase"] if match["phrase"] is not None else match["word"]
        elif (term := _term(match, name)) is not None:
            terms.append(term)
    if len(terms) > MOST_TERMS:
        raise Problem(Reason.INVALID, f"More than {MOST_TERMS} words are looked for.", "Look for fewer.")
    return Query(
        tuple(terms),
        places.get("mailbox", ""),
        places.get("in", "").strip("/"),
        _day(places, "after"),
        _day(places, "before"),
    )


def unknown_field(text: str) -> str:
    """What to say of the first name that stands like a field's and is none; '' where there is none.

    It may well be meant as it stands, as in 're:invoice': so it is said only where nothing was found.
    """
    for match in _TERM.finditer(text.translate(_QUOTES)):
        name, value = match["name"] or "", match["word"] or ""
        if name and name.lower() not in (*_FIELDS, *_PLACES) and not value.startswith("/"):
            fields = " ".join(f"{each}:" for each in (*_FIELDS, *_PLACES))
            return f"{name}: is no field and was looked for as a word; fields are {fields}"
    return ""


def day(text: str) -> datetime | None:
    """The beginning of a day, month or year in this machine's zone; None where the text is neither."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return datetime(int(match[1]), int(match[2] or 1), int(match[3] or 1)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _refuse_nothing(word: str) -> None:
    """'from: ann' would look for both words anywhere."""
    if word.endswith(":") and word[:-1].lower() in (*_FIELDS, *_PLACES):
        raise Problem(Reason.INVALID, f"Nothing stands at {word}", f"Write it without a space: {word}ann, say.")


def _term(match: re.Match[str], name: str) -> Term | None:
    field = _FIELDS.get(name)
    word = match["phrase"] if match["phrase"] is not None else match["word"]
    if name and field is None:
        word = f"{match['name']}:{word}"
    prefix = word.endswith("*") or bool(match["star"])
    text = folded(word).strip()
    return Term(text, field, prefix) if has_words(text) else None


def _day(places: dict[str, str], name: str) -> datetime | None:
    if name not in places:
        return None
    moment = day(places[name])
    if moment is None:
        raise Problem(
            Reason.INVALID,
            f"{name}: needs a date, and {places[name]!r} is none.",
            f"Write {name}:2026-03-01, or a month or a year.",
        )
    return moment
